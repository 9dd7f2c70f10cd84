//! Tags: attach, detach, the names of an account, and the search that reads them.
//!
//! Attaching to several resources is one decision and one transaction for each: IBM's answer says
//! of every resource what became of it.

mod names;
mod resources;
mod search;

pub use resources::{TagOn, TagOutcome};

use base::Crn;
use meta::Change;
use model::{EventDraft, Outcome, Refusal, Tag, TagKind, Target};
use policy::{Access, Action, Scope};

use crate::{Control, Error, RequestContext};

/// Most tags that an event names.
const EVENT_TAGS_MAX: usize = 50;

/// What is done to tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Attach,
    Detach,
    Create,
    Delete,
}

/// What a caller must be allowed for that.
fn action(deed: Deed, kind: TagKind) -> Result<Action, Error> {
    Ok(match (deed, kind) {
        (Deed::Attach, TagKind::User) => Action::TagAttachUser,
        (Deed::Attach, TagKind::Access) => Action::TagAttachAccess,
        (Deed::Detach, TagKind::User) => Action::TagDetachUser,
        (Deed::Detach, TagKind::Access) => Action::TagDetachAccess,
        (Deed::Delete, TagKind::User) => Action::TagDeleteUser,
        (Deed::Delete, TagKind::Access) => Action::TagDeleteAccess,
        (Deed::Create, TagKind::User | TagKind::Access) => Action::TagCreateAccess,
        (_, TagKind::Service) => return Err(Refusal::ServiceTags.into()),
    })
}

impl Control {
    /// What a caller sees of resources of the type of this CRN; none when nothing.
    fn seen_of(&self, access: &Access, crn: &Crn) -> Option<Scope> {
        access.scope(Action::to_see(&crn.kind)?, self.now()).ok()
    }

    /// The change record of something done to tags.
    fn tag_change(
        &self,
        ctx: &RequestContext,
        action: &'static str,
        target: Target,
        kind: TagKind,
        tags: &[String],
    ) -> Change {
        let data = serde_json::json!({
            "tag_type": kind.as_str(),
            "tag_count": tags.len(),
            "tag_names": &tags[..tags.len().min(EVENT_TAGS_MAX)],
        });
        let draft = EventDraft {
            action,
            outcome: Outcome::Success,
            target,
            request_data: data.to_string(),
        };
        Change { events: vec![self.event(ctx, draft)], usage: Vec::new() }
    }

    /// A tag of the account as the target of an event.
    fn tag_target(ctx: &RequestContext, name: &str) -> Target {
        let crn = Crn {
            service: "global-search-tagging".to_owned(),
            location: "global".to_owned(),
            account: Some(ctx.caller.account.clone()),
            instance: String::new(),
            kind: "tag".to_owned(),
            resource: name.to_owned(),
        };
        Target {
            crn: crn.to_string(),
            name: name.to_owned(),
            type_uri: "global-search-tagging/tag".to_owned(),
            group: None,
        }
    }
}

fn texts(tags: &[Tag]) -> Vec<String> {
    tags.iter().map(Tag::to_string).collect()
}
