//! What every job of a region is made of: its kind, its steps, and what its failure leaves.
//!
//! It refuses to know any kind. Its invariant: a job holds its region weakly, so that none keeps
//! a region alive that ends.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use base::IdError;
use jobs::{Failure, Job, Step, StepContext, StepError};
use serde::{Serialize, de::DeserializeOwned};

use crate::Control;

/// A kind of job of a region.
#[async_trait]
pub(crate) trait RegionJob: Send + Sync + 'static {
    /// Its name in the rows of jobs.
    const KIND: &'static str;
    /// What its steps share.
    type State: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Its steps in order.
    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<Self::State>>>;

    /// Everything is undone: marks the resource. See [`Job::on_failed`].
    async fn on_failed(
        _region: &Weak<Control>,
        _cx: &StepContext,
        _state: &mut Self::State,
        _failure: &Failure,
    ) -> Result<(), StepError> {
        Ok(())
    }
}

/// A job of this region.
struct Bound<J: RegionJob> {
    region: Weak<Control>,
    steps: Vec<Box<dyn Step<J::State>>>,
}

/// The job of kind `J` for the runners of this region.
pub(super) fn bound<J: RegionJob>(region: &Weak<Control>) -> Arc<impl Job + use<J>> {
    Arc::new(Bound::<J> { region: Weak::clone(region), steps: J::steps(region) })
}

#[async_trait]
impl<J: RegionJob> Job for Bound<J> {
    type State = J::State;

    fn kind(&self) -> &'static str {
        J::KIND
    }

    fn steps(&self) -> &[Box<dyn Step<J::State>>] {
        &self.steps
    }

    async fn on_failed(
        &self,
        cx: &StepContext,
        state: &mut J::State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        J::on_failed(&self.region, cx, state, failure).await
    }
}

/// The id that a job is about.
pub(crate) fn subject<I: TryFrom<String, Error = IdError>>(
    cx: &StepContext,
) -> Result<I, StepError> {
    I::try_from(cx.subject().to_owned())
        .map_err(|error| StepError::fail("bad_subject", error.to_string()))
}

/// Keeps the lease while `work` runs; ends it by `cancel` when the lease is lost or a cancel was
/// asked, and waits for its end: until then it still uses what it works on.
pub(crate) async fn tended<T, E>(
    cx: &StepContext,
    cancel: &AtomicBool,
    work: impl Future<Output = Result<T, E>>,
    step_error: impl FnOnce(E) -> StepError,
) -> Result<T, StepError> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done.map_err(step_error),
            () = tokio::time::sleep(jobs::HEARTBEAT) => {
                if let Err(lost) = cx.heartbeat().await {
                    cancel.store(true, Ordering::Relaxed);
                    let _ = work.await;
                    return Err(lost);
                }
            }
        }
    }
}
