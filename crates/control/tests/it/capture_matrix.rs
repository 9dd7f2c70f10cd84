//! The capture job under every failure: of its steps, its undos, its process and its disk.

use std::sync::OnceLock;

use async_trait::async_trait;
use jobs::JobStatus;
use model::ImageStatusReason;

use crate::{
    after_capture::Asked,
    disk::Disk,
    driven::{Story, every_failure, every_late_worker},
    objects::Fault,
    process::Options,
    world::{Vm, World},
};

struct Capture {
    world: World,
    vm: Vm,
    disk: Disk,
    asked: OnceLock<Asked>,
}

#[async_trait]
impl Story for Capture {
    const KIND: &'static str = "image_capture";

    async fn fresh() -> Self {
        let (world, vm, disk) = World::with_stopped().await;
        Self { world, vm, disk, asked: OnceLock::new() }
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn begin(&self) -> String {
        let asked = Asked::begin(&self.world, &self.vm, &self.disk).await;
        self.asked.get_or_init(|| asked).image.to_string()
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        let asked = self.asked.get().unwrap();
        if ended == JobStatus::Succeeded {
            return asked.available(&self.world).await;
        }
        asked.failed(&self.world).await?;
        asked.again(&self.world).await
    }
}

/// Invariants 7, 8, 9, 11 and 12: at whichever place the job fails, is repeated, killed or
/// cancelled, there is exactly one image or nothing, and the volume holds what it held.
#[tokio::test]
async fn every_step_of_a_capture_can_fail_repeat_be_cancelled_and_crash() {
    let cases = every_failure::<Capture>().await.expect_clean();
    println!("crash matrix of image_capture: {cases} cases");
    assert!(cases > 60, "{cases}");
}

/// Invariant 24: a worker whose lease ended changes nothing any more.
#[tokio::test]
async fn a_late_worker_of_a_capture_changes_nothing() {
    let cases = every_late_worker::<Capture>().await.expect_clean();
    println!("late workers of image_capture: {cases} cases");
    assert_eq!(cases, 7);
}

fn faulty() -> Options {
    Options { faulty_objects: true, ..Options::default() }
}

/// How many objects a capture stores.
async fn puts_of_a_capture() -> u64 {
    let (world, vm, _) = World::with_stopped_and(faulty()).await;
    let objects = world.objects.as_ref().unwrap();
    objects.order(None);
    world.capture(&vm.volume).await;
    objects.puts()
}

/// Invariants 11 and 12: an object that is not stored, or whose answer is lost, also with a
/// process that dies of it, costs a retry and nothing else.
#[tokio::test]
async fn a_put_that_fails_once_is_healed_by_a_retry() {
    let puts = puts_of_a_capture().await;
    assert!(puts >= 3, "{puts} puts: data, nodes, manifest");
    for at in 0..puts {
        for (fault, dies) in [
            (Fault::Once(at), false),
            (Fault::Once(at), true),
            (Fault::AnswerLost(at), false),
            (Fault::AnswerLost(at), true),
        ] {
            let (world, vm, disk) = World::with_stopped_and(faulty()).await;
            world.objects.as_ref().unwrap().order(Some(fault));
            let asked = Asked::begin(&world, &vm, &disk).await;
            world.region().jobs_drain().await.unwrap();
            if dies {
                world.restart().await;
            }
            world.settle().await;
            let what = format!("{fault:?}, dies: {dies}");
            asked.available(&world).await.unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
        }
    }
}

/// Invariant 6: a disk that is full from some object on fails the capture with a reason that its
/// job tells; the volume is untouched and can be captured once there is room.
#[tokio::test]
async fn a_full_disk_fails_the_capture_and_leaves_the_volume_alone() {
    for at in 0..puts_of_a_capture().await {
        let (world, vm, disk) = World::with_stopped_and(faulty()).await;
        let objects = world.objects.as_ref().unwrap();
        objects.order(Some(Fault::FullFrom(at)));
        let asked = Asked::begin(&world, &vm, &disk).await;
        world.region().jobs_drain().await.unwrap();
        let reasons = world.image(&asked.image).await.image.status_reasons;
        assert_eq!(reasons, [ImageStatusReason::ImageRequestInProgress], "full at {at}");
        world.settle().await;
        asked.failed(&world).await.unwrap_or_else(|wrong| panic!("full at {at}: {wrong}"));
        let job = world.job(&asked.image, "image_capture").await.progress;
        assert_eq!(job.status, JobStatus::Failed);
        assert_eq!(job.failure.unwrap().code, "no_space", "full at {at}");
        objects.order(None);
        asked.again(&world).await.unwrap();
    }
}

/// A disk that has room again before the attempts run out costs time and nothing else.
#[tokio::test]
async fn a_disk_that_has_room_again_lets_the_capture_end() {
    let (world, vm, disk) = World::with_stopped_and(faulty()).await;
    let objects = world.objects.as_ref().unwrap();
    objects.order(Some(Fault::FullFrom(1)));
    let asked = Asked::begin(&world, &vm, &disk).await;
    for _ in 0..4 {
        world.region().jobs_drain().await.unwrap();
        world.clock.advance(jobs::BACKOFF_MAX);
    }
    objects.order(None);
    world.settle().await;
    asked.available(&world).await.unwrap();
}
