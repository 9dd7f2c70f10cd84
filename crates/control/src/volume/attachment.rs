//! Attachments: what ties volumes to instances.

use base::{AttachmentId, InstanceId, JobId};
use jobs::NewJob;
use meta::{Change, NewAttachment};
use model::{Attachment, AttachmentKind, AttachmentStatus, AttachmentView, Instance, ResourceName};
use policy::{Action, Permit};

use super::{attach_job, detach_job};
use crate::{Control, DataVolume, Error, RequestContext};

impl Control {
    /// Attachments of an instance, the boot one first.
    ///
    /// # Errors
    /// When there is no such instance, or the caller may not.
    pub async fn attachments(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
    ) -> Result<Vec<AttachmentView>, Error> {
        Ok(self.instance(ctx, instance).await?.attachments)
    }

    /// An attachment of an instance.
    ///
    /// # Errors
    /// When there is none, or the caller may not.
    pub async fn attachment(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &AttachmentId,
    ) -> Result<AttachmentView, Error> {
        let view = self.instance(ctx, instance).await?;
        view.attachment(id).cloned().ok_or_else(|| Error::NotFound {
            kind: "volume attachment",
            id: id.to_string(),
            field: None,
        })
    }

    /// Attaches a volume, one that exists or a new one, to an instance that is running or stopped.
    ///
    /// # Errors
    /// A volume that is not free, a status that forbids it, a taken name, limits; when there is no
    /// such instance or volume, or the caller may not.
    pub async fn attachment_create(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        want: DataVolume,
    ) -> Result<AttachmentView, Error> {
        let view = self.instance(ctx, instance).await?;
        let instance = &view.instance;
        let permit = self.permit(ctx, Action::InstanceUpdate, &instance.head).await?;
        let (volume, made) = match &want.volume {
            Ok(id) => {
                let found = self.volume(ctx, id).await.map_err(|e| e.named_by("volume"))?;
                self.permit(ctx, Action::VolumeOperate, &found.volume.head).await?;
                (id.clone(), None)
            }
            Err(asked) => {
                let group = asked.group.as_ref().unwrap_or(&instance.head.group);
                self.permit_new(ctx, Action::VolumeCreate, group).await?;
                let field = "volume.profile";
                let made = self.data_volume_draft(ctx, &instance.zone, group, asked, field).await?;
                (made.head.id.clone(), Some(made))
            }
        };
        let prefix = format!("{}-", instance.zone.id_number());
        let attachment = Attachment {
            id: AttachmentId::mint(&prefix, self.entropy()),
            name: self.name_or_made(want.attachment_name.as_ref()),
            instance: instance.head.id.clone(),
            volume,
            kind: AttachmentKind::Data,
            status: AttachmentStatus::Attaching,
            delete_volume_on_instance_delete: want.delete_with_instance.unwrap_or(false),
            // The store knows the next one.
            position: 0,
            created_at: self.now(),
        };
        let mut change = self.attachment_change(ctx, instance, "create");
        if let Some(made) = &made {
            let (head, zone) = (&made.head, made.zone.as_str());
            let usage = vec![self.volume_usage(made)];
            let new = self.change_with(ctx, Action::VolumeCreate, "volume", head, zone, usage);
            change.events.extend(new.events);
            change.usage = new.usage;
        }
        let id = attachment.id.clone();
        let job = self.attachment_job(ctx, &permit, instance, &id, attach_job::KIND);
        let new = NewAttachment { attachment, volume: made, job };
        self.store().attachment_create(&permit, new, change).await?;
        self.jobs_queued.notify_one();
        self.attachment(ctx, &instance.head.id, &id).await
    }

    /// Renames an attachment, or changes whether its volume goes with the instance.
    ///
    /// # Errors
    /// A taken name; when there is none, or the caller may not.
    pub async fn attachment_update(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &AttachmentId,
        name: Option<ResourceName>,
        delete_volume: Option<bool>,
    ) -> Result<AttachmentView, Error> {
        let view = self.instance(ctx, instance).await?;
        self.attachment(ctx, instance, id).await?;
        let permit = self.permit(ctx, Action::InstanceUpdate, &view.instance.head).await?;
        let change = self.attachment_change(ctx, &view.instance, "update");
        self.store().attachment_update(&permit, instance, id, name, delete_volume, change).await?;
        self.attachment(ctx, instance, id).await
    }

    /// Detaches a data volume: gone at once from a stopped instance, `detaching` until the guest
    /// of a running one let it go.
    ///
    /// # Errors
    /// A boot volume, a status that forbids it; when there is none, or the caller may not.
    pub async fn attachment_delete(
        &self,
        ctx: &RequestContext,
        instance: &InstanceId,
        id: &AttachmentId,
    ) -> Result<(), Error> {
        let view = self.instance(ctx, instance).await?;
        self.attachment(ctx, instance, id).await?;
        let permit = self.permit(ctx, Action::InstanceUpdate, &view.instance.head).await?;
        let change = self.attachment_change(ctx, &view.instance, "delete");
        let job = self.attachment_job(ctx, &permit, &view.instance, id, detach_job::KIND);
        self.store().attachment_delete(&permit, instance, id, job, change).await?;
        self.jobs_queued.notify_one();
        Ok(())
    }

    fn attachment_change(&self, ctx: &RequestContext, instance: &Instance, verb: &str) -> Change {
        let (head, zone) = (&instance.head, instance.zone.as_str());
        let mut change = self.change(ctx, Action::InstanceUpdate, "instance", head, zone);
        for event in &mut change.events {
            event.action = format!("is.instance.volume-attachment.{verb}");
        }
        change
    }

    fn attachment_job(
        &self,
        ctx: &RequestContext,
        permit: &Permit,
        instance: &Instance,
        id: &AttachmentId,
        kind: &str,
    ) -> NewJob {
        NewJob {
            id: JobId::mint("", self.entropy()),
            kind: kind.to_owned(),
            account: Some(instance.head.account.clone()),
            subject: id.to_string(),
            host: Some(instance.host.clone()),
            asked_by: ctx.asked_by(permit),
            state_json: "{}".to_owned(),
        }
    }
}
