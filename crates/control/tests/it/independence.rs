//! S11. Invariant 10: images and volumes do not need what they were made of.

use ectype_control::VolumeSource;
use model::{ImageStatus, ResourceName, VolumePatch};

use crate::world::{Vm, World, not_found, of_image};

async fn delete(world: &World, vm: &Vm) {
    world.region().instance_delete(world.ctx(), &vm.id).await.unwrap();
    world.settle().await;
    assert!(not_found(&world.region().instance(world.ctx(), &vm.id).await));
    assert!(not_found(&world.region().volume(world.ctx(), &vm.volume).await));
    assert!(!world.layers(&vm.volume).exists());
}

/// S11: the volume is updated and deleted, the image stays, and instances of it have its bytes.
#[tokio::test]
async fn an_image_outlives_its_instance_and_its_volume() {
    let (world, vm, disk, image) = World::with_image().await;
    let renamed = VolumePatch {
        name: Some(ResourceName::parse("renamed").unwrap()),
        ..VolumePatch::default()
    };
    let updated = world.region().volume_update(world.ctx(), &vm.volume, None, renamed).await;
    assert_eq!(updated.unwrap().volume.head.name.as_str(), "renamed");
    let source = world.image(&image).await.image.source_volume.unwrap();
    assert!(!source.deleted);
    assert_eq!(source.name, "renamed");

    delete(&world, &vm).await;
    let source = world.image(&image).await.image.source_volume.unwrap();
    assert!(source.deleted);
    assert_eq!((source.id, source.name.as_str()), (vm.volume.clone(), "renamed"));
    disk.same_as(&world.image_disk(&image).await, "the image").unwrap();

    for seed in [21, 22] {
        let next = world.boot_and_stop(&image).await;
        disk.same_as(&world.volume_disk(&next.volume).await, "a new instance").unwrap();
        let written = world.guest_writes(&next, disk.clone(), seed, 20).await;
        written.same_as(&world.volume_disk(&next.volume).await, "after writes").unwrap();
    }
    disk.same_as(&world.image_disk(&image).await, "the image after writes").unwrap();
}

/// S11: what the guest writes after the image was made is not in the image (invariant 8).
#[tokio::test]
async fn writes_after_the_capture_do_not_reach_the_image() {
    let (world, vm, disk, image) = World::with_image().await;
    let written = world.guest_writes(&vm, disk.clone(), 31, 60).await;
    assert!(written.same_as(&disk, "").is_err());
    written.same_as(&world.volume_disk(&vm.volume).await, "the volume").unwrap();
    disk.same_as(&world.image_disk(&image).await, "the image").unwrap();
}

/// Invariant 10: the image is deleted; volumes over it read, are written, and become images.
#[tokio::test]
async fn volumes_outlive_the_image_that_they_are_based_on() {
    let (world, vm, disk, image) = World::with_image().await;
    let next = world.boot_and_stop(&image).await;
    world.region().image_delete(world.ctx(), &image).await.unwrap();
    assert_eq!(world.image(&image).await.image.status, ImageStatus::Deleting);
    world.settle().await;
    assert!(not_found(&world.region().image(world.ctx(), &image).await));
    assert!(world.usage(&image).await.iter().all(|record| record.until.is_some()));
    world.restart().await;

    for (vm, seed) in [(&vm, 41), (&next, 42)] {
        disk.same_as(&world.volume_disk(&vm.volume).await, "the volume").unwrap();
        let written = world.guest_writes(vm, disk.clone(), seed, 20).await;
        let made = world.capture(&vm.volume).await.image.head.id;
        written.same_as(&world.image_disk(&made).await, "an image of it").unwrap();
    }
}

/// S5: the image's image: three generations, each with its own bytes, whatever is deleted.
#[tokio::test]
async fn images_of_instances_of_images_keep_their_bytes() {
    let (world, vm, disk, image) = World::with_image().await;
    let mut made = vec![(image, disk)];
    let mut instances = vec![vm];
    for seed in [51, 52] {
        let (image, disk) = made.last().unwrap().clone();
        let next = world.boot_and_stop(&image).await;
        let written = world.guest_writes(&next, disk, seed, 20).await;
        made.push((world.capture(&next.volume).await.image.head.id, written));
        instances.push(next);
    }
    for vm in &instances {
        delete(&world, vm).await;
    }
    let (last, disk) = made.pop().unwrap();
    for (image, disk) in made {
        disk.same_as(&world.image_disk(&image).await, "an older image").unwrap();
        world.region().image_delete(world.ctx(), &image).await.unwrap();
    }
    world.settle().await;
    disk.same_as(&world.image_disk(&last).await, "the last image").unwrap();
    let next = world.boot_and_stop(&last).await;
    disk.same_as(&world.volume_disk(&next.volume).await, "its instance").unwrap();
}

/// A kept boot volume boots again, with what was written to it.
#[tokio::test]
async fn a_volume_outlives_its_instance() {
    let (world, vm, disk) = World::with_stopped().await;
    world.keep_volume_and_delete(&vm).await;
    disk.same_as(&world.volume_disk(&vm.volume).await, "the volume").unwrap();
    let source = VolumeSource::Existing(vm.volume.clone());
    let next = world.create(world.wish(&world.facts.a, source)).await.unwrap();
    world.settle().await;
    world.stop(&next).await;
    disk.same_as(&world.volume_disk(&vm.volume).await, "in the next instance").unwrap();
    let other = of_image(&world.facts.stock);
    world.create(world.wish(&world.facts.a, other)).await.unwrap();
}
