//! The chunk store's upkeep in a region: what a deleted image leaves goes away, nothing that is
//! needed does, whatever happens in between.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use base::{ImageId, SeededEntropy};
use blocks::sealed::PackRef;
use ectype_control::{
    Errand, FoundState, GcOptions, GcReport, StoreJob, UpkeepError, VerifyReport,
};
use jobs::JobStatus;
use meta::{ImageStore, JobStore, StoreGcStore};

use crate::{
    disk::Disk,
    driven::{Story, every_failure, every_late_worker},
    ensure,
    world::{OPERATOR, Vm, World},
};

/// Everything at once: no grace, and packs with anything unneeded are repacked.
fn all() -> GcOptions {
    GcOptions { grace_seconds: 0, repack_below_percent: 100, ..GcOptions::default() }
}

async fn collect(world: &World, options: &GcOptions) -> StoreJob {
    let region = world.region();
    let id = region.store_gc(options).await.unwrap();
    world.settle().await;
    region.store_job(&id).await.unwrap()
}

async fn collected(world: &World, options: &GcOptions) -> GcReport {
    let job = collect(world, options).await;
    assert_eq!(job.succeeded, Some(true), "{:?}", job.error);
    serde_json::from_value(job.report).unwrap()
}

async fn verified(world: &World) -> VerifyReport {
    world.region().upkeep().verify(&Errand::quiet(None)).await.unwrap()
}

fn packs(world: &World) -> BTreeSet<PackRef> {
    world.chunks().packs().unwrap().into_iter().map(|(pack, _)| pack).collect()
}

async fn delete(world: &World, image: &ImageId) {
    world.region().image_delete(world.ctx(), image).await.unwrap();
    world.settle().await;
}

/// Invariant 15: two runs after the last need of an image is gone, its bytes are too; and the
/// images that shared with it read on.
#[tokio::test]
async fn the_packs_of_a_deleted_image_go_with_the_second_collection() {
    let (world, vm, disk, image) = World::with_image().await;
    let before = packs(&world);
    delete(&world, &image).await;
    // Its volume is based on it.
    collected(&world, &all()).await;
    collected(&world, &all()).await;
    disk.same_as(&world.volume_disk(&vm.volume).await, "the volume").unwrap();
    world.keep_volume_and_delete(&vm).await;
    world.region().volume_delete(world.ctx(), &vm.volume).await.unwrap();
    world.settle().await;
    let first = collected(&world, &all()).await;
    assert!(first.dead_packs > 0, "{first:?}");
    let second = collected(&world, &all()).await;
    assert!(second.deleted_packs > 0 && second.unreachable_bytes == 0, "{second:?}");
    assert_ne!(packs(&world), before);
    let stock = world.image_disk(&world.facts.stock).await;
    world.facts.stock_disk.same_as(&stock, "the stock image").unwrap();
    let stats = world.region().upkeep().stats(&Errand::quiet(None)).await.unwrap();
    assert_eq!((stats.unreachable_bytes, stats.condemned_packs, stats.roots), (0, 0, 1));
    assert!(verified(&world).await.is_clean());
}

#[tokio::test]
async fn a_dead_pack_waits_for_its_grace() {
    let (world, vm, _, image) = World::with_image().await;
    delete(&world, &image).await;
    world.keep_volume_and_delete(&vm).await;
    world.region().volume_delete(world.ctx(), &vm.volume).await.unwrap();
    world.settle().await;
    let day = GcOptions { repack_below_percent: 0, ..GcOptions::default() };
    let first = collected(&world, &day).await;
    assert!(first.dead_packs > 0 && first.deleted_packs == 0);
    let plan = world.region().upkeep().gc_plan(&day, &Errand::quiet(None)).await.unwrap();
    assert!(plan.delete.is_empty() && plan.condemn.is_empty());
    assert_eq!(collected(&world, &day).await.deleted_packs, 0);
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    let plan = world.region().upkeep().gc_plan(&day, &Errand::quiet(None)).await.unwrap();
    assert_eq!(plan.delete.len() as u64, first.dead_packs);
    assert_eq!(collected(&world, &day).await.deleted_packs, first.dead_packs);
}

/// Invariant 14, as a job: it fails, names the node, and deletes nothing.
#[tokio::test]
async fn a_collection_that_cannot_read_a_node_deletes_nothing() {
    let (world, _, _, image) = World::with_image().await;
    delete(&world, &image).await;
    collected(&world, &GcOptions { repack_below_percent: 0, ..all() }).await;
    let before = packs(&world);
    let node = before.iter().find(|pack| pack.object_key().contains("/node/")).unwrap();
    let path = world.path("store").join(node.object_key());
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[200] ^= 1;
    std::fs::write(&path, bad).unwrap();
    world.restart().await;
    let job = collect(&world, &all()).await;
    let why = job.error.unwrap();
    assert_eq!(job.succeeded, Some(false));
    assert!(why.contains("node") || why.contains("pack"), "{why}");
    assert_eq!(packs(&world), before);
    // Invariant 18: a scrub names the pack, and verification the images.
    let report = verified(&world).await;
    assert!(report.damage.iter().all(|damage| damage.pack == node.object_key()), "{report:?}");
    assert!(report.hurt.iter().any(|hurt| !hurt.holders.is_empty()), "{report:?}");
    let id = world.region().store_scrub(None).await.unwrap();
    world.settle().await;
    assert_eq!(world.region().store_job(&id).await.unwrap().succeeded, Some(true));
    assert!(!world.store().quarantined(OPERATOR).await.unwrap().is_empty());
    std::fs::write(&path, good).unwrap();
    world.restart().await;
    assert!(verified(&world).await.is_clean());
    world.region().store_scrub(None).await.unwrap();
    world.settle().await;
    assert!(world.store().quarantined(OPERATOR).await.unwrap().is_empty(), "it is whole again");
    collected(&world, &all()).await;
}

/// Twice the volume was changed and captured; one image is gone, one is between.
struct Collection {
    world: World,
    vm: Vm,
    disk: Disk,
    kept: ImageId,
    kept_disk: Disk,
}

#[async_trait]
impl Story for Collection {
    const KIND: &'static str = "store_gc";

    async fn fresh() -> Self {
        let (world, vm, disk, image) = World::with_image().await;
        let kept_disk = world.guest_writes(&vm, disk, 9, 10).await;
        let kept = world.capture(&vm.volume).await.image.head.id;
        let disk = world.guest_writes(&vm, kept_disk.clone(), 10, 10).await;
        let last = world.capture(&vm.volume).await.image.head.id;
        delete(&world, &image).await;
        delete(&world, &last).await;
        // So that the run of the story has something to delete as well.
        collected(&world, &GcOptions { repack_below_percent: 0, ..all() }).await;
        Self { world, vm, disk, kept, kept_disk }
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn begin(&self) -> String {
        // Later than the run before it: the newest job is the story's.
        self.world.clock.advance(Duration::from_secs(1));
        self.world.region().store_gc(&all()).await.unwrap();
        "store".to_owned()
    }

    /// Invariants 13 and 15, for a run that dies anywhere.
    async fn check(&self, _: JobStatus) -> Result<(), String> {
        for round in 0..3 {
            self.disk.same_as(&self.world.volume_disk(&self.vm.volume).await, "the volume")?;
            self.kept_disk.same_as(&self.world.image_disk(&self.kept).await, "the image")?;
            if round < 2 {
                collected(&self.world, &all()).await;
            }
        }
        let stats = self.world.region().upkeep().stats(&Errand::quiet(None)).await.unwrap();
        ensure!(stats.unreachable_bytes == 0, "{stats:?}");
        ensure!(stats.missing_records == 0, "{stats:?}");
        Ok(())
    }
}

#[tokio::test]
async fn every_step_of_a_collection_can_fail_repeat_be_cancelled_and_crash() {
    let cases = every_failure::<Collection>().await.expect_clean();
    let late = every_late_worker::<Collection>().await.expect_clean();
    println!("crash matrix of a collection: {cases} cases, {late} with a late worker");
    assert!(cases > 20, "{cases}");
}

/// Everything that must be readable, and whatever happens to a region.
struct Chance {
    world: World,
    random: SeededEntropy,
    vms: Vec<(Vm, Disk)>,
    images: Vec<(ImageId, Disk)>,
}

impl Chance {
    fn pick(&self, below: usize) -> usize {
        (self.random.next_u64() % below as u64) as usize
    }

    async fn step(&mut self) {
        match self.pick(10) {
            0..=2 => self.capture().await,
            3 | 4 if !self.images.is_empty() => {
                let at = self.pick(self.images.len());
                let (image, _) = self.images.swap_remove(at);
                self.world.region().image_delete(self.world.ctx(), &image).await.unwrap();
            }
            5 => self.provision().await,
            6 if self.vms.len() > 1 => {
                let at = self.pick(self.vms.len());
                let (vm, _) = self.vms.swap_remove(at);
                self.world.settle().await;
                self.world.keep_volume_and_delete(&vm).await;
                self.world.region().volume_delete(self.world.ctx(), &vm.volume).await.unwrap();
            }
            7 => self.world.restart().await,
            _ => {
                let below = [0, 50, 100][self.pick(3)];
                let options = GcOptions { repack_below_percent: below, ..all() };
                self.world.region().store_gc(&options).await.unwrap();
            }
        }
        // Jobs that are under way when the next thing happens, or not.
        if self.pick(2) == 0 {
            self.world.region().jobs_drain().await.unwrap();
        }
    }

    async fn capture(&mut self) {
        self.world.settle().await;
        let at = self.pick(self.vms.len());
        let (vm, disk) = self.vms[at].clone();
        let disk = self.world.guest_writes(&vm, disk, self.random.next_u64(), 5).await;
        self.vms[at].1 = disk.clone();
        let image = self.world.begin_image(&vm.volume).await.unwrap().image.head.id;
        if self.pick(4) > 0 {
            self.world.settle().await;
        }
        self.images.push((image, disk));
    }

    async fn provision(&mut self) {
        self.world.settle().await;
        if self.images.is_empty() || self.vms.len() > 3 {
            return;
        }
        let (image, disk) = self.images[self.pick(self.images.len())].clone();
        let vm = self.world.boot_and_stop(&image).await;
        self.vms.push((vm, disk));
    }

    async fn check(&self, what: &str) {
        self.world.settle().await;
        for (vm, disk) in &self.vms {
            disk.same_as(&self.world.volume_disk(&vm.volume).await, what).unwrap();
        }
        for (image, disk) in &self.images {
            disk.same_as(&self.world.image_disk(image).await, what).unwrap();
        }
    }
}

/// Invariant 13: no interleaving of create, delete, provision, collection, repack and crash
/// deletes what a root reaches. `ECTYPE_SEEDS=N` runs more.
#[tokio::test]
async fn no_interleaving_with_collections_loses_anything() {
    let seeds = std::env::var("ECTYPE_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3_u64);
    for seed in 0..seeds {
        let (world, vm, disk) = World::with_stopped().await;
        let random = SeededEntropy::new(seed);
        let mut chance = Chance { world, random, vms: vec![(vm, disk)], images: Vec::new() };
        for step in 0..25 {
            chance.step().await;
            if step % 8 == 7 {
                chance.check(&format!("seed {seed}, step {step}")).await;
            }
        }
        chance.check(&format!("seed {seed}, end")).await;
        collected(&chance.world, &all()).await;
        let last = collected(&chance.world, &all()).await;
        assert_eq!(last.unreachable_bytes, 0, "seed {seed}: {last:?}");
        assert_eq!(last.missing_records, 0, "seed {seed}");
        chance.check(&format!("seed {seed}, collected")).await;
    }
}

/// The database is lost: images come back for another account, and nothing is collected before
/// the operator has confirmed the roots.
#[tokio::test]
async fn images_are_recovered_into_an_empty_database() {
    let (world, _, disk, image) = World::with_image().await;
    let before = packs(&world);
    let newest = before.iter().map(|pack| pack.op_sequence).max().unwrap();
    world.store().close().await;
    for file in ["database", "database-wal", "database-shm"] {
        let _ = std::fs::remove_file(world.path(file));
    }
    world.reopen().await;
    let region = world.region();
    region.recovery_begin().await.unwrap();
    let found = region.images_found().await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|image| image.state == FoundState::Adoptable));
    let ours = found.iter().find(|found| found.id == image.as_str()).unwrap();
    let nobody = region.image_adopt(ours, None).await.unwrap_err();
    assert!(nobody.to_string().contains("account"), "{nobody}");
    let account = region.account_create("finder").await.unwrap().account;
    for found in &found {
        let adopted = region.image_adopt(found, Some(&account)).await.unwrap();
        assert_eq!(adopted.id, found.id);
    }
    disk.same_as(&world.image_disk(&image).await, "the recovered image").unwrap();
    let stock = world.image_disk(&world.facts.stock).await;
    world.facts.stock_disk.same_as(&stock, "the recovered stock image").unwrap();
    let view = world.store().image_any(OPERATOR, &image).await.unwrap();
    assert_eq!(view.image.head.account, account);
    let again = region.images_found().await.unwrap();
    assert!(again.iter().all(|image| image.state == FoundState::Known));
    // Numbers go on above those in the store, or a new capture would tidy old packs away.
    assert!(world.store().sequence_next(OPERATOR).await.unwrap() > newest);
    assert!(matches!(region.store_gc(&all()).await, Err(UpkeepError::Off)));
    region.store_roots_confirm().await.unwrap();
    collected(&world, &all()).await;
    collected(&world, &all()).await;
    disk.same_as(&world.image_disk(&image).await, "after collections").unwrap();
    world.restart().await;
    disk.same_as(&world.image_disk(&image).await, "after a restart").unwrap();
}

/// A database that was put back from an older copy: its numbers are behind the store's.
#[tokio::test]
async fn an_older_database_collects_nothing_and_reuses_no_number() {
    let (world, vm, disk) = World::with_stopped().await;
    world.store().close().await;
    let copy = std::fs::read(world.path("database")).unwrap();
    world.restart().await;
    let image = world.capture(&vm.volume).await.image.head.id;
    let newest = packs(&world).iter().map(|pack| pack.op_sequence).max().unwrap();
    world.store().close().await;
    for file in ["database-wal", "database-shm"] {
        let _ = std::fs::remove_file(world.path(file));
    }
    std::fs::write(world.path("database"), copy).unwrap();
    world.reopen().await;
    let job = collect(&world, &all()).await;
    assert_eq!(job.succeeded, Some(false));
    assert!(job.error.unwrap().contains("--confirm-roots"));
    let region = world.region();
    let found = region.images_found().await.unwrap();
    let lost = found.iter().find(|found| found.id == image.as_str()).unwrap();
    assert_eq!(lost.state, FoundState::Adoptable);
    region.image_adopt(lost, None).await.unwrap();
    disk.same_as(&world.image_disk(&image).await, "the image").unwrap();
    assert!(world.store().sequence_next(OPERATOR).await.unwrap() > newest);
}

/// Lets a little time pass while jobs run that keep to a rate.
async fn settle_in_time(world: &World) {
    let clock = world.clock.clone();
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    let time = std::thread::spawn(move || {
        while !end.load(Ordering::Relaxed) {
            clock.advance(Duration::from_millis(1));
            std::thread::yield_now();
        }
    });
    world.region().jobs_drain().await.unwrap();
    ended.store(true, Ordering::Relaxed);
    time.join().unwrap();
}

#[tokio::test]
async fn the_region_collects_daily_and_scrubs_monthly() {
    let world = World::new().await;
    let jobs = |kind: &'static str| {
        let store = world.store();
        async move { store.job_of(OPERATOR, "store", kind).await.unwrap().map(|job| job.id) }
    };
    let region = world.region();
    region.upkeep_due().await.unwrap();
    settle_in_time(&world).await;
    let first = (jobs("store_gc").await.unwrap(), jobs("store_scrub").await.unwrap());
    let upkeep = world.store().store_upkeep(OPERATOR).await.unwrap();
    assert!(upkeep.gc_finished_at.is_some() && upkeep.scrub_finished_at.is_some());
    region.upkeep_due().await.unwrap();
    assert_eq!(jobs("store_gc").await.unwrap(), first.0);
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    region.upkeep_due().await.unwrap();
    settle_in_time(&world).await;
    assert_ne!(jobs("store_gc").await.unwrap(), first.0);
    assert_eq!(jobs("store_scrub").await.unwrap(), first.1);
    world.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
    region.upkeep_due().await.unwrap();
    assert_ne!(jobs("store_scrub").await.unwrap(), first.1);
}
