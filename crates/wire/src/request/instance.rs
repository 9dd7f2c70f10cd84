//! `POST /instances`: by image, or by a boot volume that exists.

use base::{ByteCount, ImageId, ResourceGroupId, VolumeId, VpcId, ZoneName};
use model::{
    AllowedUse, HostFailurePolicy, Limit, MetadataProtocol, MetadataService,
    NetworkAttachmentCreate, ResourceName, catalog,
};
use serde_json::json;

use super::{
    Asked, NicPrototype, allowed_use, network_attachment_prototype, network_interface, tags, volume,
};
use crate::{ApiError, ErrorCode, Fields, KeyIdentity, Kind};

/// `POST /instances`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstancePrototype {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the default one when none.
    pub group: Option<ResourceGroupId>,
    /// Its zone.
    pub zone: ZoneName,
    /// Its VPC; that of its subnet when none.
    pub vpc: Option<VpcId>,
    /// Name of its profile, which exists; the default one when none.
    pub profile: Option<String>,
    /// What it boots from.
    pub boot: BootVolume,
    /// Volumes besides.
    pub data: Vec<DataVolume>,
    /// How it is in networks.
    pub network: InstanceNetwork,
    /// SSH keys.
    pub keys: Vec<KeyIdentity>,
    /// What its guest runs at first boot.
    pub user_data: Option<String>,
    /// Metadata service.
    pub metadata_service: MetadataService,
    /// What happens when its host fails.
    pub host_failure: HostFailurePolicy,
}

/// The two ways in which an instance is in networks; the primary interface or attachment is first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceNetwork {
    /// By network interfaces of its own.
    Interfaces(Vec<NicPrototype>),
    /// By network attachments of virtual network interfaces.
    Attachments(Vec<NetworkAttachmentCreate>),
}

/// What an instance boots from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootVolume {
    /// Name of the attachment; made up when none.
    pub attachment_name: Option<ResourceName>,
    /// The volume goes with the instance.
    pub delete_with_instance: Option<bool>,
    /// The bytes.
    pub source: VolumeSource,
}

/// Where the bytes of a boot volume come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeSource {
    /// A new volume of an image.
    Image(ImageId, NewVolume),
    /// A volume that exists.
    Existing(VolumeId),
}

/// A volume that is made with an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewVolume {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the instance's when none.
    pub group: Option<ResourceGroupId>,
    /// Name of its profile, which exists.
    pub profile: Option<String>,
    /// Its size.
    pub capacity: Option<ByteCount>,
    /// Operations a second.
    pub iops: Option<u32>,
    /// Megabits a second.
    pub bandwidth: Option<u32>,
    /// User tags.
    pub user_tags: Vec<String>,
    /// What it may be used for; the image's when none.
    pub allowed_use: Option<AllowedUse>,
}

/// A data volume of a new instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataVolume {
    /// Name of the attachment; made up when none.
    pub attachment_name: Option<ResourceName>,
    /// The volume goes with the instance; false when none.
    pub delete_with_instance: Option<bool>,
    /// A volume that exists, or a new one with a capacity.
    pub volume: Result<VolumeId, NewVolume>,
}

/// `POST /instances/{id}/reinitialize`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reinitialization {
    /// What it boots from.
    pub boot: BootVolume,
    /// SSH keys.
    pub keys: Vec<KeyIdentity>,
    /// What its guest runs at first boot.
    pub user_data: Option<String>,
}

/// Reads `POST /instances/{id}/reinitialize`.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for what is not served.
pub fn reinitialization(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Reinitialization, ApiError> {
    f.unserved(&[("default_trusted_profile", None), ("catalog_offering", None)])?;
    let boot = boot_volume(asked, f)?;
    Ok(Reinitialization { boot, keys: keys(asked, f)?, user_data: user_data(f)? })
}

fn keys(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Vec<KeyIdentity>, ApiError> {
    let max = usize::try_from(Limit::KEYS_PER_INSTANCE_MAX.max).unwrap_or(usize::MAX);
    all(&f.objects("keys", max)?.unwrap_or_default(), |key| asked.place.key(key))
}

/// Most data volumes that are read at all: one more than the limit, which is checked later.
const DATA_VOLUMES_READ: usize = Limit::DATA_VOLUMES_MAX.max as usize + 1;
/// Most further network interfaces or attachments that are read; the profile's limit is less.
pub(crate) const NICS_MAX: usize = 15;
const PRIMARY_NIC: &str = "primary_network_interface";
const PRIMARY_ATTACHMENT: &str = "primary_network_attachment";

/// Reads `POST /instances`.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for what is not served.
pub fn instance_prototype(
    asked: &Asked<'_>,
    f: &Fields<'_>,
) -> Result<InstancePrototype, ApiError> {
    unserved(f)?;
    let boot = boot_volume(asked, f)?;
    let network = network(asked, f)?;
    let data = f.objects("volume_attachments", DATA_VOLUMES_READ)?.unwrap_or_default();
    Ok(InstancePrototype {
        zone: f.required("zone", asked.place.zone(f)?)?,
        boot,
        network,
        name: f.name("name")?,
        group: asked.place.group(f)?,
        vpc: asked.place.id_in(Kind::VPC, f, "vpc")?,
        profile: profile(asked, f)?,
        data: all(&data, |volume| data_volume(asked, volume))?,
        keys: keys(asked, f)?,
        user_data: user_data(f)?,
        metadata_service: metadata_service(f)?,
        host_failure: host_failure(f)?.unwrap_or(HostFailurePolicy::Restart),
    })
}

/// Interfaces, or attachments, but not both.
fn network(asked: &Asked<'_>, f: &Fields<'_>) -> Result<InstanceNetwork, ApiError> {
    let (others, attachments) = ("network_interfaces", "network_attachments");
    let more = |field: &str| Ok(f.objects(field, NICS_MAX)?.unwrap_or_default());
    let (nics, attached): (Vec<_>, Vec<_>) = (more(others)?, more(attachments)?);
    let primary = f.object(PRIMARY_ATTACHMENT)?;
    if primary.is_none() && attached.is_empty() {
        let primary = f.required(PRIMARY_NIC, f.object(PRIMARY_NIC)?)?;
        let every: Vec<_> = std::iter::once(primary).chain(nics).collect();
        let every = all(&every, |nic| network_interface::prototype(asked, nic))?;
        return Ok(InstanceNetwork::Interfaces(every));
    }
    for (field, there) in [(PRIMARY_NIC, f.has(PRIMARY_NIC)), (others, !nics.is_empty())] {
        if there {
            let what = "excludes network attachments: an instance has one or the other";
            return Err(f.error(ErrorCode::ValidationOnlyOne, field, what));
        }
    }
    let primary = f.required(PRIMARY_ATTACHMENT, primary)?;
    let every: Vec<_> = std::iter::once(primary).chain(attached).collect();
    let every = all(&every, |one| network_attachment_prototype(asked, one))?;
    Ok(InstanceNetwork::Attachments(every))
}

fn all<T>(
    items: &[Fields<'_>],
    read: impl Fn(&Fields<'_>) -> Result<T, ApiError>,
) -> Result<Vec<T>, ApiError> {
    items.iter().map(read).collect()
}

fn unserved(f: &Fields<'_>) -> Result<(), ApiError> {
    f.unserved(&[
        ("source_template", None),
        ("catalog_offering", None),
        ("cluster_network_attachments", None),
        ("default_trusted_profile", None),
        ("placement_target", None),
        ("total_volume_bandwidth", None),
        ("availability", Some(json!({"class": "standard"}))),
        ("confidential_compute_mode", Some(json!("disabled"))),
        ("enable_secure_boot", Some(json!(false))),
        ("reservation_affinity", Some(json!({"policy": "disabled"}))),
        ("threads_per_core", Some(json!(2))),
        ("vcpu", Some(json!({"percentage": 100}))),
        ("volume_bandwidth_qos_mode", Some(json!("pooled"))),
    ])
}

/// Reads the field `profile`, which names an instance profile.
pub(super) fn profile(asked: &Asked<'_>, f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(name) = asked.place.by_name(f, "profile", &["instance", "profiles"])? else {
        return Ok(None);
    };
    match catalog::instance_profile(name) {
        Some(profile) => Ok(Some(profile.name.to_owned())),
        None => Err(f.error(ErrorCode::BadField, "profile", "names no instance profile")),
    }
}

fn user_data(f: &Fields<'_>) -> Result<Option<String>, ApiError> {
    let max = usize::try_from(Limit::USER_DATA_BYTES_MAX.max).unwrap_or(usize::MAX);
    Ok(f.text_up_to("user_data", max)?.map(str::to_owned))
}

fn metadata_service(f: &Fields<'_>) -> Result<MetadataService, ApiError> {
    let default = MetadataService::default();
    let Some(f) = f.object("metadata_service")? else { return Ok(default) };
    let protocol = f.choice("protocol", "http, https", MetadataProtocol::parse)?;
    let hops = f.small_number("response_hop_limit", 1, 64)?;
    Ok(MetadataService {
        enabled: f.flag("enabled")?.unwrap_or(default.enabled),
        protocol: protocol.unwrap_or(default.protocol),
        response_hop_limit: hops
            .and_then(|n| u8::try_from(n).ok())
            .unwrap_or(default.response_hop_limit),
    })
}

/// Reads `availability_policy.host_failure`.
pub(super) fn host_failure(f: &Fields<'_>) -> Result<Option<HostFailurePolicy>, ApiError> {
    let Some(f) = f.object("availability_policy")? else { return Ok(None) };
    f.unserved(&[("preemption", Some(json!("stop")))])?;
    f.choice("host_failure", "restart, stop", HostFailurePolicy::parse)
}

fn boot_volume(asked: &Asked<'_>, f: &Fields<'_>) -> Result<BootVolume, ApiError> {
    let attachment = f.object("boot_volume_attachment")?;
    let disk = match &attachment {
        Some(a) => Some(a.required("volume", a.object("volume")?)?),
        None => None,
    };
    let names_volume = disk.as_ref().is_some_and(|v| v.has("id") || v.has("crn") || v.has("href"));
    let source = match (f.object("image")?, disk) {
        (Some(_), Some(_)) if names_volume => {
            return Err(ApiError::field(
                ErrorCode::ValidationOnlyOne,
                "image",
                "An instance boots either from image or from an existing \
                 boot_volume_attachment.volume, not from both.",
            ));
        }
        (Some(image), disk) => {
            let image: ImageId = asked.place.id(Kind::IMAGE, &image)?;
            VolumeSource::Image(image, boot_prototype(asked, disk)?)
        }
        (None, Some(disk)) if names_volume => {
            VolumeSource::Existing(asked.place.id(Kind::VOLUME, &disk)?)
        }
        (None, Some(disk)) => {
            disk.unserved(&[("source_snapshot", None)])?;
            return Err(no_source(f));
        }
        (None, None) => return Err(no_source(f)),
    };
    let (attachment_name, delete_with_instance) = attachment_fields(attachment.as_ref())?;
    Ok(BootVolume { attachment_name, delete_with_instance, source })
}

fn no_source(f: &Fields<'_>) -> ApiError {
    let what = "is required, or boot_volume_attachment.volume with an existing boot volume";
    f.error(ErrorCode::ValidationRequiredField, "image", what)
}

fn boot_prototype(asked: &Asked<'_>, disk: Option<Fields<'_>>) -> Result<NewVolume, ApiError> {
    let Some(disk) = disk else { return Ok(NewVolume::default()) };
    let new = new_volume(asked, &disk)?;
    disk.required("profile", new.profile.as_ref())?;
    Ok(new)
}

/// Reads `POST …/volume_attachments`.
///
/// # Errors
/// What the body names wrongly; `not_implemented` for what is not served.
pub fn attachment_prototype(asked: &Asked<'_>, f: &Fields<'_>) -> Result<DataVolume, ApiError> {
    data_volume(asked, f)
}

fn data_volume(asked: &Asked<'_>, f: &Fields<'_>) -> Result<DataVolume, ApiError> {
    let disk = f.required("volume", f.object("volume")?)?;
    let volume = if disk.has("id") || disk.has("crn") || disk.has("href") {
        Ok(asked.place.id(Kind::VOLUME, &disk)?)
    } else {
        let new = new_volume(asked, &disk)?;
        if new.capacity.is_none() {
            let what = "is required, in gigabytes";
            return Err(disk.error(ErrorCode::VolumeCapacityMissing, "capacity", what));
        }
        disk.required("profile", new.profile.as_ref())?;
        Err(new)
    };
    let (attachment_name, delete_with_instance) = attachment_fields(Some(f))?;
    Ok(DataVolume { attachment_name, delete_with_instance, volume })
}

fn attachment_fields(
    f: Option<&Fields<'_>>,
) -> Result<(Option<ResourceName>, Option<bool>), ApiError> {
    match f {
        Some(f) => Ok((f.name("name")?, f.flag("delete_volume_on_instance_delete")?)),
        None => Ok((None, None)),
    }
}

fn new_volume(asked: &Asked<'_>, f: &Fields<'_>) -> Result<NewVolume, ApiError> {
    f.unserved(&[("source_snapshot", None), ("encryption_key", None)])?;
    Ok(NewVolume {
        name: f.name("name")?,
        group: asked.place.group(f)?,
        profile: volume::profile(asked, f)?,
        capacity: volume::capacity(f)?,
        iops: volume::iops(f)?,
        bandwidth: volume::bandwidth(f)?,
        user_tags: tags::user_tags(f)?.unwrap_or_default(),
        allowed_use: allowed_use::whole(asked, f)?,
    })
}

#[cfg(test)]
mod tests;
