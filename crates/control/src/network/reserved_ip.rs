//! Reserved IPs of a subnet.

use std::net::Ipv4Addr;

use base::{ReservedIpId, SubnetId};
use meta::{Change, Page, Paged, ReservedIpFilter};
use model::{IpHolder, IpOwner, ReservedIp, ReservedIpView, ResourceName, SubnetView};
use policy::{Action, Permit};

use super::ReservedIpCreate;
use crate::{Control, Error, RequestContext};

impl Control {
    /// Reserves an address.
    ///
    /// # Errors
    /// An address outside the subnet or taken, a taken name; a target of another subnet, or with
    /// as many addresses as it may have; `auto_delete` without target.
    pub async fn reserved_ip_create(
        &self,
        ctx: &RequestContext,
        subnet: &SubnetId,
        want: ReservedIpCreate,
    ) -> Result<ReservedIpView, Error> {
        let (view, permit, change) = self.subnet_change(ctx, subnet).await?;
        if let Some(target) = &want.target {
            let vni = self.vni(ctx, target).await.map_err(|e| e.named_by("target"))?;
            self.permit(ctx, Action::VniUpdate, &vni.vni.head).await?;
        }
        let prefix = format!("{}-", view.subnet.zone.id_number());
        let id = ReservedIpId::mint(&prefix, self.entropy());
        let name = self.name_or_made(want.name.as_ref());
        let ip = ReservedIp {
            head: self.head(ctx, id.clone(), view.subnet.head.group.clone(), name, self.now()),
            subnet: subnet.clone(),
            address: want.address.unwrap_or(Ipv4Addr::UNSPECIFIED),
            auto_delete: want.auto_delete.unwrap_or(false),
            owner: IpOwner::User,
            target: want.target.map(IpHolder::Vni),
        };
        self.store().reserved_ip_create(&permit, ip, change).await?;
        self.reserved_ip(ctx, subnet, &id).await
    }

    /// A reserved IP.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn reserved_ip(
        &self,
        ctx: &RequestContext,
        subnet: &SubnetId,
        id: &ReservedIpId,
    ) -> Result<ReservedIpView, Error> {
        let scope = self.scope(ctx, Action::SubnetRead).await?;
        Ok(self.store().reserved_ip(&scope, subnet, id).await?)
    }

    /// Reserved IPs of a subnet.
    ///
    /// # Errors
    /// When there is no such subnet, or the caller may not.
    pub async fn reserved_ips(
        &self,
        ctx: &RequestContext,
        subnet: &SubnetId,
        filter: ReservedIpFilter,
        page: Page,
    ) -> Result<Paged<ReservedIpView>, Error> {
        self.subnet(ctx, subnet).await?;
        let scope = self.scope(ctx, Action::SubnetRead).await?;
        Ok(self.store().reserved_ips(&scope, subnet, &filter, &page).await?)
    }

    /// Changes a reserved IP.
    ///
    /// # Errors
    /// A taken name, one of the provider's; when there is none, or the caller may not.
    pub async fn reserved_ip_update(
        &self,
        ctx: &RequestContext,
        subnet: &SubnetId,
        id: &ReservedIpId,
        name: Option<ResourceName>,
        auto_delete: Option<bool>,
    ) -> Result<ReservedIpView, Error> {
        self.reserved_ip(ctx, subnet, id).await?;
        let (_, permit, change) = self.subnet_change(ctx, subnet).await?;
        self.store().reserved_ip_update(&permit, subnet, id, name, auto_delete, change).await?;
        self.reserved_ip(ctx, subnet, id).await
    }

    /// Gives an address back.
    ///
    /// # Errors
    /// When something uses it, it is the provider's, there is none, or the caller may not.
    pub async fn reserved_ip_delete(
        &self,
        ctx: &RequestContext,
        subnet: &SubnetId,
        id: &ReservedIpId,
    ) -> Result<(), Error> {
        self.reserved_ip(ctx, subnet, id).await?;
        let (_, permit, change) = self.subnet_change(ctx, subnet).await?;
        Ok(self.store().reserved_ip_delete(&permit, subnet, id, change).await?)
    }

    async fn subnet_change(
        &self,
        ctx: &RequestContext,
        subnet: &SubnetId,
    ) -> Result<(SubnetView, Permit, Change), Error> {
        let view = self.subnet(ctx, subnet).await?;
        let permit = self.permit(ctx, Action::SubnetUpdate, &view.subnet.head).await?;
        let zone = view.subnet.zone.as_str();
        let change = self.change(ctx, Action::SubnetUpdate, "subnet", &view.subnet.head, zone);
        Ok((view, permit, change))
    }
}
