//! `POST /instances`: what a caller wants, who may have it, and the one transaction that begins it.

use base::{
    ByteCount, ImageId, KeyId, ResourceGroupId, SecurityGroupId, SubnetId, VolumeId, VpcId,
    ZoneName,
};
use meta::{NewInstance, VniSource};
use model::{
    AllowedUse, HostFailurePolicy, Image, InstanceView, IpRequest, MetadataService,
    NetworkAttachmentCreate, Refusal, ResourceName, VolumeView, catalog,
};
use policy::Action;

use super::draft::Decided;
use crate::{Control, Error, RequestContext};

/// An instance that a caller wants.
#[derive(Clone, Debug)]
pub struct InstanceCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// Its zone.
    pub zone: ZoneName,
    /// Its VPC; the subnet's when none, and it must be the subnet's.
    pub vpc: Option<VpcId>,
    /// Name of its profile; the default one when none.
    pub profile: Option<String>,
    /// What it boots from.
    pub boot: BootVolume,
    /// Volumes besides.
    pub data: Vec<DataVolume>,
    /// How it is in networks.
    pub network: InstanceNetwork,
    /// SSH keys.
    pub keys: Vec<KeyId>,
    /// What its guest runs at first boot.
    pub user_data: Option<String>,
    /// Metadata service.
    pub metadata_service: MetadataService,
    /// What happens when its host fails.
    pub host_failure: HostFailurePolicy,
}

/// The two ways in which an instance is in networks; the primary interface or attachment is first.
#[derive(Clone, Debug)]
pub enum InstanceNetwork {
    /// By network interfaces of its own.
    Interfaces(Vec<NicCreate>),
    /// By network attachments of virtual network interfaces.
    Attachments(Vec<NetworkAttachmentCreate>),
}

/// What an instance boots from.
#[derive(Clone, Debug)]
pub struct BootVolume {
    /// Name of the attachment; made up when none.
    pub attachment_name: Option<ResourceName>,
    /// The volume goes with the instance; true for a new one, false for an old one when none.
    pub delete_with_instance: Option<bool>,
    /// The bytes.
    pub source: VolumeSource,
}

/// Where the bytes of a boot volume come from.
#[derive(Clone, Debug)]
pub enum VolumeSource {
    /// A new volume of an image.
    Image {
        /// The image.
        image: ImageId,
        /// The volume; `capacity` none means the image's default.
        volume: Box<NewVolume>,
    },
    /// A volume that exists, unattached, with an operating system.
    Existing(VolumeId),
}

/// A volume that is made with an instance.
#[derive(Clone, Debug, Default)]
pub struct NewVolume {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the instance's when none.
    pub group: Option<ResourceGroupId>,
    /// Name of its profile; `general-purpose` when none.
    pub profile: Option<String>,
    /// Its size.
    pub capacity: Option<ByteCount>,
    /// Operations a second.
    pub iops: Option<u32>,
    /// Megabits a second, where the profile lets one choose.
    pub bandwidth: Option<u32>,
    /// CRN of a customer's root key.
    pub encryption_key: Option<String>,
    /// User tags.
    pub user_tags: Vec<String>,
    /// What it may be used for; the image's when none.
    pub allowed_use: Option<AllowedUse>,
}

/// A data volume of a new instance.
#[derive(Clone, Debug)]
pub struct DataVolume {
    /// Name of the attachment; made up when none.
    pub attachment_name: Option<ResourceName>,
    /// The volume goes with the instance; false when none.
    pub delete_with_instance: Option<bool>,
    /// A volume that exists, or a new one (its `capacity` is then given).
    pub volume: Result<VolumeId, NewVolume>,
}

/// A network interface of a new instance.
#[derive(Clone, Debug)]
pub struct NicCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its address.
    pub primary_ip: IpRequest,
    /// Its security groups; the VPC's default one when empty.
    pub security_groups: Vec<SecurityGroupId>,
    /// May send from other addresses.
    pub allow_ip_spoofing: bool,
}

/// What an instance boots from, found and allowed.
pub(super) enum Boots {
    Image(Box<Image>),
    Volume(Box<VolumeView>),
}

impl Control {
    /// Makes an instance and starts it: it is `pending` when this returns.
    ///
    /// # Errors
    /// S27 and other rules by name, unknown references (with the field that named them), limits.
    pub async fn instance_create(
        &self,
        ctx: &RequestContext,
        want: InstanceCreate,
    ) -> Result<InstanceView, Error> {
        let group = self.group_or_default(ctx, want.group.as_ref()).await?;
        let permit = self.permit_new(ctx, Action::InstanceCreate, &group).await?;
        let decided = self.instance_decide(ctx, &want, group).await?;
        let asked_by = ctx.asked_by(&permit);
        let (new, usage) = self.instance_draft(ctx, want, decided, asked_by).await?;
        self.instance_write(ctx, &permit, new, usage).await
    }

    /// Finds all that a new instance names, and whether the caller may have it. Writes nothing.
    pub(super) async fn instance_decide(
        &self,
        ctx: &RequestContext,
        want: &InstanceCreate,
        group: ResourceGroupId,
    ) -> Result<Decided, Error> {
        let profile = want.profile.as_deref().unwrap_or(catalog::DEFAULT_INSTANCE_PROFILE);
        let profile = catalog::instance_profile(profile).ok_or_else(|| Error::Invalid {
            field: "profile",
            code: "bad_field",
            why: format!("There is no instance profile {profile}."),
        })?;
        check_sizes(want)?;
        let (vpc, network) = self.instance_network(ctx, want, &group).await?;
        self.keys_check(ctx, &want.keys).await?;
        let boots = self.instance_boots(ctx, &want.boot).await?;
        Ok(Decided { group, vpc, network, profile, boots })
    }

    /// SSH keys that a guest is to accept.
    pub(super) async fn keys_check(
        &self,
        ctx: &RequestContext,
        keys: &[KeyId],
    ) -> Result<(), Error> {
        for key in keys {
            let (key, _) = self.key(ctx, key).await.map_err(|e| e.named_by("keys"))?;
            self.permit(ctx, Action::KeyOperate, &key.head).await?;
        }
        Ok(())
    }

    async fn instance_write(
        &self,
        ctx: &RequestContext,
        permit: &policy::Permit,
        new: NewInstance,
        usage: Vec<model::UsageChange>,
    ) -> Result<InstanceView, Error> {
        let id = new.instance.head.id.clone();
        let zone = new.instance.zone.clone();
        let mut change =
            self.change(ctx, Action::InstanceCreate, "instance", &new.instance.head, zone.as_str());
        for volume in &new.volumes {
            let zone = volume.zone.as_str();
            let made = self.change(ctx, Action::VolumeCreate, "volume", &volume.head, zone);
            change.events.extend(made.events);
        }
        for attachment in &new.network_attachments {
            if let VniSource::New(new) = &attachment.vni {
                let made = self.vni_change(ctx, Action::VniCreate, &new.vni);
                change.events.extend(made.events);
            }
        }
        change.usage = usage;
        self.store().instance_create(permit, new, change).await?;
        self.jobs_queued.notify_one();
        let made = Self::system(policy::InternalActor::Job);
        Ok(self.store().instance_any(made, &id).await?)
    }

    /// What the instance boots from: an image that the caller may use and that is not obsolete
    /// (S27), or a free boot volume.
    pub(super) async fn instance_boots(
        &self,
        ctx: &RequestContext,
        boot: &BootVolume,
    ) -> Result<Boots, Error> {
        match &boot.source {
            VolumeSource::Image { image, volume } => {
                Self::no_root_key(volume.encryption_key.as_deref())?;
                let view = self.image(ctx, image).await.map_err(|e| e.named_by("image"))?;
                if !view.image.stock() {
                    self.permit(ctx, Action::ImageProvision, &view.image.head).await?;
                }
                if !view.image.provisionable() {
                    return Err(Refusal::ImageNotProvisionable {
                        image: image.clone(),
                        status: view.image.status,
                    }
                    .into());
                }
                Ok(Boots::Image(Box::new(view.image)))
            }
            VolumeSource::Existing(id) => {
                let field = "boot_volume_attachment.volume";
                let view = self.volume(ctx, id).await.map_err(|e| e.named_by(field))?;
                self.permit(ctx, Action::VolumeOperate, &view.volume.head).await?;
                if !view.attachments.is_empty() {
                    return Err(Refusal::VolumeAttached { volume: id.clone() }.into());
                }
                if view.volume.operating_system.is_none() {
                    return Err(Error::Invalid {
                        field,
                        code: "invalid_value",
                        why: format!("Volume {id} has no operating system to boot."),
                    });
                }
                Ok(Boots::Volume(Box::new(view)))
            }
        }
    }
}

/// Sizes of lists and texts.
fn check_sizes(want: &InstanceCreate) -> Result<(), Refusal> {
    let over = |limit: model::Limit, n: usize| {
        if n as u64 > limit.max { Err(Refusal::OverLimit { limit }) } else { Ok(()) }
    };
    over(model::Limit::DATA_VOLUMES_MAX, want.data.len())?;
    over(model::Limit::KEYS_PER_INSTANCE_MAX, want.keys.len())?;
    over(model::Limit::USER_DATA_BYTES_MAX, want.user_data.as_ref().map_or(0, String::len))
}
