//! `/v1/subnets`.

use base::SubnetId;
use control::{SubnetCreate, SubnetFilter, SubnetRange};
use model::SubnetPatch;
use wire::{Fields, List, request, response};

use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "subnets", items: "subnets" };

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::subnet_list(&call.asked(), &call.query)?;
    let filter = SubnetFilter {
        group: want.group,
        vpc: want.vpc,
        vpc_name: want.vpc_name,
        zone: want.zone,
        routing_table: want.routing_table,
        routing_table_name: want.routing_table_name,
    };
    let found = call.control().subnets(&call.ctx, filter, page_of(&want.page)).await?;
    let r = call.render();
    let items = found.items.iter().map(|view| response::subnet(&r, view)).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::subnet_prototype(&call.asked(), &Fields::root(&body))?;
    let range = match want.range {
        request::SubnetRange::Cidr(cidr, zone) => SubnetRange::Cidr { cidr, zone },
        request::SubnetRange::Count(count, zone) => SubnetRange::Count { count, zone },
    };
    let command = SubnetCreate {
        name: want.name,
        group: want.group,
        vpc: want.vpc,
        range,
        acl: want.acl,
        routing_table: want.routing_table,
        public_gateway: want.public_gateway,
    };
    let view = call.control().subnet_create(&call.ctx, command).await?;
    Reply::created(&response::subnet(&call.render(), &view))
}

pub(crate) async fn get(call: Call) -> Answer {
    let view = call.control().subnet(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::subnet(&call.render(), &view))
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let patch = request::subnet_patch(&call.asked(), &Fields::root(&body))?;
    let view = call.control().subnet_update(&call.ctx, &id, patch).await?;
    Reply::ok(&response::subnet(&call.render(), &view))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().subnet_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

pub(crate) async fn acl_get(call: Call) -> Answer {
    let subnet = call.control().subnet(&call.ctx, &id(&call)?).await?.subnet;
    let view = call.control().acl(&call.ctx, &subnet.acl).await?;
    Reply::ok(&response::network_acl(&call.render(), &view))
}

pub(crate) async fn acl_replace(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let acl = request::acl_identity(&call.asked(), &Fields::root(&body))?;
    let patch = SubnetPatch { acl: Some(acl.clone()), ..SubnetPatch::default() };
    call.control().subnet_update(&call.ctx, &id, patch).await?;
    let view = call.control().acl(&call.ctx, &acl).await?;
    Reply::created(&response::network_acl(&call.render(), &view))
}

pub(crate) async fn routing_table_get(call: Call) -> Answer {
    let subnet = call.control().subnet(&call.ctx, &id(&call)?).await?.subnet;
    let (vpc, table) = (&subnet.vpc, &subnet.routing_table);
    let view = call.control().routing_table(&call.ctx, vpc, table).await?;
    Reply::ok(&response::routing_table(&call.render(), &view))
}

pub(crate) async fn routing_table_replace(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let table = request::routing_table_identity(&call.asked(), &Fields::root(&body))?;
    let patch = SubnetPatch { routing_table: Some(table.clone()), ..SubnetPatch::default() };
    let subnet = call.control().subnet_update(&call.ctx, &id, patch).await?.subnet;
    let view = call.control().routing_table(&call.ctx, &subnet.vpc, &table).await?;
    Reply::created(&response::routing_table(&call.render(), &view))
}

fn id(call: &Call) -> Result<SubnetId, Failure> {
    Ok(call.id("id", "subnet")?)
}
