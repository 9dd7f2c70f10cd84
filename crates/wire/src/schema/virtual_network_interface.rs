//! Virtual network interfaces, and the network attachments of instances.

use model::{LifecycleState, Limit, StateFiltering};

use super::{
    Schema, Shapes,
    build::{
        Field, always, any_of, count, date, flag, has, href, id, just, list, may, name, object,
        one_of, text, to, word,
    },
    network_interface::{existing_ip, ip, security_groups},
    operation::{Described, act, all, begin, change, create, page, page_of, read},
    reference::{head, identity, reference},
};
use crate::Kind;

pub(super) fn operations() -> Vec<Described> {
    let vni = || to("VirtualNetworkInterface");
    let attachment = || to("InstanceNetworkAttachment");
    let ip = || to("ReservedIPReference");
    vec![
        page(
            "list_virtual_network_interfaces",
            "VirtualNetworkInterface",
            "virtual_network_interfaces",
        )
        .by("resource_group.id", id()),
        create("create_virtual_network_interface", to("VirtualNetworkInterfacePrototype"), vni())
            .tagged(),
        read("get_virtual_network_interface", vni()).tagged(),
        change("update_virtual_network_interface", to("VirtualNetworkInterfacePatch"), vni())
            .if_match(),
        begin("delete_virtual_network_interfaces", Some(vni())).if_match(),
        page_of(
            "list_virtual_network_interface_ips",
            "ReservedIPCollectionVirtualNetworkInterfaceContext",
            ip(),
            "ips",
        )
        .by("sort", word(["address", "-address", "name", "-name"])),
        read("get_virtual_network_interface_ip", ip()),
        read("add_virtual_network_interface_ip", ip()).may_conflict(),
        act("remove_virtual_network_interface_ip"),
        all(
            "list_instance_network_attachments",
            "InstanceNetworkAttachmentCollection",
            "InstanceNetworkAttachment",
            "network_attachments",
        ),
        create(
            "create_instance_network_attachment",
            to("InstanceNetworkAttachmentPrototype"),
            attachment(),
        ),
        read("get_instance_network_attachment", attachment()),
        change(
            "update_instance_network_attachment",
            to("InstanceNetworkAttachmentPatch"),
            attachment(),
        ),
        begin("delete_instance_network_attachment", None),
    ]
}

fn filtering() -> Schema {
    word(StateFiltering::ALL.iter().map(|mode| mode.as_str()))
}

pub(super) fn shapes(into: &mut Shapes) {
    let type_name = "virtual_network_interface";
    into.add("VirtualNetworkInterfaceReference", reference(true, Some(type_name)));
    let kind = Kind::VNI;
    into.add(
        "VirtualNetworkInterfaceIdentity",
        one_of(identity("VirtualNetworkInterfaceIdentity", kind, kind.collection)),
    );
    into.add(
        "VirtualNetworkInterface",
        head().and([
            has("allow_ip_spoofing", flag()),
            has("auto_delete", flag()),
            has("enable_infrastructure_nat", flag()),
            has("ips", list(to("ReservedIPReference"))),
            has("lifecycle_state", word(LifecycleState::ALL.iter().map(|s| s.as_str()))),
            has("mac_address", text()),
            may("primary_ip", to("ReservedIPReference")),
            has("protocol_state_filtering_mode", filtering()),
            has("resource_type", just(type_name)),
            has("security_groups", list(to("SecurityGroupReference"))),
            has("subnet", to("SubnetReference")),
            may("target", reference(false, Some("instance_network_attachment"))),
            has("vpc", to("VPCReference")),
            has("zone", to("ZoneReference")),
        ]),
    );
    let nat = || flag().usually(true);
    into.add("VirtualNetworkInterfacePrototype", any_of(prototype(false, &nat)));
    into.add(
        "VirtualNetworkInterfacePatch",
        object([
            may("name", name()),
            may("allow_ip_spoofing", flag()),
            may("auto_delete", flag()),
            may("enable_infrastructure_nat", flag()),
            may("protocol_state_filtering_mode", filtering()),
        ]),
    );
    into.add("SecurityGroupTargetReference", target());
    attachments(into);
}

/// What has security groups.
fn target() -> Schema {
    let vni = reference(true, Some("virtual_network_interface"))
        .and([has("primary_ip", to("ReservedIPReference")), has("subnet", to("SubnetReference"))])
        .titled("SecurityGroupTargetReferenceVirtualNetworkInterface");
    any_of([to("NetworkInterfaceReference"), vni])
}

/// A new one: in a subnet, or where its primary address is.
fn prototype(auto_delete: bool, nat: &dyn Fn() -> Schema) -> [Schema; 2] {
    let ips = usize::try_from(Limit::IPS_PER_VNI_MAX.max).unwrap_or(usize::MAX);
    let common = || -> Vec<Field> {
        vec![
            may("name", name()),
            may("resource_group", to("ResourceGroupIdentity")),
            may("ips", list(ip()).at_most(ips)),
            may("security_groups", security_groups()),
            may("allow_ip_spoofing", flag().usually(false)),
            may("auto_delete", flag().usually(auto_delete)),
            may("enable_infrastructure_nat", nat()),
            may("protocol_state_filtering_mode", filtering().usually("auto")),
        ]
    };
    [
        object([has("subnet", to("SubnetIdentity")), may("primary_ip", ip())])
            .and(common())
            .titled("VirtualNetworkInterfacePrototypeBySubnet"),
        object([has("primary_ip", any_of(existing_ip()))])
            .and(common())
            .titled("VirtualNetworkInterfacePrototypeByPrimaryIP"),
    ]
}

fn attachments(into: &mut Shapes) {
    let common = || {
        object([
            has("href", href()),
            has("id", id()),
            has("name", name()),
            has("primary_ip", to("ReservedIPReference")),
            has("resource_type", just("instance_network_attachment")),
            has("subnet", to("SubnetReference")),
            has("virtual_network_interface", to("VirtualNetworkInterfaceReference")),
        ])
    };
    into.add("InstanceNetworkAttachmentReference", common());
    into.add(
        "InstanceNetworkAttachment",
        common().and([
            has("created_at", date()),
            has("lifecycle_state", just("stable")),
            has("port_speed", count().about("Megabits a second.")),
            has("type", word(["primary", "secondary"])),
        ]),
    );
    let kind = Kind::VNI;
    let there = identity("VirtualNetworkInterfaceIdentity", kind, kind.collection);
    let new = prototype(true, &|| always(true));
    into.add(
        "InstanceNetworkAttachmentPrototype",
        object([
            has("virtual_network_interface", any_of(there.into_iter().chain(new))),
            may("name", name()),
        ]),
    );
    into.add("InstanceNetworkAttachmentPatch", object([may("name", name())]));
    into.add(
        "ReservedIPTarget",
        any_of([to("NetworkInterfaceReference"), to("VirtualNetworkInterfaceReference")]),
    );
}
