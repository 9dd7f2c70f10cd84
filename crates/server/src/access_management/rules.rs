//! Rules of access groups: kept as they are written; there is no identity provider to apply them.

use axum::http::StatusCode;
use base::AccessGroupRuleId;
use control::GroupRuleWrite;
use model::GroupRule;
use wire::{Fields, request, response};

use super::{etag, groups};
use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

pub(crate) async fn list(call: Call) -> Answer {
    let rules = call.control().access_group_rules(&call.ctx, &groups::id(&call)?).await?;
    Reply::ok(&response::group_rules(&rules))
}

pub(crate) async fn create(call: Call) -> Answer {
    let want = write(&call)?;
    let done = call.control().access_group_rule_add(&call.ctx, &groups::id(&call)?, want).await?;
    render(StatusCode::CREATED, &done)
}

pub(crate) async fn get(call: Call) -> Answer {
    render(StatusCode::OK, &found(&call).await?)
}

pub(crate) async fn replace(call: Call) -> Answer {
    let want = write(&call)?;
    let old = found(&call).await?;
    let revision = call.iam_if_match(old.revision, old.id.as_str())?;
    let control = call.control();
    let (group, id) = (&old.group, &old.id);
    let done = control.access_group_rule_replace(&call.ctx, group, id, revision, want).await?;
    render(StatusCode::OK, &done)
}

pub(crate) async fn delete(call: Call) -> Answer {
    let (group, id) = (groups::id(&call)?, id(&call)?);
    call.control().access_group_rule_delete(&call.ctx, &group, &id).await?;
    Ok(Reply::empty())
}

fn id(call: &Call) -> Result<AccessGroupRuleId, Failure> {
    Ok(call.id("rule_id", "access group rule")?)
}

async fn found(call: &Call) -> Result<GroupRule, Failure> {
    let (group, id) = (groups::id(call)?, id(call)?);
    Ok(call.control().access_group_rule(&call.ctx, &group, &id).await?)
}

fn write(call: &Call) -> Result<GroupRuleWrite, Failure> {
    let body = call.json()?;
    let want = request::group_rule(&Fields::root(&body))?;
    Ok(GroupRuleWrite {
        name: want.name,
        expiration: want.expiration,
        realm_name: want.realm_name,
        conditions: want.conditions,
    })
}

fn render(status: StatusCode, rule: &GroupRule) -> Answer {
    let etag = etag(rule.revision, rule.id.as_str());
    Ok(Reply::json(status, &response::group_rule(rule))?.with_etag(etag))
}
