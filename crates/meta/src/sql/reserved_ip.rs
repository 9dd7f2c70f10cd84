//! Reserved IPs of a subnet.

use std::net::Ipv4Addr;

use base::{ReservedIpId, SubnetId, ZoneName};
use model::{
    IpHolder, IpOrder, IpOwner, IpSort, IpTarget, Reference, Refusal, ReservedIp, ReservedIpView,
    ResourceName, VniRef, VniRefusal,
};
use policy::{Action, Permit, Scope};

use super::{
    head::{NameSpace, group_check, head, head_binds, not_found},
    ip_allocation,
    list::{Conditions, limit, paged, place},
    outbox, permit,
    session::Session,
    sight, subnet,
    value::{Row, binds},
    vni,
};
use crate::{Change, Page, PageKey, Paged, ReservedIpFilter, StoreError};

pub(crate) const NAMES: NameSpace = NameSpace::new("reserved IP", "reserved_ips", "subnet_id");

/// Actions on a subnet that let one reserve and free its addresses.
const ACTIONS: [Action; 2] = [Action::SubnetUpdate, Action::SubnetOperate];

const SELECT: &str =
    "SELECT r.id, r.account_id, r.group_id, r.name, r.created_at, r.revision, r.subnet_id,
       r.address, r.auto_delete, r.owner, n.id, n.name, n.instance_id, v.id, v.name, v.zone
     FROM reserved_ips r LEFT JOIN nics n ON n.id = r.target_id
     LEFT JOIN virtual_network_interfaces v ON v.id = r.target_id";

fn view(row: Row) -> Result<ReservedIpView, StoreError> {
    let mut row = row.of("reserved_ips");
    let mut ip = ReservedIp {
        head: head(&mut row)?,
        subnet: row.id()?,
        address: row.address()?,
        auto_delete: row.bool()?,
        owner: row.word(IpOwner::parse)?,
        target: None,
    };
    let target = target(&mut row)?;
    ip.target = target.as_ref().map(|target| match target {
        IpTarget::Nic((nic, _)) => IpHolder::Nic(nic.id.clone()),
        IpTarget::Vni(vni) => IpHolder::Vni(vni.vni.id.clone()),
    });
    Ok(ReservedIpView { ip, target })
}

fn target(row: &mut Row) -> Result<Option<IpTarget>, StoreError> {
    let (nic, nic_name, instance) = (row.opt_id()?, row.opt_text()?, row.opt_id()?);
    let (vni, vni_name, zone) = (row.opt_id()?, row.opt_text()?, row.opt_text()?);
    if let Some(((id, name), instance)) = nic.zip(nic_name).zip(instance) {
        return Ok(Some(IpTarget::Nic((Reference { id, name, deleted: false }, instance))));
    }
    let vni = vni.zip(vni_name).zip(zone);
    Ok(vni.map(|((id, name), zone)| {
        let vni = Reference { id, name, deleted: false };
        IpTarget::Vni(VniRef { vni, zone: ZoneName::stored(zone) })
    }))
}

/// Writes a row; everything was checked.
pub(crate) async fn insert(tx: &mut Session, ip: &ReservedIp) -> Result<(), StoreError> {
    let mut values = head_binds(&ip.head);
    values.extend(binds![
        &ip.subnet,
        ip.address,
        ip.auto_delete,
        ip.owner.as_str(),
        ip.target.as_ref().map(IpHolder::as_str),
    ]);
    tx.run(
        "INSERT INTO reserved_ips (id, account_id, group_id, name, created_at, revision,
           subnet_id, address, auto_delete, owner, target_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        values,
    )
    .await?;
    Ok(())
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    ip: &ReservedIp,
    change: &Change,
) -> Result<ReservedIp, StoreError> {
    permit::covers(permit, &ACTIONS, ip.subnet.as_str())?;
    if permit.account() != &ip.head.account {
        return Err(StoreError::PermitMismatch);
    }
    group_check(tx, permit.account(), &ip.head.group).await?;
    let subnet = subnet::get(tx, permit.account(), &ip.subnet).await?.subnet;
    NAMES.check(tx, ip.subnet.as_str(), &ip.head.name, None).await?;
    target_check(tx, ip).await?;
    let mut ip = ip.clone();
    ip.address = if ip.address == Ipv4Addr::UNSPECIFIED {
        ip_allocation::lowest_free(tx, &subnet).await?
    } else {
        ip_allocation::check_free(tx, &subnet, ip.address).await?
    };
    insert(tx, &ip).await?;
    outbox::write(tx, change).await?;
    Ok(ip)
}

/// What a new reserved IP is bound to is a virtual network interface of its subnet.
async fn target_check(tx: &mut Session, ip: &ReservedIp) -> Result<(), StoreError> {
    match &ip.target {
        None if ip.auto_delete => {
            Err(Refusal::Vni(VniRefusal::AutoDeleteUnbound { what: "reserved IP" }).into())
        }
        None => Ok(()),
        Some(IpHolder::Nic(nic)) => Err(not_found("target", nic)),
        Some(IpHolder::Vni(id)) => {
            let vni = vni::get(tx, Some(&ip.head.account), id).await?.vni;
            if vni.subnet != ip.subnet {
                return Err(Refusal::Vni(VniRefusal::OtherSubnet { vni: id.clone() }).into());
            }
            vni::ips_limit(tx, id).await
        }
    }
}

pub(crate) async fn get(
    session: &mut Session,
    account: &base::AccountId,
    subnet: &SubnetId,
    id: &ReservedIpId,
) -> Result<ReservedIpView, StoreError> {
    let row = session
        .one(
            format!("{SELECT} WHERE r.id = $1 AND r.subnet_id = $2 AND r.account_id = $3"),
            binds![id, subnet, account],
        )
        .await?;
    view(row.ok_or_else(|| not_found("reserved_ip", id))?)
}

/// A page in the filter's order. In a page key, an address and a time are its number, and a name
/// is its id.
pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    subnet: &SubnetId,
    filter: &ReservedIpFilter,
    page: &Page,
) -> Result<Paged<ReservedIpView>, StoreError> {
    sight::check(session, scope, "subnets", "subnet", subnet).await?;
    subnet::get(session, scope.account(), subnet).await?;
    let mut conditions = Conditions::default();
    conditions
        .and("r.subnet_id = ?", binds![subnet])
        .and_eq("r.name", filter.name.as_deref())
        .and_eq("r.address", filter.address)
        .and_eq("r.target_id", filter.target.as_deref());
    by_target(&mut conditions, scope, filter);
    let total = conditions.count(session, "reserved_ips r").await?;
    let IpSort { by, descending } = filter.sort;
    let (beyond, direction) = if descending { ("<", "DESC") } else { (">", "ASC") };
    if let Some(after) = &page.after {
        let (number, text) = (after.created_at, after.id.as_str());
        match by {
            IpOrder::Address => conditions.and(&format!("r.address {beyond} ?"), binds![number]),
            IpOrder::Name => conditions.and(&format!("r.name {beyond} ?"), binds![text]),
            IpOrder::CreatedAt => conditions
                .and(&format!("(r.created_at, r.id) {beyond} (?, ?)"), binds![number, text]),
        };
    }
    let order = match by {
        IpOrder::Address => format!("r.address {direction}"),
        IpOrder::Name => format!("r.name {direction}"),
        IpOrder::CreatedAt => format!("r.created_at {direction}, r.id {direction}"),
    };
    let order = format!("{order} LIMIT {}", limit(page).saturating_add(1));
    let rows = conditions.all(session, SELECT, &order).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(paged(views, page, total, |view| key(view, by)))
}

fn by_target(conditions: &mut Conditions, scope: &Scope, filter: &ReservedIpFilter) {
    const NICS: &str = "SELECT id FROM nics WHERE account_id = ?";
    const VNIS: &str = "SELECT id FROM virtual_network_interfaces WHERE account_id = ?";
    let account = scope.account();
    if let Some(name) = &filter.target_name {
        conditions.and(
            &format!("r.target_id IN ({NICS} AND name = ? UNION ALL {VNIS} AND name = ?)"),
            binds![account, name, account, name],
        );
    }
    match filter.target_vni {
        None => {}
        Some(vnis) => {
            let of = if vnis { VNIS } else { NICS };
            conditions.and(&format!("r.target_id IN ({of})"), binds![account]);
        }
    }
}

fn key(view: &ReservedIpView, by: IpOrder) -> PageKey {
    let head = &view.ip.head;
    match by {
        IpOrder::Address => {
            PageKey { created_at: i64::from(u32::from(view.ip.address)), id: head.id.to_string() }
        }
        IpOrder::CreatedAt => place(head),
        IpOrder::Name => PageKey { created_at: 0, id: head.name.to_string() },
    }
}

/// What an update of a reserved IP asks for.
pub(crate) struct ReservedIpPatch {
    pub(crate) name: Option<ResourceName>,
    pub(crate) auto_delete: Option<bool>,
}

fn users(ip: &ReservedIp) -> Result<(), StoreError> {
    match ip.owner {
        IpOwner::User => Ok(()),
        IpOwner::Provider => Err(Refusal::ReservedIpInUse {
            address: ip.address.to_string(),
            why: "it belongs to the provider",
        }
        .into()),
    }
}

pub(crate) async fn update(
    tx: &mut Session,
    permit: &Permit,
    subnet: &SubnetId,
    id: &ReservedIpId,
    patch: &ReservedIpPatch,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &ACTIONS, subnet.as_str())?;
    let mut ip = get(tx, permit.account(), subnet, id).await?.ip;
    users(&ip)?;
    if let Some(name) = &patch.name {
        NAMES.check(tx, subnet.as_str(), name, Some(id.as_str())).await?;
        ip.head.name = name.clone();
    }
    ip.auto_delete = patch.auto_delete.unwrap_or(ip.auto_delete);
    if ip.auto_delete && ip.target.is_none() {
        return Err(Refusal::Vni(VniRefusal::AutoDeleteUnbound { what: "reserved IP" }).into());
    }
    tx.run(
        "UPDATE reserved_ips SET name = $2, auto_delete = $3, revision = revision + 1
         WHERE id = $1",
        binds![id, &ip.head.name, ip.auto_delete],
    )
    .await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    subnet: &SubnetId,
    id: &ReservedIpId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &ACTIONS, subnet.as_str())?;
    let ip = get(tx, permit.account(), subnet, id).await?.ip;
    users(&ip)?;
    let primary = tx
        .any(
            "SELECT 1 FROM nics WHERE primary_ip_id = $1
             UNION ALL SELECT 1 FROM virtual_network_interfaces WHERE primary_ip_id = $1",
            binds![id],
        )
        .await?;
    if primary {
        return Err(Refusal::ReservedIpInUse {
            address: ip.address.to_string(),
            why: "it is the primary address of a network interface",
        }
        .into());
    }
    tx.run("DELETE FROM reserved_ips WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}
