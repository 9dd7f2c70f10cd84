//! A start that is asked for while a volume of the instance becomes an image.

use compute::{GuestState, Hypervisor};
use model::{ActionKind, ActionStatus, InstanceAction, InstanceStatus, InstanceStatusReason};

use crate::{
    after_capture::Asked,
    disk::Disk,
    objects::Fault,
    process::Options,
    world::{Vm, World},
};

async fn waiting(options: Options) -> (World, Vm, Disk, Asked, InstanceAction) {
    let (world, vm, disk) = World::with_stopped_and(options).await;
    let asked = Asked::begin(&world, &vm, &disk).await;
    let action = world.ask(&vm, ActionKind::Start).await.unwrap();
    assert_eq!(action.status, ActionStatus::Pending);
    let instance = world.instance(&vm).await;
    assert_eq!(instance.status, InstanceStatus::Stopped);
    assert_eq!(instance.status_reasons, [InstanceStatusReason::StoppedForImageCreation]);
    (world, vm, disk, asked, action)
}

async fn runs(world: &World, vm: &Vm, action: &InstanceAction) {
    let instance = world.instance(vm).await;
    assert_eq!(instance.status, InstanceStatus::Running);
    assert_eq!(instance.status_reasons, []);
    assert_eq!(world.fake().state(&vm.id).await.unwrap(), GuestState::Running);
    let action = world.region().instance_action_get(world.ctx(), &vm.id, &action.id).await;
    assert_eq!(action.unwrap().status, ActionStatus::Completed);
}

/// The instance stays stopped and says why, and starts when the image is made.
#[tokio::test]
async fn a_start_waits_for_the_image_and_then_runs() {
    let (world, vm, disk, asked, action) = waiting(Options::default()).await;
    world.settle().await;
    runs(&world, &vm, &action).await;
    disk.same_as(&world.image_disk(&asked.image).await, "the image").unwrap();
    world.stop(&vm).await;
    asked.available(&world).await.unwrap();
}

/// The same when the image fails.
#[tokio::test]
async fn a_start_waits_for_an_image_that_fails_and_then_runs() {
    let options = Options { faulty_objects: true, ..Options::default() };
    let (world, vm, _, asked, action) = waiting(options).await;
    let objects = world.objects.as_ref().unwrap();
    objects.order(Some(Fault::FullFrom(0)));
    world.settle().await;
    runs(&world, &vm, &action).await;
    objects.order(None);
    world.stop(&vm).await;
    asked.failed(&world).await.unwrap();
    asked.again(&world).await.unwrap();
}

/// The same when the image is deleted before it is made.
#[tokio::test]
async fn a_start_waits_for_an_image_that_is_cancelled_and_then_runs() {
    let (world, vm, _, asked, action) = waiting(Options::default()).await;
    world.region().image_delete(world.ctx(), &asked.image).await.unwrap();
    world.settle().await;
    runs(&world, &vm, &action).await;
    world.stop(&vm).await;
    asked.nothing_stored(&world).await.unwrap();
}

/// The same when the server ends meanwhile.
#[tokio::test]
async fn a_start_waits_over_a_restart_of_the_server() {
    let options = Options { faulty_objects: true, ..Options::default() };
    let (world, vm, _, asked, action) = waiting(options).await;
    world.objects.as_ref().unwrap().order(Some(Fault::Once(0)));
    world.region().jobs_drain().await.unwrap();
    world.restart().await;
    assert_eq!(world.instance(&vm).await.status, InstanceStatus::Stopped);
    world.settle().await;
    runs(&world, &vm, &action).await;
    world.stop(&vm).await;
    asked.available(&world).await.unwrap();
}

/// A stop takes the waiting start back.
#[tokio::test]
async fn a_stop_takes_back_a_start_that_waits() {
    let (world, vm, _, asked, action) = waiting(Options::default()).await;
    world.ask(&vm, ActionKind::Stop).await.unwrap();
    let instance = world.instance(&vm).await;
    assert_eq!((instance.status, instance.status_reasons), (InstanceStatus::Stopped, Vec::new()));
    world.settle().await;
    assert_eq!(world.instance(&vm).await.status, InstanceStatus::Stopped);
    let action = world.region().instance_action_get(world.ctx(), &vm.id, &action.id).await;
    assert_eq!(action.unwrap().status, ActionStatus::Failed);
    asked.available(&world).await.unwrap();
}

/// A second start adds nothing to the one that waits.
#[tokio::test]
async fn two_starts_that_wait_are_one() {
    let (world, vm, _, _, action) = waiting(Options::default()).await;
    let second = world.ask(&vm, ActionKind::Start).await.unwrap();
    assert_eq!(second.status, ActionStatus::Completed);
    world.settle().await;
    runs(&world, &vm, &action).await;
}
