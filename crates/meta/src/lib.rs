//! The database: one port, one set of statements, two engines.
//!
//! It refuses to know HTTP, files of the data path and processes; it is the only crate with SQL.
//! Its invariant: each call of the port is one transaction, and a change, the event that tells of
//! it and the usage that it begins or ends are in the same one.
//!
//! Next to read: `port`, then `sql`.

mod error;
mod port;
mod sql;

pub use error::StoreError;
pub use port::{
    AccessGroupFilter, AccessRows, AccessStore, AclPlace, ApiKeyFilter, Bootstrap, Change,
    Condemned, FaultStore, FirewallStore, FloatingIpFilter, FloatingIpPatch, FloatingIpStore,
    GatewayAddress, GcSnapshot, GroupFilter, HolderKind, IdentityStore, ImageCommit, ImageFilter,
    ImageStore, InstanceEnd, InstanceFilter, InstanceStore, InstanceTemplateStore, Isolated,
    JobRow, JobStore, KeyProtectStore, KeyUse, KmsKeyFilter, NetworkStore, NewAttachment, NewBoot,
    NewInstance, NewNetworkAttachment, NewVni, NewVpc, NicReach, OutboxStore, Page, PageKey, Paged,
    PolicyFilter, PrincipalFilter, PrincipalStore, Quarantined, Rebase, Refreshed,
    ReservedIpFilter, RootHolder, ScrubPart, SecurityGroupFilter, SignIn, Slice, Store,
    StoreGcStore, StoreUpkeep, SubnetFilter, SystemEnds, TagFilter, TagStore, TagTarget, VniFilter,
    VniSource, VniStore, VolumeFilter, VolumeStore, VpcFilter, WrapHolder, WrapRow, WrapStore,
};
pub use sql::SqlStore;
