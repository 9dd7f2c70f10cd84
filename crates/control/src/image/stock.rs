//! Stock images: the provider's, public, one available for each operating system (S25): a newer
//! one deprecates the older, the end of support all, and their vendor's end makes them obsolete.

use std::path::PathBuf;

use base::ByteCount;
use blocks::FileSource;
use formats::Format;
use meta::{Change, SystemEnds};
use model::{
    Image, Outcome, Refusal, ResourceName, Visibility,
    catalog::{BOOT_CAPACITY_GB_MAX, BOOT_CAPACITY_GB_STOCK, operating_system},
};
use policy::{Action, InternalActor};

use super::from_file::{FileWatch, FromFile, file_error, invalid};
use crate::{Control, Error};

/// A disk file that becomes a stock image.
#[derive(Clone, Debug)]
pub struct StockImage {
    /// Name, such as `ibm-ectype-minimal-12-amd64-1`.
    pub name: String,
    /// Name of its operating system.
    pub operating_system: String,
    /// Disk file.
    pub file: PathBuf,
}

/// Which stock images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StockOf {
    /// The one of this name.
    Name(String),
    /// All of this operating system.
    System(String),
}

impl StockOf {
    fn fits(&self, image: &Image) -> bool {
        match self {
            Self::Name(name) => image.head.name.as_str() == name,
            Self::System(system) => &image.operating_system == system,
        }
    }
}

impl Control {
    /// Makes a stock image of a disk file in any format. Older ones of its operating system
    /// become deprecated, and it is dated by the ends of that system, in one transaction.
    ///
    /// # Errors
    /// An unknown operating system, a name against the pattern or taken, a file that cannot be
    /// read.
    pub async fn stock_import(
        &self,
        stock: StockImage,
        format: Format,
        watch: FileWatch,
    ) -> Result<Image, Error> {
        let os = operating_system(&stock.operating_system).ok_or_else(|| {
            invalid("operating_system", format!("There is no {}.", stock.operating_system))
        })?;
        let name =
            ResourceName::parse(&stock.name).map_err(|error| invalid("name", error.to_string()))?;
        if self.stock_names().await?.contains(&stock.name) {
            return Err(Refusal::NameTaken { kind: "image", name: stock.name }.into());
        }
        let (provider, group) =
            self.store().provider(Self::system(InternalActor::Operator)).await?;
        let file = stock.file;
        let open = move || FileSource::open(&file, format);
        let opened = tokio::task::spawn_blocking(open).await.map_err(Error::internal)?;
        let source = opened.map_err(|error| file_error(&error))?;
        let gb = ByteCount(source.size()).gb_ceil().max(BOOT_CAPACITY_GB_STOCK);
        if gb > BOOT_CAPACITY_GB_MAX {
            let why =
                format!("The disk has {gb} GB; a boot volume has at most {BOOT_CAPACITY_GB_MAX}.");
            return Err(invalid("file", why));
        }
        self.image_from_file(FromFile {
            account: provider.id,
            group: group.id,
            name,
            os,
            visibility: Visibility::Public,
            source,
            capacity: ByteCount::from_gb(gb),
            watch,
        })
        .await
    }

    /// Every stock image, newest first.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn stock_images(&self) -> Result<Vec<Image>, Error> {
        Ok(self.store().images_stock(Self::system(InternalActor::Operator)).await?)
    }

    /// Ends the support of stock images now: they become deprecated, or obsolete when their
    /// vendor ended them; all in one transaction. Those that changed.
    ///
    /// # Errors
    /// When there is no such image.
    pub async fn stock_retire(&self, of: &StockOf, by_vendor: bool) -> Result<Vec<Image>, Error> {
        if !self.stock_images().await?.iter().any(|image| of.fits(image)) {
            let (StockOf::Name(id) | StockOf::System(id)) = of.clone();
            return Err(Error::NotFound { kind: "stock image", id, field: None });
        }
        let now = self.now();
        let ends = |image: &Image| {
            of.fits(image).then(|| SystemEnds {
                support: (!by_vendor).then_some(now),
                vendor: by_vendor.then_some(now),
            })
        };
        self.stock_ends_apply(&ends).await
    }

    /// Brings the stock images of a region to what the catalogue of this program says of their
    /// systems: a newer program may know newer ends. Those that changed.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn stock_ends_follow(&self) -> Result<Vec<Image>, Error> {
        self.stock_ends_apply(&|image: &Image| {
            let os = operating_system(&image.operating_system)?;
            Some(SystemEnds { support: os.support_ends_at(), vendor: os.vendor_ends_at() })
        })
        .await
    }

    async fn stock_ends_apply(
        &self,
        ends: &(dyn for<'i> Fn(&'i Image) -> Option<SystemEnds> + Send + Sync),
    ) -> Result<Vec<Image>, Error> {
        let permit = Self::system(InternalActor::Operator);
        let region = self.region().as_str();
        let change = |image: &Image| -> Change {
            let action = Action::ImageUpdate.as_str();
            self.region_change(action, Outcome::Success, "image", &image.head, region, Vec::new())
        };
        let changed = self.store().images_stock_end(permit, ends, self.now(), &change).await?;
        for image in &changed {
            tracing::info!(image = %image.head.name, status = %image.status, "stock image dated");
        }
        Ok(changed)
    }

    /// Makes a stock image of a disk file, unless one of that name is there; older ones of its
    /// operating system become deprecated. True if it was made.
    ///
    /// # Errors
    /// An unknown operating system, a name against the pattern, a file that cannot be read.
    pub async fn stock_add(&self, stock: StockImage) -> Result<bool, Error> {
        if self.stock_names().await?.contains(&stock.name) {
            return Ok(false);
        }
        self.stock_import(stock, Format::Raw, FileWatch::default()).await?;
        Ok(true)
    }

    /// Names of the stock images.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn stock_names(&self) -> Result<Vec<String>, Error> {
        let images = self.stock_images().await?;
        Ok(images.into_iter().map(|image| image.head.name.to_string()).collect())
    }
}
