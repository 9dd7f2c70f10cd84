//! Security groups, network ACLs and their rules as a caller wants them: well-formed, and not yet
//! held against what is there.

use base::{AclId, AclRuleId, ResourceGroupId, SecurityGroupId, VpcId};

use crate::{IpRange, Protocol, ResourceName, TrafficPatch};

/// The other side of a security group's rule, as a caller names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteWanted {
    /// Addresses.
    Range(IpRange),
    /// A security group.
    Group(SecurityGroupId),
}

/// A rule of a security group that a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroupRuleCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// True for traffic to the members.
    pub inbound: bool,
    /// Its protocol.
    pub protocol: Protocol,
    /// The other side; everywhere when none.
    pub remote: Option<RemoteWanted>,
    /// The members' addresses; all when none.
    pub local: Option<IpRange>,
    /// Ports, type and code.
    pub traffic: TrafficPatch,
}

/// What changes of a rule of a security group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityGroupRuleUpdate {
    /// New name.
    pub name: Option<ResourceName>,
    /// New direction.
    pub inbound: Option<bool>,
    /// The protocol, which cannot change.
    pub protocol: Option<Protocol>,
    /// New other side.
    pub remote: Option<RemoteWanted>,
    /// New addresses of the members.
    pub local: Option<IpRange>,
    /// Ports, type and code.
    pub traffic: TrafficPatch,
}

/// A security group that a caller wants.
#[derive(Clone, Debug)]
pub struct SecurityGroupCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its rules.
    pub rules: Vec<SecurityGroupRuleCreate>,
}

/// A rule of a network ACL that a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclRuleCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// It allows; it denies otherwise.
    pub allow: bool,
    /// True for traffic into the subnet.
    pub inbound: bool,
    /// Where the traffic comes from.
    pub source: IpRange,
    /// Where it goes.
    pub destination: IpRange,
    /// Its protocol.
    pub protocol: Protocol,
    /// Ports, type and code.
    pub traffic: TrafficPatch,
    /// The rule that it goes before; the end when none.
    pub before: Option<AclRuleId>,
}

/// What changes of a rule of a network ACL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AclRuleUpdate {
    /// New name.
    pub name: Option<ResourceName>,
    /// It allows, or denies.
    pub allow: Option<bool>,
    /// New direction.
    pub inbound: Option<bool>,
    /// New source.
    pub source: Option<IpRange>,
    /// New destination.
    pub destination: Option<IpRange>,
    /// The protocol, which cannot change.
    pub protocol: Option<Protocol>,
    /// Ports, type and code.
    pub traffic: TrafficPatch,
    /// The rule that it goes before; the end when it is cleared.
    pub before: Option<Option<AclRuleId>>,
}

/// An ACL that a caller wants.
#[derive(Clone, Debug)]
pub struct AclCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its rules.
    pub rules: AclRules,
}

/// Where the rules of a new ACL come from.
#[derive(Clone, Debug)]
pub enum AclRules {
    /// These, in this order.
    These(Vec<AclRuleCreate>),
    /// The rules of another ACL.
    Of(AclId),
}
