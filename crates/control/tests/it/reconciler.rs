//! What guests do by themselves, and what happened to them while no server ran.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use base::{ByteCount, InstanceId};
use compute::{
    ComputeError, ConsolePart, Fake, GuestDisk, GuestEvent, GuestNic, GuestSpec, GuestState,
    HostLimits, Hypervisor, HypervisorInfo, Line, Started,
};
use ectype_control::ActionCreate;
use model::{ActionKind, ActionStatus, Instance, InstanceStatus, InstanceStatusReason};
use tokio::sync::broadcast;

use crate::{
    process::{Options, POWERDOWN},
    world::{Vm, World},
};

async fn running(options: Options) -> (World, Vm) {
    let (world, vm, _) = World::with_stopped_and(options).await;
    world.start(&vm).await;
    assert_eq!(world.instance(&vm).await.status, InstanceStatus::Running);
    (world, vm)
}

/// Waits until the region has seen it.
async fn until(world: &World, vm: &Vm, seen: impl Fn(&Instance) -> bool) -> Instance {
    let look = async {
        loop {
            let instance = world.instance(vm).await;
            if seen(&instance) {
                return instance;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.unwrap()
}

fn stopped(instance: &Instance) -> bool {
    instance.status == InstanceStatus::Stopped
}

async fn is_billed(world: &World, vm: &Vm) -> bool {
    world.usage(&vm.id).await.iter().any(|record| record.until.is_none())
}

/// A guest that switches itself off is stopped, for no other reason; one that dies says so.
#[tokio::test]
async fn a_guest_that_ends_by_itself_is_stopped_with_the_right_reason() {
    for (dies, reasons) in
        [(false, vec![]), (true, vec![InstanceStatusReason::StoppedByHostFailure])]
    {
        let (world, vm) = running(Options::default()).await;
        let before = world.events("is.instance.instance.stop").await.len();
        let workers = world.region().work();
        // The follower listens from its first turn on.
        tokio::time::sleep(Duration::from_millis(20)).await;
        if dies {
            world.fake().crash(&vm.id).unwrap();
        } else {
            world.fake().powerdown(&vm.id).await.unwrap();
        }
        let instance = until(&world, &vm, stopped).await;
        workers.stop(Duration::from_secs(5)).await;
        assert_eq!(instance.status_reasons, reasons, "dies: {dies}");
        assert!(!is_billed(&world, &vm).await);
        let after = world.events("is.instance.instance.stop").await;
        assert_eq!(after.len(), before + 1);
        assert_eq!(after.last().unwrap().initiator.id, "ectype-region");
        // Its disk is free for an image, and it starts again.
        world.capture(&vm.volume).await;
        world.start(&vm).await;
        assert_eq!(world.instance(&vm).await.status, InstanceStatus::Running);
    }
}

/// Guests outlive the server: those that run are adopted, those that ended meanwhile are stopped.
#[tokio::test]
async fn a_restart_adopts_guests_that_run_and_stops_instances_whose_guest_is_gone() {
    let (world, vm) = running(Options::default()).await;
    world.restart().await;
    assert_eq!(world.instance(&vm).await.status, InstanceStatus::Running);
    assert_eq!(world.fake().state(&vm.id).await.unwrap(), GuestState::Running);
    assert!(is_billed(&world, &vm).await);

    // It ends while nobody follows it.
    world.fake().crash(&vm.id).unwrap();
    world.restart().await;
    let instance = world.instance(&vm).await;
    assert_eq!(instance.status, InstanceStatus::Stopped);
    assert_eq!(instance.status_reasons, [InstanceStatusReason::StoppedByHostFailure]);
    assert!(!is_billed(&world, &vm).await);
    world.start(&vm).await;
    assert_eq!(world.instance(&vm).await.status_reasons, []);
}

/// A guest that waits for room on the host's disk says so and goes on when there is some.
#[tokio::test]
async fn a_guest_that_waits_for_disk_space_says_so_and_goes_on() {
    let (world, vm) = running(Options::default()).await;
    world.fake().pause(&vm.id, true).unwrap();
    let workers = world.region().work();
    let goes_on = async {
        while world.fake().state(&vm.id).await.unwrap() != GuestState::Running {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), goes_on).await.unwrap();
    let instance = until(&world, &vm, |instance| instance.status_reasons.is_empty()).await;
    assert_eq!(instance.status, InstanceStatus::Running);
    workers.stop(Duration::from_secs(5)).await;
}

/// While the host's disk stays full the instance says why its guest waits, and still runs; it is
/// tried again and again and goes on with the first room. A stop does not wait for room.
#[tokio::test]
async fn an_instance_on_a_full_disk_says_why_until_there_is_room() {
    let (world, vm) = running(Options::default()).await;
    world.fake().hold(&vm.id, true);
    world.fake().pause(&vm.id, true).unwrap();
    let workers = world.region().work();
    let full = [InstanceStatusReason::PausedStorageFull];
    let instance = until(&world, &vm, |instance| instance.status_reasons == full).await;
    assert_eq!(instance.status, InstanceStatus::Running);
    assert!(is_billed(&world, &vm).await);
    world.fake().hold(&vm.id, false);
    until(&world, &vm, |instance| instance.status_reasons.is_empty()).await;
    assert_eq!(world.fake().state(&vm.id).await.unwrap(), GuestState::Running);

    world.fake().hold(&vm.id, true);
    world.fake().pause(&vm.id, true).unwrap();
    until(&world, &vm, |instance| instance.status_reasons == full).await;
    workers.stop(Duration::from_secs(5)).await;
    world.stop(&vm).await;
    let instance = world.instance(&vm).await;
    assert_eq!((instance.status, instance.status_reasons), (InstanceStatus::Stopped, vec![]));
}

/// A fake whose events come late, as those of a process do.
struct LateEvents {
    fake: Arc<Fake>,
    tell: broadcast::Sender<GuestEvent>,
}

/// How long after the end of a guest its event comes: more than a look of the reconciler.
const LATE: Duration = Duration::from_millis(2_300);

fn late_events(fake: Arc<Fake>) -> Arc<dyn Hypervisor> {
    let tell = broadcast::channel(16).0;
    let (mut events, told) = (fake.events(), tell.clone());
    tokio::spawn(async move {
        while let Ok(event) = events.recv().await {
            tokio::time::sleep(LATE).await;
            let _ = told.send(event);
        }
    });
    Arc::new(LateEvents { fake, tell })
}

#[async_trait]
impl Hypervisor for LateEvents {
    fn info(&self) -> HypervisorInfo {
        self.fake.info()
    }

    fn host_limits(&self) -> HostLimits {
        self.fake.host_limits()
    }

    async fn start(&self, spec: GuestSpec) -> Result<Started, ComputeError> {
        self.fake.start(spec).await
    }

    async fn powerdown(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.fake.powerdown(instance).await
    }

    async fn power_off(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.fake.power_off(instance).await
    }

    async fn reset(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.fake.reset(instance).await
    }

    async fn state(&self, instance: &InstanceId) -> Result<GuestState, ComputeError> {
        self.fake.state(instance).await
    }

    async fn resume(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.fake.resume(instance).await
    }

    async fn disk_grow(
        &self,
        instance: &InstanceId,
        disk: &str,
        capacity: ByteCount,
    ) -> Result<(), ComputeError> {
        self.fake.disk_grow(instance, disk, capacity).await
    }

    async fn disk_add(&self, instance: &InstanceId, disk: GuestDisk) -> Result<(), ComputeError> {
        self.fake.disk_add(instance, disk).await
    }

    async fn disk_remove(&self, instance: &InstanceId, disk: &str) -> Result<(), ComputeError> {
        self.fake.disk_remove(instance, disk).await
    }

    async fn network(&self, instance: &InstanceId, nics: &[GuestNic]) -> Result<(), ComputeError> {
        self.fake.network(instance, nics).await
    }

    async fn adopt(&self) -> Result<Vec<InstanceId>, ComputeError> {
        self.fake.adopt().await
    }

    async fn console_log(
        &self,
        instance: &InstanceId,
        offset: u64,
        limit: usize,
    ) -> Result<ConsolePart, ComputeError> {
        self.fake.console_log(instance, offset, limit).await
    }

    async fn console(&self, instance: &InstanceId) -> Result<Box<dyn Line>, ComputeError> {
        self.fake.console(instance).await
    }

    async fn forget(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.fake.forget(instance).await
    }

    fn events(&self) -> broadcast::Receiver<GuestEvent> {
        self.tell.subscribe()
    }
}

/// A look that comes before the event does not blame the host for what the guest did.
#[tokio::test]
async fn a_guest_that_is_missed_before_its_event_comes_is_not_blamed_on_the_host() {
    let options = Options { between: Some(late_events), ..Options::default() };
    let (world, vm) = running(options).await;
    let workers = world.region().work();
    world.fake().powerdown(&vm.id).await.unwrap();
    let instance = until(&world, &vm, stopped).await;
    assert_eq!(instance.status_reasons, []);
    workers.stop(Duration::from_secs(5)).await;
}

/// A guest that does not obey the power button is switched off after the deadline.
#[tokio::test]
async fn a_guest_that_does_not_obey_is_switched_off_after_the_deadline() {
    let never = Options { stop_delay: POWERDOWN * 100, ..Options::default() };
    let (world, vm) = running(never).await;
    let want = ActionCreate { kind: ActionKind::Stop, force: false };
    let action = world.region().instance_action(world.ctx(), &vm.id, want).await.unwrap();
    let (region, clock) = (world.region(), world.clock.clone());
    let drain = tokio::spawn(async move { region.jobs_drain().await.unwrap() });
    while !drain.is_finished() {
        assert_ne!(world.instance(&vm).await.status, InstanceStatus::Running);
        clock.advance(POWERDOWN / 3);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.settle().await;
    assert_eq!(world.instance(&vm).await.status, InstanceStatus::Stopped);
    let action = world.region().instance_action_get(world.ctx(), &vm.id, &action.id).await;
    assert_eq!(action.unwrap().status, ActionStatus::Completed);
}

/// The end of a region stops its guests; the next start finds them stopped, not failed.
#[tokio::test]
async fn the_end_of_a_region_stops_every_guest_cleanly() {
    let (world, vm) = running(Options::default()).await;
    assert_eq!(world.region().guests_stop().await.unwrap(), 1);
    world.restart().await;
    let instance = world.instance(&vm).await;
    assert_eq!((instance.status, instance.status_reasons), (InstanceStatus::Stopped, Vec::new()));
    assert!(!is_billed(&world, &vm).await);
}
