//! Network interfaces of instances.

use base::{AccountId, InstanceId, NicId, VniId, ZoneName};
use model::{FloatingIpRef, Nic, NicView, Reference, ResourceName, VniRef};

use super::{
    group_target::groups_of,
    head::{NameSpace, head, head_binds, not_found},
    list::marks,
    session::Session,
    value::{Row, Value, binds},
};
use crate::StoreError;

const NAMES: NameSpace = NameSpace::new("network interface", "nics", "instance_id");

fn view(row: Row) -> Result<NicView, StoreError> {
    let mut row = row.of("nics");
    let nic = Nic {
        head: head(&mut row)?,
        instance: row.id()?,
        subnet: row.id()?,
        primary_ip: row.id()?,
        allow_ip_spoofing: row.bool()?,
        primary: row.bool()?,
        mac: row.text()?,
        security_groups: Vec::new(),
    };
    let (subnet, zone) = (row.text()?, ZoneName::stored(row.text()?));
    let ip = row.text()?;
    let address = row.address()?;
    let floating_ip = floating_ip(&mut row, &zone)?;
    Ok(NicView {
        floating_ip,
        subnet: Reference { id: nic.subnet.clone(), name: subnet, deleted: false },
        subnet_zone: zone.clone(),
        primary_ip: Reference { id: nic.primary_ip.clone(), name: ip, deleted: false },
        address,
        security_groups: Vec::new(),
        vni: vni(&mut row, zone)?,
        nic,
    })
}

fn floating_ip(row: &mut Row, zone: &ZoneName) -> Result<Option<FloatingIpRef>, StoreError> {
    let (id, name, address) = (row.opt_id()?, row.opt_text()?, row.opt_int()?);
    let Some(((id, name), address)) = id.zip(name).zip(address) else { return Ok(None) };
    let address = u32::try_from(address).map_err(|_| row.damaged("not an address"))?;
    let (ip, zone) = (Reference { id, name, deleted: false }, zone.clone());
    Ok(Some(FloatingIpRef { ip, zone, address: address.into() }))
}

/// The instance of an account's interface.
pub(crate) async fn instance(
    session: &mut Session,
    account: &AccountId,
    id: &NicId,
) -> Result<InstanceId, StoreError> {
    let row = session
        .one("SELECT instance_id FROM nics WHERE id = $1 AND account_id = $2", binds![id, account])
        .await?;
    row.ok_or_else(|| not_found("network_interface", id))?.of("nics").id()
}

/// What a network attachment attaches.
fn vni(row: &mut Row, zone: ZoneName) -> Result<Option<VniRef>, StoreError> {
    let (id, name) = (row.opt_id()?, row.opt_text()?);
    let vni = id.zip(name).map(|(id, name)| Reference { id, name, deleted: false });
    Ok(vni.map(|vni| VniRef { vni, zone }))
}

/// Interfaces of several instances, the primary one of each first.
pub(crate) async fn of_instances(
    session: &mut Session,
    instances: &[&InstanceId],
) -> Result<Vec<NicView>, StoreError> {
    if instances.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Value> = instances.iter().map(|id| (*id).into()).collect();
    let rows = session
        .all(
            format!(
                "SELECT n.id, n.account_id, n.group_id, n.name, n.created_at, n.revision,
                   n.instance_id, n.subnet_id, n.primary_ip_id, n.allow_ip_spoofing,
                   n.is_primary, n.mac, s.name, s.zone, r.name, r.address, f.id, f.name, f.address,
                   v.id, v.name
                 FROM nics n JOIN subnets s ON s.id = n.subnet_id
                 JOIN reserved_ips r ON r.id = n.primary_ip_id
                 LEFT JOIN floating_ips f ON f.nic_id = n.id
                 LEFT JOIN virtual_network_interfaces v ON v.id = n.vni_id
                 WHERE n.instance_id IN ({})
                 ORDER BY n.instance_id, n.is_primary DESC, n.position",
                marks(1, ids.len())
            ),
            ids,
        )
        .await?;
    let mut views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    groups_fill(session, &mut views).await?;
    Ok(views)
}

async fn groups_fill(session: &mut Session, views: &mut [NicView]) -> Result<(), StoreError> {
    if views.is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = views.iter().map(|view| (&view.nic.head.id).into()).collect();
    let mut by_nic = groups_of(session, ("nic_security_groups", "nic_id"), ids).await?;
    for view in views {
        for (id, name) in by_nic.remove(view.nic.head.id.as_str()).unwrap_or_default() {
            view.nic.security_groups.push(id.clone());
            view.security_groups.push(Reference { id, name, deleted: false });
        }
    }
    Ok(())
}

/// The place behind all interfaces of an instance.
pub(crate) async fn position_next(
    tx: &mut Session,
    instance: &InstanceId,
) -> Result<u32, StoreError> {
    let next = tx
        .number(
            "SELECT COALESCE(MAX(position), -1) + 1 FROM nics WHERE instance_id = $1",
            binds![instance],
        )
        .await?;
    Ok(u32::try_from(next).unwrap_or(u32::MAX))
}

/// Writes an interface with its groups, or an attachment of `vni`; the address was given.
pub(crate) async fn insert(
    tx: &mut Session,
    nic: &Nic,
    position: u32,
    vni: Option<&VniId>,
) -> Result<(), StoreError> {
    NAMES.check(tx, nic.instance.as_str(), &nic.head.name, None).await?;
    let mut values = head_binds(&nic.head);
    values.extend(binds![
        &nic.instance,
        &nic.subnet,
        &nic.primary_ip,
        nic.allow_ip_spoofing,
        nic.primary,
        position,
        &nic.mac,
        vni,
    ]);
    tx.run(
        "INSERT INTO nics (id, account_id, group_id, name, created_at, revision, instance_id,
           subnet_id, primary_ip_id, allow_ip_spoofing, is_primary, position, mac, vni_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        values,
    )
    .await?;
    for (position, group) in (0_u32..).zip(&nic.security_groups) {
        let there = tx
            .any(
                "SELECT 1 FROM security_groups WHERE id = $1 AND account_id = $2",
                binds![group, &nic.head.account],
            )
            .await?;
        if !there {
            return Err(not_found("security_group", group));
        }
        tx.run(
            "INSERT INTO nic_security_groups (nic_id, position, account_id, security_group_id)
             VALUES ($1, $2, $3, $4)",
            binds![&nic.head.id, position, &nic.head.account, group],
        )
        .await?;
    }
    Ok(())
}

/// Names an interface or attachment of the instance.
pub(crate) async fn name_set(
    tx: &mut Session,
    instance: &InstanceId,
    id: &NicId,
    name: &ResourceName,
) -> Result<(), StoreError> {
    NAMES.rename(tx, instance.as_str(), id.as_str(), name).await
}

/// Removes the row of an interface or attachment, with what goes with it, in an order that leaves
/// no row without its parent.
pub(crate) async fn remove(tx: &mut Session, id: &NicId) -> Result<(), StoreError> {
    for sql in [
        "UPDATE floating_ips SET nic_id = NULL, revision = revision + 1 WHERE nic_id = $1",
        "DELETE FROM nic_security_groups WHERE nic_id = $1",
        "DELETE FROM nics WHERE id = $1",
    ] {
        tx.run(sql, binds![id]).await?;
    }
    Ok(())
}
