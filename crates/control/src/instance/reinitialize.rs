//! `POST /instances/{id}/reinitialize`: a stopped instance begins anew from an image or a boot
//! volume. The boot volume that it had goes; its data volumes and interfaces stay.

use base::{AttachmentId, InstanceId, KeyId};
use meta::NewBoot;
use model::{
    Attachment, AttachmentKind, AttachmentStatus, InstanceStatus, InstanceView, Limit, Refusal,
    UsageChange, catalog::operating_system,
};
use policy::Action;

use super::{
    create::{BootVolume, Boots, VolumeSource},
    start_job,
};
use crate::{Control, Error, RequestContext, storage::volume_crn};

/// What an instance is to begin anew with.
#[derive(Clone, Debug)]
pub struct Reinitialize {
    /// What it boots from.
    pub boot: BootVolume,
    /// SSH keys; none when empty.
    pub keys: Vec<KeyId>,
    /// What its guest runs at first boot; nothing when none.
    pub user_data: Option<String>,
}

impl Control {
    /// Begins a stopped instance anew and starts it. There is no way back: its boot volume goes.
    ///
    /// # Errors
    /// A status that forbids it, an image or volume that cannot be had, another family of
    /// operating systems; when there is no such instance, or the caller may not.
    pub async fn instance_reinitialize(
        &self,
        ctx: &RequestContext,
        id: &InstanceId,
        want: Reinitialize,
    ) -> Result<(), Error> {
        let view = self.instance(ctx, id).await?;
        let instance = &view.instance;
        self.permit(ctx, Action::InstanceOperate, &instance.head).await?;
        let permit = self.permit(ctx, Action::InstanceUpdate, &instance.head).await?;
        if instance.status != InstanceStatus::Stopped {
            let (instance, status) = (id.clone(), instance.status);
            return Err(Refusal::InstanceBusy { instance, status, verb: "reinitialized" }.into());
        }
        let over = |limit: Limit, n: usize| {
            if n as u64 > limit.max { Err(Refusal::OverLimit { limit }) } else { Ok(()) }
        };
        over(Limit::KEYS_PER_INSTANCE_MAX, want.keys.len())?;
        over(Limit::USER_DATA_BYTES_MAX, want.user_data.as_ref().map_or(0, String::len))?;
        self.keys_check(ctx, &want.keys).await?;
        let boots = self.instance_boots(ctx, &want.boot).await?;
        let (new, usage) = self.new_boot(ctx, &view, want, boots, ctx.asked_by(&permit)).await?;
        let mut change = self.change_with(
            ctx,
            Action::InstanceUpdate,
            "instance",
            &instance.head,
            instance.zone.as_str(),
            usage,
        );
        for event in &mut change.events {
            event.action = "is.instance.instance.reinitialize".to_owned();
        }
        self.store().instance_reinitialize(&permit, id, new, change).await?;
        self.jobs_queued.notify_one();
        Ok(())
    }

    async fn new_boot(
        &self,
        ctx: &RequestContext,
        view: &InstanceView,
        want: Reinitialize,
        boots: Boots,
        asked_by: String,
    ) -> Result<(NewBoot, Vec<UsageChange>), Error> {
        let instance = &view.instance;
        let boot = view.boot().ok_or_else(|| Error::internal("an instance without boot volume"))?;
        let old = self.volume(ctx, &boot.attachment.volume).await?.volume;
        let (made, volume, image, system) = match (&want.boot.source, &boots) {
            (VolumeSource::Image { volume, .. }, Boots::Image(image)) => {
                let group = volume.group.as_ref().unwrap_or(&instance.head.group);
                let zone = &instance.zone;
                let made = self.boot_volume_draft(ctx, zone, group, volume, image).await?;
                let id = made.head.id.clone();
                let then = Some((image.head.id.clone(), image.head.name.to_string()));
                (Some(made), id, then, Some(image.operating_system.clone()))
            }
            (VolumeSource::Existing(id), Boots::Volume(found)) => {
                let row = &found.volume;
                (None, id.clone(), row.source_image.clone(), row.operating_system.clone())
            }
            _ => return Err(Error::internal("a boot source that was not found")),
        };
        same_family(old.operating_system.as_deref(), system.as_deref())?;
        let prefix = format!("{}-", instance.zone.id_number());
        let delete = want.boot.delete_with_instance.unwrap_or(made.is_some());
        let attachment = Attachment {
            id: AttachmentId::mint(&prefix, self.entropy()),
            name: self.name_or_made(want.boot.attachment_name.as_ref()),
            instance: instance.head.id.clone(),
            volume,
            kind: AttachmentKind::Boot,
            status: AttachmentStatus::Attached,
            delete_volume_on_instance_delete: delete,
            position: 0,
            created_at: self.now(),
        };
        let mut usage =
            vec![UsageChange::End { crn: volume_crn(&old).to_string(), at: self.now() }];
        usage.extend(made.as_ref().map(|made| self.volume_usage(made)));
        let start = start_job::State::first_start();
        let job = self.job_of_instance(instance, start_job::KIND, start, asked_by.clone());
        let old = (old.head.id.clone(), self.volume_delete_job(&old, &asked_by));
        let (keys, user_data) = (want.keys, want.user_data);
        Ok((NewBoot { attachment, volume: made, image, keys, user_data, old, job }, usage))
    }
}

/// A guest begins anew with an operating system of the same family.
fn same_family(old: Option<&str>, new: Option<&str>) -> Result<(), Error> {
    let family = |name: Option<&str>| name.and_then(operating_system).map(|os| os.family);
    match (family(old), family(new)) {
        (Some(old), Some(new)) if old != new => Err(Error::Invalid {
            field: "image",
            code: "invalid_value",
            why: format!(
                "The instance has {old}. It is reinitialized with an operating system of the same \
                 family, not {new}."
            ),
        }),
        _ => Ok(()),
    }
}
