//! Forced statuses, for regions that are tested against.

use async_trait::async_trait;
use base::Timestamp;
use model::{ForceStatus, Forced};
use policy::SystemPermit;

use crate::{Change, StoreError};

/// Forced statuses.
#[async_trait]
pub trait FaultStore: Send + Sync {
    /// Forces a status (`model::check_force_image`, `check_force_volume`); refuses a second one
    /// onto the same resource.
    async fn status_force(
        &self,
        permit: SystemPermit,
        want: ForceStatus,
        now: Timestamp,
        change: Change,
    ) -> Result<Forced, StoreError>;
    /// Every forced status, newest first.
    async fn statuses_forced(&self, permit: SystemPermit) -> Result<Vec<Forced>, StoreError>;
    /// Takes back the forced status of the resource with this id: it has its status of before,
    /// an image what its dates say by now. A status that was changed since stays.
    async fn status_restore(
        &self,
        permit: SystemPermit,
        id: &str,
        now: Timestamp,
        change: Change,
    ) -> Result<(), StoreError>;
}
