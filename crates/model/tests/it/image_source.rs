//! Which volume may become an image: one test for each rule, and the order of the rules.

use base::{ByteCount, GB, RegionName};
use ectype_model::{
    AttachmentKind, Instance, InstanceStatus, LifecycleState, Refusal, Volume, VolumeStatus,
    check_source,
};

use crate::samples::{instance, region, volume};

/// The check of a volume that is attached as a boot volume.
fn check(volume: &Volume, instance: &Instance) -> Result<(), Refusal> {
    check_source(&region(), volume, Some((AttachmentKind::Boot, instance)))
}

#[test]
fn a_boot_volume_of_a_stopped_instance_may_become_an_image() {
    assert_eq!(check(&volume(), &instance()), Ok(()));
}

/// S13: the volume must be in the region; each of its zones is.
#[test]
fn a_volume_of_another_region_is_refused() {
    let mut volume = volume();
    for zone in region().zones() {
        volume.zone = zone;
        assert_eq!(check(&volume, &instance()), Ok(()));
    }
    volume.zone = RegionName::parse("eu-de").unwrap().zones()[0].clone();
    let refusal = check(&volume, &instance());
    assert!(matches!(refusal, Err(Refusal::SourceVolumeElsewhere { .. })), "{refusal:?}");
}

/// S14: data volumes are refused, attached or not, whatever is on them.
#[test]
fn a_data_volume_is_refused() {
    let mut data = volume();
    data.operating_system = None;
    for attached in [None, Some(AttachmentKind::Boot), Some(AttachmentKind::Data)] {
        let instance = instance();
        let refusal = check_source(&region(), &data, attached.map(|kind| (kind, &instance)));
        assert!(matches!(refusal, Err(Refusal::SourceVolumeNotBoot { .. })), "{refusal:?}");
    }
    let refusal = check_source(&region(), &volume(), Some((AttachmentKind::Data, &instance())));
    assert!(matches!(refusal, Err(Refusal::SourceVolumeNotBoot { .. })), "{refusal:?}");
}

/// S14: 100 GB to 250 GB, at both sides of both bounds.
#[test]
fn capacities_at_both_sides_of_the_bounds() {
    let mut volume = volume();
    for (bytes, ok) in [
        (99 * GB, false),
        (99 * GB + 1, true),
        (100 * GB, true),
        (250 * GB, true),
        (250 * GB + 1, false),
        (251 * GB, false),
    ] {
        volume.capacity = ByteCount(bytes);
        let gb = volume.capacity.gb_ceil();
        let wanted = if ok {
            Ok(())
        } else {
            Err(Refusal::SourceVolumeCapacity { volume: volume.head.id.clone(), gb })
        };
        assert_eq!(check(&volume, &instance()), wanted, "{bytes}");
    }
}

/// S15: an unattached boot volume is refused.
#[test]
fn an_unattached_boot_volume_is_refused() {
    let refusal = check_source(&region(), &volume(), None);
    assert!(matches!(refusal, Err(Refusal::SourceVolumeUnattached { .. })), "{refusal:?}");
}

/// S16: the instance must be stable and neither failed, pending nor deleting; the volume must be
/// available.
#[test]
fn an_instance_or_volume_that_is_not_available_is_refused() {
    for &lifecycle in LifecycleState::ALL {
        let mut instance = instance();
        instance.lifecycle_state = lifecycle;
        let refusal = check(&volume(), &instance);
        if lifecycle == LifecycleState::Stable {
            assert_eq!(refusal, Ok(()));
        } else {
            let unavailable = matches!(refusal, Err(Refusal::SourceInstanceUnavailable { .. }));
            assert!(unavailable, "{lifecycle}: {refusal:?}");
        }
    }
    for &status in VolumeStatus::ALL {
        let mut volume = volume();
        volume.status = status;
        let refusal = check(&volume, &instance());
        if status == VolumeStatus::Available {
            assert_eq!(refusal, Ok(()));
        } else {
            let volume = volume.head.id;
            assert_eq!(refusal, Err(Refusal::SourceVolumeState { volume, status }));
        }
    }
}

/// S16, S17: of all statuses only `stopped` will do; a running instance must be stopped first,
/// and one that is neither up nor down is not available.
#[test]
fn every_status_but_stopped_is_refused() {
    for &status in InstanceStatus::ALL {
        let mut source = instance();
        source.status = status;
        let id = source.head.id.clone();
        let wanted = match status {
            InstanceStatus::Stopped => Ok(()),
            InstanceStatus::Failed | InstanceStatus::Pending | InstanceStatus::Deleting => {
                Err(Refusal::SourceInstanceUnavailable { instance: id, status })
            }
            InstanceStatus::Running
            | InstanceStatus::Starting
            | InstanceStatus::Stopping
            | InstanceStatus::Restarting => {
                Err(Refusal::SourceInstanceNotStopped { instance: id, status })
            }
        };
        assert_eq!(check(&volume(), &source), wanted, "{status}");
    }
}

/// S17: the refusal says what to do.
#[test]
fn the_refusal_of_a_running_instance_says_what_to_do() {
    let mut source = instance();
    source.status = InstanceStatus::Running;
    let said = check(&volume(), &source).unwrap_err().to_string();
    assert!(said.contains("running") && said.contains("Stop it"), "{said}");
}

#[test]
fn a_busy_volume_is_refused() {
    let mut volume = volume();
    volume.busy = true;
    let refusal = check(&volume, &instance());
    assert!(matches!(refusal, Err(Refusal::SourceVolumeBusy { .. })), "{refusal:?}");
}

/// Whether a refusal is the one that a step expects.
type Expected = fn(&Refusal) -> bool;

/// S13, S14, S15, S16, S17: a source that breaks every rule hears of them in their fixed order,
/// one after the other as each is mended.
#[test]
fn the_order_of_the_checks_is_fixed() {
    let mut volume = volume();
    volume.zone = RegionName::parse("eu-de").unwrap().zones()[0].clone();
    let system = volume.operating_system.take();
    volume.capacity = ByteCount::from_gb(99);
    volume.status = VolumeStatus::Updating;
    volume.busy = true;
    let mut source = instance();
    source.status = InstanceStatus::Running;
    source.lifecycle_state = LifecycleState::Updating;
    let mut attached = false;
    let steps: [(&str, Expected); 8] = [
        ("S13", |r| matches!(r, Refusal::SourceVolumeElsewhere { .. })),
        ("S14 boot", |r| matches!(r, Refusal::SourceVolumeNotBoot { .. })),
        ("S14 capacity", |r| matches!(r, Refusal::SourceVolumeCapacity { .. })),
        ("S15", |r| matches!(r, Refusal::SourceVolumeUnattached { .. })),
        ("S16 volume", |r| matches!(r, Refusal::SourceVolumeState { .. })),
        ("S16 instance", |r| matches!(r, Refusal::SourceInstanceUnavailable { .. })),
        ("S17", |r| matches!(r, Refusal::SourceInstanceNotStopped { .. })),
        ("busy", |r| matches!(r, Refusal::SourceVolumeBusy { .. })),
    ];
    for (n, (rule, is)) in steps.into_iter().enumerate() {
        let end = attached.then_some((AttachmentKind::Boot, &source));
        let refusal = check_source(&region(), &volume, end).unwrap_err();
        assert!(is(&refusal), "{rule}: {refusal:?}");
        match n {
            0 => volume.zone = region().zones()[0].clone(),
            1 => volume.operating_system.clone_from(&system),
            2 => volume.capacity = ByteCount::from_gb(100),
            3 => attached = true,
            4 => volume.status = VolumeStatus::Available,
            5 => source.lifecycle_state = LifecycleState::Stable,
            6 => source.status = InstanceStatus::Stopped,
            _ => volume.busy = false,
        }
    }
    assert_eq!(check(&volume, &source), Ok(()));
}
