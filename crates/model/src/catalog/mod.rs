//! What the region offers, as data: operating systems, volume profiles, instance profiles, and
//! the bounds of boot volumes and images.

mod instance_profiles;
mod operating_systems;
mod volume_profiles;

pub use instance_profiles::{
    DEFAULT_INSTANCE_PROFILE, INSTANCE_PROFILES, InstanceProfile, instance_profile,
};
pub use operating_systems::{OPERATING_SYSTEMS, OperatingSystem, operating_system};
pub use volume_profiles::{VOLUME_PROFILES, VolumeProfile, volume_profile};

/// Smallest boot volume that an image is made of, in GB (S14).
pub const IMAGE_CAPACITY_GB_MIN: u64 = 100;
/// Largest boot volume that an image is made of, in GB (S14).
pub const IMAGE_CAPACITY_GB_MAX: u64 = 250;
/// Smallest boot volume, in GB.
pub const BOOT_CAPACITY_GB_MIN: u64 = 10;
/// Largest boot volume, in GB.
pub const BOOT_CAPACITY_GB_MAX: u64 = 250;
/// Boot volume of a stock image when none is asked for, in GB.
pub const BOOT_CAPACITY_GB_STOCK: u64 = 100;
/// A boot volume never has fewer operations a second.
pub const BOOT_IOPS_MIN: u32 = 3_000;
/// A boot volume never has fewer megabits a second.
pub const BOOT_BANDWIDTH_MIN: u32 = 393;
