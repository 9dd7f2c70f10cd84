//! What every crate of the region shares: typed ids, CRNs, byte counts, time and randomness.
//!
//! It refuses to know any resource, protocol or file: those live above it. Its one invariant is
//! that nothing here reads the machine's clock or its random source except the two types that
//! exist for that, [`SystemClock`] and [`OsEntropy`].
//!
//! Next to read: `model`.

mod bytes;
mod clock;
mod crn;
mod entropy;
mod error;
mod id;
mod region;
mod virtual_clock;

pub use bytes::{ByteCount, GB};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp, TimestampError};
pub use crn::{Crn, CrnError};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use error::{ErrorKind, error_chain};
pub use id::{
    AccessGroupId, AccessGroupRuleId, AccountId, AclId, AclRuleId, AddressPrefixId, ApiKeyId,
    AttachmentId, EventId, FloatingIpId, IdError, ImageId, InstanceActionId, InstanceId,
    InstanceTemplateId, JobId, KeyId, KmsKeyId, NicId, PolicyId, PrincipalId, PublicGatewayId,
    ReservedIpId, ResourceGroupId, RoleId, RoutingTableId, SecurityGroupId, SecurityGroupRuleId,
    ServiceInstanceId, SubnetId, TargetId, TokenKeyId, UsageId, VniId, VolumeId, VpcId, hex_of,
    uuid_of,
};
pub use region::{RegionName, RegionNameError, ZoneName};
pub use virtual_clock::{MoveError, REGION_TIME_MAX, VirtualClock, VirtualTime};
