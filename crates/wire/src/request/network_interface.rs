//! Network interfaces of a new instance, and their renaming.

use std::net::Ipv4Addr;

use base::{SecurityGroupId, SubnetId};
use model::{IpRequest, NicPatch, ResourceName};

use super::{Asked, virtual_network_interface::reserved_ip};
use crate::{ApiError, ErrorCode, Fields, Kind};

/// Most security groups of an interface.
const SECURITY_GROUPS_MAX: usize = 25;

/// A network interface of a new instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NicPrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its address.
    pub primary_ip: IpRequest,
    /// Its security groups; the VPC's default one when empty.
    pub security_groups: Vec<SecurityGroupId>,
    /// May send from other addresses.
    pub allow_ip_spoofing: bool,
}

pub(super) fn prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<NicPrototype, ApiError> {
    Ok(NicPrototype {
        subnet: f.required("subnet", asked.place.id_in(Kind::SUBNET, f, "subnet")?)?,
        name: f.name("name")?,
        primary_ip: primary_ip(asked, f)?,
        security_groups: security_groups(asked, f)?,
        allow_ip_spoofing: f.flag("allow_ip_spoofing")?.unwrap_or(false),
    })
}

/// Reads the field `security_groups`.
pub(super) fn security_groups(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<Vec<SecurityGroupId>, ApiError> {
    let groups = f.objects("security_groups", SECURITY_GROUPS_MAX)?.unwrap_or_default();
    groups.iter().map(|g| asked.place.id(Kind::SECURITY_GROUP, g)).collect()
}

fn primary_ip(asked: &Asked<'_>, f: &Fields<'_>) -> Result<IpRequest, ApiError> {
    if !asked.version.has_primary_ip() {
        return Ok(match address(f, "primary_ipv4_address")? {
            Some(address) => IpRequest::Address { address, name: None, auto_delete: true },
            None => IpRequest::Any { name: None },
        });
    }
    if f.has("primary_ipv4_address") {
        let what = "was replaced by primary_ip in version 2022-03-29";
        return Err(f.error(ErrorCode::FieldNoLongerSupported, "primary_ipv4_address", what));
    }
    match f.object("primary_ip")? {
        Some(ip) => ip_request(asked, &ip),
        None => Ok(IpRequest::Any { name: None }),
    }
}

/// An address that exists, by id or by an href below its subnet, or one that is to be made.
pub(super) fn ip_request(asked: &Asked<'_>, ip: &Fields<'_>) -> Result<IpRequest, ApiError> {
    if ip.has("id") || ip.has("href") {
        return reserved_ip(asked, ip).map(IpRequest::Reserved);
    }
    let name = ip.name_unreserved("name")?;
    let auto_delete = ip.flag("auto_delete")?.unwrap_or(true);
    Ok(match address(ip, "address")? {
        Some(address) => IpRequest::Address { address, name, auto_delete },
        None if auto_delete => IpRequest::Any { name },
        None => IpRequest::AnyKept { name },
    })
}

pub(super) fn address(f: &Fields<'_>, field: &str) -> Result<Option<Ipv4Addr>, ApiError> {
    let Some(text) = f.text(field)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        f.error(ErrorCode::InvalidValue, field, "is not an IPv4 address such as 10.240.0.4")
    })
}

/// Reads `POST …/network_interfaces`.
///
/// # Errors
/// What the body names wrongly.
pub fn nic_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<NicPrototype, ApiError> {
    prototype(asked, f)
}

/// Reads `PATCH …/network_interfaces/{id}`.
///
/// # Errors
/// A name against the pattern, a null.
pub fn nic_patch(f: &Fields<'_>) -> Result<NicPatch, ApiError> {
    let spoofing = |f: &Fields<'_>| f.flag("allow_ip_spoofing");
    Ok(NicPatch {
        name: super::rename(f)?,
        allow_ip_spoofing: f.patched_value("allow_ip_spoofing", spoofing)?,
    })
}
