//! One step of a job, and what it is given.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use base::{AccountId, Clock, Timestamp};

use crate::{CANCELLED, Failure, Fence, JobLog, JobLogError, JobRecord, Phase};

/// How often a heartbeat really goes to the log. It also bounds how late a long step hears that
/// its job was cancelled.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// How a step ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// Its effect is there.
    Done,
    /// It waits for something; run it again after this long. Not counted as an attempt.
    Wait(Duration),
}

/// Why a step did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    pub(crate) class: Class,
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Retry,
    Final,
    Cancelled,
    /// The lease is lost: nothing may be written any more.
    Lost,
    /// The stored state cannot be read by this program: leave it to one that can.
    Unreadable,
}

impl StepError {
    /// Trying again may help. The code is a word for programs, the message a sentence.
    pub fn retry(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::of(Class::Retry, code, message)
    }

    /// Trying again cannot help: the job goes back. A committing step says this only when it is
    /// sure that nothing was committed.
    pub fn fail(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::of(Class::Final, code, message)
    }

    pub(crate) fn of(
        class: Class,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { class, code: code.into(), message: message.into() }
    }

    /// The word for programs.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether trying again may help.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        self.class == Class::Retry
    }
}

impl From<JobLogError> for StepError {
    fn from(error: JobLogError) -> Self {
        match error {
            JobLogError::Stale { .. } => Self::of(Class::Lost, "lease_lost", error.to_string()),
            JobLogError::Unavailable { .. } | JobLogError::Damaged { .. } => {
                Self::retry("job_log_unavailable", error.to_string())
            }
        }
    }
}

/// One step of a job whose state is `S`.
///
/// `run` and `undo` are idempotent: either may be repeated after a crash, with the state as it
/// was saved before. `undo` is called for every step whose intent was written, so it also copes
/// with an effect that never happened or happened in part. The state is saved with whatever the
/// step returns, errors included.
#[async_trait]
pub trait Step<S: Send + Sync>: Send + Sync {
    /// Its name; unique in its job and stable between releases, because rows keep it.
    fn name(&self) -> &'static str;

    /// Whether the job cannot go back once this step is done.
    fn commits(&self) -> bool {
        false
    }

    /// Does the work.
    ///
    /// # Errors
    /// [`StepError::retry`] when trying again may help, else [`StepError::fail`].
    async fn run(&self, cx: &StepContext, state: &mut S) -> Result<StepOutcome, StepError>;

    /// Takes the work back.
    ///
    /// # Errors
    /// Any error is tried again later: undo never gives up.
    async fn undo(&self, cx: &StepContext, state: &mut S) -> Result<(), StepError>;
}

/// What a step may know of the job it belongs to, and its way to the log.
pub struct StepContext {
    fence: Fence,
    account: Option<AccountId>,
    subject: String,
    asked_by: String,
    phase: Phase,
    attempt: u32,
    cancellable: bool,
    failure: Option<Failure>,
    log: Arc<dyn JobLog>,
    clock: Arc<dyn Clock>,
    lease: Duration,
    renewed_at: AtomicI64,
}

impl StepContext {
    pub(crate) fn new(
        record: &JobRecord,
        cancellable: bool,
        log: Arc<dyn JobLog>,
        clock: Arc<dyn Clock>,
        lease: Duration,
    ) -> Self {
        let renewed_at = AtomicI64::new(clock.wall().micros());
        Self {
            fence: Fence { job: record.id.clone(), epoch: record.epoch },
            account: record.account.clone(),
            subject: record.subject.clone(),
            asked_by: record.asked_by.clone(),
            phase: record.progress.phase,
            attempt: record.progress.attempts,
            cancellable,
            failure: record.progress.failure.clone(),
            log,
            clock,
            lease,
            renewed_at,
        }
    }

    /// The claim that effects outside the log are fenced by.
    #[must_use]
    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    /// For whom the job runs; none for the region's own.
    #[must_use]
    pub fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// The id of the resource that the job works on.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Who asked and what was decided.
    #[must_use]
    pub fn asked_by(&self) -> &str {
        &self.asked_by
    }

    /// Which try this is; 1 is the first.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Why the job goes back; none while it goes forward.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The clock of the runner.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Keeps the lease while a long step runs. Cheap: call it often; it goes to the log at most
    /// once in [`HEARTBEAT`] (sooner under a very short lease).
    ///
    /// # Errors
    /// When the lease is lost, the job was cancelled, or the log is away. Pass the error on.
    pub async fn heartbeat(&self) -> Result<(), StepError> {
        let now = self.clock.wall();
        let renewed_at = Timestamp::from_micros(self.renewed_at.load(Ordering::SeqCst));
        if now.since(renewed_at) < HEARTBEAT.min(self.lease / 3) {
            return Ok(());
        }
        let ack = self.log.renew(&self.fence, now.plus(self.lease)).await?;
        self.renewed_at.store(now.micros(), Ordering::SeqCst);
        if ack.cancel_asked && self.cancellable && self.phase == Phase::Running {
            return Err(StepError::of(Class::Cancelled, CANCELLED, "the job was cancelled"));
        }
        Ok(())
    }
}
