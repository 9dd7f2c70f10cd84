//! The story of the product at the level of use cases: a volume becomes an image, and the image
//! outlives everything that it was made of.

use model::{ImageEncryption, ImageStatus, Visibility};

use crate::world::{OS, World};

/// S2, S3, S5, S6, invariant 7: the image has the bytes, the capacity and the operating system of
/// the volume, and a new instance has them too.
#[tokio::test]
async fn an_image_of_a_volume_has_its_bytes_and_a_new_instance_boots_them() {
    let world = World::new().await;
    let vm = world.boot_and_stop(&world.facts.stock).await;
    let disk = world.guest_writes(&vm, world.facts.stock_disk.clone(), 11, 60).await;
    disk.same_as(&world.volume_disk(&vm.volume).await, "the volume").unwrap();

    let pending = world.begin_image(&vm.volume).await.unwrap().image;
    assert_eq!(pending.status, ImageStatus::Pending);
    assert!(pending.sealed.is_none());
    world.settle().await;

    let image = world.image(&pending.head.id).await.image;
    let volume = world.volume(&vm.volume).await.volume;
    assert_eq!(image.status, ImageStatus::Available);
    assert_eq!(image.status_reasons, []);
    assert_eq!(image.capacity, volume.capacity);
    assert_eq!(image.operating_system, OS);
    assert_eq!(image.visibility, Visibility::Private);
    assert_eq!(image.encryption, ImageEncryption::None);
    assert!(!volume.busy);
    disk.same_as(&world.image_disk(&image.head.id).await, "the image").unwrap();
    disk.same_as(&world.volume_disk(&vm.volume).await, "the volume after").unwrap();

    let second = world.boot_and_stop(&image.head.id).await;
    let booted = world.volume(&second.volume).await.volume;
    assert_eq!(booted.capacity, image.capacity);
    assert_eq!(booted.operating_system.as_deref(), Some(OS));
    disk.same_as(&world.volume_disk(&second.volume).await, "the second instance").unwrap();
}
