//! Floating IPs: addresses by which a guest is reached from outside, or goes out through a public
//! gateway. Which ports of a guest they open follows from the rules of its security groups, by
//! [`open_ports`].

use std::net::Ipv4Addr;

use base::{
    AccountId, FloatingIpId, NicId, PublicGatewayId, ReservedIpId, SubnetId, VpcId, ZoneName,
};

use crate::{Head, InterfaceRef, IpRange, Protocol, Reference, RuleRemote, SecurityGroupRule};

/// A floating IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatingIp {
    /// Id, account, group, name.
    pub head: Head<FloatingIpId>,
    /// Its zone.
    pub zone: ZoneName,
    /// Its address; the store gives one when it is made.
    pub address: Ipv4Addr,
    /// What it is bound to.
    pub target: Option<FloatingTarget>,
}

/// What a floating IP is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FloatingTarget {
    /// A network interface: its guest is reached.
    Nic(NicId),
    /// A public gateway, until the gateway is deleted.
    Gateway(PublicGatewayId),
}

impl FloatingTarget {
    /// The network interface, if it is one.
    #[must_use]
    pub const fn nic(&self) -> Option<&NicId> {
        match self {
            Self::Nic(nic) => Some(nic),
            Self::Gateway(_) => None,
        }
    }

    /// The public gateway, if it is one.
    #[must_use]
    pub const fn gateway(&self) -> Option<&PublicGatewayId> {
        match self {
            Self::Gateway(gateway) => Some(gateway),
            Self::Nic(_) => None,
        }
    }
}

/// A floating IP with what it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatingIpView {
    /// The floating IP.
    pub ip: FloatingIp,
    /// Name of its resource group.
    pub group_name: String,
    /// What it is bound to.
    pub target: Option<FloatingTargetRef>,
}

/// What a floating IP is bound to, as its answer shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FloatingTargetRef {
    /// A network interface.
    Nic(Box<FloatingNicRef>),
    /// A public gateway, of the floating IP's zone.
    Gateway(Reference<PublicGatewayId>),
}

/// A network interface with its primary address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatingNicRef {
    /// The interface.
    pub nic: InterfaceRef,
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its primary reserved IP.
    pub primary_ip: Reference<ReservedIpId>,
    /// The address.
    pub address: Ipv4Addr,
}

/// A public gateway: the way out of the subnets of a VPC and zone that use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicGateway {
    /// Id, account, group, name (unique in the VPC).
    pub head: Head<PublicGatewayId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its zone; a VPC has at most one gateway in each.
    pub zone: ZoneName,
    /// Its floating IP was made with it, and goes with it.
    pub owns_floating_ip: bool,
}

/// A public gateway with what it points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicGatewayView {
    /// The gateway.
    pub gateway: PublicGateway,
    /// Name of its resource group.
    pub group_name: String,
    /// Its VPC.
    pub vpc: Reference<VpcId>,
    /// Its floating IP.
    pub floating_ip: crate::FloatingIpRef,
}

/// The addresses that an account's floating IPs are of: a /24 of the loopback network, so that two
/// regions on one machine seldom want the same.
#[must_use]
pub fn floating_pool(account: &AccountId) -> (Ipv4Addr, Ipv4Addr) {
    // FNV-1a: spread, not secrecy.
    let hash = account
        .as_str()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let [a, b, ..] = hash.to_be_bytes();
    let at = |last| Ipv4Addr::new(127, 64 + a % 64, b, last);
    (at(1), at(254))
}

/// Where connections to a floating IP come from: its addresses are the host's own loopback ones.
pub const FLOATING_SOURCE: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// A rule that opens more ports than this opens only the well-known ones among them.
pub const OPEN_RANGE_MAX: u16 = 64;
/// Most ports that are open on one floating IP.
pub const OPEN_PORTS_MAX: usize = 256;
/// TCP ports that a rule for very many ports opens.
const WELL_KNOWN: [u16; 7] = [22, 80, 443, 3389, 5000, 8080, 8443];

/// A port of a guest that can be reached from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpenPort {
    /// UDP; TCP otherwise.
    pub udp: bool,
    /// The port.
    pub port: u16,
}

/// The ports of an interface at `own` that the rules of its security groups open to `source`, in
/// order, at most [`OPEN_PORTS_MAX`].
#[must_use]
pub fn open_ports(rules: &[SecurityGroupRule], own: Ipv4Addr, source: Ipv4Addr) -> Vec<OpenPort> {
    let mut open: Vec<OpenPort> =
        rules.iter().filter(|rule| admits(rule, own, source)).flat_map(ports).collect();
    open.sort_unstable();
    open.dedup();
    open.truncate(OPEN_PORTS_MAX);
    open
}

/// Whether the rules of an interface's security groups let anything out. What they say of single
/// destinations is not applied.
#[must_use]
pub fn lets_out(rules: &[SecurityGroupRule], own: Ipv4Addr) -> bool {
    let out = |rule: &SecurityGroupRule| {
        !rule.inbound && matches!(rule.remote, RuleRemote::Range(_)) && rule.local.contains(own)
    };
    rules.iter().any(out)
}

fn admits(rule: &SecurityGroupRule, own: Ipv4Addr, source: Ipv4Addr) -> bool {
    let from = |range: &IpRange| range.contains(source);
    // The members of a group are guests, and guests do not reach each other.
    let remote = matches!(&rule.remote, RuleRemote::Range(range) if from(range));
    rule.inbound && remote && rule.local.contains(own)
}

fn ports(rule: &SecurityGroupRule) -> Vec<OpenPort> {
    let (tcp, udp) = match rule.traffic.protocol {
        Protocol::Any | Protocol::IcmpTcpUdp => (true, true),
        Protocol::Tcp => (true, false),
        Protocol::Udp => (false, true),
        Protocol::Icmp | Protocol::Number(_) => return Vec::new(),
    };
    let (min, max) = rule.traffic.ports.unwrap_or((1, u16::MAX));
    let narrow = max - min < OPEN_RANGE_MAX;
    let each = |udp: bool| -> Vec<OpenPort> {
        if narrow {
            return (min..=max).map(|port| OpenPort { udp, port }).collect();
        }
        let known = WELL_KNOWN.iter().filter(|port| !udp && (min..=max).contains(*port));
        known.map(|port| OpenPort { udp, port: *port }).collect()
    };
    let mut open = if tcp { each(false) } else { Vec::new() };
    if udp {
        open.extend(each(true));
    }
    open
}

#[cfg(test)]
mod tests {
    use base::{SecurityGroupId, SecurityGroupRuleId, Timestamp};

    use super::*;
    use crate::{ResourceName, Traffic};

    fn rule(protocol: Protocol, ports: Option<(u16, u16)>) -> SecurityGroupRule {
        SecurityGroupRule {
            id: SecurityGroupRuleId::parse("r").unwrap(),
            name: ResourceName::parse("r").unwrap(),
            inbound: true,
            remote: RuleRemote::Range(IpRange::EVERYWHERE),
            local: IpRange::EVERYWHERE,
            traffic: Traffic { ports, ..Traffic::all(protocol) },
            created_at: Timestamp::from_micros(0),
        }
    }

    fn open(rule: SecurityGroupRule) -> Vec<u16> {
        let own = Ipv4Addr::new(10, 0, 0, 4);
        open_ports(&[rule], own, FLOATING_SOURCE).into_iter().map(|open| open.port).collect()
    }

    #[test]
    fn a_rule_opens_what_it_says() {
        assert_eq!(open(rule(Protocol::Tcp, Some((22, 23)))), [22, 23]);
        assert_eq!(open(rule(Protocol::Tcp, None)), WELL_KNOWN);
        assert!(open(rule(Protocol::Icmp, None)).is_empty());
        assert!(open(rule(Protocol::Number(50), None)).is_empty());
        let out = SecurityGroupRule { inbound: false, ..rule(Protocol::Tcp, Some((22, 22))) };
        assert!(open(out).is_empty());
        let both = open_ports(
            &[rule(Protocol::IcmpTcpUdp, None), rule(Protocol::Udp, Some((53, 53)))],
            Ipv4Addr::LOCALHOST,
            FLOATING_SOURCE,
        );
        assert_eq!(both.iter().filter(|p| p.udp).count(), 1);
    }

    #[test]
    fn a_wide_range_opens_the_well_known_ports_of_it() {
        let last = 1_000 + OPEN_RANGE_MAX - 1;
        let width = usize::from(OPEN_RANGE_MAX);
        assert_eq!(open(rule(Protocol::Tcp, Some((1_000, last)))).len(), width);
        assert!(open(rule(Protocol::Tcp, Some((1_000, last + 1)))).is_empty());
        assert_eq!(open(rule(Protocol::Tcp, Some((80, 1_000)))), [80, 443]);
        assert_eq!(open(rule(Protocol::Tcp, Some((u16::MAX, u16::MAX)))), [u16::MAX]);
    }

    #[test]
    fn no_more_ports_are_open_than_the_limit() {
        let rules: Vec<_> =
            (0..10).map(|n| rule(Protocol::Tcp, Some((n * 64 + 1, n * 64 + 64)))).collect();
        let all = open_ports(&rules, Ipv4Addr::LOCALHOST, FLOATING_SOURCE);
        assert_eq!(all.len(), OPEN_PORTS_MAX);
    }

    #[test]
    fn only_rules_for_this_source_and_this_address_count() {
        let ssh = rule(Protocol::Tcp, Some((22, 22)));
        let from = |text: &str| RuleRemote::Range(IpRange::parse(text).unwrap());
        let remote = |text| open(SecurityGroupRule { remote: from(text), ..ssh.clone() });
        assert_eq!(remote("127.0.0.0/8"), [22]);
        assert!(remote("203.0.113.0/24").is_empty());
        let id = SecurityGroupId::parse("g").unwrap();
        let group = Reference { id, name: String::new(), deleted: false };
        assert!(
            open(SecurityGroupRule { remote: RuleRemote::Group(group), ..ssh.clone() }).is_empty()
        );
        let local = |text: &str| {
            open(SecurityGroupRule { local: IpRange::parse(text).unwrap(), ..ssh.clone() })
        };
        assert_eq!(local("10.0.0.4"), [22]);
        assert!(local("10.0.0.5").is_empty());
    }

    #[test]
    fn rules_let_out_when_one_is_outbound_to_addresses() {
        let own = Ipv4Addr::new(10, 0, 0, 4);
        let inward = rule(Protocol::Tcp, None);
        let outward = SecurityGroupRule { inbound: false, ..inward.clone() };
        assert!(!lets_out(&[], own) && !lets_out(std::slice::from_ref(&inward), own));
        assert!(lets_out(&[inward, outward.clone()], own));
        let local = IpRange::parse("10.0.0.5").unwrap();
        assert!(!lets_out(&[SecurityGroupRule { local, ..outward }], own));
    }

    #[test]
    fn a_pool_is_of_the_loopback_network() {
        for n in 0..100 {
            let account = AccountId::parse(&format!("{n:032x}")).unwrap();
            let (first, last) = floating_pool(&account);
            assert!(first.is_loopback() && (64..128).contains(&first.octets()[1]));
            assert_eq!(last.to_bits() - first.to_bits() + 1, 254);
        }
    }
}
