//! The rows of a new instance: instance, volumes, volume attachments. Its networks are in
//! `network`.

use base::{AttachmentId, ByteCount, Crn, InstanceId, JobId, ResourceGroupId, VpcId, ZoneName};
use jobs::NewJob;
use meta::NewInstance;
use model::{
    Attachment, AttachmentKind, AttachmentStatus, Image, Instance, InstanceStatus, LifecycleState,
    Refusal, ResourceName, UsageChange, Volume,
    catalog::{BOOT_CAPACITY_GB_MAX, InstanceProfile},
    generated_name,
};

use super::{
    create::{BootVolume, Boots, DataVolume, InstanceCreate, NewVolume, VolumeSource},
    network::DecidedNetwork,
    start_job,
};
use crate::{
    Control, Error, RequestContext,
    storage::{Holder, volume_crn},
    volume::VolumeDraft,
};

/// What was found and allowed before rows are made.
pub(super) struct Decided {
    pub(super) group: ResourceGroupId,
    pub(super) vpc: VpcId,
    pub(super) network: DecidedNetwork,
    pub(super) profile: &'static InstanceProfile,
    pub(super) boots: Boots,
}

/// The profile of a volume when none is asked for.
const VOLUME_PROFILE: &str = "general-purpose";

impl Control {
    pub(super) async fn instance_draft(
        &self,
        ctx: &RequestContext,
        want: InstanceCreate,
        decided: Decided,
        asked_by: String,
    ) -> Result<(NewInstance, Vec<UsageChange>), Error> {
        let id = InstanceId::mint(&format!("{}_", want.zone.id_number()), self.entropy());
        let mut volumes = Vec::new();
        let mut attachments = vec![self.boot_draft(ctx, &want, &decided, &id, &mut volumes).await?];
        for (data, position) in want.data.iter().zip(1..) {
            let made =
                self.data_draft(ctx, &want, &decided, data, (&id, position), &mut volumes).await?;
            attachments.push(made);
        }
        let place = (&want.zone, &decided.group);
        let (nics, network_attachments) = self.network_draft(ctx, decided.network, &id, place);
        let name = self.name_or_made(want.name.as_ref());
        let image = match &decided.boots {
            Boots::Image(image) => Some((image.head.id.clone(), image.head.name.to_string())),
            Boots::Volume(view) => view.volume.source_image.clone(),
        };
        let instance = Instance {
            head: self.head(ctx, id, decided.group, name, self.now()),
            zone: want.zone,
            vpc: decided.vpc,
            profile: decided.profile.name.to_owned(),
            image,
            status: InstanceStatus::Pending,
            status_reasons: Vec::new(),
            lifecycle_state: LifecycleState::Pending,
            keys: want.keys,
            user_data: want.user_data,
            metadata_service: want.metadata_service,
            host_failure: want.host_failure,
            total_volume_bandwidth: decided.profile.volume_bandwidth(),
            host: self.config.host.clone(),
        };
        let usage = volumes.iter().map(|volume| self.volume_usage(volume)).collect();
        let job = NewJob {
            id: JobId::mint("", self.entropy()),
            kind: start_job::KIND.to_owned(),
            account: Some(instance.head.account.clone()),
            subject: instance.head.id.to_string(),
            host: Some(instance.host.clone()),
            asked_by,
            state_json: start_job::State::first_start(),
        };
        let new = NewInstance { instance, volumes, attachments, nics, network_attachments, job };
        Ok((new, usage))
    }

    async fn boot_draft(
        &self,
        ctx: &RequestContext,
        want: &InstanceCreate,
        decided: &Decided,
        instance: &InstanceId,
        volumes: &mut Vec<Volume>,
    ) -> Result<Attachment, Error> {
        let BootVolume { attachment_name, delete_with_instance, source } = &want.boot;
        let (volume, delete_default) = match (source, &decided.boots) {
            (VolumeSource::Image { volume, .. }, Boots::Image(image)) => {
                let group = volume.group.as_ref().unwrap_or(&decided.group);
                let made = self.boot_volume_draft(ctx, &want.zone, group, volume, image).await?;
                let id = made.head.id.clone();
                volumes.push(made);
                (id, true)
            }
            (VolumeSource::Existing(id), _) => (id.clone(), false),
            (VolumeSource::Image { .. }, Boots::Volume(_)) => {
                return Err(Error::internal("an image source without an image"));
            }
        };
        Ok(Attachment {
            id: self.attachment_id(want),
            name: self.name_or_made(attachment_name.as_ref()),
            instance: instance.clone(),
            volume,
            kind: AttachmentKind::Boot,
            status: AttachmentStatus::Attached,
            delete_volume_on_instance_delete: delete_with_instance.unwrap_or(delete_default),
            position: 0,
            created_at: self.now(),
        })
    }

    /// A boot volume over the bytes of an image.
    pub(super) async fn boot_volume_draft(
        &self,
        ctx: &RequestContext,
        zone: &ZoneName,
        group: &ResourceGroupId,
        asked: &NewVolume,
        image: &Image,
    ) -> Result<Volume, Error> {
        let field = "boot_volume_attachment.volume.profile";
        let profile = asked.profile.as_deref().unwrap_or(VOLUME_PROFILE);
        let capacity = asked.capacity.unwrap_or(image.capacity);
        if capacity < image.capacity {
            return Err(Refusal::VolumeCapacity {
                gb: capacity.gb_ceil(),
                min: image.capacity.gb_ceil(),
                max: BOOT_CAPACITY_GB_MAX,
                of: format!("a boot volume of image {}", image.head.id),
            }
            .into());
        }
        let draft = VolumeDraft {
            name: asked.name.clone(),
            group: group.clone(),
            zone: zone.clone(),
            profile: Self::volume_profile(profile, field)?,
            capacity,
            iops: asked.iops,
            bandwidth: asked.bandwidth,
            user_tags: asked.user_tags.clone(),
            boot: Some((
                image.operating_system.clone(),
                asked.allowed_use.clone().unwrap_or_else(|| image.allowed_use.clone()),
            )),
        };
        let mut volume = self.volume_draft(ctx, draft).await?;
        volume.source_image = Some((image.head.id.clone(), image.head.name.to_string()));
        let sealed = image
            .sealed
            .as_ref()
            .ok_or_else(|| Error::internal("a provisionable image without bytes"))?;
        let crn: Crn = self.image_crn(image);
        let from = Holder { crn: &crn, wrapped: &image.wrapped_data_key };
        let to_crn = volume_crn(&volume);
        let to = Holder { crn: &to_crn, wrapped: &volume.storage.wrapped_data_key };
        let base = self.parts.storage.root_share(from, sealed, to).await;
        volume.storage.base = Some(base.map_err(Error::unavailable)?);
        Ok(volume)
    }

    async fn data_draft(
        &self,
        ctx: &RequestContext,
        want: &InstanceCreate,
        decided: &Decided,
        data: &DataVolume,
        (instance, position): (&InstanceId, u32),
        volumes: &mut Vec<Volume>,
    ) -> Result<Attachment, Error> {
        let volume = match &data.volume {
            Ok(id) => {
                let field = "volume_attachments.volume";
                self.volume(ctx, id).await.map_err(|e| e.named_by(field))?.volume.head.id
            }
            Err(asked) => {
                let group = asked.group.as_ref().unwrap_or(&decided.group);
                let field = "volume_attachments.volume.profile";
                let made = self.data_volume_draft(ctx, &want.zone, group, asked, field).await?;
                let id = made.head.id.clone();
                volumes.push(made);
                id
            }
        };
        Ok(Attachment {
            id: self.attachment_id(want),
            name: self.name_or_made(data.attachment_name.as_ref()),
            instance: instance.clone(),
            volume,
            kind: AttachmentKind::Data,
            status: AttachmentStatus::Attached,
            delete_volume_on_instance_delete: data.delete_with_instance.unwrap_or(false),
            position,
            created_at: self.now(),
        })
    }

    /// A data volume that is made with its attachment.
    pub(crate) async fn data_volume_draft(
        &self,
        ctx: &RequestContext,
        zone: &ZoneName,
        group: &ResourceGroupId,
        asked: &NewVolume,
        field: &'static str,
    ) -> Result<Volume, Error> {
        Self::no_root_key(asked.encryption_key.as_deref())?;
        let profile = asked.profile.as_deref().unwrap_or(VOLUME_PROFILE);
        let draft = VolumeDraft {
            name: asked.name.clone(),
            group: group.clone(),
            zone: zone.clone(),
            profile: Self::volume_profile(profile, field)?,
            capacity: asked.capacity.unwrap_or(ByteCount(0)),
            iops: asked.iops,
            bandwidth: asked.bandwidth,
            user_tags: asked.user_tags.clone(),
            boot: None,
        };
        self.volume_draft(ctx, draft).await
    }

    fn attachment_id(&self, want: &InstanceCreate) -> AttachmentId {
        AttachmentId::mint(&format!("{}-", want.zone.id_number()), self.entropy())
    }

    pub(crate) fn name_or_made(&self, name: Option<&ResourceName>) -> ResourceName {
        name.cloned().unwrap_or_else(|| generated_name(self.entropy()))
    }
}
