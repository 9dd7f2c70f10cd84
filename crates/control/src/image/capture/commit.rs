//! The end of a capture: what is prepared for it, the one transaction, and what is dropped after.

use async_trait::async_trait;
use base::ByteCount;
use jobs::{Step, StepContext, StepError, StepOutcome};
use meta::{ImageCommit, Rebase};
use model::{ImageStatus, Outcome, SealedRef};
use policy::Action;

use super::{Region, State, epoch};
use crate::{
    image::manifest,
    storage::{Holder, volume_crn},
    worker::{JOB, storage_step, store_step, subject},
};

/// Makes the empty generation that the volume goes on with, and seals the root for the volume.
/// Nobody sees either before the commit.
pub(super) struct Prepare(pub(super) Region);

#[async_trait]
impl Step<State> for Prepare {
    fn name(&self) -> &'static str {
        "prepare"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, image) = self.0.image(cx).await?;
        let (_, view) = self.0.volume(cx, state).await?;
        let storage = &region.parts.storage;
        let from = region.image_crn(&image.image);
        let from = Holder { crn: &from, wrapped: &image.image.wrapped_data_key };
        let to = volume_crn(&view.volume);
        let to = Holder { crn: &to, wrapped: &view.volume.storage.wrapped_data_key };
        let kept = state.sealed()?.root();
        let root = storage.root_open(from, &kept).await.map_err(storage_step)?;
        let epoch = epoch(&region, state).await?;
        let next = storage
            .volume_next_generation(&view.volume, epoch, root.0)
            .await
            .map_err(storage_step)?;
        let base = storage.root_seal(to, root.0, &root.1).await.map_err(storage_step)?;
        if let Some(sealed) = &mut state.sealed {
            sealed.for_volume = Some((next, base.sealed_root_key));
        }
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, cx: &StepContext, state: &mut State) -> Result<(), StepError> {
        let (region, view) = self.0.volume(cx, state).await?;
        region.parts.storage.volume_drop_newer(&view.volume).await.map_err(storage_step)
    }
}

/// Writes the recovery manifest, from which an image can be found without the database.
pub(super) struct Manifest(pub(super) Region);

#[async_trait]
impl Step<State> for Manifest {
    fn name(&self) -> &'static str {
        "manifest"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, image) = self.0.image(cx).await?;
        let sealed = state.sealed()?.root();
        manifest::put(&region, &image.image, &sealed).await.map_err(storage_step)?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, cx: &StepContext, _: &mut State) -> Result<(), StepError> {
        let region = self.0.get(cx).await?;
        manifest::remove(&region, &subject(cx)?).await.map_err(storage_step)
    }
}

/// The one transaction that makes the image available and puts the volume onto its root.
pub(super) struct Commit(pub(super) Region);

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
        let commit = commit_of(state, subject(cx)?, region.now())?;
        let usage = vec![region.image_usage(image, commit.logical)];
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
        // A start of the instance may have waited for this.
        region.jobs_queued.notify_one();
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}

fn commit_of(
    state: &State,
    image: base::ImageId,
    at: base::Timestamp,
) -> Result<ImageCommit, StepError> {
    let sealed = state.sealed()?;
    let (generation, key) = sealed
        .for_volume
        .clone()
        .ok_or_else(|| StepError::fail("bad_state", "no generation was prepared"))?;
    Ok(ImageCommit {
        image,
        sealed: sealed.root(),
        logical: ByteCount(sealed.logical),
        stored: ByteCount(sealed.stored),
        rebase: Some(Rebase {
            volume: state.volume_id()?,
            generation,
            base: SealedRef { root_id: sealed.root_id.clone(), sealed_root_key: key },
        }),
        at,
    })
}

/// Drops the generation that was captured: its bytes are in the root.
pub(super) struct Tidy(pub(super) Region);

#[async_trait]
impl Step<State> for Tidy {
    fn name(&self) -> &'static str {
        "tidy"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = match self.0.volume(cx, state).await {
            Ok(found) => found,
            // The volume may be deleted as soon as the image is committed.
            Err(error) if error.code() == "gone" => return Ok(StepOutcome::Done),
            Err(error) => return Err(error),
        };
        region.parts.storage.volume_drop_old(&view.volume).await.map_err(storage_step)?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
