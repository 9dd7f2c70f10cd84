//! Floating IPs and public gateways.

use super::{
    Described, Schema, Shapes,
    build::{address, any_of, crn, has, href, id, just, may, name, object, one_of, text, to, word},
    operation::{act, all, change, create, page, page_of, read},
    reference::{ID, head, identity, identity_below},
};
use crate::Kind;

pub(super) fn operations() -> Vec<Described> {
    let ip = || to("FloatingIP");
    let gateway = || to("PublicGateway");
    let mut bind = read("add_instance_network_interface_floating_ip", ip());
    bind.answers[0].0 = 201;
    bind.refusals.push(409);
    vec![
        page("list_floating_ips", "FloatingIP", "floating_ips")
            .by("resource_group.id", id())
            .by("sort", word(["-created_at"]))
            .by("target.id", text())
            .by("target.crn", text())
            .by("target.name", text())
            .by("target.resource_type", text()),
        create("create_floating_ip", to("FloatingIPPrototype"), ip()),
        read("get_floating_ip", ip()),
        change("update_floating_ip", to("FloatingIPPatch"), ip()),
        act("delete_floating_ip"),
        all(
            "list_instance_network_interface_floating_ips",
            "FloatingIPUnpaginatedCollection",
            "FloatingIP",
            "floating_ips",
        ),
        read("get_instance_network_interface_floating_ip", ip()),
        bind,
        act("remove_instance_network_interface_floating_ip"),
        page_of(
            "list_instance_network_interface_ips",
            "ReservedIPCollectionInstanceNetworkInterfaceContext",
            to("ReservedIP"),
            "ips",
        ),
        read("get_instance_network_interface_ip", to("ReservedIP")),
        page("list_public_gateways", "PublicGateway", "public_gateways")
            .by("resource_group.id", id()),
        create("create_public_gateway", to("PublicGatewayPrototype"), gateway()),
        read("get_public_gateway", gateway()),
        change("update_public_gateway", to("PublicGatewayPatch"), gateway()),
        act("delete_public_gateway"),
        read("get_subnet_public_gateway", gateway()),
        create("set_subnet_public_gateway", to("PublicGatewayIdentity"), gateway()),
        act("unset_subnet_public_gateway"),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    into.add(
        "FloatingIP",
        head().and([
            has("address", address()),
            has("status", just("available")),
            may("target", to("FloatingIPTarget")),
            has("zone", to("ZoneReference")),
        ]),
    );
    let nic = object([
        may("deleted", to("Deleted")),
        has("href", href()),
        has("id", id()),
        has("name", text()),
        has("primary_ip", to("ReservedIPReference")),
        has("resource_type", just("network_interface")),
    ]);
    let nic = nic.titled("FloatingIPTargetNetworkInterfaceReference");
    into.add("FloatingIPTarget", one_of([nic, to("PublicGatewayReference")]));
    into.add(
        "FloatingIPReference",
        object([
            has("address", address()),
            has("crn", crn()),
            has("href", href()),
            has("id", id()),
            has("name", text()),
        ]),
    );
    let path = format!("instances/{ID}/network_interfaces");
    into.add(
        "FloatingIPTargetPrototype",
        one_of(identity_below("FloatingIPTargetPrototype", &path)),
    );
    into.add("FloatingIPPrototype", floating_ip_prototype());
    into.add(
        "FloatingIPPatch",
        object([may("name", name()), may("target", to("FloatingIPTargetPrototype").or_null())]),
    );
    into.add(
        "PublicGateway",
        head().and([
            has("floating_ip", to("FloatingIPReference")),
            has("resource_type", just("public_gateway")),
            has("status", just("available")),
            has("vpc", to("VPCReference")),
            has("zone", to("ZoneReference")),
        ]),
    );
    into.add(
        "PublicGatewayPrototype",
        object([
            has("vpc", to("VPCIdentity")),
            has("zone", to("ZoneIdentity")),
            may("floating_ip", gateway_ip()),
            may("name", name()),
            may("resource_group", to("ResourceGroupIdentity")),
        ]),
    );
    into.add("PublicGatewayPatch", object([may("name", name())]));
}

fn floating_ip_prototype() -> Schema {
    let common = |place, title: &str| {
        let fields = [may("name", name()), may("resource_group", to("ResourceGroupIdentity"))];
        object([place]).and(fields).titled(title)
    };
    one_of([
        common(has("zone", to("ZoneIdentity")), "FloatingIPPrototypeFloatingIPByZone"),
        common(
            has("target", to("FloatingIPTargetPrototype")),
            "FloatingIPPrototypeFloatingIPByTarget",
        ),
    ])
}

/// A floating IP that there is, or a new one.
fn gateway_ip() -> Schema {
    let kind = Kind::FLOATING_IP;
    let new = object([may("name", name()), may("resource_group", to("ResourceGroupIdentity"))])
        .titled("PublicGatewayFloatingIPPrototypeTargetContext");
    let there = identity("FloatingIPIdentity", kind, kind.collection);
    let at = object([has("address", address())]).titled("FloatingIPIdentityByAddress");
    any_of(there.into_iter().chain([at, new]))
}
