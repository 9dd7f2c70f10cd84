//! Volumes.

use model::{
    AllowedUse as Expressions, InstanceStatus, VolumeEncryption, VolumeStatus, VolumeView,
    catalog::VolumeProfile,
};
use serde::Serialize;

use super::{NamedRef, OperatingSystem, Ref, attachment, operating_system, reference::Reason};
use crate::{Kind, Render};

#[derive(Debug, Serialize)]
pub(super) struct EncryptionKey<'a> {
    pub(super) crn: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct AllowedUse<'a> {
    api_version: &'a str,
    bare_metal_server: &'a str,
    instance: &'a str,
}

impl<'a> AllowedUse<'a> {
    pub(super) fn of(allowed: &'a Expressions) -> Self {
        Self {
            api_version: &allowed.api_version,
            bare_metal_server: &allowed.bare_metal_server,
            instance: &allowed.instance,
        }
    }
}

/// A volume.
#[derive(Debug, Serialize)]
pub struct Volume<'a> {
    active: bool,
    adjustable_capacity_states: &'static [&'static str],
    adjustable_iops_states: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_use: Option<AllowedUse<'a>>,
    attachment_state: &'static str,
    bandwidth: u32,
    busy: bool,
    capacity: u64,
    created_at: String,
    crn: String,
    encryption: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_key: Option<EncryptionKey<'a>>,
    health_reasons: [(); 0],
    health_state: &'static str,
    href: String,
    id: &'a str,
    iops: u32,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operating_system: Option<OperatingSystem<'a>>,
    profile: NamedRef<'a>,
    resource_group: Ref<'a>,
    resource_type: &'static str,
    software_attachments: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    source_image: Option<Ref<'a>>,
    status: &'static str,
    status_reasons: Vec<Reason>,
    storage_generation: u8,
    user_tags: &'a [String],
    volume_attachments: Vec<attachment::InVolume<'a>>,
    zone: NamedRef<'a>,
}

/// A volume. A stopped instance keeps it `attached`; only a guest makes it `active`.
#[must_use]
pub fn volume<'a>(r: &Render<'_>, view: &'a VolumeView) -> Volume<'a> {
    let volume = &view.volume;
    let head = &volume.head;
    let id = head.id.as_str();
    let profile = model::catalog::volume_profile(&volume.profile);
    let (encryption, encryption_key) = match &volume.encryption {
        VolumeEncryption::ProviderManaged => ("provider_managed", None),
        VolumeEncryption::UserManaged { key_crn } => {
            ("user_managed", Some(EncryptionKey { crn: key_crn }))
        }
    };
    Volume {
        active: view.attachments.iter().any(|a| has_guest(a.instance_status)),
        adjustable_capacity_states: &ADJUSTABLE,
        adjustable_iops_states: adjustable_iops(profile),
        allowed_use: volume.allowed_use.as_ref().map(AllowedUse::of),
        attachment_state: attachment_state(view),
        bandwidth: volume.bandwidth,
        busy: volume.busy,
        capacity: volume.capacity.gb_ceil(),
        created_at: head.created_at.to_string(),
        crn: r.crn_in(Kind::VOLUME, volume.zone.as_str(), id),
        encryption,
        encryption_key,
        health_reasons: [],
        health_state: match volume.status {
            VolumeStatus::Available | VolumeStatus::Updating => "ok",
            _ => "inapplicable",
        },
        href: r.href_of(Kind::VOLUME, id),
        id,
        iops: volume.iops,
        name: head.name.as_str(),
        operating_system: volume
            .operating_system
            .as_deref()
            .map(|name| operating_system::by_name(r, name)),
        profile: NamedRef::volume_profile(r, &volume.profile),
        resource_group: Ref::group(r, &head.group, &view.group_name),
        resource_type: "volume",
        software_attachments: [],
        source_image: view.source_image.as_ref().map(|(i, owner)| Ref::image(r, i, owner)),
        status: volume.status.as_str(),
        status_reasons: status_reasons(volume.status),
        storage_generation: profile.map_or(1, |p| p.storage_generation),
        user_tags: &volume.user_tags,
        volume_attachments: view.attachments.iter().map(|a| attachment::in_volume(r, a)).collect(),
        zone: NamedRef::zone(r, &volume.zone),
    }
}

/// Attachment states in which a volume grows: also unattached ones, which IBM's first storage
/// generation does not let grow.
pub(super) const ADJUSTABLE: [&str; 2] = ["attached", "unattached"];

/// Attachment states in which operations a second change: where they are chosen at all.
pub(super) fn adjustable_iops(profile: Option<&VolumeProfile>) -> &'static [&'static str] {
    if profile.is_some_and(VolumeProfile::iops_chosen) { &ADJUSTABLE } else { &[] }
}

const fn has_guest(status: InstanceStatus) -> bool {
    matches!(
        status,
        InstanceStatus::Running
            | InstanceStatus::Starting
            | InstanceStatus::Stopping
            | InstanceStatus::Restarting
    )
}

const fn attachment_state(view: &VolumeView) -> &'static str {
    if !view.attachments.is_empty() {
        return "attached";
    }
    match view.volume.status {
        VolumeStatus::Available | VolumeStatus::Pending | VolumeStatus::Updating => "unattached",
        VolumeStatus::Failed | VolumeStatus::PendingDeletion | VolumeStatus::Unusable => "unusable",
    }
}

fn status_reasons(status: VolumeStatus) -> Vec<Reason> {
    match status {
        VolumeStatus::Unusable => vec![Reason {
            code: "encryption_key_deleted",
            message: "The root key of the volume was deleted.",
        }],
        VolumeStatus::Available
        | VolumeStatus::Failed
        | VolumeStatus::Pending
        | VolumeStatus::PendingDeletion
        | VolumeStatus::Updating => Vec::new(),
    }
}
