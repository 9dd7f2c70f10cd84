//! Images: what may become one (S13-S17), and their lifecycle (S22, S25-S28).
//!
//! ```text
//!  pending ──done──> available <──────────── both dates cleared ───────────┐
//!     │                │   ▲ deprecation cleared                            │
//!     │                ▼   │                                                │
//!     │            deprecated ──obsolete──> obsolete ── obsolescence cleared┘ (or to deprecated)
//!     └──failed──> failed            any but deleting ──delete──> deleting ──> gone
//! ```

use base::{ByteCount, ImageId, RegionName, Timestamp, VolumeId, ZoneName};

use crate::{
    AllowedUse, AttachmentKind, Head, Instance, InstanceStatus, LifecycleState, Refusal,
    ResourceName, Volume, VolumeStatus,
    catalog::{IMAGE_CAPACITY_GB_MAX, IMAGE_CAPACITY_GB_MIN},
    text_enum,
};

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

/// A change of an image's lifecycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LifecycleChange {
    /// `POST …/deprecate`.
    Deprecate,
    /// `POST …/obsolete`.
    Obsolete,
    /// The dates of a PATCH.
    Dates {
        /// As in [`ImagePatch`].
        deprecation_at: Option<Option<Timestamp>>,
        /// As in [`ImagePatch`].
        obsolescence_at: Option<Option<Timestamp>>,
    },
}

/// Applies a lifecycle change to `image`, or says why not. Touches the dates and the status.
///
/// # Errors
/// [`Refusal::ImageLifecycle`] and [`Refusal::ImageDates`], as the table of the API says.
pub fn lifecycle_change(
    image: &mut Image,
    change: &LifecycleChange,
    now: Timestamp,
) -> Result<(), Refusal> {
    let refuse = |why| Err(Refusal::ImageLifecycle { status: image.status, why });
    match change {
        LifecycleChange::Deprecate => {
            if image.status != ImageStatus::Available {
                return refuse("only an available image can be deprecated");
            }
            if image.deprecation_at.is_some() {
                return refuse("a deprecation is already scheduled: clear deprecation_at first");
            }
            if image.obsolescence_at.is_some_and(|at| at <= now) {
                return refuse("its obsolescence date has passed");
            }
            image.deprecation_at = Some(now);
            image.status = ImageStatus::Deprecated;
        }
        LifecycleChange::Obsolete => {
            if !matches!(image.status, ImageStatus::Available | ImageStatus::Deprecated) {
                return refuse("only an available or deprecated image can be made obsolete");
            }
            if image.deprecation_at.is_some_and(|at| at > now) {
                return refuse("a deprecation is scheduled: clear deprecation_at first");
            }
            if image.obsolescence_at.is_some() {
                return refuse("an obsolescence is already scheduled: clear obsolescence_at first");
            }
            image.obsolescence_at = Some(now);
            image.status = ImageStatus::Obsolete;
        }
        LifecycleChange::Dates { deprecation_at, obsolescence_at } => {
            change_dates(image, *deprecation_at, *obsolescence_at, now)?;
        }
    }
    Ok(())
}

fn change_dates(
    image: &mut Image,
    deprecation: Option<Option<Timestamp>>,
    obsolescence: Option<Option<Timestamp>>,
    now: Timestamp,
) -> Result<(), Refusal> {
    if matches!(image.status, ImageStatus::Failed | ImageStatus::Deleting) {
        return Err(Refusal::ImageLifecycle {
            status: image.status,
            why: "a failed or deleting image has no lifecycle",
        });
    }
    let dates = [
        ("deprecation_at", deprecation, image.deprecation_at),
        ("obsolescence_at", obsolescence, image.obsolescence_at),
    ];
    for (field, wanted, held) in dates {
        let Some(Some(at)) = wanted else { continue };
        let passed = held.is_some_and(|at| at <= now);
        if passed && held == wanted.flatten() {
            continue;
        }
        if passed {
            return Err(Refusal::ImageDates {
                field,
                why: "it has passed and can only be cleared",
            });
        }
        if at <= now {
            return Err(Refusal::ImageDates { field, why: "it must be in the future" });
        }
    }
    let deprecation_at = deprecation.unwrap_or(image.deprecation_at);
    let obsolescence_at = obsolescence.unwrap_or(image.obsolescence_at);
    if let (Some(first), Some(last)) = (deprecation_at, obsolescence_at)
        && first >= last
    {
        return Err(Refusal::ImageDates {
            field: "obsolescence_at",
            why: "it must be after deprecation_at",
        });
    }
    image.deprecation_at = deprecation_at;
    image.obsolescence_at = obsolescence_at;
    apply_due(image, now);
    Ok(())
}

/// Sets the status that the dates give, for an image that has a lifecycle now. True if it moved.
pub fn apply_due(image: &mut Image, now: Timestamp) -> bool {
    let lives = match image.status {
        ImageStatus::Available | ImageStatus::Deprecated | ImageStatus::Obsolete => true,
        ImageStatus::Deleting
        | ImageStatus::Failed
        | ImageStatus::PartiallyAvailable
        | ImageStatus::Pending
        | ImageStatus::Unusable => false,
    };
    let next = image.status_by_dates(now);
    let moves = lives && next != image.status;
    if moves {
        image.status = next;
    }
    moves
}

/// Whether an image may be made of `volume` now. The order of the checks is fixed: first what
/// the volume is, then how it is attached, then what state it and its instance are in.
///
/// # Errors
/// One [`Refusal`] for each rule S13 to S17.
pub fn check_source(
    region: &RegionName,
    volume: &Volume,
    attached: Option<(AttachmentKind, &Instance)>,
) -> Result<(), Refusal> {
    let id = || volume.head.id.clone();
    if region.zone(volume.zone.as_str()).is_none() {
        return Err(Refusal::SourceVolumeElsewhere { volume: id().to_string() });
    }
    if volume.operating_system.is_none() || matches!(attached, Some((AttachmentKind::Data, _))) {
        return Err(Refusal::SourceVolumeNotBoot { volume: id() });
    }
    let gb = volume.capacity.gb_ceil();
    if !(IMAGE_CAPACITY_GB_MIN..=IMAGE_CAPACITY_GB_MAX).contains(&gb) {
        return Err(Refusal::SourceVolumeCapacity { volume: id(), gb });
    }
    let Some((AttachmentKind::Boot, instance)) = attached else {
        return Err(Refusal::SourceVolumeUnattached { volume: id() });
    };
    if volume.status != VolumeStatus::Available {
        return Err(Refusal::SourceVolumeState { volume: id(), status: volume.status });
    }
    if instance.lifecycle_state != LifecycleState::Stable
        || matches!(
            instance.status,
            InstanceStatus::Failed | InstanceStatus::Pending | InstanceStatus::Deleting
        )
    {
        return Err(Refusal::SourceInstanceUnavailable {
            instance: instance.head.id.clone(),
            status: instance.status,
        });
    }
    if instance.status != InstanceStatus::Stopped {
        return Err(Refusal::SourceInstanceNotStopped {
            instance: instance.head.id.clone(),
            status: instance.status,
        });
    }
    if volume.busy {
        return Err(Refusal::SourceVolumeBusy { volume: id() });
    }
    Ok(())
}
