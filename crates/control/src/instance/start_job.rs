//! The job that starts an instance: serve its volumes, run its guest, say so.

use std::sync::Weak;

use async_trait::async_trait;
use compute::GuestDisk;
use jobs::{Failure, Step, StepContext, StepError, StepOutcome};
use meta::Change;
use model::{
    ActionStatus, InstanceAction, InstanceStatus, InstanceStatusReason, InstanceView,
    LifecycleState, Outcome,
};
use serde::{Deserialize, Serialize};

use super::guest::{Region, TURN_EVERY, compute_step};
use crate::{
    Control,
    worker::{JOB, RegionJob, store_step, subject},
};

pub(crate) const KIND: &str = "instance_start";

/// Statuses of an instance that is this job's. A stop by force takes it away.
const OWN: [InstanceStatus; 2] = [InstanceStatus::Pending, InstanceStatus::Starting];

#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    action: Option<String>,
}

impl State {
    /// The start that comes with the creation of an instance.
    pub(super) fn first_start() -> String {
        r#"{"action":null}"#.to_owned()
    }

    pub(super) fn for_action(action: &InstanceAction) -> String {
        serde_json::json!({ "action": action.id.as_str() }).to_string()
    }
}

/// Starts an instance.
pub(crate) struct StartJob;

#[async_trait]
impl RegionJob for StartJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        let part = || Region(Weak::clone(region));
        vec![Box::new(Guest(part())), Box::new(Running(part()))]
    }

    async fn on_failed(
        region: &Weak<Control>,
        cx: &StepContext,
        state: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let (region, view) = Region(Weak::clone(region)).view(cx).await?;
        let reason = match failure.code.as_str() {
            "no_space" | "storage_unavailable" | "storage_refused" | "data_corrupted" => {
                InstanceStatusReason::CannotStartStorage
            }
            "compute_refused" | "compute_unavailable" => InstanceStatusReason::CannotStartCompute,
            _ => InstanceStatusReason::CannotStart,
        };
        let change = region.region_change(
            "is.instance.instance.start",
            Outcome::Failure,
            "instance",
            &view.instance.head,
            view.instance.zone.as_str(),
            Vec::new(),
        );
        let id = &view.instance.head.id;
        // A repeat after the row was written, or a stop by force came first.
        if !OWN.contains(&view.instance.status) {
            return region.action_move(state.action.as_deref(), ActionStatus::Failed).await;
        }
        tracing::warn!(instance = %id, code = %failure.code, why = %failure.message, "start failed");
        let set = region.store().instance_status_set(
            JOB,
            id,
            &OWN,
            InstanceStatus::Stopped,
            vec![reason],
            LifecycleState::Stable,
            change,
        );
        set.await.map_err(store_step)?;
        region.action_move(state.action.as_deref(), ActionStatus::Failed).await
    }
}

/// Serves the volumes and runs the guest. One step: the sockets of one are the disks of the other.
struct Guest(Region);

#[async_trait]
impl Step<State> for Guest {
    fn name(&self) -> &'static str {
        "guest"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let region = self.0.get()?;
        let Some(_turn) = region.turns.take(&subject(cx)?) else {
            return Ok(StepOutcome::Wait(TURN_EVERY));
        };
        let (region, view) = self.0.view(cx).await?;
        if !OWN.contains(&view.instance.status) {
            return Ok(StepOutcome::Done);
        }
        region.action_move(state.action.as_deref(), ActionStatus::Running).await?;
        let disks: Vec<GuestDisk> = region.disks_export(&view).await?;
        region.guest_start(&view, disks).await?;
        // A stop by force may have come and found no guest yet.
        let (region, view) = self.0.view(cx).await?;
        if !OWN.contains(&view.instance.status) && view.instance.status != InstanceStatus::Running {
            region.guest_undo(&view).await?;
        }
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, cx: &StepContext, _: &mut State) -> Result<(), StepError> {
        let region = self.0.get()?;
        let turn = region.turns.take(&subject(cx)?);
        let _turn =
            turn.ok_or_else(|| StepError::retry("instance_busy", "another has its turn"))?;
        let (region, view) = self.0.view(cx).await?;
        if OWN.contains(&view.instance.status) {
            region.guest_undo(&view).await?;
        }
        Ok(())
    }
}

impl Control {
    /// Switches off the guest that a start made, and closes its volumes.
    async fn guest_undo(&self, view: &InstanceView) -> Result<(), StepError> {
        let id = &view.instance.head.id;
        self.parts.hypervisor.power_off(id).await.map_err(|e| compute_step(&e))?;
        self.disks_unexport(view).await
    }
}

/// Says that it runs.
struct Running(Region);

#[async_trait]
impl Step<State> for Running {
    fn name(&self) -> &'static str {
        "running"
    }

    fn commits(&self) -> bool {
        true
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = self.0.view(cx).await?;
        if OWN.contains(&view.instance.status) {
            let usage = region.instance_usage(&view.instance);
            let set = region.store().instance_status_set(
                JOB,
                &view.instance.head.id,
                &OWN,
                InstanceStatus::Running,
                Vec::new(),
                LifecycleState::Stable,
                Change { events: Vec::new(), usage },
            );
            set.await.map_err(store_step)?;
            // Its ports are opened now.
            region.network_changed();
        }
        region.action_move(state.action.as_deref(), ActionStatus::Completed).await?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
