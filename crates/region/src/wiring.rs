//! The wiring of a region: which port is what, by the settings.
//!
//! It refuses to know requests and the end of a region. Its invariant: nothing of an existing
//! region is made anew; what is missing is an error.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use base::{Clock, Entropy, OsEntropy};
use compute::{Fake, FakeConfig, Hypervisor, Qemu, QemuConfig};
use control::{Config, Control, Credentials, Parts, Storage, StorageConfig};
use kms::{FileKeyStore, KeyStore};
use meta::{SqlStore, Store};

use crate::{
    data_dir::DataDir,
    settings::{ComputeChoice, Settings},
    standing::Standing,
};

/// How long a guest may take to obey the power button.
const POWERDOWN_DEADLINE: Duration = Duration::from_secs(60);

/// An open region.
pub struct Opened {
    /// Its use cases.
    pub region: Arc<Control>,
    /// The first account's, on a first start.
    pub credentials: Option<Credentials>,
    /// Its database, to be closed at the end: then the file alone is the whole of it.
    pub database: Arc<SqlStore>,
}

/// Opens the region of a data directory, whose lock is held; on a first start, makes it. What
/// may be missing (QEMU) or wrong (keys) is found before anything is written.
///
/// # Errors
/// When a part is missing, damaged, or cannot be reached.
pub async fn open(
    settings: &Settings,
    data: &DataDir,
    standing: Standing,
) -> anyhow::Result<Opened> {
    let clock = crate::clock::open(data, settings.virtual_clock)?;
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let hypervisor = hypervisor(settings, data, &clock)?;
    let keys = keys(data, standing, &entropy).context("open the keys")?;
    let storage = storage(data, &keys, &entropy)?;
    // After keys and chunk store, so that a database that is there proves that they were.
    let url = format!("sqlite:{}", data.path("database.sqlite").display());
    let store = SqlStore::open(&url, Arc::clone(&clock), Arc::clone(&entropy))
        .await
        .context("open the database")?;
    let database = Arc::new(store);
    let store: Arc<dyn Store> = Arc::clone(&database) as Arc<dyn Store>;
    let parts = Parts { store, storage: Arc::new(storage), keys, hypervisor, clock, entropy };
    let config = Config {
        region: settings.region.clone(),
        host: "local".to_owned(),
        powerdown_deadline: POWERDOWN_DEADLINE,
    };
    match Control::open(parts, config).await {
        Ok((region, credentials)) => Ok(Opened { region, credentials, database }),
        Err(error) => {
            // A start that is refused leaves the folder as it found it, without SQLite's log.
            database.close().await;
            Err(error).context("open the region")
        }
    }
}

/// A master key is made on a first start only: a new one for an old region would open nothing.
fn keys(
    data: &DataDir,
    standing: Standing,
    entropy: &Arc<dyn Entropy>,
) -> Result<Arc<dyn KeyStore>, kms::KmsError> {
    let dir = data.path("keys");
    let keys = match standing {
        Standing::New => FileKeyStore::open_or_create(&dir, Arc::clone(entropy))?,
        Standing::Region => FileKeyStore::open(&dir, Arc::clone(entropy))?,
    };
    Ok(Arc::new(keys))
}

fn storage(
    data: &DataDir,
    keys: &Arc<dyn KeyStore>,
    entropy: &Arc<dyn Entropy>,
) -> anyhow::Result<Storage> {
    let config = StorageConfig {
        store_dir: data.path("store"),
        volumes_dir: data.path("volumes"),
        run_dir: data.run_dir()?,
        program: std::env::current_exe().context("find this program")?,
    };
    Storage::open(config, Arc::clone(keys), Arc::clone(entropy)).context("open the chunk store")
}

fn hypervisor(
    settings: &Settings,
    data: &DataDir,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<dyn Hypervisor>> {
    let fake = || -> anyhow::Result<Arc<dyn Hypervisor>> {
        let config = FakeConfig {
            root: data.path("guests"),
            start_delay: Duration::ZERO,
            stop_delay: Duration::ZERO,
        };
        Ok(Arc::new(Fake::new(config, Arc::clone(clock)).context("open the fake hypervisor")?))
    };
    let qemu = || {
        let config = QemuConfig { root: data.path("guests"), vcpus_max: None, memory_max: None };
        Qemu::new(config)
    };
    match settings.compute {
        ComputeChoice::Fake => fake(),
        ComputeChoice::Qemu => Ok(Arc::new(qemu().context("--compute qemu")?)),
        ComputeChoice::Auto => match qemu() {
            Ok(qemu) => Ok(Arc::new(qemu)),
            Err(error) => {
                tracing::warn!(%error, "guests are faked: install QEMU for real ones");
                fake()
            }
        },
    }
}
