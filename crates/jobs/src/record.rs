//! The row of a job.

use base::{AccountId, JobId, Timestamp};

/// The code of the failure that a cancelled job carries.
pub const CANCELLED: &str = "cancelled";

/// Which way a job goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Its steps run in order.
    Running,
    /// Its begun steps are undone in reverse order.
    Undoing,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobStatus {
    /// Waits for a worker, from [`Progress::not_before`] on.
    Queued,
    /// A worker has it, until its lease ends.
    Running,
    /// Every step is done.
    Succeeded,
    /// A step failed for good and everything is undone.
    Failed,
    /// It was cancelled and everything is undone.
    Cancelled,
}

macro_rules! spelled {
    ($name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        impl $name {
            /// As it is stored.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// From what is stored; none when it is no such word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

spelled!(Phase { Running = "running", Undoing = "undoing" });
spelled!(JobStatus {
    Queued = "queued",
    Running = "running",
    Succeeded = "succeeded",
    Failed = "failed",
    Cancelled = "cancelled",
});

impl JobStatus {
    /// Whether nothing more happens.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// Why a job goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A word for programs: the step's own code, or [`CANCELLED`].
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// The part of the row that the runner writes, always as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Whether it waits, runs or is settled.
    pub status: JobStatus,
    /// Which way it goes.
    pub phase: Phase,
    /// The step whose intent is written and that is not undone; none before the first step, and
    /// again once all are undone.
    pub step: Option<String>,
    /// How often this step was begun (undo: failed) since it was reached.
    pub attempts: u32,
    /// A queued job is not claimed before this moment of wall time.
    pub not_before: Timestamp,
    /// The job's own state; opaque to the log.
    pub state_json: String,
    /// Why it goes back; set once, when it turns.
    pub failure: Option<Failure>,
    /// What went wrong last, for people; cleared when a step is done.
    pub last_error: Option<String>,
    /// The writer has heard of the cancel, if one was asked; not stored. See [`crate::JobLog::save`].
    pub cancel_heard: bool,
}

/// A job as its requester inserts it, in the transaction of the change that needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its id, minted by the caller.
    pub id: JobId,
    /// Which job it is: [`crate::Job::kind`].
    pub kind: String,
    /// For whom; none for the region's own.
    pub account: Option<AccountId>,
    /// The id of the resource that it works on.
    pub subject: String,
    /// The one host that can run it; none when any can.
    pub host: Option<String>,
    /// Who asked and what was decided, as text for an auditor.
    pub asked_by: String,
    /// The job's first state.
    pub state_json: String,
}

/// A job as it is stored. All its times are wall time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// Its id.
    pub id: JobId,
    /// Which job it is.
    pub kind: String,
    /// For whom; none for the region's own.
    pub account: Option<AccountId>,
    /// The id of the resource that it works on.
    pub subject: String,
    /// The one host that can run it; none when any can.
    pub host: Option<String>,
    /// Who asked and what was decided.
    pub asked_by: String,
    /// How far it is.
    pub progress: Progress,
    /// Whether someone asked to cancel it.
    pub cancel_asked: bool,
    /// Who has it, or had it last.
    pub lease_owner: Option<String>,
    /// Until when a running job belongs to its owner.
    pub lease_until: Timestamp,
    /// Grows with each claim; a write under an older one is refused.
    pub epoch: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the row was written last.
    pub updated_at: Timestamp,
}

impl JobRecord {
    /// The row of a job just asked for.
    #[must_use]
    pub fn fresh(new: NewJob, now: Timestamp) -> Self {
        Self {
            id: new.id,
            kind: new.kind,
            account: new.account,
            subject: new.subject,
            host: new.host,
            asked_by: new.asked_by,
            progress: Progress {
                status: JobStatus::Queued,
                phase: Phase::Running,
                step: None,
                attempts: 0,
                not_before: now,
                state_json: new.state_json,
                failure: None,
                last_error: None,
                cancel_heard: false,
            },
            cancel_asked: false,
            lease_owner: None,
            lease_until: now,
            epoch: 0,
            created_at: now,
            updated_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_words_read_back() {
        for status in [
            JobStatus::Queued,
            JobStatus::Running,
            JobStatus::Succeeded,
            JobStatus::Failed,
            JobStatus::Cancelled,
        ] {
            assert_eq!(JobStatus::parse(status.as_str()), Some(status));
        }
        for phase in [Phase::Running, Phase::Undoing] {
            assert_eq!(Phase::parse(phase.as_str()), Some(phase));
        }
        assert_eq!(JobStatus::parse("Queued"), None);
    }
}
