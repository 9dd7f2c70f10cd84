//! Images change: name, allowed use, dates, status, deletion.

use base::{ImageId, Timestamp};
use jobs::{Fence, NewJob};
use model::{
    Image, ImagePatch, ImageStatus, ImageView, LifecycleChange, Refusal, apply_due,
    deleting_failed, lifecycle_change, system_ends,
};
use policy::{Action, Permit};

use super::{
    head::changed,
    image::{self, NAMES, SELECT},
    image_list, job, outbox, permit,
    session::Session,
    value::binds,
};
use crate::{Change, StoreError, SystemEnds};

/// The image of a call that changes it: the account's own, and not on its way out.
async fn own(
    tx: &mut Session,
    permit: &Permit,
    id: &ImageId,
    verb: &'static str,
) -> Result<ImageView, StoreError> {
    let view = image::seen(tx, permit.account(), id).await?;
    if view.image.stock() {
        return Err(Refusal::ImagePublic { image: id.clone() }.into());
    }
    if view.image.status == ImageStatus::Deleting {
        let status = view.image.status;
        return Err(Refusal::ImageState { image: id.clone(), status, verb }.into());
    }
    Ok(view)
}

/// What an update is about.
pub(crate) struct Update<'a> {
    pub(crate) id: &'a ImageId,
    pub(crate) revision: u64,
    pub(crate) patch: &'a ImagePatch,
    pub(crate) now: Timestamp,
}

pub(crate) async fn update(
    tx: &mut Session,
    permit: &Permit,
    update: &Update<'_>,
    change: &Change,
) -> Result<ImageView, StoreError> {
    let Update { id, revision, patch, now } = *update;
    permit::covers(permit, &[Action::ImageUpdate], id.as_str())?;
    let mut view = own(tx, permit, id, "changed").await?;
    let image = &mut view.image;
    if image.head.revision != revision {
        return Err(changed("image", id));
    }
    if let Some(name) = &patch.name {
        NAMES.check(tx, permit.account().as_str(), name, Some(id.as_str())).await?;
        image.head.name = name.clone();
    }
    if let Some(allowed_use) = &patch.allowed_use {
        image.allowed_use = allowed_use.clone();
    }
    if patch.deprecation_at.is_some() || patch.obsolescence_at.is_some() {
        let dates = LifecycleChange::Dates {
            deprecation_at: patch.deprecation_at,
            obsolescence_at: patch.obsolescence_at,
        };
        lifecycle_change(image, &dates, now)?;
    }
    // A patch of nothing is answered with the image as it is.
    if patch != &ImagePatch::default() {
        image::write(tx, image).await?;
    }
    outbox::write(tx, change).await?;
    Ok(view)
}

pub(crate) async fn lifecycle(
    tx: &mut Session,
    permit: &Permit,
    id: &ImageId,
    what: &LifecycleChange,
    now: Timestamp,
    change: &Change,
) -> Result<(), StoreError> {
    let action = match what {
        LifecycleChange::Deprecate => Action::ImageDeprecate,
        LifecycleChange::Obsolete => Action::ImageObsolete,
        LifecycleChange::Dates { .. } => Action::ImageUpdate,
    };
    permit::covers(permit, &[action], id.as_str())?;
    let mut image = own(tx, permit, id, "changed").await?.image;
    lifecycle_change(&mut image, what, now)?;
    image::write(tx, &mut image).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &ImageId,
    job: &NewJob,
    now: Timestamp,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::ImageDelete], id.as_str())?;
    let mut image = own(tx, permit, id, "deleted").await?.image;
    if image.status == ImageStatus::Pending {
        job::cancel_of(tx, id.as_str(), now).await?;
    }
    image.status = ImageStatus::Deleting;
    image.status_reasons.clear();
    image::write(tx, &mut image).await?;
    job::insert(tx, job, now, now).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete_failed(
    tx: &mut Session,
    fence: &Fence,
    id: &ImageId,
    now: Timestamp,
    change: &Change,
) -> Result<(), StoreError> {
    job::fence(tx, fence).await?;
    let mut image = match image::any(tx, id).await {
        Ok(view) => view.image,
        Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    if !deleting_failed(&mut image, now) {
        return Ok(());
    }
    image::write(tx, &mut image).await?;
    outbox::write(tx, change).await
}

/// Moves the images whose date has come.
pub(crate) async fn due(
    tx: &mut Session,
    now: Timestamp,
    limit: u32,
    change: &(dyn Fn(&Image) -> Change + Send + Sync),
) -> Result<Vec<ImageView>, StoreError> {
    let rows = tx
        .all(
            format!("{SELECT} WHERE i.due_at <= $1 ORDER BY i.due_at, i.id LIMIT $2"),
            binds![now, limit],
        )
        .await?;
    let mut moved = Vec::new();
    for row in rows {
        let mut view = image::view(row)?;
        if apply_due(&mut view.image, now) {
            image::write(tx, &mut view.image).await?;
            outbox::write(tx, &change(&view.image)).await?;
            moved.push(view);
        }
    }
    Ok(moved)
}

/// Brings stock images to the ends of their system.
pub(crate) async fn stock_end(
    tx: &mut Session,
    ends: &(dyn for<'i> Fn(&'i Image) -> Option<SystemEnds> + Send + Sync),
    now: Timestamp,
    change: &(dyn for<'i> Fn(&'i Image) -> Change + Send + Sync),
) -> Result<Vec<Image>, StoreError> {
    let mut changed = Vec::new();
    for mut image in image_list::stock(tx).await? {
        let Some(SystemEnds { support, vendor }) = ends(&image) else { continue };
        if system_ends(&mut image, support, vendor, now) {
            image::write(tx, &mut image).await?;
            outbox::write(tx, &change(&image)).await?;
            changed.push(image);
        }
    }
    Ok(changed)
}

/// The next date at which an image is due.
pub(crate) async fn due_next(session: &mut Session) -> Result<Option<Timestamp>, StoreError> {
    let row = session
        .one(
            "SELECT due_at FROM images WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT 1",
            binds![],
        )
        .await?;
    row.map(|row| row.of("images").time()).transpose()
}
