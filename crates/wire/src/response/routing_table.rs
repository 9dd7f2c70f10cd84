//! Routing tables. The only ones are the defaults of VPCs, without routes.

use base::RoutingTableId;
use model::{Reference, RoutingTableView};
use serde::Serialize;

use super::{Ref, subnet::subnet_refs};
use crate::{Kind, Render};

/// A routing table.
#[derive(Debug, Serialize)]
pub struct RoutingTable<'a> {
    accept_routes_from: [(); 0],
    advertise_routes_to: [(); 0],
    created_at: String,
    crn: String,
    href: String,
    id: &'a str,
    is_default: bool,
    lifecycle_state: &'static str,
    name: &'a str,
    resource_group: Ref<'a>,
    resource_type: &'static str,
    route_direct_link_ingress: bool,
    route_internet_ingress: bool,
    route_transit_gateway_ingress: bool,
    route_vpc_zone_ingress: bool,
    routes: [(); 0],
    subnets: Vec<Ref<'a>>,
}

/// A routing table with the subnets that use it.
#[must_use]
pub fn routing_table<'a>(r: &Render<'_>, view: &'a RoutingTableView) -> RoutingTable<'a> {
    let table = &view.table;
    let head = &table.head;
    let id = head.id.as_str();
    RoutingTable {
        accept_routes_from: [],
        advertise_routes_to: [],
        created_at: head.created_at.to_string(),
        crn: r.crn(Kind::ROUTING_TABLE, id),
        href: href(r, table.vpc.as_str(), id),
        id,
        is_default: table.is_default,
        lifecycle_state: "stable",
        name: head.name.as_str(),
        resource_group: Ref::group(r, &head.group, &view.group_name),
        resource_type: "routing_table",
        route_direct_link_ingress: false,
        route_internet_ingress: false,
        route_transit_gateway_ingress: false,
        route_vpc_zone_ingress: false,
        routes: [],
        subnets: subnet_refs(r, &view.subnets),
    }
}

fn href(r: &Render<'_>, vpc: &str, id: &str) -> String {
    r.href(&["vpcs", vpc, "routing_tables", id])
}

/// A reference to a routing table of a VPC.
pub(super) fn reference<'a>(
    r: &Render<'_>,
    vpc: &str,
    table: &'a Reference<RoutingTableId>,
) -> Ref<'a> {
    let id = table.id.as_str();
    Ref::plain(href(r, vpc, id), id, &table.name)
        .named(r.crn(Kind::ROUTING_TABLE, id))
        .typed("routing_table")
        .deleted(table.deleted)
}
