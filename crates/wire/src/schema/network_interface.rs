//! Network interfaces of instances.

use model::Limit;

use super::{
    Schema, Shapes,
    build::{
        address, any_of, count, date, flag, has, href, id, just, list, may, name, object, to, word,
    },
    operation::{Described, act, all, change, create, read},
};

pub(super) fn operations() -> Vec<Described> {
    vec![
        all(
            "list_instance_network_interfaces",
            "NetworkInterfaceUnpaginatedCollection",
            "NetworkInterface",
            "network_interfaces",
        ),
        create(
            "create_instance_network_interface",
            to("NetworkInterfacePrototype"),
            to("NetworkInterface"),
        ),
        read("get_instance_network_interface", to("NetworkInterface")),
        change(
            "update_instance_network_interface",
            to("NetworkInterfacePatch"),
            to("NetworkInterface"),
        ),
        act("delete_instance_network_interface"),
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
    into.add(
        "NetworkInterfacePatch",
        object([may("name", name()), may("allow_ip_spoofing", flag())]),
    );
    into.add(
        "NetworkInterfacePrototype",
        object([
            has("subnet", to("SubnetIdentity")),
            may("name", name()),
            may("primary_ip", ip()),
            may("security_groups", security_groups()),
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

/// Security groups of an interface.
pub(super) fn security_groups() -> Schema {
    let max = usize::try_from(Limit::SECURITY_GROUPS_PER_NIC_MAX.max).unwrap_or(usize::MAX);
    list(to("SecurityGroupIdentity")).at_most(max)
}

/// A reserved IP that there is.
pub(super) fn existing_ip() -> [Schema; 2] {
    let path = format!("subnets/{}/reserved_ips", super::reference::ID);
    super::reference::identity_below("ReservedIPIdentity", &path)
}

/// A reserved IP that there is, or a new one.
pub(super) fn ip() -> Schema {
    let made = || object([may("name", name()), may("auto_delete", flag().usually(true))]);
    let new = [
        made().and([has("address", address())]).titled("ReservedIPPrototypeByAddress"),
        made().titled("ReservedIPPrototypeAnywhere"),
    ];
    any_of(existing_ip().into_iter().chain(new))
}
