//! `/v1/subnets/{id}/reserved_ips`.

use base::{ReservedIpId, SubnetId};
use control::{ReservedIpCreate, ReservedIpFilter};
use wire::{Fields, List, request, response};

use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply},
};

fn subnet(call: &Call) -> Result<SubnetId, Failure> {
    Ok(call.id("id", "subnet")?)
}

fn ids(call: &Call) -> Result<(SubnetId, ReservedIpId), Failure> {
    Ok((subnet(call)?, call.id("ip_id", "reserved ip")?))
}

pub(crate) async fn list(call: Call) -> Answer {
    let subnet = subnet(&call)?;
    let path = format!("subnets/{subnet}/reserved_ips");
    let list = List { path: &path, items: "reserved_ips" };
    let want = request::reserved_ip_list(&path, &call.asked(), &call.query)?;
    if want.nothing {
        call.control().subnet(&call.ctx, &subnet).await?;
        return call.nothing(list, &want.page);
    }
    let filter = ReservedIpFilter {
        name: want.name,
        address: want.address,
        target: want.target.map(|id| id.to_string()),
        target_name: want.target_name,
        target_vni: want.target_vni,
        sort: want.sort,
    };
    let page = page_of(&want.page);
    let found = call.control().reserved_ips(&call.ctx, &subnet, filter, page).await?;
    let r = call.render();
    let items = found.items.iter().map(|view| response::reserved_ip(&r, view)).collect();
    call.page(list, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let subnet = subnet(&call)?;
    let body = call.json()?;
    let want = request::reserved_ip_prototype(&call.asked(), &Fields::root(&body))?;
    let command = ReservedIpCreate {
        name: want.name,
        address: want.address,
        auto_delete: want.auto_delete,
        target: want.target,
    };
    let view = call.control().reserved_ip_create(&call.ctx, &subnet, command).await?;
    Reply::created(&response::reserved_ip(&call.render(), &view))
}

pub(crate) async fn get(call: Call) -> Answer {
    let (subnet, id) = ids(&call)?;
    let view = call.control().reserved_ip(&call.ctx, &subnet, &id).await?;
    Reply::ok(&response::reserved_ip(&call.render(), &view))
}

pub(crate) async fn update(call: Call) -> Answer {
    let (subnet, id) = ids(&call)?;
    let body = call.json()?;
    let want = request::reserved_ip_patch(&Fields::root(&body))?;
    let updated =
        call.control().reserved_ip_update(&call.ctx, &subnet, &id, want.name, want.auto_delete);
    Reply::ok(&response::reserved_ip(&call.render(), &updated.await?))
}

pub(crate) async fn delete(call: Call) -> Answer {
    let (subnet, id) = ids(&call)?;
    call.control().reserved_ip_delete(&call.ctx, &subnet, &id).await?;
    Ok(Reply::empty())
}
