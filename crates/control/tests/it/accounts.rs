//! Two accounts in one region: neither sees, uses or disturbs what the other has.

use ectype_control::{ActionCreate, VolumeSource};
use meta::{ImageFilter, InstanceFilter, VolumeFilter};
use model::{ActionKind, ImagePatch, ImageStatus, Visibility};

use crate::world::{World, image_of, not_found, of_image, page};

/// S7: an image is private to its account and listed there as a custom one.
#[tokio::test]
async fn an_image_is_seen_by_its_account_alone() {
    let (world, vm, disk, image) = World::with_image().await;
    let (region, a, b) = (world.region(), &world.facts.a.ctx, &world.facts.b.ctx);
    let own = ImageFilter { remote: Some(false), ..ImageFilter::default() };
    let listed = region.images(a, own.clone(), page(10)).await.unwrap();
    assert_eq!(listed.total, 1);
    assert_eq!(listed.items[0].image.visibility, Visibility::Private);
    assert_eq!(region.images(b, own, page(10)).await.unwrap().total, 0);
    let all = region.images(b, ImageFilter::default(), page(10)).await.unwrap();
    assert!(all.items.iter().all(|view| view.image.visibility == Visibility::Public));

    assert!(not_found(&region.image(b, &image).await));
    assert!(not_found(&region.image_progress(b, &image).await));
    assert!(not_found(&region.image_storage(b, &image, true).await));
    assert!(not_found(&region.image_update(b, &image, ImagePatch::default()).await));
    assert!(not_found(&region.image_deprecate(b, &image).await));
    assert!(not_found(&region.image_obsolete(b, &image).await));
    assert!(not_found(&region.image_delete(b, &image).await));
    let boots = region.instance_create(b, world.wish(&world.facts.b, of_image(&image))).await;
    assert!(not_found(&boots));
    assert!(not_found(&region.image_create(b, image_of(&vm.volume)).await));

    assert_eq!(world.image(&image).await.image.status, ImageStatus::Available);
    disk.same_as(&world.image_disk(&image).await, "the image").unwrap();
}

/// S7: the same for volumes, instances, and networks that a request names.
#[tokio::test]
async fn volumes_instances_and_networks_are_used_by_their_account_alone() {
    let (world, vm, _) = World::with_stopped().await;
    let (region, b) = (world.region(), &world.facts.b);
    assert!(not_found(&region.volume(&b.ctx, &vm.volume).await));
    assert!(not_found(&region.volume_delete(&b.ctx, &vm.volume).await));
    assert!(not_found(&region.instance(&b.ctx, &vm.id).await));
    assert!(not_found(&region.instance_delete(&b.ctx, &vm.id).await));
    assert!(not_found(&region.console_log(&b.ctx, &vm.id, 0, 100).await));
    let start = ActionCreate { kind: ActionKind::Start, force: false };
    assert!(not_found(&region.instance_action(&b.ctx, &vm.id, start).await));
    let volumes = region.volumes(&b.ctx, VolumeFilter::default(), page(10)).await.unwrap();
    assert_eq!(volumes.total, 0);
    let instances = region.instances(&b.ctx, InstanceFilter::default(), page(10)).await.unwrap();
    assert_eq!(instances.total, 0);

    let stock = of_image(&world.facts.stock);
    let on_subnet = world.wish(&world.facts.a, stock.clone());
    assert!(not_found(&region.instance_create(&b.ctx, on_subnet).await));
    let mut with_key = world.wish(b, stock);
    with_key.keys = vec![world.facts.a.key.clone()];
    assert!(not_found(&region.instance_create(&b.ctx, with_key).await));
    let of_volume = world.wish(b, VolumeSource::Existing(vm.volume.clone()));
    assert!(not_found(&region.instance_create(&b.ctx, of_volume).await));
    let instances = region.instances(&b.ctx, InstanceFilter::default(), page(10)).await.unwrap();
    assert_eq!(instances.total, 0);
}
