//! Security groups. Their rules are in `security_group_rule`, the interfaces in them in
//! `group_target`.

use base::{AccountId, SecurityGroupId};
use model::{Limit, Reference, Refusal, ResourceName, SecurityGroup, SecurityGroupView};
use policy::{Action, Permit, Scope};

use super::{
    group_target,
    head::{NameSpace, group_check, head, head_binds, limit_check, not_found},
    list::{Conditions, paged, place},
    outbox, permit, security_group_rule,
    session::Session,
    sight::columns,
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
    let mut targets = group_target::of(session, ids).await?;
    for view in views {
        let id = view.group.head.id.as_str();
        view.group.rules = rules.remove(id).unwrap_or_default();
        view.targets = targets.remove(id).unwrap_or_default();
    }
    Ok(())
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
        .and_seen(scope, columns!("s"))
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
    NAMES.rename(tx, group.vpc.as_str(), id.as_str(), name).await?;
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
