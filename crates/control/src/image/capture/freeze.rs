//! The layer is flushed, summed and frozen.

use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use base::ImageId;
use jobs::{Step, StepContext, StepError, StepOutcome};
use model::ImageStatusReason;

use super::{Region, State, epoch, with_heartbeat};
use crate::worker::{JOB, storage_step, store_step, subject};

/// Freezes the write layer; undo thaws it.
pub(super) struct Freeze(pub(super) Region);

#[async_trait]
impl Step<State> for Freeze {
    fn name(&self) -> &'static str {
        "freeze"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = self.0.volume(cx, state).await?;
        let image: ImageId = subject(cx)?;
        region.progress.step(&image, "freezing", &*region.parts.clock);
        let reasons = vec![ImageStatusReason::ImageRequestInProgress];
        region
            .store()
            .image_reasons_set(JOB, cx.fence(), &image, reasons)
            .await
            .map_err(store_step)?;
        let epoch = epoch(&region, state).await?;
        let storage = &region.parts.storage;
        storage.unexport(state.volume.as_str()).await.map_err(storage_step)?;
        // What was written since its last sum is read: longer than a lease, on a full disk.
        with_heartbeat(cx, &AtomicBool::new(false), storage.volume_freeze(&view.volume, epoch))
            .await?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, cx: &StepContext, state: &mut State) -> Result<(), StepError> {
        let (region, view) = self.0.volume(cx, state).await?;
        let epoch = epoch(&region, state).await?;
        region.parts.storage.volume_thaw(&view.volume, epoch).await.map_err(storage_step)
    }
}
