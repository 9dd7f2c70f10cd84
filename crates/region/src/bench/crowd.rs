//! A region with many images, made without their bytes: rows of one stock image's content.
//!
//! It refuses to know what is measured on it. Its invariant: the rows are written by the store's
//! own calls, so that counters, indexes and lineage are those of a real region; only the wait for
//! the disk is left out.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use base::{Entropy, ImageId, OsEntropy, RegionName, SystemClock};
use meta::{Change, ImageStore as _, SqlStore, StoreGcStore as _};
use model::{Image, ResourceName, Visibility};
use policy::{InternalActor, SystemPermit};

use super::rig;

/// A region at rest.
pub struct Crowd {
    /// Its data directory.
    pub data: PathBuf,
    /// The account of all its images.
    pub account: String,
    /// The API key of that account's owner.
    pub api_key: String,
    /// Resource groups that the images are in, in turn.
    pub groups: Vec<String>,
}

/// Makes a region with so many private images in `folder`: in so many resource groups of their own,
/// or all in the default one when that is 0.
pub async fn gather(folder: &Path, images: u32, groups: u32) -> anyhow::Result<Crowd> {
    let (data, opened, owner) = rig::open(folder).await?;
    let mut own = Vec::new();
    for n in 0..groups {
        let ctx = rig::context(&owner);
        own.push(opened.region.resource_group_create(&ctx, format!("group-{n}")).await?.id);
    }
    opened.database.close().await;
    let url = format!("sqlite:{}", data.path("database.sqlite").display());
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let clock = Arc::new(SystemClock::new());
    let store = SqlStore::open_volatile(&url, clock, Arc::clone(&entropy)).await?;
    let permit = SystemPermit::of(InternalActor::Operator);
    let stock = store.images_stock(permit).await?;
    let mut model = stock.into_iter().next().context("there is no stock image")?;
    model.head.account = owner.account.clone();
    if own.is_empty() {
        own.push(store.image_place(permit, &owner.account, None, &name(images)?).await?);
    }
    model.visibility = Visibility::Private;
    for (n, group) in (0..images).zip(own.iter().cycle()) {
        model.head.group = group.clone();
        let image = like(&model, n, opened.region.region(), &*entropy)?;
        store.image_adopt(permit, image, Change::default()).await?;
    }
    store.close().await;
    data.run_dir_remove()?;
    let groups = own.iter().map(ToString::to_string).collect();
    let account = owner.account.to_string();
    let data = data.root().to_owned();
    Ok(Crowd { data, account, api_key: owner.api_key, groups })
}

fn name(n: u32) -> anyhow::Result<ResourceName> {
    Ok(ResourceName::parse(&format!("image-{n:06}"))?)
}

/// Another image of the same bytes, a millisecond younger than the one before.
fn like(
    model: &Image,
    n: u32,
    region: &RegionName,
    entropy: &dyn Entropy,
) -> anyhow::Result<Image> {
    let mut image = model.clone();
    image.head.id = ImageId::mint(region.id_prefix(), entropy);
    image.head.name = name(n)?;
    image.head.created_at = model.head.created_at.plus(Duration::from_millis(n.into()));
    Ok(image)
}
