//! The crash matrix: one job, failed, repeated, cancelled and killed at every place.
//!
//! A test gives a [`World`] whose job is inserted but not run, and what must hold afterwards. The
//! matrix runs the job once per case in a fresh world, restarts it after each kill, and asks the
//! world to check itself. A *kill* is a write to the log after which the runner does nothing more:
//! before it (the effect is there, the log does not know) or after it (the intent is there, the
//! effect is not). It refuses to know what the effects are; kills inside one effect are the
//! world's own business.
//!
//! Next to read: `faults.rs`.

mod faults;

use std::{fmt, future::Future, sync::Arc};

use async_trait::async_trait;
use base::{JobId, ManualClock};

use crate::{
    AnyJob, BACKOFF_MAX, JobLog, JobStatus, LEASE, Outcome, Registry, Runner,
    matrix::faults::{Fault, FaultyJob, FaultyLog, Kill, Trace},
};

/// How often a job may be taken up in one case before it counts as stuck.
const ROUNDS_MAX: usize = 100;

/// One world with one job in it.
#[async_trait]
pub trait World: Send + Sync {
    /// The log that the job is kept in.
    fn log(&self) -> Arc<dyn JobLog>;
    /// The job, over the world as it is now (asked again after each crash).
    fn job(&self) -> Arc<dyn AnyJob>;
    /// The clock that the runner sees.
    fn clock(&self) -> Arc<ManualClock>;
    /// Inserts the job; called once, first.
    async fn begin(&self) -> JobId;
    /// The process died: forget what was only in memory.
    async fn crash(&self) {}
    /// What must hold when the job ended like this.
    ///
    /// # Errors
    /// A sentence that says what does not hold.
    async fn check(&self, ended: JobStatus) -> Result<(), String>;
}

/// What a matrix found.
#[derive(Debug, Default)]
#[must_use]
pub struct Report {
    /// How many cases ran.
    pub cases: usize,
    /// One line per case that went wrong.
    pub failures: Vec<String>,
}

impl Report {
    /// The number of cases, when all went well.
    ///
    /// # Panics
    /// With every failed case, else.
    pub fn expect_clean(self) -> usize {
        assert!(
            self.failures.is_empty(),
            "{} of {} cases failed:\n{}",
            self.failures.len(),
            self.cases,
            self.failures.join("\n")
        );
        self.cases
    }
}

/// One case: what is done to the job, and how it may end.
#[derive(Clone, Copy, Debug, Default)]
struct Case {
    run: Option<(usize, Fault)>,
    undo: Option<(usize, Fault)>,
    kill: Option<Kill>,
    cancel_at: Option<usize>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((step, fault)) = self.run {
            write!(f, "step {step} {fault:?}; ")?;
        }
        if let Some((step, fault)) = self.undo {
            write!(f, "undo {step} {fault:?}; ")?;
        }
        if let Some(kill) = self.kill {
            let when = if kill.applied { "after" } else { "before" };
            write!(f, "killed {when} write {}; ", kill.write)?;
        }
        if let Some(write) = self.cancel_at {
            write!(f, "cancelled at write {write}; ")?;
        }
        Ok(())
    }
}

const DONE: &[JobStatus] = &[JobStatus::Succeeded];
const FAILED: &[JobStatus] = &[JobStatus::Failed];
const CANCEL: &[JobStatus] = &[JobStatus::Succeeded, JobStatus::Cancelled];

/// Runs the whole matrix. `fresh` makes a world with nothing in it but what the job needs.
pub async fn run<W, F>(fresh: impl Fn() -> F) -> Report
where
    W: World + 'static,
    F: Future<Output = W>,
{
    let mut bench = Bench { fresh, report: Report::default() };
    let clean = bench.case(Case::default(), DONE).await;
    let steps = clean.steps.len();
    let commit = clean.steps.iter().position(|s| s.commits).unwrap_or(steps);

    for step in 0..steps {
        for fault in [Fault::OnceBefore, Fault::OnceAfter, Fault::Twice] {
            bench.case(Case { run: Some((step, fault)), ..Case::default() }, DONE).await;
        }
        let ends = if step <= commit { FAILED } else { DONE };
        bench.case(Case { run: Some((step, Fault::GoodBefore)), ..Case::default() }, ends).await;
        // A committing step that fails for good promises that it committed nothing.
        if step != commit {
            bench.case(Case { run: Some((step, Fault::GoodAfter)), ..Case::default() }, ends).await;
        }
    }
    for write in 0..clean.writes {
        for applied in [false, true] {
            let kill = Some(Kill { write, applied });
            bench.case(Case { kill, ..Case::default() }, DONE).await;
        }
        bench.case(Case { cancel_at: Some(write), ..Case::default() }, CANCEL).await;
    }
    bench.undo(steps, commit).await;
    bench.report
}

/// Runs the cases of the worker that comes back late: it stops before a step's effect, another
/// takes its job over and settles it, and then the effect happens after all. The world must be
/// as if it had not: effects outside the log are fenced.
pub async fn run_zombies<W, F>(fresh: impl Fn() -> F) -> Report
where
    W: World + 'static,
    F: Future<Output = W>,
{
    let mut bench = Bench { fresh, report: Report::default() };
    let clean = bench.case(Case::default(), DONE).await;
    for step in 0..clean.steps.len() {
        bench.case(Case { run: Some((step, Fault::Zombie)), ..Case::default() }, DONE).await;
    }
    bench.report
}

struct Bench<M> {
    fresh: M,
    report: Report,
}

impl<M, F, W> Bench<M>
where
    M: Fn() -> F,
    F: Future<Output = W>,
    W: World + 'static,
{
    /// The job goes back from as far as it can be, with every fault at every undo.
    async fn undo(&mut self, steps: usize, commit: usize) {
        let turn = if commit < steps {
            (commit, Fault::GoodBefore)
        } else {
            (steps - 1, Fault::GoodAfter)
        };
        let base = Case { run: Some(turn), ..Case::default() };
        let back = self.case(base, FAILED).await;
        for step in 0..=turn.0 {
            for fault in [Fault::OnceBefore, Fault::OnceAfter, Fault::Twice] {
                self.case(Case { undo: Some((step, fault)), ..base }, FAILED).await;
            }
        }
        for write in back.turned_at.unwrap_or(back.writes)..back.writes {
            for applied in [false, true] {
                let kill = Some(Kill { write, applied });
                self.case(Case { kill, ..base }, FAILED).await;
            }
        }
    }

    async fn case(&mut self, case: Case, ends: &[JobStatus]) -> Trace {
        self.report.cases += 1;
        let world: Arc<dyn World> = Arc::new((self.fresh)().await);
        let log = Arc::new(FaultyLog::new(world.log(), case.kill, case.cancel_at));
        let job = Arc::new(FaultyJob::new(world.clone(), case.run, case.undo));
        let ended = drive(&world, log.clone(), job.clone()).await;
        let wrong = match ended {
            Err(stuck) => Some(stuck),
            Ok(status) if !ends.contains(&status) => {
                Some(format!("ended {}, wanted {ends:?}", status.as_str()))
            }
            Ok(status) => world.check(status).await.err(),
        };
        if let Some(wrong) = wrong {
            self.report.failures.push(format!("{case}{wrong}"));
        }
        log.trace(job.steps())
    }
}

async fn drive(
    world: &Arc<dyn World>,
    log: Arc<FaultyLog>,
    job: Arc<FaultyJob>,
) -> Result<JobStatus, String> {
    let id = world.begin().await;
    let clock = world.clock();
    let mut last = String::new();
    for round in 0..ROUNDS_MAX {
        let registry = Arc::new(Registry::default().with(job.clone()));
        let owner = format!("matrix-{round}");
        let runner = Runner::new(log.clone(), registry, clock.clone(), owner, "host".into());
        match runner.run_one().await {
            Ok(Some(ran)) if ran.job != id => continue,
            Ok(Some(ran)) => match ran.outcome {
                Outcome::Settled(status) => return Ok(status),
                Outcome::Lost => {
                    return job.settled_by_other().ok_or_else(|| "lost its lease".to_owned());
                }
                Outcome::PutOff(_) => {}
            },
            Ok(None) => {}
            Err(killed) => {
                last = killed.to_string();
                world.crash().await;
                if let Some(status) = log.settled() {
                    return Ok(status);
                }
            }
        }
        clock.advance(BACKOFF_MAX + LEASE);
    }
    Err(format!("not settled after {ROUNDS_MAX} rounds {last}"))
}
