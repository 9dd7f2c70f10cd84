//! The port of floating IPs and public gateways, statement by statement elsewhere.

use std::net::Ipv4Addr;

use async_trait::async_trait;
use base::{FloatingIpId, InstanceId, PublicGatewayId, ResourceGroupId};
use model::{FloatingIp, FloatingIpView, PublicGateway, PublicGatewayView, ResourceName};
use policy::{Permit, Scope, SystemPermit};

use super::{
    SqlStore, floating_ip, public_gateway, reach,
    retry::{reading, writing},
    sight,
};
use crate::{
    Change, FloatingIpFilter, FloatingIpPatch, FloatingIpStore, GatewayAddress, NicReach, Page,
    Paged, StoreError,
};

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl FloatingIpStore for SqlStore {
    async fn floating_ip_create(
        &self,
        permit: &Permit,
        ip: FloatingIp,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| floating_ip::create(tx, permit, &ip, &change))
    }

    async fn floating_ip(&self, scope: &Scope, id: &FloatingIpId) -> Result<FloatingIpView> {
        let mut session = self.engine.glance().await?;
        sight::check(&mut session, scope, "floating_ips", "floating_ip", id).await?;
        floating_ip::get(&mut session, scope.account(), id).await
    }

    async fn floating_ip_at(&self, scope: &Scope, address: Ipv4Addr) -> Result<FloatingIpView> {
        let mut session = self.engine.glance().await?;
        let found = floating_ip::at(&mut session, scope.account(), address).await?;
        let id = &found.ip.head.id;
        sight::check(&mut session, scope, "floating_ips", "floating_ip", id).await?;
        Ok(found)
    }

    async fn floating_ips(
        &self,
        scope: &Scope,
        filter: &FloatingIpFilter,
        page: &Page,
    ) -> Result<Paged<FloatingIpView>> {
        reading!(self, |tx| floating_ip::list(tx, scope, filter, page))
    }

    async fn floating_ip_update(
        &self,
        permit: &Permit,
        id: &FloatingIpId,
        patch: FloatingIpPatch,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| floating_ip::update(tx, permit, id, &patch, &change))
    }

    async fn floating_ip_delete(
        &self,
        permit: &Permit,
        id: &FloatingIpId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| floating_ip::delete(tx, permit, id, &change))
    }

    async fn public_gateway_create(
        &self,
        permit: &Permit,
        gateway: PublicGateway,
        address: GatewayAddress,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| public_gateway::create(tx, permit, &gateway, &address, &change))
    }

    async fn public_gateway(
        &self,
        scope: &Scope,
        id: &PublicGatewayId,
    ) -> Result<PublicGatewayView> {
        let mut session = self.engine.glance().await?;
        sight::check(&mut session, scope, "public_gateways", "public_gateway", id).await?;
        public_gateway::get(&mut session, scope.account(), id).await
    }

    async fn public_gateways(
        &self,
        scope: &Scope,
        group: Option<&ResourceGroupId>,
        page: &Page,
    ) -> Result<Paged<PublicGatewayView>> {
        reading!(self, |tx| public_gateway::list(tx, scope, group, page))
    }

    async fn public_gateway_rename(
        &self,
        permit: &Permit,
        id: &PublicGatewayId,
        name: ResourceName,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| public_gateway::rename(tx, permit, id, &name, &change))
    }

    async fn public_gateway_delete(
        &self,
        permit: &Permit,
        id: &PublicGatewayId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| public_gateway::delete(tx, permit, id, &change))
    }

    async fn instance_reach(
        &self,
        _permit: SystemPermit,
        instance: &InstanceId,
    ) -> Result<Vec<NicReach>> {
        reading!(self, |tx| reach::of(tx, instance))
    }
}
