//! Members of access groups. Calls about several answer 207 and say of each what became of it.

use axum::http::StatusCode;
use base::PrincipalId;
use control::Slice;
use wire::{ApiError, Fields, request, response};

use super::groups;
use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

pub(crate) async fn list(call: Call) -> Answer {
    let (kind, page) = request::member_list(&call.query)?;
    let id = groups::id(&call)?;
    let slice = Slice { offset: page.offset, limit: page.limit };
    let (found, total) = call.control().members(&call.ctx, &id, kind, slice).await?;
    let group = call.own_url(&format!("/v2/groups/{id}"));
    let items = found.iter().map(|m| response::member(m, &group)).collect();
    let url = format!("{group}/members");
    Reply::ok(&response::by_offset("members", items, total, page, &url, &call.query))
}

pub(crate) async fn is_member(call: Call) -> Answer {
    let (group, iam_id) = (groups::id(&call)?, iam_id(&call)?);
    if call.control().is_member(&call.ctx, &group, &iam_id).await? {
        return Ok(Reply::empty());
    }
    Err(no_member(iam_id.as_str()).into())
}

pub(crate) async fn add(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::members(&Fields::root(&body))?;
    let done = call.control().members_add(&call.ctx, &groups::id(&call)?, want).await?;
    Reply::json(StatusCode::MULTI_STATUS, &response::members_added(&done, &call.ctx.request_id))
}

pub(crate) async fn remove(call: Call) -> Answer {
    let (group, iam_id) = (groups::id(&call)?, iam_id(&call)?);
    let one = std::slice::from_ref(&iam_id);
    match call.control().members_remove(&call.ctx, &group, one).await?[..] {
        [true] => Ok(Reply::empty()),
        _ => Err(no_member(iam_id.as_str()).into()),
    }
}

pub(crate) async fn remove_several(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::members_gone(&Fields::root(&body))?;
    let id = groups::id(&call)?;
    let gone = call.control().members_remove(&call.ctx, &id, &want).await?;
    let each: Vec<_> = want
        .iter()
        .zip(gone)
        .map(|(m, gone)| (m.to_string(), (!gone).then(|| no_member(m.as_str()))))
        .collect();
    let body = response::members_removed(id.as_str(), &each, &call.ctx.request_id);
    Reply::json(StatusCode::MULTI_STATUS, &body)
}

pub(crate) async fn add_to_several(call: Call) -> Answer {
    request::account_of(&call.query).map_err(Failure::from).and_then(|a| call.iam_account(&a))?;
    let iam_id = iam_id(&call)?;
    let body = call.json()?;
    let (kind, wanted) = request::member_groups(&Fields::root(&body), &iam_id)?;
    let member = (iam_id.clone(), kind);
    let done = call.control().member_add_to(&call.ctx, member, wanted).await?;
    let each: Vec<_> = done
        .into_iter()
        .map(|(group, done)| (group, done.err().map(|error| Failure::from(error).error)))
        .collect();
    let trace = &call.ctx.request_id;
    let body = response::member_in_groups(iam_id.as_str(), &each, 200, trace);
    Reply::json(StatusCode::MULTI_STATUS, &body)
}

pub(crate) async fn remove_from_all(call: Call) -> Answer {
    request::account_of(&call.query).map_err(Failure::from).and_then(|a| call.iam_account(&a))?;
    let iam_id = iam_id(&call)?;
    let groups = call.control().member_remove_from_all(&call.ctx, &iam_id).await?;
    let each: Vec<_> = groups.iter().map(|g| (g.id.to_string(), None)).collect();
    let trace = &call.ctx.request_id;
    let body = response::member_in_groups(iam_id.as_str(), &each, 204, trace);
    Reply::json(StatusCode::MULTI_STATUS, &body)
}

fn iam_id(call: &Call) -> Result<PrincipalId, Failure> {
    Ok(call.id("iam_id", "member")?)
}

fn no_member(iam_id: &str) -> ApiError {
    wire::error::not_found("member", iam_id, None)
}
