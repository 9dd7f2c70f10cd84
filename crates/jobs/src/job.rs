//! Kinds of jobs: steps over one state, and the registry that finds them by name.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Failure, Step, StepContext, StepError, StepOutcome, step::Class};

/// A kind of job.
#[async_trait]
pub trait Job: Send + Sync + 'static {
    /// What its steps share; kept in the row as JSON.
    type State: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Its name; stable between releases, because rows keep it.
    fn kind(&self) -> &'static str;

    /// Its steps in order; at least one.
    fn steps(&self) -> &[Box<dyn Step<Self::State>>];

    /// Called when everything is undone, before the job is settled: the place to mark the
    /// resource as failed. Idempotent.
    ///
    /// # Errors
    /// Any error is tried again later.
    async fn on_failed(
        &self,
        _cx: &StepContext,
        _state: &mut Self::State,
        _failure: &Failure,
    ) -> Result<(), StepError> {
        Ok(())
    }
}

/// What is known of a step without its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// Its name.
    pub name: &'static str,
    /// Whether the job cannot go back after it.
    pub commits: bool,
}

/// How a step ended, with the state it left.
#[derive(Debug)]
pub struct StepEnd {
    /// The state to save, whatever the result is.
    pub state_json: String,
    /// What the step said. An undo that worked is `Done`.
    pub result: Result<StepOutcome, StepError>,
}

/// A [`Job`] whose state is text: what runners and test harnesses work with.
#[async_trait]
pub trait AnyJob: Send + Sync {
    /// Its name.
    fn kind(&self) -> &'static str;
    /// Its steps in order.
    fn steps(&self) -> Vec<StepInfo>;
    /// Runs step `index`.
    async fn run(&self, index: usize, cx: &StepContext, state_json: &str) -> StepEnd;
    /// Undoes step `index`.
    async fn undo(&self, index: usize, cx: &StepContext, state_json: &str) -> StepEnd;
    /// Everything is undone.
    async fn on_failed(&self, cx: &StepContext, state_json: &str, failure: &Failure) -> StepEnd;
}

fn read<S: DeserializeOwned>(state_json: &str) -> Result<S, StepEnd> {
    serde_json::from_str(state_json).map_err(|error| StepEnd {
        state_json: state_json.to_owned(),
        result: Err(StepError::of(
            Class::Unreadable,
            "state_unreadable",
            format!("the job's state cannot be read: {error}"),
        )),
    })
}

fn end<S: Serialize>(before: &str, state: &S, result: Result<StepOutcome, StepError>) -> StepEnd {
    match serde_json::to_string(state) {
        Ok(state_json) => StepEnd { state_json, result },
        Err(error) => StepEnd {
            state_json: before.to_owned(),
            result: Err(StepError::of(
                Class::Unreadable,
                "state_unwritable",
                format!("the job's state cannot be written: {error}"),
            )),
        },
    }
}

#[async_trait]
impl<J: Job> AnyJob for J {
    fn kind(&self) -> &'static str {
        Job::kind(self)
    }

    fn steps(&self) -> Vec<StepInfo> {
        Job::steps(self)
            .iter()
            .map(|step| StepInfo { name: step.name(), commits: step.commits() })
            .collect()
    }

    async fn run(&self, index: usize, cx: &StepContext, state_json: &str) -> StepEnd {
        let mut state: J::State = match read(state_json) {
            Ok(state) => state,
            Err(refused) => return refused,
        };
        let result = Job::steps(self)[index].run(cx, &mut state).await;
        end(state_json, &state, result)
    }

    async fn undo(&self, index: usize, cx: &StepContext, state_json: &str) -> StepEnd {
        let mut state: J::State = match read(state_json) {
            Ok(state) => state,
            Err(refused) => return refused,
        };
        let result = Job::steps(self)[index].undo(cx, &mut state).await;
        end(state_json, &state, result.map(|()| StepOutcome::Done))
    }

    async fn on_failed(&self, cx: &StepContext, state_json: &str, failure: &Failure) -> StepEnd {
        let mut state: J::State = match read(state_json) {
            Ok(state) => state,
            Err(refused) => return refused,
        };
        let result = Job::on_failed(self, cx, &mut state, failure).await;
        end(state_json, &state, result.map(|()| StepOutcome::Done))
    }
}

/// The kinds of jobs that this program can run.
#[derive(Clone, Default)]
pub struct Registry {
    jobs: BTreeMap<&'static str, Arc<dyn AnyJob>>,
}

impl Registry {
    /// Adds a kind.
    ///
    /// # Panics
    /// When the kind is there already, has no step, or two of its steps share a name: mistakes
    /// of the program, seen at its start.
    #[must_use]
    pub fn with(mut self, job: Arc<dyn AnyJob>) -> Self {
        let (kind, steps) = (job.kind(), job.steps());
        assert!(!steps.is_empty(), "job `{kind}` has no step");
        for (i, step) in steps.iter().enumerate() {
            assert!(
                steps[..i].iter().all(|other| other.name != step.name),
                "job `{kind}` has two steps `{}`",
                step.name
            );
        }
        assert!(self.jobs.insert(kind, job).is_none(), "job `{kind}` is registered twice");
        self
    }

    /// The kind of that name.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<&Arc<dyn AnyJob>> {
        self.jobs.get(kind)
    }

    /// The names of all kinds.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.jobs.keys().copied()
    }
}
