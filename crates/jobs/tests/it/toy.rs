//! A toy job: takes a seat, copies two pages, publishes (commits), and gives the seat back.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use base::{JobId, ManualClock, SeededEntropy, Timestamp};
use jobs::{
    AnyJob, Failure, Job, JobLog, JobStatus, MemoryLog, NewJob, Step, StepContext, StepError,
    StepOutcome, matrix::World,
};
use serde::{Deserialize, Serialize};

/// Which mistake the toy makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    None,
    /// Copying leaves its pages behind when undone.
    NoUndo,
    /// Publishing counts up each time it runs.
    NotIdempotent,
    /// Effects do not look at the fence.
    Unfenced,
}

/// What the job changes.
#[derive(Debug, Default)]
pub struct Shop {
    pub seat: Option<String>,
    pub pages: BTreeSet<u32>,
    pub published: u32,
    pub failed: Option<String>,
    /// The newest epoch that touched the shop.
    pub epoch: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ToyState {
    pub pages: Vec<u32>,
    pub waited: bool,
}

pub struct Toy {
    steps: Vec<Box<dyn Step<ToyState>>>,
    shop: Arc<Mutex<Shop>>,
}

#[derive(Clone)]
struct ToyStep {
    name: &'static str,
    shop: Arc<Mutex<Shop>>,
    mistake: Mistake,
}

impl Toy {
    pub fn new(shop: Arc<Mutex<Shop>>, mistake: Mistake) -> Self {
        let step = |name| -> Box<dyn Step<ToyState>> {
            Box::new(ToyStep { name, shop: shop.clone(), mistake })
        };
        let steps = vec![step("seat"), step("copy"), step("publish"), step("leave")];
        Self { steps, shop }
    }
}

#[async_trait]
impl Job for Toy {
    type State = ToyState;

    fn kind(&self) -> &'static str {
        "toy"
    }

    fn steps(&self) -> &[Box<dyn Step<ToyState>>] {
        &self.steps
    }

    async fn on_failed(
        &self,
        _cx: &StepContext,
        _state: &mut ToyState,
        failure: &Failure,
    ) -> Result<(), StepError> {
        self.shop.lock().unwrap().failed = Some(failure.code.clone());
        Ok(())
    }
}

#[async_trait]
impl Step<ToyState> for ToyStep {
    fn name(&self) -> &'static str {
        self.name
    }

    fn commits(&self) -> bool {
        self.name == "publish"
    }

    async fn run(&self, cx: &StepContext, state: &mut ToyState) -> Result<StepOutcome, StepError> {
        if self.mistake != Mistake::Unfenced {
            cx.heartbeat().await?;
        }
        let mut shop = self.shop.lock().unwrap();
        if self.mistake != Mistake::Unfenced && cx.fence().epoch < shop.epoch {
            return Err(StepError::retry("fenced", "another worker is newer"));
        }
        shop.epoch = cx.fence().epoch;
        match self.name {
            "seat" => shop.seat = Some(cx.subject().to_owned()),
            "copy" => {
                if !state.waited {
                    state.waited = true;
                    return Ok(StepOutcome::Wait(Duration::from_secs(5)));
                }
                state.pages = vec![1, 2];
                shop.pages.extend([1, 2]);
            }
            "publish" if self.mistake == Mistake::NotIdempotent => shop.published += 1,
            "publish" => shop.published = 1,
            _ => shop.seat = None,
        }
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _cx: &StepContext, _state: &mut ToyState) -> Result<(), StepError> {
        let mut shop = self.shop.lock().unwrap();
        match self.name {
            "seat" => shop.seat = None,
            "copy" if self.mistake == Mistake::NoUndo => {}
            "copy" => shop.pages.clear(),
            _ => {}
        }
        Ok(())
    }
}

/// A shop with one toy job in it.
pub struct ToyWorld {
    pub log: Arc<MemoryLog>,
    pub clock: Arc<ManualClock>,
    pub shop: Arc<Mutex<Shop>>,
    mistake: Mistake,
}

impl ToyWorld {
    pub fn new(mistake: Mistake) -> Self {
        Self {
            log: Arc::default(),
            clock: Arc::new(ManualClock::at(Timestamp::from_micros(1_000_000))),
            shop: Arc::default(),
            mistake,
        }
    }

    pub fn insert(&self, seed: u64) -> JobId {
        let id = JobId::mint("job-", &SeededEntropy::new(seed));
        let new = NewJob {
            id: id.clone(),
            kind: "toy".into(),
            account: None,
            subject: "window".into(),
            host: None,
            asked_by: "a test".into(),
            state_json: serde_json::to_string(&ToyState::default()).unwrap(),
        };
        self.log.insert(new, base::Clock::wall(&*self.clock));
        id
    }
}

#[async_trait]
impl World for ToyWorld {
    fn log(&self) -> Arc<dyn JobLog> {
        self.log.clone()
    }

    fn job(&self) -> Arc<dyn AnyJob> {
        Arc::new(Toy::new(self.shop.clone(), self.mistake))
    }

    fn clock(&self) -> Arc<ManualClock> {
        self.clock.clone()
    }

    async fn begin(&self) -> JobId {
        self.insert(1)
    }

    async fn check(&self, ended: JobStatus) -> Result<(), String> {
        let shop = self.shop.lock().unwrap();
        let good = match ended {
            JobStatus::Succeeded => {
                shop.seat.is_none()
                    && shop.pages.len() == 2
                    && shop.published == 1
                    && shop.failed.is_none()
            }
            _ => {
                shop.seat.is_none()
                    && shop.pages.is_empty()
                    && shop.published == 0
                    && shop.failed.is_some()
            }
        };
        if good { Ok(()) } else { Err(format!("{ended:?} leaves {shop:?}")) }
    }
}
