//! Resource groups.

use base::{Crn, ResourceGroupId};
use meta::{Change, GroupFilter};
use model::{EventDraft, Outcome, ResourceGroup, Target};
use policy::{Action, Permit, Resource};

use crate::{Control, Error, RequestContext};

impl Control {
    /// Resource groups of the caller's account, by name.
    ///
    /// # Errors
    /// When the caller may not, or the store is away.
    pub async fn resource_groups(
        &self,
        ctx: &RequestContext,
        filter: GroupFilter,
    ) -> Result<Vec<ResourceGroup>, Error> {
        let scope = self.scope(ctx, Action::ResourceGroupRead).await?;
        Ok(self.store().resource_groups(&scope, &filter).await?)
    }

    /// A resource group.
    ///
    /// # Errors
    /// When there is none, the caller may not, or the store is away.
    pub async fn resource_group(
        &self,
        ctx: &RequestContext,
        id: &ResourceGroupId,
    ) -> Result<ResourceGroup, Error> {
        let scope = self.scope(ctx, Action::ResourceGroupRead).await?;
        Ok(self.store().resource_group(&scope, id).await?)
    }
}

impl Control {
    /// Makes a resource group.
    ///
    /// # Errors
    /// A taken name, the limit; when the caller may not.
    pub async fn resource_group_create(
        &self,
        ctx: &RequestContext,
        name: String,
    ) -> Result<ResourceGroup, Error> {
        let permit = self.permit_account(ctx, Action::ResourceGroupCreate).await?;
        let now = self.now();
        let group = ResourceGroup {
            id: ResourceGroupId::mint("", self.entropy()),
            account: ctx.caller.account.clone(),
            name,
            default: false,
            created_at: now,
            updated_at: now,
        };
        let change = self.group_change(ctx, Action::ResourceGroupCreate, &group);
        self.store().resource_group_create(&permit, group.clone(), change).await?;
        Ok(group)
    }

    /// Renames a resource group; without a name nothing changes.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn resource_group_rename(
        &self,
        ctx: &RequestContext,
        id: &ResourceGroupId,
        name: Option<String>,
    ) -> Result<ResourceGroup, Error> {
        let group = self.resource_group(ctx, id).await?;
        let permit = self.group_permit(ctx, Action::ResourceGroupUpdate, &group).await?;
        let Some(name) = name else { return Ok(group) };
        let change = self.group_change(ctx, Action::ResourceGroupUpdate, &group);
        Ok(self.store().resource_group_rename(&permit, id, &name, self.now(), change).await?)
    }

    /// Deletes a resource group.
    ///
    /// # Errors
    /// The default group, one with something in it; when there is none, or the caller may not.
    pub async fn resource_group_delete(
        &self,
        ctx: &RequestContext,
        id: &ResourceGroupId,
    ) -> Result<(), Error> {
        let group = self.resource_group(ctx, id).await?;
        let permit = self.group_permit(ctx, Action::ResourceGroupDelete, &group).await?;
        let change = self.group_change(ctx, Action::ResourceGroupDelete, &group);
        Ok(self.store().resource_group_delete(&permit, id, change).await?)
    }

    async fn group_permit(
        &self,
        ctx: &RequestContext,
        action: Action,
        group: &ResourceGroup,
    ) -> Result<Permit, Error> {
        let resource = Resource::One {
            account: group.account.clone(),
            group: group.id.clone(),
            id: group.id.to_string(),
        };
        self.decide(ctx, action, resource).await
    }

    fn group_change(&self, ctx: &RequestContext, action: Action, group: &ResourceGroup) -> Change {
        let crn = Crn {
            service: "resource-controller".to_owned(),
            location: String::new(),
            account: Some(group.account.clone()),
            instance: String::new(),
            kind: "resource-group".to_owned(),
            resource: group.id.to_string(),
        };
        let draft = EventDraft {
            action: action.as_str(),
            outcome: Outcome::Success,
            target: Target {
                crn: crn.to_string(),
                name: group.name.clone(),
                type_uri: "resource-controller/group".to_owned(),
                group: Some(group.id.clone()),
            },
            request_data: "{}".to_owned(),
        };
        Change { events: vec![self.event(ctx, draft)], usage: Vec::new() }
    }
}
