//! Subnets.

use std::net::Ipv4Addr;

use base::{AccountId, SubnetId, VpcId, ZoneName};
use model::{Limit, Reference, Refusal, ReservedIp, Subnet, SubnetPatch, SubnetView};
use policy::{Action, Permit, Scope};

use super::{
    head::{NameSpace, group_check, head, head_binds, limit_check, not_found, written},
    list::{Conditions, paged, place},
    outbox, permit,
    prefix::{cidr, ends, spelled},
    public_gateway, reserved_ip,
    session::Session,
    sight::{self, columns},
    tag,
    value::{Row, binds},
    vpc,
};
use crate::{Change, Page, Paged, StoreError, SubnetFilter};

const NAMES: NameSpace = NameSpace::new("subnet", "subnets", "vpc_id");

/// Smallest subnet, in addresses.
const SUBNET_ADDRESSES_MIN: u64 = 8;

const SELECT: &str =
    "SELECT s.id, s.account_id, s.group_id, s.name, s.created_at, s.revision, s.vpc_id, s.zone,
       s.cidr_first, s.cidr_last, s.acl_id, s.routing_table_id, s.public_gateway_id, g.name, v.name,
       a.name, t.name, p.name, (SELECT COUNT(*) FROM reserved_ips r WHERE r.subnet_id = s.id)
     FROM subnets s LEFT JOIN resource_groups g ON g.id = s.group_id
     LEFT JOIN vpcs v ON v.id = s.vpc_id LEFT JOIN acls a ON a.id = s.acl_id
     LEFT JOIN routing_tables t ON t.id = s.routing_table_id
     LEFT JOIN public_gateways p ON p.id = s.public_gateway_id";

fn view(row: Row) -> Result<SubnetView, StoreError> {
    let mut row = row.of("subnets");
    let subnet = Subnet {
        head: head(&mut row)?,
        vpc: row.id()?,
        zone: ZoneName::stored(row.text()?),
        cidr: cidr(&mut row)?,
        acl: row.id()?,
        routing_table: row.id()?,
        public_gateway: row.opt_id()?,
    };
    let group_name = row.text()?;
    let (vpc, acl, routing_table) = (row.text()?, row.text()?, row.text()?);
    let gateway = row.opt_text()?;
    let taken: u64 = row.count()?;
    let named = |(id, name)| Reference { id, name, deleted: false };
    Ok(SubnetView {
        group_name,
        vpc: Reference { id: subnet.vpc.clone(), name: vpc, deleted: false },
        acl: Reference { id: subnet.acl.clone(), name: acl, deleted: false },
        routing_table: Reference {
            id: subnet.routing_table.clone(),
            name: routing_table,
            deleted: false,
        },
        public_gateway: subnet.public_gateway.clone().zip(gateway).map(named),
        available_addresses: subnet.total_addresses().saturating_sub(taken),
        subnet,
    })
}

pub(crate) async fn get(
    session: &mut Session,
    account: &AccountId,
    id: &SubnetId,
) -> Result<SubnetView, StoreError> {
    let row = session
        .one(format!("{SELECT} WHERE s.id = $1 AND s.account_id = $2"), binds![id, account])
        .await?;
    view(row.ok_or_else(|| not_found("subnet", id))?)
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &SubnetFilter,
    page: &Page,
) -> Result<Paged<SubnetView>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("s.account_id = ?", binds![scope.account()])
        .and_seen(scope, columns!("s"))
        .and_eq("s.group_id", filter.group.as_ref())
        .and_eq("s.vpc_id", filter.vpc.as_ref())
        .and_eq("s.zone", filter.zone.as_deref())
        .and_eq("s.routing_table_id", filter.routing_table.as_ref());
    if let Some(name) = &filter.routing_table_name {
        conditions.and(
            "s.routing_table_id IN (SELECT id FROM routing_tables WHERE account_id = ? AND name = ?)",
            binds![scope.account(), name],
        );
    }
    if let Some(name) = &filter.vpc_name {
        conditions.and(
            "s.vpc_id IN (SELECT id FROM vpcs WHERE account_id = ? AND name = ?)",
            binds![scope.account(), name],
        );
    }
    let total = conditions.count(session, "subnets s").await?;
    let rows = conditions.page(session, SELECT, "s", page).await?;
    let views = rows.into_iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(paged(views, page, total, |view| place(&view.subnet.head)))
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    subnet: &Subnet,
    reserved: &[ReservedIp],
    change: &Change,
) -> Result<(), StoreError> {
    let account = &subnet.head.account;
    permit::covers_new(permit, Action::SubnetCreate, account, &subnet.head.group)?;
    group_check(tx, account, &subnet.head.group).await?;
    vpc::check(tx, account, &subnet.vpc).await?;
    NAMES.check(tx, subnet.vpc.as_str(), &subnet.head.name, None).await?;
    let mut own = Conditions::default();
    own.and("vpc_id = ?", binds![&subnet.vpc]);
    limit_check(own.count(tx, "subnets").await? + 1, Limit::SUBNETS_PER_VPC_MAX)?;
    range_check(tx, subnet).await?;
    parts_check(tx, subnet).await?;
    let (first, last) = ends(subnet.cidr);
    let mut values = head_binds(&subnet.head);
    values.extend(binds![
        &subnet.vpc,
        subnet.zone.as_str(),
        first,
        last,
        &subnet.acl,
        &subnet.routing_table,
        subnet.public_gateway.as_ref(),
    ]);
    tx.run(
        "INSERT INTO subnets (id, account_id, group_id, name, created_at, revision, vpc_id, zone,
           cidr_first, cidr_last, acl_id, routing_table_id, public_gateway_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        values,
    )
    .await?;
    for ip in reserved {
        reserved_ip::insert(tx, ip).await?;
    }
    outbox::write(tx, change).await
}

/// The range lies in a prefix of its VPC and zone and overlaps no subnet.
async fn range_check(tx: &mut Session, subnet: &Subnet) -> Result<(), StoreError> {
    let (first, last) = ends(subnet.cidr);
    let inside = tx
        .any(
            "SELECT 1 FROM address_prefixes
             WHERE vpc_id = $1 AND zone = $2 AND cidr_first <= $3 AND cidr_last >= $4",
            binds![&subnet.vpc, subnet.zone.as_str(), first, last],
        )
        .await?;
    let range = || spelled(subnet.cidr);
    if !inside {
        return Err(Refusal::NotInAddressPrefix { cidr: range() }.into());
    }
    let other = tx
        .one(
            "SELECT cidr_first, cidr_last FROM subnets
             WHERE vpc_id = $1 AND cidr_first <= $3 AND cidr_last >= $2 LIMIT 1",
            binds![&subnet.vpc, first, last],
        )
        .await?;
    match other {
        None => Ok(()),
        Some(mut other) => {
            let other = spelled(cidr(&mut other)?);
            Err(Refusal::RangeOverlap { cidr: range(), other }.into())
        }
    }
}

/// The lowest free range of `count` addresses in the zone's default prefix.
pub(crate) async fn range_free(
    session: &mut Session,
    scope: &Scope,
    vpc: &VpcId,
    zone: &str,
    count: u64,
) -> Result<(Ipv4Addr, u8), StoreError> {
    sight::check(session, scope, "vpcs", "vpc", vpc).await?;
    vpc::check(session, scope.account(), vpc).await?;
    let row = session
        .one(
            "SELECT cidr_first, cidr_last FROM address_prefixes
             WHERE vpc_id = $1 AND zone = $2 AND is_default = 1",
            binds![vpc, zone],
        )
        .await?;
    let Some(mut row) = row else {
        return Err(Refusal::NoDefaultAddressPrefix { zone: zone.to_owned() }.into());
    };
    let (first, last): (u64, u64) = (row.count()?, row.count()?);
    let rows = session
        .all(
            "SELECT cidr_first, cidr_last FROM subnets
             WHERE vpc_id = $1 AND cidr_first <= $3 AND cidr_last >= $2 ORDER BY cidr_first",
            binds![vpc, first, last],
        )
        .await?;
    let taken = rows
        .into_iter()
        .map(|mut row| Ok((row.count()?, row.count()?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    lowest_free((first, last), &taken, count)
        .ok_or_else(|| Refusal::NoSpaceForSubnet { zone: zone.to_owned(), count }.into())
}

/// The lowest range of `count` addresses, aligned to its size, between the ends and beside the
/// ranges that are taken, which come in order.
fn lowest_free(ends: (u64, u64), taken: &[(u64, u64)], count: u64) -> Option<(Ipv4Addr, u8)> {
    if !count.is_power_of_two() || count < SUBNET_ADDRESSES_MIN {
        return None;
    }
    let mut at = ends.0.next_multiple_of(count);
    for &(first, last) in taken {
        if at + count <= first {
            break;
        }
        at = at.max((last + 1).next_multiple_of(count));
    }
    let length = 32_u32.checked_sub(count.trailing_zeros())?;
    let fits = at + count - 1 <= ends.1;
    let first = u32::try_from(at).ok()?;
    fits.then(|| (Ipv4Addr::from(first), u8::try_from(length).unwrap_or(32)))
}

pub(crate) async fn update(
    tx: &mut Session,
    permit: &Permit,
    id: &SubnetId,
    revision: u64,
    patch: &SubnetPatch,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::SubnetUpdate], id.as_str())?;
    let mut subnet = get(tx, permit.account(), id).await?.subnet;
    if let Some(name) = &patch.name {
        NAMES.check(tx, subnet.vpc.as_str(), name, Some(id.as_str())).await?;
        subnet.head.name = name.clone();
    }
    subnet.acl = patch.acl.clone().unwrap_or(subnet.acl);
    subnet.routing_table = patch.routing_table.clone().unwrap_or(subnet.routing_table);
    subnet.public_gateway = patch.public_gateway.clone().unwrap_or(subnet.public_gateway);
    parts_check(tx, &subnet).await?;
    let rows = tx
        .run(
            "UPDATE subnets SET name = $3, acl_id = $4, routing_table_id = $5,
               public_gateway_id = $6, revision = revision + 1 WHERE id = $1 AND revision = $2",
            binds![
                id,
                revision,
                &subnet.head.name,
                &subnet.acl,
                &subnet.routing_table,
                subnet.public_gateway.as_ref(),
            ],
        )
        .await?;
    written(rows, "subnet", id)?;
    outbox::write(tx, change).await
}

/// ACL, routing table and public gateway are of the subnet's VPC.
async fn parts_check(tx: &mut Session, subnet: &Subnet) -> Result<(), StoreError> {
    let parts = [
        ("acls", "network_acl", "network ACL", subnet.acl.as_str()),
        ("routing_tables", "routing_table", "routing table", subnet.routing_table.as_str()),
    ];
    for (table, field, what, id) in parts {
        let row = tx
            .one(
                format!("SELECT vpc_id FROM {table} WHERE id = $1 AND account_id = $2"),
                binds![id, &subnet.head.account],
            )
            .await?;
        let vpc = row.ok_or_else(|| not_found(field, id))?.text()?;
        if vpc != subnet.vpc.as_str() {
            return Err(Refusal::OtherVpc { what, field: Some(field) }.into());
        }
    }
    public_gateway::fits(tx, subnet).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &SubnetId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::SubnetDelete], id.as_str())?;
    get(tx, permit.account(), id).await?;
    let used = tx
        .any(
            "SELECT 1 FROM reserved_ips
             WHERE subnet_id = $1 AND (owner <> 'provider' OR target_id IS NOT NULL) LIMIT 1",
            binds![id],
        )
        .await?;
    if used || tx.any("SELECT 1 FROM nics WHERE subnet_id = $1 LIMIT 1", binds![id]).await? {
        return Err(Refusal::SubnetNotEmpty { subnet: id.clone() }.into());
    }
    tx.run("DELETE FROM reserved_ips WHERE subnet_id = $1", binds![id]).await?;
    tag::forget(tx, id.as_str()).await?;
    tx.run("DELETE FROM subnets WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(taken: &[(u64, u64)], count: u64) -> Option<(u64, u8)> {
        lowest_free((256, 511), taken, count).map(|(at, n)| (u64::from(u32::from(at)), n))
    }

    #[test]
    fn the_lowest_aligned_range_is_found() {
        assert_eq!(free(&[], 16), Some((256, 28)));
        assert_eq!(free(&[(256, 263)], 8), Some((264, 29)));
        assert_eq!(free(&[(256, 263)], 16), Some((272, 28)));
        assert_eq!(free(&[(256, 263), (272, 287)], 8), Some((264, 29)));
        assert_eq!(free(&[(256, 383)], 128), Some((384, 25)));
    }

    #[test]
    fn no_room_and_odd_counts_find_nothing() {
        assert_eq!(free(&[(256, 383)], 256), None);
        assert_eq!(free(&[], 512), None);
        assert_eq!(free(&[], 24), None);
        assert_eq!(free(&[], 4), None);
        assert_eq!(free(&[], 8), Some((256, 29)));
    }
}
