//! The collection and the scrub as jobs of the region: durable, leased, one of each at a time.

use std::{sync::Weak, time::Duration};

use async_trait::async_trait;
use jobs::{Step, StepContext, StepError, StepOutcome};
use serde::{Deserialize, Serialize};

use super::{Errand, GcOptions, GcReport, ScrubReport, UpkeepError, errand::UPKEEP};
use crate::{
    Control,
    worker::{self, RegionJob, control, store_step},
};

pub(crate) const GC: &str = "store_gc";
pub(crate) const SCRUB: &str = "store_scrub";

/// What a collection keeps in its row.
#[derive(Serialize, Deserialize)]
pub(crate) struct GcState {
    pub(super) options: GcOptions,
    /// The operation under which packs are written; begun once.
    pub(super) operation: Option<u64>,
    pub(super) report: GcReport,
}

/// What a scrub keeps in its row; its place is in the store's own.
#[derive(Serialize, Deserialize)]
pub(crate) struct ScrubState {
    pub(super) bytes_per_second: Option<u64>,
    pub(super) report: ScrubReport,
}

pub(super) fn step_error(failed: UpkeepError) -> StepError {
    match failed {
        UpkeepError::Store(error) => store_step(error),
        UpkeepError::Off => StepError::fail("gc_off", failed.to_string()),
        other => {
            let text = base::error_chain(&other);
            match other.kind() {
                base::ErrorKind::Corrupt => StepError::fail("data_corrupted", text),
                base::ErrorKind::Invalid => StepError::fail("refused", text),
                _ => StepError::retry("store_unavailable", text),
            }
        }
    }
}

/// [`worker::tended`] for an errand: it ends within a pack.
pub(super) async fn tended<T>(
    cx: &StepContext,
    errand: &Errand,
    work: impl Future<Output = Result<T, UpkeepError>>,
) -> Result<T, StepError> {
    worker::tended(cx, &errand.cancel, work, step_error).await
}

/// Collects garbage.
pub(crate) struct GcJob;

#[async_trait]
impl RegionJob for GcJob {
    const KIND: &'static str = GC;
    type State = GcState;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<GcState>>> {
        vec![
            Box::new(Sweep(Weak::clone(region))),
            Box::new(Begin(Weak::clone(region))),
            Box::new(Repack(Weak::clone(region))),
            Box::new(Finish(Weak::clone(region))),
        ]
    }
}

/// Condemns and deletes.
struct Sweep(Weak<Control>);

#[async_trait]
impl Step<GcState> for Sweep {
    fn name(&self) -> &'static str {
        "sweep"
    }

    async fn run(&self, cx: &StepContext, state: &mut GcState) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region = control(&self.0)?;
        if !state.options.sweep {
            return Ok(StepOutcome::Done);
        }
        let (upkeep, errand) =
            (region.upkeep(), region.board.errand(GC, state.options.bytes_per_second));
        let swept = upkeep.sweep(Some(cx.fence()), &state.options, &errand);
        let report = tended(cx, &errand, swept).await?;
        // What an attempt before this one deleted counts too, as far as it is known.
        state.report = report;
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut GcState) -> Result<(), StepError> {
        Ok(())
    }
}

/// Begins the operation under which packs are written, so that it is known before they are.
struct Begin(Weak<Control>);

#[async_trait]
impl Step<GcState> for Begin {
    fn name(&self) -> &'static str {
        "begin"
    }

    async fn run(&self, cx: &StepContext, state: &mut GcState) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region = control(&self.0)?;
        if state.options.repack_below_percent > 0 {
            let begun = region.operation_begin(Some(&cx.fence().job)).await;
            state.operation = Some(begun.map_err(step_error)?);
        }
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut GcState) -> Result<(), StepError> {
        // The operation ends with the job.
        Ok(())
    }
}

/// Copies what is needed out of sparse packs.
struct Repack(Weak<Control>);

#[async_trait]
impl Step<GcState> for Repack {
    fn name(&self) -> &'static str {
        "repack"
    }

    async fn run(&self, cx: &StepContext, state: &mut GcState) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region = control(&self.0)?;
        let Some(operation) = state.operation else { return Ok(StepOutcome::Done) };
        let (upkeep, errand) =
            (region.upkeep(), region.board.errand(GC, state.options.bytes_per_second));
        let repacked = upkeep.repack(Some(cx.fence()), operation, &state.options, &errand);
        let repacked = tended(cx, &errand, repacked).await?;
        state.report = state.report.clone().with_repack(repacked, state.options.sweep);
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut GcState) -> Result<(), StepError> {
        // Copies are as good as their originals; the next run drops one of the two.
        Ok(())
    }
}

/// Writes down that the run is complete.
struct Finish(Weak<Control>);

#[async_trait]
impl Step<GcState> for Finish {
    fn name(&self) -> &'static str {
        "finish"
    }

    async fn run(&self, cx: &StepContext, state: &mut GcState) -> Result<StepOutcome, StepError> {
        let region = control(&self.0)?;
        region.store().gc_finished(UPKEEP, Some(cx.fence())).await.map_err(store_step)?;
        let GcReport { deleted_packs, deleted_bytes, repacked_packs, .. } = state.report;
        tracing::info!(deleted_packs, deleted_bytes, repacked_packs, "garbage collected");
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut GcState) -> Result<(), StepError> {
        Ok(())
    }
}

/// Reads everything again.
pub(crate) struct ScrubJob;

#[async_trait]
impl RegionJob for ScrubJob {
    const KIND: &'static str = SCRUB;
    type State = ScrubState;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<ScrubState>>> {
        vec![Box::new(Scrub(Weak::clone(region)))]
    }
}

/// One part after the other; between two, other jobs have their turn.
struct Scrub(Weak<Control>);

#[async_trait]
impl Step<ScrubState> for Scrub {
    fn name(&self) -> &'static str {
        "scrub"
    }

    async fn run(
        &self,
        cx: &StepContext,
        state: &mut ScrubState,
    ) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region = control(&self.0)?;
        let (upkeep, errand) =
            (region.upkeep(), region.board.errand(SCRUB, state.bytes_per_second));
        let part = upkeep.scrub_part(Some(cx.fence()), &errand);
        let part = tended(cx, &errand, part).await?;
        state.report.add(&part);
        Ok(if part.complete { StepOutcome::Done } else { StepOutcome::Wait(Duration::ZERO) })
    }

    async fn undo(&self, _: &StepContext, _: &mut ScrubState) -> Result<(), StepError> {
        Ok(())
    }
}
