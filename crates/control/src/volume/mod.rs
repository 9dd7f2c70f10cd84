//! Volumes: create, change, delete; their attachments.
//!
//! Next to read: `use_cases` and `attachment` for what callers ask, `grow_job`, `attach_job` and
//! `detach_job` for what running guests are told.

mod attach_job;
mod attachment;
mod delete_job;
mod detach_job;
mod grow_job;
mod use_cases;

use base::{ByteCount, ResourceGroupId, ZoneName};
use model::ResourceName;

pub(crate) use attach_job::AttachJob;
pub(crate) use delete_job::DeleteJob;
pub(crate) use detach_job::DetachJob;
pub(crate) use grow_job::GrowJob;
pub(crate) use use_cases::VolumeDraft;

/// A volume that a caller wants.
#[derive(Clone, Debug)]
pub struct VolumeCreate {
    /// Name; made up when none.
    pub name: Option<ResourceName>,
    /// Resource group; the account's default when none.
    pub group: Option<ResourceGroupId>,
    /// Its zone.
    pub zone: ZoneName,
    /// Name of its profile.
    pub profile: String,
    /// Its size.
    pub capacity: ByteCount,
    /// Operations a second, where the profile lets one choose.
    pub iops: Option<u32>,
    /// Megabits a second, where the profile lets one choose.
    pub bandwidth: Option<u32>,
    /// CRN of a customer's root key.
    pub encryption_key: Option<String>,
    /// User tags.
    pub user_tags: Vec<String>,
}
