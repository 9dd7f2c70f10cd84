//! Volumes come to, and leave, instances that exist.

use base::{AttachmentId, InstanceId, Timestamp};
use jobs::{Fence, NewJob};
use model::{AttachmentKind, AttachmentStatus, Instance, InstanceStatus, Limit, Refusal};
use policy::{Action, Permit};

use super::{
    attachment,
    head::{limit_check, written},
    instance_create::free_check,
    instance_view, job, outbox, permit,
    session::Session,
    value::binds,
    volume,
};
use crate::{Change, NewAttachment, StoreError};

/// Whether the guest of an instance is there to be told; refuses while that is not settled.
fn has_guest(instance: &Instance, verb: &'static str) -> Result<bool, StoreError> {
    match instance.status {
        InstanceStatus::Running => Ok(true),
        InstanceStatus::Stopped => Ok(false),
        InstanceStatus::Deleting
        | InstanceStatus::Failed
        | InstanceStatus::Pending
        | InstanceStatus::Restarting
        | InstanceStatus::Starting
        | InstanceStatus::Stopping => {
            let (instance, status) = (instance.head.id.clone(), instance.status);
            Err(Refusal::AttachmentInstance { instance, status, verb }.into())
        }
    }
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    new: &NewAttachment,
    now: Timestamp,
    change: &Change,
) -> Result<(), StoreError> {
    let id = &new.attachment.instance;
    permit::covers(permit, &[Action::InstanceUpdate], id.as_str())?;
    let account = permit.account();
    instance_view::check(tx, account, id).await?;
    let instance = instance_view::row(tx, id).await?;
    let live = has_guest(&instance, "attached to")?;
    let data = tx
        .number(
            "SELECT COUNT(*) FROM attachments WHERE instance_id = $1 AND kind = 'data'",
            binds![id],
        )
        .await?;
    limit_check(data.unsigned_abs().saturating_add(1), Limit::DATA_VOLUMES_MAX)?;
    match &new.volume {
        Some(made) if &made.head.account != account || made.head.id != new.attachment.volume => {
            return Err(StoreError::PermitMismatch);
        }
        Some(made) => volume::insert(tx, made).await?,
        None => {
            let view = volume::get(tx, Some(account), &new.attachment.volume).await?;
            free_check(&view.volume, view.attachments.is_empty(), &instance)?;
        }
    }
    let last = tx
        .number("SELECT MAX(position) FROM attachments WHERE instance_id = $1", binds![id])
        .await?;
    let mut attachment = new.attachment.clone();
    attachment.kind = AttachmentKind::Data;
    attachment.position = u32::try_from(last.saturating_add(1)).unwrap_or(u32::MAX);
    attachment.status = if live { AttachmentStatus::Attaching } else { AttachmentStatus::Attached };
    attachment::insert(tx, account, &attachment).await?;
    if live {
        job::insert(tx, &new.job, now, now).await?;
    }
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    instance: &InstanceId,
    id: &AttachmentId,
    (job, now): (&NewJob, Timestamp),
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::InstanceUpdate], instance.as_str())?;
    let view = attachment::own(tx, permit.account(), instance, id).await?;
    if view.attachment.kind == AttachmentKind::Boot {
        return Err(Refusal::BootVolumeDetach.into());
    }
    if view.attachment.status != AttachmentStatus::Attached {
        let (attachment, status) = (id.clone(), view.attachment.status);
        return Err(Refusal::AttachmentState { attachment, status }.into());
    }
    let instance = instance_view::row(tx, instance).await?;
    if has_guest(&instance, "detached from")? {
        status_write(tx, id, AttachmentStatus::Detaching).await?;
        job::insert(tx, job, now, now).await?;
    } else {
        remove(tx, id).await?;
    }
    outbox::write(tx, change).await
}

async fn status_write(
    tx: &mut Session,
    id: &AttachmentId,
    status: AttachmentStatus,
) -> Result<(), StoreError> {
    tx.run("UPDATE attachments SET status = $2 WHERE id = $1", binds![id, status.as_str()]).await?;
    Ok(())
}

async fn remove(tx: &mut Session, id: &AttachmentId) -> Result<(), StoreError> {
    tx.run("DELETE FROM attachments WHERE id = $1", binds![id]).await?;
    Ok(())
}

pub(crate) async fn status_set(
    tx: &mut Session,
    fence: &Fence,
    id: &AttachmentId,
    from: AttachmentStatus,
    to: AttachmentStatus,
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    let rows = tx
        .run(
            "UPDATE attachments SET status = $3 WHERE id = $1 AND status = $2",
            binds![id, from.as_str(), to.as_str()],
        )
        .await?;
    if rows == 0 {
        attachment::get(tx, id).await?;
    }
    written(rows, "volume attachment", id)
}

pub(crate) async fn gone(
    tx: &mut Session,
    fence: &Fence,
    id: &AttachmentId,
    status: AttachmentStatus,
    change: &Change,
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    match attachment::get(tx, id).await {
        Ok(view) if view.attachment.status == status => {}
        // The step ran before, or the instance takes it along.
        Ok(_) | Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    }
    remove(tx, id).await?;
    outbox::write(tx, change).await
}
