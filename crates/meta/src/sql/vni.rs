//! Rows of virtual network interfaces, with their addresses and security groups.

use std::collections::HashMap;

use base::{AccountId, Entropy, ReservedIpId, VniId, ZoneName};
use model::{
    IpHolder, IpReference, Limit, Reference, Refusal, StateFiltering, Vni, VniPatch, VniRefusal,
    VniView,
};
use policy::{Action, Permit, Scope};

use super::{
    group_target::groups_of,
    head::{NameSpace, changed, group_check, head, head_binds, limit_check, not_found, written},
    ip_allocation::{self, Holder},
    list::{Conditions, marks, paged, place},
    outbox, permit,
    session::Session,
    sight::columns,
    subnet, tag,
    value::{Row, Value, binds},
};
use crate::{Change, NewVni, Page, Paged, StoreError, VniFilter};

const NAMES: NameSpace =
    NameSpace::new("virtual network interface", "virtual_network_interfaces", "vpc_id");

const SELECT: &str =
    "SELECT v.id, v.account_id, v.group_id, v.name, v.created_at, v.revision, v.zone, v.vpc_id,
       v.subnet_id, v.primary_ip_id, v.allow_ip_spoofing, v.auto_delete, v.infrastructure_nat,
       v.state_filtering, v.mac, g.name, p.name, s.name, n.id, n.name, n.instance_id
     FROM virtual_network_interfaces v LEFT JOIN resource_groups g ON g.id = v.group_id
     LEFT JOIN vpcs p ON p.id = v.vpc_id LEFT JOIN subnets s ON s.id = v.subnet_id
     LEFT JOIN nics n ON n.vni_id = v.id";

/// A view without addresses and groups.
fn view(row: Row) -> Result<VniView, StoreError> {
    let mut row = row.of("virtual_network_interfaces");
    let vni = Vni {
        head: head(&mut row)?,
        zone: ZoneName::stored(row.text()?),
        vpc: row.id()?,
        subnet: row.id()?,
        primary_ip: row.id()?,
        allow_ip_spoofing: row.bool()?,
        auto_delete: row.bool()?,
        infrastructure_nat: row.bool()?,
        state_filtering: row.word(StateFiltering::parse)?,
        mac: row.text()?,
        security_groups: Vec::new(),
    };
    let group_name = row.text()?;
    let (vpc, subnet) = (row.text()?, row.text()?);
    let (nic, name) = (row.opt_id()?, row.opt_text()?);
    let target = nic.zip(name).zip(row.opt_id()?);
    Ok(VniView {
        group_name,
        vpc: Reference { id: vni.vpc.clone(), name: vpc, deleted: false },
        subnet: Reference { id: vni.subnet.clone(), name: subnet, deleted: false },
        ips: Vec::new(),
        security_groups: Vec::new(),
        target: target.map(|((id, name), of)| (Reference { id, name, deleted: false }, of)),
        vni,
    })
}

async fn fill(session: &mut Session, views: &mut [VniView]) -> Result<(), StoreError> {
    if views.is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = views.iter().map(|view| (&view.vni.head.id).into()).collect();
    let mut ips = ips(session, ids.clone()).await?;
    let mut groups = groups_of(session, ("vni_security_groups", "vni_id"), ids).await?;
    for view in views {
        let id = view.vni.head.id.as_str();
        view.ips = ips.remove(id).unwrap_or_default();
        let primary = &view.vni.primary_ip;
        view.ips.sort_by_key(|ip| &ip.ip.id != primary);
        for (group, name) in groups.remove(id).unwrap_or_default() {
            view.vni.security_groups.push(group.clone());
            view.security_groups.push(Reference { id: group, name, deleted: false });
        }
    }
    Ok(())
}

/// Addresses of several, those of one by address.
async fn ips(
    session: &mut Session,
    ids: Vec<Value>,
) -> Result<HashMap<String, Vec<IpReference>>, StoreError> {
    let rows = session
        .all(
            format!(
                "SELECT target_id, id, name, address FROM reserved_ips WHERE target_id IN ({})
                 ORDER BY address",
                marks(1, ids.len())
            ),
            ids,
        )
        .await?;
    let mut found: HashMap<String, Vec<IpReference>> = HashMap::new();
    for row in rows {
        let mut row = row.of("reserved_ips");
        let holder = row.text()?;
        let ip = Reference { id: row.id()?, name: row.text()?, deleted: false };
        found.entry(holder).or_default().push(IpReference { ip, address: row.address()? });
    }
    Ok(found)
}

/// One of one account, or (none) of any.
pub(crate) async fn get(
    session: &mut Session,
    account: Option<&AccountId>,
    id: &VniId,
) -> Result<VniView, StoreError> {
    let mut conditions = Conditions::default();
    conditions.and("v.id = ?", binds![id]).and_eq("v.account_id", account);
    let rows = conditions.all(session, SELECT, "v.id").await?;
    let missing = || not_found("virtual_network_interface", id);
    let mut found = [view(rows.into_iter().next().ok_or_else(missing)?)?];
    fill(session, &mut found).await?;
    let [view] = found;
    Ok(view)
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &VniFilter,
    page: &Page,
) -> Result<Paged<VniView>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("v.account_id = ?", binds![scope.account()])
        .and_seen(scope, columns!("v"))
        .and_eq("v.group_id", filter.group.as_ref());
    let total = conditions.count(session, "virtual_network_interfaces v").await?;
    let rows = conditions.page(session, SELECT, "v", page).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    let mut views = paged(views, page, total, |view| place(&view.vni.head));
    fill(session, &mut views.items).await?;
    Ok(views)
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    new: &NewVni,
    entropy: &dyn Entropy,
    change: &Change,
) -> Result<(), StoreError> {
    let head = &new.vni.head;
    permit::covers_new(permit, Action::VniCreate, &head.account, &head.group)?;
    insert(tx, new, false, entropy).await?;
    outbox::write(tx, change).await
}

/// Writes one with its addresses and groups, for the account of its head.
pub(crate) async fn insert(
    tx: &mut Session,
    new: &NewVni,
    attached: bool,
    entropy: &dyn Entropy,
) -> Result<Vni, StoreError> {
    let mut vni = new.vni.clone();
    let account = &vni.head.account;
    vni.check(attached)?;
    group_check(tx, account, &vni.head.group).await?;
    let subnet = subnet::get(tx, account, &vni.subnet).await?.subnet;
    if subnet.vpc != vni.vpc || subnet.zone != vni.zone {
        return Err(not_found("subnet", &vni.subnet));
    }
    NAMES.check(tx, vni.vpc.as_str(), &vni.head.name, None).await?;
    let mut own = Conditions::default();
    own.and("account_id = ?", binds![account]);
    limit_check(own.count(tx, "virtual_network_interfaces").await? + 1, Limit::VNIS_MAX)?;
    limit_check(new.ips.len() as u64 + 1, Limit::IPS_PER_VNI_MAX)?;
    let holder = Holder {
        account: account.clone(),
        group: vni.head.group.clone(),
        created_at: vni.head.created_at,
        holder: IpHolder::Vni(vni.head.id.clone()),
    };
    vni.primary_ip = ip_allocation::give(tx, &subnet, &holder, &new.primary_ip, entropy).await?;
    row_insert(tx, &vni).await?;
    for ip in &new.ips {
        ip_allocation::give(tx, &subnet, &holder, ip, entropy).await?;
    }
    groups_insert(tx, &vni).await?;
    Ok(vni)
}

async fn row_insert(tx: &mut Session, vni: &Vni) -> Result<(), StoreError> {
    let mut values = head_binds(&vni.head);
    values.extend(binds![
        vni.zone.as_str(),
        &vni.vpc,
        &vni.subnet,
        &vni.primary_ip,
        vni.allow_ip_spoofing,
        vni.auto_delete,
        vni.infrastructure_nat,
        vni.state_filtering.as_str(),
        &vni.mac,
    ]);
    tx.run(
        "INSERT INTO virtual_network_interfaces (id, account_id, group_id, name, created_at,
           revision, zone, vpc_id, subnet_id, primary_ip_id, allow_ip_spoofing, auto_delete,
           infrastructure_nat, state_filtering, mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        values,
    )
    .await?;
    Ok(())
}

async fn groups_insert(tx: &mut Session, vni: &Vni) -> Result<(), StoreError> {
    for (position, group) in (0_u32..).zip(&vni.security_groups) {
        let rows = tx
            .run(
                "INSERT INTO vni_security_groups (vni_id, position, account_id, security_group_id)
                 SELECT $1, $2, account_id, id FROM security_groups
                 WHERE id = $3 AND account_id = $4 AND vpc_id = $5",
                binds![&vni.head.id, position, group, &vni.head.account, &vni.vpc],
            )
            .await?;
        if rows == 0 {
            return Err(not_found("security_group", group));
        }
    }
    Ok(())
}

pub(crate) async fn update(
    tx: &mut Session,
    permit: &Permit,
    id: &VniId,
    revision: u64,
    patch: &VniPatch,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VniUpdate], id.as_str())?;
    let VniView { mut vni, target, .. } = get(tx, Some(permit.account()), id).await?;
    if vni.head.revision != revision {
        return Err(changed("virtual network interface", id));
    }
    if let Some(name) = &patch.name {
        NAMES.check(tx, vni.vpc.as_str(), name, Some(id.as_str())).await?;
        vni.head.name = name.clone();
    }
    vni.allow_ip_spoofing = patch.allow_ip_spoofing.unwrap_or(vni.allow_ip_spoofing);
    vni.auto_delete = patch.auto_delete.unwrap_or(vni.auto_delete);
    vni.infrastructure_nat = patch.infrastructure_nat.unwrap_or(vni.infrastructure_nat);
    vni.state_filtering = patch.state_filtering.unwrap_or(vni.state_filtering);
    vni.check(target.is_some())?;
    let rows = tx
        .run(
            "UPDATE virtual_network_interfaces SET name = $3, allow_ip_spoofing = $4,
               auto_delete = $5, infrastructure_nat = $6, state_filtering = $7,
               revision = revision + 1 WHERE id = $1 AND revision = $2",
            binds![
                id,
                revision,
                &vni.head.name,
                vni.allow_ip_spoofing,
                vni.auto_delete,
                vni.infrastructure_nat,
                vni.state_filtering.as_str(),
            ],
        )
        .await?;
    written(rows, "virtual network interface", id)?;
    tx.run(
        "UPDATE nics SET allow_ip_spoofing = $2 WHERE vni_id = $1",
        binds![id, vni.allow_ip_spoofing],
    )
    .await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &VniId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VniDelete], id.as_str())?;
    if get(tx, Some(permit.account()), id).await?.target.is_some() {
        return Err(Refusal::Vni(VniRefusal::InUse { vni: id.clone(), verb: "deleted" }).into());
    }
    remove(tx, id).await?;
    outbox::write(tx, change).await
}

/// Removes one that nothing uses; addresses that do not go with it are free afterwards.
pub(crate) async fn remove(tx: &mut Session, id: &VniId) -> Result<(), StoreError> {
    tag::forget(tx, id.as_str()).await?;
    for sql in [
        "DELETE FROM vni_security_groups WHERE vni_id = $1",
        "DELETE FROM virtual_network_interfaces WHERE id = $1",
        "DELETE FROM reserved_ips WHERE target_id = $1 AND auto_delete = 1",
        "UPDATE reserved_ips SET target_id = NULL, revision = revision + 1 WHERE target_id = $1",
    ] {
        tx.run(sql, binds![id]).await?;
    }
    Ok(())
}

/// Refuses another address of one that has as many as it may.
pub(crate) async fn ips_limit(tx: &mut Session, id: &VniId) -> Result<(), StoreError> {
    let mut own = Conditions::default();
    own.and("target_id = ?", binds![id]);
    limit_check(own.count(tx, "reserved_ips").await? + 1, Limit::IPS_PER_VNI_MAX)
}

pub(crate) async fn ip_add(
    tx: &mut Session,
    permit: &Permit,
    id: &VniId,
    ip: &ReservedIpId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VniUpdate], id.as_str())?;
    let view = get(tx, Some(permit.account()), id).await?;
    if view.ips.iter().any(|bound| &bound.ip.id == ip) {
        return Ok(());
    }
    if ip_allocation::subnet_of(tx, permit.account(), ip).await? != view.vni.subnet {
        return Err(Refusal::Vni(VniRefusal::OtherSubnet { vni: id.clone() }).into());
    }
    ips_limit(tx, id).await?;
    let subnet = subnet::get(tx, permit.account(), &view.vni.subnet).await?.subnet;
    let holder = IpHolder::Vni(id.clone());
    ip_allocation::bind(tx, &subnet, permit.account(), &holder, ip).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn ip_remove(
    tx: &mut Session,
    permit: &Permit,
    id: &VniId,
    ip: &ReservedIpId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VniUpdate], id.as_str())?;
    let view = get(tx, Some(permit.account()), id).await?;
    let bound = view.ips.iter().find(|bound| &bound.ip.id == ip);
    let bound = bound.ok_or_else(|| not_found("reserved_ip", ip))?;
    if ip == &view.vni.primary_ip {
        return Err(Refusal::ReservedIpInUse {
            address: bound.address.to_string(),
            why: "it is the primary address of a network interface",
        }
        .into());
    }
    for sql in [
        "DELETE FROM reserved_ips WHERE id = $1 AND auto_delete = 1",
        "UPDATE reserved_ips SET target_id = NULL, revision = revision + 1 WHERE id = $1",
    ] {
        tx.run(sql, binds![ip]).await?;
    }
    outbox::write(tx, change).await
}
