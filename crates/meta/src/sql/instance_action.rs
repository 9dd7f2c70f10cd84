//! Actions of instances: taken, queued behind others, and starts that wait for a capture of a
//! volume.

use base::{AccountId, InstanceActionId, InstanceId, JobId, Timestamp};
use jobs::NewJob;
use model::{
    ActionCourse, ActionKind, ActionStatus, Instance, InstanceAction, InstanceStatus,
    InstanceStatusReason, Limit, instance_transition,
};
use policy::{Action, Permit};

use super::{
    head::{limit_check, not_found},
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

/// What holds an action back, as the column `waits` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Nothing.
    No = 0,
    /// A start waits for an image to be made.
    ByCapture = 1,
    /// It is queued behind others.
    ByOthers = 2,
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
    let queued = queued(tx, &instance).await?;
    let (kind, force) = (action.kind, action.force);
    let course = instance_transition(instance.status, queued.last, kind, force)?;
    if waiting && kind == ActionKind::Stop {
        withdraw(tx, id, Held::ByCapture, action.created_at).await?;
        instance.status_reasons.clear();
        instance::write(tx, &mut instance).await?;
    }
    let mut action = action.clone();
    let mut held = Held::No;
    match course {
        // One waiting start is enough.
        ActionCourse::Now(InstanceStatus::Starting) if waiting => {
            settle(&mut action, ActionStatus::Completed);
        }
        ActionCourse::NoEffect => settle(&mut action, ActionStatus::Completed),
        ActionCourse::Now(InstanceStatus::Starting) if waits(tx, id).await? => {
            held = Held::ByCapture;
            instance.status_reasons = vec![InstanceStatusReason::StoppedForImageCreation];
            instance::write(tx, &mut instance).await?;
        }
        ActionCourse::Now(next) => {
            if force {
                overtake(tx, id, action.created_at).await?;
            }
            instance.status = next;
            instance.status_reasons.clear();
            instance::write(tx, &mut instance).await?;
        }
        ActionCourse::Queued => {
            limit_check(queued.count.saturating_add(1), Limit::ACTIONS_QUEUED_MAX)?;
            held = Held::ByOthers;
        }
    }
    let job = (action.status == ActionStatus::Pending).then_some(new_job);
    if let Some(job) = job {
        let due = if held == Held::No { now } else { WAITS };
        job::insert(tx, job, now, due).await?;
    }
    insert(tx, permit.account(), &action, held, job.map(|job| &job.id)).await?;
    outbox::write(tx, change).await?;
    Ok(action)
}

/// An action that ends as it is taken.
fn settle(action: &mut InstanceAction, status: ActionStatus) {
    action.status = status;
    action.completed_at = Some(action.created_at);
}

/// The actions that wait for an instance to settle.
struct Queue {
    count: u64,
    last: Option<ActionKind>,
}

/// Starts and stops alternate in a queue, and what the instance is at now says which is first: so
/// the last is known by their number, whatever the clock says of their order.
async fn queued(tx: &mut Session, instance: &Instance) -> Result<Queue, StoreError> {
    let count = tx
        .number(
            "SELECT COUNT(*) FROM instance_actions WHERE instance_id = $1 AND waits = 2",
            binds![&instance.head.id],
        )
        .await?
        .unsigned_abs();
    let first = first_queued(instance.status);
    let last = match count {
        0 => None,
        n if n % 2 == 1 => Some(first),
        _ => Some(other(first)),
    };
    Ok(Queue { count, last })
}

/// What can be first in the queue of an instance that is on its way.
const fn first_queued(status: InstanceStatus) -> ActionKind {
    match status {
        InstanceStatus::Stopping => ActionKind::Start,
        InstanceStatus::Deleting
        | InstanceStatus::Failed
        | InstanceStatus::Pending
        | InstanceStatus::Restarting
        | InstanceStatus::Running
        | InstanceStatus::Starting
        | InstanceStatus::Stopped => ActionKind::Stop,
    }
}

const fn other(kind: ActionKind) -> ActionKind {
    match kind {
        ActionKind::Start => ActionKind::Stop,
        ActionKind::Stop | ActionKind::Reboot => ActionKind::Start,
    }
}

async fn insert(
    tx: &mut Session,
    account: &AccountId,
    action: &InstanceAction,
    held: Held,
    job: Option<&JobId>,
) -> Result<(), StoreError> {
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
            held as u32,
        ],
    )
    .await?;
    Ok(())
}

/// The job of the start that waits for a capture, if one does.
async fn waiting_job(tx: &mut Session, instance: &InstanceId) -> Result<Option<JobId>, StoreError> {
    let row = tx
        .one(
            "SELECT job_id FROM instance_actions WHERE instance_id = $1 AND waits = 1",
            binds![instance],
        )
        .await?;
    row.map_or(Ok(None), |row| row.of("instance_actions").opt_id())
}

/// Takes back the actions that are held so: their jobs were never claimed.
async fn withdraw(
    tx: &mut Session,
    instance: &InstanceId,
    held: Held,
    at: Timestamp,
) -> Result<(), StoreError> {
    let rows = tx
        .all(
            "UPDATE instance_actions SET status = 'failed', completed_at = $3, waits = 0
             WHERE instance_id = $1 AND waits = $2 RETURNING job_id",
            binds![instance, held as u32, at],
        )
        .await?;
    for row in rows {
        if let Some(job) = row.of("instance_actions").opt_id()? {
            job::withdraw(tx, &job).await?;
        }
    }
    Ok(())
}

/// A stop by force: what waits is taken back, and what goes on has failed. Its job sees that the
/// instance is no longer its own.
async fn overtake(
    tx: &mut Session,
    instance: &InstanceId,
    at: Timestamp,
) -> Result<(), StoreError> {
    withdraw(tx, instance, Held::ByOthers, at).await?;
    tx.run(
        "UPDATE instance_actions SET status = 'failed', completed_at = $2
         WHERE instance_id = $1 AND status IN ('pending', 'running')",
        binds![instance, at],
    )
    .await?;
    Ok(())
}

/// An instance that was `before` has settled: the next action that waited for it takes effect.
/// `now` is wall time, `at` region time.
pub(crate) async fn next_queued(
    tx: &mut Session,
    instance: &mut Instance,
    before: InstanceStatus,
    (now, at): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    if !matches!(instance.status, InstanceStatus::Running | InstanceStatus::Stopped) {
        return Ok(());
    }
    let mut kind = first_queued(before);
    while let Some((id, job)) = oldest(tx, &instance.head.id, kind).await? {
        let course = instance_transition(instance.status, None, kind, false);
        let (held, status) = match course {
            Ok(ActionCourse::Now(InstanceStatus::Starting))
                if waits(tx, &instance.head.id).await? =>
            {
                instance.status_reasons = vec![InstanceStatusReason::StoppedForImageCreation];
                instance::write(tx, instance).await?;
                (Held::ByCapture, ActionStatus::Pending)
            }
            Ok(ActionCourse::Now(next)) => {
                instance.status = next;
                instance.status_reasons.clear();
                instance::write(tx, instance).await?;
                job::release(tx, &job, now).await?;
                (Held::No, ActionStatus::Pending)
            }
            Ok(ActionCourse::NoEffect | ActionCourse::Queued) => {
                (Held::No, ActionStatus::Completed)
            }
            Err(_) => (Held::No, ActionStatus::Failed),
        };
        let settled = status != ActionStatus::Pending;
        tx.run(
            "UPDATE instance_actions SET status = $2, waits = $3, completed_at = $4 WHERE id = $1",
            binds![&id, status.as_str(), held as u32, settled.then_some(at)],
        )
        .await?;
        if !settled {
            return Ok(());
        }
        job::withdraw(tx, &job).await?;
        kind = other(kind);
    }
    Ok(())
}

/// The oldest queued action of a kind, with its job.
async fn oldest(
    tx: &mut Session,
    instance: &InstanceId,
    kind: ActionKind,
) -> Result<Option<(InstanceActionId, JobId)>, StoreError> {
    let row = tx
        .one(
            "SELECT id, job_id FROM instance_actions
             WHERE instance_id = $1 AND waits = 2 AND kind = $2 ORDER BY created_at, id LIMIT 1",
            binds![instance, kind.as_str()],
        )
        .await?;
    row.map(|row| {
        let mut row = row.of("instance_actions");
        Ok((row.id()?, row.id()?))
    })
    .transpose()
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
