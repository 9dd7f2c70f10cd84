//! Floating IPs and public gateways, and what they make of a guest's network.

use std::net::Ipv4Addr;

use async_trait::async_trait;
use base::{FloatingIpId, InstanceId, NicId, PublicGatewayId, ResourceGroupId};
use model::{
    FloatingIp, FloatingIpView, PublicGateway, PublicGatewayView, ResourceName, SecurityGroupRule,
};
use policy::{Permit, Scope, SystemPermit};

use crate::{Change, Page, Paged, StoreError};

/// Which floating IPs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FloatingIpFilter {
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only those bound to the target of this id.
    pub target: Option<String>,
    /// Only those bound to a target of this name.
    pub target_name: Option<String>,
    /// Only those bound to interfaces (false), or only those bound to public gateways (true).
    pub gateways: Option<bool>,
}

/// What changes of a floating IP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FloatingIpPatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// Bound to this interface, or (none) to nothing.
    pub target: Option<Option<NicId>>,
}

/// The floating IP of a new public gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayAddress {
    /// One that is bound to nothing.
    Existing(FloatingIpId),
    /// One that is made with it.
    New(FloatingIp),
}

/// How a guest is connected by one of its interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NicReach {
    /// The interface.
    pub nic: NicId,
    /// Its hardware address.
    pub mac: String,
    /// Its own address.
    pub own: Ipv4Addr,
    /// Its subnet: first address and prefix length.
    pub range: (Ipv4Addr, u8),
    /// Its subnet has a public gateway.
    pub gateway: bool,
    /// Its floating IP.
    pub floating: Option<Ipv4Addr>,
    /// The rules of its security groups.
    pub rules: Vec<SecurityGroupRule>,
}

/// The floating IPs and public gateways.
#[async_trait]
pub trait FloatingIpStore: Send + Sync {
    /// Writes a floating IP with the lowest free address of its account's pool, bound to its
    /// target's interface. Refuses a taken name, an interface of another zone or with a floating
    /// IP, and more than the limit.
    async fn floating_ip_create(
        &self,
        permit: &Permit,
        ip: FloatingIp,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A floating IP.
    async fn floating_ip(
        &self,
        scope: &Scope,
        id: &FloatingIpId,
    ) -> Result<FloatingIpView, StoreError>;
    /// The floating IP of that address.
    async fn floating_ip_at(
        &self,
        scope: &Scope,
        address: Ipv4Addr,
    ) -> Result<FloatingIpView, StoreError>;
    /// Floating IPs.
    async fn floating_ips(
        &self,
        scope: &Scope,
        filter: &FloatingIpFilter,
        page: &Page,
    ) -> Result<Paged<FloatingIpView>, StoreError>;
    /// Renames a floating IP, binds it to another interface, or unbinds it. Refuses the last two
    /// for one that a public gateway needs.
    async fn floating_ip_update(
        &self,
        permit: &Permit,
        id: &FloatingIpId,
        patch: FloatingIpPatch,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Unbinds and deletes a floating IP. Refuses one that a public gateway needs.
    async fn floating_ip_delete(
        &self,
        permit: &Permit,
        id: &FloatingIpId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Writes a public gateway with its floating IP. Refuses a taken name, a second one in the zone
    /// of a VPC, a floating IP that is bound or of another zone, and more than the limit.
    async fn public_gateway_create(
        &self,
        permit: &Permit,
        gateway: PublicGateway,
        address: GatewayAddress,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A public gateway.
    async fn public_gateway(
        &self,
        scope: &Scope,
        id: &PublicGatewayId,
    ) -> Result<PublicGatewayView, StoreError>;
    /// Public gateways, perhaps only of a resource group.
    async fn public_gateways(
        &self,
        scope: &Scope,
        group: Option<&ResourceGroupId>,
        page: &Page,
    ) -> Result<Paged<PublicGatewayView>, StoreError>;
    /// Renames a public gateway.
    async fn public_gateway_rename(
        &self,
        permit: &Permit,
        id: &PublicGatewayId,
        name: ResourceName,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a public gateway; its floating IP goes with it, or is bound to nothing. Refuses one
    /// that subnets use.
    async fn public_gateway_delete(
        &self,
        permit: &Permit,
        id: &PublicGatewayId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// How the guest of an instance is connected: the primary interface first. Empty when there is
    /// no such instance.
    async fn instance_reach(
        &self,
        permit: SystemPermit,
        instance: &InstanceId,
    ) -> Result<Vec<NicReach>, StoreError>;
}
