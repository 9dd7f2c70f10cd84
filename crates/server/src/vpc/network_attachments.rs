//! `/v1/instances/{id}/network_attachments`.

use axum::http::StatusCode;
use base::{InstanceId, NicId};
use wire::{Fields, request, response};

use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

fn instance(call: &Call) -> Result<InstanceId, Failure> {
    Ok(call.id("id", "instance")?)
}

fn ids(call: &Call) -> Result<(InstanceId, NicId), Failure> {
    Ok((instance(call)?, call.id("attachment_id", "network attachment")?))
}

pub(crate) async fn list(call: Call) -> Answer {
    let all = call.control().network_attachments(&call.ctx, &instance(&call)?).await?;
    Reply::ok(&response::network_attachments(&call.render(), &all))
}

pub(crate) async fn create(call: Call) -> Answer {
    let instance = instance(&call)?;
    let body = call.json()?;
    let want = request::network_attachment_prototype(&call.asked(), &Fields::root(&body))?;
    let view = call.control().network_attachment_create(&call.ctx, &instance, want).await?;
    Reply::created(&response::network_attachment(&call.render(), &view))
}

pub(crate) async fn get(call: Call) -> Answer {
    let (instance, id) = ids(&call)?;
    let view = call.control().network_attachment(&call.ctx, &instance, &id).await?;
    Reply::ok(&response::network_attachment(&call.render(), &view))
}

pub(crate) async fn update(call: Call) -> Answer {
    let (instance, id) = ids(&call)?;
    let body = call.json()?;
    let name = request::network_attachment_patch(&Fields::root(&body))?;
    let view = call.control().network_attachment_rename(&call.ctx, &instance, &id, name).await?;
    Reply::ok(&response::network_attachment(&call.render(), &view))
}

/// 202 without a body: it is gone when this returns.
pub(crate) async fn delete(call: Call) -> Answer {
    let (instance, id) = ids(&call)?;
    call.control().network_attachment_delete(&call.ctx, &instance, &id).await?;
    Ok(Reply { status: StatusCode::ACCEPTED, ..Reply::empty() })
}
