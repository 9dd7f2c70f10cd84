//! The interfaces in security groups: network interfaces of instances, and virtual network
//! interfaces. A network attachment is in the groups of its virtual network interface, and is
//! none of their targets itself.

use std::collections::HashMap;

use base::{AccountId, SecurityGroupId, TargetId, ZoneName};
use model::{GroupTarget, IpReference, Limit, Reference, Refusal, VniMember, VniRef};
use policy::{Action, Permit};

use super::{
    head::{limit_check, not_found},
    list::marks,
    network_attachment, outbox, permit, security_group,
    session::Session,
    value::{Row, Value, binds},
};
use crate::{Change, StoreError};

const NIC: &str = "n.id, n.name, n.instance_id";
const VNI: &str = "v.id, v.name, v.zone, v.subnet_id, s.name, v.primary_ip_id, r.name, r.address";
const VNI_PARTS: &str = "JOIN subnets s ON s.id = v.subnet_id
     JOIN reserved_ips r ON r.id = v.primary_ip_id";

fn nic(row: &mut Row) -> Result<GroupTarget, StoreError> {
    let nic = Reference { id: row.id()?, name: row.text()?, deleted: false };
    Ok(GroupTarget::Nic((nic, row.id()?)))
}

fn member(row: &mut Row) -> Result<GroupTarget, StoreError> {
    let vni = Reference { id: row.id()?, name: row.text()?, deleted: false };
    let vni = VniRef { vni, zone: ZoneName::stored(row.text()?) };
    let subnet = Reference { id: row.id()?, name: row.text()?, deleted: false };
    let ip = Reference { id: row.id()?, name: row.text()?, deleted: false };
    let primary_ip = IpReference { ip, address: row.address()? };
    Ok(GroupTarget::Vni(Box::new(VniMember { vni, subnet, primary_ip })))
}

/// The interfaces in several groups, those of one by id.
pub(crate) async fn of(
    session: &mut Session,
    groups: Vec<Value>,
) -> Result<HashMap<String, Vec<GroupTarget>>, StoreError> {
    let these = marks(1, groups.len());
    let nics = session
        .all(
            format!(
                "SELECT x.security_group_id, {NIC}
                 FROM nic_security_groups x JOIN nics n ON n.id = x.nic_id
                 WHERE x.security_group_id IN ({these}) AND n.vni_id IS NULL"
            ),
            groups.clone(),
        )
        .await?;
    let vnis = session
        .all(
            format!(
                "SELECT x.security_group_id, {VNI} FROM vni_security_groups x
                 JOIN virtual_network_interfaces v ON v.id = x.vni_id {VNI_PARTS}
                 WHERE x.security_group_id IN ({these})"
            ),
            groups,
        )
        .await?;
    let mut found: HashMap<String, Vec<GroupTarget>> = HashMap::new();
    for row in nics {
        let mut row = row.of("nics");
        found.entry(row.text()?).or_default().push(nic(&mut row)?);
    }
    for row in vnis {
        let mut row = row.of("virtual_network_interfaces");
        found.entry(row.text()?).or_default().push(member(&mut row)?);
    }
    for targets in found.values_mut() {
        targets.sort_unstable_by(|a, b| a.id().cmp(b.id()));
    }
    Ok(found)
}

/// The interface of an account, with its VPC.
async fn one(
    tx: &mut Session,
    account: &AccountId,
    id: &TargetId,
) -> Result<(GroupTarget, String), StoreError> {
    let row = tx
        .one(
            format!(
                "SELECT {NIC}, s.vpc_id FROM nics n JOIN subnets s ON s.id = n.subnet_id
                 WHERE n.id = $1 AND n.account_id = $2 AND n.vni_id IS NULL"
            ),
            binds![id, account],
        )
        .await?;
    if let Some(row) = row {
        let mut row = row.of("nics");
        return Ok((nic(&mut row)?, row.text()?));
    }
    let row = tx
        .one(
            format!(
                "SELECT {VNI}, v.vpc_id FROM virtual_network_interfaces v {VNI_PARTS}
                 WHERE v.id = $1 AND v.account_id = $2"
            ),
            binds![id, account],
        )
        .await?;
    let mut row = row.ok_or_else(|| not_found("target", id))?.of("virtual_network_interfaces");
    Ok((member(&mut row)?, row.text()?))
}

/// Where memberships of this type are: table, and its column of the interface.
const fn table(target: &GroupTarget) -> (&'static str, &'static str) {
    match target {
        GroupTarget::Nic(_) => ("nic_security_groups", "nic_id"),
        GroupTarget::Vni(_) => ("vni_security_groups", "vni_id"),
    }
}

/// What follows from another set of groups.
async fn changed(tx: &mut Session, target: &GroupTarget) -> Result<(), StoreError> {
    match target {
        GroupTarget::Nic(_) => Ok(()),
        GroupTarget::Vni(member) => network_attachment::groups_copy(tx, &member.vni.vni.id).await,
    }
}

pub(crate) async fn add(
    tx: &mut Session,
    permit: &Permit,
    group: &SecurityGroupId,
    id: &TargetId,
    change: &Change,
) -> Result<GroupTarget, StoreError> {
    permit::covers(permit, &[Action::SecurityGroupOperate], group.as_str())?;
    let view = security_group::get(tx, permit.account(), group).await?;
    let (target, vpc) = one(tx, permit.account(), id).await?;
    if view.targets.iter().any(|there| there.id() == id.as_str()) {
        return Ok(target);
    }
    if view.group.vpc.as_str() != vpc {
        return Err(Refusal::OtherVpc { what: "network interface", field: None }.into());
    }
    let (table, column) = table(&target);
    let mut row = tx
        .one(
            format!(
                "SELECT COUNT(*), COALESCE(MAX(position), -1) + 1 FROM {table}
                 WHERE {column} = $1"
            ),
            binds![id],
        )
        .await?
        .ok_or_else(|| not_found("target", id))?;
    let (count, position): (u64, u32) = (row.count()?, row.count()?);
    limit_check(count + 1, Limit::SECURITY_GROUPS_PER_NIC_MAX)?;
    tx.run(
        format!(
            "INSERT INTO {table} ({column}, position, account_id, security_group_id)
             VALUES ($1, $2, $3, $4)"
        ),
        binds![id, position, permit.account(), group],
    )
    .await?;
    changed(tx, &target).await?;
    outbox::write(tx, change).await?;
    Ok(target)
}

pub(crate) async fn remove(
    tx: &mut Session,
    permit: &Permit,
    group: &SecurityGroupId,
    id: &TargetId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::SecurityGroupOperate], group.as_str())?;
    let view = security_group::get(tx, permit.account(), group).await?;
    let target = view.targets.iter().find(|there| there.id() == id.as_str());
    let target = target.ok_or_else(|| not_found("target", id))?;
    let (table, column) = table(target);
    let others = tx
        .any(
            format!(
                "SELECT 1 FROM {table} WHERE {column} = $1 AND security_group_id <> $2 LIMIT 1"
            ),
            binds![id, group],
        )
        .await?;
    if !others {
        return Err(Refusal::LastSecurityGroup { target: id.to_string() }.into());
    }
    tx.run(
        format!("DELETE FROM {table} WHERE {column} = $1 AND security_group_id = $2"),
        binds![id, group],
    )
    .await?;
    changed(tx, target).await?;
    outbox::write(tx, change).await
}

/// Groups with their names of several things, in the order in which each is in them. `table` is
/// what binds them, by its column `holder`.
pub(crate) async fn groups_of(
    session: &mut Session,
    (table, holder): (&'static str, &'static str),
    ids: Vec<Value>,
) -> Result<HashMap<String, Vec<(SecurityGroupId, String)>>, StoreError> {
    let rows = session
        .all(
            format!(
                "SELECT x.{holder}, x.security_group_id, g.name FROM {table} x
                 JOIN security_groups g ON g.id = x.security_group_id
                 WHERE x.{holder} IN ({}) ORDER BY x.{holder}, x.position",
                marks(1, ids.len())
            ),
            ids,
        )
        .await?;
    let mut found: HashMap<String, Vec<(SecurityGroupId, String)>> = HashMap::new();
    for row in rows {
        let mut row = row.of(table);
        found.entry(row.text()?).or_default().push((row.id()?, row.text()?));
    }
    Ok(found)
}
