//! The life of a capture in rows: create, commit, failure, settlement, the end of an image.
//!
//! Invariant: an image becomes `available` only by [`commit`], under the epoch of its job.

use base::{ImageId, InstanceId, JobId, RegionName, Timestamp, VolumeId};
use jobs::{Fence, NewJob};
use model::{
    AttachmentKind, Image, ImageEncryption, ImageStatus, ImageStatusReason, Limit, SourceVolume,
    Visibility, VolumeEncryption, VolumeView, check_source,
};
use policy::{Action, Permit};

use super::{
    counter::{self, Counter},
    fault,
    head::{changed, group_check, limit_check},
    image::{self, NAMES, SELECT},
    image_lineage, instance_action, instance_view, job, outbox, permit,
    session::Session,
    tag,
    value::binds,
    volume, volume_change,
};
use crate::{Change, ImageCommit, Isolated, StoreError};

/// What a creation is about.
pub(crate) struct Create<'a> {
    pub(crate) region: &'a RegionName,
    pub(crate) image: &'a Image,
    pub(crate) source: &'a VolumeId,
    pub(crate) inherit_allowed_use: bool,
    pub(crate) job: &'a NewJob,
    pub(crate) now: Timestamp,
}

/// Checks and writes what every new image has.
/// `parent` is the image that its volume was made of.
pub(crate) async fn insert(
    tx: &mut Session,
    image: &Image,
    parent: Option<&ImageId>,
) -> Result<(), StoreError> {
    let account = &image.head.account;
    group_check(tx, account, &image.head.group).await?;
    NAMES.check(tx, account.as_str(), &image.head.name, None).await?;
    let count = counter::add_in(tx, (account, &image.head.group), Counter::Images, 1).await?;
    limit_check(count.unsigned_abs(), Limit::IMAGES_MAX)?;
    image::insert(tx, image).await?;
    image_lineage::insert(tx, image, parent).await
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    new: &Create<'_>,
    change: &Change,
) -> Result<(), StoreError> {
    let account = &new.image.head.account;
    permit::covers_new(permit, Action::ImageCreate, account, &new.image.head.group)?;
    let source = volume::get(tx, Some(account), new.source).await?;
    source_check(tx, new.region, &source).await?;
    let parent = source.volume.source_image.as_ref().map(|(id, _)| id.clone());
    let image = from_source(new, source)?;
    insert(tx, &image, parent.as_ref()).await?;
    tx.run(
        "UPDATE volumes SET busy_job_id = $2, revision = revision + 1 WHERE id = $1",
        binds![new.source, &new.job.id],
    )
    .await?;
    job::insert(tx, new.job, new.now, new.now).await?;
    outbox::write(tx, change).await
}

async fn source_check(
    tx: &mut Session,
    region: &RegionName,
    source: &VolumeView,
) -> Result<(), StoreError> {
    let instance = match source.attachments.first() {
        None => None,
        Some(view) => {
            let kind: AttachmentKind = view.attachment.kind;
            Some((kind, instance_view::row(tx, &view.attachment.instance).await?))
        }
    };
    let attached = instance.as_ref().map(|(kind, instance)| (*kind, instance));
    Ok(check_source(region, &source.volume, attached)?)
}

/// The image with the facts of its volume.
fn from_source(new: &Create<'_>, source: VolumeView) -> Result<Image, StoreError> {
    let volume = source.volume;
    let mut image = new.image.clone();
    image.status = ImageStatus::Pending;
    image.visibility = Visibility::Private;
    image.operating_system = volume.operating_system.unwrap_or_default();
    image.capacity = volume.capacity;
    image.source_volume = Some(SourceVolume {
        id: volume.head.id,
        name: volume.head.name.to_string(),
        zone: volume.zone,
        deleted: false,
    });
    if let (true, Some(allowed_use)) = (new.inherit_allowed_use, volume.allowed_use) {
        image.allowed_use = allowed_use;
    }
    // S10: a customer's key is never left for the provider's. The caller wrapped the data key
    // before this transaction, so it must have read the same volume.
    let by_customer = matches!(volume.encryption, VolumeEncryption::UserManaged { .. });
    if by_customer && image.encryption == ImageEncryption::None {
        return Err(changed("volume", new.source));
    }
    Ok(image)
}

pub(crate) async fn stock_add(
    tx: &mut Session,
    image: &Image,
    change: &Change,
) -> Result<(), StoreError> {
    let now = image.head.created_at;
    let rows = tx
        .all(
            format!(
                "{SELECT} WHERE i.visibility = 'public' AND i.operating_system = $1
                   AND i.status = 'available' AND i.id <> $2 ORDER BY i.id"
            ),
            binds![&image.operating_system, &image.head.id],
        )
        .await?;
    for row in rows {
        let mut older = image::view(row)?.image;
        older.status = ImageStatus::Deprecated;
        older.deprecation_at = Some(now);
        image::write(tx, &mut older).await?;
    }
    let mut image = image.clone();
    image.visibility = Visibility::Public;
    insert(tx, &image, None).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn reasons_set(
    tx: &mut Session,
    fence: &Fence,
    id: &ImageId,
    reasons: &[ImageStatusReason],
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    let mut image = image::any(tx, id).await?.image;
    if image.status != ImageStatus::Pending {
        return Err(changed("image", id));
    }
    image.status_reasons = reasons.to_vec();
    image::write(tx, &mut image).await
}

pub(crate) async fn commit(
    tx: &mut Session,
    fence: &Fence,
    commit: &ImageCommit,
    now: Timestamp,
    change: &Change,
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    let mut image = image::any(tx, &commit.image).await?.image;
    // Committed before, and the end of the step was not written: nothing is written twice.
    if image.sealed.as_ref().is_some_and(|s| s.root_id == commit.sealed.root_id) {
        return Ok(());
    }
    if image.status != ImageStatus::Pending {
        return Err(changed("image", &commit.image));
    }
    image.status = image.status_by_dates(commit.at);
    image.status_reasons.clear();
    image.sealed = Some(commit.sealed.clone());
    image.logical = Some(commit.logical);
    image.stored = Some(commit.stored);
    image::write(tx, &mut image).await?;
    if let Some(rebase) = &commit.rebase {
        volume_change::rebased(tx, fence, &rebase.volume, rebase.generation, &rebase.base).await?;
        settled(tx, fence, &rebase.volume, now).await?;
    }
    outbox::write(tx, change).await
}

pub(crate) async fn isolated(
    tx: &mut Session,
    fence: &Fence,
    isolated: &Isolated,
    change: &Change,
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    let mut image = image::any(tx, &isolated.image).await?.image;
    let has = image.sealed.as_ref().map(|sealed| sealed.root_id.as_str());
    // The step ran before and its end was not written.
    if has == Some(&isolated.sealed.root_id) {
        return Ok(());
    }
    let rests = match image.status {
        ImageStatus::Available
        | ImageStatus::Deprecated
        | ImageStatus::Obsolete
        | ImageStatus::Unusable => true,
        ImageStatus::Pending
        | ImageStatus::Failed
        | ImageStatus::Deleting
        | ImageStatus::PartiallyAvailable => false,
    };
    if !rests || has != Some(&isolated.from) {
        return Err(changed("image", &isolated.image));
    }
    image.sealed = Some(isolated.sealed.clone());
    image.stored = Some(isolated.stored);
    image::write(tx, &mut image).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn failed(
    tx: &mut Session,
    fence: &Fence,
    id: &ImageId,
    reasons: &[ImageStatusReason],
    change: &Change,
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    let mut image = match image::any(tx, id).await {
        Ok(view) => view.image,
        // Deleted while it was being made.
        Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    match image.status {
        ImageStatus::Pending => {}
        ImageStatus::Failed | ImageStatus::Deleting => return Ok(()),
        ImageStatus::Available
        | ImageStatus::Deprecated
        | ImageStatus::Obsolete
        | ImageStatus::PartiallyAvailable
        | ImageStatus::Unusable => return Err(changed("image", id)),
    }
    image.status = ImageStatus::Failed;
    image.status_reasons = reasons.to_vec();
    image::write(tx, &mut image).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn settled(
    tx: &mut Session,
    fence: &Fence,
    volume: &VolumeId,
    now: Timestamp,
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    let row = tx.one("SELECT busy_job_id FROM volumes WHERE id = $1", binds![volume]).await?;
    let Some(row) = row else { return Ok(()) };
    let holder: Option<JobId> = row.of("volumes").opt_id()?;
    if holder.is_some_and(|job| job != fence.job) {
        return Ok(());
    }
    tx.run(
        "UPDATE volumes SET busy_job_id = NULL, revision = revision + 1
         WHERE id = $1 AND busy_job_id IS NOT NULL",
        binds![volume],
    )
    .await?;
    let row =
        tx.one("SELECT instance_id FROM attachments WHERE volume_id = $1", binds![volume]).await?;
    let Some(row) = row else { return Ok(()) };
    let instance: InstanceId = row.of("attachments").id()?;
    instance_action::release_start(tx, &instance, now).await
}

pub(crate) async fn gone(
    tx: &mut Session,
    fence: &Fence,
    id: &ImageId,
    change: &Change,
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    let image = match image::any(tx, id).await {
        Ok(view) => view.image,
        // The step ran before and its end was not written.
        Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    if image.status != ImageStatus::Deleting {
        return Err(changed("image", id));
    }
    let name = &image.head.name;
    tx.run(
        "UPDATE volumes SET source_image_name = $2 WHERE source_image_id = $1",
        binds![id, name],
    )
    .await?;
    tx.run("UPDATE instances SET image_name = $2 WHERE image_id = $1", binds![id, name]).await?;
    tag::forget(tx, id.as_str()).await?;
    fault::forget(tx, id.as_str()).await?;
    image_lineage::gone(tx, &image).await?;
    tx.run("DELETE FROM images WHERE id = $1", binds![id]).await?;
    counter::add_in(tx, (&image.head.account, &image.head.group), Counter::Images, -1).await?;
    outbox::write(tx, change).await
}

/// Roots of images that stay and of every volume.
pub(crate) async fn roots(session: &mut Session) -> Result<Vec<String>, StoreError> {
    let rows = session
        .all(
            "SELECT root_id FROM images WHERE root_id IS NOT NULL AND status <> 'deleting'
             UNION SELECT base_root_id FROM volumes WHERE base_root_id IS NOT NULL
             ORDER BY 1",
            binds![],
        )
        .await?;
    rows.into_iter().map(|row| row.of("images").text()).collect()
}

/// Roots of the images beside `id`, and of volumes.
pub(crate) async fn roots_beside(
    session: &mut Session,
    id: &ImageId,
) -> Result<(Vec<String>, Vec<String>), StoreError> {
    let images = session
        .all(
            "SELECT DISTINCT root_id FROM images
             WHERE root_id IS NOT NULL AND status <> 'deleting' AND id <> $1 ORDER BY 1",
            binds![id],
        )
        .await?;
    let volumes = session
        .all(
            "SELECT DISTINCT base_root_id FROM volumes
             WHERE base_root_id IS NOT NULL ORDER BY 1",
            binds![],
        )
        .await?;
    let read = |row: super::value::Row| row.of("images").text();
    let images = images.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok((images, volumes.into_iter().map(read).collect::<Result<_, _>>()?))
}

/// Refuses an image that no instance can be made of now.
pub(crate) async fn provisionable(
    tx: &mut Session,
    account: &base::AccountId,
    id: &ImageId,
) -> Result<(), StoreError> {
    let image = image::seen(tx, account, id).await?.image;
    if image.provisionable() {
        return Ok(());
    }
    let status = image.status;
    Err(model::Refusal::ImageNotProvisionable { image: id.clone(), status }.into())
}
