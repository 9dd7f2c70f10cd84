//! The job that starts an instance: serve its volumes, run its guest, say so.

use std::sync::Weak;

use async_trait::async_trait;
use compute::GuestDisk;
use jobs::{Failure, Job, Step, StepContext, StepError, StepOutcome};
use meta::Change;
use model::{
    ActionStatus, InstanceAction, InstanceStatus, InstanceStatusReason, LifecycleState, Outcome,
};
use serde::{Deserialize, Serialize};

use super::guest::Region;
use crate::{
    Control,
    worker::{JOB, control, store_step},
};

pub(crate) const KIND: &str = "instance_start";

/// Statuses from which a start can end in `running`.
const FROM: [InstanceStatus; 4] = [
    InstanceStatus::Pending,
    InstanceStatus::Starting,
    InstanceStatus::Stopped,
    InstanceStatus::Running,
];

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
pub(crate) struct StartJob {
    region: Weak<Control>,
    steps: Vec<Box<dyn Step<State>>>,
}

impl StartJob {
    pub(crate) fn new(region: &Weak<Control>) -> Self {
        let part = || Region(Weak::clone(region));
        Self {
            region: Weak::clone(region),
            steps: vec![Box::new(Guest(part())), Box::new(Running(part()))],
        }
    }
}

#[async_trait]
impl Job for StartJob {
    type State = State;

    fn kind(&self) -> &'static str {
        KIND
    }

    fn steps(&self) -> &[Box<dyn Step<State>>] {
        &self.steps
    }

    async fn on_failed(
        &self,
        cx: &StepContext,
        state: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = control(&self.region)?;
        let (_, view) = Region(Weak::clone(&self.region)).view(cx).await?;
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
        if !matches!(view.instance.status, InstanceStatus::Pending | InstanceStatus::Starting) {
            return region.action_move(state.action.as_deref(), ActionStatus::Failed).await;
        }
        tracing::warn!(instance = %id, code = %failure.code, why = %failure.message, "start failed");
        let set = region.store().instance_status_set(
            JOB,
            id,
            &FROM,
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
        let (region, view) = self.0.view(cx).await?;
        region.action_move(state.action.as_deref(), ActionStatus::Running).await?;
        let disks: Vec<GuestDisk> = region.disks_export(&view).await?;
        region.guest_start(&view, disks).await?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, cx: &StepContext, _: &mut State) -> Result<(), StepError> {
        let (region, view) = self.0.view(cx).await?;
        let id = &view.instance.head.id;
        let hypervisor = &region.parts.hypervisor;
        hypervisor.power_off(id).await.map_err(|e| super::guest::compute_step(&e))?;
        region.disks_unexport(&view).await
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
        if view.instance.status != InstanceStatus::Running {
            let usage = region.instance_usage(&view.instance);
            let set = region.store().instance_status_set(
                JOB,
                &view.instance.head.id,
                &FROM,
                InstanceStatus::Running,
                Vec::new(),
                LifecycleState::Stable,
                Change { events: Vec::new(), usage },
            );
            set.await.map_err(store_step)?;
        }
        region.action_move(state.action.as_deref(), ActionStatus::Completed).await?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
