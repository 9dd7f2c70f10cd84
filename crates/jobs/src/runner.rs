//! Takes one job and drives it until it is settled, waits, or belongs to another.

use std::{sync::Arc, time::Duration};

use base::{Clock, JobId, Timestamp};

use crate::{
    AnyJob, CANCELLED, Claim, Failure, Fence, JobLog, JobLogError, JobRecord, JobStatus, Phase,
    Registry, StepContext, StepEnd, StepError, StepInfo, StepOutcome, step::Class,
};

/// How often a step is begun before the job goes back, crashes included.
pub const ATTEMPTS_MAX: u32 = 10;
/// The pause after the first failed attempt; it doubles with each.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(250);
/// The longest pause between attempts.
pub const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long a claimed job belongs to its worker without a sign of life.
pub const LEASE: Duration = Duration::from_secs(30);

/// The pause after `attempts` failed ones.
#[must_use]
pub fn backoff(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(20);
    (BACKOFF_FIRST * 2_u32.pow(doublings)).min(BACKOFF_MAX)
}

/// What became of a job that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The job.
    pub job: JobId,
    /// How it left the runner's hands.
    pub outcome: Outcome,
}

/// How a job left the runner's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more happens; the status says how it ended.
    Settled(JobStatus),
    /// It can be claimed again from this moment of wall time on.
    PutOff(Timestamp),
    /// The lease was lost; another has it.
    Lost,
}

/// Runs jobs, one at a time. Several may work on one log.
#[derive(Clone)]
pub struct Runner {
    log: Arc<dyn JobLog>,
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    owner: String,
    host: String,
    lease: Duration,
}

impl Runner {
    /// A worker named `owner` (unique among the processes on this log) on `host`.
    #[must_use]
    pub fn new(
        log: Arc<dyn JobLog>,
        registry: Arc<Registry>,
        clock: Arc<dyn Clock>,
        owner: String,
        host: String,
    ) -> Self {
        Self { log, registry, clock, owner, host, lease: LEASE }
    }

    /// The same worker with another lease. Shorter: a dead worker's jobs are taken up sooner, and
    /// steps that go longer without a heartbeat lose theirs.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// Takes one job that is due and drives it as far as it goes now. None when none is due.
    ///
    /// # Errors
    /// When the log cannot be reached; the job is taken up again when its lease ends.
    pub async fn run_one(&self) -> Result<Option<Ran>, JobLogError> {
        let now = self.clock.wall();
        let claim =
            Claim { owner: &self.owner, host: &self.host, now, lease_until: now.plus(self.lease) };
        let Some(record) = self.log.claim(claim).await? else { return Ok(None) };
        let job = record.id.clone();
        let outcome = match self.drive(record).await {
            Ok(outcome) => outcome,
            Err(JobLogError::Stale { .. }) => {
                tracing::warn!(%job, owner = %self.owner, "job lease lost");
                Outcome::Lost
            }
            Err(error) => return Err(error),
        };
        Ok(Some(Ran { job, outcome }))
    }

    async fn drive(&self, record: JobRecord) -> Result<Outcome, JobLogError> {
        let cancel = record.cancel_asked;
        let Some(job) = self.registry.get(&record.kind).cloned() else {
            let why = format!("this program has no job `{}`", record.kind);
            let steps = Vec::new();
            let mut run = Run { runner: self, job: None, steps, record, cancel, begun: None };
            return run.put_off(BACKOFF_MAX, Some(why)).await;
        };
        let steps = job.steps();
        let mut run = Run { runner: self, job: Some(job), steps, record, cancel, begun: None };
        loop {
            let left = match run.record.progress.phase {
                Phase::Running => run.forward().await?,
                Phase::Undoing => run.backward().await?,
            };
            if let Some(outcome) = left {
                return Ok(outcome);
            }
        }
    }
}

/// One claim of one job.
struct Run<'a> {
    runner: &'a Runner,
    job: Option<Arc<dyn AnyJob>>,
    steps: Vec<StepInfo>,
    record: JobRecord,
    cancel: bool,
    /// The step whose intent was written under this claim.
    begun: Option<usize>,
}

/// What [`Run::position`] finds.
enum Position {
    None,
    At(usize),
    /// The row names a step that this program does not have.
    Unknown,
}

impl Run<'_> {
    fn position(&self) -> Position {
        match &self.record.progress.step {
            None => Position::None,
            Some(name) => match self.steps.iter().position(|s| s.name == name) {
                Some(index) => Position::At(index),
                None => Position::Unknown,
            },
        }
    }

    fn context(&self, cancellable: bool) -> StepContext {
        StepContext::new(
            &self.record,
            cancellable,
            self.runner.log.clone(),
            self.runner.clock.clone(),
            self.runner.lease,
        )
    }

    fn job(&self) -> Arc<dyn AnyJob> {
        // INVARIANT: `drive` leaves a run without a job before anything else is done with it.
        self.job.clone().expect("a run has its job")
    }

    /// A committed job only goes forward.
    fn committed(&self, index: usize) -> bool {
        self.steps[..index].iter().any(|s| s.commits)
    }

    /// Cancel is heard until the committing step may have been tried: its crash leaves open
    /// whether it committed.
    fn cancellable(&self, index: usize) -> bool {
        let tried = self.begun != Some(index) || self.record.progress.attempts > 1;
        !(self.committed(index) || self.steps[index].commits && tried)
    }

    async fn save(&mut self) -> Result<(), JobLogError> {
        let now = self.runner.clock.wall();
        self.record.progress.cancel_heard = self.cancel;
        let lease_until = match self.record.progress.status {
            JobStatus::Running => now.plus(self.runner.lease),
            _ => now,
        };
        let fence = Fence { job: self.record.id.clone(), epoch: self.record.epoch };
        let ack = self.runner.log.save(&fence, &self.record.progress, now, lease_until).await?;
        self.cancel |= ack.cancel_asked;
        Ok(())
    }

    /// Writes the intent of step `index`: the end of the step before it and this beginning are
    /// one write.
    async fn begin(&mut self, index: usize, attempts: u32) -> Result<(), JobLogError> {
        self.record.progress.step = Some(self.steps[index].name.to_owned());
        self.record.progress.attempts = attempts;
        self.save().await?;
        self.begun = Some(index);
        Ok(())
    }

    async fn forward(&mut self) -> Result<Option<Outcome>, JobLogError> {
        let index = match self.position() {
            Position::None if self.cancel => return self.turn(cancelled()).await,
            Position::None => {
                self.begin(0, 1).await?;
                0
            }
            Position::At(index) => index,
            Position::Unknown => return self.unknown_step().await,
        };
        if self.begun != Some(index) {
            let attempts = self.record.progress.attempts;
            let committing = self.committed(index) || self.steps[index].commits;
            if attempts >= ATTEMPTS_MAX && !committing {
                let message = self.record.progress.last_error.clone().unwrap_or_else(|| {
                    format!("step {} did not end in {attempts} attempts", self.steps[index].name)
                });
                return self.turn(Failure { code: "attempts_exhausted".into(), message }).await;
            }
            if self.cancel && self.cancellable(index) {
                return self.turn(cancelled()).await;
            }
            self.begin(index, attempts.saturating_add(1)).await?;
        }
        if self.cancel && self.cancellable(index) {
            return self.turn(cancelled()).await;
        }
        let cx = self.context(!self.committed(index) && !self.steps[index].commits);
        let StepEnd { state_json, result } =
            self.job().run(index, &cx, &self.record.progress.state_json).await;
        self.record.progress.state_json = state_json;
        self.after_step(index, result).await
    }

    async fn after_step(
        &mut self,
        index: usize,
        result: Result<StepOutcome, StepError>,
    ) -> Result<Option<Outcome>, JobLogError> {
        match result {
            Ok(StepOutcome::Done) => {
                self.record.progress.last_error = None;
                if index + 1 == self.steps.len() {
                    return self.settle(JobStatus::Succeeded).await;
                }
                self.begin(index + 1, 1).await?;
                Ok(None)
            }
            Ok(StepOutcome::Wait(pause)) => {
                self.record.progress.attempts = 0;
                self.put_off(pause, None).await.map(Some)
            }
            Err(error) => self.step_failed(index, error).await,
        }
    }

    async fn step_failed(
        &mut self,
        index: usize,
        error: StepError,
    ) -> Result<Option<Outcome>, JobLogError> {
        let step = self.steps[index].name;
        let attempts = self.record.progress.attempts;
        tracing::info!(job = %self.record.id, step, attempts, code = error.code(), "step failed");
        match error.class {
            Class::Lost => Ok(Some(Outcome::Lost)),
            Class::Unreadable => self.put_off(BACKOFF_MAX, Some(error.message)).await.map(Some),
            Class::Cancelled | Class::Final if !self.committed(index) => {
                self.turn(Failure { code: error.code.into_owned(), message: error.message }).await
            }
            Class::Retry
                if attempts >= ATTEMPTS_MAX
                    && !self.committed(index)
                    && !self.steps[index].commits =>
            {
                self.turn(Failure { code: error.code.into_owned(), message: error.message }).await
            }
            Class::Retry | Class::Cancelled | Class::Final => {
                self.put_off(backoff(attempts), Some(error.message)).await.map(Some)
            }
        }
    }

    /// Turns back: the step whose intent is written is the first to be undone.
    async fn turn(&mut self, failure: Failure) -> Result<Option<Outcome>, JobLogError> {
        let progress = &mut self.record.progress;
        progress.phase = Phase::Undoing;
        progress.last_error = Some(failure.message.clone());
        progress.failure = Some(failure);
        progress.attempts = 0;
        self.save().await?;
        Ok(None)
    }

    async fn backward(&mut self) -> Result<Option<Outcome>, JobLogError> {
        let failure = self.record.progress.failure.clone().unwrap_or_else(|| Failure {
            code: "unknown".into(),
            message: "the job's row does not say why it goes back".into(),
        });
        let cx = self.context(false);
        let state_json = self.record.progress.state_json.clone();
        let (end, index) = match self.position() {
            Position::None => (self.job().on_failed(&cx, &state_json, &failure).await, None),
            Position::At(index) => (self.job().undo(index, &cx, &state_json).await, Some(index)),
            Position::Unknown => return self.unknown_step().await,
        };
        self.record.progress.state_json = end.state_json;
        match end.result {
            Ok(_) => {}
            Err(error) if error.class == Class::Lost => return Ok(Some(Outcome::Lost)),
            Err(error) => {
                let attempts = self.record.progress.attempts.saturating_add(1);
                self.record.progress.attempts = attempts;
                return self.put_off(backoff(attempts), Some(error.message)).await.map(Some);
            }
        }
        let Some(index) = index else {
            let cancelled = failure.code == CANCELLED;
            let status = if cancelled { JobStatus::Cancelled } else { JobStatus::Failed };
            return self.settle(status).await;
        };
        let before = index.checked_sub(1).map(|i| self.steps[i].name.to_owned());
        self.record.progress.step = before;
        self.record.progress.attempts = 0;
        self.save().await?;
        Ok(None)
    }

    async fn unknown_step(&mut self) -> Result<Option<Outcome>, JobLogError> {
        let step = self.record.progress.step.clone().unwrap_or_default();
        let why = format!("this program's job `{}` has no step `{step}`", self.record.kind);
        self.put_off(BACKOFF_MAX, Some(why)).await.map(Some)
    }

    async fn put_off(
        &mut self,
        pause: Duration,
        error: Option<String>,
    ) -> Result<Outcome, JobLogError> {
        let until = self.runner.clock.wall().plus(pause);
        let progress = &mut self.record.progress;
        progress.status = JobStatus::Queued;
        progress.not_before = until;
        if error.is_some() {
            progress.last_error = error;
        }
        let heard = self.cancel;
        self.save().await?;
        let now = self.runner.clock.wall();
        Ok(Outcome::PutOff(if self.cancel && !heard { now } else { until }))
    }

    async fn settle(&mut self, status: JobStatus) -> Result<Option<Outcome>, JobLogError> {
        self.record.progress.status = status;
        self.save().await?;
        tracing::info!(
            job = %self.record.id, kind = %self.record.kind, status = status.as_str(),
            "job settled"
        );
        Ok(Some(Outcome::Settled(status)))
    }
}

fn cancelled() -> Failure {
    Failure { code: CANCELLED.into(), message: "the job was cancelled".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        assert_eq!(backoff(0), BACKOFF_FIRST);
        assert_eq!(backoff(1), BACKOFF_FIRST);
        assert_eq!(backoff(2), BACKOFF_FIRST * 2);
        assert_eq!(backoff(u32::MAX), BACKOFF_MAX);
    }
}
