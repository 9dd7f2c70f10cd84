//! Jobs as rows. The log itself is `jobs::JobLog`, which the store implements too.

use async_trait::async_trait;
use base::JobId;
use jobs::{JobLog, JobRecord};
use policy::SystemPermit;

use crate::StoreError;

/// A job's row.
pub type JobRow = JobRecord;

/// Reads of jobs, and what the log port leaves to the store.
#[async_trait]
pub trait JobStore: JobLog {
    /// A job.
    async fn job(&self, permit: SystemPermit, id: &JobId) -> Result<JobRow, StoreError>;
    /// The newest job of a kind about a resource.
    async fn job_of(
        &self,
        permit: SystemPermit,
        subject: &str,
        kind: &str,
    ) -> Result<Option<JobRow>, StoreError>;
    /// Jobs that are not settled, oldest first.
    async fn jobs_open(&self, permit: SystemPermit, limit: u32) -> Result<Vec<JobRow>, StoreError>;
    /// Puts one value into the job's scratch table (records of packs already written), under its
    /// fence; replaces the value of that key.
    async fn job_note(
        &self,
        permit: SystemPermit,
        fence: &jobs::Fence,
        key: &str,
        value: Vec<u8>,
    ) -> Result<(), StoreError>;
    /// The job's scratch table, by key; empty once the job is settled.
    async fn job_notes(
        &self,
        permit: SystemPermit,
        id: &JobId,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
    /// Ends the leases of every worker whose name begins with `owners` but not with `but`: the
    /// workers of a process that is known to be dead. Their jobs are due at once.
    async fn leases_end(
        &self,
        permit: SystemPermit,
        owners: &str,
        but: &str,
    ) -> Result<u64, StoreError>;
    /// The next sequence number of the region: grows by one with each call, never given twice.
    async fn sequence_next(&self, permit: SystemPermit) -> Result<u64, StoreError>;
}
