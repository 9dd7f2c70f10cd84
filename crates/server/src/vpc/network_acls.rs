//! `/v1/network_acls` and their rules.

use base::{AclId, AclRuleId};
use model::{AclRule, AclView};
use wire::{Fields, List, PageRequest, PageToken, request, response};

use crate::{
    call::{Call, page_of},
    reply::{Answer, Failure, Reply},
};

const LIST: List<'_> = List { path: "network_acls", items: "network_acls" };

fn id(call: &Call) -> Result<AclId, Failure> {
    Ok(call.id("id", "network ACL")?)
}

fn rule_ids(call: &Call) -> Result<(AclId, AclRuleId), Failure> {
    Ok((id(call)?, call.id("rule_id", "rule")?))
}

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::grouped_list(LIST.path, &call.asked(), &call.query)?;
    let found = call.control().acls(&call.ctx, want.group, page_of(&want.page)).await?;
    let r = call.render();
    let items = found.items.iter().map(|view| response::network_acl(&r, view)).collect();
    call.page(LIST, &want.page, items, found.next.as_ref(), found.total)
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::acl_prototype(&call.asked(), &Fields::root(&body))?;
    let view = call.control().acl_create(&call.ctx, want).await?;
    Reply::created(&response::network_acl(&call.render(), &view))
}

pub(crate) async fn get(call: Call) -> Answer {
    let view = call.control().acl(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::network_acl(&call.render(), &view))
}

pub(crate) async fn update(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let name = request::rename(&Fields::root(&body))?;
    let view = call.control().acl_rename(&call.ctx, &id, name).await?;
    Reply::ok(&response::network_acl(&call.render(), &view))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().acl_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

/// A page of the rules, in their order. The token is the last rule that was shown.
pub(crate) async fn rule_list(call: Call) -> Answer {
    let id = id(&call)?;
    let path = format!("network_acls/{id}/rules");
    let page = PageRequest::parse(&path, &call.query)?;
    let inbound = request::direction(&call.query)?;
    let view = call.control().acl(&call.ctx, &id).await?;
    let fits = |rule: &&AclRule| inbound.is_none_or(|inbound| rule.inbound == inbound);
    let rules: Vec<&AclRule> = view.acl.rules.iter().filter(fits).collect();
    let seen = page.after.as_ref().map(|after| after.id.as_str());
    // A rule that is gone meanwhile: the list begins anew.
    let from = rules.iter().position(|rule| Some(rule.id.as_str()) == seen).map_or(0, |at| at + 1);
    let shown: Vec<&AclRule> = rules.iter().skip(from).take(page.limit as usize).copied().collect();
    let last = shown.last().filter(|_| from + shown.len() < rules.len());
    let next = last.map(|rule| PageToken { created_at: 0, id: rule.id.to_string() });
    let r = call.render();
    let items = shown.iter().map(|rule| response::network_acl_rule(&r, &view, rule)).collect();
    let list = List { path: &path, items: "rules" };
    call.collection(list, &page, items, next.as_ref(), rules.len() as u64)
}

pub(crate) async fn rule_create(call: Call) -> Answer {
    let id = id(&call)?;
    let body = call.json()?;
    let want = request::acl_rule_prototype(&call.asked(), &Fields::root(&body))?;
    let (rule, view): (AclRule, AclView) =
        call.control().acl_rule_create(&call.ctx, &id, want).await?;
    Reply::created(&response::network_acl_rule(&call.render(), &view, &rule))
}

pub(crate) async fn rule_get(call: Call) -> Answer {
    let (id, rule) = rule_ids(&call)?;
    let (rule, view) = call.control().acl_rule(&call.ctx, &id, &rule).await?;
    Reply::ok(&response::network_acl_rule(&call.render(), &view, &rule))
}

pub(crate) async fn rule_update(call: Call) -> Answer {
    let (id, rule) = rule_ids(&call)?;
    let body = call.json()?;
    let want = request::acl_rule_patch(&call.asked(), &Fields::root(&body))?;
    let (rule, view) = call.control().acl_rule_update(&call.ctx, &id, &rule, want).await?;
    Reply::ok(&response::network_acl_rule(&call.render(), &view, &rule))
}

pub(crate) async fn rule_delete(call: Call) -> Answer {
    let (id, rule) = rule_ids(&call)?;
    call.control().acl_rule_delete(&call.ctx, &id, &rule).await?;
    Ok(Reply::empty())
}
