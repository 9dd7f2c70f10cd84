//! The job that removes a volume: its export if any, its write layer, its row.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use base::VolumeId;
use jobs::{Failure, Job, Step, StepContext, StepError, StepOutcome};
use meta::{Change, StoreError};
use model::VolumeStatus;
use serde::{Deserialize, Serialize};

use crate::{
    Control,
    worker::{JOB, control, storage_step, store_step},
};

pub(crate) const KIND: &str = "volume_delete";

/// Removes a volume.
pub(crate) struct DeleteJob {
    region: Weak<Control>,
    steps: Vec<Box<dyn Step<State>>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct State {}

impl DeleteJob {
    pub(crate) fn new(region: &Weak<Control>) -> Self {
        Self {
            region: Weak::clone(region),
            steps: vec![
                Box::new(Remove { region: Weak::clone(region) }),
                Box::new(Forget { region: Weak::clone(region) }),
            ],
        }
    }
}

#[async_trait]
impl Job for DeleteJob {
    type State = State;

    fn kind(&self) -> &'static str {
        KIND
    }

    fn steps(&self) -> &[Box<dyn Step<State>>] {
        &self.steps
    }

    /// Nothing was removed: the volume is failed, and can be deleted again.
    async fn on_failed(
        &self,
        cx: &StepContext,
        _: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = control(&self.region)?;
        let id = subject(cx)?;
        tracing::error!(volume = %id, code = %failure.code, why = %failure.message, "not deleted");
        let (from, to) = (VolumeStatus::PendingDeletion, VolumeStatus::Failed);
        match region.store().volume_status_set(JOB, &id, from, to).await {
            // A repeat after the row was written.
            Ok(()) | Err(StoreError::Changed { .. } | StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(store_step(error)),
        }
    }
}

fn subject(cx: &StepContext) -> Result<VolumeId, StepError> {
    VolumeId::parse(cx.subject()).map_err(|e| StepError::fail("bad_subject", e.to_string()))
}

/// Removes the bytes. There is no way back from the first one removed.
struct Remove {
    region: Weak<Control>,
}

#[async_trait]
impl Step<State> for Remove {
    fn name(&self) -> &'static str {
        "remove"
    }

    fn commits(&self) -> bool {
        true
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region: Arc<Control> = control(&self.region)?;
        let id = subject(cx)?;
        let storage = &region.parts.storage;
        storage.unexport(id.as_str()).await.map_err(storage_step)?;
        storage.volume_remove(&id).await.map_err(storage_step)?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}

/// Removes the row.
struct Forget {
    region: Weak<Control>,
}

#[async_trait]
impl Step<State> for Forget {
    fn name(&self) -> &'static str {
        "forget"
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        let region = control(&self.region)?;
        let id = subject(cx)?;
        match region.store().volume_gone(JOB, cx.fence(), &id, Change::default()).await {
            // A repeat after the row went.
            Err(StoreError::NotFound { .. }) | Ok(()) => Ok(StepOutcome::Done),
            Err(error) => Err(store_step(error)),
        }
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
