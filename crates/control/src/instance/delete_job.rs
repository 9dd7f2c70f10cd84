//! The job that removes an instance: its guest, its exports, its files, its rows.

use std::sync::Weak;

use async_trait::async_trait;
use jobs::{Failure, Step, StepContext, StepError, StepOutcome};
use meta::{Change, StoreError};
use model::{InstanceStatus, LifecycleState, Outcome};
use serde::{Deserialize, Serialize};

use super::guest::{Region, TURN_EVERY, compute_step};
use crate::{
    Control,
    worker::{JOB, RegionJob, store_step, subject},
};

pub(crate) const KIND: &str = "instance_delete";

#[derive(Serialize, Deserialize)]
pub(crate) struct State {}

/// Removes an instance.
pub(crate) struct DeleteJob;

#[async_trait]
impl RegionJob for DeleteJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        let part = || Region(Weak::clone(region));
        vec![Box::new(Guest(part())), Box::new(Rows(part()))]
    }

    /// Nothing was removed: the instance is failed, and can be deleted again.
    async fn on_failed(
        region: &Weak<Control>,
        cx: &StepContext,
        _: &mut State,
        failure: &Failure,
    ) -> Result<(), StepError> {
        let (region, view) = match Region(Weak::clone(region)).view(cx).await {
            Ok(found) => found,
            Err(error) if error.code() == "gone" => return Ok(()),
            Err(error) => return Err(error),
        };
        let instance = &view.instance;
        if instance.status != InstanceStatus::Deleting {
            return Ok(());
        }
        let id = &instance.head.id;
        tracing::error!(instance = %id, code = %failure.code, why = %failure.message, "not deleted");
        let change = region.region_change(
            "is.instance.instance.delete",
            Outcome::Failure,
            "instance",
            &instance.head,
            instance.zone.as_str(),
            Vec::new(),
        );
        let (from, to) = ([InstanceStatus::Deleting], InstanceStatus::Failed);
        let failed = LifecycleState::Failed;
        let set =
            region.store().instance_status_set(JOB, id, &from, to, Vec::new(), failed, change);
        set.await.map_err(store_step)
    }
}

/// Switches the guest off and closes its volumes.
struct Guest(Region);

#[async_trait]
impl Step<State> for Guest {
    fn name(&self) -> &'static str {
        "guest"
    }

    fn commits(&self) -> bool {
        true
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = match self.0.view(cx).await {
            Ok(found) => found,
            // A repeat after the rows went.
            Err(error) if error.code() == "gone" => return Ok(StepOutcome::Done),
            Err(error) => return Err(error),
        };
        let hypervisor = &region.parts.hypervisor;
        let id = &view.instance.head.id;
        let Some(_turn) = region.turns.take(id) else {
            return Ok(StepOutcome::Wait(TURN_EVERY));
        };
        hypervisor.power_off(id).await.map_err(|e| compute_step(&e))?;
        region.disks_unexport(&view).await?;
        hypervisor.forget(id).await.map_err(|e| compute_step(&e))?;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}

/// Removes the rows, and queues the removal of the volumes that go with it.
struct Rows(Region);

#[async_trait]
impl Step<State> for Rows {
    fn name(&self) -> &'static str {
        "rows"
    }

    async fn run(&self, cx: &StepContext, _: &mut State) -> Result<StepOutcome, StepError> {
        let (region, view) = match self.0.view(cx).await {
            Ok(found) => found,
            Err(error) if error.code() == "gone" => return Ok(StepOutcome::Done),
            Err(error) => return Err(error),
        };
        let mut jobs = Vec::new();
        for attached in view.attachments.iter().map(|a| &a.attachment) {
            if attached.delete_volume_on_instance_delete {
                let id = &attached.volume;
                let volume = region.store().volume_any(JOB, id).await.map_err(store_step)?;
                jobs.push((id.clone(), region.volume_delete_job(&volume.volume, cx.asked_by())));
            }
        }
        let id = subject(cx)?;
        let gone = region.store().instance_gone(JOB, cx.fence(), &id, jobs, Change::default());
        match gone.await {
            Ok(_) | Err(StoreError::NotFound { .. }) => {
                region.jobs_queued.notify_one();
                Ok(StepOutcome::Done)
            }
            Err(error) => Err(store_step(error)),
        }
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
