//! The rotation of an account's root key as a job: durable, one at a time for an account.

use std::{sync::Weak, time::Duration};

use async_trait::async_trait;
use base::{AccountId, JobId};
use jobs::{JobStatus, NewJob, Step, StepContext, StepError, StepOutcome};
use kms::KeyRef;
use policy::SystemPermit;
use serde::{Deserialize, Serialize};

use super::versions::{KeyError, OPERATOR};
use crate::{
    Control,
    worker::{JOB, RegionJob, control, subject},
};

const KIND: &str = "key_rotate";

/// Leave for the steps.
pub(super) const JOB_PERMIT: SystemPermit = JOB;

/// What a rotation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotateReport {
    /// The version that wraps now.
    pub version: u32,
    /// Images and volumes that were looked at.
    pub looked_at: u64,
    /// Of these, those whose data key, or recovery manifest, was written anew.
    pub rewrapped: u64,
}

/// Where a rotation stands.
#[derive(Clone, Debug)]
pub struct KeyJob {
    /// Whether it ended well; none while it runs.
    pub succeeded: Option<bool>,
    /// Why it failed, or what went wrong last.
    pub error: Option<String>,
    /// What it did so far.
    pub report: RotateReport,
}

/// What the job keeps in its row.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    /// The version that was current when it was asked for.
    from: u32,
    /// The id of the last row that is done.
    after: Option<String>,
    report: RotateReport,
}

impl Control {
    /// Queues a rotation of the provider's root key of an account, unless one is under way; the
    /// job. It makes a new version and wraps every data key of the account by it. Nothing that
    /// the data keys encrypt is read or written, and the old version goes on opening what it
    /// wrapped until it is retired.
    ///
    /// # Errors
    /// `Unused` when the account has no root key yet; when there is no such account; when keys or
    /// database are away.
    pub async fn key_rotate(&self, account: &AccountId) -> Result<JobId, KeyError> {
        self.store().account(OPERATOR, account).await?;
        let versions = self.parts.keys.versions(&KeyRef::Provider(account.clone())).await?;
        let from =
            versions.current().ok_or_else(|| KeyError::Unused { account: account.clone() })?;
        let state = State { from: from.version, after: None, report: RotateReport::default() };
        let job = NewJob {
            id: JobId::mint("", self.entropy()),
            kind: KIND.to_owned(),
            account: Some(account.clone()),
            subject: account.to_string(),
            host: None,
            asked_by: "operator".to_owned(),
            state_json: serde_json::to_string(&state).map_err(|_| KeyError::State)?,
        };
        let id = self.store().region_job(OPERATOR, job).await?;
        self.jobs_queued.notify_one();
        Ok(id)
    }

    /// Where a rotation stands.
    ///
    /// # Errors
    /// When there is none; when the database is away.
    pub async fn key_job(&self, id: &JobId) -> Result<KeyJob, KeyError> {
        let job = self.store().job(OPERATOR, id).await?;
        let state: Result<State, _> = serde_json::from_str(&job.progress.state_json);
        let status = job.progress.status;
        Ok(KeyJob {
            succeeded: status.is_settled().then_some(status == JobStatus::Succeeded),
            error: job.progress.failure.map(|f| f.message).or(job.progress.last_error),
            report: state.map(|state| state.report).unwrap_or_default(),
        })
    }
}

/// Rotates a root key.
pub(crate) struct RotateJob;

#[async_trait]
impl RegionJob for RotateJob {
    const KIND: &'static str = KIND;
    type State = State;

    fn steps(region: &Weak<Control>) -> Vec<Box<dyn Step<State>>> {
        vec![Box::new(Rotate(Weak::clone(region))), Box::new(Rewrap(Weak::clone(region)))]
    }
}

fn key_step(error: KeyError) -> StepError {
    let text = base::error_chain(&error);
    match error.kind() {
        base::ErrorKind::Unavailable | base::ErrorKind::Internal => {
            StepError::retry("keys_unavailable", text)
        }
        _ => StepError::fail("keys_refused", text),
    }
}

/// Makes the new version.
struct Rotate(Weak<Control>);

#[async_trait]
impl Step<State> for Rotate {
    fn name(&self) -> &'static str {
        "rotate"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region = control(&self.0)?;
        let key = KeyRef::Provider(subject(cx)?);
        let now = region.parts.clock.wall();
        let versions = region.parts.keys.rotate(&key, state.from, now).await;
        let versions = versions.map_err(|error| key_step(error.into()))?;
        state.report.version = versions.current().map_or(0, |one| one.version);
        Ok(StepOutcome::Done)
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        // A version more is no harm: everything opens as before.
        Ok(())
    }
}

/// Wraps one batch after the other; between two, other jobs have their turn.
struct Rewrap(Weak<Control>);

#[async_trait]
impl Step<State> for Rewrap {
    fn name(&self) -> &'static str {
        "rewrap"
    }

    async fn run(&self, cx: &StepContext, state: &mut State) -> Result<StepOutcome, StepError> {
        cx.heartbeat().await?;
        let region = control(&self.0)?;
        let account = subject(cx)?;
        let mut after = state.after.clone();
        let rows = region.wraps(&account, &mut after).await.map_err(|e| key_step(e.into()))?;
        let Some(rows) = rows else {
            let RotateReport { version, looked_at, rewrapped } = state.report;
            tracing::info!(%account, version, looked_at, rewrapped, "a root key was rotated");
            return Ok(StepOutcome::Done);
        };
        let mut report = state.report.clone();
        for row in &rows {
            cx.heartbeat().await?;
            let wrote = region.rewrap(&account, row, report.version, cx.fence()).await;
            report.looked_at += 1;
            report.rewrapped += u64::from(wrote.map_err(key_step)?);
        }
        // Together with the place to go on at: a repeat counts from here.
        state.report = report;
        state.after = after;
        Ok(StepOutcome::Wait(Duration::ZERO))
    }

    async fn undo(&self, _: &StepContext, _: &mut State) -> Result<(), StepError> {
        Ok(())
    }
}
