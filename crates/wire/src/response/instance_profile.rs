//! Instance profiles: each figure is an object that says of what type it is.

use base::ZoneName;
use model::catalog;
use serde::Serialize;

use super::NamedRef;
use crate::Render;

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "fixed")]
struct Fixed<T> {
    value: T,
}

const fn fixed<T>(value: T) -> Fixed<T> {
    Fixed { value }
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "enum")]
struct Enum<T: 'static> {
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<T>,
    values: &'static [T],
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "range")]
struct Range {
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<u32>,
    max: u32,
    min: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<u32>,
}

/// An instance profile.
#[derive(Debug, Serialize)]
pub struct InstanceProfile<'a> {
    availability_class: Fixed<&'static str>,
    bandwidth: Fixed<u32>,
    cluster_network_attachment_count: Range,
    confidential_compute_modes: Enum<&'static str>,
    disks: [(); 0],
    family: &'static str,
    href: String,
    memory: Fixed<u32>,
    name: &'static str,
    network_attachment_count: Range,
    network_bandwidth_mode: Fixed<&'static str>,
    network_interface_count: Range,
    os_architecture: Enum<&'static str>,
    port_speed: Fixed<u32>,
    reservation_terms: Enum<&'static str>,
    resource_type: &'static str,
    secure_boot_modes: Enum<bool>,
    status: &'static str,
    supported_cluster_network_profiles: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    supported_vcpu_count: Option<Fixed<u32>>,
    threads_per_core: Enum<u32>,
    total_volume_bandwidth: Range,
    vcpu_architecture: Fixed<&'static str>,
    vcpu_burst_limit: Fixed<u32>,
    vcpu_count: Fixed<u32>,
    vcpu_manufacturer: Fixed<&'static str>,
    vcpu_percentage: Enum<u32>,
    volume_bandwidth_qos_modes: Enum<&'static str>,
    zones: Vec<NamedRef<'a>>,
}

/// An instance profile, offered in `zones`.
#[must_use]
pub fn instance_profile<'a>(
    r: &Render<'_>,
    profile: &catalog::InstanceProfile,
    zones: &'a [ZoneName],
) -> InstanceProfile<'a> {
    let count = Range { default: None, min: 1, max: profile.nics_max, step: None };
    InstanceProfile {
        availability_class: fixed("standard"),
        bandwidth: fixed(profile.bandwidth),
        cluster_network_attachment_count: Range { default: None, min: 0, max: 0, step: None },
        confidential_compute_modes: Enum { default: Some("disabled"), values: &["disabled"] },
        disks: [],
        family: profile.family,
        href: r.href(&["instance", "profiles", profile.name]),
        memory: fixed(profile.memory_gb),
        name: profile.name,
        network_attachment_count: Range { max: 0, min: 0, ..count },
        network_bandwidth_mode: fixed("divided"),
        network_interface_count: Range { default: None, min: 1, max: profile.nics_max, step: None },
        os_architecture: Enum { default: Some("amd64"), values: &["amd64"] },
        port_speed: fixed(super::network_interface::PORT_SPEED),
        reservation_terms: Enum { default: None, values: &[] },
        resource_type: "instance_profile",
        secure_boot_modes: Enum { default: Some(false), values: &[false] },
        status: "current",
        supported_cluster_network_profiles: [],
        supported_vcpu_count: (!r.version.has_vcpu_count_enum()).then_some(fixed(profile.vcpus)),
        threads_per_core: Enum { default: Some(2), values: &[2] },
        total_volume_bandwidth: Range {
            default: Some(profile.volume_bandwidth()),
            max: profile.volume_bandwidth(),
            min: profile.volume_bandwidth(),
            step: Some(1),
        },
        vcpu_architecture: fixed("amd64"),
        vcpu_burst_limit: fixed(100),
        vcpu_count: fixed(profile.vcpus),
        vcpu_manufacturer: fixed(profile.manufacturer),
        vcpu_percentage: Enum { default: Some(100), values: &[100] },
        volume_bandwidth_qos_modes: Enum { default: Some("pooled"), values: &["pooled"] },
        zones: zones.iter().map(|z| NamedRef::zone(r, z)).collect(),
    }
}

/// A reference to an instance profile.
#[must_use]
pub fn instance_profile_reference(
    r: &Render<'_>,
    profile: &catalog::InstanceProfile,
) -> NamedRef<'static> {
    NamedRef::instance_profile(r, profile.name)
}

/// All instance profiles at once, as versions before 2026-04-07 show them.
#[derive(Debug, Serialize)]
pub struct InstanceProfiles<'a> {
    profiles: Vec<InstanceProfile<'a>>,
}

/// All instance profiles at once.
#[must_use]
pub fn instance_profiles_unpaginated<'a>(
    r: &Render<'_>,
    zones: &'a [ZoneName],
) -> InstanceProfiles<'a> {
    let all = catalog::INSTANCE_PROFILES.iter();
    InstanceProfiles { profiles: all.map(|p| instance_profile(r, p, zones)).collect() }
}
