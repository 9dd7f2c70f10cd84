//! The port: what the region asks of its database, in whole transactions and model types.
//!
//! Rules that need rows to be decided (names, quotas, states) are checked inside the transaction
//! by the pure functions of `model`, so that two callers at once cannot both pass.
//!
//! Every write that a caller asked for takes a [`policy::Permit`], and the store checks that it
//! fits; every read takes a [`policy::Scope`], which becomes conditions of the statement. The
//! region's own actors bring a [`policy::SystemPermit`].
//!
//! Which action a permit must carry (anything else is [`crate::StoreError::PermitMismatch`]):
//!
//! | call | action, on |
//! |---|---|
//! | `X_create` | `XCreate`, new in the row's account and group |
//! | `X_update`, `X_rename` | `XUpdate`, the resource |
//! | `X_delete` | `XDelete`, the resource |
//! | `image_lifecycle` | `ImageDeprecate`, `ImageObsolete`, or `ImageUpdate` for dates; the image |
//! | `instance_reinitialize` | `InstanceUpdate`, the instance |
//! | `instance_action` | `InstanceOperate`, the instance |
//! | `attachment_*`, `nic_*`, `network_attachment_*` | `InstanceUpdate`, the instance |
//! | `vni_ip_*` | `VniUpdate`, the virtual network interface |
//! | `prefix_*`, `routing_table_*` | `VpcUpdate`, the VPC |
//! | `security_group_rule_*`, `acl_rule_*` | `SecurityGroupUpdate`, `AclUpdate`, the group or ACL |
//! | `public_gateway_create` | `GatewayCreate`, new, also for a floating IP made with it |
//! | `public_gateway_*` | `GatewayUpdate`, `GatewayDelete`, the gateway |
//! | `security_group_target_*` | `SecurityGroupOperate`, the group |
//! | `reserved_ip_*` | `SubnetUpdate` or `SubnetOperate`, the subnet |
//! | `principal_*` | `UserCreate`, … of the kind; the account |
//! | `profile_part_*`, `profile_identities_replace` | `ProfileUpdate`, the account |
//! | `api_key_create`, `api_key_save`, `api_key_delete` | `ApiKeyCreate`, …; the account |
//! | `resource_group_create` | `ResourceGroupCreate`, the account |
//! | `tags_attach`, `tags_detach` | `TagAttachUser`, … of the kind; the resource |
//! | `policy_*`, `role_*`, `access_group_*`, `member*`, `group_rule*` | `PolicyRead`, … ; the account |
//! | `service_instance_*` | `ResourceInstanceCreate`, …; new in its group, or the instance |
//! | `kms_key_create` | `KmsKeyCreate`, new in the group of its instance |
//! | `kms_key_save`, `kms_alias_*`, `kms_key_purge` | an action of Key Protect, the key |
//! | `kms_ring_*`, `kms_instance_policies_save` | an action of Key Protect, the instance |
//! | `access_tags_create`, `tag_delete`, `tags_delete_unused` | of the kind; the account |

mod access;
mod fault;
mod firewall;
mod floating_ip;
mod identity;
mod image;
mod instance;
mod instance_template;
mod job;
mod key_protect;
mod network;
mod outbox;
mod page;
mod principal;
mod store_gc;
mod tag;
mod vni;
mod volume;
mod wrap;

pub use access::{AccessGroupFilter, AccessRows, AccessStore, PolicyFilter, Slice};
pub use fault::FaultStore;
pub use firewall::{AclPlace, FirewallStore, SecurityGroupFilter};
pub use floating_ip::{
    FloatingIpFilter, FloatingIpPatch, FloatingIpStore, GatewayAddress, NicReach,
};
pub use identity::{Bootstrap, GroupFilter, IdentityStore, SignIn};
pub use image::{ImageCommit, ImageFilter, ImageStore, Isolated, Rebase, SystemEnds};
pub use instance::{InstanceEnd, InstanceFilter, InstanceStore, NewBoot, NewInstance};
pub use instance_template::InstanceTemplateStore;
pub use job::{JobRow, JobStore};
pub use key_protect::{KeyProtectStore, KmsKeyFilter};
pub use network::{NetworkStore, NewVpc, ReservedIpFilter, SubnetFilter, VpcFilter};
pub use outbox::{Change, OutboxStore};
pub use page::{Page, PageKey, Paged};
pub use principal::{ApiKeyFilter, KeyUse, PrincipalFilter, PrincipalStore, Refreshed};
pub use store_gc::{
    Condemned, GcSnapshot, HolderKind, Quarantined, RootHolder, ScrubPart, StoreGcStore,
    StoreUpkeep,
};
pub use tag::{TagFilter, TagStore, TagTarget};
pub use vni::{NewNetworkAttachment, NewVni, VniFilter, VniSource, VniStore};
pub use volume::{NewAttachment, VolumeFilter, VolumeStore};
pub use wrap::{WrapHolder, WrapRow, WrapStore};

/// All of the port.
pub trait Store:
    AccessStore
    + IdentityStore
    + PrincipalStore
    + NetworkStore
    + FirewallStore
    + FloatingIpStore
    + VniStore
    + VolumeStore
    + InstanceStore
    + InstanceTemplateStore
    + ImageStore
    + JobStore
    + KeyProtectStore
    + OutboxStore
    + StoreGcStore
    + TagStore
    + WrapStore
    + FaultStore
{
}

impl<T> Store for T where
    T: AccessStore
        + IdentityStore
        + PrincipalStore
        + NetworkStore
        + FirewallStore
        + FloatingIpStore
        + VniStore
        + VolumeStore
        + InstanceStore
        + InstanceTemplateStore
        + InstanceTemplateStore
        + ImageStore
        + JobStore
        + KeyProtectStore
        + OutboxStore
        + StoreGcStore
        + TagStore
        + WrapStore
        + FaultStore
{
}
