//! Virtual network interfaces: on their own, and made with the attachment of an instance.

use base::{ReservedIpId, ResourceGroupId, SecurityGroupId, SubnetId, VniId};
use meta::{Change, NewVni, Page, Paged, VniFilter};
use model::{IpReference, IpRequest, SubnetView, Vni, VniCreate, VniPatch, VniView};
use policy::{Action, Permit};

use crate::{Control, Error, RequestContext};

/// Dotted paths by which a request names what a virtual network interface is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VniPaths {
    /// The virtual network interface itself.
    pub(crate) vni: &'static str,
    pub(crate) subnet: &'static str,
    pub(crate) primary_ip: &'static str,
    pub(crate) security_groups: &'static str,
}

macro_rules! paths {
    ($prefix:literal) => {
        VniPaths {
            vni: concat!($prefix, "virtual_network_interface"),
            subnet: concat!($prefix, "virtual_network_interface.subnet"),
            primary_ip: concat!($prefix, "virtual_network_interface.primary_ip"),
            security_groups: concat!($prefix, "virtual_network_interface.security_groups"),
        }
    };
}

impl VniPaths {
    /// In its own creation.
    pub(crate) const ALONE: Self = Self {
        vni: "",
        subnet: "subnet",
        primary_ip: "primary_ip",
        security_groups: "security_groups",
    };
    /// In the creation of an attachment.
    pub(crate) const ATTACHED: Self = paths!("");
    /// In the primary attachment of a new instance.
    pub(crate) const PRIMARY: Self = paths!("primary_network_attachment.");
    /// In a further attachment of a new instance.
    pub(crate) const FURTHER: Self = paths!("network_attachments.");
}

impl Control {
    /// Makes a virtual network interface that is bound to nothing.
    ///
    /// # Errors
    /// Unknown references (with the field that named them), addresses that cannot be had, settings
    /// that do not go together, a taken name, the limits.
    pub async fn vni_create(
        &self,
        ctx: &RequestContext,
        want: VniCreate,
    ) -> Result<VniView, Error> {
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::VniCreate, &group).await?;
        let new = self.vni_draft(ctx, want, group, &VniPaths::ALONE).await?;
        let id = new.vni.head.id.clone();
        let change = self.vni_change(ctx, Action::VniCreate, &new.vni);
        let made = self.store().vni_create(&permit, new, change).await;
        made.map_err(|e| Error::from(e).named_by(VniPaths::ALONE.primary_ip))?;
        self.vni(ctx, &id).await
    }

    /// The row of a new one, in a group that is there; what it names is found and allowed.
    pub(crate) async fn vni_draft(
        &self,
        ctx: &RequestContext,
        want: VniCreate,
        group: ResourceGroupId,
        paths: &VniPaths,
    ) -> Result<NewVni, Error> {
        let subnet = self.vni_subnet(ctx, &want, paths).await?;
        let groups = self.vni_groups(ctx, &want, &subnet, paths).await?;
        let prefix = format!("{}-", subnet.subnet.zone.id_number());
        let id = VniId::mint(&prefix, self.entropy());
        let name = self.name_or_made(want.name.as_ref());
        let vni = Vni {
            head: self.head(ctx, id, group, name, self.now()),
            zone: subnet.subnet.zone,
            vpc: subnet.subnet.vpc,
            subnet: subnet.subnet.head.id,
            // The store puts the address's own id here.
            primary_ip: ReservedIpId::mint(&prefix, self.entropy()),
            security_groups: groups,
            allow_ip_spoofing: want.allow_ip_spoofing,
            auto_delete: want.auto_delete,
            infrastructure_nat: want.infrastructure_nat,
            state_filtering: want.state_filtering,
            mac: self.mac_mint(),
        };
        Ok(NewVni { vni, primary_ip: want.primary_ip, ips: want.ips })
    }

    /// The subnet that is named, or that of the reserved IP which is named.
    pub(crate) async fn vni_subnet(
        &self,
        ctx: &RequestContext,
        want: &VniCreate,
        paths: &VniPaths,
    ) -> Result<SubnetView, Error> {
        let id: SubnetId = match (&want.subnet, &want.primary_ip) {
            (Some(id), _) => id.clone(),
            (None, IpRequest::Reserved(ip)) => {
                let scope = self.scope(ctx, Action::SubnetRead).await?;
                let found = self.store().reserved_ip_subnet(&scope, ip).await;
                found.map_err(|e| Error::from(e).named_by(paths.primary_ip))?
            }
            (None, _) => {
                return Err(Error::Invalid {
                    field: paths.subnet,
                    code: "validation_required_field",
                    why: format!("{} is required.", paths.subnet),
                });
            }
        };
        let subnet = self.subnet(ctx, &id).await.map_err(|e| e.named_by(paths.subnet))?;
        self.permit(ctx, Action::SubnetOperate, &subnet.subnet.head).await?;
        Ok(subnet)
    }

    async fn vni_groups(
        &self,
        ctx: &RequestContext,
        want: &VniCreate,
        subnet: &SubnetView,
        paths: &VniPaths,
    ) -> Result<Vec<SecurityGroupId>, Error> {
        if want.security_groups.is_empty() {
            let vpc = self.vpc(ctx, &subnet.subnet.vpc).await?;
            return Ok(vec![vpc.vpc.default_security_group]);
        }
        let field = paths.security_groups;
        let mut groups: Vec<SecurityGroupId> = Vec::new();
        self.security_groups_usable(ctx, &want.security_groups, &subnet.subnet.vpc, field).await?;
        for group in &want.security_groups {
            if !groups.contains(group) {
                groups.push(group.clone());
            }
        }
        Ok(groups)
    }

    pub(crate) fn vni_change(&self, ctx: &RequestContext, action: Action, vni: &Vni) -> Change {
        self.change(ctx, action, "virtual-network-interface", &vni.head, vni.zone.as_str())
    }

    /// A virtual network interface.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn vni(&self, ctx: &RequestContext, id: &VniId) -> Result<VniView, Error> {
        let scope = self.scope(ctx, Action::VniRead).await?;
        Ok(self.store().vni(&scope, id).await?)
    }

    /// Virtual network interfaces.
    ///
    /// # Errors
    /// When the caller may not, or the page token is not one.
    pub async fn vnis(
        &self,
        ctx: &RequestContext,
        filter: VniFilter,
        page: Page,
    ) -> Result<Paged<VniView>, Error> {
        let scope = self.scope(ctx, Action::VniList).await?;
        Ok(self.store().vnis(&scope, &filter, &page).await?)
    }

    /// Changes a virtual network interface as it was read at `revision`; an empty patch changes
    /// nothing.
    ///
    /// # Errors
    /// A taken name, settings that do not go together, a change by another since; when there is
    /// none, or the caller may not.
    pub async fn vni_update(
        &self,
        ctx: &RequestContext,
        id: &VniId,
        revision: u64,
        patch: VniPatch,
    ) -> Result<VniView, Error> {
        let view = self.vni(ctx, id).await?;
        let permit = self.permit(ctx, Action::VniUpdate, &view.vni.head).await?;
        if patch == VniPatch::default() {
            return Ok(view);
        }
        let change = self.vni_change(ctx, Action::VniUpdate, &view.vni);
        self.store().vni_update(&permit, id, revision, patch, change).await?;
        self.vni(ctx, id).await
    }

    /// Deletes a virtual network interface; what it was is returned.
    ///
    /// # Errors
    /// When it is attached, there is none, or the caller may not.
    pub async fn vni_delete(&self, ctx: &RequestContext, id: &VniId) -> Result<VniView, Error> {
        let view = self.vni(ctx, id).await?;
        let permit = self.permit(ctx, Action::VniDelete, &view.vni.head).await?;
        let change = self.vni_change(ctx, Action::VniDelete, &view.vni);
        self.store().vni_delete(&permit, id, change).await?;
        Ok(view)
    }

    /// An address of a virtual network interface, with the interface.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn vni_ip(
        &self,
        ctx: &RequestContext,
        id: &VniId,
        ip: &ReservedIpId,
    ) -> Result<(IpReference, VniView), Error> {
        let view = self.vni(ctx, id).await?;
        let found = view.ips.iter().find(|bound| &bound.ip.id == ip).cloned();
        let missing = || Error::NotFound { kind: "reserved IP", id: ip.to_string(), field: None };
        Ok((found.ok_or_else(missing)?, view))
    }

    /// Binds a reserved IP.
    ///
    /// # Errors
    /// One that is bound, or of another subnet, the limit; when there is none, or the caller may
    /// not.
    pub async fn vni_ip_add(
        &self,
        ctx: &RequestContext,
        id: &VniId,
        ip: &ReservedIpId,
    ) -> Result<(IpReference, VniView), Error> {
        let (permit, change) = self.vni_ip_change(ctx, id).await?;
        self.store().vni_ip_add(&permit, id, ip, change).await?;
        self.vni_ip(ctx, id, ip).await
    }

    /// Unbinds a reserved IP, which is deleted if it goes with its target.
    ///
    /// # Errors
    /// The primary one; when there is none, or the caller may not.
    pub async fn vni_ip_remove(
        &self,
        ctx: &RequestContext,
        id: &VniId,
        ip: &ReservedIpId,
    ) -> Result<(), Error> {
        let (permit, change) = self.vni_ip_change(ctx, id).await?;
        Ok(self.store().vni_ip_remove(&permit, id, ip, change).await?)
    }

    /// Leave to change the addresses, also by the subnet, and the change's record.
    async fn vni_ip_change(
        &self,
        ctx: &RequestContext,
        id: &VniId,
    ) -> Result<(Permit, Change), Error> {
        let view = self.vni(ctx, id).await?;
        let permit = self.permit(ctx, Action::VniUpdate, &view.vni.head).await?;
        let subnet = self.subnet(ctx, &view.vni.subnet).await?;
        self.permit(ctx, Action::SubnetOperate, &subnet.subnet.head).await?;
        Ok((permit, self.vni_change(ctx, Action::VniUpdate, &view.vni)))
    }
}
