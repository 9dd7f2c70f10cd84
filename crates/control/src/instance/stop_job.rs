//! The job that stops an instance: the power button, then off; its volumes closed cleanly.

use std::sync::Weak;

use async_trait::async_trait;
use jobs::{Failure, Step, StepContext, StepError, StepOutcome};
use meta::Change;
use model::{ActionStatus, InstanceAction, InstanceStatus, LifecycleState, Outcome};
use serde::{Deserialize, Serialize};

use super::guest::{Region, TURN_EVERY};
use crate::{
    Control,
    worker::{JOB, RegionJob, store_step, subject},
};

pub(crate) const KIND: &str = "instance_stop";

#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    pub(super) action: Option<String>,
    pub(super) force: bool,
}

impl State {
    pub(super) fn for_action(action: &InstanceAction) -> String {
        serde_json::json!({ "action": action.id.as_str(), "force": action.force }).to_string()
    }
}

/// Stops an instance.
pub(crate) struct StopJob;

#[async_trait]
impl RegionJob for StopJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        let part = || Region(Weak::clone(region));
        vec![
            Box::new(End(part(), InstanceStatus::Stopping)),
            Box::new(Close(part())),
            Box::new(Stopped(part())),
        ]
    }

    async fn on_failed(
        region: &Weak<Control>,
        cx: &StepContext,
        state: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = Region(Weak::clone(region));
        still_running(&region, cx, state, InstanceStatus::Stopping, failure).await
    }
}

/// An action that could not end the guest: the instance counts as running, as before. If its
/// guest is gone after all, the reconciler sees it.
pub(super) async fn still_running(
    region: &Region,
    cx: &StepContext,
    state: &State,
    from: InstanceStatus,
    failure: &Failure,
) -> Result<(), StepError> {
    let (region, view) = region.view(cx).await?;
    let instance = &view.instance;
    if instance.status == from {
        let id = &instance.head.id;
        tracing::warn!(instance = %id, code = %failure.code, why = %failure.message, "not ended");
        let (from, to, stable) = ([from], InstanceStatus::Running, LifecycleState::Stable);
        let change = region.region_change(
            "is.instance.instance.stop",
            Outcome::Failure,
            "instance",
            &instance.head,
            instance.zone.as_str(),
            Vec::new(),
        );
        let set =
            region.store().instance_status_set(JOB, id, &from, to, Vec::new(), stable, change);
        set.await.map_err(store_step)?;
    }
    region.action_move(state.action.as_deref(), ActionStatus::Failed).await
}

/// Ends the guest of an instance that still has the job's status. From here on there is no way
/// back to running but a start.
pub(super) struct End(pub(super) Region, pub(super) InstanceStatus);

#[async_trait]
impl Step<State> for End {
    fn name(&self) -> &'static str {
        "end"
    }

    fn commits(&self) -> bool {
        true
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = self.0.view(cx).await?;
        if view.instance.status != self.1 {
            return Ok(StepOutcome::Done);
        }
        region.action_move(state.action.as_deref(), ActionStatus::Running).await?;
        region.guest_stop(cx, &subject(cx)?, state.force).await?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}

/// Closes the volumes.
struct Close(Region);

#[async_trait]
impl Step<State> for Close {
    fn name(&self) -> &'static str {
        "close"
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        let region = self.0.get()?;
        let Some(_turn) = region.turns.take(&subject(cx)?) else {
            return Ok(StepOutcome::Wait(TURN_EVERY));
        };
        let (region, view) = self.0.view(cx).await?;
        if view.instance.status == InstanceStatus::Stopping {
            region.disks_unexport(&view).await?;
        }
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}

/// Says that it is stopped.
struct Stopped(Region);

#[async_trait]
impl Step<State> for Stopped {
    fn name(&self) -> &'static str {
        "stopped"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = self.0.view(cx).await?;
        if view.instance.status == InstanceStatus::Stopping {
            let usage = vec![region.instance_usage_end(&view.instance)];
            let set = region.store().instance_status_set(
                JOB,
                &view.instance.head.id,
                &[InstanceStatus::Stopping],
                InstanceStatus::Stopped,
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
