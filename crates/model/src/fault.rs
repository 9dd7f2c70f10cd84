//! Statuses that the operator of a region for tests forces onto images and volumes.

use base::{ImageId, Timestamp, VolumeId};

use crate::{Image, ImageStatus, ImageStatusReason, Refusal, Volume, VolumeStatus};

/// A status to force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForceStatus {
    /// Onto an image.
    Image {
        /// The image.
        id: ImageId,
        /// Its status from now on.
        status: ImageStatus,
        /// Why, as the API shows it.
        reasons: Vec<ImageStatusReason>,
    },
    /// Onto a volume. Its reason follows from its status.
    Volume {
        /// The volume.
        id: VolumeId,
        /// Its status from now on.
        status: VolumeStatus,
    },
}

impl ForceStatus {
    /// Kind and id of what it is forced onto.
    #[must_use]
    pub fn target(&self) -> (&'static str, String) {
        match self {
            Self::Image { id, .. } => ("image", id.to_string()),
            Self::Volume { id, .. } => ("volume", id.to_string()),
        }
    }
}

/// A status that is forced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forced {
    /// `image` or `volume`.
    pub kind: &'static str,
    /// Id of it.
    pub id: String,
    /// The forced status.
    pub status: String,
    /// The forced reason, if there is one.
    pub reason: Option<String>,
    /// The status before.
    pub was: String,
    /// When it was forced, in region time.
    pub since: Timestamp,
}

/// Whether a status can be forced onto `image`: not while a job works on it, whose steps would
/// find another status than they left.
///
/// # Errors
/// [`Refusal::StatusNotForced`].
pub fn check_force_image(image: &Image) -> Result<(), Refusal> {
    let why = match image.status {
        ImageStatus::Pending => "it is being made",
        ImageStatus::Deleting => "it is being deleted",
        ImageStatus::Available
        | ImageStatus::Deprecated
        | ImageStatus::Failed
        | ImageStatus::Obsolete
        | ImageStatus::PartiallyAvailable
        | ImageStatus::Unusable => return Ok(()),
    };
    Err(Refusal::StatusNotForced { kind: "image", id: image.head.id.to_string(), why })
}

/// As [`check_force_image`], for a volume.
///
/// # Errors
/// [`Refusal::StatusNotForced`].
pub fn check_force_volume(volume: &Volume) -> Result<(), Refusal> {
    let why = match volume.status {
        _ if volume.busy => "it is busy",
        VolumeStatus::Pending => "it is being made",
        VolumeStatus::PendingDeletion => "it is being deleted",
        VolumeStatus::Updating => "it is being changed",
        VolumeStatus::Available | VolumeStatus::Failed | VolumeStatus::Unusable => return Ok(()),
    };
    Err(Refusal::StatusNotForced { kind: "volume", id: volume.head.id.to_string(), why })
}
