//! Rows of volumes: read, list, insert.

use std::collections::HashMap;

use base::{AccountId, Crn, ImageId, VolumeId, ZoneName};
use model::{
    AllowedUse, Limit, Reference, SealedRef, Tag, TagKind, Volume, VolumeEncryption, VolumeStatus,
    VolumeStorage, VolumeView,
};
use policy::Scope;

use super::{
    attachment::{self, End},
    counter::{self, Counter},
    head::{NameSpace, group_check, head, head_binds, limit_check, not_found},
    list::{Conditions, marks, paged, place},
    session::Session,
    sight::{self, columns},
    tag::{self, Tagged},
    value::{Row, Value, binds},
};
use crate::{Page, Paged, StoreError, VolumeFilter};

pub(crate) const NAMES: NameSpace = NameSpace::new("volume", "volumes", "account_id");

const SELECT: &str =
    "SELECT v.id, v.account_id, v.group_id, v.name, v.created_at, v.revision, v.zone, v.profile,
       v.capacity_bytes, v.iops, v.bandwidth, v.status, v.busy_job_id, v.encryption_key_crn,
       v.operating_system, v.source_image_id, v.source_image_name, v.allowed_use_api_version,
       v.allowed_use_bare_metal_server, v.allowed_use_instance, v.host_id, v.generation, v.epoch,
       v.base_root_id, v.base_sealed_key, v.wrapped_data_key, g.name, i.name,
       v.source_image_account_id
     FROM volumes v LEFT JOIN resource_groups g ON g.id = v.group_id
     LEFT JOIN images i ON i.id = v.source_image_id";

/// Expressions that a row may have.
pub(crate) fn allowed_use(row: &mut Row) -> Result<Option<AllowedUse>, StoreError> {
    match (row.opt_text()?, row.opt_text()?, row.opt_text()?) {
        (Some(api_version), Some(bare_metal_server), Some(instance)) => {
            Ok(Some(AllowedUse { api_version, bare_metal_server, instance }))
        }
        (None, None, None) => Ok(None),
        _ => Err(row.damaged("half an allowed use")),
    }
}

/// A sealed root that a row may have.
pub(crate) fn sealed(row: &mut Row) -> Result<Option<SealedRef>, StoreError> {
    match (row.opt_text()?, row.opt_blob()?) {
        (Some(root_id), Some(sealed_root_key)) => Ok(Some(SealedRef { root_id, sealed_root_key })),
        (None, None) => Ok(None),
        _ => Err(row.damaged("half a sealed root")),
    }
}

fn image_then(row: &mut Row) -> Result<Option<(ImageId, String)>, StoreError> {
    match (row.opt_id()?, row.opt_text()?) {
        (Some(id), Some(name)) => Ok(Some((id, name))),
        (None, None) => Ok(None),
        _ => Err(row.damaged("half a source image")),
    }
}

fn volume(row: &mut Row) -> Result<Volume, StoreError> {
    Ok(Volume {
        head: head(row)?,
        zone: ZoneName::stored(row.text()?),
        profile: row.text()?,
        capacity: row.bytes()?,
        iops: row.count()?,
        bandwidth: row.count()?,
        status: row.word(VolumeStatus::parse)?,
        busy: row.opt_text()?.is_some(),
        encryption: match row.opt_text()? {
            Some(key_crn) => VolumeEncryption::UserManaged { key_crn },
            None => VolumeEncryption::ProviderManaged,
        },
        operating_system: row.opt_text()?,
        source_image: image_then(row)?,
        allowed_use: allowed_use(row)?,
        user_tags: Vec::new(),
        storage: VolumeStorage {
            host: row.text()?,
            generation: row.count()?,
            epoch: row.count()?,
            base: sealed(row)?,
            wrapped_data_key: row.blob()?,
        },
    })
}

/// A view without tags and attachments.
fn view(row: Row) -> Result<VolumeView, StoreError> {
    let mut row = row.of("volumes");
    let volume = volume(&mut row)?;
    let group_name = row.text()?;
    let (name_now, account): (_, Option<AccountId>) = (row.opt_text()?, row.opt_id()?);
    let source_image = image_reference(volume.source_image.as_ref(), name_now, account);
    Ok(VolumeView { volume, group_name, attachments: Vec::new(), source_image })
}

/// An image by its name now, or its last one.
pub(crate) fn image_reference(
    then: Option<&(ImageId, String)>,
    name_now: Option<String>,
    account: Option<AccountId>,
) -> Option<(Reference<ImageId>, AccountId)> {
    let ((id, name_then), account) = (then?, account?);
    let deleted = name_now.is_none();
    let name = name_now.unwrap_or_else(|| name_then.clone());
    Some((Reference { id: id.clone(), name, deleted }, account))
}

/// The CRN that tags of a volume go by.
pub(crate) fn crn(volume: &Volume) -> String {
    let head = &volume.head;
    Crn::vpc(volume.zone.as_str(), &head.account, "volume", head.id.as_str()).to_string()
}

async fn tags_fill(session: &mut Session, volumes: &mut [&mut Volume]) -> Result<(), StoreError> {
    if volumes.is_empty() {
        return Ok(());
    }
    let crns: Vec<String> = volumes.iter().map(|volume| crn(volume)).collect();
    let rows = session
        .all(
            format!(
                "SELECT crn, tag FROM tags WHERE crn IN ({}) AND kind = 'user'
                 ORDER BY crn, position",
                marks(1, crns.len())
            ),
            crns.iter().map(Value::from).collect(),
        )
        .await?;
    let mut by_crn: HashMap<String, Vec<String>> = HashMap::new();
    for row in rows {
        let mut row = row.of("tags");
        by_crn.entry(row.text()?).or_default().push(row.text()?);
    }
    for (volume, crn) in volumes.iter_mut().zip(crns) {
        volume.user_tags = by_crn.remove(&crn).unwrap_or_default();
    }
    Ok(())
}

async fn fill(session: &mut Session, views: &mut [VolumeView]) -> Result<(), StoreError> {
    let ids = views.iter().map(|view| (&view.volume.head.id).into()).collect();
    let mut attachments = attachment::of(session, End::Volume, ids).await?;
    for view in views.iter_mut() {
        let own = |a: &mut model::AttachmentView| a.attachment.volume == view.volume.head.id;
        view.attachments = attachments.extract_if(.., own).collect();
    }
    let mut volumes: Vec<&mut Volume> = views.iter_mut().map(|view| &mut view.volume).collect();
    tags_fill(session, &mut volumes).await
}

/// A volume of one account, or (none) of any.
pub(crate) async fn get(
    session: &mut Session,
    account: Option<&AccountId>,
    id: &VolumeId,
) -> Result<VolumeView, StoreError> {
    let mut conditions = Conditions::default();
    conditions.and("v.id = ?", binds![id]).and_eq("v.account_id", account);
    let rows = conditions.all(session, SELECT, "v.id").await?;
    let row = rows.into_iter().next().ok_or_else(|| not_found("volume", id))?;
    let mut found = [view(row)?];
    fill(session, &mut found).await?;
    let [view] = found;
    Ok(view)
}

/// Volumes whose write layer is on a host.
pub(crate) async fn of_host(session: &mut Session, host: &str) -> Result<Vec<Volume>, StoreError> {
    let rows =
        session.all(format!("{SELECT} WHERE v.host_id = $1 ORDER BY v.id"), binds![host]).await?;
    let mut views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    for part in views.chunks_mut(100) {
        let mut volumes: Vec<&mut Volume> = part.iter_mut().map(|view| &mut view.volume).collect();
        tags_fill(session, &mut volumes).await?;
    }
    Ok(views.into_iter().map(|view| view.volume).collect())
}

fn conditions(scope: &Scope, filter: &VolumeFilter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions
        .and("v.account_id = ?", binds![scope.account()])
        .and_seen(scope, columns!("v"))
        .and_eq("v.group_id", filter.group.as_ref())
        .and_eq("v.name", filter.name.as_deref())
        .and_eq("v.zone", filter.zone.as_deref());
    let attachment = "EXISTS (SELECT 1 FROM attachments a WHERE a.volume_id = v.id)";
    match filter.attached {
        Some(true) => conditions.and(attachment, binds![]),
        Some(false) => conditions.and(&format!("NOT {attachment}"), binds![]),
        None => &mut conditions,
    };
    for (wanted, column) in [
        (filter.user_managed, "v.encryption_key_crn"),
        (filter.has_operating_system, "v.operating_system"),
    ] {
        match wanted {
            Some(true) => conditions.and(&format!("{column} IS NOT NULL"), binds![]),
            Some(false) => conditions.and(&format!("{column} IS NULL"), binds![]),
            None => &mut conditions,
        };
    }
    if let Some(systems) = &filter.operating_systems {
        conditions.and_in("v.operating_system", systems.iter().map(Value::from).collect());
    }
    if let Some(profiles) = &filter.profiles {
        conditions.and_in("v.profile", profiles.iter().map(Value::from).collect());
    }
    if let Some(tag) = &filter.tag {
        conditions.and(
            "v.id IN (SELECT t.resource_id FROM tags t WHERE t.account_id = ? AND t.kind = 'user'
               AND t.tag = ?)",
            binds![scope.account(), tag.to_ascii_lowercase()],
        );
    }
    conditions
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &VolumeFilter,
    page: &Page,
) -> Result<Paged<VolumeView>, StoreError> {
    let conditions = conditions(scope, filter);
    let narrowed = filter != &VolumeFilter::default();
    let all = (&conditions, "volumes v");
    let total = sight::total(session, scope, Counter::Volumes, narrowed, all).await?;
    let rows = conditions.page(session, SELECT, "v", page).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    let mut views = paged(views, page, total, |view| place(&view.volume.head));
    fill(session, &mut views.items).await?;
    Ok(views)
}

fn row_binds(volume: &Volume) -> Vec<Value> {
    let allowed = volume.allowed_use.as_ref();
    let base = volume.storage.base.as_ref();
    let source = volume.source_image.as_ref();
    let mut values = head_binds(&volume.head);
    values.extend(binds![
        volume.zone.as_str(),
        &volume.profile,
        volume.capacity,
        volume.iops,
        volume.bandwidth,
        volume.status.as_str(),
        match &volume.encryption {
            VolumeEncryption::UserManaged { key_crn } => Some(key_crn),
            VolumeEncryption::ProviderManaged => None,
        },
        volume.operating_system.as_deref(),
        source.map(|(id, _)| id),
        source.map(|(_, name)| name),
        allowed.map(|a| &a.api_version),
        allowed.map(|a| &a.bare_metal_server),
        allowed.map(|a| &a.instance),
        &volume.storage.host,
        volume.storage.generation,
        volume.storage.epoch,
        base.map(|b| &b.root_id),
        base.map(|b| b.sealed_root_key.as_slice()),
        volume.storage.wrapped_data_key.as_slice(),
    ]);
    values
}

/// Writes a volume after the checks that every new volume takes: group, name, limit.
pub(crate) async fn insert(tx: &mut Session, volume: &Volume) -> Result<(), StoreError> {
    let account = &volume.head.account;
    group_check(tx, account, &volume.head.group).await?;
    NAMES.check(tx, account.as_str(), &volume.head.name, None).await?;
    let count = counter::add_in(tx, (account, &volume.head.group), Counter::Volumes, 1).await?;
    limit_check(count.unsigned_abs(), Limit::VOLUMES_MAX)?;
    tx.run(
        "INSERT INTO volumes (id, account_id, group_id, name, created_at, revision, zone, profile,
           capacity_bytes, iops, bandwidth, status, encryption_key_crn, operating_system,
           source_image_id, source_image_name, allowed_use_api_version,
           allowed_use_bare_metal_server, allowed_use_instance, host_id, generation, epoch,
           base_root_id, base_sealed_key, wrapped_data_key, source_image_account_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
           $19, $20, $21, $22, $23, $24, $25,
           CASE WHEN $15 IS NULL THEN NULL
             ELSE COALESCE((SELECT account_id FROM images WHERE id = $15), $2) END)",
        row_binds(volume),
    )
    .await?;
    tags_write(tx, volume).await
}

/// Replaces the user tags of a volume.
pub(crate) async fn tags_write(tx: &mut Session, volume: &Volume) -> Result<(), StoreError> {
    let crn = crn(volume);
    let have = tag::of(tx, &crn, TagKind::User).await?;
    let mut after = Vec::with_capacity(volume.user_tags.len());
    for text in &volume.user_tags {
        let damaged = || StoreError::Damaged { table: "tags", why: format!("`{text}`") };
        after.push(Tag::parse(text).map_err(|_| damaged())?);
    }
    let (account, id) = (&volume.head.account, volume.head.id.as_str());
    let tagged = Tagged { account, crn: &crn, id, kind: TagKind::User };
    // In the order given: what stays behind something new is written again.
    let kept = have.iter().zip(&after).take_while(|(a, b)| a == b).count();
    tagged.write(tx, &have, &after[..kept]).await?;
    tagged.write(tx, &have[..kept], &after).await
}
