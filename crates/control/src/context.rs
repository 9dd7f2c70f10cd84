//! One request: who asks, and how it is told in events.

use model::{EventDraft, Initiator, Outcome, Target};
use policy::Caller;

/// What a use case knows of the request that it serves.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Who asks; the token was checked.
    pub caller: Caller,
    /// Who asks, for events.
    pub initiator: Initiator,
    /// Ties log lines, events and the answer together.
    pub request_id: String,
    /// API version of the request, `YYYY-MM-DD`.
    pub api_version: String,
}

impl RequestContext {
    /// The event of a change that this request makes.
    pub(crate) fn event(
        &self,
        id: base::EventId,
        at: base::Timestamp,
        draft: EventDraft,
    ) -> model::Event {
        let severity = draft.severity();
        model::Event {
            id,
            at,
            account: self.caller.account.clone(),
            action: draft.action.to_owned(),
            outcome: draft.outcome,
            severity,
            initiator: self.initiator.clone(),
            target: draft.target,
            reason_code: if draft.outcome == Outcome::Failure { 400 } else { 200 },
            reason: String::new(),
            request_id: self.request_id.clone(),
            request_data: draft.request_data,
        }
    }

    /// Who asked and what was decided, for the row of a job.
    pub(crate) fn asked_by(&self, permit: &policy::Permit) -> String {
        format!("{} {} request {}", permit.by(), permit.action(), self.request_id)
    }
}

/// A target of a VPC resource.
pub(crate) fn vpc_target(
    kind: &str,
    crn: &base::Crn,
    name: &str,
    group: &base::ResourceGroupId,
) -> Target {
    Target {
        crn: crn.to_string(),
        name: name.to_owned(),
        type_uri: format!("is.{kind}/{kind}"),
        group: Some(group.clone()),
    }
}
