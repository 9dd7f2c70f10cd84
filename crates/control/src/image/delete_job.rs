//! The job that removes an image: waits until its capture has settled, then manifest and row.
//!
//! Chunks that other images or volumes share stay; what nothing needs any more is left for the
//! store's garbage collection.

use std::sync::Weak;

use async_trait::async_trait;
use base::ImageId;
use jobs::{Failure, Step, StepContext, StepError, StepOutcome};
use meta::{Change, StoreError};
use model::Outcome;
use policy::Action;
use serde::{Deserialize, Serialize};

use crate::{
    Control,
    worker::{JOB, RegionJob, control, storage_step, store_step, subject},
};

pub(crate) const KIND: &str = "image_delete";

/// How often the capture is looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(100);

/// Removes an image.
pub(crate) struct DeleteJob;

#[derive(Serialize, Deserialize)]
pub(crate) struct State {}

#[async_trait]
impl RegionJob for DeleteJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        vec![
            Box::new(Settled { region: Weak::clone(region) }),
            Box::new(Forget { region: Weak::clone(region) }),
        ]
    }

    /// Nothing was removed: the image is what it was before, and can be deleted again.
    async fn on_failed(
        region: &Weak<Control>,
        cx: &StepContext,
        _: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = control(region)?;
        let id: ImageId = subject(cx)?;
        tracing::error!(image = %id, code = %failure.code, why = %failure.message, "not deleted");
        let image = match region.store().image_any(JOB, &id).await {
            Ok(view) => view.image,
            Err(StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(store_step(error)),
        };
        // Its deletion ended the billing.
        let usage = image.logical.map(|logical| region.image_usage(&image, logical));
        let change = region.region_change(
            Action::ImageDelete.as_str(),
            Outcome::Failure,
            "image",
            &image.head,
            region.region().as_str(),
            usage.into_iter().collect(),
        );
        let now = region.now();
        let set = region.store().image_delete_failed(JOB, cx.fence(), &id, now, change);
        set.await.map_err(store_step)
    }
}

/// Waits for the capture that made, or was making, the image.
struct Settled {
    region: Weak<Control>,
}

#[async_trait]
impl Step<State> for Settled {
    fn name(&self) -> &'static str {
        "settled"
    }

    fn commits(&self) -> bool {
        true
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        let region = control(&self.region)?;
        let capture = region
            .store()
            .job_of(JOB, cx.subject(), super::capture::KIND)
            .await
            .map_err(store_step)?;
        let waits = capture.is_some_and(|job| !job.progress.status.is_settled());
        Ok(if waits { StepOutcome::Wait(LOOK_EVERY) } else { StepOutcome::Done })
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}

/// Removes manifest and row.
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
        let id: ImageId = subject(cx)?;
        super::manifest::remove(&region, &id).await.map_err(storage_step)?;
        match region.store().image_gone(JOB, cx.fence(), &id, Change::default()).await {
            // A repeat after the row went.
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(StepOutcome::Done),
            Err(error) => Err(store_step(error)),
        }
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
