//! `/v1/vpcs/{id}/address_prefixes`.

use base::{AddressPrefixId, VpcId};
use control::{PrefixCreate, PrefixUpdate};
use wire::{Fields, List, PageRequest, request, response};

use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply},
};

fn vpc(call: &Call) -> Result<VpcId, Failure> {
    Ok(call.id("id", "vpc")?)
}

fn ids(call: &Call) -> Result<(VpcId, AddressPrefixId), Failure> {
    Ok((vpc(call)?, call.id("prefix_id", "address prefix")?))
}

pub(crate) async fn list(call: Call) -> Answer {
    let vpc = vpc(&call)?;
    let path = format!("vpcs/{vpc}/address_prefixes");
    let page = PageRequest::parse(&path, &call.query)?;
    let found = call.control().prefixes(&call.ctx, &vpc, page_of(&page)).await?;
    let r = call.render();
    let each = found.items.iter().map(|(prefix, used)| response::address_prefix(&r, prefix, *used));
    let list = List { path: &path, items: "address_prefixes" };
    call.page(list, &page, each.collect(), found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let vpc = vpc(&call)?;
    let body = call.json()?;
    let want = request::prefix_prototype(&call.asked(), &Fields::root(&body))?;
    let command = PrefixCreate {
        name: want.name,
        zone: want.zone,
        cidr: want.cidr,
        is_default: want.is_default,
    };
    let (prefix, used) = call.control().prefix_create(&call.ctx, &vpc, command).await?;
    Reply::created(&response::address_prefix(&call.render(), &prefix, used))
}

pub(crate) async fn get(call: Call) -> Answer {
    let (vpc, id) = ids(&call)?;
    let (prefix, used) = call.control().prefix(&call.ctx, &vpc, &id).await?;
    Reply::ok(&response::address_prefix(&call.render(), &prefix, used))
}

pub(crate) async fn update(call: Call) -> Answer {
    let (vpc, id) = ids(&call)?;
    let body = call.json()?;
    let want = request::prefix_patch(&Fields::root(&body))?;
    let command = PrefixUpdate { name: want.name, is_default: want.is_default };
    let (prefix, used) = call.control().prefix_update(&call.ctx, &vpc, &id, command).await?;
    Reply::ok(&response::address_prefix(&call.render(), &prefix, used))
}

pub(crate) async fn delete(call: Call) -> Answer {
    let (vpc, id) = ids(&call)?;
    call.control().prefix_delete(&call.ctx, &vpc, &id).await?;
    Ok(Reply::empty())
}
