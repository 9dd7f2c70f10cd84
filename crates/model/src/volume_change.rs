//! Size, speed and profile of a volume that exists: what a change of them makes, and what forbids
//! it.
//!
//! INVARIANT: a volume never shrinks, and never leaves the bounds of its profile.

use base::ByteCount;

use crate::{
    Refusal, Volume, VolumePatch,
    catalog::{VolumeProfile, volume_profile},
};

/// Size and speed of a volume, as a change leaves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeShape {
    /// Its profile.
    pub profile: &'static VolumeProfile,
    /// Its size.
    pub capacity: ByteCount,
    /// Operations a second.
    pub iops: u32,
    /// Megabits a second.
    pub bandwidth: u32,
}

/// What `patch` makes of the size and speed of `volume`; none when it names neither of them nor
/// the profile.
///
/// # Errors
/// [`Refusal::VolumeProfileChange`] between families or generations,
/// [`Refusal::VolumeProfileCapacity`] when the volume does not fit its new profile,
/// [`Refusal::VolumeCapacity`] for a size that is smaller or out of bounds,
/// [`Refusal::VolumeIops`], [`Refusal::VolumeBandwidth`].
pub fn volume_shape(volume: &Volume, patch: &VolumePatch) -> Result<Option<VolumeShape>, Refusal> {
    let speed = patch.iops.is_some() || patch.bandwidth.is_some();
    if patch.capacity.is_none() && patch.profile.is_none() && !speed {
        return Ok(None);
    }
    let (old, new) = profiles(volume, patch)?;
    let boot = volume.operating_system.is_some();
    let capacity = patch.capacity.unwrap_or(volume.capacity);
    let (gb, has) = (capacity.gb_ceil(), volume.capacity.gb_ceil());
    if capacity < volume.capacity {
        let (_, max) = new.capacity_bounds(boot);
        let of = format!("volume {}, which cannot shrink", volume.head.id);
        return Err(Refusal::VolumeCapacity { gb, min: has, max, of });
    }
    if patch.capacity.is_some() {
        new.check_capacity(gb, boot)?;
    } else if new.check_capacity(gb, boot).is_err() {
        let (min, max) = new.capacity_bounds(boot);
        return Err(Refusal::VolumeProfileCapacity { gb, min, max, profile: new.name.to_owned() });
    }
    // What was chosen stays chosen, unless the profile is another.
    let same = new.name == old.name;
    let chosen = (new.iops_chosen() && same).then_some(volume.iops);
    let iops = new.iops(gb, patch.iops.or(chosen), boot)?;
    let chosen = (new.bandwidth_chosen() && same).then_some(volume.bandwidth);
    let bandwidth = new.bandwidth_of(iops, patch.bandwidth.or(chosen))?;
    Ok(Some(VolumeShape { profile: new, capacity, iops, bandwidth }))
}

fn profiles(
    volume: &Volume,
    patch: &VolumePatch,
) -> Result<(&'static VolumeProfile, &'static VolumeProfile), Refusal> {
    let named = patch.profile.as_deref().unwrap_or(&volume.profile);
    let other =
        || Refusal::VolumeProfileChange { from: volume.profile.clone(), to: named.to_owned() };
    let old = volume_profile(&volume.profile).ok_or_else(other)?;
    let new = volume_profile(named).ok_or_else(other)?;
    let kin = old.family == new.family && old.storage_generation == new.storage_generation;
    if kin { Ok((old, new)) } else { Err(other()) }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, ResourceGroupId, Timestamp, VolumeId, ZoneName};

    use super::*;
    use crate::{Head, ResourceName, VolumeEncryption, VolumeStatus, VolumeStorage};

    fn volume(profile: &str, gb: u64, iops: u32, boot: bool) -> Volume {
        let account = AccountId::parse("0123456789abcdef0123456789abcdef").unwrap();
        Volume {
            head: Head {
                id: VolumeId::parse("r006-1").unwrap(),
                account,
                group: ResourceGroupId::parse("g").unwrap(),
                name: ResourceName::parse("v").unwrap(),
                created_at: Timestamp::from_micros(0),
                revision: 1,
            },
            zone: ZoneName::stored("us-south-1".to_owned()),
            profile: profile.to_owned(),
            capacity: ByteCount::from_gb(gb),
            iops,
            bandwidth: 393,
            status: VolumeStatus::Available,
            busy: false,
            encryption: VolumeEncryption::ProviderManaged,
            operating_system: boot.then(|| "debian-12-amd64".to_owned()),
            source_image: None,
            allowed_use: None,
            user_tags: Vec::new(),
            storage: VolumeStorage {
                host: "h".to_owned(),
                generation: 1,
                epoch: 0,
                base: None,
                wrapped_data_key: Vec::new(),
            },
        }
    }

    fn grown(volume: &Volume, gb: u64) -> Result<Option<VolumeShape>, Refusal> {
        let capacity = Some(ByteCount::from_gb(gb));
        volume_shape(volume, &VolumePatch { capacity, ..VolumePatch::default() })
    }

    fn moved(volume: &Volume, profile: &str) -> Result<Option<VolumeShape>, Refusal> {
        let profile = Some(profile.to_owned());
        volume_shape(volume, &VolumePatch { profile, ..VolumePatch::default() })
    }

    #[test]
    fn a_change_of_names_leaves_the_shape() {
        let patch = VolumePatch { user_tags: Some(Vec::new()), ..VolumePatch::default() };
        assert_eq!(volume_shape(&volume("custom", 100, 3_000, false), &patch), Ok(None));
    }

    #[test]
    fn a_volume_grows_to_the_profiles_bound_and_never_shrinks() {
        let data = volume("general-purpose", 100, 3_000, false);
        assert_eq!(grown(&data, 100).unwrap().unwrap().capacity, data.capacity);
        assert_eq!(grown(&data, 16_000).unwrap().unwrap().iops, 48_000);
        assert!(matches!(grown(&data, 16_001), Err(Refusal::VolumeCapacity { max: 16_000, .. })));
        assert!(matches!(grown(&data, 99), Err(Refusal::VolumeCapacity { min: 100, .. })));
        let boot = volume("general-purpose", 100, 3_000, true);
        assert!(grown(&boot, 250).is_ok());
        assert!(matches!(grown(&boot, 251), Err(Refusal::VolumeCapacity { max: 250, .. })));
    }

    #[test]
    fn a_profile_changes_within_its_family_only_and_only_where_the_volume_fits() {
        let data = volume("general-purpose", 4_800, 14_400, false);
        assert_eq!(moved(&data, "10iops-tier").unwrap().unwrap().iops, 48_000);
        let large = volume("general-purpose", 4_801, 14_403, false);
        let refused = moved(&large, "10iops-tier");
        assert!(matches!(refused, Err(Refusal::VolumeProfileCapacity { max: 4_800, .. })));
        for other in ["custom", "sdp", "none"] {
            assert!(matches!(moved(&data, other), Err(Refusal::VolumeProfileChange { .. })));
        }
    }

    #[test]
    fn operations_are_changed_where_they_are_chosen() {
        let iops = |volume: &Volume, iops| {
            volume_shape(volume, &VolumePatch { iops: Some(iops), ..VolumePatch::default() })
        };
        let custom = volume("custom", 100, 3_000, false);
        for (n, ok) in [(99, false), (100, true), (6_000, true), (6_001, false)] {
            assert_eq!(iops(&custom, n).is_ok(), ok, "{n}");
        }
        assert!(matches!(
            iops(&volume("general-purpose", 100, 3_000, false), 4_000),
            Err(Refusal::VolumeIops { .. })
        ));
        let faster = |volume: &Volume, mbps| {
            volume_shape(volume, &VolumePatch { bandwidth: Some(mbps), ..VolumePatch::default() })
        };
        let sdp = volume("sdp", 100, 3_000, false);
        let shape = faster(&sdp, 1_000).unwrap().unwrap();
        assert_eq!((shape.iops, shape.bandwidth), (3_000, 1_000));
        assert!(matches!(faster(&sdp, 392), Err(Refusal::VolumeBandwidth { .. })));
        assert!(matches!(faster(&custom, 1_000), Err(Refusal::VolumeBandwidth { .. })));
        // What was chosen stays when the volume grows.
        assert_eq!(grown(&custom, 500).unwrap().unwrap().iops, 3_000);
    }
}
