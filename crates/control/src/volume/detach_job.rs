//! The job that takes a volume from a running guest.
//!
//! The guest must let go of it. One that does not keeps it: the attachment is `attached` again.

use std::sync::Weak;

use async_trait::async_trait;
use jobs::{Failure, Job, Step, StepContext, StepError, StepOutcome};
use meta::{Change, StoreError};
use model::AttachmentStatus;
use serde::{Deserialize, Serialize};

use super::attach_job::{subject, undone};
use crate::{
    Control,
    worker::{JOB, control, store_step},
};

pub(crate) const KIND: &str = "volume_detach";

/// Detaches a volume.
pub(crate) struct DetachJob {
    region: Weak<Control>,
    steps: Vec<Box<dyn Step<State>>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct State {}

impl DetachJob {
    pub(crate) fn new(region: &Weak<Control>) -> Self {
        Self {
            region: Weak::clone(region),
            steps: vec![
                Box::new(Unplug { region: Weak::clone(region) }),
                Box::new(Gone { region: Weak::clone(region) }),
            ],
        }
    }
}

#[async_trait]
impl Job for DetachJob {
    type State = State;

    fn kind(&self) -> &'static str {
        KIND
    }

    fn steps(&self) -> &[Box<dyn Step<State>>] {
        &self.steps
    }

    /// The guest has it still, or again.
    async fn on_failed(
        &self,
        cx: &StepContext,
        _: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = control(&self.region)?;
        let id = subject(cx)?;
        tracing::warn!(attachment = %id, code = %failure.code, why = %failure.message, "not detached");
        let (from, to) = (AttachmentStatus::Detaching, AttachmentStatus::Attached);
        match region.store().attachment_status_set(JOB, cx.fence(), &id, from, to).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(StoreError::Changed { kind: "volume attachment", .. }) => Ok(()),
            Err(error) => Err(store_step(error)),
        }
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
