//! VPCs, address prefixes, subnets, reserved IPs, network interfaces, SSH keys.

use std::net::Ipv4Addr;

use async_trait::async_trait;
use base::{
    AddressPrefixId, InstanceId, KeyId, NicId, ReservedIpId, ResourceGroupId, RoutingTableId,
    SubnetId, VpcId,
};
use model::{
    Acl, AddressPrefix, IpRequest, IpSort, Nic, NicPatch, NicView, ReservedIp, ReservedIpView,
    ResourceName, RoutingTable, SecurityGroup, SshKey, Subnet, SubnetPatch, SubnetView, Vpc,
    VpcView,
};
use policy::{Permit, Scope};

use crate::{Change, Page, Paged, StoreError};

/// A VPC with everything that is made with it.
#[derive(Clone, Debug)]
pub struct NewVpc {
    /// The VPC.
    pub vpc: Vpc,
    /// Its default ACL.
    pub acl: Acl,
    /// Its default security group.
    pub security_group: SecurityGroup,
    /// Its default routing table.
    pub routing_table: RoutingTable,
    /// A prefix for each zone; none when prefixes are managed by hand.
    pub prefixes: Vec<AddressPrefix>,
}

/// Which VPCs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VpcFilter {
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only this name.
    pub name: Option<String>,
}

/// Which subnets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubnetFilter {
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only of this VPC.
    pub vpc: Option<VpcId>,
    /// Only of the VPC of this name.
    pub vpc_name: Option<String>,
    /// Only of this zone.
    pub zone: Option<String>,
    /// Only those that use this routing table.
    pub routing_table: Option<RoutingTableId>,
    /// Only those that use a routing table of this name.
    pub routing_table_name: Option<String>,
}

/// Which reserved IPs of a subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReservedIpFilter {
    /// Only this name.
    pub name: Option<String>,
    /// Only this address.
    pub address: Option<Ipv4Addr>,
    /// Only those bound to what has this id.
    pub target: Option<String>,
    /// Only those bound to what has this name.
    pub target_name: Option<String>,
    /// Only those bound to virtual network interfaces (true), or to network interfaces (false).
    pub target_vni: Option<bool>,
    /// Their order.
    pub sort: IpSort,
}

/// The network's records.
#[async_trait]
pub trait NetworkStore: Send + Sync {
    /// Writes a VPC and its defaults. Refuses a taken name and more than the limit.
    async fn vpc_create(
        &self,
        permit: &Permit,
        new: NewVpc,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A VPC.
    async fn vpc(&self, scope: &Scope, id: &VpcId) -> Result<VpcView, StoreError>;
    /// VPCs.
    async fn vpcs(
        &self,
        scope: &Scope,
        filter: &VpcFilter,
        page: &Page,
    ) -> Result<Paged<VpcView>, StoreError>;
    /// Renames a VPC; `revision` as it was read.
    async fn vpc_rename(
        &self,
        permit: &Permit,
        id: &VpcId,
        revision: u64,
        name: ResourceName,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes an empty VPC with its defaults and prefixes; refuses one with subnets or instances.
    async fn vpc_delete(
        &self,
        permit: &Permit,
        id: &VpcId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Adds a prefix: inside no other prefix of the VPC; a new default takes the zone's default over.
    async fn prefix_create(
        &self,
        permit: &Permit,
        prefix: AddressPrefix,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A prefix of a VPC; true if it has subnets.
    async fn prefix(
        &self,
        scope: &Scope,
        vpc: &VpcId,
        id: &AddressPrefixId,
    ) -> Result<(AddressPrefix, bool), StoreError>;
    /// Prefixes of a VPC.
    async fn prefixes(
        &self,
        scope: &Scope,
        vpc: &VpcId,
        page: &Page,
    ) -> Result<Paged<(AddressPrefix, bool)>, StoreError>;
    /// Renames a prefix, or makes it the zone's default (`is_default`).
    async fn prefix_update(
        &self,
        permit: &Permit,
        vpc: &VpcId,
        id: &AddressPrefixId,
        name: Option<ResourceName>,
        is_default: Option<bool>,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a prefix without subnets.
    async fn prefix_delete(
        &self,
        permit: &Permit,
        vpc: &VpcId,
        id: &AddressPrefixId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Writes a subnet of a given range, with the provider's reserved IPs (first four addresses
    /// and the last). The range must lie in a prefix of its VPC and zone and overlap no subnet.
    async fn subnet_create(
        &self,
        permit: &Permit,
        subnet: Subnet,
        reserved: Vec<ReservedIp>,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Finds the lowest free, aligned range of `count` addresses (a power of two, 8 or more) in
    /// the default prefix of the zone. Only a proposal: `subnet_create` decides.
    async fn subnet_range_free(
        &self,
        scope: &Scope,
        vpc: &VpcId,
        zone: &str,
        count: u64,
    ) -> Result<(Ipv4Addr, u8), StoreError>;
    /// A subnet.
    async fn subnet(&self, scope: &Scope, id: &SubnetId) -> Result<SubnetView, StoreError>;
    /// Subnets.
    async fn subnets(
        &self,
        scope: &Scope,
        filter: &SubnetFilter,
        page: &Page,
    ) -> Result<Paged<SubnetView>, StoreError>;
    /// Changes a subnet; ACL and routing table are of its VPC.
    async fn subnet_update(
        &self,
        permit: &Permit,
        id: &SubnetId,
        revision: u64,
        patch: SubnetPatch,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a subnet that only has the provider's reserved IPs.
    async fn subnet_delete(
        &self,
        permit: &Permit,
        id: &SubnetId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Reserves an address: `ip.address` when it is given (checked inside the subnet and free),
    /// any free one when it is `0.0.0.0`. Its target, if any, is a virtual network interface of
    /// the subnet. Returns the row as written.
    async fn reserved_ip_create(
        &self,
        permit: &Permit,
        ip: ReservedIp,
        change: Change,
    ) -> Result<ReservedIp, StoreError>;
    /// A reserved IP of a subnet.
    async fn reserved_ip(
        &self,
        scope: &Scope,
        subnet: &SubnetId,
        id: &ReservedIpId,
    ) -> Result<ReservedIpView, StoreError>;
    /// Reserved IPs of a subnet, in the filter's order.
    async fn reserved_ips(
        &self,
        scope: &Scope,
        subnet: &SubnetId,
        filter: &ReservedIpFilter,
        page: &Page,
    ) -> Result<Paged<ReservedIpView>, StoreError>;
    /// Renames a reserved IP or changes `auto_delete`; refuses the provider's.
    async fn reserved_ip_update(
        &self,
        permit: &Permit,
        subnet: &SubnetId,
        id: &ReservedIpId,
        name: Option<ResourceName>,
        auto_delete: Option<bool>,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a reserved IP, bound or not; refuses the primary one of anything and the
    /// provider's.
    async fn reserved_ip_delete(
        &self,
        permit: &Permit,
        subnet: &SubnetId,
        id: &ReservedIpId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Interfaces of an instance, the primary one first.
    async fn nics(&self, scope: &Scope, instance: &InstanceId) -> Result<Vec<NicView>, StoreError>;
    /// The instance of an interface.
    async fn nic_instance(&self, scope: &Scope, id: &NicId) -> Result<InstanceId, StoreError>;
    /// Writes another interface of an instance, with its address. Refuses a subnet of another VPC
    /// or zone, an instance with network attachments, more than its profile has, a taken name.
    async fn nic_create(
        &self,
        permit: &Permit,
        nic: Nic,
        request: IpRequest,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Changes an interface; refuses the one of a network attachment.
    async fn nic_update(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &NicId,
        patch: NicPatch,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes an interface; its floating IP is bound to nothing then, its address goes with it or
    /// is free. Refuses the primary one, and the one of a network attachment.
    async fn nic_delete(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &NicId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// Writes a key. Refuses a taken name, the same content, and more than the limit.
    async fn key_create(
        &self,
        permit: &Permit,
        key: SshKey,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A key, with the name of its resource group.
    async fn key(&self, scope: &Scope, id: &KeyId) -> Result<(SshKey, String), StoreError>;
    /// The key of that fingerprint.
    async fn key_by_fingerprint(
        &self,
        scope: &Scope,
        fingerprint: &str,
    ) -> Result<SshKey, StoreError>;
    /// Keys.
    async fn keys(
        &self,
        scope: &Scope,
        name: Option<&str>,
        page: &Page,
    ) -> Result<Paged<(SshKey, String)>, StoreError>;
    /// Renames a key.
    async fn key_rename(
        &self,
        permit: &Permit,
        id: &KeyId,
        revision: u64,
        name: ResourceName,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Deletes a key; instances keep the key they started with.
    async fn key_delete(
        &self,
        permit: &Permit,
        id: &KeyId,
        change: Change,
    ) -> Result<(), StoreError>;
}
