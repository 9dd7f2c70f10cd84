//! Stock images: the provider's, public, one available for each operating system (S25).

use std::path::PathBuf;

use base::ByteCount;
use blocks::{FileSource, Format};
use model::{
    ResourceName, Visibility,
    catalog::{BOOT_CAPACITY_GB_STOCK, operating_system},
};
use policy::InternalActor;

use super::from_file::{FileWatch, FromFile, invalid};
use crate::{Control, Error};

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
        let os = operating_system(&stock.operating_system).ok_or_else(|| {
            invalid("operating_system", format!("There is no {}.", stock.operating_system))
        })?;
        let name =
            ResourceName::parse(&stock.name).map_err(|error| invalid("name", error.to_string()))?;
        let permit = Self::system(InternalActor::Operator);
        if self.stock_names().await?.contains(&stock.name) {
            return Ok(false);
        }
        let (provider, group) = self.store().provider(permit).await?;
        let source = FileSource::open(&stock.file, Format::Raw).map_err(Error::unavailable)?;
        let gb = ByteCount(source.size()).gb_ceil().max(BOOT_CAPACITY_GB_STOCK);
        self.image_from_file(FromFile {
            account: provider.id,
            group: group.id,
            name,
            os,
            visibility: Visibility::Public,
            source,
            capacity: ByteCount::from_gb(gb),
            watch: FileWatch::default(),
        })
        .await?;
        Ok(true)
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
