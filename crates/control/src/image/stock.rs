//! Stock images: the provider's, public, one available for each operating system (S25).

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use base::{ByteCount, Crn, ImageId};
use blocks::sealed::NoLog;
use model::{
    AllowedUse, Head, Image, ImageEncryption, ImageStatus, Outcome, ResourceName, Visibility,
    catalog::{BOOT_CAPACITY_GB_STOCK, operating_system},
};
use policy::{Action, InternalActor};

use crate::{
    Control, Error,
    storage::{Holder, SealRequest},
};

/// The version of expressions in a stock image's `allowed_use`.
const API_VERSION: &str = "2024-06-23";

/// A disk file that becomes a stock image.
#[derive(Clone, Debug)]
pub struct StockImage {
    /// Name, such as `ibm-ectype-minimal-12-amd64-1`.
    pub name: String,
    /// Name of its operating system.
    pub operating_system: String,
    /// Raw disk file; sparse.
    pub file: PathBuf,
}

impl Control {
    /// Makes a stock image of a disk file, unless one of that name is there; older ones of its
    /// operating system become deprecated. True if it was made.
    ///
    /// # Errors
    /// An unknown operating system, a name against the pattern, a file that cannot be read.
    pub async fn stock_add(&self, stock: StockImage) -> Result<bool, Error> {
        let invalid = |field, why: String| Error::Invalid { field, code: "invalid_value", why };
        let os = operating_system(&stock.operating_system).ok_or_else(|| {
            invalid("operating_system", format!("There is no {}.", stock.operating_system))
        })?;
        let name =
            ResourceName::parse(&stock.name).map_err(|error| invalid("name", error.to_string()))?;
        if self.stock_names().await?.contains(&stock.name) {
            return Ok(false);
        }
        let operation = self.operation_begin(None).await.map_err(Error::unavailable)?;
        let added = self.stock_seal(stock, os.name, name, operation).await;
        self.operation_end(operation).await;
        added.map(|()| true)
    }

    /// Seals the file as `operation`, which ends after its image is a row.
    async fn stock_seal(
        &self,
        stock: StockImage,
        operating_system: &str,
        name: ResourceName,
        operation: u64,
    ) -> Result<(), Error> {
        let permit = Self::system(InternalActor::Operator);
        let (provider, group) = self.store().provider(permit).await?;
        let id = ImageId::mint(self.region().id_prefix(), self.entropy());
        let crn = Crn::vpc(self.region().as_str(), &provider.id, "image", id.as_str());
        let storage = &self.parts.storage;
        let wrapped =
            storage.data_key_mint(&crn, &provider.id).await.map_err(Error::unavailable)?;
        let length = std::fs::metadata(&stock.file).map_err(Error::unavailable)?.len();
        let capacity = ByteCount::from_gb(ByteCount(length).gb_ceil().max(BOOT_CAPACITY_GB_STOCK));
        let request = SealRequest {
            op_sequence: operation,
            log: Arc::new(NoLog),
            progress: Arc::new(|_| {}),
            cancel: Arc::new(AtomicBool::new(false)),
        };
        let sealed =
            storage.file_seal(stock.file, capacity, request).await.map_err(Error::unavailable)?;
        let holder = Holder { crn: &crn, wrapped: &wrapped };
        let kept = storage.root_keep(holder, &sealed).await.map_err(Error::unavailable)?;
        let image = Image {
            head: Head {
                id,
                account: provider.id,
                group: group.id,
                name,
                created_at: self.now(),
                revision: 1,
            },
            visibility: Visibility::Public,
            status: ImageStatus::Available,
            status_reasons: Vec::new(),
            operating_system: operating_system.to_owned(),
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
        let action = Action::ImageCreate.as_str();
        let region = self.region().as_str();
        let change =
            self.region_change(action, Outcome::Success, "image", &image.head, region, Vec::new());
        Ok(self.store().image_stock_add(permit, image, change).await?)
    }

    /// Names of the stock images.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn stock_names(&self) -> Result<Vec<String>, Error> {
        let permit = Self::system(InternalActor::Operator);
        let images = self.store().images_stock(permit).await?;
        Ok(images.into_iter().map(|image| image.head.name.to_string()).collect())
    }
}
