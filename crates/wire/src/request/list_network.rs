//! Queries of the lists of networks, keys and resource groups.

use base::{ResourceGroupId, RoutingTableId, TargetId, VpcId};
use model::IpSort;

use super::{
    Asked,
    list::{flag, group, text, vpc},
};
use crate::{ApiError, ErrorCode, PageRequest, Query};

/// `GET /vpcs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcList {
    /// Which page.
    pub page: PageRequest,
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only this name.
    pub name: Option<String>,
    /// No VPC can match.
    pub nothing: bool,
}

/// Reads `GET /vpcs`.
///
/// # Errors
/// What the query names wrongly.
pub fn vpc_list(asked: &Asked<'_>, query: &Query) -> Result<VpcList, ApiError> {
    Ok(VpcList {
        page: PageRequest::parse("vpcs", query)?,
        group: group(asked, query)?,
        name: text(query, "name")?,
        nothing: flag(query, "classic_access")? == Some(true),
    })
}

/// `GET /subnets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetList {
    /// Which page.
    pub page: PageRequest,
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only of this VPC.
    pub vpc: Option<VpcId>,
    /// Only of the VPC of this name.
    pub vpc_name: Option<String>,
    /// Only of this zone.
    pub zone: Option<String>,
    /// Only those that use this routing table.
    pub routing_table: Option<RoutingTableId>,
    /// Only those that use a routing table of this name.
    pub routing_table_name: Option<String>,
}

/// Reads `GET /subnets`.
///
/// # Errors
/// What the query names wrongly.
pub fn subnet_list(asked: &Asked<'_>, query: &Query) -> Result<SubnetList, ApiError> {
    Ok(SubnetList {
        page: PageRequest::parse("subnets", query)?,
        group: group(asked, query)?,
        vpc: vpc(asked, query)?,
        vpc_name: text(query, "vpc.name")?,
        zone: text(query, "zone.name")?,
        routing_table: id_of(asked, query, "routing_table.id")?,
        routing_table_name: text(query, "routing_table.name")?,
    })
}

/// An id of a query parameter.
fn id_of<Id>(asked: &Asked<'_>, query: &Query, name: &str) -> Result<Option<Id>, ApiError>
where
    Id: TryFrom<String, Error = base::IdError>,
{
    query.get(name).map(|text| asked.place.id_of_parameter(name, text)).transpose()
}

/// `GET /security_groups`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroupList {
    /// Which page.
    pub page: PageRequest,
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only of this VPC.
    pub vpc: Option<VpcId>,
    /// Only of the VPC of this name.
    pub vpc_name: Option<String>,
}

/// Reads `GET /security_groups`.
///
/// # Errors
/// What the query names wrongly.
pub fn security_group_list(
    asked: &Asked<'_>,
    query: &Query,
) -> Result<SecurityGroupList, ApiError> {
    Ok(SecurityGroupList {
        page: PageRequest::parse("security_groups", query)?,
        group: group(asked, query)?,
        vpc: vpc(asked, query)?,
        vpc_name: text(query, "vpc.name")?,
    })
}

/// A list with a filter by resource group alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupedList {
    /// Which page.
    pub page: PageRequest,
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
}

/// Reads the query of `list`, whose only filter is by resource group.
///
/// # Errors
/// What the query names wrongly.
pub fn grouped_list(list: &str, asked: &Asked<'_>, query: &Query) -> Result<GroupedList, ApiError> {
    Ok(GroupedList { page: PageRequest::parse(list, query)?, group: group(asked, query)? })
}

/// Reads the filter `direction` of the rules of an ACL: inbound, outbound, or both.
///
/// # Errors
/// `validation_enum`.
pub fn direction(query: &Query) -> Result<Option<bool>, ApiError> {
    one_of(query, "direction", "inbound", "outbound")
}

/// Reads the filter `is_default` of routing tables.
///
/// # Errors
/// `validation_enum`.
pub fn is_default(query: &Query) -> Result<Option<bool>, ApiError> {
    flag(query, "is_default")
}

fn one_of(query: &Query, name: &str, yes: &str, no: &str) -> Result<Option<bool>, ApiError> {
    match query.get(name) {
        None => Ok(None),
        Some(text) if text == yes => Ok(Some(true)),
        Some(text) if text == no => Ok(Some(false)),
        Some(_) => {
            let message = format!("{name} must be one of: {yes}, {no}.");
            Err(ApiError::parameter(ErrorCode::ValidationEnum, name, message))
        }
    }
}

/// `GET /keys`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyList {
    /// Which page.
    pub page: PageRequest,
    /// Only this name.
    pub name: Option<String>,
}

/// Reads `GET /keys`.
///
/// # Errors
/// What the query names wrongly; `not_implemented` for a filter by resource group.
pub fn key_list(query: &Query) -> Result<KeyList, ApiError> {
    if query.get("resource_group.id").is_some() {
        return Err(ApiError::not_implemented("The filter resource_group.id of keys"));
    }
    Ok(KeyList { page: PageRequest::parse("keys", query)?, name: text(query, "name")? })
}

/// `GET /subnets/{id}/reserved_ips`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedIpList {
    /// Which page.
    pub page: PageRequest,
    /// Only this name.
    pub name: Option<String>,
    /// Only this address.
    pub address: Option<std::net::Ipv4Addr>,
    /// Only those bound to what has this id.
    pub target: Option<TargetId>,
    /// Only those bound to what has this name.
    pub target_name: Option<String>,
    /// Only those bound to virtual network interfaces (true), or to network interfaces (false).
    pub target_vni: Option<bool>,
    /// Their order.
    pub sort: IpSort,
    /// No reserved IP can match.
    pub nothing: bool,
}

/// Reads `GET /subnets/{id}/reserved_ips`; `list` is its path below `/v1`.
///
/// # Errors
/// What the query names wrongly.
pub fn reserved_ip_list(
    list: &str,
    asked: &Asked<'_>,
    query: &Query,
) -> Result<ReservedIpList, ApiError> {
    let address = match query.get("address") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            let message = "address is not an IPv4 address.";
            ApiError::parameter(ErrorCode::InvalidValue, "address", message)
        })?),
    };
    let (id, crn) = (id_of(asked, query, "target.id")?, id_of(asked, query, "target.crn")?);
    let kind = query.get("target.resource_type");
    let target_vni = match kind {
        Some("virtual_network_interface") => Some(true),
        Some("network_interface") => Some(false),
        _ => None,
    };
    Ok(ReservedIpList {
        page: PageRequest::parse(list, query)?,
        name: text(query, "name")?,
        address,
        target_name: text(query, "target.name")?,
        target_vni,
        sort: ip_sort(query, &["address", "created_at", "name"])?,
        // What other types are bound to, this region does not have.
        nothing: (kind.is_some() && target_vni.is_none())
            || matches!((&id, &crn), (Some(id), Some(crn)) if id != crn),
        target: id.or(crn),
    })
}

/// Reads `sort`: one of these, perhaps behind a `-`; by address when it is absent.
///
/// # Errors
/// `validation_enum`.
pub fn ip_sort(query: &Query, allowed: &[&str]) -> Result<IpSort, ApiError> {
    let Some(text) = query.get("sort") else { return Ok(IpSort::default()) };
    let known = allowed.contains(&text.strip_prefix('-').unwrap_or(text));
    IpSort::parse(text).filter(|_| known).ok_or_else(|| {
        let message = format!("sort must be one of: {}; or one behind a -.", allowed.join(", "));
        ApiError::parameter(ErrorCode::ValidationEnum, "sort", message)
    })
}

/// `GET /v2/resource_groups`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceGroupList {
    /// Only of this account; another than the caller's has none.
    pub account: Option<String>,
    /// Only this name.
    pub name: Option<String>,
    /// Only the default one, or only the others.
    pub default: Option<bool>,
}

/// Reads `GET /v2/resource_groups`.
///
/// # Errors
/// What the query names wrongly.
pub fn resource_group_list(query: &Query) -> Result<ResourceGroupList, ApiError> {
    Ok(ResourceGroupList {
        account: text(query, "account_id")?,
        name: text(query, "name")?,
        default: flag(query, "default")?,
    })
}
