//! Read-only views over NBD, for the operator: an image, or the volume of a stopped instance.

use std::path::PathBuf;

use base::{ImageId, VolumeId};
use policy::InternalActor;

use super::{Access, Holder, Storage, StorageError};
use crate::{Control, Error};

/// Export id of an image's view.
fn view_id(image: &ImageId) -> String {
    format!("view-{image}")
}

impl Storage {
    async fn image_view(
        &self,
        id: &str,
        holder: Holder<'_>,
        sealed: &model::SealedRef,
    ) -> Result<PathBuf, StorageError> {
        let root = self.root_open(holder, sealed).await?;
        self.root_export(id, &root).await
    }
}

impl Control {
    /// Serves an image read-only; the unix socket of its NBD server.
    ///
    /// # Errors
    /// When there is no such image, or it has no bytes yet.
    pub async fn image_view_open(&self, id: &ImageId) -> Result<PathBuf, Error> {
        let (image, sealed) = self.image_bytes(id).await?;
        let crn = self.image_crn(&image);
        let holder = Holder { crn: &crn, wrapped: &image.wrapped_data_key };
        // The image may be deleted while it is viewed.
        let permit = Self::system(InternalActor::Operator);
        self.store().pin(permit, &view_id(id), &sealed.root_id).await?;
        match self.parts.storage.image_view(&view_id(id), holder, &sealed).await {
            Ok(socket) => Ok(socket),
            Err(error) => {
                self.store().unpin(permit, &view_id(id)).await?;
                Err(Error::unavailable(error))
            }
        }
    }

    /// Ends the view of an image.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn image_view_close(&self, id: &ImageId) -> Result<(), Error> {
        self.parts.storage.unexport(&view_id(id)).await.map_err(Error::unavailable)?;
        let permit = Self::system(InternalActor::Operator);
        Ok(self.store().unpin(permit, &view_id(id)).await?)
    }

    /// Serves the volume of a stopped instance; the unix socket of its NBD server. It must be
    /// closed before the instance starts.
    ///
    /// # Errors
    /// When there is no such volume, or a running instance or a capture has it.
    pub async fn volume_view_open(&self, id: &VolumeId) -> Result<PathBuf, Error> {
        let volume = self.volume_at_rest(id).await?;
        let permit = Self::system(InternalActor::Operator);
        let epoch = self.store().volume_epoch_next(permit, id).await?;
        let storage = &self.parts.storage;
        storage.volume_provision(&volume).await.map_err(Error::unavailable)?;
        storage.volume_export(&volume, epoch, Access::ReadOnly).await.map_err(Error::unavailable)
    }

    /// Ends the view of a volume.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn volume_view_close(&self, id: &VolumeId) -> Result<(), Error> {
        self.parts.storage.unexport(id.as_str()).await.map_err(Error::unavailable)
    }
}
