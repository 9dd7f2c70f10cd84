//! Activity events: who did what to which resource, with what end.

use base::{AccountId, EventId, PrincipalId, ResourceGroupId, Timestamp};

use crate::text_enum;

text_enum! {
    /// How it ended.
    Outcome {
        /// It was done.
        Success = "success",
        /// It goes on.
        Pending = "pending",
        /// It was not done.
        Failure = "failure",
    }
}

text_enum! {
    /// How grave it is.
    Severity {
        /// Routine.
        Normal = "normal",
        /// An update, or a failure.
        Warning = "warning",
        /// A deletion, or a denial.
        Critical = "critical",
    }
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiator {
    /// IAM id, or the region's own actor such as `ectype-scheduler`.
    pub id: String,
    /// Display name.
    pub name: String,
    /// `service/security/account/user`, `…/serviceid`, or `service/security/clientid`.
    pub type_uri: String,
    /// How they signed in: `token`, `apikey`, …
    pub credential: String,
    /// Address of the caller; empty for the region's own actors.
    pub address: String,
    /// User agent of the caller.
    pub agent: String,
}

/// What it was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// CRN; the resource segment is empty when a creation failed.
    pub crn: String,
    /// Name; `*` for lists.
    pub name: String,
    /// Such as `is.image/image`.
    pub type_uri: String,
    /// Its resource group, if it has one.
    pub group: Option<ResourceGroupId>,
}

/// One event, as it is written beside the change it reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Region time.
    pub at: Timestamp,
    /// Whose account it belongs to.
    pub account: AccountId,
    /// Such as `is.image.image.create`.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How grave.
    pub severity: Severity,
    /// Who asked.
    pub initiator: Initiator,
    /// What it was done to.
    pub target: Target,
    /// HTTP status that the caller saw, or will see.
    pub reason_code: u16,
    /// Why it failed; empty on success.
    pub reason: String,
    /// Request id (`trace`); ties several events of one request together.
    pub request_id: String,
    /// `requestData` as JSON text.
    pub request_data: String,
}

/// An event whose id and time are given by the store's caller when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDraft {
    /// Such as `is.image.image.create`.
    pub action: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What it was done to.
    pub target: Target,
    /// `requestData` as JSON text.
    pub request_data: String,
}

impl EventDraft {
    /// IBM's rule: deletions are critical, updates warn, the rest is normal.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let verb = self.action.rsplit('.').next().unwrap_or_default();
        match (self.outcome, verb) {
            (_, "delete") => Severity::Critical,
            (Outcome::Failure, _) | (_, "update") => Severity::Warning,
            (Outcome::Success | Outcome::Pending, _) => Severity::Normal,
        }
    }
}

impl Event {
    /// An event with an empty initiator; for the region's own actors.
    #[must_use]
    pub fn by_region(id: EventId, at: Timestamp, account: AccountId, draft: EventDraft) -> Self {
        let severity = draft.severity();
        Self {
            id,
            at,
            account,
            action: draft.action.to_owned(),
            outcome: draft.outcome,
            severity,
            initiator: Initiator {
                id: "ectype-region".to_owned(),
                name: "Ectype".to_owned(),
                type_uri: "service/security/clientid".to_owned(),
                credential: "s2s-authorization".to_owned(),
                address: String::new(),
                agent: String::new(),
            },
            target: draft.target,
            reason_code: if draft.outcome == Outcome::Failure { 500 } else { 200 },
            reason: String::new(),
            request_id: String::new(),
            request_data: draft.request_data,
        }
    }
}

/// The principal of an initiator, where it is one.
impl Initiator {
    /// The IAM id as a principal.
    #[must_use]
    pub fn principal(&self) -> Option<PrincipalId> {
        PrincipalId::parse(&self.id).ok()
    }
}
