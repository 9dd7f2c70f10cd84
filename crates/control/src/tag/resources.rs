//! Tags onto resources and off them.

use base::Crn;
use meta::{Change, TagTarget};
use model::{SearchQuery, Tag, TagKind, TagMode, TagPattern, Target};
use policy::{Action, Permit, Resource};

use super::{Deed, action, texts};
use crate::{Control, Error, RequestContext};

/// Most resources that a query may find.
const FOUND_MAX: u32 = 1_000;

/// Which resources a call is about.
#[derive(Clone, Debug)]
pub enum TagOn {
    /// These, by CRN; what is no CRN is told of as such.
    Ids(Vec<String>),
    /// What a search finds; at most 1000.
    Query(SearchQuery),
}

/// What became of one resource: why not, where it went wrong.
pub type TagOutcome = (String, Option<String>);

impl Control {
    /// Attaches tags to each resource.
    ///
    /// # Errors
    /// Service tags, a query that finds too much, a store that is away. What goes wrong with one
    /// resource alone is in its outcome.
    pub async fn tags_attach(
        &self,
        ctx: &RequestContext,
        kind: TagKind,
        tags: &[Tag],
        mode: TagMode,
        on: TagOn,
    ) -> Result<Vec<TagOutcome>, Error> {
        let action = action(Deed::Attach, kind)?;
        let names = texts(tags);
        let mut outcomes = Vec::new();
        for id in self.tagged_ids(ctx, on).await? {
            let done = match self.tagging(ctx, action, Deed::Attach, kind, &id, &names).await {
                Ok((permit, crn, change)) => {
                    let (store, region) = (self.store(), self.region());
                    let done = store.tags_attach(&permit, region, &crn, kind, tags, mode, change);
                    done.await.map_err(Error::from)
                }
                Err(error) => Err(error),
            };
            outcomes.push(outcome(id, done)?);
        }
        Ok(outcomes)
    }

    /// Detaches from each resource whatever fits a pattern. What a resource does not have is
    /// detached from it all the same.
    ///
    /// # Errors
    /// As [`Self::tags_attach`].
    pub async fn tags_detach(
        &self,
        ctx: &RequestContext,
        kind: TagKind,
        patterns: &[(String, TagPattern)],
        on: TagOn,
    ) -> Result<Vec<TagOutcome>, Error> {
        let action = action(Deed::Detach, kind)?;
        let names: Vec<String> = patterns.iter().map(|(text, _)| text.clone()).collect();
        let patterns: Vec<TagPattern> = patterns.iter().map(|(_, p)| p.clone()).collect();
        let mut outcomes = Vec::new();
        for id in self.tagged_ids(ctx, on).await? {
            let done = match self.tagging(ctx, action, Deed::Detach, kind, &id, &names).await {
                Ok((permit, crn, change)) => {
                    let (store, region) = (self.store(), self.region());
                    let done = store.tags_detach(&permit, region, &crn, kind, &patterns, change);
                    done.await.map_err(Error::from)
                }
                Err(error) => Err(error),
            };
            outcomes.push(outcome(id, done)?);
        }
        Ok(outcomes)
    }

    async fn tagged_ids(&self, ctx: &RequestContext, on: TagOn) -> Result<Vec<String>, Error> {
        let query = match on {
            TagOn::Ids(ids) => return Ok(ids),
            TagOn::Query(query) => query,
        };
        let (found, more) = self.search(ctx, &query, None, FOUND_MAX).await?;
        if more.is_some() {
            return Err(Error::Invalid {
                field: "query.query_string",
                code: "validation_max_value",
                why: format!("The query finds more than {FOUND_MAX} resources. Ask for fewer."),
            });
        }
        Ok(found.into_iter().map(|found| found.crn.to_string()).collect())
    }

    /// Leave, CRN and change record for one resource.
    async fn tagging(
        &self,
        ctx: &RequestContext,
        action: Action,
        deed: Deed,
        kind: TagKind,
        id: &str,
        names: &[String],
    ) -> Result<(Permit, Crn, Change), Error> {
        let missing = || Error::NotFound { kind: "resource", id: id.to_owned(), field: None };
        let crn = Crn::parse(id).map_err(|_| missing())?;
        let access = self.access(ctx).await?;
        self.scope_by(ctx, &access, Action::TagRead).await?;
        let scope = self.seen_of(&access, &crn).ok_or_else(missing)?;
        let target = self.store().tag_target(&scope, self.region(), &crn).await?;
        let resource = Resource::One {
            account: ctx.caller.account.clone(),
            group: target.group.clone(),
            id: crn.resource.clone(),
        };
        let place = Some((crn.service.as_str(), crn.kind.as_str()));
        let permit = self.decide_by(ctx, &access, action, resource, place).await?;
        let event = event_of(deed, &crn.service);
        let change = self.tag_change(ctx, event, target_of(target), kind, names);
        Ok((permit, crn, change))
    }
}

/// IBM names these events by the service of the resource.
fn event_of(deed: Deed, service: &str) -> &'static str {
    match (deed, service) {
        (Deed::Detach, "is") => "is.tag.detach",
        (Deed::Detach, _) => "resource-controller.tag.detach",
        (Deed::Attach | Deed::Create | Deed::Delete, "is") => "is.tag.attach",
        (Deed::Attach | Deed::Create | Deed::Delete, _) => "resource-controller.tag.attach",
    }
}

fn target_of(target: TagTarget) -> Target {
    let crn = &target.crn;
    let type_uri = match crn.service.as_str() {
        "is" => format!("is.{0}/{0}", crn.kind),
        service => format!("{service}/{}", crn.kind),
    };
    Target { crn: crn.to_string(), name: target.name, type_uri, group: Some(target.group) }
}

/// What went wrong with one resource is told beside it; what would go wrong with every one ends
/// the call.
fn outcome(id: String, done: Result<(), Error>) -> Result<TagOutcome, Error> {
    match done {
        Ok(()) => Ok((id, None)),
        Err(error @ (Error::Unavailable { .. } | Error::Internal { .. })) => Err(error),
        Err(Error::NotFound { .. }) => {
            Ok((id, Some("The resource does not exist, or is not visible to you.".to_owned())))
        }
        Err(error) => Ok((id, Some(error.to_string()))),
    }
}
