//! Address prefixes, and ranges of addresses in general.

use std::net::Ipv4Addr;

use base::{AddressPrefixId, VpcId, ZoneName};
use model::{AddressPrefix, Limit, Refusal, ResourceName};
use policy::{Action, Permit, Scope};

use super::{
    head::{NameSpace, head, head_binds, limit_check, not_found},
    list::{Conditions, paged, place},
    outbox, permit,
    session::Session,
    sight,
    value::{Row, binds},
    vpc,
};
use crate::{Change, Page, Paged, StoreError};

const NAMES: NameSpace = NameSpace::new("address prefix", "address_prefixes", "vpc_id");

/// A prefix, and whether subnets lie in it.
const SELECT: &str =
    "SELECT p.id, p.account_id, p.group_id, p.name, p.created_at, p.revision, p.vpc_id, p.zone,
       p.cidr_first, p.cidr_last, p.is_default,
       CASE WHEN EXISTS (SELECT 1 FROM subnets s WHERE s.vpc_id = p.vpc_id
         AND s.cidr_first >= p.cidr_first AND s.cidr_first <= p.cidr_last) THEN 1 ELSE 0 END
     FROM address_prefixes p";

/// First and last address of a range, as they are stored.
pub(crate) fn ends((first, length): (Ipv4Addr, u8)) -> (u32, u32) {
    let mask = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
    let first = u32::from(first) & !mask;
    (first, first | mask)
}

/// The range of two stored ends.
pub(crate) fn cidr(row: &mut Row) -> Result<(Ipv4Addr, u8), StoreError> {
    let (first, last): (u32, u32) = (row.count()?, row.count()?);
    let bits = (first ^ last).count_ones();
    // At most 32, so it fits.
    Ok((Ipv4Addr::from(first), 32 - u8::try_from(bits).unwrap_or(32)))
}

/// The range as users write it.
pub(crate) fn spelled((first, length): (Ipv4Addr, u8)) -> String {
    format!("{first}/{length}")
}

pub(crate) fn read(row: Row) -> Result<(AddressPrefix, bool), StoreError> {
    let mut row = row.of("address_prefixes");
    let prefix = AddressPrefix {
        head: head(&mut row)?,
        vpc: row.id()?,
        zone: ZoneName::stored(row.text()?),
        cidr: cidr(&mut row)?,
        is_default: row.bool()?,
    };
    Ok((prefix, row.bool()?))
}

/// Writes a prefix that lies apart from the others of its VPC.
pub(crate) async fn insert(tx: &mut Session, prefix: &AddressPrefix) -> Result<(), StoreError> {
    let (first, last) = ends(prefix.cidr);
    let mut own = Conditions::default();
    own.and("vpc_id = ?", binds![&prefix.vpc]);
    limit_check(own.count(tx, "address_prefixes").await? + 1, Limit::PREFIXES_PER_VPC_MAX)?;
    NAMES.check(tx, prefix.vpc.as_str(), &prefix.head.name, None).await?;
    let other = tx
        .one(
            "SELECT cidr_first, cidr_last FROM address_prefixes
             WHERE vpc_id = $1 AND cidr_first <= $3 AND cidr_last >= $2 LIMIT 1",
            binds![&prefix.vpc, first, last],
        )
        .await?;
    if let Some(mut other) = other {
        let other = spelled(cidr(&mut other)?);
        return Err(Refusal::RangeOverlap { cidr: spelled(prefix.cidr), other }.into());
    }
    if prefix.is_default {
        take_default(tx, &prefix.vpc, &prefix.zone).await?;
    }
    let mut values = head_binds(&prefix.head);
    values.extend(binds![&prefix.vpc, prefix.zone.as_str(), first, last, prefix.is_default]);
    tx.run(
        "INSERT INTO address_prefixes (id, account_id, group_id, name, created_at, revision,
           vpc_id, zone, cidr_first, cidr_last, is_default)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        values,
    )
    .await?;
    Ok(())
}

/// No prefix of the zone is the default one any more.
async fn take_default(tx: &mut Session, vpc: &VpcId, zone: &ZoneName) -> Result<(), StoreError> {
    tx.run(
        "UPDATE address_prefixes SET is_default = 0, revision = revision + 1
         WHERE vpc_id = $1 AND zone = $2 AND is_default = 1",
        binds![vpc, zone.as_str()],
    )
    .await?;
    Ok(())
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    prefix: &AddressPrefix,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VpcUpdate], prefix.vpc.as_str())?;
    vpc::check(tx, permit.account(), &prefix.vpc).await?;
    insert(tx, prefix).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn get(
    session: &mut Session,
    account: &base::AccountId,
    vpc: &VpcId,
    id: &AddressPrefixId,
) -> Result<(AddressPrefix, bool), StoreError> {
    let row = session
        .one(
            format!("{SELECT} WHERE p.id = $1 AND p.vpc_id = $2 AND p.account_id = $3"),
            binds![id, vpc, account],
        )
        .await?;
    read(row.ok_or_else(|| not_found("address_prefix", id))?)
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    vpc: &VpcId,
    page: &Page,
) -> Result<Paged<(AddressPrefix, bool)>, StoreError> {
    sight::check(session, scope, "vpcs", "vpc", vpc).await?;
    vpc::check(session, scope.account(), vpc).await?;
    let mut conditions = Conditions::default();
    conditions.and("p.vpc_id = ?", binds![vpc]);
    let total = conditions.count(session, "address_prefixes p").await?;
    let rows = conditions.page(session, SELECT, "p", page).await?;
    let prefixes = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(paged(prefixes, page, total, |(prefix, _)| place(&prefix.head)))
}

/// What an update of a prefix asks for.
pub(crate) struct PrefixPatch {
    pub(crate) name: Option<ResourceName>,
    pub(crate) is_default: Option<bool>,
}

pub(crate) async fn update(
    tx: &mut Session,
    permit: &Permit,
    vpc: &VpcId,
    id: &AddressPrefixId,
    patch: &PrefixPatch,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VpcUpdate], vpc.as_str())?;
    let (mut prefix, _) = get(tx, permit.account(), vpc, id).await?;
    if let Some(name) = &patch.name {
        NAMES.check(tx, vpc.as_str(), name, Some(id.as_str())).await?;
        prefix.head.name = name.clone();
    }
    if let Some(is_default) = patch.is_default {
        if is_default && !prefix.is_default {
            take_default(tx, vpc, &prefix.zone).await?;
        }
        prefix.is_default = is_default;
    }
    tx.run(
        "UPDATE address_prefixes SET name = $2, is_default = $3, revision = revision + 1
         WHERE id = $1",
        binds![id, &prefix.head.name, prefix.is_default],
    )
    .await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    vpc: &VpcId,
    id: &AddressPrefixId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::VpcUpdate], vpc.as_str())?;
    let (prefix, used) = get(tx, permit.account(), vpc, id).await?;
    if used {
        return Err(Refusal::PrefixInUse { cidr: spelled(prefix.cidr) }.into());
    }
    tx.run("DELETE FROM address_prefixes WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_their_ends() {
        let of = |text: &str, length| ends((text.parse().unwrap(), length));
        let at = |text: &str| u32::from(text.parse::<Ipv4Addr>().unwrap());
        assert_eq!(of("10.0.0.0", 8), (at("10.0.0.0"), at("10.255.255.255")));
        assert_eq!(of("10.0.0.5", 32), (at("10.0.0.5"), at("10.0.0.5")));
        assert_eq!(of("0.0.0.0", 0), (0, u32::MAX));
    }
}
