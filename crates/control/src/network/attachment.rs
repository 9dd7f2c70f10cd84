//! Network attachments: what ties a virtual network interface to an instance.

use base::{InstanceId, NicId, ResourceGroupId, VpcId, ZoneName};
use meta::{Change, NewNetworkAttachment, StoreError, VniSource};
use model::{
    InstanceView, NetworkAttachment, NetworkAttachmentCreate, NicView, Refusal, ResourceName, Vni,
    VniRefusal, VniWanted,
};
use policy::{Action, Permit};

use super::vni::VniPaths;
use crate::{Control, Error, RequestContext};

/// How often a deletion looks again at what goes with it.
const TRIES: usize = 8;

impl Control {
    /// Network attachments of an instance, newest first, those of one time by name.
    ///
    /// # Errors
    /// When there is no such instance, or the caller may not.
    pub async fn network_attachments(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
    ) -> Result<Vec<NicView>, Error> {
        let mut all = self.instance(ctx, instance).await?.nics;
        all.retain(|nic| nic.vni.is_some());
        all.sort_by(|a, b| {
            let (a, b) = (&a.nic.head, &b.nic.head);
            b.created_at.cmp(&a.created_at).then_with(|| a.name.cmp(&b.name))
        });
        Ok(all)
    }

    /// A network attachment of an instance.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn network_attachment(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &NicId,
    ) -> Result<NicView, Error> {
        let all = self.network_attachments(ctx, instance).await?;
        let found = all.into_iter().find(|nic| &nic.nic.head.id == id);
        let missing =
            || Error::NotFound { kind: "network attachment", id: id.to_string(), field: None };
        found.ok_or_else(missing)
    }

    /// Attaches a virtual network interface to an instance.
    ///
    /// # Errors
    /// As for a virtual network interface; one that is attached, or of another VPC or zone; an
    /// instance with network interfaces; the profile's limit; a taken name.
    pub async fn network_attachment_create(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        want: NetworkAttachmentCreate,
    ) -> Result<NicView, Error> {
        let (view, permit, mut change) = self.attachments_changing(ctx, instance).await?;
        let place = Place::of(&view);
        let paths = &VniPaths::ATTACHED;
        let (name, source) = self.attachment_source(ctx, want, &place, paths).await?;
        if let VniSource::New(new) = &source {
            let made = self.vni_change(ctx, Action::VniCreate, &new.vni);
            change.events.extend(made.events);
        }
        let new = self.attachment_draft(ctx, &place, instance, name, source, false);
        let id = new.attachment.head.id.clone();
        let made = self.store().network_attachment_create(&permit, new, change).await;
        made.map_err(|e| Error::from(e).named_by(paths.vni))?;
        self.network_changed();
        self.network_attachment(ctx, instance, &id).await
    }

    /// What an attachment attaches: found, or drafted, and allowed.
    pub(crate) async fn attachment_source(
        &self,
        ctx: &RequestContext,
        want: NetworkAttachmentCreate,
        place: &Place,
        paths: &VniPaths,
    ) -> Result<(ResourceName, VniSource), Error> {
        let name = self.name_or_made(want.name.as_ref());
        let source = match want.vni {
            VniWanted::Existing(id) => {
                let view = self.vni(ctx, &id).await.map_err(|e| e.named_by(paths.vni))?;
                self.permit(ctx, Action::VniOperate, &view.vni.head).await?;
                place.check(&view.vni, paths.vni)?;
                if view.target.is_some() {
                    return Err(
                        Refusal::Vni(VniRefusal::InUse { vni: id, verb: "attached" }).into()
                    );
                }
                VniSource::Existing(id)
            }
            VniWanted::New(new) => {
                let group = match &new.group {
                    Some(_) => self.group_or_default(ctx, new.group.as_ref()).await?,
                    None => place.group.clone(),
                };
                self.permit_new(ctx, Action::VniCreate, &group).await?;
                let new = self.vni_draft(ctx, *new, group, paths).await?;
                place.check(&new.vni, paths.subnet)?;
                VniSource::New(Box::new(new))
            }
        };
        Ok((name, source))
    }

    /// The row of a new attachment.
    pub(crate) fn attachment_draft(
        &self,
        ctx: &RequestContext,
        place: &Place,
        instance: &InstanceId,
        name: ResourceName,
        vni: VniSource,
        primary: bool,
    ) -> NewNetworkAttachment {
        let prefix = format!("{}-", place.zone.id_number());
        let id = NicId::mint(&prefix, self.entropy());
        let attachment = NetworkAttachment {
            head: self.head(ctx, id, place.group.clone(), name, self.now()),
            instance: instance.clone(),
            primary,
        };
        NewNetworkAttachment { attachment, vni }
    }

    /// The instance, leave to change it, and the change's record.
    async fn attachments_changing(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
    ) -> Result<(InstanceView, Permit, Change), Error> {
        let view = self.instance(ctx, instance).await?;
        let head = &view.instance.head;
        let permit = self.permit(ctx, Action::InstanceUpdate, head).await?;
        let zone = view.instance.zone.as_str();
        let change = self.change(ctx, Action::InstanceUpdate, "instance", head, zone);
        Ok((view, permit, change))
    }

    /// Renames a network attachment; without a name nothing changes.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn network_attachment_rename(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &NicId,
        name: Option<ResourceName>,
    ) -> Result<NicView, Error> {
        let view = self.network_attachment(ctx, instance, id).await?;
        let (_, permit, change) = self.attachments_changing(ctx, instance).await?;
        let Some(name) = name else { return Ok(view) };
        self.store().network_attachment_rename(&permit, instance, id, name, change).await?;
        self.network_attachment(ctx, instance, id).await
    }

    /// Deletes a network attachment; what was attached goes with it or stays, as it says itself.
    ///
    /// # Errors
    /// The primary one; when there is none, or the caller may not.
    pub async fn network_attachment_delete(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &NicId,
    ) -> Result<(), Error> {
        for _ in 0..TRIES {
            let view = self.network_attachment(ctx, instance, id).await?;
            let (_, permit, mut change) = self.attachments_changing(ctx, instance).await?;
            let mut goes = false;
            if let Some(attached) = &view.vni {
                let attached = self.vni(ctx, &attached.vni.id).await?;
                goes = attached.vni.auto_delete;
                if goes {
                    let gone = self.vni_change(ctx, Action::VniDelete, &attached.vni);
                    change.events.extend(gone.events);
                }
            }
            let store = self.store();
            match store.network_attachment_delete(&permit, instance, id, goes, change).await {
                Err(StoreError::Changed { .. }) => {}
                done => {
                    self.network_changed();
                    return Ok(done?);
                }
            }
        }
        Err(Error::Changed { kind: "virtual network interface" })
    }
}

/// Where an instance is.
pub(crate) struct Place {
    pub(crate) group: ResourceGroupId,
    pub(crate) zone: ZoneName,
    pub(crate) vpc: VpcId,
}

impl Place {
    fn of(view: &InstanceView) -> Self {
        let instance = &view.instance;
        Self {
            group: instance.head.group.clone(),
            zone: instance.zone.clone(),
            vpc: instance.vpc.clone(),
        }
    }

    /// Refuses one of another VPC or zone, which `field` names.
    fn check(&self, vni: &Vni, field: &'static str) -> Result<(), Error> {
        if vni.vpc != self.vpc {
            let (what, field) = ("virtual network interface", Some(field));
            return Err(Refusal::OtherVpc { what, field }.into());
        }
        if vni.zone != self.zone {
            return Err(Error::Invalid {
                field,
                code: "invalid_value",
                why: format!(
                    "The virtual network interface is in zone {}, the instance in {}.",
                    vni.zone, self.zone
                ),
            });
        }
        Ok(())
    }
}
