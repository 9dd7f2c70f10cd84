//! Network interfaces of an instance.

use base::{InstanceId, NicId};
use meta::Change;
use model::{NicPatch, NicView, Refusal};
use policy::{Action, Permit};

use crate::{Control, Error, NicCreate, RequestContext};

impl Control {
    /// Interfaces of an instance, the primary one first.
    ///
    /// # Errors
    /// When there is no such instance, or the caller may not.
    pub async fn nics(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
    ) -> Result<Vec<NicView>, Error> {
        Ok(self.instance(ctx, instance).await?.nics)
    }

    /// An interface of an instance.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn nic(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &NicId,
    ) -> Result<NicView, Error> {
        let found = self.nics(ctx, instance).await?.into_iter().find(|n| &n.nic.head.id == id);
        found.ok_or_else(|| Error::NotFound {
            kind: "network interface",
            id: id.to_string(),
            field: None,
        })
    }

    /// Gives an instance another interface; a guest that runs has it a moment later.
    ///
    /// # Errors
    /// A subnet of another VPC or zone, or without an address; an address that cannot be had; an
    /// unknown security group; a taken name; more than the profile has; an instance with network
    /// attachments; when there is no such instance, or the caller may not.
    pub async fn nic_create(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        want: NicCreate,
    ) -> Result<NicView, Error> {
        let view = self.instance(ctx, instance).await?;
        let (head, vpc) = (&view.instance.head, &view.instance.vpc);
        let permit = self.permit(ctx, Action::InstanceUpdate, head).await?;
        let found = self.subnet(ctx, &want.subnet).await;
        let subnet = found.map_err(|e| e.named_by("subnet"))?.subnet;
        self.permit(ctx, Action::SubnetOperate, &subnet.head).await?;
        if &subnet.vpc != vpc {
            return Err(Refusal::OtherVpc { what: "subnet", field: Some("subnet") }.into());
        }
        let zone = &view.instance.zone;
        if &subnet.zone != zone {
            let why = format!("The subnet is in zone {}, the instance in {zone}.", subnet.zone);
            return Err(Error::Invalid { field: "subnet", code: "invalid_value", why });
        }
        self.security_groups_usable(ctx, &want.security_groups, vpc, "security_groups").await?;
        let default_group = self.vpc(ctx, vpc).await?.vpc.default_security_group;
        let place = (zone, &head.group, &default_group);
        let (nic, request) = self.nic_draft(ctx, want, false, instance, place);
        let id = nic.head.id.clone();
        let change = self.change(ctx, Action::InstanceUpdate, "instance", head, zone.as_str());
        self.store().nic_create(&permit, nic, request, change).await?;
        self.network_changed();
        self.nic(ctx, instance, &id).await
    }

    /// The interface, leave to change it, and the change's record.
    async fn nic_changing(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &NicId,
    ) -> Result<(NicView, Permit, Change), Error> {
        let view = self.instance(ctx, instance).await?;
        let nic = self.nic(ctx, instance, id).await?;
        let (head, zone) = (&view.instance.head, view.instance.zone.as_str());
        let permit = self.permit(ctx, Action::InstanceUpdate, head).await?;
        let change = self.change(ctx, Action::InstanceUpdate, "instance", head, zone);
        Ok((nic, permit, change))
    }

    /// Changes an interface; an empty patch changes nothing.
    ///
    /// # Errors
    /// A taken name; the one of a network attachment; when there is none, or the caller may not.
    pub async fn nic_update(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &NicId,
        patch: NicPatch,
    ) -> Result<NicView, Error> {
        let (nic, permit, change) = self.nic_changing(ctx, instance, id).await?;
        if patch == NicPatch::default() {
            return Ok(nic);
        }
        self.store().nic_update(&permit, instance, id, patch, change).await?;
        self.nic(ctx, instance, id).await
    }

    /// Takes an interface from an instance; a guest that runs loses it a moment later.
    ///
    /// # Errors
    /// The primary one, the one of a network attachment; when there is none, or the caller may
    /// not.
    pub async fn nic_delete(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &NicId,
    ) -> Result<(), Error> {
        let (_, permit, change) = self.nic_changing(ctx, instance, id).await?;
        self.store().nic_delete(&permit, instance, id, change).await?;
        self.network_changed();
        Ok(())
    }
}
