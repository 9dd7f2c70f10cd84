//! `/v1/security_groups`, their rules and targets.

use base::{SecurityGroupId, SecurityGroupRuleId, TargetId};
use control::SecurityGroupFilter;
use wire::{Fields, List, PageRequest, request, response};

use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "security_groups", items: "security_groups" };

fn id(call: &Call) -> Result<SecurityGroupId, Failure> {
    Ok(call.id("id", "security group")?)
}

fn rule_ids(call: &Call) -> Result<(SecurityGroupId, SecurityGroupRuleId), Failure> {
    Ok((id(call)?, call.id("rule_id", "rule")?))
}

fn target_ids(call: &Call) -> Result<(SecurityGroupId, TargetId), Failure> {
    Ok((id(call)?, call.id("target_id", "target")?))
}

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::security_group_list(&call.asked(), &call.query)?;
    let filter = SecurityGroupFilter { group: want.group, vpc: want.vpc, vpc_name: want.vpc_name };
    let found = call.control().security_groups(&call.ctx, filter, page_of(&want.page)).await?;
    let r = call.render();
    let items = found.items.iter().map(|view| response::security_group(&r, view)).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::security_group_prototype(&call.asked(), &Fields::root(&body))?;
    let view = call.control().security_group_create(&call.ctx, want).await?;
    Reply::created(&response::security_group(&call.render(), &view))
}

pub(crate) async fn get(call: Call) -> Answer {
    let view = call.control().security_group(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::security_group(&call.render(), &view))
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let name = request::rename(&Fields::root(&body))?;
    let view = call.control().security_group_rename(&call.ctx, &id, name).await?;
    Reply::ok(&response::security_group(&call.render(), &view))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().security_group_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

pub(crate) async fn rule_list(call: Call) -> Answer {
    let view = call.control().security_group(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::security_group_rules(&call.render(), &view))
}

pub(crate) async fn rule_create(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let want = request::security_group_rule_prototype(&call.asked(), &Fields::root(&body))?;
    let made = call.control().security_group_rule_create(&call.ctx, &id, want).await?;
    Reply::created(&response::security_group_rule(&call.render(), &made.1, &made.0))
}

pub(crate) async fn rule_get(call: Call) -> Answer {
    let (id, rule) = rule_ids(&call)?;
    let found = call.control().security_group_rule(&call.ctx, &id, &rule).await?;
    Reply::ok(&response::security_group_rule(&call.render(), &found.1, &found.0))
}

pub(crate) async fn rule_update(call: Call) -> Answer {
    let (id, rule) = rule_ids(&call)?;
    let body = call.json()?;
    let want = request::security_group_rule_patch(&call.asked(), &Fields::root(&body))?;
    let new = call.control().security_group_rule_update(&call.ctx, &id, &rule, want).await?;
    Reply::ok(&response::security_group_rule(&call.render(), &new.1, &new.0))
}

pub(crate) async fn rule_delete(call: Call) -> Answer {
    let (id, rule) = rule_ids(&call)?;
    call.control().security_group_rule_delete(&call.ctx, &id, &rule).await?;
    Ok(Reply::empty())
}

pub(crate) async fn target_list(call: Call) -> Answer {
    let id = id(&call)?;
    let path = format!("security_groups/{id}/targets");
    let page = PageRequest::parse(&path, &call.query)?;
    let view = call.control().security_group(&call.ctx, &id).await?;
    let part = page.slice(&view.targets, |target| target.id());
    let r = call.render();
    let items = part.items.iter().map(|target| response::group_target(&r, target)).collect();
    let list = List { path: &path, items: "targets" };
    call.collection(list, &page, items, part.next.as_ref(), view.targets.len() as u64)
}

pub(crate) async fn target_get(call: Call) -> Answer {
    let (id, target) = target_ids(&call)?;
    let target = call.control().security_group_target(&call.ctx, &id, &target).await?;
    Reply::ok(&response::group_target(&call.render(), &target))
}

pub(crate) async fn target_add(call: Call) -> Answer {
    let (id, target) = target_ids(&call)?;
    let target = call.control().security_group_target_add(&call.ctx, &id, &target).await?;
    Reply::ok(&response::group_target(&call.render(), &target))
}

pub(crate) async fn target_remove(call: Call) -> Answer {
    let (id, target) = target_ids(&call)?;
    call.control().security_group_target_remove(&call.ctx, &id, &target).await?;
    Ok(Reply::empty())
}
