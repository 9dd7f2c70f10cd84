//! The job that reboots an instance: its guest ends and begins again; its volumes stay served.

use std::sync::Weak;

use async_trait::async_trait;
use jobs::{Failure, Step, StepContext, StepError, StepOutcome};
use meta::Change;
use model::{ActionStatus, InstanceStatus, LifecycleState};

use super::{
    guest::{Region, TURN_EVERY},
    stop_job::{End, State, still_running},
};
use crate::{
    Control,
    worker::{JOB, RegionJob, store_step, subject},
};

pub(crate) const KIND: &str = "instance_reboot";

/// Reboots an instance.
pub(crate) struct RebootJob;

#[async_trait]
impl RegionJob for RebootJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        let part = || Region(Weak::clone(region));
        vec![Box::new(End(part(), InstanceStatus::Restarting)), Box::new(Begin(part()))]
    }

    async fn on_failed(
        region: &Weak<Control>,
        cx: &StepContext,
        state: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let region = Region(Weak::clone(region));
        still_running(&region, cx, state, InstanceStatus::Restarting, failure).await
    }
}

/// Runs the guest again and says so.
struct Begin(Region);

#[async_trait]
impl Step<State> for Begin {
    fn name(&self) -> &'static str {
        "begin"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        let region = self.0.get()?;
        let Some(_turn) = region.turns.take(&subject(cx)?) else {
            return Ok(StepOutcome::Wait(TURN_EVERY));
        };
        let (region, view) = self.0.view(cx).await?;
        if view.instance.status == InstanceStatus::Restarting {
            let disks = region.disks_export(&view).await?;
            region.guest_start(&view, disks).await?;
            let set = region.store().instance_status_set(
                JOB,
                &view.instance.head.id,
                &[InstanceStatus::Restarting],
                InstanceStatus::Running,
                Vec::new(),
                LifecycleState::Stable,
                Change::default(),
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
