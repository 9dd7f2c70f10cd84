//! Subnets and their reserved IPs.

use base::SubnetId;
use model::{IpTarget, Reference, ReservedIpView, SubnetView};
use serde::Serialize;

use super::{
    NamedRef, Ref, acl, floating_ip, network_interface, routing_table, virtual_network_interface,
    vpc,
};
use crate::{Kind, Render};

/// A subnet.
#[derive(Debug, Serialize)]
pub struct Subnet<'a> {
    available_ipv4_address_count: u64,
    created_at: String,
    crn: String,
    href: String,
    id: &'a str,
    ip_version: &'static str,
    ipv4_cidr_block: String,
    name: &'a str,
    network_acl: Ref<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_gateway: Option<Ref<'a>>,
    resource_group: Ref<'a>,
    resource_type: &'static str,
    routing_table: Ref<'a>,
    status: &'static str,
    total_ipv4_address_count: u64,
    vpc: Ref<'a>,
    zone: NamedRef<'a>,
}

/// A subnet.
#[must_use]
pub fn subnet<'a>(r: &Render<'_>, view: &'a SubnetView) -> Subnet<'a> {
    let subnet = &view.subnet;
    let head = &subnet.head;
    let id = head.id.as_str();
    let (address, bits) = subnet.cidr;
    Subnet {
        available_ipv4_address_count: view.available_addresses,
        created_at: head.created_at.to_string(),
        crn: r.crn_in(Kind::SUBNET, subnet.zone.as_str(), id),
        href: r.href_of(Kind::SUBNET, id),
        id,
        ip_version: "ipv4",
        ipv4_cidr_block: format!("{address}/{bits}"),
        name: head.name.as_str(),
        network_acl: acl::reference(r, &view.acl),
        public_gateway: view
            .public_gateway
            .as_ref()
            .map(|gateway| floating_ip::gateway_ref(r, gateway, &subnet.zone)),
        resource_group: Ref::group(r, &head.group, &view.group_name),
        resource_type: "subnet",
        routing_table: routing_table::reference(r, view.vpc.id.as_str(), &view.routing_table),
        status: "available",
        total_ipv4_address_count: subnet.total_addresses(),
        vpc: vpc::reference(r, &view.vpc),
        zone: NamedRef::zone(r, &subnet.zone),
    }
}

/// References to subnets.
pub(super) fn subnet_refs<'a>(
    r: &Render<'_>,
    subnets: &'a [(Reference<SubnetId>, base::ZoneName)],
) -> Vec<Ref<'a>> {
    subnets.iter().map(|(subnet, zone)| reference(r, subnet, zone)).collect()
}

/// A reference to a subnet.
pub(super) fn reference<'a>(
    r: &Render<'_>,
    subnet: &'a Reference<SubnetId>,
    zone: &base::ZoneName,
) -> Ref<'a> {
    Ref::zonal(r, Kind::SUBNET, zone, subnet.id.as_str(), &subnet.name)
        .typed("subnet")
        .deleted(subnet.deleted)
}

/// A reserved IP.
#[derive(Debug, Serialize)]
pub struct ReservedIp<'a> {
    address: String,
    auto_delete: bool,
    created_at: String,
    href: String,
    id: &'a str,
    lifecycle_state: &'static str,
    name: &'a str,
    owner: &'static str,
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Ref<'a>>,
}

/// A reserved IP.
#[must_use]
pub fn reserved_ip<'a>(r: &Render<'_>, view: &'a ReservedIpView) -> ReservedIp<'a> {
    let ip = &view.ip;
    let id = ip.head.id.as_str();
    ReservedIp {
        address: ip.address.to_string(),
        auto_delete: ip.auto_delete,
        created_at: ip.head.created_at.to_string(),
        href: r.href(&["subnets", ip.subnet.as_str(), "reserved_ips", id]),
        id,
        lifecycle_state: "stable",
        name: ip.head.name.as_str(),
        owner: ip.owner.as_str(),
        resource_type: "subnet_reserved_ip",
        target: view.target.as_ref().map(|target| match target {
            IpTarget::Nic(nic) => network_interface::target(r, nic),
            IpTarget::Vni(vni) => virtual_network_interface::reference(r, vni),
        }),
    }
}
