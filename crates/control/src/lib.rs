//! What the region does: use cases, jobs and reconcilers.
//!
//! The only place that joins the ports: `meta`, `blocks`, `export`, `kms`, `compute`. It refuses
//! to know HTTP and IBM's JSON. Its invariant: every write goes through a permit that `policy`
//! gave for the caller of this very request, and every change carries its event and usage.
//!
//! The way of an image: `image/create.rs` decides, `image/capture_job.rs` does.
//!
//! Next to read: `parts` for what a region is made of, then the folder of a resource.

mod access;
mod clock;
mod context;
mod decisions;
mod error;
mod fault;
mod group;
mod iam;
mod identity;
mod image;
mod instance;
mod key;
mod key_protect;
mod network;
mod parts;
mod ssh_key;
mod storage;
mod store;
mod tag;
mod volume;
mod worker;

pub use clock::{ClockMove, ClockReading};
pub use context::RequestContext;
pub use error::Error;
pub use iam::{AccessGroupPatch, GroupRuleWrite, PolicyWrite, RoleWrite};
pub use identity::{
    ACCESS_TOKEN_LIFETIME, ApiKeyPatch, ApiKeySwitch, Authenticated, Credentials, IdentityError,
    MadeApiKey, NewApiKey, NewPart, NewPrincipal, PrincipalPatch, ProfileNamed, PublicKey,
    TokenSet,
};
pub use image::{
    ExportedFile, FileProgress, FileWatch, ImageAlone, ImageCreate, ImageExport, ImageImport,
    ImageIsolation, ImageProgress, ImageStorage, StockImage, StockOf,
};
pub use instance::{
    ActionCreate, BootVolume, CONSOLE_TOKEN_LIFETIME, CONSOLE_TOKENS_MAX, ConsoleClaim,
    ConsoleSession, ConsoleToken, DataVolume, InstanceCreate, InstanceNetwork, NewVolume,
    NicCreate, Reinitialize, TemplateCreate, VolumeSource,
};
pub use key::{KeyError, KeyJob, RETIRE_GRACE, RootKeyVersion, RootKeyVersions, RotateReport};
pub use key_protect::{
    InstancePolicyWant, KmsKeyCreate, KmsKeyList, KmsMaterial, KmsPlace, KmsRegistered,
    KmsRotation, KmsUnwrapped, KmsWrapped, ServiceInstanceCreate,
};
pub use kms::KeyVersions;
pub use meta::{
    AccessGroupFilter, ApiKeyFilter, FloatingIpFilter, FloatingIpPatch, GroupFilter, ImageFilter,
    InstanceFilter, Page, PageKey, Paged, PolicyFilter, PrincipalFilter, ReservedIpFilter,
    SecurityGroupFilter, Slice, SubnetFilter, TagFilter, VniFilter, VolumeFilter, VpcFilter,
};
pub use network::{
    FloatingIpCreate, FloatingPlace, GatewayIp, PrefixCreate, PrefixUpdate, PublicGatewayCreate,
    ReservedIpCreate, SubnetCreate, SubnetRange, VpcCreate,
};
pub use parts::{Config, Control, Parts};
pub use ssh_key::KeyCreate;
pub use storage::{Storage, StorageConfig, StorageError};
pub use store::{
    Adopted, Damage, Errand, FoundImage, FoundState, GC_GRACE, GcOptions, GcPlan, GcReport, Holder,
    HurtRoot, IndexState, REPACK_BELOW_PERCENT, RepairDisk, RepairOptions, RepairReport,
    ScrubReport, StoreJob, StoreStats, StoreTask, Upkeep, UpkeepError, VerifyReport,
};
pub use tag::{TagOn, TagOutcome};
pub use volume::VolumeCreate;
pub use worker::Workers;
