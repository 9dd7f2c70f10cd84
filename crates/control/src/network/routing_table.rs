//! Routing tables: the defaults of VPCs. Routes cannot be added.

use base::{RoutingTableId, VpcId};
use meta::{Page, Paged};
use model::{ResourceName, RoutingTableView};
use policy::Action;

use crate::{Control, Error, RequestContext};

impl Control {
    /// A routing table of a VPC.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn routing_table(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
        id: &RoutingTableId,
    ) -> Result<RoutingTableView, Error> {
        let scope = self.scope(ctx, Action::VpcRead).await?;
        Ok(self.store().routing_table(&scope, vpc, id).await?)
    }

    /// The default routing table of a VPC.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn default_routing_table(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
    ) -> Result<RoutingTableView, Error> {
        let view = self.vpc(ctx, vpc).await?;
        self.routing_table(ctx, vpc, &view.vpc.default_routing_table).await
    }

    /// Routing tables of a VPC, only the default one or only others if asked.
    ///
    /// # Errors
    /// When there is no such VPC, or the caller may not.
    pub async fn routing_tables(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
        is_default: Option<bool>,
        page: Page,
    ) -> Result<Paged<RoutingTableView>, Error> {
        let scope = self.scope(ctx, Action::VpcRead).await?;
        Ok(self.store().routing_tables(&scope, vpc, is_default, &page).await?)
    }

    /// Renames a routing table; without a name nothing changes.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn routing_table_rename(
        &self,
        ctx: &RequestContext,
        vpc: &VpcId,
        id: &RoutingTableId,
        name: Option<ResourceName>,
    ) -> Result<RoutingTableView, Error> {
        let view = self.vpc(ctx, vpc).await?;
        let table = self.routing_table(ctx, vpc, id).await?;
        let permit = self.permit(ctx, Action::VpcUpdate, &view.vpc.head).await?;
        let Some(name) = name else { return Ok(table) };
        let change = self.vpc_change(ctx, &view);
        self.store().routing_table_rename(&permit, vpc, id, name, change).await?;
        self.routing_table(ctx, vpc, id).await
    }
}
