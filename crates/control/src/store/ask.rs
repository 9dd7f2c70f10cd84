//! What the operator asks of a running region, and what the region asks of itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use base::JobId;
use blocks::sealed::maintain::Done;
use jobs::{JobStatus, NewJob};

use super::{
    Errand, GC_EVERY, GcOptions, OWN_RATE, RepairOptions, RepairReport, SCRUB_EVERY, ScrubReport,
    UpkeepError,
    errand::UPKEEP,
    job::{GC, GcState, SCRUB, ScrubState},
    repair_job::{REPAIR, RepairState},
};
use crate::Control;

/// The resource that jobs of upkeep work on.
const SUBJECT: &str = "store";

/// How far the jobs of upkeep in this process are.
#[derive(Default)]
pub(crate) struct Board {
    told: Arc<Mutex<BTreeMap<&'static str, (&'static str, Done)>>>,
}

impl Board {
    /// An errand whose progress is seen here.
    pub(super) fn errand(&self, job: &'static str, bytes_per_second: Option<u64>) -> Errand {
        let told = Arc::clone(&self.told);
        let tell = move |what, done| {
            told.lock().unwrap_or_else(PoisonError::into_inner).insert(job, (what, done));
        };
        Errand { cancel: Arc::default(), bytes_per_second, tell: Arc::new(tell) }
    }

    fn of(&self, job: &str) -> Option<(&'static str, Done)> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).get(job).copied()
    }
}

/// A job of upkeep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreTask {
    /// A collection.
    Gc,
    /// A scrub.
    Scrub,
    /// A repair.
    Repair,
}

impl StoreTask {
    const fn kind(self) -> &'static str {
        match self {
            Self::Gc => GC,
            Self::Scrub => SCRUB,
            Self::Repair => REPAIR,
        }
    }
}

/// Where a job of upkeep stands.
#[derive(Clone, Debug)]
pub struct StoreJob {
    /// Whether it ended well; none while it runs.
    pub succeeded: Option<bool>,
    /// Why it failed, or what went wrong last.
    pub error: Option<String>,
    /// What it has done: a [`super::GcReport`], a [`ScrubReport`] or a [`RepairReport`], as
    /// JSON.
    pub report: serde_json::Value,
    /// What it does now, how far it is, and of how much; when this process runs it.
    pub progress: Option<(&'static str, u64, u64)>,
}

impl Control {
    /// Queues a collection, unless one is under way; the job.
    ///
    /// # Errors
    /// `Off`; when the database is away.
    pub async fn store_gc(&self, options: &GcOptions) -> Result<JobId, UpkeepError> {
        if !self.store().store_upkeep(UPKEEP).await?.gc_enabled {
            return Err(UpkeepError::Off);
        }
        let options = options.clone();
        let state = GcState { options, operation: None, report: super::GcReport::default() };
        self.store_job_add(StoreTask::Gc, serde_json::to_string(&state), "operator").await
    }

    /// Queues a scrub, unless one is under way; the job. It goes on where the last one was cut
    /// off.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn store_scrub(&self, rate: Option<u64>) -> Result<JobId, UpkeepError> {
        let state = ScrubState { bytes_per_second: rate, report: ScrubReport::default() };
        self.store_job_add(StoreTask::Scrub, serde_json::to_string(&state), "operator").await
    }

    /// Queues a repair, unless one is under way; the job. It works on the damage that scrubs and
    /// verifications found, and on what is missing.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn store_repair(&self, options: &RepairOptions) -> Result<JobId, UpkeepError> {
        let options = options.clone();
        let state = RepairState { options, operation: None, report: RepairReport::default() };
        self.store_job_add(StoreTask::Repair, serde_json::to_string(&state), "operator").await
    }

    async fn store_job_add(
        &self,
        task: StoreTask,
        state: serde_json::Result<String>,
        asked_by: &str,
    ) -> Result<JobId, UpkeepError> {
        let job = NewJob {
            id: JobId::mint("", self.entropy()),
            kind: task.kind().to_owned(),
            account: None,
            subject: SUBJECT.to_owned(),
            // Deletions are seen by the index of the process that deletes: any host can.
            host: None,
            asked_by: asked_by.to_owned(),
            state_json: state.map_err(|_| UpkeepError::Record { what: "a job's state" })?,
        };
        let id = self.store().region_job(UPKEEP, job).await?;
        self.jobs_queued.notify_one();
        Ok(id)
    }

    /// Where a job of upkeep stands.
    ///
    /// # Errors
    /// When there is none; when the database is away.
    pub async fn store_job(&self, id: &JobId) -> Result<StoreJob, UpkeepError> {
        let job = self.store().job(UPKEEP, id).await?;
        let state: serde_json::Value =
            serde_json::from_str(&job.progress.state_json).unwrap_or_default();
        let status = job.progress.status;
        Ok(StoreJob {
            succeeded: status.is_settled().then_some(status == JobStatus::Succeeded),
            error: job.progress.failure.map(|f| f.message).or(job.progress.last_error),
            report: state["report"].clone(),
            progress: self.board.of(&job.kind).map(|(what, d)| (what, d.done, d.total)),
        })
    }

    /// Switches the collection on: the operator says that every image that must stay is a row.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn store_roots_confirm(&self) -> Result<(), UpkeepError> {
        Ok(self.store().gc_enable(UPKEEP, true).await?)
    }

    /// Queues what is due: a collection a day, a scrub a month.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn upkeep_due(&self) -> Result<(), UpkeepError> {
        let now = self.parts.clock.wall();
        let mut due = Vec::new();
        for (task, every) in [(StoreTask::Gc, GC_EVERY), (StoreTask::Scrub, SCRUB_EVERY)] {
            let last = self.store().job_of(UPKEEP, SUBJECT, task.kind()).await?;
            if last.is_none_or(|job| job.created_at.plus(every) <= now) {
                due.push(task);
            }
        }
        for task in due {
            match task {
                StoreTask::Gc => {
                    let options =
                        GcOptions { bytes_per_second: Some(OWN_RATE), ..GcOptions::default() };
                    match self.store_gc(&options).await {
                        Err(UpkeepError::Off) => {}
                        other => drop(other?),
                    }
                }
                StoreTask::Scrub => drop(self.store_scrub(Some(OWN_RATE)).await?),
                // Where copies are, only the operator knows.
                StoreTask::Repair => {}
            }
        }
        Ok(())
    }
}
