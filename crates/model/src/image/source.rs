//! What may become an image: S13 to S17.

use base::RegionName;

use crate::{
    AttachmentKind, Instance, InstanceStatus, LifecycleState, Refusal, Volume, VolumeStatus,
    catalog::{IMAGE_CAPACITY_GB_MAX, IMAGE_CAPACITY_GB_MIN},
};

/// Whether an image may be made of `volume` now. The order of the checks is fixed: first what
/// the volume is, then how it is attached, then what state it and its instance are in.
///
/// # Errors
/// One [`Refusal`] for each rule S13 to S17.
pub fn check_source(
    region: &RegionName,
    volume: &Volume,
    attached: Option<(AttachmentKind, &Instance)>,
) -> Result<(), Refusal> {
    let id = || volume.head.id.clone();
    if region.zone(volume.zone.as_str()).is_none() {
        return Err(Refusal::SourceVolumeElsewhere { volume: id().to_string() });
    }
    if volume.operating_system.is_none() || matches!(attached, Some((AttachmentKind::Data, _))) {
        return Err(Refusal::SourceVolumeNotBoot { volume: id() });
    }
    let gb = volume.capacity.gb_ceil();
    if !(IMAGE_CAPACITY_GB_MIN..=IMAGE_CAPACITY_GB_MAX).contains(&gb) {
        return Err(Refusal::SourceVolumeCapacity { volume: id(), gb });
    }
    let Some((AttachmentKind::Boot, instance)) = attached else {
        return Err(Refusal::SourceVolumeUnattached { volume: id() });
    };
    if volume.status != VolumeStatus::Available {
        return Err(Refusal::SourceVolumeState { volume: id(), status: volume.status });
    }
    if instance.lifecycle_state != LifecycleState::Stable
        || matches!(
            instance.status,
            InstanceStatus::Failed | InstanceStatus::Pending | InstanceStatus::Deleting
        )
    {
        return Err(Refusal::SourceInstanceUnavailable {
            instance: instance.head.id.clone(),
            status: instance.status,
        });
    }
    if instance.status != InstanceStatus::Stopped {
        return Err(Refusal::SourceInstanceNotStopped {
            instance: instance.head.id.clone(),
            status: instance.status,
        });
    }
    if volume.busy {
        return Err(Refusal::SourceVolumeBusy { volume: id() });
    }
    Ok(())
}
