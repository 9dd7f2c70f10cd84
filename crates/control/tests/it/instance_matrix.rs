//! The jobs of instances under every failure.

use std::sync::OnceLock;

use async_trait::async_trait;
use base::InstanceActionId;
use compute::{GuestState, Hypervisor};
use jobs::JobStatus;
use model::{ActionKind, ActionStatus, InstanceStatus, LifecycleState, Outcome};

use crate::{
    disk::Disk,
    driven::{Story, hold},
    ensure,
    world::{Vm, World, not_found, of_image},
};

/// An instance, an action asked of it, and what was there before.
struct Acted {
    world: World,
    vm: Vm,
    disk: Disk,
    action: OnceLock<InstanceActionId>,
}

impl Acted {
    async fn stopped() -> Self {
        let (world, vm, disk) = World::with_stopped().await;
        Self { world, vm, disk, action: OnceLock::new() }
    }

    async fn running() -> Self {
        let acted = Self::stopped().await;
        acted.world.start(&acted.vm).await;
        acted
    }

    async fn ask(&self, kind: ActionKind) -> String {
        let action = self.world.ask(&self.vm, kind).await.unwrap();
        self.action.get_or_init(|| action.id);
        self.vm.id.to_string()
    }

    /// Row, guest, action and usage say the same.
    async fn is(&self, status: InstanceStatus, action: ActionStatus) -> Result<(), String> {
        let region = self.world.region();
        if let Some(id) = self.action.get() {
            let found = region.instance_action_get(self.world.ctx(), &self.vm.id, id).await;
            let found = found.unwrap();
            ensure!(found.status == action, "the action is {}", found.status);
            ensure!(found.completed_at.is_some(), "the action has no end");
        }
        let instance = self.world.instance(&self.vm).await;
        ensure!(instance.status == status, "the instance is {}", instance.status);
        ensure!(
            instance.lifecycle_state == LifecycleState::Stable,
            "its lifecycle is {}",
            instance.lifecycle_state
        );
        let runs = status == InstanceStatus::Running;
        let guest = self.world.fake().state(&self.vm.id).await.unwrap();
        let wanted = if runs { GuestState::Running } else { GuestState::Absent };
        ensure!(guest == wanted, "the guest is {guest:?}");
        let usage = self.world.usage(&self.vm.id).await;
        let open = usage.iter().filter(|record| record.until.is_none()).count();
        let wanted = if runs { 2 } else { 0 };
        ensure!(open == wanted, "{open} usage records are open");
        Ok(())
    }

    async fn failures(&self, action: &str) -> usize {
        let events = self.world.events(action).await;
        events.iter().filter(|event| event.outcome == Outcome::Failure).count()
    }

    /// It is stopped, says why, and can be started again.
    async fn start_failed(&self) -> Result<(), String> {
        self.is(InstanceStatus::Stopped, ActionStatus::Failed).await?;
        let reasons = self.world.instance(&self.vm).await.status_reasons;
        ensure!(!reasons.is_empty(), "no reason is told");
        let failures = self.failures("is.instance.instance.start").await;
        ensure!(failures == 1, "{failures} events tell of the failure");
        self.disk_is_whole().await?;
        self.world.start(&self.vm).await;
        let after = self.world.instance(&self.vm).await;
        ensure!(after.status == InstanceStatus::Running, "it starts no more: {}", after.status);
        ensure!(after.status_reasons.is_empty(), "reasons stay: {:?}", after.status_reasons);
        Ok(())
    }

    /// The disk holds what it held.
    async fn disk_is_whole(&self) -> Result<(), String> {
        self.disk.same_as(&self.world.volume_disk(&self.vm.volume).await, "the volume")
    }
}

struct Start(Acted);

#[async_trait]
impl Story for Start {
    const KIND: &'static str = "instance_start";

    async fn fresh() -> Self {
        Self(Acted::stopped().await)
    }

    fn world(&self) -> &World {
        &self.0.world
    }

    async fn begin(&self) -> String {
        self.0.ask(ActionKind::Start).await
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        if ended == JobStatus::Succeeded {
            return self.0.is(InstanceStatus::Running, ActionStatus::Completed).await;
        }
        self.0.start_failed().await
    }
}

/// The start that comes with an instance's creation.
struct FirstStart(Acted);

#[async_trait]
impl Story for FirstStart {
    const KIND: &'static str = "instance_start";

    async fn fresh() -> Self {
        let world = World::new().await;
        let wish = world.wish(&world.facts.a, of_image(&world.facts.stock));
        let vm = world.create(wish).await.unwrap();
        let disk = world.facts.stock_disk.clone();
        Self(Acted { world, vm, disk, action: OnceLock::new() })
    }

    fn world(&self) -> &World {
        &self.0.world
    }

    async fn begin(&self) -> String {
        self.0.vm.id.to_string()
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        if ended == JobStatus::Succeeded {
            return self.0.is(InstanceStatus::Running, ActionStatus::Completed).await;
        }
        self.0.start_failed().await
    }
}

struct Stop(Acted);

#[async_trait]
impl Story for Stop {
    const KIND: &'static str = "instance_stop";

    async fn fresh() -> Self {
        Self(Acted::running().await)
    }

    fn world(&self) -> &World {
        &self.0.world
    }

    async fn begin(&self) -> String {
        self.0.ask(ActionKind::Stop).await
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        if ended == JobStatus::Succeeded {
            self.0.is(InstanceStatus::Stopped, ActionStatus::Completed).await?;
            return self.0.disk_is_whole().await;
        }
        self.0.is(InstanceStatus::Running, ActionStatus::Failed).await?;
        self.0.world.stop(&self.0.vm).await;
        let after = self.0.world.instance(&self.0.vm).await.status;
        ensure!(after == InstanceStatus::Stopped, "it stops no more: {after}");
        Ok(())
    }
}

struct Reboot(Acted);

#[async_trait]
impl Story for Reboot {
    const KIND: &'static str = "instance_reboot";

    async fn fresh() -> Self {
        Self(Acted::running().await)
    }

    fn world(&self) -> &World {
        &self.0.world
    }

    async fn begin(&self) -> String {
        self.0.ask(ActionKind::Reboot).await
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        let action = match ended {
            JobStatus::Succeeded => ActionStatus::Completed,
            _ => ActionStatus::Failed,
        };
        self.0.is(InstanceStatus::Running, action).await
    }
}

struct Delete {
    world: World,
    vm: Vm,
    addresses: u64,
}

impl Delete {
    async fn free_addresses(world: &World) -> u64 {
        let subnet = &world.facts.a.subnet;
        world.region().subnet(world.ctx(), subnet).await.unwrap().available_addresses
    }

    async fn gone(&self) -> Result<(), String> {
        let (region, ctx) = (self.world.region(), self.world.ctx());
        ensure!(not_found(&region.instance(ctx, &self.vm.id).await), "the instance is there");
        ensure!(not_found(&region.volume(ctx, &self.vm.volume).await), "the volume is there");
        ensure!(!self.world.layers(&self.vm.volume).exists(), "its write layer is there");
        let guest = self.world.path("guests").join(self.vm.id.as_str());
        ensure!(!guest.exists(), "the guest's folder is there");
        let free = Self::free_addresses(&self.world).await;
        ensure!(free == self.addresses + 1, "{free} addresses are free");
        for id in [self.vm.id.as_str(), self.vm.volume.as_str()] {
            let usage = self.world.usage(id).await;
            ensure!(usage.iter().all(|record| record.until.is_some()), "{id} is still billed");
        }
        Ok(())
    }
}

#[async_trait]
impl Story for Delete {
    const KIND: &'static str = "instance_delete";

    async fn fresh() -> Self {
        let (world, vm, _) = World::with_stopped().await;
        let addresses = Self::free_addresses(&world).await;
        Self { world, vm, addresses }
    }

    fn world(&self) -> &World {
        &self.world
    }

    async fn begin(&self) -> String {
        self.world.region().instance_delete(self.world.ctx(), &self.vm.id).await.unwrap();
        self.vm.id.to_string()
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        self.world.settle().await;
        if ended == JobStatus::Succeeded {
            let events = self.world.events("is.instance.instance.delete").await.len();
            ensure!(events == 1, "{events} events");
            return self.gone().await;
        }
        let instance = self.world.instance(&self.vm).await;
        ensure!(instance.status == InstanceStatus::Failed, "it is {}", instance.status);
        self.begin().await;
        self.world.settle().await;
        self.gone().await.map_err(|wrong| format!("deleting again: {wrong}"))
    }
}

#[tokio::test]
async fn every_step_of_a_start_can_fail_repeat_be_cancelled_and_crash() {
    hold::<Start>().await;
}

#[tokio::test]
async fn every_step_of_a_first_start_can_fail_repeat_be_cancelled_and_crash() {
    hold::<FirstStart>().await;
}

#[tokio::test]
async fn every_step_of_a_stop_can_fail_repeat_be_cancelled_and_crash() {
    hold::<Stop>().await;
}

#[tokio::test]
async fn every_step_of_a_reboot_can_fail_repeat_be_cancelled_and_crash() {
    hold::<Reboot>().await;
}

#[tokio::test]
async fn every_step_of_an_instances_deletion_can_fail_repeat_be_cancelled_and_crash() {
    hold::<Delete>().await;
}
