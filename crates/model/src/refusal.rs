//! Every rule of the region that can refuse a well-formed request, by name.
//!
//! The texts are sentences for users and say what to do. Codes and HTTP statuses are `wire`'s.

use base::{
    AclId, AttachmentId, ImageId, InstanceId, KeyId, PolicyId, SecurityGroupId, SubnetId, VolumeId,
    VpcId,
};

use crate::{
    ActionKind, AttachmentStatus, FloatingRefusal, ImageStatus, InstanceStatus, KmsRefusal, Limit,
    VniRefusal, VolumeStatus,
};

/// A rule that refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// S13.
    #[error("Volume {volume} is not in this region. An image is made in the region of its volume.")]
    SourceVolumeElsewhere {
        /// What the request named.
        volume: String,
    },
    /// S14.
    #[error(
        "Volume {volume} is not a boot volume. Name the boot volume of an instance; data volumes \
         cannot become images."
    )]
    SourceVolumeNotBoot {
        /// The volume.
        volume: VolumeId,
    },
    /// S14.
    #[error(
        "Volume {volume} has a capacity of {gb} GB. An image can be made of a boot volume of 100 \
         to 250 GB."
    )]
    SourceVolumeCapacity {
        /// The volume.
        volume: VolumeId,
        /// Its size.
        gb: u64,
    },
    /// S15.
    #[error("Volume {volume} is not attached to an instance. Attach it as a boot volume first.")]
    SourceVolumeUnattached {
        /// The volume.
        volume: VolumeId,
    },
    /// S16.
    #[error("Volume {volume} is {status}. An image can be made of it once it is available.")]
    SourceVolumeState {
        /// The volume.
        volume: VolumeId,
        /// Its status.
        status: VolumeStatus,
    },
    /// S16.
    #[error(
        "Instance {instance} is {status} and not in an available state. Wait until it is stable, \
         then stop it."
    )]
    SourceInstanceUnavailable {
        /// The instance.
        instance: InstanceId,
        /// Its status.
        status: InstanceStatus,
    },
    /// S17.
    #[error(
        "Instance {instance} is {status}. Stop it and wait until its status is stopped, then \
         create the image."
    )]
    SourceInstanceNotStopped {
        /// The instance.
        instance: InstanceId,
        /// Its status.
        status: InstanceStatus,
    },
    /// A second capture of one volume.
    #[error("Volume {volume} is busy. Wait until the image that is being made of it is available.")]
    SourceVolumeBusy {
        /// The volume.
        volume: VolumeId,
    },
    /// The table of image lifecycles.
    #[error("The image is {status}: {why}.")]
    ImageLifecycle {
        /// Its status.
        status: ImageStatus,
        /// The rule.
        why: &'static str,
    },
    /// The rules of lifecycle dates.
    #[error("{field} is not acceptable: {why}.")]
    ImageDates {
        /// The field.
        field: &'static str,
        /// The rule.
        why: &'static str,
    },
    /// The image is in a state that forbids the request.
    #[error("Image {image} is {status}, so it cannot be {verb} now.")]
    ImageState {
        /// The image.
        image: ImageId,
        /// Its status.
        status: ImageStatus,
        /// What was asked: `changed`, `deleted`.
        verb: &'static str,
    },
    /// S27.
    #[error(
        "Image {image} has the status {status}, so no instance can be created from it. Use an \
         available image{}",
        if *.status == ImageStatus::Obsolete { ", or clear its obsolescence date." } else { "." }
    )]
    ImageNotProvisionable {
        /// The image.
        image: ImageId,
        /// Its status.
        status: ImageStatus,
    },
    /// The instance is not what the image or boot volume may be used for.
    #[error(
        "The {of} {id} may only be used where `{expression}` holds; here it does not: {facts}. \
         Choose another profile or metadata service, or change allowed_use.instance."
    )]
    NotAllowedUse {
        /// `image` or `boot volume`.
        of: &'static str,
        /// Its id.
        id: String,
        /// The expression that does not hold.
        expression: String,
        /// What it was judged by.
        facts: String,
    },
    /// Stock images belong to the provider.
    #[error("Image {image} is a stock image of the provider. Only custom images can be changed.")]
    ImagePublic {
        /// The image.
        image: ImageId,
    },
    /// The table of instance actions.
    #[error("The instance is {status}, so it cannot {action} now.")]
    InstanceState {
        /// Its status.
        status: InstanceStatus,
        /// What was asked.
        action: ActionKind,
    },
    /// The serial line of a guest is one.
    #[error(
        "The console of instance {instance} is in use. Make a token with force to take it over."
    )]
    ConsoleInUse {
        /// The instance.
        instance: InstanceId,
    },
    /// Anything else that an instance's status forbids.
    #[error("Instance {instance} is {status}, so it cannot be {verb} now.")]
    InstanceBusy {
        /// The instance.
        instance: InstanceId,
        /// Its status.
        status: InstanceStatus,
        /// What was asked: `changed`, `deleted`.
        verb: &'static str,
    },
    /// A capacity outside the bounds for its profile or use.
    #[error("A capacity of {gb} GB is outside {min} to {max} GB for {of}.")]
    VolumeCapacity {
        /// What was asked.
        gb: u64,
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
        /// For what: a profile, a boot volume, an image.
        of: String,
    },
    /// A number of operations outside the bounds.
    #[error("{iops} IOPS are outside {min} to {max} for a volume of profile {profile}.")]
    VolumeIops {
        /// What was asked.
        iops: u32,
        /// Smallest.
        min: u32,
        /// Largest.
        max: u32,
        /// Its profile.
        profile: String,
    },
    /// Megabits a second outside the bounds, or that the profile gives itself.
    #[error(
        "A bandwidth of {mbps} Mbps cannot be had with profile {profile}: {}.",
        match .bounds {
            Some((min, max)) => format!("choose {min} to {max}"),
            None => "it follows from the IOPS there".to_owned(),
        }
    )]
    VolumeBandwidth {
        /// What was asked.
        mbps: u32,
        /// Smallest and largest; none where nothing is chosen.
        bounds: Option<(u32, u32)>,
        /// Its profile.
        profile: String,
    },
    /// A profile that the volume does not fit.
    #[error("The volume has {gb} GB; profile {profile} takes {min} to {max} GB.")]
    VolumeProfileCapacity {
        /// Its size.
        gb: u64,
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
        /// The new profile.
        profile: String,
    },
    /// A profile of another family or storage generation.
    #[error(
        "A volume of profile {from} cannot change to profile {to}. Choose a profile of the same \
         family and storage generation."
    )]
    VolumeProfileChange {
        /// Its profile.
        from: String,
        /// The new one.
        to: String,
    },
    /// Deleting an attached volume.
    #[error(
        "Volume {volume} is attached to an instance. Detach it, or delete the instance, first."
    )]
    VolumeAttached {
        /// The volume.
        volume: VolumeId,
    },
    /// Anything that a volume's status forbids.
    #[error("Volume {volume} is {status}{}, so it cannot be {verb} now.", if *.busy { " and busy" } else { "" })]
    VolumeState {
        /// The volume.
        volume: VolumeId,
        /// Its status.
        status: VolumeStatus,
        /// It is busy.
        busy: bool,
        /// What was asked.
        verb: &'static str,
    },
    /// A volume is attached to, or detached from, a running or stopped instance only.
    #[error(
        "Instance {instance} is {status}, so no volume can be {verb} it now. Wait until it is \
         running or stopped."
    )]
    AttachmentInstance {
        /// The instance.
        instance: InstanceId,
        /// Its status.
        status: InstanceStatus,
        /// What was asked: `attached to`, `detached from`.
        verb: &'static str,
    },
    /// An attachment that is on its way already.
    #[error("Volume attachment {attachment} is {status}. Wait until it is attached.")]
    AttachmentState {
        /// The attachment.
        attachment: AttachmentId,
        /// Its status.
        status: AttachmentStatus,
    },
    /// Detaching or deleting a boot attachment.
    #[error("The boot volume of an instance cannot be detached.")]
    BootVolumeDetach,
    /// A name that is taken.
    #[error("The name {name} is taken by another {kind}. Choose another name.")]
    NameTaken {
        /// Kind of resource, such as `image`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// An API key, a service ID or a profile that is locked.
    #[error("The {kind} is locked. Unlock it first.")]
    IdentityLocked {
        /// What users call it.
        kind: &'static str,
    },
    /// The owner of an account cannot leave it.
    #[error("The owner of the account cannot be removed from it.")]
    AccountOwner,
    /// An API key of the caller's choice that is known already.
    #[error("That API key cannot be used. Choose another, or let the region make one.")]
    ApiKeyTaken,
    /// A key whose content is already there.
    #[error("The same public key is already there as key {key}.")]
    KeyContentExists {
        /// The other key.
        key: KeyId,
    },
    /// A VPC that is not empty.
    #[error("VPC {vpc} still has {what}. Delete them first.")]
    VpcNotEmpty {
        /// The VPC.
        vpc: VpcId,
        /// What is in it.
        what: &'static str,
    },
    /// A subnet that is in use.
    #[error("Subnet {subnet} still has network interfaces or reserved IPs. Delete them first.")]
    SubnetNotEmpty {
        /// The subnet.
        subnet: SubnetId,
    },
    /// Ranges that overlap.
    #[error("The range {cidr} overlaps {other}.")]
    RangeOverlap {
        /// What was asked.
        cidr: String,
        /// What is there.
        other: String,
    },
    /// A subnet outside the prefixes of its zone.
    #[error("The range {cidr} is in no address prefix of the VPC.")]
    NotInAddressPrefix {
        /// What was asked.
        cidr: String,
    },
    /// A subnet by size in a zone without default prefix.
    #[error("The zone {zone} has no default address prefix in this VPC. Name a CIDR block.")]
    NoDefaultAddressPrefix {
        /// The zone.
        zone: String,
    },
    /// No room in the prefix.
    #[error("The default address prefix of {zone} has no room for {count} addresses.")]
    NoSpaceForSubnet {
        /// The zone.
        zone: String,
        /// What was asked.
        count: u64,
    },
    /// A prefix with subnets.
    #[error("The address prefix {cidr} still has subnets.")]
    PrefixInUse {
        /// The prefix.
        cidr: String,
    },
    /// No free address.
    #[error("Subnet {subnet} has no free address.")]
    SubnetOutOfAddresses {
        /// The subnet.
        subnet: SubnetId,
    },
    /// An address that is outside its subnet, kept by the provider, or taken.
    #[error("Address {address} cannot be had in subnet {subnet}: {why}.")]
    AddressUnavailable {
        /// What was asked.
        address: String,
        /// The subnet.
        subnet: SubnetId,
        /// Why not.
        why: &'static str,
    },
    /// A reserved IP that is bound, or the provider's.
    #[error("Reserved IP {address} cannot be changed: {why}.")]
    ReservedIpInUse {
        /// The address.
        address: String,
        /// Why not.
        why: &'static str,
    },
    /// The default security group of a VPC goes with the VPC.
    #[error("Security group {group} is the default of its VPC and cannot be deleted.")]
    SecurityGroupDefault {
        /// The security group.
        group: SecurityGroupId,
    },
    /// A security group that something uses.
    #[error("Security group {group} is used by {what}. Remove it from them first.")]
    SecurityGroupInUse {
        /// The security group.
        group: SecurityGroupId,
        /// What uses it.
        what: &'static str,
    },
    /// Taking an interface out of its only security group.
    #[error("The network interface {target} is in no other security group. Add it to one first.")]
    LastSecurityGroup {
        /// The interface's id.
        target: String,
    },
    /// A rule of virtual network interfaces and network attachments.
    #[error(transparent)]
    Vni(#[from] VniRefusal),
    /// Key Protect.
    #[error(transparent)]
    Kms(#[from] KmsRefusal),
    /// A network ACL that something uses.
    #[error("Network ACL {acl} cannot be deleted: {why}.")]
    AclInUse {
        /// The ACL.
        acl: AclId,
        /// Why not.
        why: &'static str,
    },
    /// Two things that must be of one VPC are not.
    #[error("The {what} is in another VPC.")]
    OtherVpc {
        /// What the request named.
        what: &'static str,
        /// The field that named it.
        field: Option<&'static str>,
    },
    /// A rule that cannot be.
    #[error("The rule is not possible: {why}.")]
    RuleImpossible {
        /// Why not.
        why: &'static str,
    },
    /// A rule about floating IPs and public gateways.
    #[error(transparent)]
    Floating(#[from] FloatingRefusal),
    /// Deleting the default group.
    #[error("Resource group {name} is the account's default group and cannot be deleted.")]
    DefaultGroup {
        /// Its name.
        name: String,
    },
    /// Deleting a group with something in it.
    #[error("Resource group {name} still has {what}. Delete them first.")]
    GroupNotEmpty {
        /// Its name.
        name: String,
        /// What is in it.
        what: &'static str,
    },
    /// Attaching an access tag that nobody made.
    #[error("There is no access tag {tag}. Access tags are created before they are attached.")]
    AccessTagUnknown {
        /// The tag.
        tag: String,
    },
    /// Deleting a tag that a resource has.
    #[error("The tag {tag} is attached to a resource. Detach it first.")]
    TagInUse {
        /// The tag.
        tag: String,
    },
    /// Users see service tags and do not change them.
    #[error("Service tags are the provider's. Only user and access tags can be changed.")]
    ServiceTags,
    /// Moving the time of a region that follows the machine's.
    #[error(
        "The region's time is the machine's. Start the region with --virtual-clock to move its \
         time."
    )]
    ClockNotVirtual,
    /// A jump to the next due event, and there is none.
    #[error("Nothing is due: no image has a lifecycle date that lies ahead.")]
    NothingDue,
    /// A move beyond the end of region time.
    #[error("Region time ends at {}.", base::REGION_TIME_MAX)]
    ClockRange,
    /// Forcing a status onto what has long work under way, or a status forced already.
    #[error("The status of {kind} {id} cannot be forced now: {why}.")]
    StatusNotForced {
        /// `image` or `volume`.
        kind: &'static str,
        /// Its id.
        id: String,
        /// Why not.
        why: &'static str,
    },
    /// Two policies that say the same.
    #[error("Policy {policy} says the same. One is enough.")]
    PolicyExists {
        /// The other.
        policy: PolicyId,
    },
    /// Deleting a role that a policy gives.
    #[error("The role {name} is given by policy {policy}. Delete the policy first.")]
    RoleInUse {
        /// The role.
        name: String,
        /// One of the policies.
        policy: PolicyId,
    },
    /// Deleting an access group with members.
    #[error("The access group {name} has members. Remove them first, or delete it with force.")]
    AccessGroupNotEmpty {
        /// The group.
        name: String,
    },
    /// A named limit.
    #[error("The limit {} of {} {} is reached.", .limit.name, .limit.max, .limit.of)]
    OverLimit {
        /// Which.
        limit: Limit,
    },
}
