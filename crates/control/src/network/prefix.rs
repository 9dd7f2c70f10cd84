//! Address prefixes of a VPC.

use base::{AddressPrefixId, VpcId};
use meta::{Page, Paged};
use model::AddressPrefix;
use policy::Action;

use super::{PrefixCreate, PrefixUpdate};
use crate::{Control, Error, RequestContext};

impl Control {
    /// Adds a prefix; the flag says whether it has subnets.
    ///
    /// # Errors
    /// A range that overlaps another, a taken name, the limit; when there is no such VPC.
    pub async fn prefix_create(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
        want: PrefixCreate,
    ) -> Result<(AddressPrefix, bool), Error> {
        let view = self.vpc(ctx, vpc).await?;
        let permit = self.permit(ctx, Action::VpcUpdate, &view.vpc.head).await?;
        let id = AddressPrefixId::mint(self.region().id_prefix(), self.entropy());
        let name = self.name_or_made(want.name.as_ref());
        let prefix = AddressPrefix {
            head: self.head(ctx, id.clone(), view.vpc.head.group.clone(), name, self.now()),
            vpc: vpc.clone(),
            zone: want.zone,
            cidr: want.cidr,
            is_default: want.is_default,
        };
        let change = self.vpc_change(ctx, &view);
        self.store().prefix_create(&permit, prefix, change).await?;
        self.prefix(ctx, vpc, &id).await
    }

    /// A prefix; the flag says whether it has subnets.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn prefix(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
        id: &AddressPrefixId,
    ) -> Result<(AddressPrefix, bool), Error> {
        let scope = self.scope(ctx, Action::VpcRead).await?;
        Ok(self.store().prefix(&scope, vpc, id).await?)
    }

    /// Prefixes of a VPC.
    ///
    /// # Errors
    /// When there is no such VPC, or the caller may not.
    pub async fn prefixes(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
        page: Page,
    ) -> Result<Paged<(AddressPrefix, bool)>, Error> {
        self.vpc(ctx, vpc).await?;
        let scope = self.scope(ctx, Action::VpcRead).await?;
        Ok(self.store().prefixes(&scope, vpc, &page).await?)
    }

    /// Changes a prefix.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn prefix_update(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
        id: &AddressPrefixId,
        want: PrefixUpdate,
    ) -> Result<(AddressPrefix, bool), Error> {
        let view = self.vpc(ctx, vpc).await?;
        self.prefix(ctx, vpc, id).await?;
        let permit = self.permit(ctx, Action::VpcUpdate, &view.vpc.head).await?;
        let change = self.vpc_change(ctx, &view);
        self.store().prefix_update(&permit, vpc, id, want.name, want.is_default, change).await?;
        self.prefix(ctx, vpc, id).await
    }

    /// Deletes a prefix without subnets.
    ///
    /// # Errors
    /// When it has subnets, there is none, or the caller may not.
    pub async fn prefix_delete(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
        id: &AddressPrefixId,
    ) -> Result<(), Error> {
        let view = self.vpc(ctx, vpc).await?;
        self.prefix(ctx, vpc, id).await?;
        let permit = self.permit(ctx, Action::VpcUpdate, &view.vpc.head).await?;
        let change = self.vpc_change(ctx, &view);
        Ok(self.store().prefix_delete(&permit, vpc, id, change).await?)
    }
}
