//! `/v1/vpcs/{id}/routing_tables`: the defaults of VPCs, without routes.

use base::{RoutingTableId, VpcId};
use wire::{Fields, List, PageRequest, request, response};

use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply},
};

fn ids(call: &Call) -> Result<(VpcId, RoutingTableId), Failure> {
    Ok((call.id("id", "vpc")?, call.id("table_id", "routing table")?))
}

pub(crate) async fn list(call: Call) -> Answer {
    let vpc: VpcId = call.id("id", "vpc")?;
    let path = format!("vpcs/{vpc}/routing_tables");
    let page = PageRequest::parse(&path, &call.query)?;
    let only = request::is_default(&call.query)?;
    let found = call.control().routing_tables(&call.ctx, &vpc, only, page_of(&page)).await?;
    let r = call.render();
    let items = found.items.iter().map(|view| response::routing_table(&r, view)).collect();
    let list = List { path: &path, items: "routing_tables" };
    call.page(list, &page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn get(call: Call) -> Answer {
    let (vpc, id) = ids(&call)?;
    let view = call.control().routing_table(&call.ctx, &vpc, &id).await?;
    Reply::ok(&response::routing_table(&call.render(), &view))
}

pub(crate) async fn update(call: Call) -> Answer {
    let (vpc, id) = ids(&call)?;
    let body = call.json()?;
    let name = request::routing_table_patch(&Fields::root(&body))?;
    let view = call.control().routing_table_rename(&call.ctx, &vpc, &id, name).await?;
    Reply::ok(&response::routing_table(&call.render(), &view))
}

/// No routing table has routes.
pub(crate) async fn route_list(call: Call) -> Answer {
    let (vpc, id) = ids(&call)?;
    let path = format!("vpcs/{vpc}/routing_tables/{id}/routes");
    let page = PageRequest::parse(&path, &call.query)?;
    call.control().routing_table(&call.ctx, &vpc, &id).await?;
    call.nothing(List { path: &path, items: "routes" }, &page)
}
