//! A job of the region as a world of the crash matrix: every case gets a copy of a stage, and a
//! crash shuts the process down and opens another.

use std::sync::Arc;

use async_trait::async_trait;
use base::{JobId, ManualClock, Timestamp};
use jobs::{
    Ack, AnyJob, Claim, Fence, JobLog, JobLogError, JobRecord, JobStatus, Progress,
    matrix::{self, Report},
};

use crate::world::World;

/// One job, from what is there before it to what must hold after it.
#[async_trait]
pub trait Story: Send + Sync + Sized + 'static {
    /// Which job it is.
    const KIND: &'static str;
    /// What is there before.
    async fn fresh() -> Self;
    /// The region that it plays in.
    fn world(&self) -> &World;
    /// Asks for the job; the id of the resource that it works on.
    async fn begin(&self) -> String;
    /// What must hold when it ended like this.
    async fn check(&self, ended: JobStatus) -> Result<(), String>;
}

struct Driven<S>(Arc<S>);

/// The log of whichever process runs now.
struct LogNow<S>(Arc<S>);

#[async_trait]
impl<S: Story> JobLog for LogNow<S> {
    async fn claim(&self, claim: Claim<'_>) -> Result<Option<JobRecord>, JobLogError> {
        self.0.world().store().claim(claim).await
    }

    async fn renew(&self, fence: &Fence, lease_until: Timestamp) -> Result<Ack, JobLogError> {
        self.0.world().store().renew(fence, lease_until).await
    }

    async fn save(
        &self,
        fence: &Fence,
        progress: &Progress,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Ack, JobLogError> {
        self.0.world().store().save(fence, progress, now, lease_until).await
    }
}

#[async_trait]
impl<S: Story> matrix::World for Driven<S> {
    fn log(&self) -> Arc<dyn JobLog> {
        Arc::new(LogNow(Arc::clone(&self.0)))
    }

    fn job(&self) -> Arc<dyn AnyJob> {
        self.0.world().region().registry().get(S::KIND).unwrap().clone()
    }

    fn clock(&self) -> Arc<ManualClock> {
        self.0.world().clock.clone()
    }

    async fn begin(&self) -> JobId {
        let subject = self.0.begin().await;
        self.0.world().job(subject, S::KIND).await.id
    }

    async fn crash(&self) {
        self.0.world().restart().await;
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        self.0.check(ended).await
    }
}

async fn fresh<S: Story>() -> Driven<S> {
    Driven(Arc::new(S::fresh().await))
}

/// Fails, repeats, cancels and kills the job at every place.
pub async fn every_failure<S: Story>() -> Report {
    matrix::run(fresh::<S>).await
}

/// Lets a worker come back at every step after another has settled the job.
pub async fn every_late_worker<S: Story>() -> Report {
    matrix::run_zombies(fresh::<S>).await
}

/// Both, clean, and of more than a few places.
pub async fn hold<S: Story>() {
    let cases = every_failure::<S>().await.expect_clean();
    let late = every_late_worker::<S>().await.expect_clean();
    println!("crash matrix of {}: {cases} cases, {late} with a late worker", S::KIND);
    assert!(cases > 15, "{cases}");
}

/// Fails the check with a sentence unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($holds:expr, $($said:tt)+) => {
        if !$holds {
            return Err(format!($($said)+));
        }
    };
}
