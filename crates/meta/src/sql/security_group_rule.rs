//! Rules of security groups.

use std::collections::HashMap;

use base::{SecurityGroupId, SecurityGroupRuleId};
use model::{IpRange, Limit, Reference, Refusal, RuleRemote, SecurityGroup, SecurityGroupRule};
use policy::{Action, Permit};

use super::{
    head::{NameSpace, limit_check, not_found, touch},
    list::marks,
    outbox, permit,
    rule::{range, traffic, traffic_binds},
    security_group,
    session::Session,
    value::{Row, Value, binds},
};
use crate::{Change, StoreError};

/// Table and kind of what has the rules.
const ROW: (&str, &str) = ("security_groups", "security_group");
const NAMES: NameSpace =
    NameSpace::new("rule of the security group", "security_group_rules", "security_group_id");

const ACTIONS: [Action; 1] = [Action::SecurityGroupUpdate];

/// Writes a rule. The group's VPC has the remote group.
pub(crate) async fn insert(
    tx: &mut Session,
    group: &SecurityGroup,
    rule: &SecurityGroupRule,
    position: u32,
) -> Result<(), StoreError> {
    NAMES.check(tx, group.head.id.as_str(), &rule.name, None).await?;
    remote_check(tx, group, rule).await?;
    let mut values = values(rule);
    values.extend(binds![&group.head.account, &group.head.id, rule.created_at, position]);
    tx.run(
        "INSERT INTO security_group_rules
           (id, name, inbound, remote_id, remote_range, local_range, protocol, port_min, port_max,
            icmp_type, icmp_code, account_id, security_group_id, created_at, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        values,
    )
    .await?;
    Ok(())
}

/// Id, name and everything that changes, in the order of the statements.
fn values(rule: &SecurityGroupRule) -> Vec<Value> {
    let (group, addresses) = match &rule.remote {
        RuleRemote::Group(group) => (Some(&group.id), None),
        RuleRemote::Range(range) => (None, Some(range.to_string())),
    };
    let mut values =
        binds![&rule.id, &rule.name, rule.inbound, group, addresses, rule.local.to_string()];
    values.extend(traffic_binds(&rule.traffic));
    values
}

async fn remote_check(
    tx: &mut Session,
    group: &SecurityGroup,
    rule: &SecurityGroupRule,
) -> Result<(), StoreError> {
    let RuleRemote::Group(remote) = &rule.remote else { return Ok(()) };
    let row = tx
        .one(
            "SELECT vpc_id FROM security_groups WHERE id = $1 AND account_id = $2",
            binds![&remote.id, &group.head.account],
        )
        .await?;
    let vpc = row.ok_or_else(|| not_found("security_group", &remote.id))?.text()?;
    if vpc == group.vpc.as_str() {
        return Ok(());
    }
    Err(Refusal::OtherVpc { what: "security group", field: Some("remote") }.into())
}

/// The rules of several groups, by group.
pub(crate) async fn of(
    session: &mut Session,
    groups: Vec<Value>,
) -> Result<HashMap<String, Vec<SecurityGroupRule>>, StoreError> {
    let rows = session
        .all(
            format!(
                "SELECT r.security_group_id, r.id, r.name, r.inbound, r.remote_id, o.name,
                   r.remote_range, r.local_range, r.protocol, r.port_min, r.port_max, r.icmp_type,
                   r.icmp_code, r.created_at
                 FROM security_group_rules r LEFT JOIN security_groups o ON o.id = r.remote_id
                 WHERE r.security_group_id IN ({}) ORDER BY r.security_group_id, r.position",
                marks(1, groups.len())
            ),
            groups,
        )
        .await?;
    let mut found: HashMap<String, Vec<SecurityGroupRule>> = HashMap::new();
    for row in rows {
        let mut row = row.of("security_group_rules");
        found.entry(row.text()?).or_default().push(rule(&mut row)?);
    }
    Ok(found)
}

fn rule(row: &mut Row) -> Result<SecurityGroupRule, StoreError> {
    Ok(SecurityGroupRule {
        id: row.id()?,
        name: row.name()?,
        inbound: row.bool()?,
        remote: remote(row)?,
        local: range(row)?,
        traffic: traffic(row)?,
        created_at: row.time()?,
    })
}

fn remote(row: &mut Row) -> Result<RuleRemote, StoreError> {
    let (group, name, addresses) = (row.opt_id()?, row.opt_text()?, row.opt_text()?);
    if let Some(id) = group {
        let name = name.unwrap_or_default();
        return Ok(RuleRemote::Group(Reference { id, name, deleted: false }));
    }
    let Some(text) = addresses else { return Ok(RuleRemote::Range(IpRange::EVERYWHERE)) };
    let range = IpRange::parse(&text).ok_or_else(|| row.damaged(format!("`{text}` is no range")));
    range.map(RuleRemote::Range)
}

pub(crate) async fn put(
    tx: &mut Session,
    permit: &Permit,
    id: &SecurityGroupId,
    revision: u64,
    rule: &SecurityGroupRule,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &ACTIONS, id.as_str())?;
    let group = security_group::get(tx, permit.account(), id).await?.group;
    touch(tx, ROW, id.as_str(), revision).await?;
    if group.rules.iter().any(|old| old.id == rule.id) {
        NAMES.check(tx, id.as_str(), &rule.name, Some(rule.id.as_str())).await?;
        remote_check(tx, &group, rule).await?;
        tx.run(
            "UPDATE security_group_rules SET name = $2, inbound = $3, remote_id = $4,
               remote_range = $5, local_range = $6, protocol = $7, port_min = $8, port_max = $9,
               icmp_type = $10, icmp_code = $11 WHERE id = $1",
            values(rule),
        )
        .await?;
    } else {
        limit_check(group.rules.len() as u64 + 1, Limit::SECURITY_GROUP_RULES_MAX)?;
        let next = tx
            .number(
                "SELECT COALESCE(MAX(position), -1) + 1 FROM security_group_rules
                 WHERE security_group_id = $1",
                binds![id],
            )
            .await?;
        insert(tx, &group, rule, u32::try_from(next).unwrap_or(u32::MAX)).await?;
    }
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &SecurityGroupId,
    rule: &SecurityGroupRuleId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &ACTIONS, id.as_str())?;
    let group = security_group::get(tx, permit.account(), id).await?.group;
    if !group.rules.iter().any(|old| &old.id == rule) {
        return Err(not_found("rule", rule));
    }
    touch(tx, ROW, id.as_str(), group.head.revision).await?;
    tx.run("DELETE FROM security_group_rules WHERE id = $1", binds![rule]).await?;
    outbox::write(tx, change).await
}
