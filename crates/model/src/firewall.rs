//! Security groups and network ACLs: what their rules say, and how a rule may change.
//!
//! Records only: what of them a guest feels is `control`'s to apply. Invariant: a [`Traffic`] that
//! [`Traffic::patched`] made has both ends of each range of ports or none, ports only for TCP and
//! UDP, and an ICMP code only with a type.

use std::{fmt, net::Ipv4Addr};

use base::{AclId, AclRuleId, SecurityGroupId, SecurityGroupRuleId, Timestamp, VpcId};

use crate::{Head, Reference, ResourceName};

/// An address, or a range of addresses without host bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {
    first: Ipv4Addr,
    bits: Option<u8>,
}

impl IpRange {
    /// Every address.
    pub const EVERYWHERE: Self = Self { first: Ipv4Addr::UNSPECIFIED, bits: Some(0) };

    /// Reads `10.0.0.1` or `10.0.0.0/8`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((first, bits)) = text.split_once('/') else {
            return Some(Self { first: text.parse().ok()?, bits: None });
        };
        let canonical = bits.len() < 3 && (bits == "0" || !bits.starts_with(['0', '+']));
        let bits: u8 = bits.parse().ok().filter(|b| canonical && *b <= 32)?;
        let range = Self { first: first.parse().ok()?, bits: Some(bits) };
        (range.first.to_bits() & !range.mask() == 0).then_some(range)
    }

    /// One address, not written as a range.
    #[must_use]
    pub const fn is_address(self) -> bool {
        self.bits.is_none()
    }

    /// Whether `address` is in it.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask() == self.first.to_bits()
    }

    fn mask(self) -> u32 {
        match self.bits {
            None => u32::MAX,
            Some(bits) => u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0),
        }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits {
            None => self.first.fmt(f),
            Some(bits) => write!(f, "{}/{bits}", self.first),
        }
    }
}

/// A protocol of a rule, as IBM spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Every protocol.
    Any,
    /// ICMP, TCP and UDP; `all` before 2025-12-09.
    IcmpTcpUdp,
    /// ICMP.
    Icmp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Another one, by its number.
    Number(u8),
}

/// Protocols that have a name besides the five above.
const NAMED: [(&str, u8); 8] = [
    ("ah", 51),
    ("esp", 50),
    ("gre", 47),
    ("ip_in_ip", 4),
    ("l2tp", 115),
    ("rsvp", 46),
    ("sctp", 132),
    ("vrrp", 112),
];
/// Numbers that are spelled otherwise: ICMP, TCP and UDP.
const SPELLED: [u8; 3] = [1, 6, 17];

impl Protocol {
    /// Reads IBM's spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "any" => return Some(Self::Any),
            "icmp_tcp_udp" => return Some(Self::IcmpTcpUdp),
            "icmp" => return Some(Self::Icmp),
            "tcp" => return Some(Self::Tcp),
            "udp" => return Some(Self::Udp),
            _ => {}
        }
        if let Some((_, number)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Some(Self::Number(*number));
        }
        let digits = text.strip_prefix("number_")?;
        let number: u8 = digits.parse().ok().filter(|n: &u8| n.to_string() == digits)?;
        let spelled = SPELLED.contains(&number) || NAMED.iter().any(|(_, n)| *n == number);
        (!spelled).then_some(Self::Number(number))
    }

    /// TCP or UDP alone: the ones that ports go with.
    #[must_use]
    pub const fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::IcmpTcpUdp => f.write_str("icmp_tcp_udp"),
            Self::Icmp => f.write_str("icmp"),
            Self::Tcp => f.write_str("tcp"),
            Self::Udp => f.write_str("udp"),
            Self::Number(n) => match NAMED.iter().find(|(_, number)| number == n) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "number_{n}"),
            },
        }
    }
}

/// What a rule is about: a protocol, and a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// The protocol.
    pub protocol: Protocol,
    /// First and last destination port; every port when none.
    pub ports: Option<(u16, u16)>,
    /// First and last source port; every port when none. Only of ACLs.
    pub source_ports: Option<(u16, u16)>,
    /// ICMP type; every one when none.
    pub icmp_type: Option<u8>,
    /// ICMP code; every one when none.
    pub icmp_code: Option<u8>,
}

/// What changes of a [`Traffic`]: absent, cleared, or set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrafficPatch {
    /// First destination port.
    pub port_min: Option<Option<u16>>,
    /// Last destination port.
    pub port_max: Option<Option<u16>>,
    /// First source port.
    pub source_port_min: Option<Option<u16>>,
    /// Last source port.
    pub source_port_max: Option<Option<u16>>,
    /// ICMP type.
    pub icmp_type: Option<Option<u8>>,
    /// ICMP code.
    pub icmp_code: Option<Option<u8>>,
}

/// Why a change makes no traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    /// Ports of a protocol without ports.
    #[error("ports are only for the protocols tcp and udp")]
    Ports,
    /// One end of a range, or the ends the wrong way round.
    #[error("a range of ports has both ends or none, and the lower one is not the larger")]
    Range,
    /// The same of source ports.
    #[error("a range of source ports has both ends or none, and the lower one is not the larger")]
    SourceRange,
    /// A type or code of another protocol than ICMP.
    #[error("type and code are only for the protocol icmp")]
    Icmp,
    /// A code without a type.
    #[error("an ICMP code needs a type")]
    Code,
}

impl Traffic {
    /// All of a protocol.
    #[must_use]
    pub const fn all(protocol: Protocol) -> Self {
        Self { protocol, ports: None, source_ports: None, icmp_type: None, icmp_code: None }
    }

    /// The traffic after a change.
    ///
    /// # Errors
    /// What the change makes impossible.
    pub fn patched(self, patch: TrafficPatch) -> Result<Self, TrafficError> {
        let ports = range(self.ports, patch.port_min, patch.port_max);
        let ports = ports.ok_or(TrafficError::Range)?;
        let source = range(self.source_ports, patch.source_port_min, patch.source_port_max);
        let source_ports = source.ok_or(TrafficError::SourceRange)?;
        let icmp_type = patch.icmp_type.unwrap_or(self.icmp_type);
        let icmp_code = patch.icmp_code.unwrap_or(self.icmp_code);
        if (ports.is_some() || source_ports.is_some()) && !self.protocol.has_ports() {
            return Err(TrafficError::Ports);
        }
        if (icmp_type.is_some() || icmp_code.is_some()) && self.protocol != Protocol::Icmp {
            return Err(TrafficError::Icmp);
        }
        if icmp_code.is_some() && icmp_type.is_none() {
            return Err(TrafficError::Code);
        }
        Ok(Self { protocol: self.protocol, ports, source_ports, icmp_type, icmp_code })
    }
}

type End = Option<Option<u16>>;

/// A range after a change of its ends; none when it is none.
fn range(now: Option<(u16, u16)>, min: End, max: End) -> Option<Option<(u16, u16)>> {
    let min = min.unwrap_or(now.map(|(min, _)| min));
    let max = max.unwrap_or(now.map(|(_, max)| max));
    match (min, max) {
        (None, None) => Some(None),
        (Some(min), Some(max)) if min <= max => Some(Some((min, max))),
        _ => None,
    }
}

/// The other side of a security group's rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleRemote {
    /// Addresses.
    Range(IpRange),
    /// The members of a security group; its name is only known where it was read.
    Group(Reference<SecurityGroupId>),
}

/// A rule of a security group: it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroupRule {
    /// Its id.
    pub id: SecurityGroupRuleId,
    /// Its name, unique in the group.
    pub name: ResourceName,
    /// True for traffic to the members, false for traffic from them.
    pub inbound: bool,
    /// The other side.
    pub remote: RuleRemote,
    /// The member's own addresses.
    pub local: IpRange,
    /// What traffic.
    pub traffic: Traffic,
    /// Region time of its creation.
    pub created_at: Timestamp,
}

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Id, account, group, name (unique in the VPC).
    pub head: Head<SecurityGroupId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its rules in order of creation; none means no traffic.
    pub rules: Vec<SecurityGroupRule>,
}

/// A rule of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclRule {
    /// Its id.
    pub id: AclRuleId,
    /// Its name, unique in the ACL.
    pub name: ResourceName,
    /// It allows; it denies otherwise.
    pub allow: bool,
    /// True for traffic into the subnet, false for traffic out of it.
    pub inbound: bool,
    /// Where the traffic comes from.
    pub source: IpRange,
    /// Where it goes.
    pub destination: IpRange,
    /// What traffic.
    pub traffic: Traffic,
    /// Region time of its creation.
    pub created_at: Timestamp,
}

impl AclRule {
    /// IBM's rule: ICMP, TCP and UDP together can only be allowed.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.allow || self.traffic.protocol != Protocol::IcmpTcpUdp
    }
}

/// A network ACL. What no rule speaks of is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    /// Id, account, group, name (unique in the VPC).
    pub head: Head<AclId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its rules: the first one that fits decides.
    pub rules: Vec<AclRule>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_back_and_have_no_host_bits() {
        for text in ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.1", "10.0.0.1/32", "255.255.255.255"] {
            assert_eq!(IpRange::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/+8", "::1", "a"] {
            assert_eq!(IpRange::parse(bad), None, "{bad}");
        }
        let range = IpRange::parse("10.0.0.0/8").unwrap();
        assert!(range.contains(Ipv4Addr::new(10, 255, 0, 1)));
        assert!(!range.contains(Ipv4Addr::new(11, 0, 0, 0)));
        assert!(IpRange::EVERYWHERE.contains(Ipv4Addr::BROADCAST));
        let one = IpRange::parse("10.0.0.1").unwrap();
        assert!(one.contains(Ipv4Addr::new(10, 0, 0, 1)));
        assert!(!one.contains(Ipv4Addr::new(10, 0, 0, 2)));
    }

    #[test]
    fn each_protocol_has_one_spelling() {
        for text in ["any", "icmp_tcp_udp", "icmp", "tcp", "udp", "ah", "sctp", "number_0"] {
            assert_eq!(Protocol::parse(text).unwrap().to_string(), text);
        }
        for number in 0..=255_u8 {
            let text = format!("number_{number}");
            let named = NAMED.iter().any(|(_, n)| *n == number) || SPELLED.contains(&number);
            assert_eq!(Protocol::parse(&text).is_none(), named, "{text}");
        }
        for bad in ["all", "TCP", "number_256", "number_07", "number_", ""] {
            assert_eq!(Protocol::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ports_come_in_pairs_and_only_with_tcp_and_udp() {
        let tcp = Traffic::all(Protocol::Tcp);
        let min = |n| TrafficPatch { port_min: Some(n), ..TrafficPatch::default() };
        let both = |a, b| TrafficPatch { port_max: Some(Some(b)), ..min(Some(a)) };
        assert_eq!(tcp.patched(min(Some(22))), Err(TrafficError::Range));
        assert_eq!(tcp.patched(both(23, 22)), Err(TrafficError::Range));
        let ssh = tcp.patched(both(22, 22)).unwrap();
        assert_eq!(ssh.ports, Some((22, 22)));
        assert_eq!(ssh.patched(min(Some(20))).unwrap().ports, Some((20, 22)));
        assert_eq!(ssh.patched(min(None)), Err(TrafficError::Range));
        for protocol in [Protocol::Any, Protocol::IcmpTcpUdp, Protocol::Icmp, Protocol::Number(4)] {
            assert_eq!(Traffic::all(protocol).patched(both(1, 2)), Err(TrafficError::Ports));
        }
    }

    #[test]
    fn an_icmp_code_needs_a_type() {
        let icmp = Traffic::all(Protocol::Icmp);
        let code = TrafficPatch { icmp_code: Some(Some(0)), ..TrafficPatch::default() };
        assert_eq!(icmp.patched(code), Err(TrafficError::Code));
        let both = TrafficPatch { icmp_type: Some(Some(8)), ..code };
        let ping = icmp.patched(both).unwrap();
        let untyped = TrafficPatch { icmp_type: Some(None), ..TrafficPatch::default() };
        assert_eq!(ping.patched(untyped), Err(TrafficError::Code));
        assert_eq!(Traffic::all(Protocol::Tcp).patched(both), Err(TrafficError::Icmp));
    }
}
