//! Wrapped data keys: which rows have one, and a wrap put in the place of another.
//!
//! A data key never changes: only what wraps it does, so nothing that it encrypts is touched.

use async_trait::async_trait;
use base::{AccountId, ImageId, VolumeId, ZoneName};
use jobs::Fence;
use policy::SystemPermit;

use crate::StoreError;

/// What has a data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrapHolder {
    /// An image.
    Image(ImageId),
    /// A volume; its zone is in its CRN.
    Volume(VolumeId, ZoneName),
}

impl WrapHolder {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Image(id) => id.as_str(),
            Self::Volume(id, _) => id.as_str(),
        }
    }
}

/// A data key as a row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrapRow {
    /// What has it.
    pub holder: WrapHolder,
    /// The data key, wrapped.
    pub wrapped: Vec<u8>,
}

/// Wrapped data keys.
#[async_trait]
pub trait WrapStore: Send + Sync {
    /// Data keys of an account's images and volumes, whatever their state, by id, after the id
    /// `after`; at most `limit`.
    async fn wraps(
        &self,
        permit: SystemPermit,
        account: &AccountId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<WrapRow>, StoreError>;
    /// Puts `wrapped` in the place of what `row` says; false when the row says something else by
    /// now, or is gone. The resource's revision stays: nothing that a caller sees has changed.
    async fn rewrap(
        &self,
        permit: SystemPermit,
        fence: Option<&Fence>,
        row: &WrapRow,
        wrapped: &[u8],
    ) -> Result<bool, StoreError>;
}
