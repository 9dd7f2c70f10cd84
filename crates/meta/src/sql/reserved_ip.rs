//! Reserved IPs of a subnet.

use std::net::Ipv4Addr;

use base::{InstanceId, ReservedIpId, SubnetId};
use model::{IpOwner, Reference, Refusal, ReservedIp, ReservedIpView, ResourceName};
use policy::{Action, Permit, Scope};

use super::{
    head::{NameSpace, group_check, head, head_binds, not_found},
    ip_allocation,
    list::{Conditions, limit, paged},
    outbox, permit,
    session::Session,
    subnet,
    value::{Row, binds},
};
use crate::{Change, Page, PageKey, Paged, ReservedIpFilter, StoreError};

pub(crate) const NAMES: NameSpace = NameSpace::new("reserved IP", "reserved_ips", "subnet_id");

/// Actions on a subnet that let one reserve and free its addresses.
const ACTIONS: [Action; 2] = [Action::SubnetUpdate, Action::SubnetOperate];

const SELECT: &str =
    "SELECT r.id, r.account_id, r.group_id, r.name, r.created_at, r.revision, r.subnet_id,
       r.address, r.auto_delete, r.owner, r.target_id, n.name, n.instance_id
     FROM reserved_ips r LEFT JOIN nics n ON n.id = r.target_id";

fn view(row: Row) -> Result<ReservedIpView, StoreError> {
    let mut row = row.of("reserved_ips");
    let ip = ReservedIp {
        head: head(&mut row)?,
        subnet: row.id()?,
        address: row.address()?,
        auto_delete: row.bool()?,
        owner: row.word(IpOwner::parse)?,
        target: row.opt_id()?,
    };
    let name = row.opt_text()?;
    let instance: Option<InstanceId> = row.opt_id()?;
    let target = match (&ip.target, name, instance) {
        (Some(id), Some(name), Some(instance)) => {
            Some((Reference { id: id.clone(), name, deleted: false }, instance))
        }
        _ => None,
    };
    Ok(ReservedIpView { ip, target })
}

/// Writes a row; everything was checked.
pub(crate) async fn insert(tx: &mut Session, ip: &ReservedIp) -> Result<(), StoreError> {
    let mut values = head_binds(&ip.head);
    values.extend(binds![
        &ip.subnet,
        ip.address,
        ip.auto_delete,
        ip.owner.as_str(),
        ip.target.as_ref(),
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

/// A page by address: the place's number is the address.
pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    subnet: &SubnetId,
    filter: &ReservedIpFilter,
    page: &Page,
) -> Result<Paged<ReservedIpView>, StoreError> {
    subnet::get(session, scope.account(), subnet).await?;
    let mut conditions = Conditions::default();
    conditions
        .and("r.subnet_id = ?", binds![subnet])
        .and_eq("r.name", filter.name.as_deref())
        .and_eq("r.address", filter.address);
    let total = conditions.count(session, "reserved_ips r").await?;
    if let Some(after) = &page.after {
        conditions.and("r.address > ?", binds![after.created_at]);
    }
    let order = format!("r.address LIMIT {}", limit(page).saturating_add(1));
    let rows = conditions.all(session, SELECT, &order).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(paged(views, page, total, |view| PageKey {
        created_at: i64::from(u32::from(view.ip.address)),
        id: view.ip.head.id.to_string(),
    }))
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
    if ip.target.is_some() {
        return Err(Refusal::ReservedIpInUse {
            address: ip.address.to_string(),
            why: "it is bound to a network interface",
        }
        .into());
    }
    tx.run("DELETE FROM reserved_ips WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}
