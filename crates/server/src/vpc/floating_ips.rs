//! `/v1/floating_ips`, and the floating IPs and addresses of an instance's interface.

use base::{FloatingIpId, InstanceId, NicId, ReservedIpId};
use control::{FloatingIpCreate, FloatingIpFilter, FloatingIpPatch, FloatingPlace};
use wire::{Fields, List, PageRequest, request, response};

use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "floating_ips", items: "floating_ips" };

fn id(call: &Call) -> Result<FloatingIpId, Failure> {
    Ok(call.id("id", "floating IP")?)
}

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::floating_ip_list(&call.asked(), &call.query)?;
    if want.nothing {
        return call.nothing(LIST, &want.page);
    }
    let filter = FloatingIpFilter {
        group: want.group,
        target: want.target,
        target_name: want.target_name,
        gateways: want.gateways,
    };
    let found = call.control().floating_ips(&call.ctx, filter, page_of(&want.page)).await?;
    let r = call.render();
    let items = found.items.iter().map(|view| response::floating_ip(&r, view)).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::floating_ip_prototype(&call.asked(), &Fields::root(&body))?;
    let place = match want.place {
        Ok(zone) => FloatingPlace::Zone(zone),
        Err(nic) => FloatingPlace::Nic(nic),
    };
    let command = FloatingIpCreate { name: want.name, group: want.group, place };
    let view = call.control().floating_ip_create(&call.ctx, command).await?;
    Reply::created(&response::floating_ip(&call.render(), &view))
}

pub(crate) async fn get(call: Call) -> Answer {
    let view = call.control().floating_ip(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::floating_ip(&call.render(), &view))
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let want = request::floating_ip_patch(&call.asked(), &Fields::root(&body))?;
    let patch = FloatingIpPatch { name: want.name, target: want.target };
    let view = call.control().floating_ip_update(&call.ctx, &id, patch).await?;
    Reply::ok(&response::floating_ip(&call.render(), &view))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().floating_ip_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

fn nic(call: &Call) -> Result<(InstanceId, NicId), Failure> {
    Ok((call.id("id", "instance")?, call.id("nic_id", "network interface")?))
}

fn nic_ip(call: &Call) -> Result<FloatingIpId, Failure> {
    Ok(call.id("ip_id", "floating IP")?)
}

pub(crate) async fn nic_list(call: Call) -> Answer {
    let (instance, nic) = nic(&call)?;
    let found = call.control().nic_floating_ips(&call.ctx, &instance, &nic).await?;
    Reply::ok(&response::floating_ips(&call.render(), &found))
}

pub(crate) async fn nic_get(call: Call) -> Answer {
    let ((instance, nic), id) = (nic(&call)?, nic_ip(&call)?);
    let view = call.control().nic_floating_ip(&call.ctx, &instance, &nic, &id).await?;
    Reply::ok(&response::floating_ip(&call.render(), &view))
}

pub(crate) async fn nic_add(call: Call) -> Answer {
    let ((instance, nic), id) = (nic(&call)?, nic_ip(&call)?);
    let view = call.control().nic_floating_ip_add(&call.ctx, &instance, &nic, &id).await?;
    Reply::created(&response::floating_ip(&call.render(), &view))
}

pub(crate) async fn nic_remove(call: Call) -> Answer {
    let ((instance, nic), id) = (nic(&call)?, nic_ip(&call)?);
    call.control().nic_floating_ip_remove(&call.ctx, &instance, &nic, &id).await?;
    Ok(Reply::empty())
}

/// The addresses of an interface: its primary one.
pub(crate) async fn address_list(call: Call) -> Answer {
    let (instance, nic) = nic(&call)?;
    let path = format!("instances/{instance}/network_interfaces/{nic}/ips");
    let page = PageRequest::parse(&path, &call.query)?;
    let view = call.control().nic(&call.ctx, &instance, &nic).await?;
    let (subnet, ip) = (&view.nic.subnet, &view.nic.primary_ip);
    let ip = call.control().reserved_ip(&call.ctx, subnet, ip).await?;
    let list = List { path: &path, items: "ips" };
    let items = match page.after {
        None => vec![response::reserved_ip(&call.render(), &ip)],
        Some(_) => Vec::new(),
    };
    call.collection(list, &page, items, None, 1)
}

pub(crate) async fn address_get(call: Call) -> Answer {
    let (instance, nic) = nic(&call)?;
    let id: ReservedIpId = call.id("ip_id", "reserved IP")?;
    let view = call.control().nic(&call.ctx, &instance, &nic).await?;
    if view.nic.primary_ip != id {
        return Err(wire::error::not_found("reserved IP", id.as_str(), None).into());
    }
    let ip = call.control().reserved_ip(&call.ctx, &view.nic.subnet, &id).await?;
    Reply::ok(&response::reserved_ip(&call.render(), &ip))
}
