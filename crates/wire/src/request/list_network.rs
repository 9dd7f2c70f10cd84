//! Queries of the lists of networks, keys and resource groups.

use base::{ResourceGroupId, RoutingTableId, VpcId};

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
}

/// Reads `GET /subnets/{id}/reserved_ips`; `list` is its path below `/v1`.
///
/// # Errors
/// What the query names wrongly; `not_implemented` for orders and filters that are not served.
pub fn reserved_ip_list(list: &str, query: &Query) -> Result<ReservedIpList, ApiError> {
    let targets = ["target.id", "target.crn", "target.name", "target.resource_type"];
    if query.any_of(&targets) {
        return Err(ApiError::not_implemented("The filter target"));
    }
    if query.get("sort").is_some_and(|sort| sort != "address") {
        return Err(ApiError::not_implemented("An order other than by address"));
    }
    let address = match query.get("address") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            let message = "address is not an IPv4 address.";
            ApiError::parameter(ErrorCode::InvalidValue, "address", message)
        })?),
    };
    Ok(ReservedIpList {
        page: PageRequest::parse(list, query)?,
        name: text(query, "name")?,
        address,
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
