//! The rules of virtual network interfaces and network attachments, by name.

use base::{InstanceId, VniId};

/// A rule that refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VniRefusal {
    /// What goes with a target needs one.
    #[error("auto_delete must be false while the {what} is bound to nothing.")]
    AutoDeleteUnbound {
        /// `reserved IP` or `virtual network interface`.
        what: &'static str,
    },
    /// Settings of a virtual network interface that do not go together.
    #[error("{field} is not acceptable: {why}.")]
    Settings {
        /// The field.
        field: &'static str,
        /// The rule.
        why: &'static str,
    },
    /// An instance's interface is behind the VPC's address translation.
    #[error(
        "Virtual network interface {vni} can be attached to an instance only with \
         enable_infrastructure_nat true."
    )]
    WithoutNat {
        /// The virtual network interface.
        vni: VniId,
    },
    /// A virtual network interface that is attached.
    #[error(
        "Virtual network interface {vni} is attached to an instance, so it cannot be {verb} now. \
         Delete that network attachment first."
    )]
    InUse {
        /// The virtual network interface.
        vni: VniId,
        /// What was asked: `attached`, `deleted`.
        verb: &'static str,
    },
    /// The addresses of a virtual network interface are of one subnet.
    #[error("The reserved IP is in another subnet than virtual network interface {vni}.")]
    OtherSubnet {
        /// The virtual network interface.
        vni: VniId,
    },
    /// Network interfaces and network attachments do not mix.
    #[error(
        "Instance {instance} has {has}: change those. Network interfaces and network attachments \
         do not mix."
    )]
    Style {
        /// The instance.
        instance: InstanceId,
        /// `network interfaces` or `network attachments`.
        has: &'static str,
    },
    /// An instance keeps its primary network attachment.
    #[error("The primary network attachment of an instance cannot be deleted.")]
    Primary,
    /// An instance keeps its primary network interface.
    #[error("The primary network interface of an instance cannot be deleted.")]
    PrimaryInterface,
    /// A profile's number of network devices.
    #[error(
        "An instance of profile {profile} has at most {max} network interfaces or attachments."
    )]
    Devices {
        /// The profile.
        profile: String,
        /// How many it takes.
        max: u32,
    },
}
