//! Queries of lists: the page and the filters.
//!
//! Unknown parameters are ignored, as IBM does. A filter on something that no resource of this
//! region can have finds nothing (`nothing`), rather than being ignored.

use base::{AccountId, ResourceGroupId, SubnetId, VpcId};
use model::{ImageStatus, Visibility, catalog};

use super::Asked;
use crate::{ApiError, ErrorCode, PageRequest, Query};

/// Longest value of a filter, in bytes.
const FILTER_BYTES_MAX: usize = 256;

pub(super) fn text(query: &Query, name: &str) -> Result<Option<String>, ApiError> {
    match query.get(name) {
        Some(value) if value.len() > FILTER_BYTES_MAX => {
            let message = format!("{name} is longer than {FILTER_BYTES_MAX} bytes.");
            Err(ApiError::parameter(ErrorCode::ValidationMaxValue, name, message))
        }
        value => Ok(value.map(str::to_owned)),
    }
}

pub(super) fn flag(query: &Query, name: &str) -> Result<Option<bool>, ApiError> {
    match query.get(name) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(not_one_of(name, "true, false")),
    }
}

fn not_one_of(name: &str, allowed: &str) -> ApiError {
    let message = format!("{name} must be one of: {allowed}.");
    ApiError::parameter(ErrorCode::ValidationEnum, name, message)
}

pub(super) fn group(asked: &Asked<'_>, query: &Query) -> Result<Option<ResourceGroupId>, ApiError> {
    let name = "resource_group.id";
    query.get(name).map(|text| asked.place.id_of_parameter(name, text)).transpose()
}

pub(super) fn vpc(asked: &Asked<'_>, query: &Query) -> Result<Option<VpcId>, ApiError> {
    for name in ["vpc.id", "vpc.crn"] {
        if let Some(text) = query.get(name) {
            return asked.place.id_of_parameter(name, text).map(Some);
        }
    }
    Ok(None)
}

/// `GET /images`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageList {
    /// Which page.
    pub page: PageRequest,
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only this name.
    pub name: Option<String>,
    /// S24: only of these statuses.
    pub statuses: Option<Vec<ImageStatus>>,
    /// Only of this visibility.
    pub visibility: Option<Visibility>,
    /// Only of these operating systems: those of the user data formats asked for.
    pub operating_systems: Option<Vec<String>>,
    /// Only another account's (true) or one's own (false).
    pub remote: Option<bool>,
    /// Only of this account.
    pub owner: Option<AccountId>,
}

/// Reads `GET /images`.
///
/// # Errors
/// What the query names wrongly.
pub fn image_list(asked: &Asked<'_>, query: &Query) -> Result<ImageList, ApiError> {
    let (remote, owner) = remote(asked, query)?;
    Ok(ImageList {
        page: PageRequest::parse("images", query)?,
        group: group(asked, query)?,
        name: text(query, "name")?,
        statuses: statuses(query)?,
        visibility: match query.get("visibility") {
            None => None,
            Some(text) => Some(
                Visibility::parse(text)
                    .ok_or_else(|| not_one_of("visibility", "private, public"))?,
            ),
        },
        operating_systems: by_user_data_format(query)?,
        remote,
        owner,
    })
}

fn statuses(query: &Query) -> Result<Option<Vec<ImageStatus>>, ApiError> {
    let Some(texts) = query.list("status") else { return Ok(None) };
    let each = texts.iter().map(|text| {
        ImageStatus::parse(text).ok_or_else(|| {
            let all: Vec<_> = ImageStatus::ALL.iter().map(|s| s.as_str()).collect();
            not_one_of("status", &all.join(", "))
        })
    });
    each.collect::<Result<_, _>>().map(Some)
}

fn by_user_data_format(query: &Query) -> Result<Option<Vec<String>>, ApiError> {
    const FORMATS: [&str; 3] = ["cloud_init", "esxi_kickstart", "ipxe"];
    let Some(wanted) = query.list("user_data_format") else { return Ok(None) };
    if !wanted.iter().all(|format| FORMATS.contains(format)) {
        return Err(not_one_of("user_data_format", &FORMATS.join(", ")));
    }
    Ok(Some(systems(|os| wanted.contains(&os.user_data_format))))
}

fn systems(wanted: impl Fn(&catalog::OperatingSystem) -> bool) -> Vec<String> {
    let all = catalog::OPERATING_SYSTEMS.iter();
    all.filter(|os| wanted(os)).map(|os| os.name.to_owned()).collect()
}

/// `remote.account.id`: an account, `null` or `not:null`; `owner_type` in older versions.
fn remote(asked: &Asked<'_>, query: &Query) -> Result<(Option<bool>, Option<AccountId>), ApiError> {
    if !asked.version.has_image_remote() {
        return match query.get("owner_type") {
            None => Ok((None, None)),
            Some("user") => Ok((Some(false), None)),
            Some("provider") => Ok((Some(true), None)),
            Some(_) => Err(not_one_of("owner_type", "user, provider")),
        };
    }
    let name = "remote.account.id";
    match query.get(name) {
        None => Ok((None, None)),
        Some("null") => Ok((Some(false), None)),
        Some("not:null") => Ok((Some(true), None)),
        // A remote account is another's: one's own account is never remote.
        Some(id) => Ok((Some(true), Some(asked.place.id_of_parameter(name, id)?))),
    }
}

/// `GET /volumes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeList {
    /// Which page.
    pub page: PageRequest,
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only this name.
    pub name: Option<String>,
    /// Only of this zone.
    pub zone: Option<String>,
    /// Only attached (true) or unattached (false) ones.
    pub attached: Option<bool>,
    /// Only with a customer's key (true) or the provider's (false).
    pub user_managed: Option<bool>,
    /// Only of these operating systems.
    pub operating_systems: Option<Vec<String>>,
    /// Only with (true) or without (false) an operating system.
    pub has_operating_system: Option<bool>,
    /// Only with this user tag.
    pub tag: Option<String>,
    /// Only of these profiles: those of the storage generation asked for.
    pub profiles: Option<Vec<String>>,
    /// No volume can match.
    pub nothing: bool,
}

/// Reads `GET /volumes`.
///
/// # Errors
/// What the query names wrongly.
pub fn volume_list(asked: &Asked<'_>, query: &Query) -> Result<VolumeList, ApiError> {
    let (attached, unusable) = match query.get("attachment_state") {
        None => (None, false),
        Some("attached") => (Some(true), false),
        Some("unattached") => (Some(false), false),
        Some("unusable") => (None, true),
        Some(_) => {
            return Err(not_one_of("attachment_state", "attached, unattached, unusable"));
        }
    };
    let (operating_systems, has_operating_system, contradiction) = by_operating_system(query);
    Ok(VolumeList {
        page: PageRequest::parse("volumes", query)?,
        group: group(asked, query)?,
        name: text(query, "name")?,
        zone: text(query, "zone.name")?,
        attached,
        user_managed: match query.get("encryption") {
            None => None,
            Some("user_managed") => Some(true),
            Some("provider_managed") => Some(false),
            Some(_) => return Err(not_one_of("encryption", "provider_managed, user_managed")),
        },
        operating_systems,
        has_operating_system,
        tag: text(query, "tag")?.map(|tag| tag.to_ascii_lowercase()),
        profiles: by_storage_generation(query)?,
        nothing: unusable || contradiction,
    })
}

fn by_storage_generation(query: &Query) -> Result<Option<Vec<String>>, ApiError> {
    let wanted = match query.get("storage_generation") {
        None => return Ok(None),
        Some("1") => 1,
        Some("2") => 2,
        Some(_) => return Err(not_one_of("storage_generation", "1, 2")),
    };
    let all = catalog::VOLUME_PROFILES.iter();
    let of = all.filter(|profile| profile.storage_generation == wanted);
    Ok(Some(of.map(|profile| profile.name.to_owned()).collect()))
}

/// `operating_system.family` and `.architecture`: a value, `null` or `not:null`.
fn by_operating_system(query: &Query) -> (Option<Vec<String>>, Option<bool>, bool) {
    let family = query.get("operating_system.family");
    let architecture = query.get("operating_system.architecture");
    let is = |value: Option<&str>, text: &str| value == Some(text);
    let null = is(family, "null") || is(architecture, "null");
    let some = [family, architecture].iter().flatten().any(|v| *v != "null");
    let value = |v: Option<&str>| v.filter(|v| *v != "not:null" && *v != "null").map(str::to_owned);
    let (family, architecture) = (value(family), value(architecture));
    let named = (family.is_some() || architecture.is_some()).then(|| {
        systems(|os| {
            family.as_ref().is_none_or(|f| f.eq_ignore_ascii_case(os.family))
                && architecture.as_ref().is_none_or(|a| a == os.architecture)
        })
    });
    let has = if null { Some(false) } else { some.then_some(true) };
    (named, has, null && some)
}

/// `GET /instances`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceList {
    /// Which page.
    pub page: PageRequest,
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only this name.
    pub name: Option<String>,
    /// Only of this VPC.
    pub vpc: Option<VpcId>,
    /// Only of the VPC of this name.
    pub vpc_name: Option<String>,
    /// Only with an interface in this subnet.
    pub subnet: Option<SubnetId>,
    /// No instance can match.
    pub nothing: bool,
}

/// What no instance of this region is in.
pub(crate) const INSTANCES_NOWHERE: [&str; 13] = [
    "cluster_network.id",
    "cluster_network.crn",
    "cluster_network.name",
    "dedicated_host.id",
    "dedicated_host.crn",
    "dedicated_host.name",
    "instance_group_membership.instance_group.id",
    "placement_group.id",
    "placement_group.crn",
    "placement_group.name",
    "reservation.id",
    "reservation.crn",
    "reservation.name",
];

/// Reads `GET /instances`.
///
/// # Errors
/// What the query names wrongly.
pub fn instance_list(asked: &Asked<'_>, query: &Query) -> Result<InstanceList, ApiError> {
    let subnet = "network_interfaces.subnet.id";
    let other = |name: &str, only: &str| query.get(name).is_some_and(|value| value != only);
    Ok(InstanceList {
        page: PageRequest::parse("instances", query)?,
        group: group(asked, query)?,
        name: text(query, "name")?,
        vpc: vpc(asked, query)?,
        vpc_name: text(query, "vpc.name")?,
        subnet: query.get(subnet).map(|t| asked.place.id_of_parameter(subnet, t)).transpose()?,
        nothing: query.any_of(&INSTANCES_NOWHERE)
            || other("availability.class", "standard")
            || other("reservation_affinity.policy", "disabled"),
    })
}

#[cfg(test)]
mod tests;
