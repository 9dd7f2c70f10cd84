//! The job that takes a volume from a running guest.
//!
//! The guest must let go of it. One that does not keeps it: the attachment is `attached` again.

use std::sync::Weak;

use async_trait::async_trait;
use base::AttachmentId;
use jobs::{Failure, Step, StepContext, StepError, StepOutcome};
use meta::Change;
use model::AttachmentStatus;
use serde::{Deserialize, Serialize};

use super::attach_job::undone;
use crate::{
    Control,
    worker::{JOB, RegionJob, control, store_step, subject},
};

pub(crate) const KIND: &str = "volume_detach";

/// Detaches a volume.
pub(crate) struct DetachJob;

#[derive(Serialize, Deserialize)]
pub(crate) struct State {}

#[async_trait]
impl RegionJob for DetachJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        vec![
            Box::new(Unplug { region: Weak::clone(region) }),
            Box::new(Gone { region: Weak::clone(region) }),
        ]
    }

    /// The guest has it still, or again.
    async fn on_failed(
        region: &Weak<Control>,
        cx: &StepContext,
        _: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = control(region)?;
        let id: AttachmentId = subject(cx)?;
        tracing::warn!(attachment = %id, code = %failure.code, why = %failure.message, "not detached");
        let (from, to) = (AttachmentStatus::Detaching, AttachmentStatus::Attached);
        region.attachment_settle(cx, &id, from, to).await
    }
}

/// Takes the volume from the guest and closes it. From here on it only goes.
struct Unplug {
    region: Weak<Control>,
}

#[async_trait]
impl Step<State> for Unplug {
    fn name(&self) -> &'static str {
        "unplug"
    }

    fn commits(&self) -> bool {
        true
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region = control(&self.region)?;
        region.attachment_unplug(&subject(cx)?, AttachmentStatus::Detaching).await
    }

    async fn undo(&self, cx: &StepContext, _: &mut State) -> Result<(), StepError> {
        cx.heartbeat().await?;
        let region = control(&self.region)?;
        undone(region.attachment_plug(&subject(cx)?, AttachmentStatus::Detaching).await?)
    }
}

/// Removes the attachment.
struct Gone {
    region: Weak<Control>,
}

#[async_trait]
impl Step<State> for Gone {
    fn name(&self) -> &'static str {
        "gone"
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        let (region, id) = (control(&self.region)?, subject(cx)?);
        let (status, none) = (AttachmentStatus::Detaching, Change::default());
        let gone = region.store().attachment_gone(JOB, cx.fence(), &id, status, none).await;
        gone.map_err(store_step)?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
