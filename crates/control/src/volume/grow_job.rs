//! The job that shows a running guest that its volume has grown.
//!
//! The row has the new size already, and whoever opens the write layer grows it: only what serves
//! a guest now is told here. So there is no way back, and a guest that cannot be told sees the new
//! size at its next start.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use base::VolumeId;
use compute::ComputeError;
use jobs::{Failure, Step, StepContext, StepError, StepOutcome};
use meta::StoreError;
use model::{AttachmentStatus, AttachmentView, InstanceStatus, Volume, VolumeStatus};
use serde::{Deserialize, Serialize};

use crate::{
    Control,
    instance::compute_step,
    worker::{JOB, RegionJob, control, storage_step, store_step, subject},
};

pub(crate) const KIND: &str = "volume_grow";

/// How soon an instance on its way, or one whose turn another job has, is looked at again.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Shows a guest its grown volume.
pub(crate) struct GrowJob;

#[derive(Serialize, Deserialize)]
pub(crate) struct State {}

#[async_trait]
impl RegionJob for GrowJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        vec![
            Box::new(Show { region: Weak::clone(region) }),
            Box::new(Available { region: Weak::clone(region) }),
        ]
    }

    async fn on_failed(
        region: &Weak<Control>,
        cx: &StepContext,
        _: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let id = subject(cx)?;
        tracing::warn!(
            volume = %id, code = %failure.code, why = %failure.message,
            "the guest was not shown its grown volume: its next start shows it"
        );
        shown(&*control(region)?, &id).await
    }
}

/// The volume is available again.
async fn shown(region: &Control, id: &VolumeId) -> Result<(), StepError> {
    region.volume_settle(id, VolumeStatus::Updating, VolumeStatus::Available).await
}

/// Grows what is served, and shows it.
struct Show {
    region: Weak<Control>,
}

#[async_trait]
impl Step<State> for Show {
    fn name(&self) -> &'static str {
        "show"
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region: Arc<Control> = control(&self.region)?;
        let view = match region.store().volume_any(JOB, &subject(cx)?).await {
            Ok(view) => view,
            Err(StoreError::NotFound { .. }) => return Ok(StepOutcome::Done),
            Err(error) => return Err(store_step(error)),
        };
        let Some(attached) = view.attachments.first() else { return Ok(StepOutcome::Done) };
        if view.volume.status != VolumeStatus::Updating {
            return Ok(StepOutcome::Done);
        }
        match attached.instance_status {
            InstanceStatus::Running => region.grown_show(&view.volume, attached).await,
            InstanceStatus::Stopped | InstanceStatus::Failed | InstanceStatus::Deleting => {
                Ok(StepOutcome::Done)
            }
            InstanceStatus::Pending
            | InstanceStatus::Restarting
            | InstanceStatus::Starting
            | InstanceStatus::Stopping => Ok(StepOutcome::Wait(LOOK_AGAIN)),
        }
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}

impl Control {
    /// Moves a volume from the status of a job. A repeat changes nothing, and one that was moved
    /// or went meanwhile stays as it is.
    pub(super) async fn volume_settle(
        &self,
        id: &VolumeId,
        from: VolumeStatus,
        to: VolumeStatus,
    ) -> Result<(), StepError> {
        match self.store().volume_status_set(JOB, id, from, to).await {
            Ok(()) | Err(StoreError::Changed { .. } | StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(store_step(error)),
        }
    }

    async fn grown_show(
        &self,
        volume: &Volume,
        attached: &AttachmentView,
    ) -> Result<StepOutcome, StepError> {
        let attachment = &attached.attachment;
        let Some(_turn) = self.turns.take(&attachment.instance) else {
            return Ok(StepOutcome::Wait(LOOK_AGAIN));
        };
        match attachment.status {
            AttachmentStatus::Attached => {}
            AttachmentStatus::Attaching | AttachmentStatus::Detaching => {
                return Ok(StepOutcome::Wait(LOOK_AGAIN));
            }
            AttachmentStatus::Deleting => return Ok(StepOutcome::Done),
        }
        if self.parts.hypervisor.info().needs_export {
            let storage = &self.parts.storage;
            storage.export_grow(volume).await.map_err(storage_step)?;
        }
        let (instance, disk) = (&attachment.instance, attachment.id.as_str());
        match self.parts.hypervisor.disk_grow(instance, disk, volume.capacity).await {
            Ok(()) => Ok(StepOutcome::Done),
            // It may have been stopped since: the next look tells.
            Err(error @ ComputeError::NotRunning { .. }) => {
                Err(StepError::retry("compute_unavailable", error.to_string()))
            }
            Err(error) => Err(compute_step(&error)),
        }
    }
}

/// Says that it is available.
struct Available {
    region: Weak<Control>,
}

#[async_trait]
impl Step<State> for Available {
    fn name(&self) -> &'static str {
        "available"
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        shown(&*control(&self.region)?, &subject(cx)?).await?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
