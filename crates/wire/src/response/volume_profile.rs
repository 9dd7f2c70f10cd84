//! Volume profiles: each figure is an object that says of what type it is.

use model::catalog::{self, BOOT_CAPACITY_GB_MIN, BOOT_CAPACITY_GB_STOCK};
use serde::Serialize;

use super::volume;
use crate::Render;

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Figure {
    Range { default: u64, max: u64, min: u64, step: u64 },
    Dependent {},
    DependentRange { max: u64, min: u64, step: u64 },
    Fixed { value: u64 },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "enum")]
struct States {
    values: &'static [&'static str],
}

/// A volume profile.
#[derive(Debug, Serialize)]
pub struct VolumeProfile {
    adjustable_capacity_states: States,
    adjustable_iops_states: States,
    bandwidth: Figure,
    boot_capacity: Figure,
    capacity: Figure,
    family: &'static str,
    href: String,
    iops: Figure,
    name: &'static str,
    storage_generation: Figure,
}

/// A volume profile.
#[must_use]
pub fn volume_profile(r: &Render<'_>, profile: &catalog::VolumeProfile) -> VolumeProfile {
    let iops = Figure::DependentRange {
        min: u64::from(profile.iops_min),
        max: u64::from(profile.iops_max),
        step: 1,
    };
    VolumeProfile {
        adjustable_capacity_states: States { values: &volume::ADJUSTABLE },
        adjustable_iops_states: States { values: volume::adjustable_iops(Some(profile)) },
        bandwidth: if profile.bandwidth_chosen() {
            let (min, max) = profile.bandwidth_bounds();
            Figure::DependentRange { min: u64::from(min), max: u64::from(max), step: 1 }
        } else {
            Figure::Dependent {}
        },
        boot_capacity: Figure::Range {
            default: BOOT_CAPACITY_GB_STOCK,
            min: BOOT_CAPACITY_GB_MIN,
            max: profile.boot_capacity_gb_max,
            step: 1,
        },
        capacity: Figure::Range {
            default: BOOT_CAPACITY_GB_STOCK,
            min: profile.capacity_gb_min,
            max: profile.capacity_gb_max,
            step: 1,
        },
        family: profile.family,
        href: r.href(&["volume", "profiles", profile.name]),
        iops,
        name: profile.name,
        storage_generation: Figure::Fixed { value: u64::from(profile.storage_generation) },
    }
}
