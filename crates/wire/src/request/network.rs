//! VPCs, address prefixes, subnets and reserved IPs.

use std::net::Ipv4Addr;

use base::{AclId, PublicGatewayId, ResourceGroupId, RoutingTableId, VniId, VpcId, ZoneName};
use model::{ResourceName, SubnetPatch};
use serde_json::json;

use super::{Asked, network_interface::address, virtual_network_interface::ip_target};
use crate::{ApiError, ErrorCode, Fields, Kind};

/// Prefix lengths of address prefixes and subnets.
const BITS_MIN: u8 = 9;
const BITS_MAX: u8 = 29;
/// Addresses of a subnet by size: a power of two within these bounds.
pub(crate) const COUNT_MIN: u64 = 8;
pub(crate) const COUNT_MAX: u64 = 8_388_608;
/// Ranges that no VPC may use.
const RESERVED: [(Ipv4Addr, u8); 5] = [
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(161, 26, 0, 0), 16),
    (Ipv4Addr::new(166, 8, 0, 0), 14),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
];

/// `POST /vpcs`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VpcPrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the default one when none.
    pub group: Option<ResourceGroupId>,
    /// No address prefix is made.
    pub manual_prefixes: bool,
}

/// Reads `POST /vpcs`.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for classic access and DNS hubs.
pub fn vpc_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<VpcPrototype, ApiError> {
    f.unserved(&[
        ("classic_access", Some(json!(false))),
        ("dns", Some(json!({"enable_hub": false}))),
    ])?;
    let manual = f.choice("address_prefix_management", "auto, manual", |text| match text {
        "auto" => Some(false),
        "manual" => Some(true),
        _ => None,
    })?;
    Ok(VpcPrototype {
        name: f.name("name")?,
        group: asked.place.group(f)?,
        manual_prefixes: manual.unwrap_or(false),
    })
}

/// `POST /vpcs/{id}/address_prefixes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixPrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Its zone.
    pub zone: ZoneName,
    /// The range.
    pub cidr: (Ipv4Addr, u8),
    /// Becomes the zone's default.
    pub is_default: bool,
}

/// Reads `POST /vpcs/{id}/address_prefixes`.
///
/// # Errors
/// What the body names wrongly.
pub fn prefix_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<PrefixPrototype, ApiError> {
    Ok(PrefixPrototype {
        cidr: f.required("cidr", cidr(f, "cidr")?)?,
        zone: f.required("zone", asked.place.zone(f)?)?,
        name: f.name("name")?,
        is_default: f.flag("is_default")?.unwrap_or(false),
    })
}

/// `PATCH /vpcs/{id}/address_prefixes/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixPatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// Becomes, or no longer is, the zone's default.
    pub is_default: Option<bool>,
}

/// Reads `PATCH /vpcs/{id}/address_prefixes/{id}`.
///
/// # Errors
/// What the body names wrongly.
pub fn prefix_patch(f: &Fields<'_>) -> Result<PrefixPatch, ApiError> {
    Ok(PrefixPatch {
        name: super::rename(f)?,
        is_default: f.patched_value("is_default", |f| f.flag("is_default"))?,
    })
}

/// `POST /subnets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetPrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the default one when none.
    pub group: Option<ResourceGroupId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its range.
    pub range: SubnetRange,
    /// Its ACL; the VPC's default one when none.
    pub acl: Option<AclId>,
    /// Its routing table; the VPC's default one when none.
    pub routing_table: Option<RoutingTableId>,
    /// Its public gateway.
    pub public_gateway: Option<PublicGatewayId>,
}

/// How the range of a subnet is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubnetRange {
    /// As a block, and perhaps a zone.
    Cidr((Ipv4Addr, u8), Option<ZoneName>),
    /// As a number of addresses in a zone.
    Count(u64, ZoneName),
}

/// Reads `POST /subnets`.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for IPv6.
pub fn subnet_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<SubnetPrototype, ApiError> {
    f.unserved(&[("ip_version", Some(json!("ipv4")))])?;
    Ok(SubnetPrototype {
        vpc: f.required("vpc", asked.place.id_in(Kind::VPC, f, "vpc")?)?,
        range: subnet_range(asked, f)?,
        acl: asked.place.id_in(Kind::ACL, f, "network_acl")?,
        routing_table: routing_table(asked, f)?,
        public_gateway: asked.place.id_in(Kind::PUBLIC_GATEWAY, f, "public_gateway")?,
        name: f.name("name")?,
        group: asked.place.group(f)?,
    })
}

fn subnet_range(asked: &Asked<'_>, f: &Fields<'_>) -> Result<SubnetRange, ApiError> {
    let (block, size) = ("ipv4_cidr_block", "total_ipv4_address_count");
    let count = f.number(size, COUNT_MIN, COUNT_MAX)?;
    let zone = asked.place.zone(f)?;
    match (cidr(f, block)?, count) {
        (Some(_), Some(_)) => {
            let what = format!("and {size} exclude each other");
            Err(f.error(ErrorCode::ValidationOnlyOne, block, &what))
        }
        (Some(cidr), None) => Ok(SubnetRange::Cidr(cidr, zone)),
        (None, Some(count)) if count.is_power_of_two() => {
            Ok(SubnetRange::Count(count, f.required("zone", zone)?))
        }
        (None, Some(_)) => {
            Err(f.error(ErrorCode::ValidationFailure, size, "must be a power of two"))
        }
        (None, None) => {
            let what = format!("is required, or {size} with zone");
            Err(f.error(ErrorCode::ValidationRequiredField, block, &what))
        }
    }
}

/// Reads `PATCH /subnets/{id}`.
///
/// # Errors
/// What the body names wrongly.
pub fn subnet_patch(asked: &Asked<'_>, f: &Fields<'_>) -> Result<SubnetPatch, ApiError> {
    let gateway = |f: &Fields<'_>| asked.place.id_in(Kind::PUBLIC_GATEWAY, f, "public_gateway");
    Ok(SubnetPatch {
        name: super::rename(f)?,
        acl: f.patched_value("network_acl", |f| asked.place.id_in(Kind::ACL, f, "network_acl"))?,
        routing_table: f.patched_value("routing_table", |f| routing_table(asked, f))?,
        public_gateway: f.patched("public_gateway", gateway)?,
    })
}

fn routing_table(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<RoutingTableId>, ApiError> {
    let Some(f) = f.object("routing_table")? else { return Ok(None) };
    routing_table_identity(asked, &f).map(Some)
}

/// Reads `PATCH /vpcs/{id}/routing_tables/{id}`: the name.
///
/// # Errors
/// A name against the pattern; `not_implemented` for what other routes would need.
pub fn routing_table_patch(f: &Fields<'_>) -> Result<Option<ResourceName>, ApiError> {
    f.unserved(&[
        ("accept_routes_from", None),
        ("advertise_routes_to", None),
        ("route_direct_link_ingress", Some(json!(false))),
        ("route_internet_ingress", Some(json!(false))),
        ("route_transit_gateway_ingress", Some(json!(false))),
        ("route_vpc_zone_ingress", Some(json!(false))),
    ])?;
    super::rename(f)
}

/// Reads `PUT /subnets/{id}/network_acl`.
///
/// # Errors
/// What the body names wrongly.
pub fn acl_identity(asked: &Asked<'_>, f: &Fields<'_>) -> Result<AclId, ApiError> {
    asked.place.id(Kind::ACL, f)
}

/// Reads `PUT /subnets/{id}/routing_table`.
///
/// # Errors
/// What the body names wrongly.
pub fn routing_table_identity(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<RoutingTableId, ApiError> {
    if f.has("crn") {
        return asked.place.id(Kind::ROUTING_TABLE, f);
    }
    asked.place.id_below(f, "vpcs", "routing_tables")
}

/// `POST /subnets/{id}/reserved_ips`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReservedIpPrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// The address; any free one when none.
    pub address: Option<Ipv4Addr>,
    /// Goes with its target.
    pub auto_delete: Option<bool>,
    /// The virtual network interface that it is bound to.
    pub target: Option<VniId>,
}

/// Reads `POST /subnets/{id}/reserved_ips`.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for an endpoint gateway as target.
pub fn reserved_ip_prototype(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<ReservedIpPrototype, ApiError> {
    Ok(ReservedIpPrototype {
        target: ip_target(asked, f)?,
        name: f.name_unreserved("name")?,
        address: address(f, "address")?,
        auto_delete: f.flag("auto_delete")?,
    })
}

/// `PATCH /subnets/{id}/reserved_ips/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReservedIpPatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// Goes, or no longer goes, with its target.
    pub auto_delete: Option<bool>,
}

/// Reads `PATCH /subnets/{id}/reserved_ips/{id}`.
///
/// # Errors
/// What the body names wrongly.
pub fn reserved_ip_patch(f: &Fields<'_>) -> Result<ReservedIpPatch, ApiError> {
    Ok(ReservedIpPatch {
        name: f.patched_value("name", |f| f.name_unreserved("name"))?,
        auto_delete: f.patched_value("auto_delete", |f| f.flag("auto_delete"))?,
    })
}

fn cidr(f: &Fields<'_>, field: &str) -> Result<Option<(Ipv4Addr, u8)>, ApiError> {
    let Some(text) = f.text(field)? else { return Ok(None) };
    let Some((address, bits)) = cidr_of(text) else {
        let what = "is not an IPv4 range such as 10.240.0.0/24, with all host bits zero";
        return Err(f.error(ErrorCode::InvalidValue, field, what));
    };
    if !(BITS_MIN..=BITS_MAX).contains(&bits) {
        let what = format!("must have a prefix length of {BITS_MIN} to {BITS_MAX}");
        return Err(f.error(ErrorCode::ValidationFailure, field, &what));
    }
    if RESERVED.iter().any(|&other| overlap((address, bits), other)) {
        let what = "lies in a range that the provider keeps for itself";
        return Err(f.error(ErrorCode::ValidationFailure, field, what));
    }
    Ok(Some((address, bits)))
}

fn cidr_of(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let address: Ipv4Addr = address.parse().ok()?;
    let bits: u8 = bits.parse().ok().filter(|b| *b <= 32)?;
    (address.to_bits() & !mask(bits) == 0).then_some((address, bits))
}

const fn mask(bits: u8) -> u32 {
    if bits == 0 { 0 } else { u32::MAX << (32 - bits) }
}

const fn overlap(a: (Ipv4Addr, u8), b: (Ipv4Addr, u8)) -> bool {
    let shared = mask(if a.1 < b.1 { a.1 } else { b.1 });
    a.0.to_bits() & shared == b.0.to_bits() & shared
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::request::testing::{parse, seen};

    fn prefix(cidr: &str) -> Result<PrefixPrototype, ApiError> {
        let body = json!({"cidr": cidr, "zone": {"name": "us-south-1"}});
        parse(body, prefix_prototype)
    }

    #[test]
    fn ranges_have_bounds_and_no_host_bits() {
        for ok in ["10.0.0.0/9", "10.240.0.0/29", "192.168.0.0/16"] {
            assert!(prefix(ok).is_ok(), "{ok}");
        }
        for bad in [
            "10.0.0.0/8",
            "10.0.0.0/30",
            "127.0.0.0/9",
            "166.8.0.0/14",
            "161.0.0.0/9",
            "239.0.0.0/9",
        ] {
            assert_eq!(seen(prefix(bad)).0, ErrorCode::ValidationFailure, "{bad}");
        }
        for bad in ["10.0.0.1/24", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/x", "::/16", ""] {
            assert_eq!(seen(prefix(bad)).0, ErrorCode::InvalidValue, "{bad}");
        }
    }

    fn subnet(change: impl FnOnce(&mut Value)) -> Result<SubnetPrototype, ApiError> {
        let mut body = json!({"vpc": {"id": "r006-1"}, "zone": {"name": "us-south-1"}});
        change(&mut body);
        parse(body, subnet_prototype)
    }

    #[test]
    fn a_subnet_is_given_by_block_or_by_size() {
        let count = |n: u64| subnet(|b| b["total_ipv4_address_count"] = json!(n));
        assert!(matches!(count(8).unwrap().range, SubnetRange::Count(8, _)));
        assert!(count(8_388_608).is_ok());
        assert_eq!(seen(count(4)).0, ErrorCode::ValidationMinValue);
        assert_eq!(seen(count(16_777_216)).0, ErrorCode::ValidationMaxValue);
        assert_eq!(seen(count(100)).0, ErrorCode::ValidationFailure);
        let both = subnet(|b| {
            b["total_ipv4_address_count"] = json!(8);
            b["ipv4_cidr_block"] = json!("10.0.0.0/24");
        });
        assert_eq!(seen(both).0, ErrorCode::ValidationOnlyOne);
        assert_eq!(seen(subnet(|_| ())).0, ErrorCode::ValidationRequiredField);
        let no_zone = subnet(|b| {
            b["total_ipv4_address_count"] = json!(8);
            b["zone"] = Value::Null;
        });
        assert_eq!(seen(no_zone), (ErrorCode::ValidationRequiredField, "zone".to_owned()));
    }

    #[test]
    fn a_vpc_needs_nothing() {
        let read = |body| parse(body, vpc_prototype);
        assert_eq!(read(json!({})).unwrap(), VpcPrototype::default());
        assert!(read(json!({"address_prefix_management": "manual"})).unwrap().manual_prefixes);
        assert_eq!(seen(read(json!({"classic_access": true}))).0, ErrorCode::NotImplemented);
        let wrong = seen(read(json!({"address_prefix_management": "hand"})));
        assert_eq!(wrong.0, ErrorCode::ValidationEnum);
    }
}
