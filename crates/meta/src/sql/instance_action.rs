//! Actions of instances, and starts that wait for a capture of a volume.

use base::{AccountId, InstanceActionId, InstanceId, JobId, Timestamp};
use jobs::NewJob;
use model::{
    ActionKind, ActionStatus, InstanceAction, InstanceStatus, InstanceStatusReason,
    instance_transition,
};
use policy::{Action, Permit};

use super::{
    head::not_found,
    instance, instance_view,
    job::{self, WAITS},
    outbox, permit,
    session::Session,
    value::{Row, binds},
};
use crate::{Change, StoreError};

const SELECT: &str =
    "SELECT id, instance_id, kind, force, status, created_at, started_at, completed_at
     FROM instance_actions";

fn read(row: Row) -> Result<InstanceAction, StoreError> {
    let mut row = row.of("instance_actions");
    Ok(InstanceAction {
        id: row.id()?,
        instance: row.id()?,
        kind: row.word(ActionKind::parse)?,
        force: row.bool()?,
        status: row.word(ActionStatus::parse)?,
        created_at: row.time()?,
        started_at: row.opt_time()?,
        completed_at: row.opt_time()?,
    })
}

/// What becomes of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// Nothing is to be done.
    NoEffect,
    /// The instance moves, and the job is due.
    Now(InstanceStatus),
    /// A start waits until the volume is free.
    Waits,
}

async fn waits(tx: &mut Session, instance: &InstanceId) -> Result<bool, StoreError> {
    tx.any(
        "SELECT 1 FROM attachments a JOIN volumes v ON v.id = a.volume_id
         WHERE a.instance_id = $1 AND v.busy_job_id IS NOT NULL LIMIT 1",
        binds![instance],
    )
    .await
}

pub(crate) async fn take(
    tx: &mut Session,
    permit: &Permit,
    action: &InstanceAction,
    new_job: &NewJob,
    now: Timestamp,
    change: &Change,
) -> Result<InstanceAction, StoreError> {
    let id = &action.instance;
    permit::covers(permit, &[Action::InstanceOperate], id.as_str())?;
    instance_view::check(tx, permit.account(), id).await?;
    let mut instance = instance_view::row(tx, id).await?;
    let waiting = instance.status_reasons.contains(&InstanceStatusReason::StoppedForImageCreation);
    let course = match instance_transition(instance.status, action.kind, action.force)? {
        None => Course::NoEffect,
        Some(InstanceStatus::Starting) if waits(tx, id).await? => {
            // One waiting start is enough.
            if waiting { Course::NoEffect } else { Course::Waits }
        }
        Some(next) => Course::Now(next),
    };
    if waiting && action.kind == ActionKind::Stop {
        withdraw_start(tx, id, action.created_at).await?;
        instance.status_reasons.clear();
        instance::write(tx, &mut instance).await?;
    }
    let mut action = action.clone();
    match course {
        Course::NoEffect => {
            action.status = ActionStatus::Completed;
            action.completed_at = Some(action.created_at);
        }
        Course::Now(next) => {
            action.status = ActionStatus::Pending;
            instance.status = next;
            instance.status_reasons.clear();
            instance::write(tx, &mut instance).await?;
            job::insert(tx, new_job, now, now).await?;
        }
        Course::Waits => {
            action.status = ActionStatus::Pending;
            instance.status_reasons = vec![InstanceStatusReason::StoppedForImageCreation];
            instance::write(tx, &mut instance).await?;
            job::insert(tx, new_job, now, WAITS).await?;
        }
    }
    insert(tx, permit.account(), &action, course, &new_job.id).await?;
    outbox::write(tx, change).await?;
    Ok(action)
}

async fn insert(
    tx: &mut Session,
    account: &AccountId,
    action: &InstanceAction,
    course: Course,
    job: &JobId,
) -> Result<(), StoreError> {
    let job = if course == Course::NoEffect { None } else { Some(job) };
    tx.run(
        "INSERT INTO instance_actions (id, account_id, instance_id, kind, force, status,
           created_at, started_at, completed_at, job_id, waits)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        binds![
            &action.id,
            account,
            &action.instance,
            action.kind.as_str(),
            action.force,
            action.status.as_str(),
            action.created_at,
            action.started_at,
            action.completed_at,
            job,
            course == Course::Waits,
        ],
    )
    .await?;
    Ok(())
}

/// The job of the start that waits, if one does.
async fn waiting_job(tx: &mut Session, instance: &InstanceId) -> Result<Option<JobId>, StoreError> {
    let row = tx
        .one(
            "SELECT job_id FROM instance_actions WHERE instance_id = $1 AND waits = 1",
            binds![instance],
        )
        .await?;
    row.map_or(Ok(None), |row| row.of("instance_actions").opt_id())
}

/// A stop takes back the start that waits: its job was never claimed.
async fn withdraw_start(
    tx: &mut Session,
    instance: &InstanceId,
    at: Timestamp,
) -> Result<(), StoreError> {
    if let Some(job) = waiting_job(tx, instance).await? {
        job::withdraw(tx, &job).await?;
    }
    tx.run(
        "UPDATE instance_actions SET status = 'failed', completed_at = $2, waits = 0
         WHERE instance_id = $1 AND waits = 1",
        binds![instance, at],
    )
    .await?;
    Ok(())
}

/// A capture is over: a start that waits for it goes on, unless another volume is still read.
pub(crate) async fn release_start(
    tx: &mut Session,
    id: &InstanceId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(job) = waiting_job(tx, id).await? else { return Ok(()) };
    if waits(tx, id).await? {
        return Ok(());
    }
    let mut instance = instance_view::row(tx, id).await?;
    if instance.status != InstanceStatus::Stopped {
        return Ok(());
    }
    instance.status = InstanceStatus::Starting;
    instance.status_reasons.clear();
    instance::write(tx, &mut instance).await?;
    tx.run(
        "UPDATE instance_actions SET waits = 0 WHERE instance_id = $1 AND waits = 1",
        binds![id],
    )
    .await?;
    job::release(tx, &job, now).await
}

pub(crate) async fn get(
    session: &mut Session,
    account: &AccountId,
    instance: &InstanceId,
    id: &InstanceActionId,
) -> Result<InstanceAction, StoreError> {
    let row = session
        .one(
            format!("{SELECT} WHERE id = $1 AND instance_id = $2 AND account_id = $3"),
            binds![id, instance, account],
        )
        .await?;
    read(row.ok_or_else(|| not_found("instance_action", id))?)
}

/// Moves an action on. One that is settled stays so: a stop by force failed it; one that went with
/// its instance has nothing to move.
pub(crate) async fn status_set(
    tx: &mut Session,
    id: &InstanceActionId,
    status: ActionStatus,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (started, completed) = match status {
        ActionStatus::Pending => (None, None),
        ActionStatus::Running => (Some(at), None),
        ActionStatus::Completed | ActionStatus::Failed => (None, Some(at)),
    };
    tx.run(
        "UPDATE instance_actions SET status = $2, started_at = COALESCE(started_at, $3),
           completed_at = $4
         WHERE id = $1 AND status NOT IN ('completed', 'failed')",
        binds![id, status.as_str(), started, completed],
    )
    .await?;
    Ok(())
}
