//! `/v1/instances/{id}/volume_attachments`.

use base::{AttachmentId, InstanceId};
use wire::{Fields, request, response};

use super::instances::data_volume;
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

/// `attaching` while the guest of a running instance is told.
pub(crate) async fn create(call: Call) -> Answer {
    let instance = call.id("id", "instance")?;
    let body = call.json()?;
    let want = request::attachment_prototype(&call.asked(), &Fields::root(&body))?;
    let want = data_volume(want);
    let view = call.control().attachment_create(&call.ctx, &instance, want).await?;
    Reply::created(&response::volume_attachment(&call.render(), &view))
}

/// `detaching` while the guest of a running instance lets go of it.
pub(crate) async fn delete(call: Call) -> Answer {
    let (instance, id) = ids(&call)?;
    call.control().attachment_delete(&call.ctx, &instance, &id).await?;
    Ok(Reply::empty())
}
