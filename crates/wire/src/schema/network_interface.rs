//! Network interfaces of instances.

use model::Limit;

use super::{
    Schema, Shapes,
    build::{
        address, any_of, count, date, flag, has, href, id, just, list, may, name, object, to, word,
    },
    operation::{Described, all, change, read},
};

pub(super) fn operations() -> Vec<Described> {
    vec![
        all(
            "list_instance_network_interfaces",
            "NetworkInterfaceUnpaginatedCollection",
            "NetworkInterface",
            "network_interfaces",
        ),
        read("get_instance_network_interface", to("NetworkInterface")),
        change(
            "update_instance_network_interface",
            to("NetworkInterfacePatch"),
            to("NetworkInterface"),
        ),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    into.add(
        "ReservedIPReference",
        object([
            has("address", address()),
            has("href", href()),
            has("id", id()),
            has("name", name()),
            has("resource_type", just("subnet_reserved_ip")),
        ]),
    );
    into.add("NetworkInterfaceInstanceContextReference", common());
    into.add(
        "NetworkInterface",
        common().and([
            has("allow_ip_spoofing", flag()),
            has("created_at", date()),
            has("floating_ips", list(to("FloatingIPReference"))),
            has("port_speed", count().about("Megabits a second.")),
            has("security_groups", list(to("SecurityGroupReference"))),
            has("status", just("available")),
            has("type", word(["primary", "secondary"])),
        ]),
    );
    into.add("NetworkInterfacePatch", object([may("name", name())]));
    let groups = usize::try_from(Limit::SECURITY_GROUPS_PER_NIC_MAX.max).unwrap_or(usize::MAX);
    into.add(
        "NetworkInterfacePrototype",
        object([
            has("subnet", to("SubnetIdentity")),
            may("name", name()),
            may("primary_ip", primary_ip()),
            may("security_groups", list(to("SecurityGroupIdentity")).at_most(groups)),
            may("allow_ip_spoofing", flag().usually(false)),
        ]),
    );
}

fn common() -> Schema {
    object([
        has("href", href()),
        has("id", id()),
        has("name", name()),
        has("primary_ip", to("ReservedIPReference")),
        has("resource_type", just("network_interface")),
        has("subnet", to("SubnetReference")),
    ])
}

/// A reserved IP that there is, or a new one.
fn primary_ip() -> Schema {
    let path = format!("subnets/{}/reserved_ips", super::reference::ID);
    let existing = super::reference::identity_below("ReservedIPIdentity", &path);
    let new = [
        object([
            has("address", address()),
            may("name", name()),
            may("auto_delete", flag().usually(true)),
        ])
        .titled("ReservedIPPrototypeByAddress"),
        object([may("name", name())]).titled("ReservedIPPrototypeAnywhere"),
    ];
    any_of(existing.into_iter().chain(new))
}
