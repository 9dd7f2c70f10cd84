//! Full re-encryption of an image: the same bytes, nothing shared, whatever fails on the way.

use std::collections::BTreeSet;

use async_trait::async_trait;
use base::ImageId;
use blocks::sealed::{RecordId, RootId};
use ectype_control::{Error, GcOptions};
use jobs::JobStatus;
use meta::{ImageStore, StoreGcStore};
use model::{ImageStatus, Refusal};

use crate::{
    disk::Disk,
    driven::{Story, every_failure, every_late_worker},
    ensure,
    world::{OPERATOR, Vm, World, refusal},
};

fn reached(world: &World, root: &str) -> BTreeSet<RecordId> {
    let mut out = BTreeSet::new();
    let root = RootId::parse(root).unwrap();
    world.chunks().walk(root, &mut |id, _| out.insert(id)).unwrap();
    out
}

async fn root_of(world: &World, image: &ImageId) -> String {
    world.image(image).await.image.sealed.unwrap().root_id
}

/// S11, invariant 10: the isolated image has its bytes and none of its base's records, nor its
/// old ones; the volume that is based on the old root reads on; once it is gone, so is the old
/// tree.
#[tokio::test]
async fn an_isolated_image_shares_nothing_and_the_old_tree_is_collected() {
    let (world, vm, disk, image) = World::with_image().await;
    let region = world.region();
    assert!(matches!(
        region.image_isolation(world.ctx(), &image).await,
        Err(Error::NotFound { .. })
    ));
    let before = root_of(&world, &image).await;
    let stock = root_of(&world, &world.facts.stock).await;
    let begun = region.image_isolate(world.ctx(), &image).await.unwrap();
    assert_eq!((begun.step, begun.root_id), ("running", None));
    // Asked twice, done once.
    region.image_isolate(world.ctx(), &image).await.unwrap();
    world.settle().await;
    let done = region.image_isolation(world.ctx(), &image).await.unwrap();
    let after = root_of(&world, &image).await;
    assert_eq!((done.step, done.from_root_id), ("done", Some(before.clone())));
    assert_eq!(done.root_id.as_deref(), Some(after.as_str()));
    assert_eq!(world.image(&image).await.image.stored, done.stored);
    let records = reached(&world, &after);
    assert!(records.is_disjoint(&reached(&world, &before)));
    assert!(records.is_disjoint(&reached(&world, &stock)));
    disk.same_as(&world.image_disk(&image).await, "the image").unwrap();
    disk.same_as(&world.volume_disk(&vm.volume).await, "the volume").unwrap();
    assert_eq!(world.events("is.image.image.update").await.len(), 1);

    world.keep_volume_and_delete(&vm).await;
    region.volume_delete(world.ctx(), &vm.volume).await.unwrap();
    world.settle().await;
    for _ in 0..2 {
        let all = GcOptions { grace_seconds: 0, repack_below_percent: 100, ..GcOptions::default() };
        region.store_gc(&all).await.unwrap();
        world.settle().await;
    }
    let index = world.chunks().index().unwrap();
    let left: BTreeSet<_> = index.into_iter().map(|entry| entry.id).collect();
    assert!(!left.contains(&RootId::parse(&before).unwrap().record()), "the old tree is gone");
    disk.same_as(&world.image_disk(&image).await, "after collections").unwrap();
    world.restart().await;
    disk.same_as(&world.image_disk(&image).await, "after a restart").unwrap();
    let next = world.boot_and_stop(&image).await;
    disk.same_as(&world.volume_disk(&next.volume).await, "an instance of it").unwrap();
}

#[tokio::test]
async fn only_ones_own_finished_image_is_isolated() {
    let (world, vm, _) = World::with_stopped().await;
    let region = world.region();
    let stock = region.image_isolate(world.ctx(), &world.facts.stock).await;
    assert!(matches!(refusal(stock), Refusal::ImagePublic { .. }));
    let pending = world.begin_image(&vm.volume).await.unwrap().image.head.id;
    let early = region.image_isolate(world.ctx(), &pending).await;
    assert!(matches!(refusal(early), Refusal::ImageState { status: ImageStatus::Pending, .. }));
    world.settle().await;
    let stranger = region.image_isolate(&world.facts.b.ctx, &pending).await;
    assert!(matches!(stranger, Err(Error::NotFound { .. })));
}

/// An image that is deleted while it is encrypted anew stays deleted and leaves nothing.
#[tokio::test]
async fn a_deleted_image_is_not_brought_back() {
    let (world, _, _, image) = World::with_image().await;
    let packs = world.chunks().packs().unwrap();
    world.region().image_isolate(world.ctx(), &image).await.unwrap();
    world.region().image_delete(world.ctx(), &image).await.unwrap();
    world.settle().await;
    assert!(world.store().image_any(OPERATOR, &image).await.is_err());
    assert!(!world.chunks().manifests().unwrap().contains(&image.to_string()));
    assert_eq!(world.chunks().packs().unwrap(), packs);
}

struct Isolate {
    world: World,
    vm: Vm,
    disk: Disk,
    image: ImageId,
    from: String,
}

#[async_trait]
impl Story for Isolate {
    const KIND: &'static str = "image_isolate";

    async fn fresh() -> Self {
        let (world, vm, disk, image) = World::with_image().await;
        let from = root_of(&world, &image).await;
        Self { world, vm, disk, image, from }
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn begin(&self) -> String {
        self.world.region().image_isolate(self.world.ctx(), &self.image).await.unwrap();
        self.image.to_string()
    }

    /// Invariants 11 and 13, for a re-encryption that dies anywhere: the image has the old root
    /// or the new one, its bytes, and a manifest that says so; nothing else is left.
    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        let world = &self.world;
        let root = root_of(world, &self.image).await;
        ensure!((root == self.from) != (ended == JobStatus::Succeeded), "{ended:?}: {root}");
        self.disk.same_as(&world.image_disk(&self.image).await, "the image")?;
        self.disk.same_as(&world.volume_disk(&self.vm.volume).await, "the volume")?;
        let found = world.region().images_found().await.unwrap();
        ensure!(found.len() == 2, "{} manifests", found.len());
        for _ in 0..3 {
            let all =
                GcOptions { grace_seconds: 0, repack_below_percent: 100, ..GcOptions::default() };
            world.region().store_gc(&all).await.unwrap();
            world.settle().await;
        }
        let quiet = ectype_control::Errand::quiet(None);
        let stats = world.region().upkeep().stats(&quiet).await.unwrap();
        ensure!(stats.unreachable_bytes == 0 && stats.missing_records == 0, "{stats:?}");
        let snapshot = world.store().gc_snapshot(OPERATOR).await.unwrap();
        ensure!(snapshot.oldest_open.is_none(), "an operation is open");
        self.disk.same_as(&world.image_disk(&self.image).await, "after collections")
    }
}

#[tokio::test]
async fn every_step_of_a_re_encryption_can_fail_repeat_be_cancelled_and_crash() {
    let cases = every_failure::<Isolate>().await.expect_clean();
    let late = every_late_worker::<Isolate>().await.expect_clean();
    println!("crash matrix of a re-encryption: {cases} cases, {late} with a late worker");
    assert!(cases > 20, "{cases}");
}
