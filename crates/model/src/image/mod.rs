//! Images: what they are; in `source` what may become one (S13-S17), in `lifecycle` how they
//! change (S22, S25-S28), in `profiles` what they run on.
//!
//! ```text
//!  pending ──done──> available <──────────── both dates cleared ───────────┐
//!     │                │   ▲ deprecation cleared                            │
//!     │                ▼   │                                                │
//!     │            deprecated ──obsolete──> obsolete ── obsolescence cleared┘ (or to deprecated)
//!     └──failed──> failed            any but deleting ──delete──> deleting ──> gone
//! ```

mod lifecycle;
mod profiles;
mod source;

use base::{ByteCount, ImageId, Timestamp, VolumeId, ZoneName};

pub use lifecycle::{
    IMAGE_TRANSITIONS, ImageGuard, ImageTransition, ImageTrigger, LifecycleChange, apply_due,
    deleting_failed, lifecycle_change, system_ends,
};
pub use profiles::image_profiles;
pub use source::check_source;

use crate::{AllowedUse, Head, ResourceName, text_enum};

text_enum! {
    /// Status of an image.
    ImageStatus {
        /// Ready for new instances.
        Available = "available",
        /// Going away.
        Deleting = "deleting",
        /// Still usable; a newer one should be used.
        Deprecated = "deprecated",
        /// Could not be made.
        Failed = "failed",
        /// Not usable for new instances.
        Obsolete = "obsolete",
        /// Usable in some zones.
        PartiallyAvailable = "partially_available",
        /// Being made.
        Pending = "pending",
        /// Its root key is out of reach.
        Unusable = "unusable",
    }
}

text_enum! {
    /// Why an image has its status.
    ImageStatusReason {
        /// The wrapped data key does not open.
        EncryptedDataKeyInvalid = "encrypted_data_key_invalid",
        /// Its root key was deleted.
        EncryptionKeyDeleted = "encryption_key_deleted",
        /// Its root key is disabled.
        EncryptionKeyDisabled = "encryption_key_disabled",
        /// Stored bytes are damaged.
        ImageDataCorrupted = "image_data_corrupted",
        /// Its size is out of bounds.
        ImageProvisionedSizeUnsupported = "image_provisioned_size_unsupported",
        /// It is being made.
        ImageRequestInProgress = "image_request_in_progress",
        /// It waits to be made.
        ImageRequestQueued = "image_request_queued",
    }
}

text_enum! {
    /// Who sees an image.
    Visibility {
        /// Its account.
        Private = "private",
        /// Everyone: stock images.
        Public = "public",
    }
}

/// How an image is encrypted. The words differ from a volume's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageEncryption {
    /// By the provider's key; IBM calls it `none`.
    None,
    /// By a customer's root key.
    UserManaged {
        /// CRN of the root key.
        key_crn: String,
    },
}

/// A sealed root and the key to it. Never leaves the region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRef {
    /// Public id of the root: 64 hexadecimal digits.
    pub root_id: String,
    /// The root key, sealed by the owner's (image's or volume's) data key.
    pub sealed_root_key: Vec<u8>,
}

/// The volume an image was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceVolume {
    /// Its id.
    pub id: VolumeId,
    /// Its name, now or when it was deleted.
    pub name: String,
    /// Its zone: a part of its CRN.
    pub zone: ZoneName,
    /// It is gone; the image stays (S11).
    pub deleted: bool,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Id, account, group, name. Stock images belong to the provider's account.
    pub head: Head<ImageId>,
    /// Who sees it.
    pub visibility: Visibility,
    /// Its status.
    pub status: ImageStatus,
    /// Why.
    pub status_reasons: Vec<ImageStatusReason>,
    /// Name of its operating system (S3).
    pub operating_system: String,
    /// Volume it was made from.
    pub source_volume: Option<SourceVolume>,
    /// How it is encrypted.
    pub encryption: ImageEncryption,
    /// When it becomes, or became, deprecated.
    pub deprecation_at: Option<Timestamp>,
    /// When it becomes, or became, obsolete.
    pub obsolescence_at: Option<Timestamp>,
    /// Smallest boot volume it fits on: the size of its volume.
    pub capacity: ByteCount,
    /// Bytes that are not holes; known once it is made.
    pub logical: Option<ByteCount>,
    /// Bytes that its capture added to the store; known once it is made.
    pub stored: Option<ByteCount>,
    /// What it may be used for.
    pub allowed_use: AllowedUse,
    /// Its bytes; known once it is made.
    pub sealed: Option<SealedRef>,
    /// Its data key, wrapped by the root key.
    pub wrapped_data_key: Vec<u8>,
}

impl Image {
    /// New instances can be made from it (S26, S27).
    #[must_use]
    pub const fn provisionable(&self) -> bool {
        match self.status {
            ImageStatus::Available | ImageStatus::Deprecated | ImageStatus::PartiallyAvailable => {
                true
            }
            ImageStatus::Deleting
            | ImageStatus::Failed
            | ImageStatus::Obsolete
            | ImageStatus::Pending
            | ImageStatus::Unusable => false,
        }
    }

    /// It was made by the provider; accounts cannot change it.
    #[must_use]
    pub fn stock(&self) -> bool {
        self.visibility == Visibility::Public
    }

    /// The status that dates and now give a finished image: obsolete wins.
    #[must_use]
    pub fn status_by_dates(&self, now: Timestamp) -> ImageStatus {
        if self.obsolescence_at.is_some_and(|at| at <= now) {
            ImageStatus::Obsolete
        } else if self.deprecation_at.is_some_and(|at| at <= now) {
            ImageStatus::Deprecated
        } else {
            ImageStatus::Available
        }
    }
}

/// What a PATCH of an image changes. The outer option says whether the field was there, the
/// inner one whether it was null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagePatch {
    /// New name.
    pub name: Option<ResourceName>,
    /// New or cleared date.
    pub deprecation_at: Option<Option<Timestamp>>,
    /// New or cleared date.
    pub obsolescence_at: Option<Option<Timestamp>>,
    /// New allowed use.
    pub allowed_use: Option<AllowedUse>,
}
