//! `/v1/vpcs` and the defaults of a VPC.

use axum::http::StatusCode;
use base::VpcId;
use control::{VpcCreate, VpcFilter};
use model::VpcView;
use wire::{Fields, List, etag_of_vpc, request, response};

use crate::{
    call::{ATTEMPTS_MAX, Call, changes_too_often, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "vpcs", items: "vpcs" };

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::vpc_list(&call.asked(), &call.query)?;
    if want.nothing {
        return call.nothing(LIST, &want.page);
    }
    let filter = VpcFilter { group: want.group, name: want.name };
    let found = call.control().vpcs(&call.ctx, filter, page_of(&want.page)).await?;
    let r = call.render();
    let items = found.items.iter().map(|view| response::vpc(&r, view)).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::vpc_prototype(&call.asked(), &Fields::root(&body))?;
    let command =
        VpcCreate { name: want.name, group: want.group, manual_prefixes: want.manual_prefixes };
    let view = call.control().vpc_create(&call.ctx, command).await?;
    render(&call, StatusCode::CREATED, &view)
}

pub(crate) async fn get(call: Call) -> Answer {
    let view = call.control().vpc(&call.ctx, &id(&call)?).await?;
    render(&call, StatusCode::OK, &view)
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let name = request::rename(&Fields::root(&body))?;
    for _ in 0..ATTEMPTS_MAX {
        let old = call.control().vpc(&call.ctx, &id).await?;
        call.check_if_match(&etag_of_vpc(&old), false)?;
        let seen = Some(old.vpc.head.revision);
        match call.control().vpc_rename(&call.ctx, &id, seen, name.clone()).await {
            Err(control::Error::Changed { .. }) => {}
            done => return render(&call, StatusCode::OK, &done?),
        }
    }
    Err(changes_too_often())
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().vpc_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

pub(crate) async fn default_network_acl(call: Call) -> Answer {
    let view = call.control().default_acl(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::network_acl(&call.render(), &view))
}

pub(crate) async fn default_security_group(call: Call) -> Answer {
    let view = call.control().default_security_group(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::security_group(&call.render(), &view))
}

pub(crate) async fn default_routing_table(call: Call) -> Answer {
    let view = call.control().default_routing_table(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::routing_table(&call.render(), &view))
}

fn id(call: &Call) -> Result<VpcId, Failure> {
    Ok(call.id("id", "vpc")?)
}

fn render(call: &Call, status: StatusCode, view: &VpcView) -> Answer {
    let reply = Reply::json(status, &response::vpc(&call.render(), view))?;
    Ok(reply.with_etag(etag_of_vpc(view)))
}
