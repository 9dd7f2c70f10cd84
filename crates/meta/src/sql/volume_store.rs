//! The volumes' part of the port, each call one transaction.

use async_trait::async_trait;
use base::{AttachmentId, InstanceId, VolumeId};
use jobs::{Fence, NewJob};
use model::{
    Attachment, AttachmentStatus, AttachmentView, ResourceName, Volume, VolumePatch, VolumeStatus,
    VolumeView,
};
use policy::{Permit, Scope, SystemPermit};

use super::{
    SqlStore, attach, attachment,
    retry::{reading, writing},
    sight, volume, volume_change,
};
use crate::{Change, NewAttachment, Page, Paged, StoreError, VolumeFilter, VolumeStore};

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl VolumeStore for SqlStore {
    async fn volume_create(&self, permit: &Permit, volume: Volume, change: Change) -> Result<()> {
        writing!(self, |tx| volume_change::create(tx, permit, &volume, &change))
    }

    async fn volume(&self, scope: &Scope, id: &VolumeId) -> Result<VolumeView> {
        reading!(self, |tx| async {
            sight::check(tx, scope, "volumes", "volume", id).await?;
            volume::get(tx, Some(scope.account()), id).await
        })
    }

    async fn volumes(
        &self,
        scope: &Scope,
        filter: &VolumeFilter,
        page: &Page,
    ) -> Result<Paged<VolumeView>> {
        reading!(self, |tx| volume::list(tx, scope, filter, page))
    }

    async fn volume_update(
        &self,
        permit: &Permit,
        id: &VolumeId,
        revision: u64,
        patch: VolumePatch,
        job: NewJob,
        change: Change,
    ) -> Result<()> {
        let live = (&job, self.clock.wall());
        writing!(self, |tx| volume_change::update(tx, permit, id, revision, &patch, live, &change))
    }

    async fn volume_delete(
        &self,
        permit: &Permit,
        id: &VolumeId,
        job: NewJob,
        change: Change,
    ) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| volume_change::delete(tx, permit, id, &job, now, &change))
    }

    async fn volume_gone(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        id: &VolumeId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| volume_change::gone(tx, fence, id, &change))
    }

    async fn volume_any(&self, _permit: SystemPermit, id: &VolumeId) -> Result<VolumeView> {
        reading!(self, |tx| volume::get(tx, None, id))
    }

    async fn volumes_of_host(&self, _permit: SystemPermit, host: &str) -> Result<Vec<Volume>> {
        reading!(self, |tx| volume::of_host(tx, host))
    }

    async fn volume_epoch_next(&self, _permit: SystemPermit, id: &VolumeId) -> Result<u64> {
        writing!(self, |tx| volume_change::epoch_next(tx, id))
    }

    async fn volume_status_set(
        &self,
        _permit: SystemPermit,
        id: &VolumeId,
        from: VolumeStatus,
        to: VolumeStatus,
    ) -> Result<()> {
        writing!(self, |tx| volume_change::status_set(tx, id, from, to))
    }

    async fn attachment_create(
        &self,
        permit: &Permit,
        new: NewAttachment,
        change: Change,
    ) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| attach::create(tx, permit, &new, now, &change))
    }

    async fn attachment_delete(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &AttachmentId,
        job: NewJob,
        change: Change,
    ) -> Result<()> {
        let live = (&job, self.clock.wall());
        writing!(self, |tx| attach::delete(tx, permit, instance, id, live, &change))
    }

    async fn attachment_any(
        &self,
        _permit: SystemPermit,
        id: &AttachmentId,
    ) -> Result<AttachmentView> {
        attachment::get(&mut self.engine.glance().await?, id).await
    }

    async fn attachment_status_set(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        id: &AttachmentId,
        from: AttachmentStatus,
        to: AttachmentStatus,
    ) -> Result<()> {
        writing!(self, |tx| attach::status_set(tx, fence, id, from, to))
    }

    async fn attachment_gone(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        id: &AttachmentId,
        status: AttachmentStatus,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| attach::gone(tx, fence, id, status, &change))
    }

    async fn attachment_update(
        &self,
        permit: &Permit,
        instance: &InstanceId,
        id: &AttachmentId,
        name: Option<ResourceName>,
        delete_volume: Option<bool>,
        change: Change,
    ) -> Result<Attachment> {
        let patch = attachment::AttachmentPatch { name, delete_volume };
        writing!(self, |tx| attachment::update(tx, permit, instance, id, &patch, &change))
    }
}
