//! The job that makes an image of a stopped volume (steps 1 to 8 of the create protocol).
//!
//! ```text
//! freeze -> seal -> manifest -> commit | rebase -> release
//! ```
//!
//! Only `commit` makes an image available. Before it everything can be taken back: the layer is
//! thawed, the packs and the manifest are deleted. After it the job only goes forward: `rebase`
//! puts the volume onto the new root, so that the next capture is again incremental.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use base::{ByteCount, ImageId, VolumeId};
use blocks::sealed::{CaptureLog, RecordedPack};
use jobs::{Failure, Fence, Job, Step, StepContext, StepError, StepOutcome};
use meta::{ImageCommit, StoreError};
use model::{ImageStatus, ImageStatusReason, ImageView, Outcome, SealedRef, Volume, VolumeView};
use policy::Action;
use serde::{Deserialize, Serialize};

use crate::{
    Control,
    storage::{Holder, SealRequest, volume_crn},
    worker::{JOB, control, storage_step, store_step},
};

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

#[derive(Clone, Serialize, Deserialize)]
struct SealedState {
    root_id: String,
    sealed_root_key: Vec<u8>,
    logical: u64,
    stored: u64,
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
pub(crate) struct CaptureJob {
    region: Weak<Control>,
    steps: Vec<Box<dyn Step<State>>>,
}

impl CaptureJob {
    pub(crate) fn new(region: &Weak<Control>) -> Self {
        let part = || Region(Weak::clone(region));
        Self {
            region: Weak::clone(region),
            steps: vec![
                Box::new(Freeze(part())),
                Box::new(Seal(part())),
                Box::new(Manifest(part())),
                Box::new(Commit(part())),
                Box::new(Rebase(part())),
                Box::new(Release(part())),
            ],
        }
    }
}

#[async_trait]
impl Job for CaptureJob {
    type State = State;

    fn kind(&self) -> &'static str {
        KIND
    }

    fn steps(&self) -> &[Box<dyn Step<State>>] {
        &self.steps
    }

    async fn on_failed(
        &self,
        cx: &StepContext,
        state: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = control(&self.region)?;
        let image = image_id(cx)?;
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

/// What every step has: its way to the region.
struct Region(Weak<Control>);

impl Region {
    fn get(&self) -> Result<Arc<Control>, StepError> {
        control(&self.0)
    }

    async fn image(&self, cx: &StepContext) -> Result<(Arc<Control>, ImageView), StepError> {
        let region = self.get()?;
        let view = region.store().image_any(JOB, &image_id(cx)?).await.map_err(store_step)?;
        Ok((region, view))
    }

    async fn volume(&self, state: &State) -> Result<(Arc<Control>, VolumeView), StepError> {
        let region = self.get()?;
        let id = state.volume_id()?;
        let view = region.store().volume_any(JOB, &id).await.map_err(store_step)?;
        Ok((region, view))
    }
}

fn image_id(cx: &StepContext) -> Result<ImageId, StepError> {
    ImageId::parse(cx.subject()).map_err(|e| StepError::fail("bad_subject", e.to_string()))
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

/// Step 1: the layer is flushed, summed, checked and frozen.
struct Freeze(Region);

#[async_trait]
impl Step<State> for Freeze {
    fn name(&self) -> &'static str {
        "freeze"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = self.0.volume(state).await?;
        let image = image_id(cx)?;
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
        storage.volume_freeze(&view.volume, epoch).await.map_err(storage_step)?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, state: &mut State) -> Result<(), StepError> {
        let (region, view) = self.0.volume(state).await?;
        let epoch = epoch(&region, state).await?;
        region.parts.storage.volume_thaw(&view.volume, epoch).await.map_err(storage_step)
    }
}

/// Steps 2 to 5: what is dirty is sealed into packs, and read back.
struct Seal(Region);

#[async_trait]
impl Step<State> for Seal {
    fn name(&self) -> &'static str {
        "seal"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, image) = self.0.image(cx).await?;
        let (_, volume) = self.0.volume(state).await?;
        let epoch = epoch(&region, state).await?;
        let id = image.image.head.id.clone();
        region.progress.step(&id, "sealing", &*region.parts.clock);
        let crn = region.image_crn(&image.image);
        let holder = Holder { crn: &crn, wrapped: &image.image.wrapped_data_key };
        let cancel = Arc::new(AtomicBool::new(false));
        let request = SealRequest {
            op_sequence: state.op_sequence,
            log: Arc::new(PackLog::open(&region, cx, holder).await?),
            progress: {
                let (region, id) = (Arc::clone(&region), id.clone());
                Arc::new(move |progress| region.progress.bytes(&id, &progress))
            },
            cancel: Arc::clone(&cancel),
        };
        let work = region.parts.storage.volume_seal(&volume.volume, epoch, request);
        let sealed = with_heartbeat(cx, &cancel, work).await?;
        let kept = region.parts.storage.root_keep(holder, &sealed).await.map_err(storage_step)?;
        state.sealed = Some(SealedState {
            root_id: kept.root_id,
            sealed_root_key: kept.sealed_root_key,
            logical: sealed.logical.0,
            stored: sealed.stored.0,
        });
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, state: &mut State) -> Result<(), StepError> {
        let region = self.0.get()?;
        state.sealed = None;
        region.parts.storage.seal_discard(state.op_sequence).await.map_err(storage_step)?;
        Ok(())
    }
}

/// Keeps the lease while `work` runs, and ends it when the lease is lost or a cancel was asked.
async fn with_heartbeat<T>(
    cx: &StepContext,
    cancel: &AtomicBool,
    work: impl Future<Output = Result<T, crate::StorageError>>,
) -> Result<T, StepError> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done.map_err(storage_step),
            () = tokio::time::sleep(jobs::HEARTBEAT) => {
                if let Err(error) = cx.heartbeat().await {
                    cancel.store(true, Ordering::Relaxed);
                    // The engine ends within a chunk; until then the layer is still read.
                    let _ = work.await;
                    return Err(error);
                }
            }
        }
    }
}

/// Packs that are durable, noted in the job's row sealed under the image's data key.
struct PackLog {
    region: Arc<Control>,
    fence: Fence,
    key: kms::DataKey,
    recorded: Vec<RecordedPack>,
    runtime: tokio::runtime::Handle,
}

/// What a sealed note is bound to.
const NOTE: [&str; 1] = ["recorded pack"];

impl PackLog {
    async fn open(
        region: &Arc<Control>,
        cx: &StepContext,
        holder: Holder<'_>,
    ) -> Result<Self, StepError> {
        let key = region.parts.storage.data_key(holder).await.map_err(storage_step)?;
        let fence = cx.fence().clone();
        let notes = region.store().job_notes(JOB, &fence.job).await.map_err(store_step)?;
        let damaged = |e: String| StepError::fail("data_corrupted", e);
        let mut recorded = Vec::with_capacity(notes.len());
        for (_, sealed) in notes {
            let bytes = key.open(&NOTE, &sealed).map_err(|e| damaged(e.to_string()))?;
            recorded.push(RecordedPack::from_bytes(&bytes).map_err(|e| damaged(e.to_string()))?);
        }
        let runtime = tokio::runtime::Handle::current();
        Ok(Self { region: Arc::clone(region), fence, key, recorded, runtime })
    }
}

impl CaptureLog for PackLog {
    fn recorded(&self) -> Result<Vec<RecordedPack>, blocks::Error> {
        Ok(self.recorded.clone())
    }

    fn record(&self, pack: &RecordedPack) -> Result<(), blocks::Error> {
        let refused = |what: String| blocks::Error::Invalid { what };
        let sealed = self
            .key
            .seal(self.region.entropy(), &NOTE, &pack.to_bytes())
            .map_err(|e| refused(e.to_string()))?;
        let name = pack.pack().name.to_string();
        // Called from a thread of the engine, never from the runtime's own.
        self.runtime
            .block_on(self.region.store().job_note(JOB, &self.fence, &name, sealed))
            .map_err(|e| refused(format!("a finished pack was not recorded: {e}")))
    }
}

/// Step 6: the recovery manifest, from which an image can be found without the database.
struct Manifest(Region);

#[async_trait]
impl Step<State> for Manifest {
    fn name(&self) -> &'static str {
        "manifest"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, image) = self.0.image(cx).await?;
        let sealed = state.sealed()?;
        let sealed = SealedRef {
            root_id: sealed.root_id.clone(),
            sealed_root_key: sealed.sealed_root_key.clone(),
        };
        super::manifest::put(&region, &image.image, &sealed).await.map_err(storage_step)?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, cx: &StepContext, _: &mut State) -> Result<(), StepError> {
        let region = self.0.get()?;
        super::manifest::remove(&region, &image_id(cx)?).await.map_err(storage_step)
    }
}

/// Step 7: the one transaction that makes the image available.
struct Commit(Region);

#[async_trait]
impl Step<State> for Commit {
    fn name(&self) -> &'static str {
        "commit"
    }

    fn commits(&self) -> bool {
        true
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = self.0.image(cx).await?;
        let image = &view.image;
        match image.status {
            // A repeat after the transaction.
            _ if image.sealed.is_some() => return Ok(StepOutcome::Done),
            ImageStatus::Pending => {}
            other => {
                return Err(StepError::fail("not_pending", format!("the image is {other}")));
            }
        }
        region.progress.step(&image.head.id, "committing", &*region.parts.clock);
        let sealed = state.sealed()?;
        let logical = ByteCount(sealed.logical);
        let commit = ImageCommit {
            image: image.head.id.clone(),
            sealed: SealedRef {
                root_id: sealed.root_id.clone(),
                sealed_root_key: sealed.sealed_root_key.clone(),
            },
            logical,
            stored: ByteCount(sealed.stored),
            at: region.now(),
        };
        let usage = vec![region.image_usage(image, logical)];
        let change = region.region_change(
            Action::ImageCreate.as_str(),
            Outcome::Success,
            "image",
            &image.head,
            region.region().as_str(),
            usage,
        );
        region.store().image_commit(JOB, cx.fence(), commit, change).await.map_err(store_step)?;
        region.progress.step(&image.head.id, "done", &*region.parts.clock);
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}

/// Step 8: the volume goes on over the new root, which has the same bytes.
struct Rebase(Region);

#[async_trait]
impl Step<State> for Rebase {
    fn name(&self) -> &'static str {
        "rebase"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = match self.0.volume(state).await {
            Ok(found) => found,
            // The volume may be deleted once the image is committed.
            Err(error) if error.code() == "gone" => return Ok(StepOutcome::Done),
            Err(error) => return Err(error),
        };
        let storage = &region.parts.storage;
        if view.volume.storage.generation == state.generation {
            let (_, image) = self.0.image(cx).await?;
            let sealed = state.sealed()?;
            let from = region.image_crn(&image.image);
            let from = Holder { crn: &from, wrapped: &image.image.wrapped_data_key };
            let to = volume_crn(&view.volume);
            let to = Holder { crn: &to, wrapped: &view.volume.storage.wrapped_data_key };
            let kept = SealedRef {
                root_id: sealed.root_id.clone(),
                sealed_root_key: sealed.sealed_root_key.clone(),
            };
            let root = storage.root_open(from, &kept).await.map_err(storage_step)?;
            let epoch = epoch(&region, state).await?;
            let next = storage
                .volume_next_generation(&view.volume, epoch, root.0)
                .await
                .map_err(storage_step)?;
            let base = storage.root_seal(to, root.0, &root.1).await.map_err(storage_step)?;
            region
                .store()
                .volume_rebased(JOB, cx.fence(), &view.volume.head.id, next, base)
                .await
                .map_err(store_step)?;
        }
        let (_, view) = self.0.volume(state).await?;
        storage.volume_drop_old(&view.volume).await.map_err(storage_step)?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}

/// Last: the volume is free, and a start that waited begins.
struct Release(Region);

#[async_trait]
impl Step<State> for Release {
    fn name(&self) -> &'static str {
        "release"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let region = self.0.get()?;
        release(&region, cx, &state.volume_id()?).await?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
