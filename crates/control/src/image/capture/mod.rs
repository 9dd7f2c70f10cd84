//! The job that makes an image of a stopped volume.
//!
//! ```text
//! freeze -> seal -> prepare -> manifest -> commit | tidy
//! ```
//!
//! Only `commit` makes an image available. Before it everything can be taken back: the layer is
//! thawed, the packs and the manifest are deleted. The commit is one transaction for image and
//! volume: the volume goes on over the new root, in the empty generation that `prepare` made, so
//! that the next capture is again incremental; and it is no longer busy the moment the image is
//! available. After it the job only drops what is not needed any more.
//!
//! Next to read: `freeze`, `seal`, `commit`.

mod commit;
mod freeze;
mod seal;

use std::sync::{Arc, Weak, atomic::AtomicBool};

use async_trait::async_trait;
use base::{ImageId, VolumeId};
use jobs::{Failure, Step, StepContext, StepError};
use meta::StoreError;
use model::{ImageStatus, ImageStatusReason, ImageView, Outcome, SealedRef, Volume, VolumeView};
use policy::Action;
use serde::{Deserialize, Serialize};

use crate::{
    Control,
    worker::{JOB, RegionJob, control, storage_step, store_step, subject, tended},
};

pub(in crate::image) use self::seal::PackLog;

pub(crate) const KIND: &str = "image_capture";

/// What the job keeps in its row. Keys are sealed under the image's data key.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    volume: String,
    /// In the name of every pack of this capture.
    op_sequence: u64,
    /// Fencing epoch under which the layer is opened; raised once by this job.
    volume_epoch: Option<u64>,
    /// The generation that is frozen.
    generation: u64,
    sealed: Option<SealedState>,
}

/// A finished seal: the root with its key sealed under the image's data key.
#[derive(Clone, Serialize, Deserialize)]
struct SealedState {
    root_id: String,
    sealed_root_key: Vec<u8>,
    logical: u64,
    stored: u64,
    /// The same root for the volume; known once its next generation is prepared.
    for_volume: Option<(u64, Vec<u8>)>,
}

impl SealedState {
    fn root(&self) -> SealedRef {
        SealedRef { root_id: self.root_id.clone(), sealed_root_key: self.sealed_root_key.clone() }
    }
}

impl State {
    pub(crate) fn new(volume: &Volume, op_sequence: u64) -> Self {
        Self {
            volume: volume.head.id.to_string(),
            op_sequence,
            volume_epoch: None,
            generation: volume.storage.generation,
            sealed: None,
        }
    }

    fn volume_id(&self) -> Result<VolumeId, StepError> {
        VolumeId::parse(&self.volume).map_err(|e| StepError::fail("bad_state", e.to_string()))
    }

    fn sealed(&self) -> Result<&SealedState, StepError> {
        self.sealed.as_ref().ok_or_else(|| StepError::fail("bad_state", "nothing was sealed"))
    }
}

/// Makes an image of a volume.
pub(crate) struct CaptureJob;

#[async_trait]
impl RegionJob for CaptureJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        let part = || Region(Weak::clone(region));
        vec![
            Box::new(freeze::Freeze(part())),
            Box::new(seal::Seal(part())),
            Box::new(commit::Prepare(part())),
            Box::new(commit::Manifest(part())),
            Box::new(commit::Commit(part())),
            Box::new(commit::Tidy(part())),
        ]
    }

    async fn on_failed(
        region: &Weak<Control>,
        cx: &StepContext,
        state: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = control(region)?;
        let image: ImageId = subject(cx)?;
        region.progress.step(&image, "failed", &*region.parts.clock);
        match region.store().image_any(JOB, &image).await {
            // Cancelled by its deletion: the job of that one removes the row.
            Ok(view) if view.image.status == ImageStatus::Pending => {
                let reasons = match failure.code.as_str() {
                    "data_corrupted" => vec![ImageStatusReason::ImageDataCorrupted],
                    _ => Vec::new(),
                };
                let change = region.region_change(
                    Action::ImageCreate.as_str(),
                    Outcome::Failure,
                    "image",
                    &view.image.head,
                    region.region().as_str(),
                    Vec::new(),
                );
                let failed =
                    region.store().image_failed(JOB, cx.fence(), &image, reasons, change).await;
                failed.map_err(store_step)?;
            }
            Ok(_) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(store_step(error)),
        }
        release(&region, cx, &state.volume_id()?).await
    }
}

/// What every step has: its way to the region. Each way asks first whether the job is still this
/// worker's: what a late one did to files would not be undone by anybody.
pub(in crate::image) struct Region(pub(in crate::image) Weak<Control>);

impl Region {
    pub(in crate::image) async fn get(&self, cx: &StepContext) -> Result<Arc<Control>, StepError> {
        cx.heartbeat().await?;
        control(&self.0)
    }

    pub(in crate::image) async fn image(
        &self,
        cx: &StepContext,
    ) -> Result<(Arc<Control>, ImageView), StepError> {
        let region = self.get(cx).await?;
        let view = region.store().image_any(JOB, &subject(cx)?).await.map_err(store_step)?;
        Ok((region, view))
    }

    async fn volume(
        &self,
        cx: &StepContext,
        state: &State,
    ) -> Result<(Arc<Control>, VolumeView), StepError> {
        let region = self.get(cx).await?;
        let id = state.volume_id()?;
        let view = region.store().volume_any(JOB, &id).await.map_err(store_step)?;
        Ok((region, view))
    }
}

/// Frees the volume and lets a start that waited begin.
async fn release(region: &Control, cx: &StepContext, volume: &VolumeId) -> Result<(), StepError> {
    match region.store().image_settled(JOB, cx.fence(), volume).await {
        Ok(()) | Err(StoreError::NotFound { .. }) => {
            region.jobs_queued.notify_one();
            Ok(())
        }
        Err(error) => Err(store_step(error)),
    }
}

/// The epoch under which this job opens the layer.
async fn epoch(region: &Control, state: &mut State) -> Result<u64, StepError> {
    if let Some(epoch) = state.volume_epoch {
        return Ok(epoch);
    }
    let id = state.volume_id()?;
    let epoch = region.store().volume_epoch_next(JOB, &id).await.map_err(store_step)?;
    state.volume_epoch = Some(epoch);
    Ok(epoch)
}

/// [`tended`] for what the storage does: a seal ends within a chunk.
pub(in crate::image) async fn with_heartbeat<T>(
    cx: &StepContext,
    cancel: &AtomicBool,
    work: impl Future<Output = Result<T, crate::StorageError>>,
) -> Result<T, StepError> {
    tended(cx, cancel, work, storage_step).await
}
