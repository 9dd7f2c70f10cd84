//! Instance templates: create, read, rename, delete.

use base::{InstanceTemplateId, ResourceGroupId};
use meta::{Page, Paged};
use model::{InstanceTemplate, ResourceName};
use policy::Action;

use super::create::InstanceCreate;
use crate::{Control, Error, RequestContext};

/// A template that a caller wants.
#[derive(Clone, Debug)]
pub struct TemplateCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// The prototype as JSON text, without name and group.
    pub prototype: String,
    /// The same prototype, read: what it names must be there.
    pub instance: InstanceCreate,
}

impl Control {
    /// Keeps a template; with it comes the name of its resource group.
    ///
    /// # Errors
    /// As for an instance: unknown references (with the field that named them), an image that is
    /// not to be provisioned; a taken name, the limit.
    pub async fn template_create(
        &self,
        ctx: &RequestContext,
        want: TemplateCreate,
    ) -> Result<(InstanceTemplate, String), Error> {
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::TemplateCreate, &group).await?;
        self.instance_decide(ctx, &want.instance, group.clone()).await?;
        let zone = want.instance.zone;
        let prefix = format!("{}-", zone.id_number());
        let id = InstanceTemplateId::mint(&prefix, self.entropy());
        let name = self.name_or_made(want.name.as_ref());
        let template = InstanceTemplate {
            head: self.head(ctx, id.clone(), group, name, self.now()),
            zone: zone.clone(),
            prototype: want.prototype,
        };
        let (head, kind) = (&template.head, "instance-template");
        let change = self.change(ctx, Action::TemplateCreate, kind, head, zone.as_str());
        self.store().instance_template_create(&permit, template, change).await?;
        self.template(ctx, &id).await
    }

    /// A template.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn template(
        &self,
        ctx: &RequestContext,
        id: &InstanceTemplateId,
    ) -> Result<(InstanceTemplate, String), Error> {
        let scope = self.scope(ctx, Action::TemplateRead).await?;
        Ok(self.store().instance_template(&scope, id).await?)
    }

    /// Templates.
    ///
    /// # Errors
    /// When the caller may not, or the page token is not one.
    pub async fn templates(
        &self,
        ctx: &RequestContext,
        page: Page,
    ) -> Result<Paged<(InstanceTemplate, String)>, Error> {
        let scope = self.scope(ctx, Action::TemplateList).await?;
        Ok(self.store().instance_templates(&scope, &page).await?)
    }

    /// Renames a template; nothing happens without a name.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn template_rename(
        &self,
        ctx: &RequestContext,
        id: &InstanceTemplateId,
        name: Option<ResourceName>,
    ) -> Result<(InstanceTemplate, String), Error> {
        let found = self.template(ctx, id).await?;
        let head = &found.0.head;
        let permit = self.permit(ctx, Action::TemplateUpdate, head).await?;
        let Some(name) = name else { return Ok(found) };
        let (kind, zone) = ("instance-template", found.0.zone.as_str());
        let change = self.change(ctx, Action::TemplateUpdate, kind, head, zone);
        let revision = head.revision;
        self.store().instance_template_rename(&permit, id, revision, name, change).await?;
        self.template(ctx, id).await
    }

    /// Deletes a template; instances made from it stay.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn template_delete(
        &self,
        ctx: &RequestContext,
        id: &InstanceTemplateId,
    ) -> Result<(), Error> {
        let (template, _) = self.template(ctx, id).await?;
        let head = &template.head;
        let permit = self.permit(ctx, Action::TemplateDelete, head).await?;
        let (kind, zone) = ("instance-template", template.zone.as_str());
        let change = self.change(ctx, Action::TemplateDelete, kind, head, zone);
        Ok(self.store().instance_template_delete(&permit, id, change).await?)
    }
}
