//! Profiles of volumes: sizes and speeds as the API shows them. Speeds are figures on the wire;
//! the region does not throttle.

use super::{BOOT_BANDWIDTH_MIN, BOOT_CAPACITY_GB_MAX, BOOT_CAPACITY_GB_MIN, BOOT_IOPS_MIN};
use crate::Refusal;

/// A volume profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeProfile {
    /// Its name.
    pub name: &'static str,
    /// `tiered`, `custom` or `defined_performance`.
    pub family: &'static str,
    /// Smallest volume, in GB.
    pub capacity_gb_min: u64,
    /// Largest volume, in GB.
    pub capacity_gb_max: u64,
    /// Largest boot volume, in GB.
    pub boot_capacity_gb_max: u64,
    /// Operations a second for each GB; 0 where they are chosen.
    pub iops_per_gb: u32,
    /// Fewest operations a second.
    pub iops_min: u32,
    /// Most operations a second.
    pub iops_max: u32,
    /// 1, or 2 for `sdp`.
    pub storage_generation: u8,
}

const fn tiered(name: &'static str, iops_per_gb: u32, capacity_gb_max: u64) -> VolumeProfile {
    VolumeProfile {
        name,
        family: "tiered",
        capacity_gb_min: 10,
        capacity_gb_max,
        boot_capacity_gb_max: BOOT_CAPACITY_GB_MAX,
        iops_per_gb,
        iops_min: 3_000,
        iops_max: 48_000,
        storage_generation: 1,
    }
}

/// All of them, by name.
pub const VOLUME_PROFILES: &[VolumeProfile] = &[
    tiered("10iops-tier", 10, 4_800),
    tiered("5iops-tier", 5, 9_600),
    VolumeProfile {
        name: "custom",
        family: "custom",
        capacity_gb_min: 10,
        capacity_gb_max: 16_000,
        boot_capacity_gb_max: BOOT_CAPACITY_GB_MAX,
        iops_per_gb: 0,
        iops_min: 100,
        iops_max: 48_000,
        storage_generation: 1,
    },
    tiered("general-purpose", 3, 16_000),
    VolumeProfile {
        name: "sdp",
        family: "defined_performance",
        capacity_gb_min: 1,
        capacity_gb_max: 32_000,
        boot_capacity_gb_max: 32_000,
        iops_per_gb: 0,
        iops_min: 3_000,
        iops_max: 64_000,
        storage_generation: 2,
    },
];

/// Most operations a second of a `custom` volume, by the largest GB of each band.
const CUSTOM_BANDS: [(u64, u32); 8] = [
    (39, 1_000),
    (79, 2_000),
    (99, 4_000),
    (499, 6_000),
    (999, 10_000),
    (1_999, 20_000),
    (3_999, 40_000),
    (16_000, 48_000),
];

/// The profile of that name.
#[must_use]
pub fn volume_profile(name: &str) -> Option<&'static VolumeProfile> {
    VOLUME_PROFILES.iter().find(|p| p.name == name)
}

impl VolumeProfile {
    /// Whether a volume of `gb` GB fits, as a boot volume or not.
    ///
    /// # Errors
    /// [`Refusal::VolumeCapacity`] with the bounds.
    pub fn check_capacity(&self, gb: u64, boot: bool) -> Result<(), Refusal> {
        let (min, max) = self.capacity_bounds(boot);
        if (min..=max).contains(&gb) {
            return Ok(());
        }
        let of = if boot {
            format!("a boot volume of profile {}", self.name)
        } else {
            format!("a volume of profile {}", self.name)
        };
        Err(Refusal::VolumeCapacity { gb, min, max, of })
    }

    /// Smallest and largest volume in GB, as a boot volume or not.
    #[must_use]
    pub const fn capacity_bounds(&self, boot: bool) -> (u64, u64) {
        if boot {
            (BOOT_CAPACITY_GB_MIN, self.boot_capacity_gb_max)
        } else {
            (self.capacity_gb_min, self.capacity_gb_max)
        }
    }

    /// Whether operations a second are chosen rather than given by the size.
    #[must_use]
    pub const fn iops_chosen(&self) -> bool {
        self.iops_per_gb == 0
    }

    /// Operations a second of a volume of `gb` GB: those of the profile, or those `asked` for
    /// where the profile lets one choose.
    ///
    /// # Errors
    /// [`Refusal::VolumeIops`] when `asked` is out of bounds or not to be chosen.
    pub fn iops(&self, gb: u64, asked: Option<u32>, boot: bool) -> Result<u32, Refusal> {
        let floor = if boot { BOOT_IOPS_MIN } else { self.iops_min };
        let per_gb = u32::try_from(gb).unwrap_or(u32::MAX).saturating_mul(self.iops_per_gb);
        let (min, max, default) = if self.iops_per_gb > 0 {
            let fixed = per_gb.clamp(self.iops_min, self.iops_max).max(floor);
            (fixed, fixed, fixed)
        } else {
            let max = if self.family == "custom" {
                CUSTOM_BANDS.iter().find(|(top, _)| gb <= *top).map_or(48_000, |(_, m)| *m)
            } else {
                self.iops_max
            };
            let max = max.max(floor);
            (self.iops_min, max, floor)
        };
        match asked {
            None => Ok(default),
            Some(n) if (min..=max).contains(&n) => Ok(n.max(floor)),
            Some(iops) => {
                Err(Refusal::VolumeIops { iops, min, max, profile: self.name.to_owned() })
            }
        }
    }

    /// Megabits a second of a volume with `iops` operations of 16 KiB, where none are chosen.
    #[must_use]
    pub fn bandwidth(&self, iops: u32) -> u32 {
        (iops / 1_000).saturating_mul(131).max(BOOT_BANDWIDTH_MIN)
    }

    /// Whether megabits a second are chosen rather than given by the operations.
    #[must_use]
    pub const fn bandwidth_chosen(&self) -> bool {
        self.storage_generation > 1
    }

    /// Fewest and most megabits a second that can be chosen.
    #[must_use]
    pub fn bandwidth_bounds(&self) -> (u32, u32) {
        (BOOT_BANDWIDTH_MIN, self.bandwidth(self.iops_max))
    }

    /// Megabits a second of a volume with `iops` operations: those of the operations, or those
    /// `asked` for where the profile lets one choose.
    ///
    /// # Errors
    /// [`Refusal::VolumeBandwidth`] when `asked` is out of bounds or not to be chosen.
    pub fn bandwidth_of(&self, iops: u32, asked: Option<u32>) -> Result<u32, Refusal> {
        let Some(mbps) = asked else { return Ok(self.bandwidth(iops)) };
        let bounds = self.bandwidth_chosen().then(|| self.bandwidth_bounds());
        match bounds {
            Some((min, max)) if (min..=max).contains(&mbps) => Ok(mbps),
            _ => Err(Refusal::VolumeBandwidth { mbps, bounds, profile: self.name.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_at_both_sides_of_each_bound() {
        for p in VOLUME_PROFILES {
            for (boot, min, max) in [
                (true, BOOT_CAPACITY_GB_MIN, p.boot_capacity_gb_max),
                (false, p.capacity_gb_min, p.capacity_gb_max),
            ] {
                assert!(p.check_capacity(min, boot).is_ok());
                assert!(p.check_capacity(max, boot).is_ok());
                assert!(p.check_capacity(min - 1, boot).is_err());
                assert!(p.check_capacity(max + 1, boot).is_err());
            }
        }
    }

    #[test]
    fn tiers_give_operations_by_size() {
        let p = volume_profile("general-purpose").unwrap();
        assert_eq!(p.iops(100, None, true), Ok(3_000));
        assert_eq!(p.iops(2_000, None, false), Ok(6_000));
        assert_eq!(p.iops(16_000, None, false), Ok(48_000));
        assert!(p.iops(100, Some(5_000), true).is_err());
    }

    #[test]
    fn bandwidth_is_chosen_within_bounds_of_the_second_generation_only() {
        let p = volume_profile("sdp").unwrap();
        let (min, max) = p.bandwidth_bounds();
        for (mbps, ok) in [(min - 1, false), (min, true), (max, true), (max + 1, false)] {
            assert_eq!(p.bandwidth_of(3_000, Some(mbps)).is_ok(), ok, "{mbps}");
        }
        assert_eq!(p.bandwidth_of(3_000, None), Ok(393));
        for p in VOLUME_PROFILES.iter().filter(|p| p.storage_generation == 1) {
            assert_eq!(p.bandwidth_of(10_000, None), Ok(1_310));
            let refused = p.bandwidth_of(10_000, Some(1_310));
            assert!(matches!(refused, Err(Refusal::VolumeBandwidth { bounds: None, .. })));
        }
    }

    #[test]
    fn custom_operations_are_bounded_by_size() {
        let p = volume_profile("custom").unwrap();
        assert_eq!(p.iops(100, Some(6_000), false), Ok(6_000));
        assert!(p.iops(100, Some(6_001), false).is_err());
        assert!(p.iops(100, Some(99), false).is_err());
    }
}
