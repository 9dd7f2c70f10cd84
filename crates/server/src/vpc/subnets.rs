//! `/v1/subnets`.

use base::SubnetId;
use control::{SubnetCreate, SubnetFilter, SubnetRange};
use wire::{Fields, List, request, response};

use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "subnets", items: "subnets" };

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::subnet_list(&call.asked(), &call.query)?;
    let filter =
        SubnetFilter { group: want.group, vpc: want.vpc, vpc_name: want.vpc_name, zone: want.zone };
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
    let command = SubnetCreate { name: want.name, group: want.group, vpc: want.vpc, range };
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
    let name = request::subnet_patch(&Fields::root(&body))?;
    let view = call.control().subnet_rename(&call.ctx, &id, name).await?;
    Reply::ok(&response::subnet(&call.render(), &view))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().subnet_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

fn id(call: &Call) -> Result<SubnetId, Failure> {
    Ok(call.id("id", "subnet")?)
}
