//! Volumes and their attachments.

use async_trait::async_trait;
use base::{AttachmentId, InstanceId, ResourceGroupId, VolumeId};
use jobs::{Fence, NewJob};
use model::{
    Attachment, AttachmentStatus, AttachmentView, ResourceName, Volume, VolumePatch, VolumeStatus,
    VolumeView,
};
use policy::{Permit, Scope, SystemPermit};

use crate::{Change, Page, Paged, StoreError};

/// Which volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeFilter {
    /// Only of this resource group.
    pub group: Option<ResourceGroupId>,
    /// Only this name.
    pub name: Option<String>,
    /// Only of this zone.
    pub zone: Option<String>,
    /// `attached` (true) or `unattached` (false).
    pub attached: Option<bool>,
    /// `user_managed` (true) or `provider_managed` (false).
    pub user_managed: Option<bool>,
    /// Boot volumes of one of these operating systems; `Some(empty)` finds none.
    pub operating_systems: Option<Vec<String>>,
    /// Volumes with (true) or without (false) an operating system.
    pub has_operating_system: Option<bool>,
    /// Only with this user tag.
    pub tag: Option<String>,
    /// Only of one of these profiles; `Some(empty)` finds none.
    pub profiles: Option<Vec<String>>,
}

/// An attachment that is made to an instance that exists.
#[derive(Clone, Debug)]
pub struct NewAttachment {
    /// The attachment. The store decides its status and its position.
    pub attachment: Attachment,
    /// The volume when it is made with it; none for one that exists.
    pub volume: Option<Volume>,
    /// The job that gives it to a running guest.
    pub job: NewJob,
}

/// Volumes.
#[async_trait]
pub trait VolumeStore: Send + Sync {
    /// Writes a volume that is attached to nothing. Refuses a taken name and more than the limit.
    async fn volume_create(
        &self,
        permit: &Permit,
        volume: Volume,
        change: Change,
    ) -> Result<(), StoreError>;
    /// A volume.
    async fn volume(&self, scope: &Scope, id: &VolumeId) -> Result<VolumeView, StoreError>;
    /// Volumes.
    async fn volumes(
        &self,
        scope: &Scope,
        filter: &VolumeFilter,
        page: &Page,
    ) -> Result<Paged<VolumeView>, StoreError>;
    /// Changes a volume as it was read at `revision`; refuses when its status forbids it. One
    /// that grows under an instance that is not stopped becomes `updating`, and `job`, which
    /// shows the guest the new size, is queued.
    async fn volume_update(
        &self,
        permit: &Permit,
        id: &VolumeId,
        revision: u64,
        patch: VolumePatch,
        job: NewJob,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Marks an unattached, idle volume as `pending_deletion` and queues the job that removes it.
    async fn volume_delete(
        &self,
        permit: &Permit,
        id: &VolumeId,
        job: NewJob,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Removes the row of a volume that is pending deletion; images made of it keep its name.
    /// Nothing happens when it is gone already.
    async fn volume_gone(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        id: &VolumeId,
        change: Change,
    ) -> Result<(), StoreError>;

    /// A volume, for the region's own work.
    async fn volume_any(
        &self,
        permit: SystemPermit,
        id: &VolumeId,
    ) -> Result<VolumeView, StoreError>;
    /// Every volume whose write layer is on `host`, for start-up.
    async fn volumes_of_host(
        &self,
        permit: SystemPermit,
        host: &str,
    ) -> Result<Vec<Volume>, StoreError>;
    /// Raises the fencing epoch of a volume and returns it: whoever opens the layer comes first.
    async fn volume_epoch_next(
        &self,
        permit: SystemPermit,
        id: &VolumeId,
    ) -> Result<u64, StoreError>;
    /// Sets the status (compare-and-swap on `from`).
    async fn volume_status_set(
        &self,
        permit: SystemPermit,
        id: &VolumeId,
        from: VolumeStatus,
        to: VolumeStatus,
    ) -> Result<(), StoreError>;

    /// Ties a volume to an instance. In the transaction: the instance is running or stopped, the
    /// volume is free and of its zone, names and limits. Attached at once to a stopped instance;
    /// `attaching` to a running one, and the job is queued.
    async fn attachment_create(
        &self,
        permit: &Permit,
        new: NewAttachment,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Takes a data volume off an instance that is running or stopped: gone at once from a stopped
    /// one; `detaching` from a running one, and the job is queued.
    async fn attachment_delete(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &AttachmentId,
        job: NewJob,
        change: Change,
    ) -> Result<(), StoreError>;
    /// An attachment, for the region's own work.
    async fn attachment_any(
        &self,
        permit: SystemPermit,
        id: &AttachmentId,
    ) -> Result<AttachmentView, StoreError>;
    /// Sets the status (compare-and-swap on `from`).
    async fn attachment_status_set(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        id: &AttachmentId,
        from: AttachmentStatus,
        to: AttachmentStatus,
    ) -> Result<(), StoreError>;
    /// Removes an attachment that is in `status`; nothing happens when it is gone, or goes with
    /// its instance.
    async fn attachment_gone(
        &self,
        permit: SystemPermit,
        fence: &Fence,
        id: &AttachmentId,
        status: AttachmentStatus,
        change: Change,
    ) -> Result<(), StoreError>;
    /// Renames an attachment or changes its delete flag.
    async fn attachment_update(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &AttachmentId,
        name: Option<ResourceName>,
        delete_volume: Option<bool>,
        change: Change,
    ) -> Result<Attachment, StoreError>;
}
