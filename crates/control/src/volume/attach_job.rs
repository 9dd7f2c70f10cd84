//! The job that gives a volume to a running guest.
//!
//! An instance that is stopped meanwhile needs nothing of it: its next start serves what is
//! attached.

use std::{
    ops::ControlFlow,
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use base::AttachmentId;
use jobs::{Failure, Step, StepContext, StepError, StepOutcome};
use meta::{Change, StoreError};
use model::{AttachmentStatus, AttachmentView, InstanceStatus, Outcome};
use serde::{Deserialize, Serialize};

use super::grow_job::LOOK_AGAIN;
use crate::{
    Control,
    instance::{Turn, compute_step},
    worker::{JOB, RegionJob, control, storage_step, store_step, subject},
};

pub(crate) const KIND: &str = "volume_attach";

/// Attaches a volume.
pub(crate) struct AttachJob;

#[derive(Serialize, Deserialize)]
pub(crate) struct State {}

#[async_trait]
impl RegionJob for AttachJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        vec![
            Box::new(Plug { region: Weak::clone(region) }),
            Box::new(Attached { region: Weak::clone(region) }),
        ]
    }

    /// The guest does not have it: the volume is unattached.
    async fn on_failed(
        region: &Weak<Control>,
        cx: &StepContext,
        _: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = control(region)?;
        let id = subject(cx)?;
        tracing::warn!(attachment = %id, code = %failure.code, why = %failure.message, "not attached");
        let change = region.attachment_failure(&id, "create").await?;
        let gone = region.store().attachment_gone(
            JOB,
            cx.fence(),
            &id,
            AttachmentStatus::Attaching,
            change,
        );
        gone.await.map_err(store_step)
    }
}

impl Control {
    /// An attachment that may be gone with its instance.
    pub(super) async fn attachment_there(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<AttachmentView>, StepError> {
        match self.store().attachment_any(JOB, id).await {
            Ok(view) => Ok(Some(view)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(store_step(error)),
        }
    }

    /// Moves an attachment from the status of its job. A repeat changes nothing, and one that its
    /// instance takes along stays as it is.
    pub(super) async fn attachment_settle(
        &self,
        cx: &StepContext,
        id: &AttachmentId,
        from: AttachmentStatus,
        to: AttachmentStatus,
    ) -> Result<(), StepError> {
        match self.store().attachment_status_set(JOB, cx.fence(), id, from, to).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(StoreError::Changed { kind: "volume attachment", .. }) => Ok(()),
            Err(error) => Err(store_step(error)),
        }
    }

    /// The event of a failure; none when the attachment is gone.
    pub(super) async fn attachment_failure(
        &self,
        id: &AttachmentId,
        verb: &str,
    ) -> Result<Change, StepError> {
        let Some(found) = self.attachment_there(id).await? else { return Ok(Change::default()) };
        let instance = &found.attachment.instance;
        let view = self.store().instance_any(JOB, instance).await.map_err(store_step)?;
        let action = match verb {
            "create" => "is.instance.volume-attachment.create",
            _ => "is.instance.volume-attachment.delete",
        };
        let (head, zone) = (&view.instance.head, view.instance.zone.as_str());
        Ok(self.region_change(action, Outcome::Failure, "instance", head, zone, Vec::new()))
    }

    /// An attachment that has this status still, with the turn of its instance; else what the step
    /// is to answer.
    async fn attachment_turn(
        &self,
        id: &AttachmentId,
        status: AttachmentStatus,
    ) -> Result<ControlFlow<StepOutcome, (AttachmentView, Turn)>, StepError> {
        let done = ControlFlow::Break(StepOutcome::Done);
        let Some(view) = self.attachment_there(id).await? else { return Ok(done) };
        let Some(turn) = self.turns.take(&view.attachment.instance) else {
            return Ok(ControlFlow::Break(StepOutcome::Wait(LOOK_AGAIN)));
        };
        // Read again: what it was before the turn does not count.
        Ok(match self.attachment_there(id).await? {
            Some(view) if view.attachment.status == status => ControlFlow::Continue((view, turn)),
            _ => done,
        })
    }

    /// Serves the volume of an attachment and gives it to the guest, if there is one. Nothing is
    /// left served that no guest has.
    pub(super) async fn attachment_plug(
        &self,
        id: &AttachmentId,
        status: AttachmentStatus,
    ) -> Result<StepOutcome, StepError> {
        let (view, _turn) = match self.attachment_turn(id, status).await? {
            ControlFlow::Continue(mine) => mine,
            ControlFlow::Break(outcome) => return Ok(outcome),
        };
        let attachment = &view.attachment;
        match view.instance_status {
            InstanceStatus::Running => {
                let disk = self.disk_export(attachment).await?;
                let added = self.parts.hypervisor.disk_add(&attachment.instance, disk).await;
                added.map_err(|error| compute_step(&error))?;
                Ok(StepOutcome::Done)
            }
            InstanceStatus::Stopped => {
                let volume = attachment.volume.as_str();
                self.parts.storage.unexport(volume).await.map_err(storage_step)?;
                Ok(StepOutcome::Done)
            }
            InstanceStatus::Failed | InstanceStatus::Deleting => Ok(StepOutcome::Done),
            InstanceStatus::Pending
            | InstanceStatus::Restarting
            | InstanceStatus::Starting
            | InstanceStatus::Stopping => Ok(StepOutcome::Wait(LOOK_AGAIN)),
        }
    }

    /// Takes the volume of an attachment from the guest, if there is one, and closes it.
    pub(super) async fn attachment_unplug(
        &self,
        id: &AttachmentId,
        status: AttachmentStatus,
    ) -> Result<StepOutcome, StepError> {
        let (view, _turn) = match self.attachment_turn(id, status).await? {
            ControlFlow::Continue(mine) => mine,
            ControlFlow::Break(outcome) => return Ok(outcome),
        };
        let attachment = &view.attachment;
        match view.instance_status {
            InstanceStatus::Running => {
                let (instance, disk) = (&attachment.instance, attachment.id.as_str());
                let removed = self.parts.hypervisor.disk_remove(instance, disk).await;
                removed.map_err(|error| compute_step(&error))?;
            }
            InstanceStatus::Stopped => {}
            InstanceStatus::Failed | InstanceStatus::Deleting => return Ok(StepOutcome::Done),
            InstanceStatus::Pending
            | InstanceStatus::Restarting
            | InstanceStatus::Starting
            | InstanceStatus::Stopping => return Ok(StepOutcome::Wait(LOOK_AGAIN)),
        }
        let volume = attachment.volume.as_str();
        self.parts.storage.unexport(volume).await.map_err(storage_step)?;
        Ok(StepOutcome::Done)
    }
}

/// An undo has no way to wait but to be tried again.
pub(super) fn undone(outcome: StepOutcome) -> Result<(), StepError> {
    match outcome {
        StepOutcome::Done => Ok(()),
        StepOutcome::Wait(_) => {
            Err(StepError::retry("instance_busy", "the instance is on its way"))
        }
    }
}

/// Serves the volume and gives it to the guest.
struct Plug {
    region: Weak<Control>,
}

#[async_trait]
impl Step<State> for Plug {
    fn name(&self) -> &'static str {
        "plug"
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region: Arc<Control> = control(&self.region)?;
        region.attachment_plug(&subject(cx)?, AttachmentStatus::Attaching).await
    }

    async fn undo(&self, cx: &StepContext, _: &mut State) -> Result<(), StepError> {
        cx.heartbeat().await?;
        let region = control(&self.region)?;
        undone(region.attachment_unplug(&subject(cx)?, AttachmentStatus::Attaching).await?)
    }
}

/// Says that it is attached.
struct Attached {
    region: Weak<Control>,
}

#[async_trait]
impl Step<State> for Attached {
    fn name(&self) -> &'static str {
        "attached"
    }

    fn commits(&self) -> bool {
        true
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        let region = control(&self.region)?;
        let (from, to) = (AttachmentStatus::Attaching, AttachmentStatus::Attached);
        region.attachment_settle(cx, &subject(cx)?, from, to).await?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
