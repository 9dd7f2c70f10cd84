//! Public gateways: the way out of the subnets that use them.

use base::{FloatingIpId, PublicGatewayId, ResourceGroupId, SubnetId, VpcId, ZoneName};
use meta::{Change, GatewayAddress, Page, Paged};
use model::{PublicGateway, PublicGatewayView, ResourceName, SubnetPatch};
use policy::{Action, Permit};

use crate::{Control, Error, RequestContext};

/// A public gateway that a caller wants.
#[derive(Clone, Debug)]
pub struct PublicGatewayCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its zone.
    pub zone: ZoneName,
    /// Its floating IP.
    pub floating_ip: GatewayIp,
}

/// The floating IP of a new public gateway.
#[derive(Clone, Debug)]
pub enum GatewayIp {
    /// One that is bound to nothing.
    Existing(FloatingIpId),
    /// The one of this address, bound to nothing.
    At(std::net::Ipv4Addr),
    /// One that is made with it, and goes with it.
    New {
        /// Name; made up when none.
        name: Option<ResourceName>,
        /// Resource group; the account's default when none.
        group: Option<ResourceGroupId>,
    },
}

impl Control {
    /// Makes a public gateway.
    ///
    /// # Errors
    /// A taken name, a second one in the zone of a VPC, an unknown VPC or floating IP, one that is
    /// bound or of another zone, the limit of floating IPs.
    pub async fn public_gateway_create(
        &self,
        ctx: &RequestContext,
        want: PublicGatewayCreate,
    ) -> Result<PublicGatewayView, Error> {
        let vpc = self.vpc(ctx, &want.vpc).await.map_err(|e| e.named_by("vpc"))?;
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::GatewayCreate, &group).await?;
        self.permit(ctx, Action::VpcOperate, &vpc.vpc.head).await?;
        let (address, made) = self.gateway_address(ctx, want.floating_ip, &want.zone).await?;
        let id = PublicGatewayId::mint(self.region().id_prefix(), self.entropy());
        let name = self.name_or_made(want.name.as_ref());
        let gateway = PublicGateway {
            head: self.head(ctx, id.clone(), group, name, self.now()),
            vpc: want.vpc,
            zone: want.zone,
            owns_floating_ip: made.is_some(),
        };
        let mut change = self.gateway_change(ctx, Action::GatewayCreate, &gateway);
        change.events.extend(made.into_iter().flat_map(|made| made.events));
        self.store().public_gateway_create(&permit, gateway, address, change).await?;
        self.public_gateway(ctx, &id).await
    }

    /// The floating IP of a new gateway, and the record of its making when it is new.
    async fn gateway_address(
        &self,
        ctx: &RequestContext,
        want: GatewayIp,
        zone: &ZoneName,
    ) -> Result<(GatewayAddress, Option<Change>), Error> {
        let found = match want {
            GatewayIp::New { name, group } => {
                let group = self.group_or_default(ctx, group.as_ref()).await?;
                self.permit_new(ctx, Action::FloatingIpCreate, &group).await?;
                let ip = self.floating_ip_draft(ctx, name, group, zone.clone());
                let action = Action::FloatingIpCreate;
                let change = self.change(ctx, action, "floating-ip", &ip.head, zone.as_str());
                return Ok((GatewayAddress::New(ip), Some(change)));
            }
            GatewayIp::Existing(id) => self.floating_ip(ctx, &id).await,
            GatewayIp::At(address) => self.floating_ip_at(ctx, address).await,
        };
        let view = found.map_err(|e| e.named_by("floating_ip"))?;
        self.permit(ctx, Action::FloatingIpOperate, &view.ip.head).await?;
        Ok((GatewayAddress::Existing(view.ip.head.id), None))
    }

    fn gateway_change(
        &self,
        ctx: &RequestContext,
        action: Action,
        gateway: &PublicGateway,
    ) -> Change {
        self.change(ctx, action, "public-gateway", &gateway.head, gateway.zone.as_str())
    }

    /// The gateway, leave to change it, and the change's record.
    async fn gateway_changing(
        &self,
        ctx: &RequestContext,
        id: &PublicGatewayId,
        action: Action,
    ) -> Result<(PublicGatewayView, Permit, Change), Error> {
        let view = self.public_gateway(ctx, id).await?;
        let permit = self.permit(ctx, action, &view.gateway.head).await?;
        let change = self.gateway_change(ctx, action, &view.gateway);
        Ok((view, permit, change))
    }

    /// A public gateway.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn public_gateway(
        &self,
        ctx: &RequestContext,
        id: &PublicGatewayId,
    ) -> Result<PublicGatewayView, Error> {
        let scope = self.scope(ctx, Action::GatewayRead).await?;
        Ok(self.store().public_gateway(&scope, id).await?)
    }

    /// Public gateways, perhaps only of a resource group.
    ///
    /// # Errors
    /// When the caller may not.
    pub async fn public_gateways(
        &self,
        ctx: &RequestContext,
        group: Option<&ResourceGroupId>,
        page: Page,
    ) -> Result<Paged<PublicGatewayView>, Error> {
        let scope = self.scope(ctx, Action::GatewayList).await?;
        Ok(self.store().public_gateways(&scope, group, &page).await?)
    }

    /// Renames a public gateway; without a name nothing changes.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn public_gateway_rename(
        &self,
        ctx: &RequestContext,
        id: &PublicGatewayId,
        name: Option<ResourceName>,
    ) -> Result<PublicGatewayView, Error> {
        let (view, permit, change) = self.gateway_changing(ctx, id, Action::GatewayUpdate).await?;
        let Some(name) = name else { return Ok(view) };
        self.store().public_gateway_rename(&permit, id, name, change).await?;
        self.public_gateway(ctx, id).await
    }

    /// Deletes a public gateway that no subnet uses.
    ///
    /// # Errors
    /// When a subnet uses it, there is none, or the caller may not.
    pub async fn public_gateway_delete(
        &self,
        ctx: &RequestContext,
        id: &PublicGatewayId,
    ) -> Result<(), Error> {
        let (_, permit, change) = self.gateway_changing(ctx, id, Action::GatewayDelete).await?;
        Ok(self.store().public_gateway_delete(&permit, id, change).await?)
    }

    /// The public gateway of a subnet.
    ///
    /// # Errors
    /// When it has none, there is no such subnet, or the caller may not.
    pub async fn subnet_public_gateway(
        &self,
        ctx: &RequestContext,
        subnet: &SubnetId,
    ) -> Result<PublicGatewayView, Error> {
        match self.subnet(ctx, subnet).await?.subnet.public_gateway {
            Some(id) => self.public_gateway(ctx, &id).await,
            None => Err(none_of(subnet)),
        }
    }

    /// Takes its public gateway from a subnet.
    ///
    /// # Errors
    /// As [`Self::subnet_public_gateway`].
    pub async fn subnet_public_gateway_remove(
        &self,
        ctx: &RequestContext,
        subnet: &SubnetId,
    ) -> Result<(), Error> {
        if self.subnet(ctx, subnet).await?.subnet.public_gateway.is_none() {
            return Err(none_of(subnet));
        }
        let patch = SubnetPatch { public_gateway: Some(None), ..SubnetPatch::default() };
        self.subnet_update(ctx, subnet, patch).await.map(drop)
    }
}

fn none_of(subnet: &SubnetId) -> Error {
    Error::NotFound { kind: "public gateway of subnet", id: subnet.to_string(), field: None }
}
