//! A log that dies and a job that misbehaves, both to order.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use base::Timestamp;

use crate::{
    Ack, AnyJob, BACKOFF_MAX, Claim, Failure, Fence, JobLog, JobLogError, JobRecord, JobStatus,
    LEASE, Outcome, Phase, Progress, Registry, Runner, StepContext, StepEnd, StepError, StepInfo,
    StepOutcome, matrix::World,
};

/// What is done to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails once, without its effect.
    OnceBefore,
    /// It fails once, with its effect.
    OnceAfter,
    /// It fails for good, without its effect.
    GoodBefore,
    /// It fails for good, with its effect.
    GoodAfter,
    /// It runs twice from the same state.
    Twice,
    /// It runs after another worker has settled the job.
    Zombie,
}

/// How often a step that "fails for good" does so before it gives in: enough where the job goes
/// back, and few where it may only go forward.
const GOOD_FIRES_AFTER_COMMIT: usize = 3;

/// The runner stops at a write, before or after it is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kill {
    pub(super) write: usize,
    pub(super) applied: bool,
}

/// What one run showed.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) steps: Vec<StepInfo>,
    /// Writes to the log.
    pub(super) writes: usize,
    /// The first write that said the job goes back.
    pub(super) turned_at: Option<usize>,
}

/// A log that dies at one write and reports a cancel from one write on.
pub(super) struct FaultyLog {
    inner: Arc<dyn JobLog>,
    kill: Option<Kill>,
    cancel_at: Option<usize>,
    writes: AtomicUsize,
    turned_at: Mutex<Option<usize>>,
    settled: Mutex<Option<JobStatus>>,
}

impl FaultyLog {
    pub(super) fn new(
        inner: Arc<dyn JobLog>,
        kill: Option<Kill>,
        cancel_at: Option<usize>,
    ) -> Self {
        Self {
            inner,
            kill,
            cancel_at,
            writes: AtomicUsize::new(0),
            turned_at: Mutex::new(None),
            settled: Mutex::new(None),
        }
    }

    /// How the job was settled, also when the runner died right after it.
    pub(super) fn settled(&self) -> Option<JobStatus> {
        *self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn trace(&self, steps: Vec<StepInfo>) -> Trace {
        let turned_at = *self.turned_at.lock().unwrap_or_else(PoisonError::into_inner);
        Trace { steps, writes: self.writes.load(Ordering::SeqCst), turned_at }
    }

    fn cancelled(&self) -> bool {
        self.cancel_at.is_some_and(|at| self.writes.load(Ordering::SeqCst) > at)
    }

    fn ack(&self, ack: Ack) -> Ack {
        Ack { cancel_asked: ack.cancel_asked || self.cancelled() }
    }
}

#[async_trait]
impl JobLog for FaultyLog {
    async fn claim(&self, claim: Claim<'_>) -> Result<Option<JobRecord>, JobLogError> {
        let cancelled = self.cancelled();
        Ok(self.inner.claim(claim).await?.map(|mut record| {
            record.cancel_asked |= cancelled;
            record
        }))
    }

    async fn renew(&self, fence: &Fence, lease_until: Timestamp) -> Result<Ack, JobLogError> {
        self.inner.renew(fence, lease_until).await.map(|ack| self.ack(ack))
    }

    async fn save(
        &self,
        fence: &Fence,
        progress: &Progress,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Ack, JobLogError> {
        let write = self.writes.fetch_add(1, Ordering::SeqCst);
        if progress.phase == Phase::Undoing {
            let mut turned = self.turned_at.lock().unwrap_or_else(PoisonError::into_inner);
            turned.get_or_insert(write);
        }
        let killed = self.kill.is_some_and(|kill| kill.write == write);
        if killed && !self.kill.is_some_and(|kill| kill.applied) {
            return Err(JobLogError::unavailable("killed before the write"));
        }
        let ack = self.inner.save(fence, progress, now, lease_until).await?;
        if progress.status.is_settled() {
            let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
            *settled = Some(progress.status);
        }
        if killed {
            return Err(JobLogError::unavailable("killed after the write"));
        }
        Ok(self.ack(ack))
    }
}

/// The world's job, with one fault in a step and one in an undo.
pub(super) struct FaultyJob {
    world: Arc<dyn World>,
    kind: &'static str,
    run: Option<(usize, Fault)>,
    undo: Option<(usize, Fault)>,
    run_fired: AtomicUsize,
    undo_fired: AtomicBool,
    settled_by_other: Mutex<Option<JobStatus>>,
}

impl FaultyJob {
    pub(super) fn new(
        world: Arc<dyn World>,
        run: Option<(usize, Fault)>,
        undo: Option<(usize, Fault)>,
    ) -> Self {
        let kind = world.job().kind();
        Self {
            world,
            kind,
            run,
            undo,
            run_fired: AtomicUsize::new(0),
            undo_fired: AtomicBool::new(false),
            settled_by_other: Mutex::new(None),
        }
    }

    /// How a zombie's successor settled the job.
    pub(super) fn settled_by_other(&self) -> Option<JobStatus> {
        *self.settled_by_other.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a fault strikes now.
    fn strikes(&self, index: usize) -> Option<Fault> {
        let (at, fault) = self.run?;
        if at != index {
            return None;
        }
        let fired = self.run_fired.fetch_add(1, Ordering::SeqCst);
        let forward_only = self.steps()[..index].iter().any(|s| s.commits);
        let times = match fault {
            Fault::GoodBefore | Fault::GoodAfter if forward_only => GOOD_FIRES_AFTER_COMMIT,
            Fault::GoodBefore | Fault::GoodAfter => usize::MAX,
            Fault::OnceBefore | Fault::OnceAfter | Fault::Twice | Fault::Zombie => 1,
        };
        (fired < times).then_some(fault)
    }

    /// Another worker takes the job over and ends it.
    async fn successor(&self) {
        let clock = self.world.clock();
        let registry = Arc::new(Registry::default().with(self.world.job()));
        let (owner, host) = ("successor".to_owned(), "host".to_owned());
        let runner = Runner::new(self.world.log(), registry, clock.clone(), owner, host);
        for _ in 0..super::ROUNDS_MAX {
            clock.advance(BACKOFF_MAX + LEASE);
            if let Ok(Some(ran)) = runner.run_one().await
                && let Outcome::Settled(status) = ran.outcome
            {
                let mut settled =
                    self.settled_by_other.lock().unwrap_or_else(PoisonError::into_inner);
                *settled = Some(status);
                return;
            }
        }
    }
}

fn retry(state_json: String) -> StepEnd {
    StepEnd { state_json, result: Err(StepError::retry("injected", "an injected failure")) }
}

fn fail(state_json: String) -> StepEnd {
    StepEnd { state_json, result: Err(StepError::fail("injected", "an injected failure")) }
}

#[async_trait]
impl AnyJob for FaultyJob {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn steps(&self) -> Vec<StepInfo> {
        self.world.job().steps()
    }

    async fn run(&self, index: usize, cx: &StepContext, state_json: &str) -> StepEnd {
        let job = self.world.job();
        match self.strikes(index) {
            None => job.run(index, cx, state_json).await,
            Some(Fault::OnceBefore) => retry(state_json.to_owned()),
            Some(Fault::GoodBefore) => fail(state_json.to_owned()),
            Some(fault @ (Fault::OnceAfter | Fault::GoodAfter)) => {
                let end = job.run(index, cx, state_json).await;
                match end.result {
                    Ok(StepOutcome::Done) if fault == Fault::OnceAfter => retry(end.state_json),
                    Ok(StepOutcome::Done) => fail(end.state_json),
                    Ok(StepOutcome::Wait(_)) | Err(_) => end,
                }
            }
            Some(Fault::Twice) => {
                let _first = job.run(index, cx, state_json).await;
                job.run(index, cx, state_json).await
            }
            Some(Fault::Zombie) => {
                self.successor().await;
                job.run(index, cx, state_json).await
            }
        }
    }

    async fn undo(&self, index: usize, cx: &StepContext, state_json: &str) -> StepEnd {
        let job = self.world.job();
        let strikes = self.undo.filter(|(at, _)| *at == index);
        let Some((_, fault)) = strikes else { return job.undo(index, cx, state_json).await };
        if self.undo_fired.swap(true, Ordering::SeqCst) {
            return job.undo(index, cx, state_json).await;
        }
        match fault {
            Fault::OnceBefore | Fault::GoodBefore => retry(state_json.to_owned()),
            Fault::OnceAfter | Fault::GoodAfter => {
                retry(job.undo(index, cx, state_json).await.state_json)
            }
            Fault::Twice | Fault::Zombie => {
                let _first = job.undo(index, cx, state_json).await;
                job.undo(index, cx, state_json).await
            }
        }
    }

    async fn on_failed(&self, cx: &StepContext, state_json: &str, failure: &Failure) -> StepEnd {
        self.world.job().on_failed(cx, state_json, failure).await
    }
}
