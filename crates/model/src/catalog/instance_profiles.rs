//! Profiles of instances.

/// An instance profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceProfile {
    /// Its name, such as `bx2-2x8`.
    pub name: &'static str,
    /// `balanced`, `compute` or `memory`.
    pub family: &'static str,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in GB.
    pub memory_gb: u32,
    /// Megabits a second, network and volumes together.
    pub bandwidth: u32,
    /// CPU maker.
    pub manufacturer: &'static str,
    /// Largest number of network interfaces.
    pub nics_max: u32,
}

const fn profile(
    name: &'static str,
    family: &'static str,
    vcpus: u32,
    memory_gb: u32,
) -> InstanceProfile {
    InstanceProfile {
        name,
        family,
        vcpus,
        memory_gb,
        bandwidth: vcpus * 2_000,
        manufacturer: "intel",
        nics_max: if vcpus < 16 { 5 } else { 10 },
    }
}

/// All of them, by name.
pub const INSTANCE_PROFILES: &[InstanceProfile] = &[
    profile("bx2-16x64", "balanced", 16, 64),
    profile("bx2-2x8", "balanced", 2, 8),
    profile("bx2-32x128", "balanced", 32, 128),
    profile("bx2-4x16", "balanced", 4, 16),
    profile("bx2-8x32", "balanced", 8, 32),
    profile("bxf-2x8", "balanced", 2, 8),
    profile("cx2-2x4", "compute", 2, 4),
    profile("cx2-4x8", "compute", 4, 8),
    profile("cx2-8x16", "compute", 8, 16),
    profile("mx2-2x16", "memory", 2, 16),
    profile("mx2-4x32", "memory", 4, 32),
    profile("mx2-8x64", "memory", 8, 64),
];

/// The profile when none is asked for.
pub const DEFAULT_INSTANCE_PROFILE: &str = "bx2-2x8";

/// The profile of that name.
#[must_use]
pub fn instance_profile(name: &str) -> Option<&'static InstanceProfile> {
    INSTANCE_PROFILES.iter().find(|p| p.name == name)
}

impl InstanceProfile {
    /// Megabits a second for volumes: a quarter.
    #[must_use]
    pub const fn volume_bandwidth(&self) -> u32 {
        self.bandwidth / 4
    }
}
