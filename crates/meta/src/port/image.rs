//! Images: creation from a volume, lifecycle, deletion, and the rows of a capture.

use async_trait::async_trait;
use base::{AccountId, ByteCount, ImageId, RegionName, ResourceGroupId, Timestamp, VolumeId};
use jobs::{Fence, NewJob};
use model::{
    Image, ImageLineage, ImagePatch, ImageStatus, ImageStatusReason, ImageView, LifecycleChange,
    ResourceName, SealedRef, Visibility,
};
use policy::{Permit, Scope, Scopes, SystemPermit};

use crate::{Change, Page, Paged, StoreError};

/// Which images. Stock images come beside the account's own unless filtered away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFilter {
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only this name.
    pub name: Option<String>,
    /// Only of these statuses.
    pub statuses: Option<Vec<ImageStatus>>,
    /// Only of this visibility.
    pub visibility: Option<Visibility>,
    /// Only of one of these operating systems (from `user_data_format`).
    pub operating_systems: Option<Vec<String>>,
    /// `remote.account.id`: of another account (the provider's): true; of one's own: false.
    pub remote: Option<bool>,
    /// `remote.account.id`: of exactly this account.
    pub owner: Option<base::AccountId>,
}

/// What becomes of the captured volume.
#[derive(Clone, Debug)]
pub struct Rebase {
    /// The volume.
    pub volume: VolumeId,
    /// The generation it goes on with: one more than the captured one.
    pub generation: u64,
    /// The new root, its key sealed for the volume.
    pub base: SealedRef,
}

/// What a finished capture writes in one transaction.
#[derive(Clone, Debug)]
pub struct ImageCommit {
    /// The image.
    pub image: ImageId,
    /// Its bytes.
    pub sealed: SealedRef,
    /// Bytes that are not holes.
    pub logical: ByteCount,
    /// Bytes that the capture added to the store.
    pub stored: ByteCount,
    /// The volume goes on over the new root and is free, and starts of its instance that waited
    /// are released; none where the image was no volume.
    pub rebase: Option<Rebase>,
    /// Region time: dates that have passed apply now.
    pub at: Timestamp,
}

/// What a full re-encryption of an image writes.
#[derive(Clone, Debug)]
pub struct Isolated {
    /// The image.
    pub image: ImageId,
    /// The root that it had.
    pub from: String,
    /// Its bytes.
    pub sealed: SealedRef,
    /// Bytes that this added to the store.
    pub stored: ByteCount,
}

/// When the system of a stock image ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemEnds {
    /// Its general support.
    pub support: Option<Timestamp>,
    /// Its vendor's.
    pub vendor: Option<Timestamp>,
}

/// Images.
#[async_trait]
pub trait ImageStore: Send + Sync {
    /// Writes a `pending` image with its job, and marks the volume busy; the volume's facts
    /// (operating system, capacity, encryption) are read in this transaction and go into the
    /// image: the caller's values for `operating_system`, `capacity`, `source_volume.name` and
    /// zone are replaced by the row's, and `allowed_use` too when the caller gave none
    /// (`inherit_allowed_use`). Refuses by `model::check_source`, a taken name, the limit. An
    /// image that would leave a customer's key for the provider's (S10) is `Changed`: the caller
    /// read another volume than this one when it wrapped the data key.
    #[expect(clippy::too_many_arguments, reason = "one transaction, named in full")]
    async fn image_create(
        &self,
        permit: &Permit,
        region: &RegionName,
        image: Image,
        source: &VolumeId,
        inherit_allowed_use: bool,
        job: NewJob,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Writes a finished stock image; older available ones of its operating system become
    /// deprecated in the same transaction (S25).
    async fn image_stock_add(
        &self,
        permit: SystemPermit,
        image: Image,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Brings stock images to the ends of their system (`model::system_ends`), all that `ends`
    /// gives something for in one transaction, each that changes with its `change`. Returns
    /// those, as they are now.
    async fn images_stock_end(
        &self,
        permit: SystemPermit,
        ends: &(dyn for<'i> Fn(&'i Image) -> Option<SystemEnds> + Send + Sync),
        now: Timestamp,
        change: &(dyn for<'i> Fn(&'i Image) -> Change + Send + Sync),
    ) -> Result<Vec<Image>, StoreError>;
    /// The group that an image of this name would go into: the one named, or the account's
    /// default one. `NotFound` when there is no such account (the provider's is none) or group;
    /// refuses a taken name. Nothing is written, so `image_adopt` may still refuse.
    async fn image_place(
        &self,
        permit: SystemPermit,
        account: &AccountId,
        group: Option<&ResourceGroupId>,
        name: &ResourceName,
    ) -> Result<ResourceGroupId, StoreError>;
    /// Every stock image, newest first; there are few.
    async fn images_stock(&self, permit: SystemPermit) -> Result<Vec<Image>, StoreError>;
    /// An image that the scope sees: the account's own, or public.
    async fn image(&self, scope: &Scope, id: &ImageId) -> Result<ImageView, StoreError>;
    /// Images that the scope sees.
    async fn images(
        &self,
        scope: &Scope,
        filter: &ImageFilter,
        page: &Page,
    ) -> Result<Paged<ImageView>, StoreError>;
    /// What an image that the scopes show was made of, and what of the rest that they show was
    /// made of it: at most `limit` of each kind.
    async fn image_lineage(
        &self,
        scopes: &Scopes,
        id: &ImageId,
        limit: u32,
    ) -> Result<ImageLineage, StoreError>;
    /// Changes an image as it was read at `revision`: name, allowed use, dates (by
    /// `model::lifecycle_change`). Refuses a stock or deleting image.
    async fn image_update(
        &self,
        permit: &Permit,
        id: &ImageId,
        revision: u64,
        patch: ImagePatch,
        now: Timestamp,
        change: Change,
    ) -> Result<ImageView, StoreError>;
    /// Deprecates or makes obsolete at once, by `model::lifecycle_change`.
    async fn image_lifecycle(
        &self,
        permit: &Permit,
        id: &ImageId,
        what: LifecycleChange,
        now: Timestamp,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Marks an image as `deleting` and queues the job that removes it; a pending image's
    /// creation job is asked to cancel in the same transaction. Refuses one that is deleting.
    async fn image_delete(
        &self,
        permit: &Permit,
        id: &ImageId,
        job: NewJob,
        change: Change,
    ) -> Result<(), StoreError>;

    /// An image, for the region's own work.
    async fn image_any(&self, permit: SystemPermit, id: &ImageId) -> Result<ImageView, StoreError>;
    /// Sets the reasons of a pending image, such as `image_request_in_progress`.
    async fn image_reasons_set(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        id: &ImageId,
        reasons: Vec<ImageStatusReason>,
    ) -> Result<(), StoreError>;
    /// **The commit of a capture** (engine.md section 7, step 7): only if the job's row has the
    /// fence's epoch and the image is pending. Status by dates, bytes, event and usage, in one
    /// transaction; waiting starts of the instance are released once the volume is.
    async fn image_commit(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        commit: ImageCommit,
        change: Change,
    ) -> Result<(), StoreError>;
    /// An image was encrypted anew: its root `from` is replaced by another of the same bytes.
    /// Refuses one that has another root, or is on its way in or out. Nothing happens when it has
    /// the new root already.
    async fn image_isolated(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        isolated: Isolated,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A capture failed for good: the image becomes `failed`. Nothing happens to one that is
    /// failed or deleting already, or gone.
    async fn image_failed(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        id: &ImageId,
        reasons: Vec<ImageStatusReason>,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A deletion failed for good before anything was removed: the image is what it was before
    /// (`model::deleting_failed`). Nothing happens to one that is not deleting, or gone.
    async fn image_delete_failed(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        id: &ImageId,
        now: Timestamp,
        change: Change,
    ) -> Result<(), StoreError>;
    /// The volume of a settled capture is free again: not busy, and starts of its instance that
    /// waited are released (status `starting`, their jobs due now). Only the job that holds the
    /// volume frees it; idempotent, also when the volume is gone.
    async fn image_settled(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        volume: &VolumeId,
    ) -> Result<(), StoreError>;
    /// Removes the row of a deleting image; volumes and instances made of it keep its name.
    /// Nothing happens when it is gone already.
    async fn image_gone(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        id: &ImageId,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Moves every image whose date has come, at most `limit`, each with what `change` makes of
    /// it; returns those that moved. Idempotent.
    async fn images_due(
        &self,
        permit: SystemPermit,
        now: Timestamp,
        limit: u32,
        change: &(dyn for<'i> Fn(&'i Image) -> Change + Send + Sync),
    ) -> Result<Vec<ImageView>, StoreError>;
    /// The next date at which an image is due.
    async fn image_due_next(&self, permit: SystemPermit) -> Result<Option<Timestamp>, StoreError>;
    /// Root ids that other images than this one need, and those that volumes need.
    async fn roots_beside(
        &self,
        permit: SystemPermit,
        id: &ImageId,
    ) -> Result<(Vec<String>, Vec<String>), StoreError>;
    /// Root ids that something still needs, each once: images that are not deleting, bases of all
    /// volumes. For deletion now and GC later.
    async fn roots(&self, permit: SystemPermit) -> Result<Vec<String>, StoreError>;
}
