//! The job that removes an instance: its guest, its exports, its files, its rows.

use std::sync::Weak;

use async_trait::async_trait;
use jobs::{Failure, Step, StepContext, StepError, StepOutcome};
use meta::{Change, InstanceEnd, StoreError};
use model::{InstanceStatus, InstanceView, LifecycleState, Outcome};
use policy::Action;
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

impl Control {
    /// The virtual network interfaces that go with an instance, with the record of their going.
    async fn vnis_end(
        &self,
        view: &InstanceView,
        end: &mut InstanceEnd,
    ) -> Result<Change, StepError> {
        let mut change = Change::default();
        for attached in view.nics.iter().filter_map(|nic| nic.vni.as_ref()) {
            let vni = self.store().vni_any(JOB, &attached.vni.id).await.map_err(store_step)?.vni;
            if vni.auto_delete {
                let gone = self.region_change(
                    Action::VniDelete.as_str(),
                    Outcome::Success,
                    "virtual-network-interface",
                    &vni.head,
                    vni.zone.as_str(),
                    Vec::new(),
                );
                change.events.extend(gone.events);
                end.vnis.push(vni.head.id);
            }
        }
        Ok(change)
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
        let mut end = InstanceEnd::default();
        for attached in view.attachments.iter().map(|a| &a.attachment) {
            if attached.delete_volume_on_instance_delete {
                let id = &attached.volume;
                let volume = region.store().volume_any(JOB, id).await.map_err(store_step)?;
                let job = region.volume_delete_job(&volume.volume, cx.asked_by());
                end.volumes.push((id.clone(), job));
            }
        }
        let change = region.vnis_end(&view, &mut end).await?;
        let id = subject(cx)?;
        let gone = region.store().instance_gone(JOB, cx.fence(), &id, end, change);
        match gone.await {
            Ok(_) | Err(StoreError::NotFound { .. }) => {
                region.jobs_queued.notify_one();
                Ok(StepOutcome::Done)
            }
            // What goes with it was changed since it was looked at.
            Err(error @ StoreError::Changed { .. }) => {
                Err(StepError::retry("changed", error.to_string()))
            }
            Err(error) => Err(store_step(error)),
        }
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
