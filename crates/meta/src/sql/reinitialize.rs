//! An instance begins anew: another boot volume, other keys and user data.

use base::{InstanceId, Timestamp};
use model::{
    AttachmentKind, AttachmentStatus, Instance, InstanceStatus, Limit, Refusal, VolumeStatus,
};
use policy::{Action, Permit};

use super::{
    allowed_use, attachment,
    head::{changed, limit_check},
    image_capture, instance,
    instance_create::{free_check, keys_insert},
    instance_view, job, outbox, permit,
    session::Session,
    value::binds,
    volume, volume_change,
};
use crate::{Change, NewBoot, StoreError};

pub(crate) async fn run(
    tx: &mut Session,
    permit: &Permit,
    id: &InstanceId,
    new: &NewBoot,
    now: Timestamp,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::InstanceUpdate], id.as_str())?;
    let view = instance_view::get(tx, Some(permit.account()), id).await?;
    let boot = view.boot().ok_or_else(|| changed("instance", id))?.attachment.clone();
    let mut instance = view.instance;
    if instance.status != InstanceStatus::Stopped {
        return Err(instance::busy(&instance, "reinitialized"));
    }
    if boot.volume != new.old.0 {
        return Err(changed("instance", id));
    }
    let old = volume::get(tx, None, &boot.volume).await?.volume;
    if old.busy {
        return Err(Refusal::SourceVolumeBusy { volume: boot.volume }.into());
    }
    tx.run("DELETE FROM attachments WHERE id = $1", binds![&boot.id]).await?;
    volume_change::status_write(tx, &boot.volume, VolumeStatus::PendingDeletion).await?;
    job::insert(tx, &new.old.1, now, now).await?;
    boot_insert(tx, permit, &instance, new).await?;
    allowed_use::check_changed(tx, &instance).await?;
    begins_with(tx, &mut instance, new).await?;
    instance.status = InstanceStatus::Starting;
    instance.status_reasons.clear();
    instance::write(tx, &mut instance).await?;
    job::insert(tx, &new.job, now, now).await?;
    outbox::write(tx, change).await
}

/// Ties the new boot volume to the instance.
async fn boot_insert(
    tx: &mut Session,
    permit: &Permit,
    instance: &Instance,
    new: &NewBoot,
) -> Result<(), StoreError> {
    let account = permit.account();
    match &new.volume {
        Some(made) if &made.head.account != account || made.head.id != new.attachment.volume => {
            return Err(StoreError::PermitMismatch);
        }
        Some(made) => {
            if let Some((image, _)) = &new.image {
                image_capture::provisionable(tx, account, image).await?;
                allowed_use::check_image(tx, instance, image).await?;
            }
            volume::insert(tx, made).await?;
        }
        None => {
            let view = volume::get(tx, Some(account), &new.attachment.volume).await?;
            free_check(&view.volume, view.attachments.is_empty(), instance)?;
        }
    }
    if new.attachment.instance != instance.head.id {
        return Err(StoreError::PermitMismatch);
    }
    let mut attachment = new.attachment.clone();
    attachment.kind = AttachmentKind::Boot;
    attachment.status = AttachmentStatus::Attached;
    attachment.position = 0;
    attachment::insert(tx, account, &attachment).await
}

/// Image, keys and user data.
async fn begins_with(
    tx: &mut Session,
    instance: &mut Instance,
    new: &NewBoot,
) -> Result<(), StoreError> {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    limit_check(count(new.keys.len()), Limit::KEYS_PER_INSTANCE_MAX)?;
    let user_data = new.user_data.as_ref().map_or(0, String::len);
    limit_check(count(user_data), Limit::USER_DATA_BYTES_MAX)?;
    tx.run("DELETE FROM instance_keys WHERE instance_id = $1", binds![&instance.head.id]).await?;
    instance.keys.clone_from(&new.keys);
    keys_insert(tx, instance).await?;
    tx.run(
        "UPDATE instances SET user_data = $2, image_id = $3, image_name = $4,
           image_account_id = (SELECT account_id FROM images WHERE id = $3) WHERE id = $1",
        binds![
            &instance.head.id,
            new.user_data.as_deref(),
            new.image.as_ref().map(|(id, _)| id),
            new.image.as_ref().map(|(_, name)| name),
        ],
    )
    .await?;
    Ok(())
}
