//! Network ACLs and their rules, which are in an order.

use std::collections::HashMap;

use base::{AccountId, AclId, AclRuleId, ResourceGroupId, ZoneName};
use model::{Acl, AclRule, AclView, Limit, Reference, Refusal, ResourceName};
use policy::{Action, Permit, Scope};

use super::{
    head::{NameSpace, group_check, head, head_binds, limit_check, not_found, touch},
    list::{Conditions, marks, paged, place},
    outbox, permit,
    rule::{ports, range, traffic, traffic_binds},
    session::Session,
    sight::columns,
    tag,
    value::{Row, Value, binds},
    vpc,
};
use crate::{AclPlace, Change, Page, Paged, StoreError};

/// Table and kind of what has the rules.
const ROW: (&str, &str) = ("acls", "network_acl");
const NAMES: NameSpace = NameSpace::new("network ACL", "acls", "vpc_id");
const RULE_NAMES: NameSpace = NameSpace::new("rule of the network ACL", "acl_rules", "acl_id");

const SELECT: &str =
    "SELECT a.id, a.account_id, a.group_id, a.name, a.created_at, a.revision, a.vpc_id, g.name,
       v.name
     FROM acls a LEFT JOIN resource_groups g ON g.id = a.group_id
     LEFT JOIN vpcs v ON v.id = a.vpc_id";

fn view(row: Row) -> Result<AclView, StoreError> {
    let mut row = row.of("acls");
    let acl = Acl { head: head(&mut row)?, vpc: row.id()?, rules: Vec::new() };
    Ok(AclView {
        group_name: row.text()?,
        vpc: Reference { id: acl.vpc.clone(), name: row.text()?, deleted: false },
        subnets: Vec::new(),
        acl,
    })
}

/// Writes the row of an ACL and its rules.
pub(crate) async fn insert(tx: &mut Session, acl: &Acl) -> Result<(), StoreError> {
    let mut values = head_binds(&acl.head);
    values.extend(binds![&acl.vpc]);
    tx.run(
        "INSERT INTO acls (id, account_id, group_id, name, created_at, revision, vpc_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values,
    )
    .await?;
    for (position, rule) in (0_u32..).zip(&acl.rules) {
        rule_insert(tx, acl, rule, position).await?;
    }
    Ok(())
}

/// Id, name and everything that changes, in the order of the statements.
fn rule_values(rule: &AclRule) -> Vec<Value> {
    let mut values = binds![
        &rule.id,
        &rule.name,
        rule.allow,
        rule.inbound,
        rule.source.to_string(),
        rule.destination.to_string(),
    ];
    values.extend(traffic_binds(&rule.traffic));
    let source = rule.traffic.source_ports;
    values.extend(binds![
        source.map(|(min, _)| u32::from(min)),
        source.map(|(_, max)| u32::from(max)),
    ]);
    values
}

async fn rule_insert(
    tx: &mut Session,
    acl: &Acl,
    rule: &AclRule,
    position: u32,
) -> Result<(), StoreError> {
    RULE_NAMES.check(tx, acl.head.id.as_str(), &rule.name, None).await?;
    let mut values = rule_values(rule);
    values.extend(binds![&acl.head.account, &acl.head.id, rule.created_at, position]);
    tx.run(
        "INSERT INTO acl_rules (id, name, allow, inbound, source_range, destination_range,
           protocol, port_min, port_max, icmp_type, icmp_code, source_port_min, source_port_max,
           account_id, acl_id, created_at, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        values,
    )
    .await?;
    Ok(())
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    acl: &Acl,
    change: &Change,
) -> Result<(), StoreError> {
    let head = &acl.head;
    permit::covers_new(permit, Action::AclCreate, &head.account, &head.group)?;
    group_check(tx, &head.account, &head.group).await?;
    vpc::check(tx, &head.account, &acl.vpc).await?;
    NAMES.check(tx, acl.vpc.as_str(), &head.name, None).await?;
    let mut own = Conditions::default();
    own.and("vpc_id = ?", binds![&acl.vpc]);
    limit_check(own.count(tx, "acls").await? + 1, Limit::ACLS_PER_VPC_MAX)?;
    limit_check(acl.rules.len() as u64, Limit::ACL_RULES_MAX)?;
    insert(tx, acl).await?;
    outbox::write(tx, change).await
}

async fn fill(session: &mut Session, views: &mut [AclView]) -> Result<(), StoreError> {
    if views.is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = views.iter().map(|v| (&v.acl.head.id).into()).collect();
    let mut rules = rules(session, ids.clone()).await?;
    let mut subnets = subnets_by(session, "acl_id", ids).await?;
    for view in views {
        let id = view.acl.head.id.as_str();
        view.acl.rules = rules.remove(id).unwrap_or_default();
        view.subnets = subnets.remove(id).unwrap_or_default();
    }
    Ok(())
}

async fn rules(
    session: &mut Session,
    acls: Vec<Value>,
) -> Result<HashMap<String, Vec<AclRule>>, StoreError> {
    let rows = session
        .all(
            format!(
                "SELECT acl_id, id, name, allow, inbound, source_range, destination_range,
                   protocol, port_min, port_max, icmp_type, icmp_code, source_port_min,
                   source_port_max, created_at
                 FROM acl_rules WHERE acl_id IN ({}) ORDER BY acl_id, position",
                marks(1, acls.len())
            ),
            acls,
        )
        .await?;
    let mut found: HashMap<String, Vec<AclRule>> = HashMap::new();
    for row in rows {
        let mut row = row.of("acl_rules");
        found.entry(row.text()?).or_default().push(rule(&mut row)?);
    }
    Ok(found)
}

fn rule(row: &mut Row) -> Result<AclRule, StoreError> {
    let mut rule = AclRule {
        id: row.id()?,
        name: row.name()?,
        allow: row.bool()?,
        inbound: row.bool()?,
        source: range(row)?,
        destination: range(row)?,
        traffic: traffic(row)?,
        created_at: base::Timestamp::from_micros(0),
    };
    rule.traffic.source_ports = ports(row)?;
    rule.created_at = row.time()?;
    Ok(rule)
}

/// The subnets that point to something by `column`, newest first, by what they point to.
pub(crate) async fn subnets_by(
    session: &mut Session,
    column: &'static str,
    ids: Vec<Value>,
) -> Result<HashMap<String, Vec<(Reference<base::SubnetId>, ZoneName)>>, StoreError> {
    let rows = session
        .all(
            format!(
                "SELECT {column}, id, name, zone FROM subnets WHERE {column} IN ({})
                 ORDER BY {column}, created_at DESC, id DESC",
                marks(1, ids.len())
            ),
            ids,
        )
        .await?;
    let mut found: HashMap<String, Vec<_>> = HashMap::new();
    for row in rows {
        let mut row = row.of("subnets");
        let of = row.text()?;
        let subnet = Reference { id: row.id()?, name: row.text()?, deleted: false };
        found.entry(of).or_default().push((subnet, ZoneName::stored(row.text()?)));
    }
    Ok(found)
}

pub(crate) async fn get(
    session: &mut Session,
    account: &AccountId,
    id: &AclId,
) -> Result<AclView, StoreError> {
    let row = session
        .one(format!("{SELECT} WHERE a.id = $1 AND a.account_id = $2"), binds![id, account])
        .await?;
    let mut found = [view(row.ok_or_else(|| not_found("network_acl", id))?)?];
    fill(session, &mut found).await?;
    let [view] = found;
    Ok(view)
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    group: Option<&ResourceGroupId>,
    page: &Page,
) -> Result<Paged<AclView>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("a.account_id = ?", binds![scope.account()])
        .and_seen(scope, columns!("a"))
        .and_eq("a.group_id", group);
    let total = conditions.count(session, "acls a").await?;
    let rows = conditions.page(session, SELECT, "a", page).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    let mut views = paged(views, page, total, |view| place(&view.acl.head));
    fill(session, &mut views.items).await?;
    Ok(views)
}

pub(crate) async fn rename(
    tx: &mut Session,
    permit: &Permit,
    id: &AclId,
    name: &ResourceName,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::AclUpdate], id.as_str())?;
    let acl = get(tx, permit.account(), id).await?.acl;
    NAMES.rename(tx, acl.vpc.as_str(), id.as_str(), name).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &AclId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::AclDelete], id.as_str())?;
    let view = get(tx, permit.account(), id).await?;
    let default = tx
        .any("SELECT 1 FROM vpcs WHERE default_acl_id = $1 AND id = $2", binds![id, &view.acl.vpc])
        .await?;
    let used = |why| Err(Refusal::AclInUse { acl: id.clone(), why }.into());
    if default {
        return used("it is the default of its VPC");
    }
    if !view.subnets.is_empty() {
        return used("subnets use it");
    }
    tx.run("DELETE FROM acl_rules WHERE acl_id = $1", binds![id]).await?;
    tag::forget(tx, id.as_str()).await?;
    tx.run("DELETE FROM acls WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn rule_put(
    tx: &mut Session,
    permit: &Permit,
    id: &AclId,
    revision: u64,
    (rule, place): (&AclRule, &AclPlace),
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::AclUpdate], id.as_str())?;
    let acl = get(tx, permit.account(), id).await?.acl;
    touch(tx, ROW, id.as_str(), revision).await?;
    let mut order: Vec<&AclRuleId> = acl.rules.iter().map(|r| &r.id).collect();
    let old = order.iter().position(|other| *other == &rule.id);
    if old.is_some() {
        RULE_NAMES.check(tx, id.as_str(), &rule.name, Some(rule.id.as_str())).await?;
        tx.run(
            "UPDATE acl_rules SET name = $2, allow = $3, inbound = $4, source_range = $5,
               destination_range = $6, protocol = $7, port_min = $8, port_max = $9,
               icmp_type = $10, icmp_code = $11, source_port_min = $12, source_port_max = $13
             WHERE id = $1",
            rule_values(rule),
        )
        .await?;
    } else {
        limit_check(acl.rules.len() as u64 + 1, Limit::ACL_RULES_MAX)?;
        rule_insert(tx, &acl, rule, u32::try_from(order.len()).unwrap_or(u32::MAX)).await?;
        order.push(&rule.id);
    }
    if let AclPlace::Before(other) = place
        && other == &rule.id
    {
        return Err(Refusal::RuleImpossible { why: "it cannot be before itself" }.into());
    }
    order.retain(|other| *other != &rule.id || matches!(place, AclPlace::Keep));
    match place {
        AclPlace::Keep => {}
        AclPlace::Last => order.push(&rule.id),
        AclPlace::Before(next) => {
            let at = order.iter().position(|other| *other == next);
            order.insert(at.ok_or_else(|| not_found("rule", next))?, &rule.id);
        }
    }
    reorder(tx, &order).await?;
    outbox::write(tx, change).await
}

/// Numbers the rules anew; an ACL has at most 200.
async fn reorder(tx: &mut Session, order: &[&AclRuleId]) -> Result<(), StoreError> {
    for (position, rule) in (0_u32..).zip(order) {
        tx.run(
            "UPDATE acl_rules SET position = $2 WHERE id = $1 AND position <> $2",
            binds![*rule, position],
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn rule_delete(
    tx: &mut Session,
    permit: &Permit,
    id: &AclId,
    rule: &AclRuleId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::AclUpdate], id.as_str())?;
    let acl = get(tx, permit.account(), id).await?.acl;
    if !acl.rules.iter().any(|old| &old.id == rule) {
        return Err(not_found("rule", rule));
    }
    touch(tx, ROW, id.as_str(), acl.head.revision).await?;
    tx.run("DELETE FROM acl_rules WHERE id = $1", binds![rule]).await?;
    let rest: Vec<_> = acl.rules.iter().map(|r| &r.id).filter(|other| *other != rule).collect();
    reorder(tx, &rest).await?;
    outbox::write(tx, change).await
}
