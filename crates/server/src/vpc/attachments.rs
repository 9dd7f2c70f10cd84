//! `/v1/instances/{id}/volume_attachments`.

use base::{AttachmentId, InstanceId};
use model::{AttachmentKind, Refusal};
use wire::{ApiError, Fields, request, response};

use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

fn ids(call: &Call) -> Result<(InstanceId, AttachmentId), Failure> {
    Ok((call.id("id", "instance")?, call.id("attachment_id", "volume attachment")?))
}

pub(crate) async fn list(call: Call) -> Answer {
    let instance = call.id("id", "instance")?;
    let found = call.control().attachments(&call.ctx, &instance).await?;
    Reply::ok(&response::volume_attachments(&call.render(), &found))
}

pub(crate) async fn get(call: Call) -> Answer {
    let (instance, id) = ids(&call)?;
    let view = call.control().attachment(&call.ctx, &instance, &id).await?;
    Reply::ok(&response::volume_attachment(&call.render(), &view))
}

pub(crate) async fn update(call: Call) -> Answer {
    let (instance, id) = ids(&call)?;
    let body = call.json()?;
    let want = request::attachment_patch(&Fields::root(&body))?;
    let flag = want.delete_volume_on_instance_delete;
    let updated = call.control().attachment_update(&call.ctx, &instance, &id, want.name, flag);
    Reply::ok(&response::volume_attachment(&call.render(), &updated.await?))
}

/// A boot volume is never detached; detaching of data volumes is not served yet.
pub(crate) async fn delete(call: Call) -> Answer {
    let (instance, id) = ids(&call)?;
    let view = call.control().attachment(&call.ctx, &instance, &id).await?;
    Err(match view.attachment.kind {
        AttachmentKind::Boot => wire::error::refusal(&Refusal::BootVolumeDetach),
        AttachmentKind::Data => ApiError::not_implemented("Detaching of a data volume"),
    }
    .into())
}
