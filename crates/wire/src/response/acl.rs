//! Network ACLs and their rules.

use base::AclId;
use model::{AclRule, AclView, Protocol, Reference};
use serde::Serialize;

use super::{Ref, subnet::subnet_refs, vpc};
use crate::{Kind, Render};

/// The ports of TCP and UDP when a rule is about all of them.
const ALL_PORTS: (u16, u16) = (1, 65_535);

/// A network ACL.
#[derive(Debug, Serialize)]
pub struct NetworkAcl<'a> {
    created_at: String,
    crn: String,
    href: String,
    id: &'a str,
    name: &'a str,
    resource_group: Ref<'a>,
    rules: Vec<NetworkAclRule<'a>>,
    subnets: Vec<Ref<'a>>,
    vpc: Ref<'a>,
}

/// A rule of a network ACL.
#[derive(Debug, Serialize)]
pub struct NetworkAclRule<'a> {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Ref<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    created_at: String,
    destination: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port_max: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_port_min: Option<u16>,
    direction: &'static str,
    href: String,
    id: &'a str,
    ip_version: &'static str,
    name: &'a str,
    protocol: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port_max: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_port_min: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<u8>,
}

/// How a version spells a protocol.
pub(super) fn protocol(r: &Render<'_>, protocol: Protocol) -> String {
    match protocol {
        Protocol::IcmpTcpUdp if !r.version.has_protocol_icmp_tcp_udp() => "all".to_owned(),
        protocol => protocol.to_string(),
    }
}

pub(super) const fn direction(inbound: bool) -> &'static str {
    if inbound { "inbound" } else { "outbound" }
}

fn rule_href(r: &Render<'_>, acl: &AclId, rule: &AclRule) -> String {
    r.href(&["network_acls", acl.as_str(), "rules", rule.id.as_str()])
}

/// A rule of the ACL, with the one after it.
#[must_use]
pub fn network_acl_rule<'a>(
    r: &Render<'_>,
    view: &'a AclView,
    rule: &'a AclRule,
) -> NetworkAclRule<'a> {
    let (acl, rules) = (&view.acl.head.id, &view.acl.rules);
    let next = rules.iter().position(|other| other.id == rule.id).and_then(|at| rules.get(at + 1));
    let ports = |ports: Option<(u16, u16)>| {
        let has = rule.traffic.protocol.has_ports();
        has.then(|| ports.unwrap_or(ALL_PORTS))
    };
    let (destination, source) = (ports(rule.traffic.ports), ports(rule.traffic.source_ports));
    NetworkAclRule {
        action: if rule.allow { "allow" } else { "deny" },
        before: next.map(|n| Ref::plain(rule_href(r, acl, n), n.id.as_str(), n.name.as_str())),
        code: rule.traffic.icmp_code,
        created_at: rule.created_at.to_string(),
        destination: rule.destination.to_string(),
        destination_port_max: destination.map(|(_, max)| max),
        destination_port_min: destination.map(|(min, _)| min),
        direction: direction(rule.inbound),
        href: rule_href(r, acl, rule),
        id: rule.id.as_str(),
        ip_version: "ipv4",
        name: rule.name.as_str(),
        protocol: protocol(r, rule.traffic.protocol),
        source: rule.source.to_string(),
        source_port_max: source.map(|(_, max)| max),
        source_port_min: source.map(|(min, _)| min),
        r#type: rule.traffic.icmp_type,
    }
}

/// A network ACL.
#[must_use]
pub fn network_acl<'a>(r: &Render<'_>, view: &'a AclView) -> NetworkAcl<'a> {
    let head = &view.acl.head;
    let id = head.id.as_str();
    NetworkAcl {
        created_at: head.created_at.to_string(),
        crn: r.crn(Kind::ACL, id),
        href: r.href_of(Kind::ACL, id),
        id,
        name: head.name.as_str(),
        resource_group: Ref::group(r, &head.group, &view.group_name),
        rules: view.acl.rules.iter().map(|rule| network_acl_rule(r, view, rule)).collect(),
        subnets: subnet_refs(r, &view.subnets),
        vpc: vpc::reference(r, &view.vpc),
    }
}

/// A reference to an ACL.
pub(super) fn reference<'a>(r: &Render<'_>, acl: &'a Reference<AclId>) -> Ref<'a> {
    Ref::regional(r, Kind::ACL, acl.id.as_str(), &acl.name).deleted(acl.deleted)
}
