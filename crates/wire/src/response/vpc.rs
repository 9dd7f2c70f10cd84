//! VPCs and their address prefixes.

use model::{Reference, VpcView};
use serde::Serialize;

use super::{NamedRef, Ref, routing_table};
use crate::{Kind, Render};

/// A VPC.
#[derive(Debug, Serialize)]
pub struct Vpc<'a> {
    classic_access: bool,
    created_at: String,
    crn: String,
    cse_source_ips: [(); 0],
    default_network_acl: Ref<'a>,
    default_routing_table: Ref<'a>,
    default_security_group: Ref<'a>,
    dns: Dns,
    health_reasons: [(); 0],
    health_state: &'static str,
    href: String,
    id: &'a str,
    name: &'a str,
    public_address_ranges: [(); 0],
    resource_group: Ref<'a>,
    resource_type: &'static str,
    status: &'static str,
}

#[derive(Debug, Serialize)]
struct Dns {
    enable_hub: bool,
    resolution_binding_count: u32,
    resolver: Resolver,
}

#[derive(Debug, Serialize)]
struct Resolver {
    configuration: &'static str,
    servers: [(); 0],
    r#type: &'static str,
}

/// A VPC. It has no way out of its own and no servers of its own, so those lists are empty.
#[must_use]
pub fn vpc<'a>(r: &Render<'_>, view: &'a VpcView) -> Vpc<'a> {
    let head = &view.vpc.head;
    let id = head.id.as_str();
    let group = &view.default_security_group;
    Vpc {
        classic_access: false,
        created_at: head.created_at.to_string(),
        crn: r.crn(Kind::VPC, id),
        cse_source_ips: [],
        default_network_acl: super::acl::reference(r, &view.default_acl),
        default_routing_table: routing_table::reference(r, id, &view.default_routing_table),
        default_security_group: super::security_group::reference(r, group),
        dns: Dns {
            enable_hub: false,
            resolution_binding_count: 0,
            resolver: Resolver { configuration: "default", servers: [], r#type: "system" },
        },
        health_reasons: [],
        health_state: "ok",
        href: r.href_of(Kind::VPC, id),
        id,
        name: head.name.as_str(),
        public_address_ranges: [],
        resource_group: Ref::group(r, &head.group, &view.group_name),
        resource_type: "vpc",
        status: "available",
    }
}

/// A reference to a VPC.
pub(super) fn reference<'a>(r: &Render<'_>, vpc: &'a Reference<base::VpcId>) -> Ref<'a> {
    Ref::regional(r, Kind::VPC, vpc.id.as_str(), &vpc.name).typed("vpc").deleted(vpc.deleted)
}

/// An address prefix.
#[derive(Debug, Serialize)]
pub struct AddressPrefix<'a> {
    cidr: String,
    created_at: String,
    has_subnets: bool,
    href: String,
    id: &'a str,
    is_default: bool,
    name: &'a str,
    zone: NamedRef<'a>,
}

/// An address prefix, and whether it has subnets.
#[must_use]
pub fn address_prefix<'a>(
    r: &Render<'_>,
    prefix: &'a model::AddressPrefix,
    has_subnets: bool,
) -> AddressPrefix<'a> {
    let id = prefix.head.id.as_str();
    AddressPrefix {
        cidr: format!("{}/{}", prefix.cidr.0, prefix.cidr.1),
        created_at: prefix.head.created_at.to_string(),
        has_subnets,
        href: r.href(&["vpcs", prefix.vpc.as_str(), "address_prefixes", id]),
        id,
        is_default: prefix.is_default,
        name: prefix.head.name.as_str(),
        zone: NamedRef::zone(r, &prefix.zone),
    }
}
