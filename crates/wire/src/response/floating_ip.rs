//! Floating IPs and public gateways.

use base::{PublicGatewayId, ZoneName};
use model::{FloatingIpView, FloatingTargetRef, PublicGatewayView, Reference};
use serde::Serialize;

use super::{NamedRef, Ref, network_interface, vpc};
use crate::{Kind, Render};

/// A floating IP.
#[derive(Debug, Serialize)]
pub struct FloatingIp<'a> {
    address: String,
    created_at: String,
    crn: String,
    href: String,
    id: &'a str,
    name: &'a str,
    resource_group: Ref<'a>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Target<'a>>,
    zone: NamedRef<'a>,
}

/// What a floating IP is bound to.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Target<'a> {
    Nic(Box<network_interface::FloatingTarget<'a>>),
    Gateway(Ref<'a>),
}

/// A floating IP.
#[must_use]
pub fn floating_ip<'a>(r: &Render<'_>, view: &'a FloatingIpView) -> FloatingIp<'a> {
    let ip = &view.ip;
    let id = ip.head.id.as_str();
    let target = |target: &'a FloatingTargetRef| match target {
        FloatingTargetRef::Nic(nic) => {
            Target::Nic(Box::new(network_interface::floating_target(r, nic)))
        }
        FloatingTargetRef::Gateway(gateway) => Target::Gateway(gateway_ref(r, gateway, &ip.zone)),
    };
    FloatingIp {
        address: ip.address.to_string(),
        created_at: ip.head.created_at.to_string(),
        crn: r.crn_in(Kind::FLOATING_IP, ip.zone.as_str(), id),
        href: r.href_of(Kind::FLOATING_IP, id),
        id,
        name: ip.head.name.as_str(),
        resource_group: Ref::group(r, &ip.head.group, &view.group_name),
        status: "available",
        target: view.target.as_ref().map(target),
        zone: NamedRef::zone(r, &ip.zone),
    }
}

/// The floating IPs of an interface; not paginated.
#[derive(Debug, Serialize)]
pub struct FloatingIps<'a> {
    floating_ips: Vec<FloatingIp<'a>>,
}

/// The floating IPs of an interface.
#[must_use]
pub fn floating_ips<'a>(r: &Render<'_>, all: &'a [FloatingIpView]) -> FloatingIps<'a> {
    FloatingIps { floating_ips: all.iter().map(|view| floating_ip(r, view)).collect() }
}

/// A floating IP as an interface or a gateway shows it.
#[derive(Debug, Serialize)]
pub(super) struct FloatingIpRef<'a> {
    address: String,
    crn: String,
    href: String,
    id: &'a str,
    name: &'a str,
}

/// A floating IP as an interface or a gateway shows it.
pub(super) fn reference<'a>(r: &Render<'_>, ip: &'a model::FloatingIpRef) -> FloatingIpRef<'a> {
    let id = ip.ip.id.as_str();
    FloatingIpRef {
        address: ip.address.to_string(),
        crn: r.crn_in(Kind::FLOATING_IP, ip.zone.as_str(), id),
        href: r.href_of(Kind::FLOATING_IP, id),
        id,
        name: &ip.ip.name,
    }
}

/// A public gateway.
#[derive(Debug, Serialize)]
pub struct PublicGateway<'a> {
    created_at: String,
    crn: String,
    floating_ip: FloatingIpRef<'a>,
    href: String,
    id: &'a str,
    name: &'a str,
    resource_group: Ref<'a>,
    resource_type: &'static str,
    status: &'static str,
    vpc: Ref<'a>,
    zone: NamedRef<'a>,
}

/// A public gateway.
#[must_use]
pub fn public_gateway<'a>(r: &Render<'_>, view: &'a PublicGatewayView) -> PublicGateway<'a> {
    let gateway = &view.gateway;
    let id = gateway.head.id.as_str();
    PublicGateway {
        created_at: gateway.head.created_at.to_string(),
        crn: r.crn_in(Kind::PUBLIC_GATEWAY, gateway.zone.as_str(), id),
        floating_ip: reference(r, &view.floating_ip),
        href: r.href_of(Kind::PUBLIC_GATEWAY, id),
        id,
        name: gateway.head.name.as_str(),
        resource_group: Ref::group(r, &gateway.head.group, &view.group_name),
        resource_type: "public_gateway",
        status: "available",
        vpc: vpc::reference(r, &view.vpc),
        zone: NamedRef::zone(r, &gateway.zone),
    }
}

/// A reference to a public gateway.
pub(super) fn gateway_ref<'a>(
    r: &Render<'_>,
    gateway: &'a Reference<PublicGatewayId>,
    zone: &ZoneName,
) -> Ref<'a> {
    Ref::zonal(r, Kind::PUBLIC_GATEWAY, zone, gateway.id.as_str(), &gateway.name)
        .typed("public_gateway")
        .deleted(gateway.deleted)
}
