//! Rows of jobs as other transactions touch them: queue, fence, cancel, release.

use base::{JobId, Timestamp};
use jobs::{Failure, Fence, JobRecord, JobStatus, NewJob, Phase, Progress};

use super::{
    head::changed,
    session::Session,
    value::{Row, binds},
};
use crate::StoreError;

/// A job that is not due before someone releases it.
pub(crate) const WAITS: Timestamp = Timestamp::from_micros(i64::MAX);

pub(crate) const SELECT: &str =
    "SELECT id, account_id, kind, subject, host_id, asked_by, status, phase, step, attempts,
       not_before, state_json, failure_code, failure_message, last_error, cancel_asked,
       lease_owner, lease_until, epoch, created_at, updated_at FROM jobs";

/// The same columns, for `RETURNING`.
pub(crate) const RETURNING: &str =
    " RETURNING id, account_id, kind, subject, host_id, asked_by, status, phase, step, attempts,
       not_before, state_json, failure_code, failure_message, last_error, cancel_asked,
       lease_owner, lease_until, epoch, created_at, updated_at";

pub(crate) fn record(row: Row) -> Result<JobRecord, StoreError> {
    let mut row = row.of("jobs");
    let id = row.id()?;
    let account = row.opt_id()?;
    let kind = row.text()?;
    let subject = row.text()?;
    let host = row.opt_text()?;
    let asked_by = row.text()?;
    let mut progress = progress(&mut row)?;
    let cancel_asked = row.bool()?;
    progress.cancel_heard = cancel_asked;
    Ok(JobRecord {
        id,
        kind,
        account,
        subject,
        host,
        asked_by,
        progress,
        cancel_asked,
        lease_owner: row.opt_text()?,
        lease_until: row.time()?,
        epoch: row.count()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

fn progress(row: &mut Row) -> Result<Progress, StoreError> {
    Ok(Progress {
        status: row.word(JobStatus::parse)?,
        phase: row.word(Phase::parse)?,
        step: row.opt_text()?,
        attempts: row.count()?,
        not_before: row.time()?,
        state_json: row.text()?,
        failure: match (row.opt_text()?, row.opt_text()?) {
            (Some(code), Some(message)) => Some(Failure { code, message }),
            (None, None) => None,
            _ => return Err(row.damaged("half a failure")),
        },
        last_error: row.opt_text()?,
        cancel_heard: false,
    })
}

/// Queues a job, due at `not_before`.
pub(crate) async fn insert(
    tx: &mut Session,
    new: &NewJob,
    now: Timestamp,
    not_before: Timestamp,
) -> Result<(), StoreError> {
    let job = JobRecord::fresh(new.clone(), now);
    tx.run(
        "INSERT INTO jobs (id, account_id, kind, subject, host_id, asked_by, status, phase,
           attempts, not_before, state_json, cancel_asked, lease_until, epoch, created_at,
           updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, 0, $11, 0, $12, $12)",
        binds![
            &job.id,
            job.account.as_ref(),
            &job.kind,
            &job.subject,
            job.host.as_deref(),
            &job.asked_by,
            job.progress.status.as_str(),
            job.progress.phase.as_str(),
            not_before,
            &job.progress.state_json,
            job.lease_until,
            now,
        ],
    )
    .await?;
    Ok(())
}

/// The job's row still has the fence's epoch. The row is written, so that a claim by another
/// worker comes wholly before or wholly after this transaction.
pub(crate) async fn fence(tx: &mut Session, fence: &Fence) -> Result<(), StoreError> {
    let rows = tx
        .run(
            "UPDATE jobs SET updated_at = updated_at
             WHERE id = $1 AND epoch = $2 AND status = 'running'",
            binds![&fence.job, fence.epoch],
        )
        .await?;
    if rows == 1 { Ok(()) } else { Err(changed("job", &fence.job)) }
}

/// Asks every open job about `subject` to cancel; those that wait are due now.
pub(crate) async fn cancel_of(
    tx: &mut Session,
    subject: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(
        "UPDATE jobs SET cancel_asked = 1, not_before = $2
         WHERE subject = $1 AND status IN ('queued', 'running')",
        binds![subject, now],
    )
    .await?;
    Ok(())
}

/// Makes a waiting job due.
pub(crate) async fn release(
    tx: &mut Session,
    id: &JobId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run("UPDATE jobs SET not_before = $2 WHERE id = $1 AND status = 'queued'", binds![id, now])
        .await?;
    Ok(())
}

/// Takes back a job that no worker has ever claimed.
pub(crate) async fn withdraw(tx: &mut Session, id: &JobId) -> Result<(), StoreError> {
    tx.run("DELETE FROM jobs WHERE id = $1 AND epoch = 0", binds![id]).await?;
    Ok(())
}
