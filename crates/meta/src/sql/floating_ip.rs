//! Floating IPs.
//!
//! Invariant: two transactions never hand out one address, because it is unique in the table.

use std::net::Ipv4Addr;

use base::{AccountId, FloatingIpId, NicId, PublicGatewayId, ZoneName};
use model::{
    FloatingIp, FloatingIpView, FloatingNicRef, FloatingRefusal, FloatingTarget, FloatingTargetRef,
    Limit, Reference, Refusal, floating_pool,
};
use policy::{Action, Permit, Scope};

use super::{
    head::{NameSpace, group_check, head, head_binds, limit_check, not_found},
    list::{Conditions, paged, place},
    outbox, permit,
    session::Session,
    sight::columns,
    tag,
    value::{Row, binds},
};
use crate::{Change, FloatingIpFilter, FloatingIpPatch, Page, Paged, StoreError};

const NAMES: NameSpace = NameSpace::new("floating IP", "floating_ips", "account_id");

const SELECT: &str =
    "SELECT f.id, f.account_id, f.group_id, f.name, f.created_at, f.revision, f.zone, f.address,
       g.name, f.nic_id, n.name, n.instance_id, n.subnet_id, n.primary_ip_id, r.name, r.address,
       f.gateway_id, p.name
     FROM floating_ips f LEFT JOIN resource_groups g ON g.id = f.group_id
     LEFT JOIN nics n ON n.id = f.nic_id LEFT JOIN reserved_ips r ON r.id = n.primary_ip_id
     LEFT JOIN public_gateways p ON p.id = f.gateway_id";

fn view(row: Row) -> Result<FloatingIpView, StoreError> {
    let mut row = row.of("floating_ips");
    let mut ip = FloatingIp {
        head: head(&mut row)?,
        zone: ZoneName::stored(row.text()?),
        address: row.address()?,
        target: None,
    };
    let group_name = row.text()?;
    let nic = nic(&mut row)?;
    let (gateway, name) = (row.opt_id::<PublicGatewayId>()?, row.opt_text()?);
    let target = match (nic, gateway.zip(name)) {
        (Some(nic), _) => {
            ip.target = Some(FloatingTarget::Nic(nic.nic.0.id.clone()));
            Some(FloatingTargetRef::Nic(Box::new(nic)))
        }
        (None, Some((id, name))) => {
            ip.target = Some(FloatingTarget::Gateway(id.clone()));
            Some(FloatingTargetRef::Gateway(Reference { id, name, deleted: false }))
        }
        (None, None) => None,
    };
    Ok(FloatingIpView { ip, group_name, target })
}

fn nic(row: &mut Row) -> Result<Option<FloatingNicRef>, StoreError> {
    let (id, name, instance) = (row.opt_id::<NicId>()?, row.opt_text()?, row.opt_id()?);
    let (subnet, ip, ip_name) = (row.opt_id()?, row.opt_id()?, row.opt_text()?);
    let address = row.opt_int()?;
    let (Some(id), Some(name), Some(instance)) = (id, name, instance) else { return Ok(None) };
    let (Some(subnet), Some(ip), Some(ip_name)) = (subnet, ip, ip_name) else { return Ok(None) };
    let address = address.and_then(|n| u32::try_from(n).ok());
    let address = address.ok_or_else(|| row.damaged("not an address"))?;
    Ok(Some(FloatingNicRef {
        nic: (Reference { id, name, deleted: false }, instance),
        subnet,
        primary_ip: Reference { id: ip, name: ip_name, deleted: false },
        address: Ipv4Addr::from_bits(address),
    }))
}

pub(crate) async fn get(
    session: &mut Session,
    account: &AccountId,
    id: &FloatingIpId,
) -> Result<FloatingIpView, StoreError> {
    let row = session
        .one(format!("{SELECT} WHERE f.id = $1 AND f.account_id = $2"), binds![id, account])
        .await?;
    view(row.ok_or_else(|| not_found("floating_ip", id))?)
}

pub(crate) async fn at(
    session: &mut Session,
    account: &AccountId,
    address: Ipv4Addr,
) -> Result<FloatingIpView, StoreError> {
    let row = session
        .one(
            format!("{SELECT} WHERE f.address = $1 AND f.account_id = $2"),
            binds![address, account],
        )
        .await?;
    view(row.ok_or_else(|| not_found("floating_ip", address))?)
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &FloatingIpFilter,
    page: &Page,
) -> Result<Paged<FloatingIpView>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("f.account_id = ?", binds![scope.account()])
        .and_seen(scope, columns!("f"))
        .and_eq("f.group_id", filter.group.as_ref());
    if let Some(id) = &filter.target {
        conditions.and("(f.nic_id = ? OR f.gateway_id = ?)", binds![id, id]);
    }
    if let Some(name) = &filter.target_name {
        conditions.and(
            "(f.nic_id IN (SELECT id FROM nics WHERE name = ?)
               OR f.gateway_id IN (SELECT id FROM public_gateways WHERE name = ?))",
            binds![name, name],
        );
    }
    match filter.gateways {
        None => {}
        Some(true) => drop(conditions.and("f.gateway_id IS NOT NULL", binds![])),
        Some(false) => drop(conditions.and("f.nic_id IS NOT NULL", binds![])),
    }
    let total = conditions.count(session, "floating_ips f").await?;
    let rows = conditions.page(session, SELECT, "f", page).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(paged(views, page, total, |view| place(&view.ip.head)))
}

/// The lowest free address of the account's pool.
async fn address_free(tx: &mut Session, account: &AccountId) -> Result<Ipv4Addr, StoreError> {
    let (first, last) = floating_pool(account);
    let rows = tx
        .all(
            "SELECT address FROM floating_ips WHERE address BETWEEN $1 AND $2 ORDER BY address",
            binds![first, last],
        )
        .await?;
    let mut next = first.to_bits();
    for row in rows {
        if row.of("floating_ips").address()?.to_bits() == next {
            next += 1;
        }
    }
    if next > last.to_bits() {
        return Err(Refusal::OverLimit { limit: Limit::FLOATING_IPS_PER_ZONE_MAX }.into());
    }
    Ok(Ipv4Addr::from_bits(next))
}

/// The interface can have the floating IP: it is the account's, in the zone, and has no other.
async fn nic_check(tx: &mut Session, ip: &FloatingIp, nic: &NicId) -> Result<(), StoreError> {
    let row = tx
        .one(
            "SELECT s.zone, n.vni_id FROM nics n JOIN subnets s ON s.id = n.subnet_id
             WHERE n.id = $1 AND n.account_id = $2",
            binds![nic, &ip.head.account],
        )
        .await?;
    let mut row = row.ok_or_else(|| not_found("network_interface", nic))?.of("nics");
    let zone = row.text()?;
    if row.opt_text()?.is_some() {
        return Err(refused(FloatingRefusal::OfAttachment { nic: nic.clone() }));
    }
    if zone != ip.zone.as_str() {
        return Err(refused(FloatingRefusal::Zone { zone: ip.zone.to_string(), other: zone }));
    }
    let other = tx
        .any("SELECT 1 FROM floating_ips WHERE nic_id = $1 AND id <> $2", binds![nic, &ip.head.id])
        .await?;
    if other { Err(refused(FloatingRefusal::Taken { nic: nic.clone() })) } else { Ok(()) }
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    ip: &FloatingIp,
    change: &Change,
) -> Result<(), StoreError> {
    let head = &ip.head;
    permit::covers_new(permit, Action::FloatingIpCreate, &head.account, &head.group)?;
    if let Some(nic) = ip.target.as_ref().and_then(FloatingTarget::nic) {
        nic_check(tx, ip, nic).await?;
    }
    insert(tx, ip).await?;
    outbox::write(tx, change).await
}

/// Writes a floating IP with a free address; its target was checked.
pub(crate) async fn insert(tx: &mut Session, ip: &FloatingIp) -> Result<(), StoreError> {
    let head = &ip.head;
    group_check(tx, &head.account, &head.group).await?;
    NAMES.check(tx, head.account.as_str(), &head.name, None).await?;
    let mut own = Conditions::default();
    own.and("account_id = ? AND zone = ?", binds![&head.account, ip.zone.as_str()]);
    let count = own.count(tx, "floating_ips").await? + 1;
    limit_check(count, Limit::FLOATING_IPS_PER_ZONE_MAX)?;
    let address = address_free(tx, &head.account).await?;
    let mut values = head_binds(head);
    let target = ip.target.as_ref();
    values.extend(binds![
        ip.zone.as_str(),
        address,
        target.and_then(FloatingTarget::nic),
        target.and_then(FloatingTarget::gateway),
    ]);
    tx.run(
        "INSERT INTO floating_ips
           (id, account_id, group_id, name, created_at, revision, zone, address, nic_id, gateway_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        values,
    )
    .await?;
    Ok(())
}

/// A rule about floating IPs as the store's error.
pub(crate) fn refused(refusal: FloatingRefusal) -> StoreError {
    StoreError::Refused(refusal.into())
}

/// Refuses what a public gateway needs.
fn loose(ip: &FloatingIp) -> Result<(), StoreError> {
    match &ip.target {
        None | Some(FloatingTarget::Nic(_)) => Ok(()),
        Some(FloatingTarget::Gateway(_)) => {
            let (ip, why) = (ip.head.id.clone(), "needed by a public gateway");
            Err(refused(FloatingRefusal::InUse { ip, why, field: None }))
        }
    }
}

pub(crate) async fn update(
    tx: &mut Session,
    permit: &Permit,
    id: &FloatingIpId,
    patch: &FloatingIpPatch,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::FloatingIpUpdate], id.as_str())?;
    let mut ip = get(tx, permit.account(), id).await?.ip;
    if let Some(name) = &patch.name {
        NAMES.check(tx, permit.account().as_str(), name, Some(id.as_str())).await?;
        ip.head.name = name.clone();
    }
    if let Some(target) = &patch.target {
        loose(&ip)?;
        if let Some(nic) = target {
            nic_check(tx, &ip, nic).await?;
        }
        ip.target = target.clone().map(FloatingTarget::Nic);
    }
    tx.run(
        "UPDATE floating_ips SET name = $2, nic_id = $3, revision = revision + 1 WHERE id = $1",
        binds![id, &ip.head.name, ip.target.as_ref().and_then(FloatingTarget::nic)],
    )
    .await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &FloatingIpId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::FloatingIpDelete], id.as_str())?;
    loose(&get(tx, permit.account(), id).await?.ip)?;
    remove(tx, id).await?;
    outbox::write(tx, change).await
}

/// Deletes the row with its tags.
pub(crate) async fn remove(tx: &mut Session, id: &FloatingIpId) -> Result<(), StoreError> {
    tag::forget(tx, id.as_str()).await?;
    tx.run("DELETE FROM floating_ips WHERE id = $1", binds![id]).await?;
    Ok(())
}
