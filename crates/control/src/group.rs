//! Resource groups.

use base::ResourceGroupId;
use meta::GroupFilter;
use model::ResourceGroup;
use policy::Action;

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
