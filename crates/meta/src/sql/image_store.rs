//! The images' part of the port, each call one transaction.

use async_trait::async_trait;
use base::{AccountId, ImageId, RegionName, ResourceGroupId, Timestamp, VolumeId};
use jobs::{Fence, NewJob};
use model::{
    Image, ImageLineage, ImagePatch, ImageStatusReason, ImageView, LifecycleChange, ResourceName,
};
use policy::{Permit, Scope, Scopes, SystemPermit};

use super::{
    SqlStore, image, image_capture, image_lifecycle, image_lineage, image_list, image_place,
    retry::{reading, writing},
};
use crate::{
    Change, ImageCommit, ImageFilter, ImageStore, Isolated, Page, Paged, StoreError, SystemEnds,
};

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl ImageStore for SqlStore {
    async fn image_create(
        &self,
        permit: &Permit,
        region: &RegionName,
        image: Image,
        source: &VolumeId,
        inherit_allowed_use: bool,
        job: NewJob,
        change: Change,
    ) -> Result<()> {
        let now = self.clock.wall();
        let (image, job) = (&image, &job);
        let new = image_capture::Create { region, image, source, inherit_allowed_use, job, now };
        writing!(self, |tx| image_capture::create(tx, permit, &new, &change))
    }

    async fn image_stock_add(
        &self,
        _permit: SystemPermit,
        image: Image,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| image_capture::stock_add(tx, &image, &change))
    }

    async fn images_stock_end(
        &self,
        _permit: SystemPermit,
        ends: &(dyn for<'i> Fn(&'i Image) -> Option<SystemEnds> + Send + Sync),
        now: Timestamp,
        change: &(dyn for<'i> Fn(&'i Image) -> Change + Send + Sync),
    ) -> Result<Vec<Image>> {
        writing!(self, |tx| image_lifecycle::stock_end(tx, ends, now, change))
    }

    async fn image_place(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
        group: Option<&ResourceGroupId>,
        name: &ResourceName,
    ) -> Result<ResourceGroupId> {
        reading!(self, |tx| image_place::place(tx, account, group, name))
    }

    async fn images_stock(&self, _permit: SystemPermit) -> Result<Vec<Image>> {
        image_list::stock(&mut self.engine.glance().await?).await
    }

    async fn image(&self, scope: &Scope, id: &ImageId) -> Result<ImageView> {
        image::shown(&mut self.engine.glance().await?, scope, id).await
    }

    async fn images(
        &self,
        scope: &Scope,
        filter: &ImageFilter,
        page: &Page,
    ) -> Result<Paged<ImageView>> {
        reading!(self, |tx| image_list::list(tx, scope, filter, page))
    }

    async fn image_lineage(
        &self,
        scopes: &Scopes,
        id: &ImageId,
        limit: u32,
    ) -> Result<ImageLineage> {
        reading!(self, |tx| image_lineage::read(tx, scopes, id, limit))
    }

    async fn image_update(
        &self,
        permit: &Permit,
        id: &ImageId,
        revision: u64,
        patch: ImagePatch,
        now: Timestamp,
        change: Change,
    ) -> Result<ImageView> {
        let update = image_lifecycle::Update { id, revision, patch: &patch, now };
        writing!(self, |tx| image_lifecycle::update(tx, permit, &update, &change))
    }

    async fn image_lifecycle(
        &self,
        permit: &Permit,
        id: &ImageId,
        what: LifecycleChange,
        now: Timestamp,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| image_lifecycle::lifecycle(tx, permit, id, &what, now, &change))
    }

    async fn image_delete(
        &self,
        permit: &Permit,
        id: &ImageId,
        job: NewJob,
        change: Change,
    ) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| image_lifecycle::delete(tx, permit, id, &job, now, &change))
    }

    async fn image_any(&self, _permit: SystemPermit, id: &ImageId) -> Result<ImageView> {
        image::any(&mut self.engine.glance().await?, id).await
    }

    async fn image_reasons_set(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        id: &ImageId,
        reasons: Vec<ImageStatusReason>,
    ) -> Result<()> {
        writing!(self, |tx| image_capture::reasons_set(tx, fence, id, &reasons))
    }

    async fn image_commit(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        commit: ImageCommit,
        change: Change,
    ) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| image_capture::commit(tx, fence, &commit, now, &change))
    }

    async fn image_isolated(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        isolated: Isolated,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| image_capture::isolated(tx, fence, &isolated, &change))
    }

    async fn image_failed(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        id: &ImageId,
        reasons: Vec<ImageStatusReason>,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| image_capture::failed(tx, fence, id, &reasons, &change))
    }

    async fn image_delete_failed(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        id: &ImageId,
        now: Timestamp,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| image_lifecycle::delete_failed(tx, fence, id, now, &change))
    }

    async fn image_settled(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        volume: &VolumeId,
    ) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| image_capture::settled(tx, fence, volume, now))
    }

    async fn image_gone(
        &self,
        _permit: SystemPermit,
        fence: &Fence,
        id: &ImageId,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| image_capture::gone(tx, fence, id, &change))
    }

    async fn images_due(
        &self,
        _permit: SystemPermit,
        now: Timestamp,
        limit: u32,
        change: &(dyn for<'i> Fn(&'i Image) -> Change + Send + Sync),
    ) -> Result<Vec<ImageView>> {
        writing!(self, |tx| image_lifecycle::due(tx, now, limit, change))
    }

    async fn image_due_next(&self, _permit: SystemPermit) -> Result<Option<Timestamp>> {
        image_lifecycle::due_next(&mut self.engine.glance().await?).await
    }

    async fn roots_beside(
        &self,
        _permit: SystemPermit,
        id: &ImageId,
    ) -> Result<(Vec<String>, Vec<String>)> {
        reading!(self, |tx| image_capture::roots_beside(tx, id))
    }

    async fn roots(&self, _permit: SystemPermit) -> Result<Vec<String>> {
        image_capture::roots(&mut self.engine.glance().await?).await
    }
}
