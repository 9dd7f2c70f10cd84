//! Network interfaces of instances.

use std::net::Ipv4Addr;

use base::{InstanceId, ReservedIpId, SubnetId};
use model::{FloatingNicRef, GroupTarget, InterfaceRef, NicView, Reference};
use serde::Serialize;

use super::{
    Ref,
    floating_ip::{self, FloatingIpRef},
    security_group, subnet, virtual_network_interface,
};
use crate::Render;

/// Megabits a second, as the API shows them.
pub(super) const PORT_SPEED: u32 = 1_000;

/// An address: an object since 2022-03-29, a text before.
#[derive(Debug, Serialize)]
struct Address<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_ip: Option<IpRef<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_ipv4_address: Option<String>,
}

/// A reserved IP as others name it.
#[derive(Debug, Serialize)]
pub struct IpRef<'a> {
    address: String,
    href: String,
    id: &'a str,
    name: &'a str,
    resource_type: &'static str,
}

pub(super) fn ip_reference<'a>(
    r: &Render<'_>,
    subnet: &SubnetId,
    ip: &'a Reference<ReservedIpId>,
    address: Ipv4Addr,
) -> IpRef<'a> {
    let id = ip.id.as_str();
    IpRef {
        address: address.to_string(),
        href: r.href(&["subnets", subnet.as_str(), "reserved_ips", id]),
        id,
        name: &ip.name,
        resource_type: "subnet_reserved_ip",
    }
}

impl<'a> Address<'a> {
    fn of(r: &Render<'_>, view: &'a NicView) -> Self {
        Self::new(r, &view.subnet.id, &view.primary_ip, view.address)
    }

    fn new(
        r: &Render<'_>,
        subnet: &SubnetId,
        ip: &'a Reference<ReservedIpId>,
        address: Ipv4Addr,
    ) -> Self {
        if !r.version.has_primary_ip() {
            let address = address.to_string();
            return Self { primary_ip: None, primary_ipv4_address: Some(address) };
        }
        let primary_ip = ip_reference(r, subnet, ip, address);
        Self { primary_ip: Some(primary_ip), primary_ipv4_address: None }
    }
}

fn href(r: &Render<'_>, instance: &InstanceId, id: &str) -> String {
    r.href(&["instances", instance.as_str(), "network_interfaces", id])
}

/// A network interface as an instance shows it.
#[derive(Debug, Serialize)]
pub(super) struct InInstance<'a> {
    href: String,
    id: &'a str,
    name: &'a str,
    #[serde(flatten)]
    address: Address<'a>,
    resource_type: &'static str,
    subnet: Ref<'a>,
}

pub(super) fn in_instance<'a>(r: &Render<'_>, view: &'a NicView) -> InInstance<'a> {
    let id = view.nic.head.id.as_str();
    InInstance {
        href: href(r, &view.nic.instance, id),
        id,
        name: view.nic.head.name.as_str(),
        address: Address::of(r, view),
        resource_type: "network_interface",
        subnet: subnet::reference(r, &view.subnet, &view.subnet_zone),
    }
}

/// An interface of either kind as its security groups show it.
#[derive(Debug, Serialize)]
pub struct GroupTargetRef<'a>(Either<'a>);

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Either<'a> {
    Nic(Ref<'a>),
    Vni(Box<virtual_network_interface::InGroup<'a>>),
}

/// An interface of either kind as its security groups show it.
#[must_use]
pub fn group_target<'a>(r: &Render<'_>, interface: &'a GroupTarget) -> GroupTargetRef<'a> {
    GroupTargetRef(match interface {
        GroupTarget::Nic(nic) => Either::Nic(target(r, nic)),
        GroupTarget::Vni(member) => {
            Either::Vni(Box::new(virtual_network_interface::in_group(r, member)))
        }
    })
}

/// A network interface as others name it.
pub(super) fn target<'a>(r: &Render<'_>, (nic, instance): &'a InterfaceRef) -> Ref<'a> {
    let id = nic.id.as_str();
    Ref::plain(href(r, instance, id), id, &nic.name).typed("network_interface").deleted(nic.deleted)
}

/// A network interface as the target of a floating IP.
#[derive(Debug, Serialize)]
pub(super) struct FloatingTarget<'a> {
    #[serde(flatten)]
    nic: Ref<'a>,
    #[serde(flatten)]
    address: Address<'a>,
}

pub(super) fn floating_target<'a>(r: &Render<'_>, of: &'a FloatingNicRef) -> FloatingTarget<'a> {
    FloatingTarget {
        nic: target(r, &of.nic),
        address: Address::new(r, &of.subnet, &of.primary_ip, of.address),
    }
}

/// A network interface.
#[derive(Debug, Serialize)]
pub struct NetworkInterface<'a> {
    allow_ip_spoofing: bool,
    created_at: String,
    floating_ips: Vec<FloatingIpRef<'a>>,
    href: String,
    id: &'a str,
    name: &'a str,
    port_speed: u32,
    #[serde(flatten)]
    address: Address<'a>,
    resource_type: &'static str,
    security_groups: Vec<Ref<'a>>,
    status: &'static str,
    subnet: Ref<'a>,
    r#type: &'static str,
}

/// A network interface.
#[must_use]
pub fn network_interface<'a>(r: &Render<'_>, view: &'a NicView) -> NetworkInterface<'a> {
    let nic = &view.nic;
    let id = nic.head.id.as_str();
    NetworkInterface {
        allow_ip_spoofing: nic.allow_ip_spoofing,
        created_at: nic.head.created_at.to_string(),
        floating_ips: view.floating_ip.iter().map(|ip| floating_ip::reference(r, ip)).collect(),
        href: href(r, &nic.instance, id),
        id,
        name: nic.head.name.as_str(),
        port_speed: PORT_SPEED,
        address: Address::of(r, view),
        resource_type: "network_interface",
        security_groups: view
            .security_groups
            .iter()
            .map(|g| security_group::reference(r, g))
            .collect(),
        status: "available",
        subnet: subnet::reference(r, &view.subnet, &view.subnet_zone),
        r#type: if nic.primary { "primary" } else { "secondary" },
    }
}

/// The interfaces of an instance; not paginated.
#[derive(Debug, Serialize)]
pub struct NetworkInterfaces<'a> {
    network_interfaces: Vec<NetworkInterface<'a>>,
}

/// The interfaces of an instance.
#[must_use]
pub fn network_interfaces<'a>(r: &Render<'_>, all: &'a [NicView]) -> NetworkInterfaces<'a> {
    NetworkInterfaces { network_interfaces: all.iter().map(|n| network_interface(r, n)).collect() }
}
