//! Rules about floating IPs and public gateways that refuse a change.

use base::{FloatingIpId, NicId, PublicGatewayId};

/// Why a floating IP or a public gateway stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FloatingRefusal {
    /// A floating IP is for interfaces of its own zone.
    #[error("The floating IP is of zone {zone}, the network interface of {other}.")]
    Zone {
        /// The floating IP's zone.
        zone: String,
        /// The interface's zone.
        other: String,
    },
    /// A floating IP that is bound already, or that a public gateway needs.
    #[error("Floating IP {ip} is {why}.")]
    InUse {
        /// The floating IP.
        ip: FloatingIpId,
        /// Why it cannot be had.
        why: &'static str,
        /// The field that named it; none when the path did.
        field: Option<&'static str>,
    },
    /// A VPC has at most one public gateway in a zone.
    #[error("The VPC has the public gateway {gateway} in zone {zone} already.")]
    GatewayExists {
        /// The one that is there.
        gateway: PublicGatewayId,
        /// The zone.
        zone: String,
    },
    /// Deleting a public gateway that subnets use.
    #[error("Public gateway {gateway} is attached to subnets. Detach it from them first.")]
    GatewayInUse {
        /// The gateway.
        gateway: PublicGatewayId,
    },
    /// A subnet uses a public gateway of its own VPC and zone.
    #[error("The public gateway is of another VPC or zone than the subnet.")]
    GatewayElsewhere,
    /// The interface that old clients see of a network attachment.
    #[error(
        "The network interface {nic} is a network attachment's. A floating IP is bound to network \
         interfaces only."
    )]
    OfAttachment {
        /// The interface.
        nic: NicId,
    },
    /// An interface has at most one floating IP.
    #[error("The network interface {nic} has another floating IP. Unbind that one first.")]
    Taken {
        /// The interface.
        nic: NicId,
    },
}
