//! VPCs, prefixes, subnets, reserved IPs, network interfaces, floating IPs, public gateways;
//! security groups, ACLs, routing tables.
//!
//! These are records with real address allocation, and `forward` applies a part of them to guests:
//! what security groups open on a floating IP, and whether there is a way out. Guests do not reach
//! each other: traffic from guest to guest is not built.

mod acl;
mod attachment;
mod floating_ip;
mod forward;
mod nic;
mod prefix;
mod public_gateway;
mod reserved_ip;
mod routing_table;
mod security_group;
mod subnet;
mod vni;
mod vpc;

use std::net::Ipv4Addr;

use base::{AclId, PublicGatewayId, ResourceGroupId, RoutingTableId, VniId, VpcId, ZoneName};
use model::ResourceName;

pub(crate) use attachment::Place;
pub use floating_ip::{FloatingIpCreate, FloatingPlace};
pub(crate) use forward::ForwardBoard;
pub use public_gateway::{GatewayIp, PublicGatewayCreate};
pub(crate) use vni::VniPaths;

/// A VPC that a caller wants.
#[derive(Clone, Debug, Default)]
pub struct VpcCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// No address prefix is made.
    pub manual_prefixes: bool,
}

/// An address prefix that a caller wants.
#[derive(Clone, Debug)]
pub struct PrefixCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Its zone.
    pub zone: ZoneName,
    /// The range.
    pub cidr: (Ipv4Addr, u8),
    /// Becomes the zone's default.
    pub is_default: bool,
}

/// What changes on an address prefix.
#[derive(Clone, Debug, Default)]
pub struct PrefixUpdate {
    /// New name.
    pub name: Option<ResourceName>,
    /// Becomes, or no longer is, the zone's default.
    pub is_default: Option<bool>,
}

/// A subnet that a caller wants.
#[derive(Clone, Debug)]
pub struct SubnetCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its range.
    pub range: SubnetRange,
    /// Its ACL; the VPC's default one when none.
    pub acl: Option<AclId>,
    /// Its routing table; the VPC's default one when none.
    pub routing_table: Option<RoutingTableId>,
    /// Its public gateway.
    pub public_gateway: Option<PublicGatewayId>,
}

/// How the range of a subnet is given.
#[derive(Clone, Debug)]
pub enum SubnetRange {
    /// As a block; the zone is the one of the prefix it lies in, and must be `zone` if given.
    Cidr {
        /// The range.
        cidr: (Ipv4Addr, u8),
        /// The zone that the caller named.
        zone: Option<ZoneName>,
    },
    /// By size.
    Count {
        /// Addresses: a power of two, 8 to 2^23.
        count: u64,
        /// The zone.
        zone: ZoneName,
    },
}

/// A reserved IP that a caller wants.
#[derive(Clone, Debug, Default)]
pub struct ReservedIpCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// The address; any free one when none.
    pub address: Option<Ipv4Addr>,
    /// Goes with its target; false when none.
    pub auto_delete: Option<bool>,
    /// The virtual network interface that it is bound to.
    pub target: Option<VniId>,
}
