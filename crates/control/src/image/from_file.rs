//! A disk file becomes a finished image: stock or imported, by one way.
//!
//! The row is written last, in one transaction: before it, what lies in the store belongs to an
//! open operation and is garbage if that ends without it.

use std::sync::{Arc, atomic::AtomicBool};

use base::{AccountId, ByteCount, Crn, ImageId, ResourceGroupId};
use blocks::{FileSource, sealed::NoLog};
use meta::Change;
use model::{
    AllowedUse, Head, Image, ImageEncryption, ImageStatus, Outcome, ResourceName, Visibility,
    catalog::{OperatingSystem, operating_system},
    system_ends,
};
use policy::{Action, InternalActor};

use crate::{
    Control, Error, StorageError,
    storage::{Holder, SealRequest, SealedImage},
};

/// The version of expressions in the `allowed_use` of an image that was no volume.
const API_VERSION: &str = "2024-06-23";

/// How far the work on a disk file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileProgress {
    /// Bytes that need no more work.
    pub done_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// Who is told how far it is, from several threads, and ends it.
#[derive(Clone)]
pub struct FileWatch {
    /// Told often.
    pub told: Arc<dyn Fn(FileProgress) + Send + Sync>,
    /// Ends the work when set.
    pub cancel: Arc<AtomicBool>,
}

impl Default for FileWatch {
    /// Nobody.
    fn default() -> Self {
        Self { told: Arc::new(|_| {}), cancel: Arc::default() }
    }
}

/// An image that a disk file is to become.
pub(super) struct FromFile {
    pub(super) account: AccountId,
    pub(super) group: ResourceGroupId,
    pub(super) name: ResourceName,
    pub(super) os: &'static OperatingSystem,
    /// Public: a stock image.
    pub(super) visibility: Visibility,
    pub(super) source: FileSource,
    pub(super) capacity: ByteCount,
    pub(super) watch: FileWatch,
}

/// The request named something that cannot be.
pub(super) const fn invalid(field: &'static str, why: String) -> Error {
    Error::Invalid { field, code: "invalid_value", why }
}

/// A disk file that cannot be read, by what is wrong with it.
pub(super) fn file_error(error: &blocks::Error) -> Error {
    invalid("file", base::error_chain(error))
}

impl Control {
    /// Seals a disk file and writes the image that it is.
    pub(super) async fn image_from_file(&self, want: FromFile) -> Result<Image, Error> {
        let operation = self.operation_begin(None).await.map_err(Error::unavailable)?;
        let made = self.image_of_operation(want, operation).await;
        self.operation_end(operation).await;
        made
    }

    async fn image_of_operation(&self, want: FromFile, operation: u64) -> Result<Image, Error> {
        let id = ImageId::mint(self.region().id_prefix(), self.entropy());
        let crn = Crn::vpc(self.region().as_str(), &want.account, "image", id.as_str());
        let storage = &self.parts.storage;
        let wrapped =
            storage.data_key_mint(&crn, &want.account).await.map_err(Error::unavailable)?;
        let capacity = want.capacity;
        let source = want.source.grown(capacity.0).map_err(|e| file_error(&e))?;
        let sealed = self.file_sealed(source, operation, &want.watch).await?;
        let holder = Holder { crn: &crn, wrapped: &wrapped };
        let kept = storage.root_keep(holder, &sealed).await.map_err(Error::unavailable)?;
        let image = Image {
            head: Head {
                id,
                account: want.account,
                group: want.group,
                name: want.name,
                created_at: self.now(),
                revision: 1,
            },
            visibility: want.visibility,
            status: ImageStatus::Available,
            status_reasons: Vec::new(),
            operating_system: want.os.name.to_owned(),
            source_volume: None,
            encryption: ImageEncryption::None,
            deprecation_at: None,
            obsolescence_at: None,
            capacity,
            logical: Some(sealed.logical),
            stored: Some(sealed.stored),
            allowed_use: AllowedUse::anything(API_VERSION),
            sealed: Some(kept.clone()),
            wrapped_data_key: wrapped,
        };
        super::manifest::put(self, &image, &kept).await.map_err(Error::unavailable)?;
        self.file_image_write(image).await
    }

    async fn file_sealed(
        &self,
        source: FileSource,
        operation: u64,
        watch: &FileWatch,
    ) -> Result<SealedImage, Error> {
        let told = Arc::clone(&watch.told);
        let request = SealRequest {
            op_sequence: operation,
            log: Arc::new(NoLog),
            progress: Arc::new(move |progress| {
                told(FileProgress {
                    done_bytes: progress.chunks_done * blocks::CHUNK_SIZE,
                    total_bytes: progress.chunks_total * blocks::CHUNK_SIZE,
                });
            }),
            cancel: Arc::clone(&watch.cancel),
        };
        self.parts.storage.file_seal(source, request).await.map_err(|error| match &error {
            StorageError::Blocks(inner @ blocks::Error::DiskFile { .. }) => file_error(inner),
            _ => Error::unavailable(error),
        })
    }

    /// Writes the row. A refused one leaves no manifest.
    async fn file_image_write(&self, mut image: Image) -> Result<Image, Error> {
        let permit = Self::system(InternalActor::Operator);
        let stock = image.visibility == Visibility::Public;
        if let (true, Some(os)) = (stock, operating_system(&image.operating_system)) {
            system_ends(&mut image, os.support_ends_at(), os.vendor_ends_at(), self.now());
        }
        let usage = match (stock, image.logical) {
            // The provider is not billed by itself.
            (true, _) | (_, None) => Vec::new(),
            (false, Some(logical)) => vec![self.image_usage(&image, logical)],
        };
        let action = Action::ImageCreate.as_str();
        let region = self.region().as_str();
        let change: Change =
            self.region_change(action, Outcome::Success, "image", &image.head, region, usage);
        let written = if stock {
            self.store().image_stock_add(permit, image.clone(), change).await
        } else {
            self.store().image_adopt(permit, image.clone(), change).await
        };
        match written {
            Ok(()) => Ok(image),
            // INVARIANT: these are said before anything is written.
            Err(error @ (meta::StoreError::Refused(_) | meta::StoreError::NotFound { .. })) => {
                if let Err(left) = super::manifest::remove(self, &image.head.id).await {
                    tracing::warn!(image = %image.head.id, why = left.chain(), "manifest left");
                }
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}
