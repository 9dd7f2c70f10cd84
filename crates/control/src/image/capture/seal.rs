//! What is dirty is sealed into packs, and read back.

use std::sync::{Arc, atomic::AtomicBool};

use async_trait::async_trait;
use blocks::sealed::{CaptureLog, RecordedPack};
use jobs::{Fence, Step, StepContext, StepError, StepOutcome};

use super::{Region, SealedState, State, epoch, with_heartbeat};
use crate::{
    Control,
    storage::{Holder, SealRequest},
    worker::{JOB, storage_step, store_step},
};

/// Seals and verifies; undo deletes the packs.
pub(super) struct Seal(pub(super) Region);

#[async_trait]
impl Step<State> for Seal {
    fn name(&self) -> &'static str {
        "seal"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, image) = self.0.image(cx).await?;
        let (_, volume) = self.0.volume(cx, state).await?;
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
            for_volume: None,
        });
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, cx: &StepContext, state: &mut State) -> Result<(), StepError> {
        let region = self.0.get(cx).await?;
        state.sealed = None;
        region.parts.storage.seal_discard(state.op_sequence).await.map_err(storage_step)?;
        Ok(())
    }
}

/// Packs that are durable, noted in the job's row sealed under the image's data key.
pub(in crate::image) struct PackLog {
    region: Arc<Control>,
    fence: Fence,
    key: kms::DataKey,
    recorded: Vec<RecordedPack>,
    runtime: tokio::runtime::Handle,
}

/// What a sealed note is bound to.
const NOTE: [&str; 1] = ["recorded pack"];

impl PackLog {
    pub(in crate::image) async fn open(
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
            .map_err(|e| blocks::Error::Io {
                doing: "record pack",
                name: name.clone(),
                source: std::io::Error::other(e),
            })
    }
}
