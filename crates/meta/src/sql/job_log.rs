//! The log of jobs, and reads of their rows.

use async_trait::async_trait;
use base::{JobId, Timestamp};
use jobs::{Ack, Claim, Fence, JobLog, JobLogError, JobRecord, Progress};
use policy::SystemPermit;

use super::{
    SqlStore, counter,
    head::not_found,
    job::{self, RETURNING, SELECT},
    retry::writing,
    session::Session,
    value::binds,
};
use crate::{JobStore, StoreError};

/// A job that a worker on a host may take: due, or left by a worker whose lease ended.
const CLAIMABLE: &str = "SELECT id FROM jobs
  WHERE status IN ('queued', 'running') AND (host_id IS NULL OR host_id = $1)
    AND ((status = 'queued' AND not_before <= $2) OR (status = 'running' AND lease_until <= $2))
  ORDER BY created_at, id LIMIT 1";

fn away(error: StoreError) -> JobLogError {
    match error {
        StoreError::Damaged { .. } => {
            JobLogError::Damaged { job: String::new(), what: "its row cannot be read" }
        }
        other => JobLogError::unavailable(other),
    }
}

async fn take(tx: &mut Session, claim: &Claim<'_>) -> Result<Option<JobRecord>, StoreError> {
    let row = tx
        .one(
            format!(
                "UPDATE jobs SET status = 'running', epoch = epoch + 1, lease_owner = $3,
                   lease_until = $4, updated_at = $2
                 WHERE id = ({CLAIMABLE}){RETURNING}"
            ),
            binds![claim.host, claim.now, claim.owner, claim.lease_until],
        )
        .await?;
    row.map(job::record).transpose()
}

async fn renew(
    tx: &mut Session,
    fence: &Fence,
    lease_until: Timestamp,
) -> Result<Option<Ack>, StoreError> {
    let row = tx
        .one(
            "UPDATE jobs SET lease_until = $3
             WHERE id = $1 AND epoch = $2 AND status = 'running' RETURNING cancel_asked",
            binds![&fence.job, fence.epoch, lease_until],
        )
        .await?;
    row.map(|row| Ok(Ack { cancel_asked: row.of("jobs").bool()? })).transpose()
}

async fn save(
    tx: &mut Session,
    fence: &Fence,
    progress: &Progress,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<Ack>, StoreError> {
    let failure = progress.failure.as_ref();
    let row = tx
        .one(
            "UPDATE jobs SET status = $3, phase = $4, step = $5, attempts = $6,
               not_before = CASE WHEN cancel_asked > $14 THEN $13 ELSE $7 END,
               state_json = $8, failure_code = $9, failure_message = $10, last_error = $11,
               lease_until = $12, updated_at = $13
             WHERE id = $1 AND epoch = $2 AND status = 'running' RETURNING cancel_asked",
            binds![
                &fence.job,
                fence.epoch,
                progress.status.as_str(),
                progress.phase.as_str(),
                progress.step.as_deref(),
                progress.attempts,
                progress.not_before,
                &progress.state_json,
                failure.map(|f| f.code.as_str()),
                failure.map(|f| f.message.as_str()),
                progress.last_error.as_deref(),
                lease_until,
                now,
                // A cancel that the worker has not heard of waits for no pause.
                progress.cancel_heard,
            ],
        )
        .await?;
    if row.is_some() && progress.status.is_settled() {
        // They served attempts; there will be no more.
        tx.run("DELETE FROM job_notes WHERE job_id = $1", binds![&fence.job]).await?;
    }
    row.map(|row| Ok(Ack { cancel_asked: row.of("jobs").bool()? })).transpose()
}

fn held(fence: &Fence, ack: Option<Ack>) -> Result<Ack, JobLogError> {
    ack.ok_or_else(|| JobLogError::Stale { job: fence.job.clone(), epoch: fence.epoch })
}

#[async_trait]
impl JobLog for SqlStore {
    async fn claim(&self, claim: Claim<'_>) -> Result<Option<JobRecord>, JobLogError> {
        // Looking first keeps an idle worker from taking the writer's turn.
        let mut glance = self.engine.glance().await.map_err(away)?;
        let due = glance.any(CLAIMABLE, binds![claim.host, claim.now]).await.map_err(away)?;
        drop(glance);
        if !due {
            return Ok(None);
        }
        writing!(self, |tx| take(tx, &claim)).map_err(away)
    }

    async fn renew(&self, fence: &Fence, lease_until: Timestamp) -> Result<Ack, JobLogError> {
        held(fence, writing!(self, |tx| renew(tx, fence, lease_until)).map_err(away)?)
    }

    async fn save(
        &self,
        fence: &Fence,
        progress: &Progress,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Ack, JobLogError> {
        let ack = writing!(self, |tx| save(tx, fence, progress, now, lease_until)).map_err(away)?;
        held(fence, ack)
    }
}

async fn note(tx: &mut Session, fence: &Fence, key: &str, value: &[u8]) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    tx.run(
        "INSERT INTO job_notes (job_id, key, account_id, value)
         SELECT id, $2, account_id, $3 FROM jobs WHERE id = $1
         ON CONFLICT (job_id, key) DO UPDATE SET value = excluded.value",
        binds![&fence.job, key, value],
    )
    .await?;
    Ok(())
}

#[async_trait]
impl JobStore for SqlStore {
    async fn job(&self, _permit: SystemPermit, id: &JobId) -> Result<JobRecord, StoreError> {
        let mut session = self.engine.glance().await?;
        let row = session.one(format!("{SELECT} WHERE id = $1"), binds![id]).await?;
        job::record(row.ok_or_else(|| not_found("job", id))?)
    }

    async fn job_of(
        &self,
        _permit: SystemPermit,
        subject: &str,
        kind: &str,
    ) -> Result<Option<JobRecord>, StoreError> {
        let mut session = self.engine.glance().await?;
        let row = session
            .one(
                format!(
                    "{SELECT} WHERE subject = $1 AND kind = $2
                     ORDER BY created_at DESC, id DESC LIMIT 1"
                ),
                binds![subject, kind],
            )
            .await?;
        row.map(job::record).transpose()
    }

    async fn jobs_open(
        &self,
        _permit: SystemPermit,
        limit: u32,
    ) -> Result<Vec<JobRecord>, StoreError> {
        let mut session = self.engine.glance().await?;
        let rows = session
            .all(
                format!(
                    "{SELECT} WHERE status IN ('queued', 'running')
                     ORDER BY created_at, id LIMIT $1"
                ),
                binds![limit],
            )
            .await?;
        rows.into_iter().map(job::record).collect()
    }

    async fn job_note(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        key: &str,
        value: Vec<u8>,
    ) -> Result<(), StoreError> {
        writing!(self, |tx| note(tx, fence, key, &value))
    }

    async fn job_notes(
        &self,
        _permit: SystemPermit,
        id: &JobId,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut session = self.engine.glance().await?;
        let rows = session
            .all("SELECT key, value FROM job_notes WHERE job_id = $1 ORDER BY key", binds![id])
            .await?;
        rows.into_iter()
            .map(|row| {
                let mut row = row.of("job_notes");
                Ok((row.text()?, row.blob()?))
            })
            .collect()
    }

    async fn leases_end(
        &self,
        _permit: SystemPermit,
        owners: &str,
        but: &str,
    ) -> Result<u64, StoreError> {
        // Names of workers have no wildcard in them: hosts, ids and numbers.
        let (owners, but) = (format!("{owners}%"), format!("{but}%"));
        let ended = writing!(self, |tx| tx.all(
            "UPDATE jobs SET lease_until = 0
             WHERE status = 'running' AND lease_owner LIKE $1 AND lease_owner NOT LIKE $2
             RETURNING id",
            binds![owners.clone(), but.clone()],
        ))?;
        Ok(ended.len() as u64)
    }

    async fn sequence_next(&self, _permit: SystemPermit) -> Result<u64, StoreError> {
        let next = writing!(self, |tx| counter::sequence(tx))?;
        Ok(next.unsigned_abs())
    }
}
