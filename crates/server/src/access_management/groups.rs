//! `/v2/groups`: access groups.

use axum::http::StatusCode;
use base::AccessGroupId;
use control::{AccessGroupFilter, AccessGroupPatch, Slice};
use model::AccessGroup;
use wire::{Fields, request, response};

use super::etag;
use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::access_group_list(&call.query)?;
    call.iam_account(&want.account)?;
    let filter =
        AccessGroupFilter { iam_id: want.iam_id, search: want.search, descending: want.descending };
    let slice = Slice { offset: want.page.offset, limit: want.page.limit };
    let (found, total) = call.control().access_groups(&call.ctx, &filter, slice).await?;
    let items = found.iter().map(|g| response::access_group(g, &call.base_url)).collect();
    let url = call.own_url("/v2/groups");
    Reply::ok(&response::by_offset("groups", items, total, want.page, &url, &call.query))
}

pub(crate) async fn create(call: Call) -> Answer {
    let account = request::account_of(&call.query)?;
    call.iam_account(&account)?;
    let body = call.json()?;
    let (name, description) = request::access_group_prototype(&Fields::root(&body))?;
    let group = call.control().access_group_create(&call.ctx, name, description).await?;
    render(&call, StatusCode::CREATED, &group)
}

pub(crate) async fn get(call: Call) -> Answer {
    let group = call.control().access_group(&call.ctx, &id(&call)?).await?;
    render(&call, StatusCode::OK, &group)
}

pub(crate) async fn update(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::access_group_body(&Fields::root(&body))?;
    let old = call.control().access_group(&call.ctx, &id(&call)?).await?;
    let revision = call.iam_if_match(old.revision, old.id.as_str())?;
    let patch = AccessGroupPatch { name: want.name, description: want.description };
    let done = call.control().access_group_update(&call.ctx, &old.id, revision, patch).await?;
    render(&call, StatusCode::OK, &done)
}

pub(crate) async fn delete(call: Call) -> Answer {
    let force = request::access_group_force(&call.query)?;
    call.control().access_group_delete(&call.ctx, &id(&call)?, force).await?;
    Ok(Reply::empty())
}

/// There is no public access in the region.
pub(crate) async fn settings(call: Call) -> Answer {
    let account = request::account_of(&call.query)?;
    call.iam_account(&account)?;
    call.control().access_group_settings_check(&call.ctx).await?;
    let by = call.ctx.caller.principal.as_str();
    Reply::ok(&response::access_group_settings(&account, call.control().now(), by))
}

pub(super) fn id(call: &Call) -> Result<AccessGroupId, Failure> {
    Ok(call.id("id", "access group")?)
}

fn render(call: &Call, status: StatusCode, group: &AccessGroup) -> Answer {
    let etag = etag(group.revision, group.id.as_str());
    Ok(Reply::json(status, &response::access_group(group, &call.base_url))?.with_etag(etag))
}
