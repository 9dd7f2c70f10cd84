//! Security groups and the interfaces in them. Their rules are in `security_group_rule`.

use std::collections::HashMap;

use base::{AccountId, NicId, SecurityGroupId};
use model::{
    InterfaceRef, Limit, Reference, Refusal, ResourceName, SecurityGroup, SecurityGroupView,
};
use policy::{Action, Permit, Scope};

use super::{
    head::{NameSpace, group_check, head, head_binds, limit_check, not_found},
    list::{Conditions, marks, paged, place},
    outbox, permit, security_group_rule,
    session::Session,
    tag,
    value::{Row, Value, binds},
    vpc,
};
use crate::{Change, Page, Paged, SecurityGroupFilter, StoreError};

const NAMES: NameSpace = NameSpace::new("security group", "security_groups", "vpc_id");

const SELECT: &str =
    "SELECT s.id, s.account_id, s.group_id, s.name, s.created_at, s.revision, s.vpc_id, g.name,
       v.name
     FROM security_groups s LEFT JOIN resource_groups g ON g.id = s.group_id
     LEFT JOIN vpcs v ON v.id = s.vpc_id";

fn view(row: Row) -> Result<SecurityGroupView, StoreError> {
    let mut row = row.of("security_groups");
    let group = SecurityGroup { head: head(&mut row)?, vpc: row.id()?, rules: Vec::new() };
    Ok(SecurityGroupView {
        group_name: row.text()?,
        vpc: Reference { id: group.vpc.clone(), name: row.text()?, deleted: false },
        targets: Vec::new(),
        group,
    })
}

/// Writes the row of a group and its rules.
pub(crate) async fn insert(tx: &mut Session, group: &SecurityGroup) -> Result<(), StoreError> {
    let mut values = head_binds(&group.head);
    values.extend(binds![&group.vpc]);
    tx.run(
        "INSERT INTO security_groups (id, account_id, group_id, name, created_at, revision, vpc_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values,
    )
    .await?;
    for (position, rule) in (0_u32..).zip(&group.rules) {
        security_group_rule::insert(tx, group, rule, position).await?;
    }
    Ok(())
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    group: &SecurityGroup,
    change: &Change,
) -> Result<(), StoreError> {
    let head = &group.head;
    permit::covers_new(permit, Action::SecurityGroupCreate, &head.account, &head.group)?;
    group_check(tx, &head.account, &head.group).await?;
    vpc::check(tx, &head.account, &group.vpc).await?;
    NAMES.check(tx, group.vpc.as_str(), &head.name, None).await?;
    let mut own = Conditions::default();
    own.and("vpc_id = ?", binds![&group.vpc]);
    let count = own.count(tx, "security_groups").await? + 1;
    limit_check(count, Limit::SECURITY_GROUPS_PER_VPC_MAX)?;
    limit_check(group.rules.len() as u64, Limit::SECURITY_GROUP_RULES_MAX)?;
    insert(tx, group).await?;
    outbox::write(tx, change).await
}

async fn fill(session: &mut Session, views: &mut [SecurityGroupView]) -> Result<(), StoreError> {
    if views.is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = views.iter().map(|v| (&v.group.head.id).into()).collect();
    let mut rules = security_group_rule::of(session, ids.clone()).await?;
    let mut targets = targets(session, ids).await?;
    for view in views {
        let id = view.group.head.id.as_str();
        view.group.rules = rules.remove(id).unwrap_or_default();
        view.targets = targets.remove(id).unwrap_or_default();
    }
    Ok(())
}

async fn targets(
    session: &mut Session,
    groups: Vec<Value>,
) -> Result<HashMap<String, Vec<InterfaceRef>>, StoreError> {
    let rows = session
        .all(
            format!(
                "SELECT x.security_group_id, n.id, n.name, n.instance_id
                 FROM nic_security_groups x JOIN nics n ON n.id = x.nic_id
                 WHERE x.security_group_id IN ({})",
                marks(1, groups.len())
            ),
            groups,
        )
        .await?;
    let mut found: HashMap<String, Vec<InterfaceRef>> = HashMap::new();
    for row in rows {
        let mut row = row.of("nics");
        let group = row.text()?;
        let nic = Reference { id: row.id()?, name: row.text()?, deleted: false };
        found.entry(group).or_default().push((nic, row.id()?));
    }
    for targets in found.values_mut() {
        targets.sort_unstable_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    }
    Ok(found)
}

pub(crate) async fn get(
    session: &mut Session,
    account: &AccountId,
    id: &SecurityGroupId,
) -> Result<SecurityGroupView, StoreError> {
    let row = session
        .one(format!("{SELECT} WHERE s.id = $1 AND s.account_id = $2"), binds![id, account])
        .await?;
    let mut found = [view(row.ok_or_else(|| not_found("security_group", id))?)?];
    fill(session, &mut found).await?;
    let [view] = found;
    Ok(view)
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &SecurityGroupFilter,
    page: &Page,
) -> Result<Paged<SecurityGroupView>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("s.account_id = ?", binds![scope.account()])
        .and_eq("s.group_id", filter.group.as_ref())
        .and_eq("s.vpc_id", filter.vpc.as_ref());
    if let Some(name) = &filter.vpc_name {
        conditions.and(
            "s.vpc_id IN (SELECT id FROM vpcs WHERE account_id = ? AND name = ?)",
            binds![scope.account(), name],
        );
    }
    let total = conditions.count(session, "security_groups s").await?;
    let rows = conditions.page(session, SELECT, "s", page).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    let mut views = paged(views, page, total, |view| place(&view.group.head));
    fill(session, &mut views.items).await?;
    Ok(views)
}

pub(crate) async fn rename(
    tx: &mut Session,
    permit: &Permit,
    id: &SecurityGroupId,
    name: &ResourceName,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::SecurityGroupUpdate], id.as_str())?;
    let group = get(tx, permit.account(), id).await?.group;
    NAMES.check(tx, group.vpc.as_str(), name, Some(id.as_str())).await?;
    tx.run(
        "UPDATE security_groups SET name = $2, revision = revision + 1 WHERE id = $1",
        binds![id, name],
    )
    .await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &SecurityGroupId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::SecurityGroupDelete], id.as_str())?;
    let view = get(tx, permit.account(), id).await?;
    let default = tx
        .any(
            "SELECT 1 FROM vpcs WHERE default_security_group_id = $1 AND id = $2",
            binds![id, &view.group.vpc],
        )
        .await?;
    if default {
        return Err(Refusal::SecurityGroupDefault { group: id.clone() }.into());
    }
    let used = |what| Err(Refusal::SecurityGroupInUse { group: id.clone(), what }.into());
    if !view.targets.is_empty() {
        return used("network interfaces");
    }
    let named = tx
        .any(
            "SELECT 1 FROM security_group_rules
             WHERE remote_id = $1 AND security_group_id <> $1 LIMIT 1",
            binds![id],
        )
        .await?;
    if named {
        return used("rules of other security groups");
    }
    tx.run("DELETE FROM security_group_rules WHERE security_group_id = $1", binds![id]).await?;
    tag::forget(tx, id.as_str()).await?;
    tx.run("DELETE FROM security_groups WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}

/// The interface of an account, with its VPC.
async fn interface(
    tx: &mut Session,
    account: &AccountId,
    nic: &NicId,
) -> Result<(InterfaceRef, String), StoreError> {
    let row = tx
        .one(
            "SELECT n.id, n.name, n.instance_id, s.vpc_id FROM nics n
             JOIN subnets s ON s.id = n.subnet_id WHERE n.id = $1 AND n.account_id = $2",
            binds![nic, account],
        )
        .await?;
    let mut row = row.ok_or_else(|| not_found("target", nic))?.of("nics");
    let reference = Reference { id: row.id()?, name: row.text()?, deleted: false };
    Ok(((reference, row.id()?), row.text()?))
}

pub(crate) async fn target_add(
    tx: &mut Session,
    permit: &Permit,
    id: &SecurityGroupId,
    nic: &NicId,
    change: &Change,
) -> Result<InterfaceRef, StoreError> {
    permit::covers(permit, &[Action::SecurityGroupOperate], id.as_str())?;
    let view = get(tx, permit.account(), id).await?;
    let (interface, vpc) = interface(tx, permit.account(), nic).await?;
    if view.targets.iter().any(|(target, _)| &target.id == nic) {
        return Ok(interface);
    }
    if view.group.vpc.as_str() != vpc {
        return Err(Refusal::OtherVpc { what: "network interface", field: None }.into());
    }
    let mut row = tx
        .one(
            "SELECT COUNT(*), COALESCE(MAX(position), -1) + 1 FROM nic_security_groups
             WHERE nic_id = $1",
            binds![nic],
        )
        .await?
        .ok_or_else(|| not_found("target", nic))?;
    let (count, position): (u64, u32) = (row.count()?, row.count()?);
    limit_check(count + 1, Limit::SECURITY_GROUPS_PER_NIC_MAX)?;
    tx.run(
        "INSERT INTO nic_security_groups (nic_id, position, account_id, security_group_id)
         VALUES ($1, $2, $3, $4)",
        binds![nic, position, permit.account(), id],
    )
    .await?;
    outbox::write(tx, change).await?;
    Ok(interface)
}

pub(crate) async fn target_remove(
    tx: &mut Session,
    permit: &Permit,
    id: &SecurityGroupId,
    nic: &NicId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::SecurityGroupOperate], id.as_str())?;
    let view = get(tx, permit.account(), id).await?;
    if !view.targets.iter().any(|(target, _)| &target.id == nic) {
        return Err(not_found("target", nic));
    }
    let others = tx
        .any(
            "SELECT 1 FROM nic_security_groups
             WHERE nic_id = $1 AND security_group_id <> $2 LIMIT 1",
            binds![nic, id],
        )
        .await?;
    if !others {
        return Err(Refusal::LastSecurityGroup { nic: nic.clone() }.into());
    }
    tx.run(
        "DELETE FROM nic_security_groups WHERE nic_id = $1 AND security_group_id = $2",
        binds![nic, id],
    )
    .await?;
    outbox::write(tx, change).await
}
