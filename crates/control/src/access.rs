//! Permits for the caller of a request, and the events that go with them.

use base::{Crn, EventId, ResourceGroupId};
use meta::{Change, GroupFilter};
use model::{Event, EventDraft, Head, Outcome, UsageChange};
use policy::{Access, Action, Ask, Denied, InternalActor, Permit, Resource, Scope, Scopes};

use crate::{Control, Error, RequestContext, context::vpc_target};

impl Control {
    /// What the caller may see.
    pub(crate) async fn scope(&self, ctx: &RequestContext, action: Action) -> Result<Scope, Error> {
        let access = self.access(ctx).await?;
        self.scope_by(ctx, &access, action).await
    }

    /// As [`Self::scope`], decided by an access that was read before for the same caller.
    pub(crate) async fn scope_by(
        &self,
        ctx: &RequestContext,
        access: &Access,
        action: Action,
    ) -> Result<Scope, Error> {
        match access.scope(action, self.now()) {
            Ok(scope) => Ok(scope),
            Err(denied) => Err(self.denied(ctx, denied, None).await),
        }
    }

    /// What belongs to the account as a whole, for a caller who may see all of it: it is in no
    /// resource group, so whoever may see a group or a resource sees nothing of it.
    pub(crate) async fn scope_account(
        &self,
        ctx: &RequestContext,
        action: Action,
    ) -> Result<Scope, Error> {
        let access = self.access(ctx).await?;
        let resource = Resource::Account { account: ctx.caller.account.clone() };
        self.decide_by(ctx, &access, action, resource, None).await?;
        self.scope_by(ctx, &access, action).await
    }

    /// What the caller may see of each type of resource.
    pub(crate) async fn scopes(&self, ctx: &RequestContext) -> Result<Scopes, Error> {
        Ok(self.access(ctx).await?.scopes(self.now()))
    }

    /// Leave to do `action` to the resource of `head`.
    pub(crate) async fn permit<Id: ToString>(
        &self,
        ctx: &RequestContext,
        action: Action,
        head: &Head<Id>,
    ) -> Result<Permit, Error> {
        let resource = Resource::One {
            account: head.account.clone(),
            group: head.group.clone(),
            id: head.id.to_string(),
        };
        self.decide(ctx, action, resource).await
    }

    /// Leave to make something new in `group`.
    pub(crate) async fn permit_new(
        &self,
        ctx: &RequestContext,
        action: Action,
        group: &ResourceGroupId,
    ) -> Result<Permit, Error> {
        let resource = Resource::New { account: ctx.caller.account.clone(), group: group.clone() };
        self.decide(ctx, action, resource).await
    }

    /// Leave for what belongs to the account as a whole.
    pub(crate) async fn permit_account(
        &self,
        ctx: &RequestContext,
        action: Action,
    ) -> Result<Permit, Error> {
        let account = ctx.caller.account.clone();
        self.decide(ctx, action, Resource::Account { account }).await
    }

    pub(crate) async fn decide(
        &self,
        ctx: &RequestContext,
        action: Action,
        resource: Resource,
    ) -> Result<Permit, Error> {
        let access = self.access(ctx).await?;
        self.decide_by(ctx, &access, action, resource, None).await
    }

    /// As [`Self::decide`], decided by an access that was read before for the same caller; the
    /// place is of an action that is done to resources of any service and type.
    pub(crate) async fn decide_by(
        &self,
        ctx: &RequestContext,
        access: &Access,
        action: Action,
        resource: Resource,
        place: Option<(&str, &str)>,
    ) -> Result<Permit, Error> {
        let id = match &resource {
            Resource::One { id, .. } => Some(id.clone()),
            Resource::New { .. } | Resource::Account { .. } => None,
        };
        let mut tags = Vec::new();
        if let Some(id) = id.as_deref().filter(|_| access.asks_tags(action)) {
            let permit = Self::system(InternalActor::Identity);
            tags = self.store().access_tags(permit, &ctx.caller.account, id).await?;
        }
        match access.permit(Ask { action, resource, place, tags: &tags }, self.now()) {
            Ok(permit) => Ok(permit),
            Err(denied) => Err(self.denied(ctx, denied, id).await),
        }
    }

    /// Writes the event of a denial about the resource `id`, or about none. The call fails with
    /// the denial, whether or not that worked.
    pub(crate) async fn denied(
        &self,
        ctx: &RequestContext,
        denied: Denied,
        id: Option<String>,
    ) -> Error {
        let place = denied.action.place();
        let (service, kind) = place.map_or(("", ""), |place| (place.service, place.kind));
        let name = id.unwrap_or_default();
        let draft = EventDraft {
            action: denied.action.as_str(),
            outcome: Outcome::Failure,
            target: model::Target {
                crn: String::new(),
                name,
                type_uri: match kind {
                    "" => service.to_owned(),
                    kind => format!("{service}.{kind}/{kind}"),
                },
                group: None,
            },
            request_data: "{}".to_owned(),
        };
        let mut event = self.event(ctx, draft);
        event.severity = model::Severity::Critical;
        event.reason_code = 403;
        event.reason = denied.to_string();
        let permit = Self::system(InternalActor::Identity);
        if let Err(error) = self.store().event_append(permit, event).await {
            tracing::error!(%error, "the event of a denial was not written");
        }
        Error::Denied(denied)
    }

    /// The resource group that a new resource goes into: the one named, or the default one.
    pub(crate) async fn group_or_default(
        &self,
        ctx: &RequestContext,
        named: Option<&ResourceGroupId>,
    ) -> Result<ResourceGroupId, Error> {
        let scope = self.scope(ctx, Action::ResourceGroupRead).await?;
        if let Some(id) = named {
            let found = self.store().resource_group(&scope, id).await;
            return Ok(found.map_err(|e| Error::from(e).named_by("resource_group.id"))?.id);
        }
        let filter = GroupFilter { default: Some(true), name: None };
        let groups = self.store().resource_groups(&scope, &filter).await?;
        match groups.into_iter().next() {
            Some(group) => Ok(group.id),
            // Every account has one: this caller does not see it, and must name another.
            None => {
                let denied = Denied { action: Action::ResourceGroupRead };
                Err(self.denied(ctx, denied, None).await)
            }
        }
    }

    /// A new id of an event.
    pub(crate) fn event_id(&self) -> EventId {
        EventId::mint("", self.entropy())
    }

    /// The event of what the caller did.
    pub(crate) fn event(&self, ctx: &RequestContext, draft: EventDraft) -> Event {
        ctx.event(self.event_id(), self.now(), draft)
    }

    /// The change record of a successful call on a VPC resource.
    pub(crate) fn change<Id: ToString>(
        &self,
        ctx: &RequestContext,
        action: Action,
        kind: &'static str,
        head: &Head<Id>,
        location: &str,
    ) -> Change {
        self.change_with(ctx, action, kind, head, location, Vec::new())
    }

    /// As [`Self::change`], with usage that begins or ends.
    pub(crate) fn change_with<Id: ToString>(
        &self,
        ctx: &RequestContext,
        action: Action,
        kind: &'static str,
        head: &Head<Id>,
        location: &str,
        usage: Vec<UsageChange>,
    ) -> Change {
        let draft = vpc_draft(action.as_str(), Outcome::Success, kind, head, location);
        let event = self.event(ctx, draft);
        Change { events: vec![event], usage }
    }

    /// The change record of something the region does by itself.
    pub(crate) fn region_change<Id: ToString>(
        &self,
        action: &'static str,
        outcome: Outcome,
        kind: &'static str,
        head: &Head<Id>,
        location: &str,
        usage: Vec<UsageChange>,
    ) -> Change {
        let draft = EventDraft {
            request_data: "{}".to_owned(),
            ..vpc_draft(action, outcome, kind, head, location)
        };
        let id = self.event_id();
        let event = Event::by_region(id, self.now(), head.account.clone(), draft);
        Change { events: vec![event], usage }
    }
}

/// What an event says of something done to a VPC resource, asked for by the API.
pub(crate) fn vpc_draft<Id: ToString>(
    action: &'static str,
    outcome: Outcome,
    kind: &'static str,
    head: &Head<Id>,
    location: &str,
) -> EventDraft {
    let crn = Crn::vpc(location, &head.account, kind, &head.id.to_string());
    EventDraft {
        action,
        outcome,
        target: vpc_target(kind, &crn, head.name.as_str(), &head.group),
        request_data: r#"{"generation":"2"}"#.to_owned(),
    }
}
