//! VPCs and what is in them. These are records with real address allocation; what a guest can
//! reach is `compute`'s business.

use std::net::Ipv4Addr;

use base::{
    AclId, AddressPrefixId, InstanceId, NicId, PublicGatewayId, ReservedIpId, RoutingTableId,
    SecurityGroupId, SubnetId, VniId, VpcId, ZoneName,
};

use crate::{Head, ResourceName, text_enum};

/// A virtual private cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vpc {
    /// Id, account, group, name.
    pub head: Head<VpcId>,
    /// Its default network ACL.
    pub default_acl: AclId,
    /// Its default security group.
    pub default_security_group: SecurityGroupId,
    /// Its default routing table.
    pub default_routing_table: RoutingTableId,
}

/// A range of addresses that a VPC's subnets of one zone are cut from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressPrefix {
    /// Id, account, group, name (unique in the VPC).
    pub head: Head<AddressPrefixId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its zone.
    pub zone: ZoneName,
    /// The range, such as `10.240.0.0/18`: first address and prefix length.
    pub cidr: (Ipv4Addr, u8),
    /// Subnets asked for by size are cut from the zone's default prefix.
    pub is_default: bool,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Id, account, group, name (unique in the VPC).
    pub head: Head<SubnetId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its zone.
    pub zone: ZoneName,
    /// The range: first address and prefix length.
    pub cidr: (Ipv4Addr, u8),
    /// Its network ACL.
    pub acl: AclId,
    /// Its routing table.
    pub routing_table: RoutingTableId,
    /// The public gateway that its guests go out by.
    pub public_gateway: Option<PublicGatewayId>,
}

impl Subnet {
    /// Addresses in the range.
    #[must_use]
    pub const fn total_addresses(&self) -> u64 {
        1 << (32 - self.cidr.1)
    }
}

text_enum! {
    /// Who made a reserved IP.
    IpOwner {
        /// The account's user.
        User = "user",
        /// The region itself: network, gateway, DNS, reserved, broadcast.
        Provider = "provider",
    }
}

/// An address of a subnet that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedIp {
    /// Id, account, group, name (unique in the subnet).
    pub head: Head<ReservedIpId>,
    /// Its subnet.
    pub subnet: SubnetId,
    /// The address.
    pub address: Ipv4Addr,
    /// Goes with its target.
    pub auto_delete: bool,
    /// Who made it.
    pub owner: IpOwner,
    /// What uses it.
    pub target: Option<IpHolder>,
}

/// What uses a reserved IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpHolder {
    /// A network interface of an instance.
    Nic(NicId),
    /// A virtual network interface.
    Vni(VniId),
}

impl IpHolder {
    /// Its id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Nic(id) => id.as_str(),
            Self::Vni(id) => id.as_str(),
        }
    }
}

text_enum! {
    /// What reserved IPs are listed by.
    IpOrder {
        /// The address.
        Address = "address",
        /// The time of creation.
        CreatedAt = "created_at",
        /// The name.
        Name = "name",
    }
}

/// The order of a list of reserved IPs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpSort {
    /// What they are listed by.
    pub by: IpOrder,
    /// The largest first.
    pub descending: bool,
}

impl Default for IpSort {
    fn default() -> Self {
        Self { by: IpOrder::Address, descending: false }
    }
}

impl IpSort {
    /// Reads `address`, `-created_at` and the like.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (text, descending) = match text.strip_prefix('-') {
            Some(text) => (text, true),
            None => (text, false),
        };
        IpOrder::parse(text).map(|by| Self { by, descending })
    }
}

/// How a network interface wants its primary address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpRequest {
    /// Any free address of the subnet.
    Any {
        /// Name for the reserved IP; made up when none.
        name: Option<ResourceName>,
    },
    /// Any free address of the subnet, which stays when the interface goes.
    AnyKept {
        /// Name for the reserved IP; made up when none.
        name: Option<ResourceName>,
    },
    /// This address.
    Address {
        /// The address.
        address: Ipv4Addr,
        /// Name for the reserved IP; made up when none.
        name: Option<ResourceName>,
        /// Goes with the interface.
        auto_delete: bool,
    },
    /// A reserved IP that exists and is free.
    Reserved(ReservedIpId),
}

/// A network interface of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Id, account, group, name (unique in the instance).
    pub head: Head<NicId>,
    /// Its instance.
    pub instance: InstanceId,
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its primary address.
    pub primary_ip: ReservedIpId,
    /// Its security groups.
    pub security_groups: Vec<SecurityGroupId>,
    /// May send from other addresses.
    pub allow_ip_spoofing: bool,
    /// The primary interface, of which an instance has exactly one.
    pub primary: bool,
    /// MAC address, such as `02:00:…`.
    pub mac: String,
}

/// A routing table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingTable {
    /// Id, account, group, name (unique in the VPC).
    pub head: Head<RoutingTableId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// The VPC's default one.
    pub is_default: bool,
}

/// What changes of a subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubnetPatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// Another ACL of its VPC.
    pub acl: Option<AclId>,
    /// Another routing table of its VPC.
    pub routing_table: Option<RoutingTableId>,
    /// Another public gateway of its VPC and zone, or (none) none any more.
    pub public_gateway: Option<Option<PublicGatewayId>>,
}

/// What changes of a network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NicPatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// May send from other addresses.
    pub allow_ip_spoofing: Option<bool>,
}
