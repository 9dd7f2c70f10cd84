//! `/v1/instances/{id}/network_interfaces`.

use base::{InstanceId, NicId};
use wire::{Fields, request, response};

use super::instances::nic;
use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

fn ids(call: &Call) -> Result<(InstanceId, NicId), Failure> {
    Ok((call.id("id", "instance")?, call.id("nic_id", "network interface")?))
}

pub(crate) async fn list(call: Call) -> Answer {
    let instance = call.id("id", "instance")?;
    let found = call.control().nics(&call.ctx, &instance).await?;
    Reply::ok(&response::network_interfaces(&call.render(), &found))
}

pub(crate) async fn get(call: Call) -> Answer {
    let (instance, id) = ids(&call)?;
    let view = call.control().nic(&call.ctx, &instance, &id).await?;
    Reply::ok(&response::network_interface(&call.render(), &view))
}

pub(crate) async fn create(call: Call) -> Answer {
    let instance = call.id("id", "instance")?;
    let body = call.json()?;
    let want = request::nic_prototype(&call.asked(), &Fields::root(&body))?;
    let view = call.control().nic_create(&call.ctx, &instance, nic(want)).await?;
    Reply::created(&response::network_interface(&call.render(), &view))
}

pub(crate) async fn update(call: Call) -> Answer {
    let (instance, id) = ids(&call)?;
    let body = call.json()?;
    let patch = request::nic_patch(&Fields::root(&body))?;
    let view = call.control().nic_update(&call.ctx, &instance, &id, patch).await?;
    Reply::ok(&response::network_interface(&call.render(), &view))
}

pub(crate) async fn delete(call: Call) -> Answer {
    let (instance, id) = ids(&call)?;
    call.control().nic_delete(&call.ctx, &instance, &id).await?;
    Ok(Reply::empty())
}
