//! Virtual network interfaces, and how others name them.

use model::{IpReference, LifecycleState, VniMember, VniRef, VniView};
use serde::Serialize;

use super::{
    NamedRef, Ref,
    network_attachment::target,
    network_interface::{IpRef, ip_reference},
    security_group, subnet, vpc,
};
use crate::{Kind, Render};

/// The type that answers show.
const RESOURCE_TYPE: &str = "virtual_network_interface";

/// A virtual network interface.
#[derive(Debug, Serialize)]
pub struct VirtualNetworkInterface<'a> {
    allow_ip_spoofing: bool,
    auto_delete: bool,
    created_at: String,
    crn: String,
    enable_infrastructure_nat: bool,
    href: String,
    id: &'a str,
    ips: Vec<IpRef<'a>>,
    lifecycle_state: &'static str,
    mac_address: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_ip: Option<IpRef<'a>>,
    protocol_state_filtering_mode: &'static str,
    resource_group: Ref<'a>,
    resource_type: &'static str,
    security_groups: Vec<Ref<'a>>,
    subnet: Ref<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Ref<'a>>,
    vpc: Ref<'a>,
    zone: NamedRef<'a>,
}

/// A virtual network interface: `stable`, or `deleting` where it was just deleted.
#[must_use]
pub fn virtual_network_interface<'a>(
    r: &Render<'_>,
    view: &'a VniView,
    state: LifecycleState,
) -> VirtualNetworkInterface<'a> {
    let vni = &view.vni;
    let id = vni.head.id.as_str();
    let groups = view.security_groups.iter();
    VirtualNetworkInterface {
        allow_ip_spoofing: vni.allow_ip_spoofing,
        auto_delete: vni.auto_delete,
        created_at: vni.head.created_at.to_string(),
        crn: r.crn_in(Kind::VNI, vni.zone.as_str(), id),
        enable_infrastructure_nat: vni.infrastructure_nat,
        href: r.href_of(Kind::VNI, id),
        id,
        ips: view.ips.iter().map(|ip| vni_ip(r, view, ip)).collect(),
        lifecycle_state: state.as_str(),
        mac_address: &vni.mac,
        name: vni.head.name.as_str(),
        // The store gives the primary one first.
        primary_ip: view.ips.first().map(|ip| vni_ip(r, view, ip)),
        protocol_state_filtering_mode: vni.state_filtering.as_str(),
        resource_group: Ref::group(r, &vni.head.group, &view.group_name),
        resource_type: RESOURCE_TYPE,
        security_groups: groups.map(|group| security_group::reference(r, group)).collect(),
        subnet: subnet::reference(r, &view.subnet, &vni.zone),
        target: view.target.as_ref().map(|attached| target(r, attached)),
        vpc: vpc::reference(r, &view.vpc),
        zone: NamedRef::zone(r, &vni.zone),
    }
}

/// An address of a virtual network interface.
#[must_use]
pub fn vni_ip<'a>(r: &Render<'_>, view: &'a VniView, ip: &'a IpReference) -> IpRef<'a> {
    ip_reference(r, &view.vni.subnet, &ip.ip, ip.address)
}

/// A virtual network interface as attachments and reserved IPs name it.
pub(super) fn reference<'a>(r: &Render<'_>, vni: &'a VniRef) -> Ref<'a> {
    Ref::zonal(r, Kind::VNI, &vni.zone, vni.vni.id.as_str(), &vni.vni.name)
        .typed(RESOURCE_TYPE)
        .deleted(vni.vni.deleted)
}

/// A virtual network interface as its security groups show it.
#[derive(Debug, Serialize)]
pub(super) struct InGroup<'a> {
    #[serde(flatten)]
    vni: Ref<'a>,
    primary_ip: IpRef<'a>,
    subnet: Ref<'a>,
}

pub(super) fn in_group<'a>(r: &Render<'_>, member: &'a VniMember) -> InGroup<'a> {
    let ip = &member.primary_ip;
    InGroup {
        vni: reference(r, &member.vni),
        primary_ip: ip_reference(r, &member.subnet.id, &ip.ip, ip.address),
        subnet: subnet::reference(r, &member.subnet, &member.vni.zone),
    }
}

#[cfg(test)]
mod tests {
    use model::LifecycleState;

    use super::super::samples;
    use crate::render;

    #[test]
    fn a_virtual_network_interface_renders_as_the_golden_text() {
        let view = samples::vni();
        let frame = render::for_tests();
        let shown =
            super::virtual_network_interface(&frame.render(), &view, LifecycleState::Stable);
        let json = serde_json::to_string_pretty(&shown).unwrap();
        samples::golden("virtual_network_interface", &json);
        assert!(!json.contains("null"));
    }
}
