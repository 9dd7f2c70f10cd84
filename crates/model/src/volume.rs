//! Volumes and their attachments.

use base::{AttachmentId, ByteCount, ImageId, InstanceId, Timestamp, VolumeId, ZoneName};

use crate::{AllowedUse, Head, ResourceName, text_enum};

text_enum! {
    /// Status of a volume.
    VolumeStatus {
        /// Ready.
        Available = "available",
        /// Could not be made.
        Failed = "failed",
        /// Being made.
        Pending = "pending",
        /// Being deleted.
        PendingDeletion = "pending_deletion",
        /// Its root key is gone.
        Unusable = "unusable",
        /// Being changed.
        Updating = "updating",
    }
}

text_enum! {
    /// What an attachment is for.
    AttachmentKind {
        /// The instance boots from it.
        Boot = "boot",
        /// Any other.
        Data = "data",
    }
}

text_enum! {
    /// Status of an attachment.
    AttachmentStatus {
        /// In place, also while the instance is stopped.
        Attached = "attached",
        /// Being made.
        Attaching = "attaching",
        /// Being deleted with its instance.
        Deleting = "deleting",
        /// Being taken off.
        Detaching = "detaching",
    }
}

/// How a volume is encrypted. The words differ from an image's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeEncryption {
    /// By the provider's key.
    ProviderManaged,
    /// By a customer's root key.
    UserManaged {
        /// CRN of the root key.
        key_crn: String,
    },
}

/// Where a volume's bytes are, and how they are locked up. Never leaves the region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeStorage {
    /// Host that has the write layer.
    pub host: String,
    /// Generation of the write layer; each capture starts the next.
    pub generation: u64,
    /// Fencing epoch; each open by a new owner raises it.
    pub epoch: u64,
    /// Sealed root below the write layer; none for an empty volume.
    pub base: Option<crate::SealedRef>,
    /// The volume's data key, wrapped by the root key.
    pub wrapped_data_key: Vec<u8>,
}

/// A block storage volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Id, account, group, name.
    pub head: Head<VolumeId>,
    /// Its zone.
    pub zone: ZoneName,
    /// Name of its profile.
    pub profile: String,
    /// Its size; whole gigabytes.
    pub capacity: ByteCount,
    /// Operations a second, as the API shows it.
    pub iops: u32,
    /// Megabits a second, as the API shows it.
    pub bandwidth: u32,
    /// Its status.
    pub status: VolumeStatus,
    /// A capture or other long work reads it.
    pub busy: bool,
    /// How it is encrypted.
    pub encryption: VolumeEncryption,
    /// Name of the operating system; boot volumes only.
    pub operating_system: Option<String>,
    /// Image it was made from, with the image's name then.
    pub source_image: Option<(ImageId, String)>,
    /// Boot volumes only.
    pub allowed_use: Option<AllowedUse>,
    /// User tags, lower-case.
    pub user_tags: Vec<String>,
    /// Where its bytes are.
    pub storage: VolumeStorage,
}

/// What a PATCH of a volume changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumePatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// New tags; replaces all.
    pub user_tags: Option<Vec<String>>,
    /// New allowed use; unattached boot volumes.
    pub allowed_use: Option<AllowedUse>,
    /// New size, not smaller than it is.
    pub capacity: Option<ByteCount>,
    /// New operations a second, where the profile lets one choose.
    pub iops: Option<u32>,
    /// New megabits a second, where the profile lets one choose.
    pub bandwidth: Option<u32>,
    /// Name of the new profile, of the same family.
    pub profile: Option<String>,
}

/// The tie between a volume and an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// Its name, unique in the instance.
    pub name: ResourceName,
    /// The instance.
    pub instance: InstanceId,
    /// The volume.
    pub volume: VolumeId,
    /// What it is for.
    pub kind: AttachmentKind,
    /// Its status.
    pub status: AttachmentStatus,
    /// The volume goes with the instance.
    pub delete_volume_on_instance_delete: bool,
    /// Order of the disks: the boot disk is 0.
    pub position: u32,
    /// Region time of its creation.
    pub created_at: Timestamp,
}

impl Attachment {
    /// What the guest sees as the disk's serial, and the API as `device.id`: 20 characters.
    #[must_use]
    pub fn device_id(&self) -> String {
        let tail: String = self.id.as_str().chars().rev().take(20).collect();
        tail.chars().rev().collect()
    }
}
