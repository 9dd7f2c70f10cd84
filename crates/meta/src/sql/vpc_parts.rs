//! What is made with a VPC: network ACL, security group with its rules, routing table.

use base::{AclId, RoutingTableId, SecurityGroupId, VpcId};
use model::{Acl, RoutingTable, SecurityGroup, SecurityGroupRule};
use policy::Scope;

use super::{
    head::{head, head_binds, not_found},
    list::{Conditions, marks, paged, place},
    session::Session,
    value::{Row, Value, binds},
    vpc,
};
use crate::{NewVpc, Page, Paged, StoreError};

const SECURITY_GROUP: &str =
    "SELECT s.id, s.account_id, s.group_id, s.name, s.created_at, s.revision, s.vpc_id, g.name
     FROM security_groups s LEFT JOIN resource_groups g ON g.id = s.group_id";

pub(crate) async fn insert(tx: &mut Session, new: &NewVpc) -> Result<(), StoreError> {
    let vpc = &new.vpc.head.id;
    let mut values = head_binds(&new.acl.head);
    values.extend(binds![vpc]);
    tx.run(
        "INSERT INTO acls (id, account_id, group_id, name, created_at, revision, vpc_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values,
    )
    .await?;
    let mut values = head_binds(&new.routing_table.head);
    values.extend(binds![vpc, new.routing_table.is_default]);
    tx.run(
        "INSERT INTO routing_tables
           (id, account_id, group_id, name, created_at, revision, vpc_id, is_default)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values,
    )
    .await?;
    let mut values = head_binds(&new.security_group.head);
    values.extend(binds![vpc]);
    tx.run(
        "INSERT INTO security_groups (id, account_id, group_id, name, created_at, revision, vpc_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        values,
    )
    .await?;
    for (position, rule) in (0_u32..).zip(&new.security_group.rules) {
        rule_insert(tx, &new.security_group, rule, position).await?;
    }
    Ok(())
}

async fn rule_insert(
    tx: &mut Session,
    group: &SecurityGroup,
    rule: &SecurityGroupRule,
    position: u32,
) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO security_group_rules
           (id, account_id, security_group_id, name, inbound, remote_id, created_at, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        binds![
            &rule.id,
            &group.head.account,
            &group.head.id,
            &rule.name,
            rule.inbound,
            rule.remote.as_ref(),
            rule.created_at,
            position,
        ],
    )
    .await?;
    Ok(())
}

/// Deletes them all, for a VPC that nothing uses.
pub(crate) async fn delete(tx: &mut Session, vpc: &VpcId) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM security_group_rules WHERE security_group_id IN
           (SELECT id FROM security_groups WHERE vpc_id = $1)",
        "DELETE FROM tags WHERE resource_id IN
           (SELECT id FROM security_groups WHERE vpc_id = $1)",
        "DELETE FROM tags WHERE resource_id IN
           (SELECT id FROM routing_tables WHERE vpc_id = $1)",
        "DELETE FROM tags WHERE resource_id IN (SELECT id FROM acls WHERE vpc_id = $1)",
        "DELETE FROM security_groups WHERE vpc_id = $1",
        "DELETE FROM routing_tables WHERE vpc_id = $1",
        "DELETE FROM acls WHERE vpc_id = $1",
    ] {
        tx.run(sql, binds![vpc]).await?;
    }
    Ok(())
}

pub(crate) async fn acl(
    session: &mut Session,
    scope: &Scope,
    id: &AclId,
) -> Result<(Acl, String), StoreError> {
    let row = session
        .one(
            "SELECT a.id, a.account_id, a.group_id, a.name, a.created_at, a.revision, a.vpc_id,
               g.name
             FROM acls a LEFT JOIN resource_groups g ON g.id = a.group_id
             WHERE a.id = $1 AND a.account_id = $2",
            binds![id, scope.account()],
        )
        .await?;
    let mut row = row.ok_or_else(|| not_found("network_acl", id))?.of("acls");
    Ok((Acl { head: head(&mut row)?, vpc: row.id()? }, row.text()?))
}

pub(crate) async fn routing_table(
    session: &mut Session,
    scope: &Scope,
    id: &RoutingTableId,
) -> Result<(RoutingTable, String), StoreError> {
    let row = session
        .one(
            "SELECT t.id, t.account_id, t.group_id, t.name, t.created_at, t.revision, t.vpc_id,
               t.is_default, g.name
             FROM routing_tables t LEFT JOIN resource_groups g ON g.id = t.group_id
             WHERE t.id = $1 AND t.account_id = $2",
            binds![id, scope.account()],
        )
        .await?;
    let mut row = row.ok_or_else(|| not_found("routing_table", id))?.of("routing_tables");
    let table = RoutingTable { head: head(&mut row)?, vpc: row.id()?, is_default: row.bool()? };
    Ok((table, row.text()?))
}

fn security_group_row(row: Row) -> Result<(SecurityGroup, String), StoreError> {
    let mut row = row.of("security_groups");
    let group = SecurityGroup { head: head(&mut row)?, vpc: row.id()?, rules: Vec::new() };
    Ok((group, row.text()?))
}

async fn rules(
    session: &mut Session,
    groups: &mut [(SecurityGroup, String)],
) -> Result<(), StoreError> {
    if groups.is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = groups.iter().map(|(g, _)| (&g.head.id).into()).collect();
    let rows = session
        .all(
            format!(
                "SELECT security_group_id, id, name, inbound, remote_id, created_at
                 FROM security_group_rules WHERE security_group_id IN ({})
                 ORDER BY security_group_id, position",
                marks(1, ids.len())
            ),
            ids,
        )
        .await?;
    for row in rows {
        let mut row = row.of("security_group_rules");
        let owner: SecurityGroupId = row.id()?;
        let rule = SecurityGroupRule {
            id: row.id()?,
            name: row.name()?,
            inbound: row.bool()?,
            remote: row.opt_id()?,
            created_at: row.time()?,
        };
        if let Some((group, _)) = groups.iter_mut().find(|(g, _)| g.head.id == owner) {
            group.rules.push(rule);
        }
    }
    Ok(())
}

pub(crate) async fn security_group(
    session: &mut Session,
    scope: &Scope,
    id: &SecurityGroupId,
) -> Result<(SecurityGroup, String), StoreError> {
    let row = session
        .one(
            format!("{SECURITY_GROUP} WHERE s.id = $1 AND s.account_id = $2"),
            binds![id, scope.account()],
        )
        .await?;
    let mut found = [security_group_row(row.ok_or_else(|| not_found("security_group", id))?)?];
    rules(session, &mut found).await?;
    let [group] = found;
    Ok(group)
}

pub(crate) async fn security_groups(
    session: &mut Session,
    scope: &Scope,
    vpc: Option<&VpcId>,
    page: &Page,
) -> Result<Paged<(SecurityGroup, String)>, StoreError> {
    if let Some(vpc) = vpc {
        vpc::check(session, scope.account(), vpc).await?;
    }
    let mut conditions = Conditions::default();
    conditions.and("s.account_id = ?", binds![scope.account()]).and_eq("s.vpc_id", vpc);
    let total = conditions.count(session, "security_groups s").await?;
    let rows = conditions.page(session, SECURITY_GROUP, "s", page).await?;
    let groups = rows.into_iter().map(security_group_row).collect::<Result<Vec<_>, _>>()?;
    let mut groups = paged(groups, page, total, |(group, _)| place(&group.head));
    rules(session, &mut groups.items).await?;
    Ok(groups)
}
