//! `/v1/public_gateways`, and the public gateway of a subnet.

use base::{PublicGatewayId, SubnetId};
use control::{GatewayIp, PublicGatewayCreate};
use model::SubnetPatch;
use wire::{Fields, List, request, response};

use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "public_gateways", items: "public_gateways" };

fn id(call: &Call) -> Result<PublicGatewayId, Failure> {
    Ok(call.id("id", "public gateway")?)
}

fn subnet_id(call: &Call) -> Result<SubnetId, Failure> {
    Ok(call.id("id", "subnet")?)
}

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::grouped_list(LIST.path, &call.asked(), &call.query)?;
    let page = page_of(&want.page);
    let found = call.control().public_gateways(&call.ctx, want.group.as_ref(), page).await?;
    let r = call.render();
    let items = found.items.iter().map(|view| response::public_gateway(&r, view)).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::gateway_prototype(&call.asked(), &Fields::root(&body))?;
    let floating_ip = match want.floating_ip {
        request::GatewayIp::Existing(id) => GatewayIp::Existing(id),
        request::GatewayIp::At(address) => GatewayIp::At(address),
        request::GatewayIp::New(name, group) => GatewayIp::New { name, group },
    };
    let command = PublicGatewayCreate {
        name: want.name,
        group: want.group,
        vpc: want.vpc,
        zone: want.zone,
        floating_ip,
    };
    let view = call.control().public_gateway_create(&call.ctx, command).await?;
    Reply::created(&response::public_gateway(&call.render(), &view))
}

pub(crate) async fn get(call: Call) -> Answer {
    let view = call.control().public_gateway(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::public_gateway(&call.render(), &view))
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let name = request::gateway_patch(&Fields::root(&body))?;
    let view = call.control().public_gateway_rename(&call.ctx, &id, name).await?;
    Reply::ok(&response::public_gateway(&call.render(), &view))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().public_gateway_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

pub(crate) async fn subnet_get(call: Call) -> Answer {
    let view = call.control().subnet_public_gateway(&call.ctx, &subnet_id(&call)?).await?;
    Reply::ok(&response::public_gateway(&call.render(), &view))
}

pub(crate) async fn subnet_set(call: Call) -> Answer {
    let subnet = subnet_id(&call)?;
    let body = call.json()?;
    let gateway = request::gateway_identity(&call.asked(), &Fields::root(&body))?;
    let patch =
        SubnetPatch { public_gateway: Some(Some(gateway.clone())), ..SubnetPatch::default() };
    call.control().subnet_update(&call.ctx, &subnet, patch).await?;
    let view = call.control().public_gateway(&call.ctx, &gateway).await?;
    Reply::created(&response::public_gateway(&call.render(), &view))
}

pub(crate) async fn subnet_unset(call: Call) -> Answer {
    call.control().subnet_public_gateway_remove(&call.ctx, &subnet_id(&call)?).await?;
    Ok(Reply::empty())
}
