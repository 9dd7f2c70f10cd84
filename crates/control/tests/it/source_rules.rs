//! What an image may be made of: S13 to S17, each with its own refusal, and nothing changed.

use base::{ByteCount, RegionName, VolumeId};
use ectype_control::{DataVolume, NewVolume, VolumeCreate, VolumeSource};
use meta::{ImageFilter, VolumeStore};
use model::{ActionKind, AttachmentKind, InstanceStatus, Refusal, VolumeStatus};

use crate::world::{GB, OPERATOR, Vm, World, not_found, page, refusal};

/// What a refused request leaves: no image, no job, an idle volume.
async fn refused(world: &World, volume: &VolumeId) -> Refusal {
    let why = refusal(world.begin_image(volume).await);
    let own = ImageFilter { remote: Some(false), ..ImageFilter::default() };
    let images = world.region().images(world.ctx(), own, page(10)).await.unwrap();
    assert_eq!(images.total, 0, "{why}");
    assert!(!world.volume(volume).await.volume.busy, "{why}");
    assert_eq!(world.events("is.image.image.create").await.len(), 0, "{why}");
    why
}

fn data_volume(zone: base::ZoneName) -> VolumeCreate {
    VolumeCreate {
        name: None,
        group: None,
        zone,
        profile: "general-purpose".to_owned(),
        capacity: ByteCount(100 * GB),
        iops: None,
        bandwidth: None,
        encryption_key: None,
        user_tags: Vec::new(),
    }
}

/// S13: the volume is in the region.
#[tokio::test]
async fn a_volume_of_another_region_is_refused() {
    let world = World::new().await;
    let elsewhere = RegionName::parse("eu-de").unwrap().zones().swap_remove(0);
    let volume = world.region().volume_create(world.ctx(), data_volume(elsewhere)).await.unwrap();
    let why = refused(&world, &volume.volume.head.id).await;
    assert!(matches!(why, Refusal::SourceVolumeElsewhere { .. }), "{why}");
}

/// S13: a volume that nobody has is not found, by the field that named it.
#[tokio::test]
async fn a_volume_that_is_not_there_is_not_found() {
    let world = World::new().await;
    let nothing = VolumeId::mint("r006-", &base::OsEntropy);
    let found = world.begin_image(&nothing).await;
    assert!(matches!(
        found,
        Err(ectype_control::Error::NotFound { field: Some("source_volume"), .. })
    ));
}

/// S14: data volumes are refused, attached or not.
#[tokio::test]
async fn a_data_volume_is_refused() {
    let world = World::new().await;
    let mut want = world.wish(&world.facts.a, crate::world::of_image(&world.facts.stock));
    let new = NewVolume { capacity: Some(ByteCount(100 * GB)), ..NewVolume::default() };
    let volume = Err(new);
    want.data = vec![DataVolume { attachment_name: None, delete_with_instance: None, volume }];
    let vm = world.create(want).await.unwrap();
    world.settle().await;
    world.stop(&vm).await;
    let attachments = world.region().attachments(world.ctx(), &vm.id).await.unwrap();
    let data = attachments.iter().find(|a| a.attachment.kind == AttachmentKind::Data).unwrap();
    let why = refused(&world, &data.volume.id).await;
    assert!(matches!(why, Refusal::SourceVolumeNotBoot { .. }), "{why}");

    let zone = crate::world::zone();
    let free = world.region().volume_create(world.ctx(), data_volume(zone)).await.unwrap();
    let why = refused(&world, &free.volume.head.id).await;
    assert!(matches!(why, Refusal::SourceVolumeNotBoot { .. }), "{why}");
}

/// A stopped instance with a boot volume of `gb`.
async fn stopped_of(world: &World, gb: u64) -> Vm {
    let volume = NewVolume {
        profile: Some("sdp".to_owned()),
        capacity: Some(ByteCount(gb * GB)),
        ..NewVolume::default()
    };
    let source = VolumeSource::Image { image: world.facts.stock.clone(), volume: Box::new(volume) };
    let vm = world.create(world.wish(&world.facts.a, source)).await.unwrap();
    world.settle().await;
    world.stop(&vm).await;
    vm
}

/// S14: up to 250 GB; the bytes beyond the stock image's end are there too.
#[tokio::test]
async fn a_boot_volume_over_250_gb_is_refused_and_one_of_250_gb_is_taken() {
    let world = World::new().await;
    let large = stopped_of(&world, 251).await;
    let why = refused(&world, &large.volume).await;
    assert!(matches!(why, Refusal::SourceVolumeCapacity { gb: 251, .. }), "{why}");

    let fits = stopped_of(&world, 250).await;
    let disk = world.guest_writes(&fits, world.facts.stock_disk.clone(), 5, 40).await;
    let image = world.capture(&fits.volume).await.image;
    assert_eq!(image.capacity, ByteCount(250 * GB));
    disk.same_as(&world.image_disk(&image.head.id).await, "the image").unwrap();
}

/// S15: an unattached boot volume is refused; attached to another instance it is taken.
#[tokio::test]
async fn an_unattached_boot_volume_is_refused_until_an_instance_has_it() {
    let (world, vm, disk) = World::with_stopped().await;
    world.keep_volume_and_delete(&vm).await;
    let why = refused(&world, &vm.volume).await;
    assert!(matches!(why, Refusal::SourceVolumeUnattached { .. }), "{why}");

    let source = VolumeSource::Existing(vm.volume.clone());
    let next = world.create(world.wish(&world.facts.a, source)).await.unwrap();
    assert_eq!(next.volume, vm.volume);
    world.settle().await;
    world.stop(&next).await;
    let image = world.capture(&vm.volume).await.image;
    disk.same_as(&world.image_disk(&image.head.id).await, "the image").unwrap();
}

/// S16: the instance is in an available state, and so is the volume.
#[tokio::test]
async fn an_instance_or_volume_that_is_not_available_is_refused() {
    let world = World::new().await;
    let source = crate::world::of_image(&world.facts.stock);
    let vm = world.create(world.wish(&world.facts.a, source)).await.unwrap();
    let why = refused(&world, &vm.volume).await;
    let pending =
        matches!(why, Refusal::SourceInstanceUnavailable { status: InstanceStatus::Pending, .. });
    assert!(pending, "{why}");

    world.settle().await;
    world.stop(&vm).await;
    let (from, to) = (VolumeStatus::Available, VolumeStatus::Updating);
    world.store().volume_status_set(OPERATOR, &vm.volume, from, to).await.unwrap();
    let why = refused(&world, &vm.volume).await;
    assert!(matches!(why, Refusal::SourceVolumeState { status, .. } if status == to), "{why}");
    world.store().volume_status_set(OPERATOR, &vm.volume, to, from).await.unwrap();

    world.region().instance_delete(world.ctx(), &vm.id).await.unwrap();
    let why = refused(&world, &vm.volume).await;
    let deleting =
        matches!(why, Refusal::SourceInstanceUnavailable { status: InstanceStatus::Deleting, .. });
    assert!(deleting, "{why}");
    world.settle().await;
    assert!(not_found(&world.begin_image(&vm.volume).await));
}

/// S17: whatever is not quite stopped is refused.
#[tokio::test]
async fn an_instance_that_is_not_stopped_is_refused() {
    let (world, vm, _) = World::with_stopped().await;
    let mut seen = Vec::new();
    let mut look = async || match refused(&world, &vm.volume).await {
        Refusal::SourceInstanceNotStopped { status, .. } => seen.push(status),
        other => panic!("{other}"),
    };
    world.ask(&vm, ActionKind::Start).await.unwrap();
    look().await;
    world.settle().await;
    look().await;
    world.ask(&vm, ActionKind::Reboot).await.unwrap();
    look().await;
    world.settle().await;
    world.ask(&vm, ActionKind::Stop).await.unwrap();
    look().await;
    world.settle().await;
    assert_eq!(
        seen,
        [
            InstanceStatus::Starting,
            InstanceStatus::Running,
            InstanceStatus::Restarting,
            InstanceStatus::Stopping
        ]
    );
    world.begin_image(&vm.volume).await.unwrap();
}

/// A volume that is being captured is busy: for a second image, for its instance's deletion, for
/// its own. Afterwards it is free.
#[tokio::test]
async fn a_busy_volume_is_refused_until_its_image_is_made() {
    let (world, vm, disk) = World::with_stopped().await;
    let first = world.begin_image(&vm.volume).await.unwrap().image.head.id;
    assert!(world.volume(&vm.volume).await.volume.busy);
    let why = refusal(world.begin_image(&vm.volume).await);
    assert!(matches!(why, Refusal::SourceVolumeBusy { .. }), "{why}");
    let why = refusal(world.region().instance_delete(world.ctx(), &vm.id).await);
    assert!(matches!(why, Refusal::SourceVolumeBusy { .. }), "{why}");
    let why = refusal(world.region().volume_delete(world.ctx(), &vm.volume).await);
    assert!(matches!(why, Refusal::VolumeAttached { .. }), "{why}");
    let why = refusal(world.region().volume_open(&vm.volume).await.map(drop));
    assert!(matches!(why, Refusal::VolumeState { busy: true, .. }), "{why}");

    world.settle().await;
    let second = world.capture(&vm.volume).await.image.head.id;
    for image in [first, second] {
        disk.same_as(&world.image_disk(&image).await, "the image").unwrap();
    }
}
