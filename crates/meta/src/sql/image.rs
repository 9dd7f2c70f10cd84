//! Rows of images: read, insert, write back.

use base::{AccountId, ImageId, Timestamp, VolumeId, ZoneName};
use model::{
    Image, ImageEncryption, ImageStatus, ImageStatusReason, ImageView, SourceVolume, Visibility,
};

use policy::Scope;

use super::{
    head::{NameSpace, head, head_binds, not_found, written},
    session::Session,
    sight,
    value::{Row, Value, binds, joined},
    volume::{allowed_use, sealed},
};
use crate::StoreError;

pub(crate) const NAMES: NameSpace = NameSpace::new("image", "images", "account_id");

/// The source volume's name is the one it has now, while it is there.
pub(crate) const SELECT: &str =
    "SELECT i.id, i.account_id, i.group_id, i.name, i.created_at, i.revision, i.visibility,
       i.status, i.status_reasons, i.operating_system, i.source_volume_id,
       COALESCE(v.name, i.source_volume_name), i.source_volume_zone, i.source_volume_deleted,
       i.encryption_key_crn, i.deprecation_at, i.obsolescence_at, i.capacity_bytes,
       i.logical_bytes, i.stored_bytes, i.allowed_use_api_version,
       i.allowed_use_bare_metal_server, i.allowed_use_instance, i.root_id, i.sealed_root_key,
       i.wrapped_data_key, g.name
     FROM images i LEFT JOIN resource_groups g ON g.id = i.group_id
     LEFT JOIN volumes v ON v.id = i.source_volume_id";

fn source_volume(row: &mut Row) -> Result<Option<SourceVolume>, StoreError> {
    let id: Option<VolumeId> = row.opt_id()?;
    let (name, zone, deleted) = (row.opt_text()?, row.opt_text()?, row.bool()?);
    match (id, name, zone) {
        (Some(id), Some(name), Some(zone)) => {
            Ok(Some(SourceVolume { id, name, zone: ZoneName::stored(zone), deleted }))
        }
        (None, None, None) => Ok(None),
        _ => Err(row.damaged("half a source volume")),
    }
}

pub(crate) fn view(row: Row) -> Result<ImageView, StoreError> {
    let mut row = row.of("images");
    let image = Image {
        head: head(&mut row)?,
        visibility: row.word(Visibility::parse)?,
        status: row.word(ImageStatus::parse)?,
        status_reasons: row.words(ImageStatusReason::parse)?,
        operating_system: row.text()?,
        source_volume: source_volume(&mut row)?,
        encryption: match row.opt_text()? {
            Some(key_crn) => ImageEncryption::UserManaged { key_crn },
            None => ImageEncryption::None,
        },
        deprecation_at: row.opt_time()?,
        obsolescence_at: row.opt_time()?,
        capacity: row.bytes()?,
        logical: row.opt_bytes()?,
        stored: row.opt_bytes()?,
        allowed_use: allowed_use(&mut row)?.ok_or_else(|| row.damaged("no allowed use"))?,
        sealed: sealed(&mut row)?,
        wrapped_data_key: row.blob()?,
    };
    Ok(ImageView { image, group_name: row.text()? })
}

/// An image that an account sees: its own or a public one.
pub(crate) async fn seen(
    session: &mut Session,
    account: &AccountId,
    id: &ImageId,
) -> Result<ImageView, StoreError> {
    let row = session
        .one(
            format!("{SELECT} WHERE i.id = $1 AND (i.account_id = $2 OR i.visibility = 'public')"),
            binds![id, account],
        )
        .await?;
    view(row.ok_or_else(|| not_found("image", id))?)
}

/// An image that a reader sees: one of the account that the scope shows, or a public one.
pub(crate) async fn shown(
    session: &mut Session,
    scope: &Scope,
    id: &ImageId,
) -> Result<ImageView, StoreError> {
    let found = seen(session, scope.account(), id).await?;
    if found.image.visibility != Visibility::Public {
        sight::check(session, scope, "images", "image", id).await?;
    }
    Ok(found)
}

/// An image of any account.
pub(crate) async fn any(session: &mut Session, id: &ImageId) -> Result<ImageView, StoreError> {
    let row = session.one(format!("{SELECT} WHERE i.id = $1"), binds![id]).await?;
    view(row.ok_or_else(|| not_found("image", id))?)
}

/// The next date at which an image moves by itself.
fn due_at(image: &Image) -> Option<Timestamp> {
    match image.status {
        ImageStatus::Available => match (image.deprecation_at, image.obsolescence_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        },
        ImageStatus::Deprecated => image.obsolescence_at,
        ImageStatus::Deleting
        | ImageStatus::Failed
        | ImageStatus::Obsolete
        | ImageStatus::PartiallyAvailable
        | ImageStatus::Pending
        | ImageStatus::Unusable => None,
    }
}

/// The columns that change after an image is made, in the order of both statements below.
fn state_binds(image: &Image) -> Vec<Value> {
    let sealed = image.sealed.as_ref();
    binds![
        image.status.as_str(),
        joined(&image.status_reasons, ImageStatusReason::as_str),
        image.deprecation_at,
        image.obsolescence_at,
        due_at(image),
        image.logical,
        image.stored,
        &image.allowed_use.api_version,
        &image.allowed_use.bare_metal_server,
        &image.allowed_use.instance,
        sealed.map(|s| &s.root_id),
        sealed.map(|s| s.sealed_root_key.as_slice()),
    ]
}

/// Writes a new image; everything was checked.
pub(crate) async fn insert(tx: &mut Session, image: &Image) -> Result<(), StoreError> {
    let source = image.source_volume.as_ref();
    let mut values = head_binds(&image.head);
    values.extend(state_binds(image));
    values.extend(binds![
        image.visibility.as_str(),
        &image.operating_system,
        source.map(|s| &s.id),
        source.map(|s| &s.name),
        source.map(|s| s.zone.as_str()),
        source.is_some_and(|s| s.deleted),
        match &image.encryption {
            ImageEncryption::UserManaged { key_crn } => Some(key_crn),
            ImageEncryption::None => None,
        },
        image.capacity,
        image.wrapped_data_key.as_slice(),
    ]);
    tx.run(
        "INSERT INTO images (id, account_id, group_id, name, created_at, revision, status,
           status_reasons, deprecation_at, obsolescence_at, due_at, logical_bytes, stored_bytes,
           allowed_use_api_version, allowed_use_bare_metal_server, allowed_use_instance, root_id,
           sealed_root_key, visibility, operating_system, source_volume_id, source_volume_name,
           source_volume_zone, source_volume_deleted, encryption_key_crn, capacity_bytes,
           wrapped_data_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
           $19, $20, $21, $22, $23, $24, $25, $26, $27)",
        values,
    )
    .await?;
    Ok(())
}

/// Writes back an image as it was changed, if its row still has the revision it was read at, and
/// raises the revision.
pub(crate) async fn write(tx: &mut Session, image: &mut Image) -> Result<(), StoreError> {
    let mut values = binds![&image.head.id, image.head.revision, &image.head.name];
    values.extend(state_binds(image));
    let rows = tx
        .run(
            "UPDATE images SET name = $3, status = $4, status_reasons = $5, deprecation_at = $6,
               obsolescence_at = $7, due_at = $8, logical_bytes = $9, stored_bytes = $10,
               allowed_use_api_version = $11, allowed_use_bare_metal_server = $12,
               allowed_use_instance = $13, root_id = $14, sealed_root_key = $15,
               revision = revision + 1
             WHERE id = $1 AND revision = $2",
            values,
        )
        .await?;
    written(rows, "image", &image.head.id)?;
    image.head.revision += 1;
    Ok(())
}
