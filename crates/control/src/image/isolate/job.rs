//! The steps of a re-encryption.

use std::sync::{Arc, Weak, atomic::AtomicBool};

use async_trait::async_trait;
use base::ByteCount;
use jobs::{Step, StepContext, StepError, StepOutcome};
use meta::Isolated;
use model::{Outcome, SealedRef};
use policy::Action;
use serde::{Deserialize, Serialize};

use super::ImageIsolation;
use crate::{
    Control,
    image::{
        capture::{PackLog, Region, with_heartbeat},
        manifest,
    },
    storage::{Holder, SealRequest},
    worker::{JOB, RegionJob, storage_step, store_step, subject},
};

pub(super) const KIND: &str = "image_isolate";

/// What the job keeps in its row. The key is sealed under the image's data key.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    /// The root that the image had.
    from: String,
    /// In the name of every pack; begun once.
    operation: Option<u64>,
    sealed: Option<Sealed>,
    committed: bool,
}

#[derive(Clone, Serialize, Deserialize)]
struct Sealed {
    root_id: String,
    sealed_root_key: Vec<u8>,
    stored: u64,
}

impl State {
    pub(super) fn new(from: &str) -> Self {
        Self { from: from.to_owned(), operation: None, sealed: None, committed: false }
    }

    pub(super) fn told(&self, step: &'static str, failure: Option<String>) -> ImageIsolation {
        let done = self.sealed.as_ref().filter(|_| self.committed);
        ImageIsolation {
            step,
            failure,
            from_root_id: Some(self.from.clone()),
            root_id: done.map(|sealed| sealed.root_id.clone()),
            stored: done.map(|sealed| ByteCount(sealed.stored)),
        }
    }
}

/// Encrypts an image anew.
pub(crate) struct IsolateJob;

#[async_trait]
impl RegionJob for IsolateJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        let part = || Region(Weak::clone(region));
        vec![
            Box::new(Begin(part())),
            Box::new(Seal(part())),
            Box::new(Commit(part())),
            Box::new(Manifest(part())),
        ]
    }
}

/// Begins the operation under which packs are written, so that it is known before they are.
struct Begin(Region);

#[async_trait]
impl Step<State> for Begin {
    fn name(&self) -> &'static str {
        "begin"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let region = self.0.get(cx).await?;
        let begun = region.operation_begin(Some(&cx.fence().job)).await;
        let begun =
            begun.map_err(|e| StepError::retry("store_unavailable", base::error_chain(&e)))?;
        state.operation = Some(begun);
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        // The operation ends with the job.
        Ok(())
    }
}

/// Reads the whole image and seals it without a base; undo deletes the packs.
struct Seal(Region);

fn operation(state: &State) -> Result<u64, StepError> {
    state.operation.ok_or_else(|| StepError::fail("bad_state", "no operation was begun"))
}

#[async_trait]
impl Step<State> for Seal {
    fn name(&self) -> &'static str {
        "seal"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = self.0.image(cx).await?;
        let image = &view.image;
        let gone = || StepError::fail("changed", "the image has another root by now");
        let from = image.sealed.as_ref().filter(|has| has.root_id == state.from);
        let from = from.ok_or_else(gone)?;
        let crn = region.image_crn(image);
        let holder = Holder { crn: &crn, wrapped: &image.wrapped_data_key };
        let cancel = Arc::new(AtomicBool::new(false));
        let request = SealRequest {
            op_sequence: operation(state)?,
            log: Arc::new(PackLog::open(&region, cx, holder).await?),
            progress: Arc::new(|_| {}),
            cancel: Arc::clone(&cancel),
        };
        let storage = &region.parts.storage;
        let work = storage.image_seal_alone(holder, from, request);
        let sealed = with_heartbeat(cx, &cancel, work).await?;
        let kept = storage.root_keep(holder, &sealed).await.map_err(storage_step)?;
        state.sealed = Some(Sealed {
            root_id: kept.root_id,
            sealed_root_key: kept.sealed_root_key,
            stored: sealed.stored.0,
        });
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, cx: &StepContext, state: &mut State) -> Result<(), StepError> {
        let region = self.0.get(cx).await?;
        state.sealed = None;
        if let Some(operation) = state.operation {
            region.parts.storage.seal_discard(operation).await.map_err(storage_step)?;
        }
        Ok(())
    }
}

/// The one transaction that gives the image its new root.
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
        let head = &view.image.head;
        let sealed = state.sealed.clone();
        let sealed = sealed.ok_or_else(|| StepError::fail("bad_state", "nothing was sealed"))?;
        let isolated = Isolated {
            image: head.id.clone(),
            from: state.from.clone(),
            sealed: SealedRef { root_id: sealed.root_id, sealed_root_key: sealed.sealed_root_key },
            stored: ByteCount(sealed.stored),
        };
        let change = region.region_change(
            Action::ImageUpdate.as_str(),
            Outcome::Success,
            "image",
            head,
            region.region().as_str(),
            Vec::new(),
        );
        let done = region.store().image_isolated(JOB, cx.fence(), isolated, change).await;
        done.map_err(store_step)?;
        state.committed = true;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}

/// Lets the recovery manifest follow.
struct Manifest(Region);

#[async_trait]
impl Step<State> for Manifest {
    fn name(&self) -> &'static str {
        "manifest"
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        let (region, id) = (self.0.get(cx).await?, subject(cx)?);
        match manifest::follow(&region, &id).await {
            Ok(_) => Ok(StepOutcome::Done),
            Err(error) => Err(storage_step(error)),
        }
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
