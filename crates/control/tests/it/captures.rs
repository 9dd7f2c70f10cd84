//! Captures: what they store, how they are told, cancelled and resumed.

use std::time::Duration;

use base::ByteCount;
use blocks::CHUNK_SIZE;
use jobs::JobStatus;
use model::{ImageStatus, ImageStatusReason, Outcome, Refusal};

use crate::{
    after_capture::Asked,
    objects::Fault,
    process::Options,
    world::{World, not_found, refusal},
};

/// Invariant 29: a capture costs what was written since the one before, not what the disk holds.
#[tokio::test]
async fn the_next_capture_of_a_volume_stores_what_was_written_since() {
    let (world, vm, disk, first) = World::with_image().await;
    let first = world.image(&first).await.image;
    let unchanged = world.capture(&vm.volume).await.image;
    assert_eq!(unchanged.logical, first.logical);
    assert!(unchanged.stored.unwrap() < ByteCount(64 << 10), "{:?}", unchanged.stored);

    let few = world.guest_writes(&vm, disk, 61, 2).await;
    let second = world.capture(&vm.volume).await.image;
    // Two writes touch at most two chunks each, and the nodes above them.
    let most = ByteCount(4 * CHUNK_SIZE + (64 << 10));
    assert!(second.stored.unwrap() > unchanged.stored.unwrap());
    assert!(second.stored.unwrap() < most, "{:?}", second.stored);
    few.same_as(&world.image_disk(&second.head.id).await, "the second").unwrap();

    let many = world.guest_writes(&vm, few, 62, 60).await;
    let third = world.capture(&vm.volume).await.image;
    assert!(third.stored.unwrap() > second.stored.unwrap());
    many.same_as(&world.image_disk(&third.head.id).await, "the third").unwrap();
    let storage = world.region().image_storage(world.ctx(), &third.head.id, false).await.unwrap();
    assert_eq!(storage.stored, third.stored);
    assert_eq!(storage.root_id, third.sealed.map(|sealed| sealed.root_id));
}

/// The life of a capture as its caller sees it: queued, in progress, done, with true bytes.
#[tokio::test]
async fn a_capture_tells_how_far_it_is() {
    let (world, vm, _) = World::with_stopped().await;
    let queued = world.begin_image(&vm.volume).await.unwrap().image;
    let id = queued.head.id;
    assert_eq!(queued.status_reasons, [ImageStatusReason::ImageRequestQueued]);
    let region = world.region();
    let progress = region.image_progress(world.ctx(), &id).await.unwrap();
    assert_eq!((progress.step, progress.started_at), ("queued", None));
    world.settle().await;
    let image = world.image(&id).await.image;
    let progress = region.image_progress(world.ctx(), &id).await.unwrap();
    assert_eq!(progress.step, "done");
    assert!(progress.chunks_total > 0);
    assert_eq!(progress.chunks_done, progress.chunks_total);
    assert_eq!(progress.bytes_stored, image.stored.unwrap());
    assert!(progress.started_at.is_some());
    assert_eq!(progress.eta_seconds, None);
    // A server that was started since knows what the row says.
    world.restart().await;
    let progress = world.region().image_progress(world.ctx(), &id).await.unwrap();
    assert_eq!((progress.step, progress.bytes_stored), ("done", image.stored.unwrap()));
}

/// Deletes a pending image; when all is settled nothing of it is there.
async fn cancelled(world: &World, asked: &Asked) {
    world.region().image_delete(world.ctx(), &asked.image).await.unwrap();
    assert_eq!(world.image(&asked.image).await.image.status, ImageStatus::Deleting);
    let again = refusal(world.region().image_delete(world.ctx(), &asked.image).await);
    assert!(matches!(again, Refusal::ImageState { .. }), "{again}");
    settled_as_cancelled(world, asked).await;
}

async fn settled_as_cancelled(world: &World, asked: &Asked) {
    world.settle().await;
    assert!(not_found(&world.region().image(world.ctx(), &asked.image).await));
    let capture = world.job(&asked.image, "image_capture").await.progress;
    assert_eq!(capture.status, JobStatus::Cancelled);
    asked.nothing_stored(world).await.unwrap();
    let own = world.events("is.image.image.create").await;
    assert!(own.iter().all(|event| event.outcome == Outcome::Success), "{own:?}");
    assert_eq!(world.events("is.image.image.delete").await.len(), 1);
    asked.again(world).await.unwrap();
}

/// A queued image that is deleted is never made.
#[tokio::test]
async fn deleting_a_queued_image_cancels_it_and_leaves_nothing() {
    let (world, vm, disk) = World::with_stopped().await;
    let asked = Asked::begin(&world, &vm, &disk).await;
    cancelled(&world, &asked).await;
}

/// The same between two attempts of its capture, whichever object failed.
#[tokio::test]
async fn deleting_an_image_that_is_being_sealed_cancels_it_and_leaves_nothing() {
    for at in 0..3 {
        let options = Options { faulty_objects: true, ..Options::default() };
        let (world, vm, disk) = World::with_stopped_and(options).await;
        let objects = world.objects.as_ref().unwrap();
        objects.order(Some(Fault::Once(at)));
        let asked = Asked::begin(&world, &vm, &disk).await;
        world.region().jobs_drain().await.unwrap();
        let job = world.job(&asked.image, "image_capture").await.progress;
        assert_eq!(job.status, JobStatus::Queued, "put {at} failed: the job is put off");
        cancelled(&world, &asked).await;
    }
}

/// Deleted while its packs are written: the heartbeat of the lease hears of it.
#[tokio::test]
async fn deleting_an_image_while_its_packs_are_written_cancels_it() {
    let options = Options { faulty_objects: true, ..Options::default() };
    let (world, vm, disk) = World::with_stopped_and(options).await;
    let objects = world.objects.as_ref().unwrap();
    objects.order(Some(Fault::Hold(1)));
    let asked = Asked::begin(&world, &vm, &disk).await;
    let region = world.region();
    let drain = tokio::spawn(async move { region.jobs_drain().await.unwrap() });
    objects.reached(1).await;
    world.region().image_delete(world.ctx(), &asked.image).await.unwrap();
    world.clock.advance(jobs::HEARTBEAT);
    // A heartbeat of real time passes before the disk answers.
    tokio::time::sleep(jobs::HEARTBEAT + Duration::from_millis(200)).await;
    objects.order(None);
    drain.await.unwrap();
    settled_as_cancelled(&world, &asked).await;
}

/// A worker that hangs on its disk loses its lease with its server; the next server takes the job
/// up, waits until the layer is let go, and the late worker spoils nothing.
#[tokio::test]
async fn a_worker_that_hangs_over_the_end_of_its_server_spoils_nothing() {
    for at in 0..3 {
        let options = Options { faulty_objects: true, ..Options::default() };
        let (world, vm, disk) = World::with_stopped_and(options).await;
        let objects = world.objects.as_ref().unwrap();
        objects.order(Some(Fault::Hold(at)));
        let asked = Asked::begin(&world, &vm, &disk).await;
        let region = world.region();
        let late = tokio::spawn(async move { region.jobs_drain().await });
        objects.reached(at).await;
        world.restart().await;
        if at < 2 {
            world.region().jobs_drain().await.unwrap();
            let job = world.job(&asked.image, "image_capture").await.progress;
            assert_eq!(job.status, JobStatus::Queued, "{:?}", job.last_error);
        }
        objects.order(None);
        let late = late.await.unwrap();
        assert!(late.is_err(), "the log is closed for it: {late:?}");
        world.settle().await;
        let seen = asked.available(&world).await;
        seen.unwrap_or_else(|wrong| panic!("hung at put {at}: {wrong}"));
    }
}

/// The server ends in the middle of a capture; the next one takes it up at once and finishes it.
#[tokio::test]
async fn a_capture_goes_on_after_a_restart_of_the_server() {
    let options = Options { faulty_objects: true, ..Options::default() };
    let (world, vm, disk) = World::with_stopped_and(options).await;
    world.objects.as_ref().unwrap().order(Some(Fault::Once(1)));
    let asked = Asked::begin(&world, &vm, &disk).await;
    world.region().jobs_drain().await.unwrap();
    world.restart().await;
    assert_eq!(world.image(&asked.image).await.image.status, ImageStatus::Pending);
    assert!(world.volume(&vm.volume).await.volume.busy);
    world.settle().await;
    asked.available(&world).await.unwrap();
}

/// The jobs of a process that died in the middle of one are due at once, not after its lease.
#[tokio::test]
async fn jobs_of_a_dead_server_are_taken_up_at_once() {
    let (world, vm, disk) = World::with_stopped().await;
    let asked = Asked::begin(&world, &vm, &disk).await;
    // A worker of this process claims the job, and the process dies under it.
    let claim = jobs::Claim {
        owner: &format!("{}-dead-0", crate::process::HOST),
        host: crate::process::HOST,
        now: base::Clock::wall(&*world.clock),
        lease_until: base::Clock::wall(&*world.clock).plus(jobs::LEASE),
    };
    jobs::JobLog::claim(&*world.store(), claim).await.unwrap().unwrap();
    assert_eq!(world.region().jobs_drain().await.unwrap(), 0, "another worker has it");
    world.restart().await;
    assert_eq!(world.region().jobs_drain().await.unwrap(), 1);
    asked.available(&world).await.unwrap();
}

/// Damage in the write layer is found before it can become an image, and is told.
#[tokio::test]
async fn a_damaged_write_layer_fails_the_capture_with_its_reason() {
    let (world, vm, _) = World::with_stopped().await;
    damage(&world.layers(&vm.volume));
    let image = world.capture(&vm.volume).await.image;
    assert_eq!(image.status, ImageStatus::Failed);
    assert_eq!(image.status_reasons, [ImageStatusReason::ImageDataCorrupted]);
    assert!(!world.volume(&vm.volume).await.volume.busy);
    assert!(world.usage(&image.head.id).await.is_empty());
}

/// Flips one byte of data at rest.
fn damage(layers: &std::path::Path) {
    use std::os::unix::fs::FileExt;
    let data = std::fs::read_dir(layers)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("data"))
        .unwrap_or_else(|| panic!("no data file in {}", layers.display()));
    let file = std::fs::File::options().read(true).write(true).open(&data).unwrap();
    let length = file.metadata().unwrap().len();
    let mut at = 0;
    let mut byte = [0; 1];
    while byte[0] == 0 && at < length {
        file.read_exact_at(&mut byte, at).unwrap();
        at += 1;
    }
    file.write_all_at(&[byte[0] ^ 1], at - 1).unwrap();
}

/// The workers of a region capture by themselves, several volumes at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_regions_workers_make_images_side_by_side() {
    let world = World::new().await;
    let mut asked = Vec::new();
    for seed in 81..84 {
        let vm = world.boot_and_stop(&world.facts.stock).await;
        let disk = world.guest_writes(&vm, world.facts.stock_disk.clone(), seed, 20).await;
        asked.push(Asked::begin(&world, &vm, &disk).await);
    }
    let workers = world.region().work();
    for one in &asked {
        while world.image(&one.image).await.image.status == ImageStatus::Pending {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    workers.stop(Duration::from_secs(10)).await;
    world.settle().await;
    for one in &asked {
        one.available(&world).await.unwrap();
    }
}
