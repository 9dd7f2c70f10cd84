//! Who may do what, as users write it: policies, roles of an account, access groups.
//!
//! It refuses to know IBM's JSON. Its invariant: nobody writes a policy about more than they
//! administer themselves.
//!
//! Next to read: `policies`, then `access_groups`.

mod access_groups;
mod members;
mod policies;
mod roles;

pub use access_groups::{AccessGroupPatch, GroupRuleWrite};
pub use policies::PolicyWrite;
pub use roles::RoleWrite;

use base::Crn;
use meta::Change;
use model::{EventDraft, Outcome, Target, TermsError};

use crate::{Control, Error, RequestContext};

/// What an event of IAM is about.
pub(crate) struct Subject<'a> {
    pub(crate) service: &'static str,
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
}

impl Control {
    /// The change record of something done in IAM.
    pub(crate) fn iam_change(
        &self,
        ctx: &RequestContext,
        action: &'static str,
        about: &Subject<'_>,
        data: &serde_json::Value,
    ) -> Change {
        let crn = Crn {
            service: about.service.to_owned(),
            location: String::new(),
            account: Some(ctx.caller.account.clone()),
            instance: String::new(),
            kind: about.kind.to_owned(),
            resource: about.id.to_owned(),
        };
        let draft = EventDraft {
            action,
            outcome: Outcome::Success,
            target: Target {
                crn: crn.to_string(),
                name: about.name.to_owned(),
                type_uri: format!("{}/{}", about.service, about.kind),
                group: None,
            },
            request_data: data.to_string(),
        };
        Change { events: vec![self.event(ctx, draft)], usage: Vec::new() }
    }
}

/// A policy that is refused for what it says.
fn refused(error: TermsError) -> Error {
    Error::Invalid { field: error.field, code: "invalid_body", why: error.why }
}

fn invalid(field: &'static str, why: impl Into<String>) -> Error {
    Error::Invalid { field, code: "invalid_body", why: why.into() }
}
