//! Images and volumes at rest, opened in this process: for the operator's tools, and for tests
//! that play the guest.
//!
//! It refuses to know what the bytes mean. Its invariant: a volume that a guest or a capture has
//! is never opened.

use std::sync::Arc;

use base::{ImageId, VolumeId};
use blocks::{layer, sealed::SealedImage};
use model::{AttachmentView, Image, InstanceStatus, Refusal, SealedRef, Volume};
use policy::InternalActor;

use super::{Holder, Storage, StorageError};
use crate::{Control, Error};

impl Storage {
    async fn volume_open(
        &self,
        volume: &Volume,
        epoch: u64,
    ) -> Result<layer::Volume, StorageError> {
        let (spec, base) = self.volume_spec(volume, epoch).await?;
        let base = self.base_open(base.as_ref())?;
        Ok(tokio::task::spawn_blocking(move || layer::Volume::open(spec, base)).await??)
    }

    async fn image_open(
        &self,
        holder: Holder<'_>,
        sealed: &SealedRef,
    ) -> Result<SealedImage, StorageError> {
        let (id, key) = self.root_open(holder, sealed).await?;
        let (chunks, cache) = (Arc::clone(&self.chunks), Arc::clone(&self.cache));
        let open = move || SealedImage::open(chunks, id, &key, cache);
        Ok(tokio::task::spawn_blocking(open).await??)
    }
}

impl Control {
    /// An image that has bytes, with its root.
    pub(crate) async fn image_bytes(&self, id: &ImageId) -> Result<(Image, SealedRef), Error> {
        let permit = Self::system(InternalActor::Operator);
        let image = self.store().image_any(permit, id).await?.image;
        let sealed = image.sealed.clone().ok_or_else(|| Error::Invalid {
            field: "image",
            code: "invalid_state",
            why: format!("Image {id} is {} and has no bytes.", image.status),
        })?;
        Ok((image, sealed))
    }

    /// A volume that neither a guest nor a capture has.
    pub(super) async fn volume_at_rest(&self, id: &VolumeId) -> Result<Volume, Error> {
        let permit = Self::system(InternalActor::Operator);
        let view = self.store().volume_any(permit, id).await?;
        let stopped = |a: &AttachmentView| a.instance_status == InstanceStatus::Stopped;
        if view.volume.busy || !view.attachments.iter().all(stopped) {
            let (status, busy) = (view.volume.status, view.volume.busy);
            return Err(
                Refusal::VolumeState { volume: id.clone(), status, busy, verb: "viewed" }.into()
            );
        }
        Ok(view.volume)
    }

    /// Opens an image for reading. Calls on it block: use it from a thread that may.
    ///
    /// # Errors
    /// When there is no such image, it has no bytes yet, or its root cannot be read.
    pub async fn image_open(&self, id: &ImageId) -> Result<SealedImage, Error> {
        let (image, sealed) = self.image_bytes(id).await?;
        let crn = self.image_crn(&image);
        let holder = Holder { crn: &crn, wrapped: &image.wrapped_data_key };
        self.parts.storage.image_open(holder, &sealed).await.map_err(Error::unavailable)
    }

    /// Opens the write layer of a volume at rest, for reading and writing. Close it when done, or
    /// its instance cannot start. Calls on it block: use it from a thread that may.
    ///
    /// # Errors
    /// When there is no such volume, a running instance or a capture has it, or it is open
    /// elsewhere.
    pub async fn volume_open(&self, id: &VolumeId) -> Result<layer::Volume, Error> {
        let volume = self.volume_at_rest(id).await?;
        let permit = Self::system(InternalActor::Operator);
        let epoch = self.store().volume_epoch_next(permit, id).await?;
        let storage = &self.parts.storage;
        storage.volume_provision(&volume).await.map_err(Error::unavailable)?;
        storage.volume_open(&volume, epoch).await.map_err(Error::unavailable)
    }
}
