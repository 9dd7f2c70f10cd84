//! Volume attachments: in full, as an instance shows them, and as a volume shows them.

use model::{AttachmentStatus, AttachmentView};
use serde::Serialize;

use super::Ref;
use crate::{Kind, Render};

#[derive(Debug, Serialize)]
struct Device {
    id: String,
}

/// IBM shows a device only while the volume is attached.
fn device(view: &AttachmentView) -> Option<Device> {
    let attached = view.attachment.status == AttachmentStatus::Attached;
    attached.then(|| Device { id: view.attachment.device_id() })
}

fn href(r: &Render<'_>, view: &AttachmentView) -> String {
    let a = &view.attachment;
    r.href(&["instances", a.instance.as_str(), "volume_attachments", a.id.as_str()])
}

fn volume_ref<'a>(r: &Render<'_>, view: &'a AttachmentView) -> Ref<'a> {
    let volume = &view.volume;
    Ref::zonal(r, Kind::VOLUME, &view.volume_zone, volume.id.as_str(), &volume.name)
        .typed("volume")
        .deleted(volume.deleted)
}

/// A volume attachment.
#[derive(Debug, Serialize)]
pub struct VolumeAttachment<'a> {
    bandwidth: u32,
    created_at: String,
    delete_volume_on_instance_delete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Device>,
    href: String,
    id: &'a str,
    name: &'a str,
    status: &'static str,
    r#type: &'static str,
    volume: Ref<'a>,
}

/// A volume attachment.
#[must_use]
pub fn volume_attachment<'a>(r: &Render<'_>, view: &'a AttachmentView) -> VolumeAttachment<'a> {
    let a = &view.attachment;
    VolumeAttachment {
        bandwidth: view.volume_bandwidth,
        created_at: a.created_at.to_string(),
        delete_volume_on_instance_delete: a.delete_volume_on_instance_delete,
        device: device(view),
        href: href(r, view),
        id: a.id.as_str(),
        name: a.name.as_str(),
        status: a.status.as_str(),
        r#type: a.kind.as_str(),
        volume: volume_ref(r, view),
    }
}

/// The attachments of an instance; not paginated.
#[derive(Debug, Serialize)]
pub struct VolumeAttachments<'a> {
    volume_attachments: Vec<VolumeAttachment<'a>>,
}

/// The attachments of an instance.
#[must_use]
pub fn volume_attachments<'a>(r: &Render<'_>, all: &'a [AttachmentView]) -> VolumeAttachments<'a> {
    VolumeAttachments { volume_attachments: all.iter().map(|a| volume_attachment(r, a)).collect() }
}

/// An attachment as an instance shows it: no type, and the volume inside.
#[derive(Debug, Serialize)]
pub(super) struct InInstance<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Device>,
    href: String,
    id: &'a str,
    name: &'a str,
    volume: Ref<'a>,
}

pub(super) fn in_instance<'a>(r: &Render<'_>, view: &'a AttachmentView) -> InInstance<'a> {
    InInstance {
        device: device(view),
        href: href(r, view),
        id: view.attachment.id.as_str(),
        name: view.attachment.name.as_str(),
        volume: volume_ref(r, view),
    }
}

/// An attachment as a volume shows it: with its type and the instance.
#[derive(Debug, Serialize)]
pub(super) struct InVolume<'a> {
    delete_volume_on_instance_delete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Device>,
    href: String,
    id: &'a str,
    instance: Ref<'a>,
    name: &'a str,
    r#type: &'static str,
}

pub(super) fn in_volume<'a>(r: &Render<'_>, view: &'a AttachmentView) -> InVolume<'a> {
    let a = &view.attachment;
    InVolume {
        delete_volume_on_instance_delete: a.delete_volume_on_instance_delete,
        device: device(view),
        href: href(r, view),
        id: a.id.as_str(),
        instance: Ref::zonal(
            r,
            Kind::INSTANCE,
            &view.instance_zone,
            a.instance.as_str(),
            &view.instance_name,
        )
        .typed("instance"),
        name: a.name.as_str(),
        r#type: a.kind.as_str(),
    }
}
