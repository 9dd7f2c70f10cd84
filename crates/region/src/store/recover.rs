//! Images found by their manifests, in a running region or into the place of a lost database.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use base::{AccountId, Clock, Entropy, OsEntropy, RegionName, SystemClock};
use compute::{Fake, FakeConfig};
use control::{Config, Control, FoundImage, FoundState, Parts, Storage, StorageConfig};
use kms::{FileKeyStore, KeyStore};
use meta::SqlStore;
use serde_json::{Value, json};

use crate::data_dir::{DataDir, StoredCredentials};

/// The account of credentials.json, or the one that is made with a new database.
pub const FIRST: &str = "first";

fn told(image: &FoundImage) -> Value {
    let (state, why) = match &image.state {
        FoundState::Known => ("known", None),
        FoundState::Adoptable => ("adoptable", None),
        FoundState::Damaged(why) => ("damaged", Some(why)),
    };
    json!({
        "id": image.id, "name": image.name, "account": image.account, "public": image.public,
        "operating_system": image.operating_system, "capacity_bytes": image.capacity.0,
        "created_at": image.created_at.to_string(), "state": state, "why": why,
    })
}

/// In a region whose database is there.
pub async fn in_region(
    region: &Control,
    adopt: bool,
    account: Option<&str>,
) -> anyhow::Result<Value> {
    let account = match account {
        Some(FIRST) => anyhow::bail!("name an account by its id: this region has its accounts"),
        Some(id) => Some(AccountId::parse(id)?),
        None => None,
    };
    let found = region.images_found().await?;
    report(region, &found, adopt, account.as_ref()).await
}

async fn report(
    region: &Control,
    found: &[FoundImage],
    adopt: bool,
    account: Option<&AccountId>,
) -> anyhow::Result<Value> {
    let (mut adopted, mut refused) = (Vec::new(), Vec::new());
    let adoptable = |image: &&FoundImage| image.state == FoundState::Adoptable;
    if adopt && found.iter().any(|image| adoptable(&image)) {
        region.recovery_begin().await?;
        for image in found.iter().filter(adoptable) {
            match region.image_adopt(image, account).await {
                Ok(image) => adopted
                    .push(json!({ "id": image.id, "name": image.name, "account": image.account })),
                Err(error) => refused.push(json!({ "id": image.id, "why": error.to_string() })),
            }
        }
    }
    let images: Vec<_> = found.iter().map(told).collect();
    Ok(json!({ "images": images, "adopted": adopted, "refused": refused }))
}

/// In a data directory that no server uses, with or without its database.
pub async fn offline(
    data: &DataDir,
    adopt: bool,
    account: Option<&str>,
    region: Option<&str>,
) -> anyhow::Result<Value> {
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let keys = FileKeyStore::open(&data.path("keys"), Arc::clone(&entropy))
        .context("open the keys: without them no image can be read")?;
    let keys: Arc<dyn KeyStore> = Arc::new(keys);
    anyhow::ensure!(data.path("store/store").exists(), "there is no chunk store here");
    let config = StorageConfig {
        store_dir: data.path("store"),
        volumes_dir: data.path("volumes"),
        run_dir: data.run_dir()?,
        program: std::env::current_exe().context("find this program")?,
    };
    let storage = Storage::open(config, Arc::clone(&keys), Arc::clone(&entropy))
        .context("open the chunk store")?;
    let database = data.path("database.sqlite");
    let lost = std::fs::metadata(&database).map_or(true, |meta| meta.len() == 0);
    if lost && !adopt {
        let found = storage.images_found().await?;
        let images: Vec<_> = found.iter().map(told).collect();
        return Ok(json!({ "images": images, "adopted": [], "refused": [] }));
    }
    let old = data.credentials().ok();
    let name = region.map(str::to_owned).or_else(|| old.as_ref().map(|old| old.region.clone()));
    let name = name.context("the region's name is not known: give --region")?;
    let name = RegionName::parse(&name)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let url = format!("sqlite:{}", database.display());
    let store = SqlStore::open(&url, Arc::clone(&clock), Arc::clone(&entropy))
        .await
        .context("open the database")?;
    let store = Arc::new(store);
    let fake = FakeConfig {
        root: data.path("guests"),
        start_delay: Duration::ZERO,
        stop_delay: Duration::ZERO,
    };
    let hypervisor = Arc::new(Fake::new(fake, Arc::clone(&clock)).context("no guests")?);
    let parts = Parts {
        store: store.clone(),
        storage: Arc::new(storage),
        keys,
        hypervisor,
        clock,
        entropy,
    };
    let config =
        Config { region: name, host: "local".to_owned(), powerdown_deadline: Duration::ZERO };
    let (control, made) = Control::open(parts, config).await.context("open the region")?;
    // A new database must not be collected from before anything else is done with it.
    if made.is_some() {
        control.recovery_begin().await?;
    }
    let first = match &made {
        Some(made) => {
            keep(data, made, control.region())?;
            Some(made.account.clone())
        }
        None => old.map(|old| AccountId::parse(&old.account_id)).transpose()?,
    };
    let account = match account {
        Some(FIRST) => Some(first.context("credentials.json does not tell the first account")?),
        Some(id) => Some(AccountId::parse(id)?),
        None => None,
    };
    let found = control.images_found().await?;
    let value = report(&control, &found, adopt, account.as_ref()).await;
    store.close().await;
    value
}

/// The new first account's credentials take the place of the lost one's.
fn keep(data: &DataDir, made: &control::Credentials, region: &RegionName) -> anyhow::Result<()> {
    let stored = StoredCredentials {
        account_id: made.account.to_string(),
        iam_id: made.owner.to_string(),
        api_key: made.api_key.clone(),
        region: region.to_string(),
    };
    data.write("credentials.json", &serde_json::to_vec_pretty(&stored)?)?;
    eprintln!("ectype: a new database, with a new first account in credentials.json");
    Ok(())
}
