//! The port to where jobs are kept.

use async_trait::async_trait;
use base::{ErrorKind, JobId, Timestamp};

use crate::{JobRecord, Progress};

/// Under which claim something is done. A store that changes a resource for a job checks it in
/// the same transaction: the job's row still has this epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fence {
    /// The job.
    pub job: JobId,
    /// The epoch of the claim.
    pub epoch: u64,
}

/// Who wants a job.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The worker.
    pub owner: &'a str,
    /// The host it is on: jobs of other hosts are not for it.
    pub host: &'a str,
    /// Wall time.
    pub now: Timestamp,
    /// Until when the job would be its own.
    pub lease_until: Timestamp,
}

/// What the log says to a write that it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Someone asked to cancel the job.
    pub cancel_asked: bool,
}

/// Why the log did not do it.
#[derive(Debug, thiserror::Error)]
pub enum JobLogError {
    /// The job was claimed by another since, or put off, or is settled.
    #[error("job {job} is no longer held under epoch {epoch}")]
    Stale {
        /// The job.
        job: JobId,
        /// The epoch of the write that was refused.
        epoch: u64,
    },
    /// The log is away; nothing is known about whether the write happened.
    #[error("the job log cannot be reached")]
    Unavailable {
        /// What the log's own layer says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row cannot be read.
    #[error("job row {job} is damaged: {what}")]
    Damaged {
        /// The row, as its id is stored.
        job: String,
        /// What about it.
        what: &'static str,
    },
}

impl JobLogError {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Stale { .. } => ErrorKind::Conflict,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Damaged { .. } => ErrorKind::Corrupt,
        }
    }

    /// The log cannot be reached, and why.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: source.into() }
    }
}

/// Where jobs are kept.
///
/// Inserting a job and asking to cancel it happen inside the transactions of the resource they
/// belong to, so they are not here. Asking to cancel also sets `not_before` to now, so that a job
/// that waits for a retry is taken up at once.
#[async_trait]
pub trait JobLog: Send + Sync {
    /// Takes a job: one that is queued and due, or one whose lease has ended. The row becomes
    /// running, its epoch grows by one, the owner and the lease are written. Oldest first.
    ///
    /// # Errors
    /// When the log cannot be reached or the row cannot be read.
    async fn claim(&self, claim: Claim<'_>) -> Result<Option<JobRecord>, JobLogError>;

    /// Makes a lease longer.
    ///
    /// # Errors
    /// [`JobLogError::Stale`] when the job is not running under this epoch.
    async fn renew(&self, fence: &Fence, lease_until: Timestamp) -> Result<Ack, JobLogError>;

    /// Replaces the progress and the lease, durably before it returns. A job that is put off
    /// while its writer has not yet heard that a cancel was asked ([`Progress::cancel_heard`]) is
    /// due at once: a cancel waits for no pause.
    ///
    /// # Errors
    /// [`JobLogError::Stale`] when the job is not running under this epoch; nothing is written.
    async fn save(
        &self,
        fence: &Fence,
        progress: &Progress,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Ack, JobLogError>;
}
