//! Volume attachments.

use base::{AccountId, AttachmentId, InstanceId, ZoneName};
use model::{
    Attachment, AttachmentKind, AttachmentStatus, AttachmentView, InstanceStatus, Reference,
    ResourceName,
};
use policy::{Action, Permit};

use super::{
    head::{NameSpace, not_found},
    list::marks,
    outbox, permit,
    session::Session,
    value::{Row, Value, binds},
};
use crate::{Change, StoreError};

const NAMES: NameSpace = NameSpace::new("volume attachment", "attachments", "instance_id");

const SELECT: &str =
    "SELECT a.id, a.name, a.instance_id, a.volume_id, a.kind, a.status, a.delete_volume,
       a.position, a.created_at, v.name, v.zone, v.bandwidth, n.name, n.zone, n.status
     FROM attachments a JOIN volumes v ON v.id = a.volume_id
     JOIN instances n ON n.id = a.instance_id";

/// Which end is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Instance,
    Volume,
}

fn view(row: Row) -> Result<AttachmentView, StoreError> {
    let mut row = row.of("attachments");
    let attachment = Attachment {
        id: row.id()?,
        name: row.name()?,
        instance: row.id()?,
        volume: row.id()?,
        kind: row.word(AttachmentKind::parse)?,
        status: row.word(AttachmentStatus::parse)?,
        delete_volume_on_instance_delete: row.bool()?,
        position: row.count()?,
        created_at: row.time()?,
    };
    Ok(AttachmentView {
        volume: Reference { id: attachment.volume.clone(), name: row.text()?, deleted: false },
        volume_zone: ZoneName::stored(row.text()?),
        volume_bandwidth: row.count()?,
        instance_name: row.text()?,
        instance_zone: ZoneName::stored(row.text()?),
        instance_status: row.word(InstanceStatus::parse)?,
        attachment,
    })
}

/// Attachments of several instances or volumes; those of one instance by position.
pub(crate) async fn of(
    session: &mut Session,
    end: End,
    ids: Vec<Value>,
) -> Result<Vec<AttachmentView>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let column = match end {
        End::Instance => "a.instance_id",
        End::Volume => "a.volume_id",
    };
    let rows = session
        .all(
            format!(
                "{SELECT} WHERE {column} IN ({}) ORDER BY a.instance_id, a.position",
                marks(1, ids.len())
            ),
            ids,
        )
        .await?;
    rows.into_iter().map(view).collect()
}

/// An attachment of any account.
pub(crate) async fn get(
    session: &mut Session,
    id: &AttachmentId,
) -> Result<AttachmentView, StoreError> {
    let row = session.one(format!("{SELECT} WHERE a.id = $1"), binds![id]).await?;
    view(row.ok_or_else(|| not_found("volume_attachment", id))?)
}

/// An attachment of an instance of an account.
pub(crate) async fn own(
    session: &mut Session,
    account: &AccountId,
    instance: &InstanceId,
    id: &AttachmentId,
) -> Result<AttachmentView, StoreError> {
    let row = session
        .one(
            format!("{SELECT} WHERE a.id = $1 AND a.instance_id = $2 AND a.account_id = $3"),
            binds![id, instance, account],
        )
        .await?;
    view(row.ok_or_else(|| not_found("volume_attachment", id))?)
}

pub(crate) async fn insert(
    tx: &mut Session,
    account: &AccountId,
    attachment: &Attachment,
) -> Result<(), StoreError> {
    NAMES.check(tx, attachment.instance.as_str(), &attachment.name, None).await?;
    tx.run(
        "INSERT INTO attachments (id, account_id, name, instance_id, volume_id, kind, status,
           delete_volume, position, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        binds![
            &attachment.id,
            account,
            &attachment.name,
            &attachment.instance,
            &attachment.volume,
            attachment.kind.as_str(),
            attachment.status.as_str(),
            attachment.delete_volume_on_instance_delete,
            attachment.position,
            attachment.created_at,
        ],
    )
    .await?;
    Ok(())
}

/// What an update of an attachment asks for.
pub(crate) struct AttachmentPatch {
    pub(crate) name: Option<ResourceName>,
    pub(crate) delete_volume: Option<bool>,
}

pub(crate) async fn update(
    tx: &mut Session,
    permit: &Permit,
    instance: &InstanceId,
    id: &AttachmentId,
    patch: &AttachmentPatch,
    change: &Change,
) -> Result<Attachment, StoreError> {
    permit::covers(permit, &[Action::InstanceUpdate], instance.as_str())?;
    let mut attachment = own(tx, permit.account(), instance, id).await?.attachment;
    if let Some(name) = &patch.name {
        NAMES.check(tx, instance.as_str(), name, Some(id.as_str())).await?;
        attachment.name = name.clone();
    }
    if let Some(delete) = patch.delete_volume {
        attachment.delete_volume_on_instance_delete = delete;
    }
    tx.run(
        "UPDATE attachments SET name = $2, delete_volume = $3 WHERE id = $1",
        binds![id, &attachment.name, attachment.delete_volume_on_instance_delete],
    )
    .await?;
    outbox::write(tx, change).await?;
    Ok(attachment)
}
