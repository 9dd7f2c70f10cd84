//! Resources joined with what their answers show of others. Read in one transaction.

use base::{
    AclId, AttachmentId, ImageId, NicId, PublicGatewayId, ReservedIpId, RoutingTableId,
    SecurityGroupId, SubnetId, VniId, VolumeId, VpcId,
};

use crate::{
    Acl, Attachment, Image, Instance, InstanceStatus, Nic, ReservedIp, RoutingTable, SecurityGroup,
    Subnet, Vni, Volume, Vpc,
};

/// An id with the name that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<Id> {
    /// The id.
    pub id: Id,
    /// The name, now or when it was deleted.
    pub name: String,
    /// It is gone.
    pub deleted: bool,
}

/// A VPC with the names of its defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcView {
    /// The VPC.
    pub vpc: Vpc,
    /// Name of its resource group.
    pub group_name: String,
    /// Its default ACL.
    pub default_acl: Reference<AclId>,
    /// Its default security group.
    pub default_security_group: Reference<SecurityGroupId>,
    /// Its default routing table.
    pub default_routing_table: Reference<RoutingTableId>,
}

/// A subnet with what it points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetView {
    /// The subnet.
    pub subnet: Subnet,
    /// Name of its resource group.
    pub group_name: String,
    /// Its VPC.
    pub vpc: Reference<VpcId>,
    /// Its ACL.
    pub acl: Reference<AclId>,
    /// Its routing table.
    pub routing_table: Reference<RoutingTableId>,
    /// Its public gateway; of its own zone.
    pub public_gateway: Option<Reference<PublicGatewayId>>,
    /// Addresses that are free.
    pub available_addresses: u64,
}

/// A network interface as others name it, with its instance.
pub type InterfaceRef = (Reference<NicId>, base::InstanceId);

/// A security group with what it points to and what points to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroupView {
    /// The security group.
    pub group: SecurityGroup,
    /// Name of its resource group.
    pub group_name: String,
    /// Its VPC.
    pub vpc: Reference<VpcId>,
    /// The interfaces in it, by id.
    pub targets: Vec<GroupTarget>,
}

/// A reserved IP as others name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpReference {
    /// Id and name.
    pub ip: Reference<ReservedIpId>,
    /// The address.
    pub address: std::net::Ipv4Addr,
}

/// A virtual network interface as others name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VniRef {
    /// Id and name.
    pub vni: Reference<VniId>,
    /// Its zone: a part of its CRN.
    pub zone: base::ZoneName,
}

/// A virtual network interface as its security groups show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VniMember {
    /// The virtual network interface.
    pub vni: VniRef,
    /// Its subnet, in its own zone.
    pub subnet: Reference<SubnetId>,
    /// Its primary address.
    pub primary_ip: IpReference,
}

/// An interface that is in a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupTarget {
    /// A network interface of an instance.
    Nic(InterfaceRef),
    /// A virtual network interface.
    Vni(Box<VniMember>),
}

impl GroupTarget {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Nic((nic, _)) => nic.id.as_str(),
            Self::Vni(member) => member.vni.vni.id.as_str(),
        }
    }
}

/// What a reserved IP is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpTarget {
    /// A network interface, with its instance.
    Nic(InterfaceRef),
    /// A virtual network interface.
    Vni(VniRef),
}

/// A network ACL with what it points to and what uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclView {
    /// The ACL.
    pub acl: Acl,
    /// Name of its resource group.
    pub group_name: String,
    /// Its VPC.
    pub vpc: Reference<VpcId>,
    /// The subnets that use it, newest first.
    pub subnets: Vec<(Reference<SubnetId>, base::ZoneName)>,
}

/// A routing table with what uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingTableView {
    /// The routing table.
    pub table: RoutingTable,
    /// Name of its resource group.
    pub group_name: String,
    /// The subnets that use it, newest first.
    pub subnets: Vec<(Reference<SubnetId>, base::ZoneName)>,
}

/// A reserved IP with its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservedIpView {
    /// The reserved IP.
    pub ip: ReservedIp,
    /// The interface that uses it.
    pub target: Option<IpTarget>,
}

/// A floating IP as an interface shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatingIpRef {
    /// Id and name.
    pub ip: Reference<base::FloatingIpId>,
    /// Its zone: a part of its CRN.
    pub zone: base::ZoneName,
    /// The address.
    pub address: std::net::Ipv4Addr,
}

/// A network interface with what it points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NicView {
    /// The interface.
    pub nic: Nic,
    /// Its subnet.
    pub subnet: Reference<SubnetId>,
    /// The subnet's zone: a part of its CRN.
    pub subnet_zone: base::ZoneName,
    /// Its primary address.
    pub primary_ip: Reference<ReservedIpId>,
    /// The address itself.
    pub address: std::net::Ipv4Addr,
    /// Its security groups.
    pub security_groups: Vec<Reference<SecurityGroupId>>,
    /// The floating IP that is bound to it.
    pub floating_ip: Option<FloatingIpRef>,
    /// Where it is a network attachment: the virtual network interface that is attached.
    pub vni: Option<VniRef>,
}

/// A virtual network interface with what it points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VniView {
    /// The virtual network interface.
    pub vni: Vni,
    /// Name of its resource group.
    pub group_name: String,
    /// Its VPC.
    pub vpc: Reference<VpcId>,
    /// Its subnet, in its own zone.
    pub subnet: Reference<SubnetId>,
    /// Its addresses, the primary one first, then by address.
    pub ips: Vec<IpReference>,
    /// Its security groups.
    pub security_groups: Vec<Reference<SecurityGroupId>>,
    /// The network attachment that it is attached by.
    pub target: Option<InterfaceRef>,
}

/// An attachment with both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentView {
    /// The attachment.
    pub attachment: Attachment,
    /// The volume.
    pub volume: Reference<VolumeId>,
    /// The volume's zone: a part of its CRN.
    pub volume_zone: base::ZoneName,
    /// The volume's megabits a second.
    pub volume_bandwidth: u32,
    /// Name of the instance.
    pub instance_name: String,
    /// The instance's zone.
    pub instance_zone: base::ZoneName,
    /// The instance's status.
    pub instance_status: InstanceStatus,
}

/// A volume with its attachments and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeView {
    /// The volume.
    pub volume: Volume,
    /// Name of its resource group.
    pub group_name: String,
    /// Its attachments; at most one today.
    pub attachments: Vec<AttachmentView>,
    /// Image it was made from; the account of the image is a part of its CRN.
    pub source_image: Option<(Reference<ImageId>, base::AccountId)>,
}

/// An instance with everything its answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceView {
    /// The instance.
    pub instance: Instance,
    /// Name of its resource group.
    pub group_name: String,
    /// Its VPC.
    pub vpc: Reference<VpcId>,
    /// Image it was made from; the account of the image is a part of its CRN.
    pub image: Option<(Reference<ImageId>, base::AccountId)>,
    /// Its attachments by position; the boot one is first.
    pub attachments: Vec<AttachmentView>,
    /// Its interfaces, or network attachments; the primary one is first.
    pub nics: Vec<NicView>,
}

impl InstanceView {
    /// The boot attachment.
    #[must_use]
    pub fn boot(&self) -> Option<&AttachmentView> {
        self.attachments.iter().find(|a| a.attachment.kind == crate::AttachmentKind::Boot)
    }

    /// Its interfaces are network attachments.
    #[must_use]
    pub fn has_network_attachments(&self) -> bool {
        self.nics.iter().any(|nic| nic.vni.is_some())
    }

    /// The attachment of that id.
    #[must_use]
    pub fn attachment(&self, id: &AttachmentId) -> Option<&AttachmentView> {
        self.attachments.iter().find(|a| &a.attachment.id == id)
    }
}

/// An image with the name of its resource group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageView {
    /// The image.
    pub image: Image,
    /// Name of its resource group.
    pub group_name: String,
}
