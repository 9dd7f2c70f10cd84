//! VPCs, their address prefixes and routing tables.

use super::{
    Shapes,
    build::{
        anything, count, date, flag, has, href, id, just, list, may, name, none_yet, object, range,
        text, to, word,
    },
    operation::{Described, act, change, create, page, page_of, read},
    reference::head,
};

pub(super) fn operations() -> Vec<Described> {
    vec![
        page("list_vpcs", "VPC", "vpcs")
            .by("resource_group.id", id())
            .by("name", text())
            .by("classic_access", flag()),
        create("create_vpc", to("VPCPrototype"), to("VPC")).tagged(),
        read("get_vpc", to("VPC")).tagged(),
        change("update_vpc", to("VPCPatch"), to("VPC")).if_match(),
        act("delete_vpc"),
        read("get_vpc_default_network_acl", to("NetworkACL")),
        read("get_vpc_default_security_group", to("SecurityGroup")),
        read("get_vpc_default_routing_table", to("RoutingTable")),
        page("list_vpc_address_prefixes", "AddressPrefix", "address_prefixes"),
        create("create_vpc_address_prefix", to("AddressPrefixPrototype"), to("AddressPrefix")),
        read("get_vpc_address_prefix", to("AddressPrefix")),
        change("update_vpc_address_prefix", to("AddressPrefixPatch"), to("AddressPrefix")),
        act("delete_vpc_address_prefix"),
        page("list_vpc_routing_tables", "RoutingTable", "routing_tables").by("is_default", flag()),
        read("get_vpc_routing_table", to("RoutingTable")),
        change("update_vpc_routing_table", to("RoutingTablePatch"), to("RoutingTable")),
        page_of("list_vpc_routing_table_routes", "RouteCollection", anything(), "routes")
            .about("Always empty: routes are not served yet."),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    let resolver = object([
        has("configuration", just("default")),
        has("servers", none_yet()),
        has("type", just("system")),
    ]);
    let dns = object([
        has("enable_hub", flag()),
        has("resolution_binding_count", count()),
        has("resolver", resolver),
    ]);
    into.add(
        "VPC",
        head().and([
            has("classic_access", flag()),
            has("cse_source_ips", none_yet()),
            has("default_network_acl", to("NetworkACLReference")),
            has("default_routing_table", to("RoutingTableReference")),
            has("default_security_group", to("SecurityGroupReference")),
            has("dns", dns),
            has("health_reasons", none_yet()),
            has("health_state", just("ok")),
            has("public_address_ranges", none_yet()),
            has("resource_type", just("vpc")),
            has("status", just("available")),
        ]),
    );
    into.add(
        "VPCPrototype",
        object([
            may("name", name()),
            may("resource_group", to("ResourceGroupIdentity")),
            may("address_prefix_management", word(["auto", "manual"]).usually("auto")),
        ]),
    );
    into.add("VPCPatch", object([may("name", name())]));
    prefixes(into);
    into.add("RoutingTablePatch", object([may("name", name())]));
    into.add(
        "RoutingTable",
        head().and([
            has("accept_routes_from", none_yet()),
            has("advertise_routes_to", none_yet()),
            has("is_default", flag()),
            has("lifecycle_state", just("stable")),
            has("resource_type", just("routing_table")),
            has("route_direct_link_ingress", flag()),
            has("route_internet_ingress", flag()),
            has("route_transit_gateway_ingress", flag()),
            has("route_vpc_zone_ingress", flag()),
            has("routes", none_yet()),
            has("subnets", list(to("SubnetReference"))),
        ]),
    );
}

fn prefixes(into: &mut Shapes) {
    into.add(
        "AddressPrefix",
        object([
            has("cidr", range()),
            has("created_at", date()),
            has("has_subnets", flag()),
            has("href", href()),
            has("id", id()),
            has("is_default", flag()),
            has("name", name()),
            has("zone", to("ZoneReference")),
        ]),
    );
    into.add(
        "AddressPrefixPrototype",
        object([
            has("cidr", range()),
            has("zone", to("ZoneIdentity")),
            may("name", name()),
            may("is_default", flag().usually(false)),
        ]),
    );
    into.add("AddressPrefixPatch", object([may("name", name()), may("is_default", flag())]));
}
