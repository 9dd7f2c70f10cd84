//! Changes of volumes that exist.

use base::{Timestamp, VolumeId};
use jobs::{Fence, NewJob};
use model::{
    AttachmentView, InstanceStatus, Refusal, SealedRef, Volume, VolumePatch, VolumeShape,
    VolumeStatus, volume_shape,
};
use policy::{Action, Permit};

use super::{
    counter::{self, Counter},
    fault,
    head::{changed, not_found, written},
    job, outbox, permit,
    session::Session,
    tag,
    value::binds,
    volume::{self, NAMES},
};
use crate::{Change, StoreError};

fn state(volume: &Volume, verb: &'static str) -> StoreError {
    Refusal::VolumeState {
        volume: volume.head.id.clone(),
        status: volume.status,
        busy: volume.busy,
        verb,
    }
    .into()
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    volume: &Volume,
    change: &Change,
) -> Result<(), StoreError> {
    let head = &volume.head;
    permit::covers_new(permit, Action::VolumeCreate, &head.account, &head.group)?;
    volume::insert(tx, volume).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn update(
    tx: &mut Session,
    permit: &Permit,
    id: &VolumeId,
    revision: u64,
    patch: &VolumePatch,
    live: (&NewJob, Timestamp),
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VolumeUpdate], id.as_str())?;
    let view = volume::get(tx, Some(permit.account()), id).await?;
    let mut volume = view.volume;
    if volume.status != VolumeStatus::Available {
        return Err(state(&volume, "changed"));
    }
    if volume.head.revision != revision {
        return Err(changed("volume", id));
    }
    if let Some(shape) = volume_shape(&volume, patch)? {
        if volume.busy {
            return Err(state(&volume, "changed"));
        }
        let at_rest = |a: &AttachmentView| a.instance_status == InstanceStatus::Stopped;
        if shape.capacity > volume.capacity && !view.attachments.iter().all(at_rest) {
            volume.status = VolumeStatus::Updating;
            let (job, now) = live;
            job::insert(tx, job, now, now).await?;
        }
        shape_write(tx, &volume, &shape).await?;
    }
    if let Some(name) = &patch.name {
        NAMES.check(tx, permit.account().as_str(), name, Some(id.as_str())).await?;
        volume.head.name = name.clone();
    }
    if let Some(allowed_use) = &patch.allowed_use {
        if !view.attachments.is_empty() {
            return Err(Refusal::VolumeAttached { volume: id.clone() }.into());
        }
        volume.allowed_use = Some(allowed_use.clone());
    }
    let allowed = volume.allowed_use.as_ref();
    let rows = tx
        .run(
            "UPDATE volumes SET name = $3, allowed_use_api_version = $4,
               allowed_use_bare_metal_server = $5, allowed_use_instance = $6,
               revision = revision + 1
             WHERE id = $1 AND revision = $2",
            binds![
                id,
                revision,
                &volume.head.name,
                allowed.map(|a| &a.api_version),
                allowed.map(|a| &a.bare_metal_server),
                allowed.map(|a| &a.instance),
            ],
        )
        .await?;
    written(rows, "volume", id)?;
    if let Some(tags) = &patch.user_tags {
        volume.user_tags.clone_from(tags);
        volume::tags_write(tx, &volume).await?;
    }
    outbox::write(tx, change).await
}

async fn shape_write(
    tx: &mut Session,
    volume: &Volume,
    shape: &VolumeShape,
) -> Result<(), StoreError> {
    tx.run(
        "UPDATE volumes SET profile = $2, capacity_bytes = $3, iops = $4, bandwidth = $5,
           status = $6 WHERE id = $1",
        binds![
            &volume.head.id,
            shape.profile.name,
            shape.capacity,
            shape.iops,
            shape.bandwidth,
            volume.status.as_str(),
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &VolumeId,
    job: &NewJob,
    now: Timestamp,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VolumeDelete], id.as_str())?;
    let view = volume::get(tx, Some(permit.account()), id).await?;
    if !view.attachments.is_empty() {
        return Err(Refusal::VolumeAttached { volume: id.clone() }.into());
    }
    let deletable = match view.volume.status {
        VolumeStatus::Available | VolumeStatus::Failed | VolumeStatus::Unusable => true,
        VolumeStatus::Pending | VolumeStatus::PendingDeletion | VolumeStatus::Updating => false,
    };
    if !deletable || view.volume.busy {
        return Err(state(&view.volume, "deleted"));
    }
    status_write(tx, id, VolumeStatus::PendingDeletion).await?;
    job::insert(tx, job, now, now).await?;
    outbox::write(tx, change).await
}

/// Writes a status that was decided in this transaction.
pub(crate) async fn status_write(
    tx: &mut Session,
    id: &VolumeId,
    status: VolumeStatus,
) -> Result<(), StoreError> {
    tx.run(
        "UPDATE volumes SET status = $2, revision = revision + 1 WHERE id = $1",
        binds![id, status.as_str()],
    )
    .await?;
    Ok(())
}

pub(crate) async fn gone(
    tx: &mut Session,
    fence: &Fence,
    id: &VolumeId,
    change: &Change,
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    let volume = match volume::get(tx, None, id).await {
        Ok(view) => view.volume,
        // The step ran before and its end was not written.
        Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    if volume.status != VolumeStatus::PendingDeletion {
        return Err(changed("volume", id));
    }
    tx.run(
        "UPDATE images SET source_volume_name = $2, source_volume_deleted = 1,
           revision = revision + 1 WHERE source_volume_id = $1",
        binds![id, &volume.head.name],
    )
    .await?;
    tag::forget(tx, id.as_str()).await?;
    fault::forget(tx, id.as_str()).await?;
    tx.run("DELETE FROM volumes WHERE id = $1", binds![id]).await?;
    counter::add_in(tx, (&volume.head.account, &volume.head.group), Counter::Volumes, -1).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn epoch_next(tx: &mut Session, id: &VolumeId) -> Result<u64, StoreError> {
    let row = tx
        .one("UPDATE volumes SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch", binds![id])
        .await?;
    row.ok_or_else(|| not_found("volume", id))?.of("volumes").count()
}

pub(crate) async fn status_set(
    tx: &mut Session,
    id: &VolumeId,
    from: VolumeStatus,
    to: VolumeStatus,
) -> Result<(), StoreError> {
    let rows = tx
        .run(
            "UPDATE volumes SET status = $3, revision = revision + 1
             WHERE id = $1 AND status = $2",
            binds![id, from.as_str(), to.as_str()],
        )
        .await?;
    if rows == 0 {
        volume::get(tx, None, id).await?;
    }
    written(rows, "volume", id)
}

pub(crate) async fn rebased(
    tx: &mut Session,
    fence: &Fence,
    id: &VolumeId,
    generation: u64,
    base: &SealedRef,
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    let storage = volume::get(tx, None, id).await?.volume.storage;
    let there = storage.base.as_ref().is_some_and(|b| b.root_id == base.root_id);
    if storage.generation == generation && there {
        return Ok(());
    }
    if storage.generation.checked_add(1) != Some(generation) {
        return Err(changed("volume", id));
    }
    tx.run(
        "UPDATE volumes SET generation = $2, base_root_id = $3, base_sealed_key = $4,
           revision = revision + 1 WHERE id = $1",
        binds![id, generation, &base.root_id, base.sealed_root_key.as_slice()],
    )
    .await?;
    Ok(())
}
