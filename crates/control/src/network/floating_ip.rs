//! Floating IPs, by themselves and by the interface that they are bound to.
//!
//! Next to read: `public_gateway`, which takes floating IPs of its own.

use std::net::Ipv4Addr;

use base::{FloatingIpId, InstanceId, NicId, ResourceGroupId, ZoneName};
use meta::{Change, FloatingIpFilter, FloatingIpPatch, Page, Paged};
use model::{FloatingIp, FloatingIpView, FloatingTarget, ResourceName};
use policy::{Action, Permit};

use crate::{Control, Error, RequestContext};

/// A floating IP that a caller wants.
#[derive(Clone, Debug)]
pub struct FloatingIpCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// Where it is of.
    pub place: FloatingPlace,
}

/// Where a floating IP is of.
#[derive(Clone, Debug)]
pub enum FloatingPlace {
    /// A zone, bound to nothing.
    Zone(ZoneName),
    /// The zone of an interface, and bound to it.
    Nic(NicId),
}

impl Control {
    /// Reserves a floating IP.
    ///
    /// # Errors
    /// A taken name, the limit, an unknown interface or one that has a floating IP.
    pub async fn floating_ip_create(
        &self,
        ctx: &RequestContext,
        want: FloatingIpCreate,
    ) -> Result<FloatingIpView, Error> {
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::FloatingIpCreate, &group).await?;
        let (zone, target) = match want.place {
            FloatingPlace::Zone(zone) => (zone, None),
            FloatingPlace::Nic(nic) => {
                (self.nic_zone(ctx, &nic).await?, Some(FloatingTarget::Nic(nic)))
            }
        };
        let mut ip = self.floating_ip_draft(ctx, want.name, group, zone);
        ip.target = target;
        let id = ip.head.id.clone();
        let zone = ip.zone.clone();
        let action = Action::FloatingIpCreate;
        let change = self.change(ctx, action, "floating-ip", &ip.head, zone.as_str());
        self.store().floating_ip_create(&permit, ip, change).await?;
        self.network_changed();
        self.floating_ip(ctx, &id).await
    }

    /// A floating IP that is bound to nothing; the store gives the address.
    pub(super) fn floating_ip_draft(
        &self,
        ctx: &RequestContext,
        name: Option<ResourceName>,
        group: ResourceGroupId,
        zone: ZoneName,
    ) -> FloatingIp {
        let id = FloatingIpId::mint(self.region().id_prefix(), self.entropy());
        let name = self.name_or_made(name.as_ref());
        FloatingIp {
            head: self.head(ctx, id, group, name, self.now()),
            zone,
            address: Ipv4Addr::UNSPECIFIED,
            target: None,
        }
    }

    /// The zone of an interface that a body names; its instance may be operated by the caller.
    async fn nic_zone(&self, ctx: &RequestContext, nic: &NicId) -> Result<ZoneName, Error> {
        let scope = self.scope(ctx, Action::InstanceRead).await?;
        let found = self.store().nic_instance(&scope, nic).await;
        let instance = found.map_err(|e| Error::from(e).named_by("target"))?;
        let view = self.instance(ctx, &instance).await?;
        self.permit(ctx, Action::InstanceUpdate, &view.instance.head).await?;
        Ok(view.instance.zone)
    }

    /// A floating IP.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn floating_ip(
        &self,
        ctx: &RequestContext,
        id: &FloatingIpId,
    ) -> Result<FloatingIpView, Error> {
        let scope = self.scope(ctx, Action::FloatingIpRead).await?;
        Ok(self.store().floating_ip(&scope, id).await?)
    }

    /// The floating IP of that address.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn floating_ip_at(
        &self,
        ctx: &RequestContext,
        address: Ipv4Addr,
    ) -> Result<FloatingIpView, Error> {
        let scope = self.scope(ctx, Action::FloatingIpRead).await?;
        Ok(self.store().floating_ip_at(&scope, address).await?)
    }

    /// Floating IPs.
    ///
    /// # Errors
    /// When the caller may not.
    pub async fn floating_ips(
        &self,
        ctx: &RequestContext,
        filter: FloatingIpFilter,
        page: Page,
    ) -> Result<Paged<FloatingIpView>, Error> {
        let scope = self.scope(ctx, Action::FloatingIpList).await?;
        Ok(self.store().floating_ips(&scope, &filter, &page).await?)
    }

    async fn floating_changing(
        &self,
        ctx: &RequestContext,
        id: &FloatingIpId,
        action: Action,
    ) -> Result<(FloatingIpView, Permit, Change), Error> {
        let view = self.floating_ip(ctx, id).await?;
        let permit = self.permit(ctx, action, &view.ip.head).await?;
        let change = self.change(ctx, action, "floating-ip", &view.ip.head, view.ip.zone.as_str());
        Ok((view, permit, change))
    }

    /// Renames a floating IP, binds it to another interface, or unbinds it.
    ///
    /// # Errors
    /// A taken name, an unknown interface, one of another zone or with a floating IP; one that a
    /// public gateway needs; when there is none, or the caller may not.
    pub async fn floating_ip_update(
        &self,
        ctx: &RequestContext,
        id: &FloatingIpId,
        patch: FloatingIpPatch,
    ) -> Result<FloatingIpView, Error> {
        let (view, permit, change) =
            self.floating_changing(ctx, id, Action::FloatingIpUpdate).await?;
        if patch == FloatingIpPatch::default() {
            return Ok(view);
        }
        if let Some(Some(nic)) = &patch.target {
            self.nic_zone(ctx, nic).await?;
        }
        self.store().floating_ip_update(&permit, id, patch, change).await?;
        self.network_changed();
        self.floating_ip(ctx, id).await
    }

    /// Releases a floating IP, bound to an interface or not.
    ///
    /// # Errors
    /// When a public gateway needs it, there is none, or the caller may not.
    pub async fn floating_ip_delete(
        &self,
        ctx: &RequestContext,
        id: &FloatingIpId,
    ) -> Result<(), Error> {
        let (_, permit, change) = self.floating_changing(ctx, id, Action::FloatingIpDelete).await?;
        self.store().floating_ip_delete(&permit, id, change).await?;
        self.network_changed();
        Ok(())
    }

    /// The floating IPs of an instance's interface: none or one.
    ///
    /// # Errors
    /// When there is no such interface, or the caller may not.
    pub async fn nic_floating_ips(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        nic: &NicId,
    ) -> Result<Vec<FloatingIpView>, Error> {
        self.nic(ctx, instance, nic).await?;
        let filter = FloatingIpFilter { target: Some(nic.to_string()), ..Default::default() };
        let page = Page { limit: 1, after: None };
        Ok(self.floating_ips(ctx, filter, page).await?.items)
    }

    /// A floating IP of an instance's interface.
    ///
    /// # Errors
    /// When it is bound to something else, there is none, or the caller may not.
    pub async fn nic_floating_ip(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        nic: &NicId,
        id: &FloatingIpId,
    ) -> Result<FloatingIpView, Error> {
        let found = self.nic_floating_ips(ctx, instance, nic).await?;
        let own = found.into_iter().find(|view| &view.ip.head.id == id);
        own.ok_or_else(|| Error::NotFound { kind: "floating IP", id: id.to_string(), field: None })
    }

    /// Binds a floating IP to an instance's interface, away from where it is bound.
    ///
    /// # Errors
    /// As [`Self::floating_ip_update`].
    pub async fn nic_floating_ip_add(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        nic: &NicId,
        id: &FloatingIpId,
    ) -> Result<FloatingIpView, Error> {
        self.nic(ctx, instance, nic).await?;
        let patch = FloatingIpPatch { name: None, target: Some(Some(nic.clone())) };
        self.floating_ip_update(ctx, id, patch).await
    }

    /// Unbinds a floating IP from an instance's interface.
    ///
    /// # Errors
    /// When it is not bound to it, there is none, or the caller may not.
    pub async fn nic_floating_ip_remove(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        nic: &NicId,
        id: &FloatingIpId,
    ) -> Result<(), Error> {
        self.nic_floating_ip(ctx, instance, nic, id).await?;
        let patch = FloatingIpPatch { name: None, target: Some(None) };
        self.floating_ip_update(ctx, id, patch).await.map(drop)
    }
}
