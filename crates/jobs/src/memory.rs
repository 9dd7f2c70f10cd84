//! A log in memory, for tests of jobs that need no database.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use base::{JobId, Timestamp};

use crate::{Ack, Claim, Fence, JobLog, JobLogError, JobRecord, JobStatus, NewJob, Progress};

/// Jobs in memory. Keeps the same promises as a database, except that it forgets at exit.
#[derive(Debug, Default)]
pub struct MemoryLog {
    rows: Mutex<BTreeMap<JobId, JobRecord>>,
}

impl MemoryLog {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<JobId, JobRecord>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job.
    pub fn insert(&self, new: NewJob, now: Timestamp) {
        self.rows().insert(new.id.clone(), JobRecord::fresh(new, now));
    }

    /// Asks to cancel a job; a waiting one becomes due.
    pub fn ask_cancel(&self, job: &JobId, now: Timestamp) {
        if let Some(row) = self.rows().get_mut(job) {
            row.cancel_asked = true;
            row.progress.not_before = now;
        }
    }

    /// A job's row.
    #[must_use]
    pub fn get(&self, job: &JobId) -> Option<JobRecord> {
        self.rows().get(job).cloned()
    }

    fn held<T>(
        &self,
        fence: &Fence,
        write: impl FnOnce(&mut JobRecord) -> T,
    ) -> Result<T, JobLogError> {
        let mut rows = self.rows();
        match rows.get_mut(&fence.job) {
            Some(row) if row.epoch == fence.epoch && row.progress.status == JobStatus::Running => {
                Ok(write(row))
            }
            _ => Err(JobLogError::Stale { job: fence.job.clone(), epoch: fence.epoch }),
        }
    }
}

#[async_trait]
impl JobLog for MemoryLog {
    async fn claim(&self, claim: Claim<'_>) -> Result<Option<JobRecord>, JobLogError> {
        let mut rows = self.rows();
        let due = rows
            .values_mut()
            .filter(|row| row.host.as_deref().is_none_or(|host| host == claim.host))
            .filter(|row| match row.progress.status {
                JobStatus::Queued => row.progress.not_before <= claim.now,
                JobStatus::Running => row.lease_until <= claim.now,
                JobStatus::Succeeded | JobStatus::Failed | JobStatus::Cancelled => false,
            })
            .min_by_key(|row| (row.created_at, row.id.clone()));
        Ok(due.map(|row| {
            row.progress.status = JobStatus::Running;
            row.epoch += 1;
            row.lease_owner = Some(claim.owner.to_owned());
            row.lease_until = claim.lease_until;
            row.updated_at = claim.now;
            row.progress.cancel_heard = row.cancel_asked;
            row.clone()
        }))
    }

    async fn renew(&self, fence: &Fence, lease_until: Timestamp) -> Result<Ack, JobLogError> {
        self.held(fence, |row| {
            row.lease_until = lease_until;
            Ack { cancel_asked: row.cancel_asked }
        })
    }

    async fn save(
        &self,
        fence: &Fence,
        progress: &Progress,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Ack, JobLogError> {
        self.held(fence, |row| {
            row.progress = progress.clone();
            let queued = progress.status == JobStatus::Queued;
            if queued && row.cancel_asked && !progress.cancel_heard {
                row.progress.not_before = now;
            }
            row.lease_until = lease_until;
            row.updated_at = now;
            Ack { cancel_asked: row.cancel_asked }
        })
    }
}
