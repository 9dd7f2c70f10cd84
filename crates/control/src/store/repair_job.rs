//! The repair as a job of the region.

use std::sync::Weak;

use async_trait::async_trait;
use jobs::{Step, StepContext, StepError, StepOutcome};
use serde::{Deserialize, Serialize};

use super::{
    RepairOptions, RepairReport,
    job::{step_error, tended},
};
use crate::{
    Control,
    worker::{RegionJob, control},
};

pub(super) const REPAIR: &str = "store_repair";

/// What a repair keeps in its row.
#[derive(Serialize, Deserialize)]
pub(crate) struct RepairState {
    pub(super) options: RepairOptions,
    /// The operation under which packs are written; begun once.
    pub(super) operation: Option<u64>,
    pub(super) report: RepairReport,
}

/// Repairs damage.
pub(crate) struct RepairJob;

#[async_trait]
impl RegionJob for RepairJob {
    const KIND: &'static str = REPAIR;
    type State = RepairState;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<RepairState>>> {
        vec![Box::new(Begin(Weak::clone(region))), Box::new(Repair(Weak::clone(region)))]
    }
}

/// Begins the operation under which packs are written, so that it is known before they are.
struct Begin(Weak<Control>);

#[async_trait]
impl Step<RepairState> for Begin {
    fn name(&self) -> &'static str {
        "begin"
    }

    async fn run(
        &self,
        cx: &StepContext,
        state: &mut RepairState,
    ) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region = control(&self.0)?;
        let begun = region.operation_begin(Some(&cx.fence().job)).await;
        state.operation = Some(begun.map_err(step_error)?);
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut RepairState) -> Result<(), StepError> {
        // The operation ends with the job.
        Ok(())
    }
}

/// Takes what is damaged from where it is whole.
struct Repair(Weak<Control>);

#[async_trait]
impl Step<RepairState> for Repair {
    fn name(&self) -> &'static str {
        "repair"
    }

    async fn run(
        &self,
        cx: &StepContext,
        state: &mut RepairState,
    ) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region = control(&self.0)?;
        let operation =
            state.operation.ok_or_else(|| StepError::fail("bad_state", "nothing was begun"))?;
        let plain = region.repair_plain(state.options.disk.as_ref()).await.map_err(step_error)?;
        let (upkeep, errand) =
            (region.upkeep(), region.board.errand(REPAIR, state.options.bytes_per_second));
        let work = upkeep.repair(Some(cx.fence()), operation, &state.options, plain, &errand);
        state.report = tended(cx, &errand, work).await?;
        let RepairReport { repaired_records, lost_total, .. } = state.report;
        if lost_total > 0 {
            tracing::error!(repaired_records, lost_total, "not all damage could be repaired");
        } else {
            tracing::info!(repaired_records, "damage was repaired");
        }
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut RepairState) -> Result<(), StepError> {
        // Copies are as good as their originals.
        Ok(())
    }
}
