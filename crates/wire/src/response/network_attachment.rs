//! Network attachments of instances: in full, as an instance shows them, and as others name them.

use base::InstanceId;
use model::{InterfaceRef, NicView};
use serde::Serialize;

use super::{
    Ref,
    network_interface::{IpRef, PORT_SPEED, ip_reference},
    subnet, virtual_network_interface,
};
use crate::Render;

/// The type that answers show.
const RESOURCE_TYPE: &str = "instance_network_attachment";

fn href(r: &Render<'_>, instance: &InstanceId, id: &str) -> String {
    r.href(&["instances", instance.as_str(), "network_attachments", id])
}

/// A network attachment as the target of a virtual network interface.
pub(super) fn target<'a>(r: &Render<'_>, (nic, instance): &'a InterfaceRef) -> Ref<'a> {
    let id = nic.id.as_str();
    Ref::plain(href(r, instance, id), id, &nic.name).typed(RESOURCE_TYPE).deleted(nic.deleted)
}

/// A network attachment as an instance shows it.
#[derive(Debug, Serialize)]
pub(super) struct InInstance<'a> {
    href: String,
    id: &'a str,
    name: &'a str,
    primary_ip: IpRef<'a>,
    resource_type: &'static str,
    subnet: Ref<'a>,
    virtual_network_interface: Ref<'a>,
}

/// None for an interface that is no attachment.
pub(super) fn in_instance<'a>(r: &Render<'_>, view: &'a NicView) -> Option<InInstance<'a>> {
    let vni = view.vni.as_ref()?;
    let id = view.nic.head.id.as_str();
    Some(InInstance {
        href: href(r, &view.nic.instance, id),
        id,
        name: view.nic.head.name.as_str(),
        primary_ip: ip_reference(r, &view.subnet.id, &view.primary_ip, view.address),
        resource_type: RESOURCE_TYPE,
        subnet: subnet::reference(r, &view.subnet, &view.subnet_zone),
        virtual_network_interface: virtual_network_interface::reference(r, vni),
    })
}

/// A network attachment.
#[derive(Debug, Serialize)]
pub struct NetworkAttachment<'a> {
    #[serde(flatten)]
    parts: Option<InInstance<'a>>,
    created_at: String,
    lifecycle_state: &'static str,
    port_speed: u32,
    r#type: &'static str,
}

/// A network attachment.
#[must_use]
pub fn network_attachment<'a>(r: &Render<'_>, view: &'a NicView) -> NetworkAttachment<'a> {
    NetworkAttachment {
        parts: in_instance(r, view),
        created_at: view.nic.head.created_at.to_string(),
        lifecycle_state: "stable",
        port_speed: PORT_SPEED,
        r#type: if view.nic.primary { "primary" } else { "secondary" },
    }
}

/// The network attachments of an instance; not paginated.
#[derive(Debug, Serialize)]
pub struct NetworkAttachments<'a> {
    network_attachments: Vec<NetworkAttachment<'a>>,
}

/// The network attachments of an instance.
#[must_use]
pub fn network_attachments<'a>(r: &Render<'_>, all: &'a [NicView]) -> NetworkAttachments<'a> {
    let network_attachments = all.iter().map(|view| network_attachment(r, view)).collect();
    NetworkAttachments { network_attachments }
}
