//! Security groups and network ACLs, and the rules of both.

use model::Limit;

use super::{
    Schema, Shapes,
    build::{
        Field, address, any_of, date, has, href, id, just, list, may, name, number, object, one_of,
        text, to, word,
    },
    operation::{Described, act, all, change, create, page, page_of, read},
    reference::{head, identity, identity_below},
};
use crate::{
    Kind,
    request::{ICMP_CODE_MAX, ICMP_TYPE_MAX, PORT_MAX, PORT_MIN},
};

/// Every spelling of a protocol.
const PROTOCOL: &str = "^(any|icmp_tcp_udp|icmp|tcp|udp|ah|esp|gre|ip_in_ip|l2tp|rsvp|sctp|vrrp|\
                        number_[0-9]{1,3})$";

pub(super) fn operations() -> Vec<Described> {
    let target = || to("SecurityGroupTargetReference");
    vec![
        page("list_security_groups", "SecurityGroup", "security_groups")
            .by("resource_group.id", id())
            .by("vpc.id", id())
            .by("vpc.crn", text())
            .by("vpc.name", text()),
        create("create_security_group", to("SecurityGroupPrototype"), to("SecurityGroup")),
        read("get_security_group", to("SecurityGroup")),
        change("update_security_group", to("SecurityGroupPatch"), to("SecurityGroup")),
        act("delete_security_group"),
        all(
            "list_security_group_rules",
            "SecurityGroupRuleCollection",
            "SecurityGroupRule",
            "rules",
        ),
        create(
            "create_security_group_rule",
            to("SecurityGroupRulePrototype"),
            to("SecurityGroupRule"),
        ),
        read("get_security_group_rule", to("SecurityGroupRule")),
        change("update_security_group_rule", to("SecurityGroupRulePatch"), to("SecurityGroupRule")),
        act("delete_security_group_rule"),
        page_of(
            "list_security_group_targets",
            "SecurityGroupTargetCollection",
            target(),
            "targets",
        ),
        read("get_security_group_target", target()),
        read("create_security_group_target_binding", target()),
        act("delete_security_group_target_binding"),
        page("list_network_acls", "NetworkACL", "network_acls").by("resource_group.id", id()),
        create("create_network_acl", to("NetworkACLPrototype"), to("NetworkACL")),
        read("get_network_acl", to("NetworkACL")),
        change("update_network_acl", to("NetworkACLPatch"), to("NetworkACL")),
        act("delete_network_acl"),
        page("list_network_acl_rules", "NetworkACLRule", "rules").by("direction", direction()),
        create("create_network_acl_rule", to("NetworkACLRulePrototype"), to("NetworkACLRule")),
        read("get_network_acl_rule", to("NetworkACLRule")),
        change("update_network_acl_rule", to("NetworkACLRulePatch"), to("NetworkACLRule")),
        act("delete_network_acl_rule"),
    ]
}

pub(super) fn shapes(into: &mut Shapes) {
    security_groups(into);
    security_group_requests(into);
    acls(into);
    acl_requests(into);
}

fn direction() -> Schema {
    word(["inbound", "outbound"])
}

fn protocol() -> Schema {
    text().fits(PROTOCOL).like("tcp").about("A name, or `number_N` where there is none.")
}

/// An address or a range: whichever it is.
fn anywhere() -> Schema {
    text().like("10.0.0.0/8").about("An IPv4 address, or a range such as `10.0.0.0/8`.")
}

fn port() -> Schema {
    number(PORT_MIN, PORT_MAX)
}

fn icmp() -> [Field; 2] {
    [may("code", number(0_u64, ICMP_CODE_MAX)), may("type", number(0_u64, ICMP_TYPE_MAX))]
}

fn cidr_or_address(prefix: &str) -> [Schema; 2] {
    [
        object([has("address", address())]).titled(&format!("{prefix}IP")),
        object([has("cidr_block", text().like("10.0.0.0/8"))]).titled(&format!("{prefix}CIDR")),
    ]
}

fn security_groups(into: &mut Shapes) {
    into.add(
        "SecurityGroup",
        head().and([
            has("rules", list(to("SecurityGroupRule"))),
            has("targets", list(to("SecurityGroupTargetReference"))),
            has("vpc", to("VPCReference")),
        ]),
    );
    let group = to("SecurityGroupReference").titled("SecurityGroupRuleRemoteSecurityGroup");
    let remote = cidr_or_address("SecurityGroupRuleRemote").into_iter().chain([group]);
    into.add("SecurityGroupRuleRemote", one_of(remote));
    into.add("SecurityGroupRuleLocal", one_of(cidr_or_address("SecurityGroupRuleLocal")));
    into.add(
        "SecurityGroupRule",
        object([
            has("direction", direction()),
            has("href", href()),
            has("id", id()),
            has("ip_version", just("ipv4")),
            has("local", to("SecurityGroupRuleLocal")),
            has("name", name()),
            may("port_max", port()),
            may("port_min", port()),
            has("protocol", protocol()),
            has("remote", to("SecurityGroupRuleRemote")),
            has("resource_type", just("security_group_rule")),
        ])
        .and(icmp()),
    );
}

fn security_group_requests(into: &mut Shapes) {
    let rules = usize::try_from(Limit::SECURITY_GROUP_RULES_MAX.max).unwrap_or(usize::MAX);
    into.add(
        "SecurityGroupPrototype",
        object([
            has("vpc", to("VPCIdentity")),
            may("name", name()),
            may("resource_group", to("ResourceGroupIdentity")),
            may("rules", list(to("SecurityGroupRulePrototype")).at_most(rules)),
        ]),
    );
    into.add("SecurityGroupPatch", object([may("name", name())]));
    let remote = cidr_or_address("SecurityGroupRuleRemotePrototype").into_iter();
    let remote =
        remote.chain(identity("SecurityGroupIdentity", Kind::SECURITY_GROUP, "security_groups"));
    into.add("SecurityGroupRuleRemotePrototype", one_of(remote));
    let ends = || {
        [
            may("remote", to("SecurityGroupRuleRemotePrototype")),
            may("local", to("SecurityGroupRuleLocal")),
            may("name", name()),
            may("ip_version", just("ipv4")),
        ]
    };
    into.add(
        "SecurityGroupRulePrototype",
        object([
            has("direction", direction()),
            has("protocol", protocol()),
            may("port_min", port()),
            may("port_max", port()),
        ])
        .and(icmp())
        .and(ends()),
    );
    into.add(
        "SecurityGroupRulePatch",
        object([
            may("direction", direction()),
            may("protocol", protocol()),
            may("port_min", port().or_null()),
            may("port_max", port().or_null()),
            may("code", number(0_u64, ICMP_CODE_MAX).or_null()),
            may("type", number(0_u64, ICMP_TYPE_MAX).or_null()),
        ])
        .and(ends()),
    );
}

const ACL_PORTS: [&str; 4] =
    ["destination_port_min", "destination_port_max", "source_port_min", "source_port_max"];

fn acls(into: &mut Shapes) {
    into.add(
        "NetworkACL",
        head().and([
            has("rules", list(to("NetworkACLRule"))),
            has("subnets", list(to("SubnetReference"))),
            has("vpc", to("VPCReference")),
        ]),
    );
    into.add(
        "NetworkACLRule",
        object([
            has("action", action()),
            may("before", to("NetworkACLRuleReference").about("The rule after this one.")),
            has("created_at", date()),
            has("destination", anywhere()),
            has("direction", direction()),
            has("href", href()),
            has("id", id()),
            has("ip_version", just("ipv4")),
            has("name", name()),
            has("protocol", protocol()),
            has("source", anywhere()),
        ])
        .and(ACL_PORTS.map(|name| may(name, port())))
        .and(icmp()),
    );
}

fn action() -> Schema {
    word(["allow", "deny"])
}

fn acl_requests(into: &mut Shapes) {
    let common = || {
        object([
            has("vpc", to("VPCIdentity")),
            may("name", name()),
            may("resource_group", to("ResourceGroupIdentity")),
        ])
    };
    let rules = usize::try_from(Limit::ACL_RULES_MAX.max).unwrap_or(usize::MAX);
    let rules = list(to("NetworkACLRulePrototype")).at_most(rules);
    into.add(
        "NetworkACLPrototype",
        any_of([
            common().and([may("rules", rules)]).titled("NetworkACLPrototypeNetworkACLByRules"),
            common()
                .and([has("source_network_acl", to("NetworkACLIdentity"))])
                .titled("NetworkACLPrototypeNetworkACLBySourceNetworkACL"),
        ]),
    );
    into.add("NetworkACLPatch", object([may("name", name())]));
    let path = format!("network_acls/{}/rules", super::reference::ID);
    into.add("NetworkACLRuleIdentity", one_of(identity_below("NetworkACLRuleIdentity", &path)));
    into.add(
        "NetworkACLRulePrototype",
        object([
            has("action", action()),
            has("destination", anywhere()),
            has("direction", direction()),
            has("protocol", protocol()),
            has("source", anywhere()),
            may("before", to("NetworkACLRuleIdentity")),
            may("ip_version", just("ipv4")),
            may("name", name()),
        ])
        .and(ACL_PORTS.map(|name| may(name, port())))
        .and(icmp()),
    );
    into.add(
        "NetworkACLRulePatch",
        object([
            may("action", action()),
            may("destination", anywhere()),
            may("direction", direction()),
            may("protocol", protocol()),
            may("source", anywhere()),
            may("before", to("NetworkACLRuleIdentity").or_null()),
            may("ip_version", just("ipv4")),
            may("name", name()),
            may("code", number(0_u64, ICMP_CODE_MAX).or_null()),
            may("type", number(0_u64, ICMP_TYPE_MAX).or_null()),
        ])
        .and(ACL_PORTS.map(|name| may(name, port().or_null()))),
    );
}
