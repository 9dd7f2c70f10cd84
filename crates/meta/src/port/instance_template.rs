//! Instance templates.

use async_trait::async_trait;
use base::InstanceTemplateId;
use model::{InstanceTemplate, ResourceName};
use policy::{Permit, Scope};

use crate::{Change, Page, Paged, StoreError};

/// Instance templates. With each comes the name of its resource group.
#[async_trait]
pub trait InstanceTemplateStore: Send + Sync {
    /// Writes a template. Refuses a taken name and more than the limit.
    async fn instance_template_create(
        &self,
        permit: &Permit,
        template: InstanceTemplate,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A template.
    async fn instance_template(
        &self,
        scope: &Scope,
        id: &InstanceTemplateId,
    ) -> Result<(InstanceTemplate, String), StoreError>;
    /// Templates, newest first.
    async fn instance_templates(
        &self,
        scope: &Scope,
        page: &Page,
    ) -> Result<Paged<(InstanceTemplate, String)>, StoreError>;
    /// Renames a template as it was read at `revision`.
    async fn instance_template_rename(
        &self,
        permit: &Permit,
        id: &InstanceTemplateId,
        revision: u64,
        name: ResourceName,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Removes a template; instances made from it stay.
    async fn instance_template_delete(
        &self,
        permit: &Permit,
        id: &InstanceTemplateId,
        change: Change,
    ) -> Result<(), StoreError>;
}
