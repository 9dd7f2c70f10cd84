//! Security groups, their rules, and the interfaces in them.

use base::SecurityGroupId;
use model::{IpRange, Reference, RuleRemote, SecurityGroupRule, SecurityGroupView};
use serde::Serialize;

use super::{
    Ref,
    acl::{direction, protocol},
    network_interface::{GroupTargetRef, group_target},
    vpc,
};
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
    rules: Vec<GroupRule<'a>>,
    targets: Vec<GroupTargetRef<'a>>,
    vpc: Ref<'a>,
}

/// A rule of a security group.
#[derive(Debug, Serialize)]
pub struct GroupRule<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    direction: &'static str,
    href: String,
    id: &'a str,
    ip_version: &'static str,
    local: Addresses,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_max: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_min: Option<u16>,
    protocol: String,
    remote: Remote<'a>,
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<u8>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Addresses {
    Address(String),
    CidrBlock(String),
}

impl Addresses {
    fn of(range: IpRange) -> Self {
        let text = range.to_string();
        if range.is_address() { Self::Address(text) } else { Self::CidrBlock(text) }
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Remote<'a> {
    Addresses(Addresses),
    Group(Ref<'a>),
}

/// A security group.
#[must_use]
pub fn security_group<'a>(r: &Render<'_>, view: &'a SecurityGroupView) -> SecurityGroup<'a> {
    let head = &view.group.head;
    let id = head.id.as_str();
    SecurityGroup {
        created_at: head.created_at.to_string(),
        crn: r.crn(Kind::SECURITY_GROUP, id),
        href: r.href_of(Kind::SECURITY_GROUP, id),
        id,
        name: head.name.as_str(),
        resource_group: Ref::group(r, &head.group, &view.group_name),
        rules: view.group.rules.iter().map(|rule| security_group_rule(r, view, rule)).collect(),
        targets: view.targets.iter().map(|target| group_target(r, target)).collect(),
        vpc: vpc::reference(r, &view.vpc),
    }
}

/// A rule of the group.
#[must_use]
pub fn security_group_rule<'a>(
    r: &Render<'_>,
    view: &SecurityGroupView,
    rule: &'a SecurityGroupRule,
) -> GroupRule<'a> {
    let group = view.group.head.id.as_str();
    GroupRule {
        code: rule.traffic.icmp_code,
        direction: direction(rule.inbound),
        href: r.href(&["security_groups", group, "rules", rule.id.as_str()]),
        id: rule.id.as_str(),
        ip_version: "ipv4",
        local: Addresses::of(rule.local),
        name: rule.name.as_str(),
        port_max: rule.traffic.ports.map(|(_, max)| max),
        port_min: rule.traffic.ports.map(|(min, _)| min),
        protocol: protocol(r, rule.traffic.protocol),
        remote: match &rule.remote {
            RuleRemote::Range(range) => Remote::Addresses(Addresses::of(*range)),
            RuleRemote::Group(group) => Remote::Group(reference(r, group)),
        },
        resource_type: "security_group_rule",
        r#type: rule.traffic.icmp_type,
    }
}

/// The rules of a group; not paginated.
#[derive(Debug, Serialize)]
pub struct GroupRules<'a> {
    rules: Vec<GroupRule<'a>>,
}

/// The rules of a group.
#[must_use]
pub fn security_group_rules<'a>(r: &Render<'_>, view: &'a SecurityGroupView) -> GroupRules<'a> {
    GroupRules {
        rules: view.group.rules.iter().map(|rule| security_group_rule(r, view, rule)).collect(),
    }
}

/// A reference to a security group.
pub(super) fn reference<'a>(r: &Render<'_>, group: &'a Reference<SecurityGroupId>) -> Ref<'a> {
    Ref::regional(r, Kind::SECURITY_GROUP, group.id.as_str(), &group.name).deleted(group.deleted)
}
