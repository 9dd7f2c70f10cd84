//! The job that removes a volume: its export if any, its write layer, its row.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use base::VolumeId;
use jobs::{Failure, Step, StepContext, StepError, StepOutcome};
use meta::{Change, StoreError};
use model::VolumeStatus;
use serde::{Deserialize, Serialize};

use crate::{
    Control,
    worker::{JOB, RegionJob, control, storage_step, store_step, subject},
};

pub(crate) const KIND: &str = "volume_delete";

/// Removes a volume.
pub(crate) struct DeleteJob;

#[derive(Serialize, Deserialize)]
pub(crate) struct State {}

#[async_trait]
impl RegionJob for DeleteJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        vec![
            Box::new(Remove { region: Weak::clone(region) }),
            Box::new(Forget { region: Weak::clone(region) }),
        ]
    }

    /// Nothing was removed: the volume is failed, and can be deleted again.
    async fn on_failed(
        region: &Weak<Control>,
        cx: &StepContext,
        _: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = control(region)?;
        let id: VolumeId = subject(cx)?;
        tracing::error!(volume = %id, code = %failure.code, why = %failure.message, "not deleted");
        let (from, to) = (VolumeStatus::PendingDeletion, VolumeStatus::Failed);
        region.volume_settle(&id, from, to).await
    }
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
        let id: VolumeId = subject(cx)?;
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
        let id: VolumeId = subject(cx)?;
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
