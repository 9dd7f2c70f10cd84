//! Security groups and their rules.

use base::{InstanceId, NicId, SecurityGroupId, VpcId};
use model::{Reference, SecurityGroupRule};
use serde::Serialize;

use super::{Ref, network_interface, vpc};
use crate::{Kind, Render};

/// A security group.
#[derive(Debug, Serialize)]
pub struct SecurityGroup<'a> {
    created_at: String,
    crn: String,
    href: String,
    id: &'a str,
    name: &'a str,
    resource_group: Ref<'a>,
    rules: Vec<Rule<'a>>,
    targets: Vec<Ref<'a>>,
    vpc: Ref<'a>,
}

#[derive(Debug, Serialize)]
struct Rule<'a> {
    direction: &'static str,
    href: String,
    id: &'a str,
    ip_version: &'static str,
    local: Cidr,
    name: &'a str,
    protocol: &'static str,
    remote: Remote<'a>,
    resource_type: &'static str,
}

#[derive(Debug, Serialize)]
struct Cidr {
    cidr_block: &'static str,
}

const EVERYWHERE: Cidr = Cidr { cidr_block: "0.0.0.0/0" };

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Remote<'a> {
    Cidr(Cidr),
    Group(Ref<'a>),
}

/// How a version spells "ICMP, TCP and UDP".
pub(super) const fn all_protocols(r: &Render<'_>) -> &'static str {
    if r.version.has_protocol_icmp_tcp_udp() { "icmp_tcp_udp" } else { "all" }
}

/// A security group with its VPC and the interfaces that are in it.
#[must_use]
pub fn security_group<'a>(
    r: &Render<'_>,
    group: &'a model::SecurityGroup,
    group_name: &'a str,
    vpc: &'a Reference<VpcId>,
    targets: &'a [(Reference<NicId>, InstanceId)],
) -> SecurityGroup<'a> {
    let head = &group.head;
    let id = head.id.as_str();
    SecurityGroup {
        created_at: head.created_at.to_string(),
        crn: r.crn(Kind::SECURITY_GROUP, id),
        href: r.href_of(Kind::SECURITY_GROUP, id),
        id,
        name: head.name.as_str(),
        resource_group: Ref::group(r, &head.group, group_name),
        rules: group.rules.iter().map(|rule_| rule(r, group, rule_)).collect(),
        targets: targets.iter().map(|(n, i)| network_interface::target(r, n, i)).collect(),
        vpc: vpc::reference(r, vpc),
    }
}

fn rule<'a>(
    r: &Render<'_>,
    group: &'a model::SecurityGroup,
    rule: &'a SecurityGroupRule,
) -> Rule<'a> {
    let own = &group.head;
    let remote = match &rule.remote {
        None => Remote::Cidr(EVERYWHERE),
        Some(id) => {
            let name = if id == &own.id { own.name.as_str() } else { id.as_str() };
            Remote::Group(Ref::regional(r, Kind::SECURITY_GROUP, id.as_str(), name))
        }
    };
    Rule {
        direction: if rule.inbound { "inbound" } else { "outbound" },
        href: r.href(&["security_groups", own.id.as_str(), "rules", rule.id.as_str()]),
        id: rule.id.as_str(),
        ip_version: "ipv4",
        local: EVERYWHERE,
        name: rule.name.as_str(),
        protocol: all_protocols(r),
        remote,
        resource_type: "security_group_rule",
    }
}

/// A reference to a security group.
pub(super) fn reference<'a>(r: &Render<'_>, group: &'a Reference<SecurityGroupId>) -> Ref<'a> {
    Ref::regional(r, Kind::SECURITY_GROUP, group.id.as_str(), &group.name).deleted(group.deleted)
}
