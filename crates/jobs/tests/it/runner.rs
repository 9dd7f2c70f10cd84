use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use base::{Clock, JobId};
use jobs::{
    ATTEMPTS_MAX, BACKOFF_FIRST, CANCELLED, Claim, Fence, Job, JobLog, JobLogError, JobStatus,
    LEASE, MemoryLog, Outcome, Phase, Registry, Runner, Step, StepContext, StepError, StepOutcome,
    backoff, matrix::World,
};

use crate::toy::{Mistake, ToyWorld};

fn runner(world: &ToyWorld, job: Arc<dyn jobs::AnyJob>) -> Runner {
    let registry = Arc::new(Registry::default().with(job));
    Runner::new(world.log(), registry, world.clock(), "w1".into(), "host".into())
}

/// A job of one step that does what it is told.
struct OneStep {
    steps: Vec<Box<dyn Step<u32>>>,
}

type Says = dyn Fn(u32, &StepContext) -> Result<StepOutcome, StepError> + Send + Sync;

struct Told {
    says: Box<Says>,
    commits: bool,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

fn told(
    commits: bool,
    says: impl Fn(u32, &StepContext) -> Result<StepOutcome, StepError> + Send + Sync + 'static,
) -> (Arc<OneStep>, Arc<Mutex<Vec<&'static str>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let step = Told { says: Box::new(says), commits, calls: calls.clone() };
    (Arc::new(OneStep { steps: vec![Box::new(step)] }), calls)
}

#[async_trait]
impl Step<u32> for Told {
    fn name(&self) -> &'static str {
        "told"
    }
    fn commits(&self) -> bool {
        self.commits
    }
    async fn run(&self, cx: &StepContext, state: &mut u32) -> Result<StepOutcome, StepError> {
        self.calls.lock().unwrap().push("run");
        *state += 1;
        let said = (self.says)(*state, cx);
        cx.heartbeat().await?;
        said
    }
    async fn undo(&self, _cx: &StepContext, _state: &mut u32) -> Result<(), StepError> {
        self.calls.lock().unwrap().push("undo");
        Ok(())
    }
}

#[async_trait]
impl Job for OneStep {
    type State = u32;
    fn kind(&self) -> &'static str {
        "one"
    }
    fn steps(&self) -> &[Box<dyn Step<u32>>] {
        &self.steps
    }
}

fn insert_one(world: &ToyWorld, state: &str) -> JobId {
    let id = JobId::mint("job-", &base::SeededEntropy::new(9));
    let new = jobs::NewJob {
        id: id.clone(),
        kind: "one".into(),
        account: None,
        subject: "s".into(),
        host: None,
        asked_by: "a test".into(),
        state_json: state.into(),
    };
    world.log.insert(new, world.clock.wall());
    id
}

/// Runs until the job settles; how often it was taken up.
async fn settle(world: &ToyWorld, runner: &Runner) -> (JobStatus, u32) {
    for taken in 1..200 {
        if let Some(ran) = runner.run_one().await.unwrap() {
            match ran.outcome {
                Outcome::Settled(status) => return (status, taken),
                Outcome::PutOff(until) => world.clock.advance(until.since(world.clock.wall())),
                Outcome::Lost => panic!("lost"),
            }
        }
    }
    panic!("never settled");
}

#[tokio::test]
async fn a_retry_waits_before_it_runs_again() {
    let world = ToyWorld::new(Mistake::None);
    let (job, _) = told(false, |n, _| match n {
        1 => Err(StepError::retry("busy", "it is busy")),
        _ => Ok(StepOutcome::Done),
    });
    let id = insert_one(&world, "0");
    let runner = runner(&world, job);
    let due = world.clock.wall().plus(BACKOFF_FIRST);
    assert_eq!(runner.run_one().await.unwrap().unwrap().outcome, Outcome::PutOff(due));
    assert_eq!(world.log.get(&id).unwrap().progress.last_error.as_deref(), Some("it is busy"));
    assert_eq!(runner.run_one().await.unwrap(), None, "not due yet");
    world.clock.advance(BACKOFF_FIRST);
    let ran = runner.run_one().await.unwrap().unwrap();
    assert_eq!(ran.outcome, Outcome::Settled(JobStatus::Succeeded));
    let row = world.log.get(&id).unwrap();
    assert_eq!((row.progress.state_json.as_str(), row.progress.last_error), ("2", None));
}

#[tokio::test]
async fn attempts_are_bounded_and_then_it_goes_back() {
    for (succeeds_at, ends) in
        [(ATTEMPTS_MAX, JobStatus::Succeeded), (ATTEMPTS_MAX + 1, JobStatus::Failed)]
    {
        let world = ToyWorld::new(Mistake::None);
        let (job, calls) = told(false, move |n, _| {
            if n < succeeds_at {
                Err(StepError::retry("busy", "busy"))
            } else {
                Ok(StepOutcome::Done)
            }
        });
        let id = insert_one(&world, "0");
        let (status, _) = settle(&world, &runner(&world, job)).await;
        assert_eq!(status, ends);
        let runs = calls.lock().unwrap().iter().filter(|c| **c == "run").count();
        assert_eq!(runs, ATTEMPTS_MAX as usize);
        if ends == JobStatus::Failed {
            let row = world.log.get(&id).unwrap();
            assert_eq!(row.progress.failure.unwrap().code, "busy");
            assert_eq!(calls.lock().unwrap().last(), Some(&"undo"));
        }
    }
}

#[tokio::test]
async fn a_step_that_kills_its_process_each_time_is_given_up() {
    let world = ToyWorld::new(Mistake::None);
    let (job, calls) = told(false, |_, _| Ok(StepOutcome::Done));
    let id = insert_one(&world, "0");
    for n in 0..u64::from(ATTEMPTS_MAX) {
        let now = world.clock.wall();
        let claim = Claim { owner: "dies", host: "host", now, lease_until: now.plus(LEASE) };
        let mut row = world.log.claim(claim).await.unwrap().unwrap();
        assert_eq!(row.epoch, n + 1);
        row.progress.step = Some("told".into());
        row.progress.attempts += 1;
        let fence = Fence { job: id.clone(), epoch: row.epoch };
        world.log.save(&fence, &row.progress, now, now.plus(LEASE)).await.unwrap();
        world.clock.advance(LEASE);
    }
    let (status, _) = settle(&world, &runner(&world, job)).await;
    assert_eq!(status, JobStatus::Failed);
    assert_eq!(*calls.lock().unwrap(), ["undo"]);
    assert_eq!(world.log.get(&id).unwrap().progress.failure.unwrap().code, "attempts_exhausted");
}

#[tokio::test]
async fn a_committing_step_is_tried_without_end() {
    let world = ToyWorld::new(Mistake::None);
    let (job, calls) = told(true, |n, _| {
        if n <= ATTEMPTS_MAX * 2 {
            Err(StepError::retry("away", "away"))
        } else {
            Ok(StepOutcome::Done)
        }
    });
    insert_one(&world, "0");
    let (status, taken) = settle(&world, &runner(&world, job)).await;
    assert_eq!(status, JobStatus::Succeeded);
    assert_eq!(taken, ATTEMPTS_MAX * 2 + 1);
    assert!(!calls.lock().unwrap().contains(&"undo"));
}

#[tokio::test]
async fn waiting_is_not_an_attempt() {
    let world = ToyWorld::new(Mistake::None);
    let (job, _) = told(false, |n, cx| {
        assert_eq!(cx.attempt(), 1);
        if n <= ATTEMPTS_MAX * 2 {
            Ok(StepOutcome::Wait(Duration::from_secs(3)))
        } else {
            Ok(StepOutcome::Done)
        }
    });
    insert_one(&world, "0");
    let (status, _) = settle(&world, &runner(&world, job)).await;
    assert_eq!(status, JobStatus::Succeeded);
}

#[tokio::test]
async fn a_queued_job_can_be_cancelled_before_it_begins() {
    let world = ToyWorld::new(Mistake::None);
    let (job, calls) = told(false, |_, _| Ok(StepOutcome::Done));
    let id = insert_one(&world, "0");
    world.log.ask_cancel(&id, world.clock.wall());
    let (status, _) = settle(&world, &runner(&world, job)).await;
    assert_eq!(status, JobStatus::Cancelled);
    assert!(calls.lock().unwrap().is_empty());
    assert_eq!(world.log.get(&id).unwrap().progress.failure.unwrap().code, CANCELLED);
}

/// A cancel that is asked while a step runs, and fails, does not wait for the pause.
#[tokio::test]
async fn a_cancel_does_not_wait_for_a_job_that_is_put_off() {
    let world = ToyWorld::new(Mistake::None);
    let (log, clock) = (world.log.clone(), world.clock.clone());
    let (job, calls) = told(false, move |n, cx| {
        assert_eq!(n, 1, "it is not begun again");
        log.ask_cancel(&cx.fence().job, clock.wall());
        Err(StepError::retry("busy", "busy"))
    });
    let id = insert_one(&world, "0");
    let runner = runner(&world, job);
    let now = world.clock.wall();
    let first = runner.run_one().await.unwrap().unwrap();
    assert_eq!(first.outcome, jobs::Outcome::PutOff(now));
    let second = runner.run_one().await.unwrap().unwrap();
    assert_eq!(second.outcome, jobs::Outcome::Settled(JobStatus::Cancelled));
    assert_eq!(*calls.lock().unwrap(), ["run", "undo"]);
    assert_eq!(world.log.get(&id).unwrap().progress.failure.unwrap().code, CANCELLED);
    assert_eq!(world.clock.wall(), now);
}

/// A job that cannot go back any more keeps its pauses: a cancel does not make it spin.
#[tokio::test]
async fn a_cancel_makes_a_committing_job_try_once_and_no_faster() {
    let world = ToyWorld::new(Mistake::None);
    let (log, clock) = (world.log.clone(), world.clock.clone());
    let (job, _) = told(true, move |_, cx| {
        log.ask_cancel(&cx.fence().job, clock.wall());
        Err(StepError::retry("away", "away"))
    });
    insert_one(&world, "0");
    let runner = runner(&world, job);
    assert!(runner.run_one().await.unwrap().is_some());
    assert!(runner.run_one().await.unwrap().is_some());
    assert!(runner.run_one().await.unwrap().is_none(), "the third try waits");
}

#[tokio::test]
async fn a_long_step_hears_of_a_cancel_by_its_heartbeat() {
    let world = ToyWorld::new(Mistake::None);
    let (log, clock) = (world.log.clone(), world.clock.clone());
    let (job, calls) = told(false, move |_, cx| {
        log.ask_cancel(&cx.fence().job, clock.wall());
        clock.advance(Duration::from_secs(2));
        Ok(StepOutcome::Done)
    });
    insert_one(&world, "0");
    let (status, _) = settle(&world, &runner(&world, job)).await;
    assert_eq!(status, JobStatus::Cancelled);
    assert_eq!(*calls.lock().unwrap(), ["run", "undo"]);
}

#[tokio::test]
async fn a_heartbeat_keeps_the_lease() {
    let world = ToyWorld::new(Mistake::None);
    let (log, clock) = (world.log.clone(), world.clock.clone());
    let (job, _) = told(false, move |n, cx| {
        if n == 1 {
            let before = log.get(&cx.fence().job).unwrap().lease_until;
            assert_eq!(before, clock.wall().plus(LEASE));
            clock.advance(Duration::from_secs(20));
        }
        Ok(StepOutcome::Done)
    });
    let id = insert_one(&world, "0");
    // The heartbeat comes after 20 s; the settling write ends the lease, so look at it between.
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let spy = Arc::new(Spy { inner: world.log.clone(), renewed: seen.clone() });
    let registry = Arc::new(Registry::default().with(job));
    let runner = Runner::new(spy, registry, world.clock(), "w1".into(), "host".into());
    runner.run_one().await.unwrap().unwrap();
    assert_eq!(*seen.lock().unwrap(), [world.clock.wall().plus(LEASE)]);
    assert_eq!(world.log.get(&id).unwrap().progress.status, JobStatus::Succeeded);
}

#[tokio::test]
async fn a_shorter_lease_beats_sooner() {
    let world = ToyWorld::new(Mistake::None);
    let clock = world.clock.clone();
    let (job, _) = told(false, move |_, _| {
        clock.advance(Duration::from_millis(400));
        Ok(StepOutcome::Done)
    });
    insert_one(&world, "0");
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let spy = Arc::new(Spy { inner: world.log.clone(), renewed: seen.clone() });
    let registry = Arc::new(Registry::default().with(job));
    let lease = Duration::from_secs(1);
    let runner = Runner::new(spy, registry, world.clock(), "w1".into(), "host".into());
    runner.with_lease(lease).run_one().await.unwrap().unwrap();
    assert_eq!(*seen.lock().unwrap(), [world.clock.wall().plus(lease)]);
}

struct Spy {
    inner: Arc<MemoryLog>,
    renewed: Arc<Mutex<Vec<base::Timestamp>>>,
}

#[async_trait]
impl JobLog for Spy {
    async fn claim(&self, claim: Claim<'_>) -> Result<Option<jobs::JobRecord>, JobLogError> {
        self.inner.claim(claim).await
    }
    async fn renew(&self, fence: &Fence, until: base::Timestamp) -> Result<jobs::Ack, JobLogError> {
        self.renewed.lock().unwrap().push(until);
        self.inner.renew(fence, until).await
    }
    async fn save(
        &self,
        fence: &Fence,
        progress: &jobs::Progress,
        now: base::Timestamp,
        until: base::Timestamp,
    ) -> Result<jobs::Ack, JobLogError> {
        self.inner.save(fence, progress, now, until).await
    }
}

/// Invariant 24: a stale epoch writes nothing.
#[tokio::test]
async fn a_stale_epoch_writes_nothing() {
    let world = ToyWorld::new(Mistake::None);
    let id = insert_one(&world, "0");
    let claim = |now: base::Timestamp| Claim {
        owner: "w",
        host: "host",
        now,
        lease_until: now.plus(LEASE),
    };
    let first = world.log.claim(claim(world.clock.wall())).await.unwrap().unwrap();
    assert!(world.log.claim(claim(world.clock.wall())).await.unwrap().is_none());
    world.clock.advance(LEASE);
    let second = world.log.claim(claim(world.clock.wall())).await.unwrap().unwrap();
    assert_eq!(second.epoch, first.epoch + 1);
    let stale = Fence { job: id.clone(), epoch: first.epoch };
    let now = world.clock.wall();
    let before = world.log.get(&id);
    let refused = world.log.save(&stale, &first.progress, now, now).await;
    assert!(matches!(refused, Err(JobLogError::Stale { .. })));
    assert!(matches!(world.log.renew(&stale, now).await, Err(JobLogError::Stale { .. })));
    assert_eq!(world.log.get(&id), before);
}

#[tokio::test]
async fn a_job_of_another_host_is_not_taken() {
    let world = ToyWorld::new(Mistake::None);
    let (job, _) = told(false, |_, _| Ok(StepOutcome::Done));
    let id = insert_one(&world, "0");
    let mut row = world.log.get(&id).unwrap();
    row.host = Some("elsewhere".into());
    let new = jobs::NewJob {
        id: row.id,
        kind: row.kind,
        account: None,
        subject: row.subject,
        host: row.host,
        asked_by: row.asked_by,
        state_json: row.progress.state_json,
    };
    world.log.insert(new, world.clock.wall());
    assert_eq!(runner(&world, job).run_one().await.unwrap(), None);
}

#[tokio::test]
async fn what_this_program_cannot_read_is_left_alone() {
    for (state, kind_known) in [("not json", true), ("0", false)] {
        let world = ToyWorld::new(Mistake::None);
        let (job, calls) = told(false, |_, _| Ok(StepOutcome::Done));
        let id = insert_one(&world, state);
        let job = if kind_known { job as Arc<dyn jobs::AnyJob> } else { world.job() };
        let ran = runner(&world, job).run_one().await.unwrap().unwrap();
        assert!(matches!(ran.outcome, Outcome::PutOff(_)), "{ran:?}");
        let row = world.log.get(&id).unwrap();
        assert_eq!((row.progress.phase, row.progress.state_json.as_str()), (Phase::Running, state));
        assert!(row.progress.last_error.is_some());
        assert!(calls.lock().unwrap().is_empty());
    }
}

#[test]
#[should_panic(expected = "registered twice")]
fn a_kind_is_registered_once() {
    let job = || told(false, |_, _| Ok(StepOutcome::Done)).0;
    let _ = Registry::default().with(job()).with(job());
}

#[test]
fn the_longest_wait_for_attempts_is_minutes() {
    let total: Duration = (1..ATTEMPTS_MAX).map(backoff).sum();
    assert!(total < Duration::from_secs(200), "{total:?}");
}
