//! Subnets and their reserved IPs.

use model::IpOwner;

use super::{
    Schema, Shapes,
    build::{
        Field, address, count, date, flag, has, href, id, just, may, name, number, object, one_of,
        range, text, to, word,
    },
    operation::{Described, act, change, create, page, read},
    reference::head,
};
use crate::request::{SUBNET_ADDRESSES_MAX, SUBNET_ADDRESSES_MIN};

/// Orders of reserved IPs.
const SORTS: [&str; 6] = ["address", "-address", "created_at", "-created_at", "name", "-name"];

pub(super) fn operations() -> Vec<Described> {
    vec![
        page("list_subnets", "Subnet", "subnets")
            .by("resource_group.id", id())
            .by("vpc.id", id())
            .by("vpc.crn", text())
            .by("vpc.name", text())
            .by("zone.name", text())
            .by("routing_table.id", id())
            .by("routing_table.name", text()),
        create("create_subnet", to("SubnetPrototype"), to("Subnet")),
        read("get_subnet", to("Subnet")),
        change("update_subnet", to("SubnetPatch"), to("Subnet")),
        act("delete_subnet"),
        page("list_subnet_reserved_ips", "ReservedIP", "reserved_ips")
            .by("name", text())
            .by("address", address())
            .by("sort", word(SORTS))
            .by("target.id", text())
            .by("target.crn", text())
            .by("target.name", text())
            .by("target.resource_type", text()),
        create("create_subnet_reserved_ip", to("ReservedIPPrototype"), to("ReservedIP")),
        read("get_subnet_reserved_ip", to("ReservedIP")),
        change("update_subnet_reserved_ip", to("ReservedIPPatch"), to("ReservedIP")),
        act("delete_subnet_reserved_ip"),
        read("get_subnet_network_acl", to("NetworkACL")),
        create("replace_subnet_network_acl", to("NetworkACLIdentity"), to("NetworkACL")),
        read("get_subnet_routing_table", to("RoutingTable")),
        create("replace_subnet_routing_table", to("RoutingTableIdentity"), to("RoutingTable")),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    into.add(
        "Subnet",
        head().and([
            has("available_ipv4_address_count", count()),
            has("ip_version", just("ipv4")),
            has("ipv4_cidr_block", range()),
            has("network_acl", to("NetworkACLReference")),
            may("public_gateway", to("PublicGatewayReference")),
            has("resource_type", just("subnet")),
            has("routing_table", to("RoutingTableReference")),
            has("status", just("available")),
            has("total_ipv4_address_count", count()),
            has("vpc", to("VPCReference")),
            has("zone", to("ZoneReference")),
        ]),
    );
    into.add("SubnetPrototype", prototype());
    let gateway = may("public_gateway", to("PublicGatewayIdentity").or_null());
    into.add("SubnetPatch", object([may("name", name()), gateway]).and(rules_and_routes()));
    into.add(
        "ReservedIP",
        object([
            has("address", address()),
            has("auto_delete", flag()),
            has("created_at", date()),
            has("href", href()),
            has("id", id()),
            has("lifecycle_state", just("stable")),
            has("name", text()),
            has("owner", word(IpOwner::ALL.iter().map(|o| o.as_str()))),
            has("resource_type", just("subnet_reserved_ip")),
            may("target", to("ReservedIPTarget")),
        ]),
    );
    into.add(
        "ReservedIPPrototype",
        object([
            may("name", name()),
            may("address", address()),
            may("auto_delete", flag()),
            may("target", to("VirtualNetworkInterfaceIdentity")),
        ]),
    );
    into.add("ReservedIPPatch", object([may("name", name()), may("auto_delete", flag())]));
}

fn rules_and_routes() -> [Field; 2] {
    [may("network_acl", to("NetworkACLIdentity")), may("routing_table", to("RoutingTableIdentity"))]
}

fn prototype() -> Schema {
    let common = || {
        object([
            has("vpc", to("VPCIdentity")),
            may("name", name()),
            may("resource_group", to("ResourceGroupIdentity")),
            may("public_gateway", to("PublicGatewayIdentity")),
        ])
        .and(rules_and_routes())
    };
    let size = number(SUBNET_ADDRESSES_MIN, SUBNET_ADDRESSES_MAX).about("A power of two.");
    one_of([
        common()
            .and([has("ipv4_cidr_block", range()), may("zone", to("ZoneIdentity"))])
            .titled("SubnetPrototypeSubnetByCIDR"),
        common()
            .and([has("total_ipv4_address_count", size), has("zone", to("ZoneIdentity"))])
            .titled("SubnetPrototypeSubnetByTotalCount"),
    ])
}
