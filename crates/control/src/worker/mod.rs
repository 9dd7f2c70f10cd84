//! What runs without being asked: jobs, the scheduler of due dates, the follower of guests.
//!
//! Its invariant: stopping it loses nothing. Jobs resume from their rows, dates and guests are
//! looked at anew.
//!
//! Next to read: `job`, what every job is made of.

mod job;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use jobs::{Registry, Runner, StepError};
use meta::StoreError;
use policy::InternalActor;
use tokio::{sync::watch, task::JoinSet};

use self::job::bound;
pub(crate) use self::job::{RegionJob, subject, tended};
use crate::{Control, StorageError, image, instance, key, store, volume};

/// Jobs that run at the same time.
pub(crate) const WORKERS: usize = 4;
/// How long an idle worker waits before it looks again: jobs that wait for a moment.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How late a due date may be.
const DUE_EVERY: Duration = Duration::from_millis(500);
/// How often it is looked whether the chunk store needs a collection or a scrub.
const UPKEEP_EVERY: Duration = Duration::from_secs(60);
/// Dates moved in one transaction.
pub(crate) const DUE_BATCH: u32 = 100;

/// The running background tasks of a region.
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Control {
    /// The kinds of jobs of a region. Workers use it; a test takes one kind out of it to drive it
    /// through every failure.
    pub fn registry(self: &Arc<Self>) -> Registry {
        let region = Arc::downgrade(self);
        Registry::default()
            .with(bound::<image::CaptureJob>(&region))
            .with(bound::<image::DeleteJob>(&region))
            .with(bound::<image::IsolateJob>(&region))
            .with(bound::<key::RotateJob>(&region))
            .with(bound::<volume::DeleteJob>(&region))
            .with(bound::<volume::GrowJob>(&region))
            .with(bound::<volume::AttachJob>(&region))
            .with(bound::<volume::DetachJob>(&region))
            .with(bound::<instance::StartJob>(&region))
            .with(bound::<instance::StopJob>(&region))
            .with(bound::<instance::RebootJob>(&region))
            .with(bound::<instance::DeleteJob>(&region))
            .with(bound::<store::GcJob>(&region))
            .with(bound::<store::ScrubJob>(&region))
            .with(bound::<store::RepairJob>(&region))
    }

    /// What the names of this process's workers and operations begin with.
    pub(crate) fn owner_prefix(&self) -> String {
        format!("{}-{}-", self.config.host, self.run_id)
    }

    /// Takes up the jobs of the processes before this one on this host. They are dead: whoever
    /// calls this holds the lock of the host's data directory.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn jobs_take_over(&self) -> Result<u64, crate::Error> {
        self.store_take_over().await?;
        let hosts = format!("{}-", self.config.host);
        Ok(self.store().leases_end(JOB, &hosts, &self.owner_prefix()).await?)
    }

    /// A worker of jobs; `number` tells several of one process apart.
    pub(crate) fn runner(self: &Arc<Self>, number: usize) -> Runner {
        let owner = format!("{}{number}", self.owner_prefix());
        Runner::new(
            Arc::clone(&self.job_log),
            Arc::new(self.registry()),
            Arc::clone(&self.parts.clock),
            owner,
            self.config.host.clone(),
        )
    }

    /// Starts the background tasks.
    #[must_use]
    pub fn work(self: &Arc<Self>) -> Workers {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for number in 0..WORKERS {
            let (region, stopped) = (Arc::clone(self), stopped.clone());
            tasks.spawn(async move { region.run_jobs(number, stopped).await });
        }
        let (region, stop_seen) = (Arc::clone(self), stopped.clone());
        tasks.spawn(async move { region.run_schedule(stop_seen).await });
        let (region, stop_seen) = (Arc::clone(self), stopped.clone());
        tasks.spawn(async move { region.run_upkeep(stop_seen).await });
        let region = Arc::clone(self);
        tasks.spawn(async move { region.follow_guests(stopped).await });
        Workers { stop, tasks }
    }

    async fn run_jobs(self: Arc<Self>, number: usize, mut stopped: watch::Receiver<bool>) {
        let runner = self.runner(number);
        while !*stopped.borrow() {
            match runner.run_one().await {
                Ok(Some(_)) => {
                    // There may be more than the one bell told of.
                    self.jobs_queued.notify_one();
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the job log cannot be reached"),
            }
            tokio::select! {
                () = self.jobs_queued.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopped.changed() => {}
            }
        }
    }

    async fn run_schedule(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            if let Err(error) = self.images_due(DUE_BATCH).await {
                tracing::error!(%error, "due image dates were not applied");
            }
            if let Err(error) = self.kms_keys_due(DUE_BATCH).await {
                let error = base::error_chain(&error);
                tracing::error!(error, "due keys were not rotated or purged");
            }
            if let Err(error) = self.identity_due().await {
                tracing::error!(%error, "uses of API keys were not written");
            }
            tokio::select! {
                () = tokio::time::sleep(DUE_EVERY) => {}
                _ = stopped.changed() => {}
            }
        }
    }

    async fn run_upkeep(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            // A start has better things to do.
            tokio::select! {
                () = tokio::time::sleep(UPKEEP_EVERY) => {}
                _ = stopped.changed() => return,
            }
            if let Err(error) = self.upkeep_due().await {
                tracing::error!(
                    error = base::error_chain(&error),
                    "upkeep of the store was not queued"
                );
            }
        }
    }

    /// Runs jobs until none is due; for tests and for the end of a region.
    ///
    /// # Errors
    /// When the job log cannot be reached.
    pub async fn jobs_drain(self: &Arc<Self>) -> Result<usize, jobs::JobLogError> {
        let runner = self.runner(WORKERS);
        let mut ran = 0;
        while runner.run_one().await?.is_some() {
            ran += 1;
        }
        Ok(ran)
    }
}

impl Workers {
    /// Tells the tasks to end and waits for them, at most `deadline`. What is unfinished then is
    /// resumed by the next start.
    pub async fn stop(mut self, deadline: Duration) {
        // No receiver is left only when every task has ended already.
        let _ = self.stop.send(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(deadline, all).await.is_err() {
            tracing::warn!("background tasks were cut off; the next start resumes them");
        }
        self.tasks.abort_all();
    }
}

/// The region of a step. It is gone only while the process ends.
pub(crate) fn control(region: &Weak<Control>) -> Result<Arc<Control>, StepError> {
    region.upgrade().ok_or_else(|| StepError::retry("ending", "the region ends"))
}

/// What a store's failure means to a step.
pub(crate) fn store_step(error: StoreError) -> StepError {
    match error.kind() {
        base::ErrorKind::Unavailable => StepError::retry("store_unavailable", error.to_string()),
        base::ErrorKind::NotFound => StepError::fail("gone", error.to_string()),
        base::ErrorKind::Invalid
        | base::ErrorKind::Conflict
        | base::ErrorKind::Denied
        | base::ErrorKind::Limit
        | base::ErrorKind::Corrupt
        | base::ErrorKind::Internal => StepError::fail("store_refused", error.to_string()),
    }
}

/// What a storage failure means to a step: a full disk or an unreachable file may pass, damage
/// does not.
pub(crate) fn storage_step(error: StorageError) -> StepError {
    let text = error.chain();
    match error.kind() {
        base::ErrorKind::Corrupt => StepError::fail("data_corrupted", text),
        base::ErrorKind::Limit => StepError::retry("no_space", text),
        base::ErrorKind::Unavailable
        | base::ErrorKind::Conflict
        | base::ErrorKind::NotFound
        | base::ErrorKind::Internal => StepError::retry("storage_unavailable", text),
        base::ErrorKind::Invalid | base::ErrorKind::Denied => {
            StepError::fail("storage_refused", text)
        }
    }
}

/// Leave for the steps of a job.
pub(crate) const JOB: policy::SystemPermit = policy::SystemPermit::of(InternalActor::Job);
