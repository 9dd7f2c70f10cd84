//! What one process of a region has open: database, keys, chunk store, fake guests.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base::{ManualClock, OsEntropy, RegionName};
use blocks::sealed::ChunkStore;
use compute::{Fake, FakeConfig, Hypervisor};
use ectype_control::{Config, Control, Credentials, Parts, Storage, StorageConfig};
use kms::FileKeyStore;
use meta::SqlStore;
use tempfile::TempDir;

use crate::objects::Objects;

/// The host's name; the crash matrix's workers are on it.
pub const HOST: &str = "host";
/// How long a guest may take to obey the power button.
pub const POWERDOWN: Duration = Duration::from_secs(30);

/// What a process has open.
pub struct Opened {
    pub region: Arc<Control>,
    pub store: Arc<SqlStore>,
    pub storage: Arc<Storage>,
    pub fake: Arc<Fake>,
    pub keys: Arc<FileKeyStore>,
}

/// Wraps the fake guests.
pub type Between = fn(Arc<Fake>) -> Arc<dyn Hypervisor>;

/// How a region is opened.
#[derive(Clone, Default)]
pub struct Options {
    /// The chunk store fails to order.
    pub faulty_objects: bool,
    /// Region time from a press of the power button to a guest that is off.
    pub stop_delay: Duration,
    /// What stands between the region and its fake guests.
    pub between: Option<Between>,
}

/// A fresh folder, in memory where that can be.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = tempfile::Builder::new().prefix("ectype-control-").tempdir_in(memory);
    made.or_else(|_| tempfile::tempdir()).unwrap()
}

/// Opens what lies in `folder`; credentials when there was nothing.
pub async fn open(
    folder: &Path,
    clock: &Arc<ManualClock>,
    options: &Options,
    objects: Option<&Objects>,
) -> (Arc<Opened>, Option<Credentials>) {
    let entropy = Arc::new(OsEntropy);
    let keys =
        Arc::new(FileKeyStore::open_or_create(&folder.join("keys"), entropy.clone()).unwrap());
    let url = format!("sqlite:{}", folder.join("database").display());
    let store = SqlStore::open_volatile(&url, clock.clone(), entropy.clone()).await.unwrap();
    let store = Arc::new(store);
    let config = StorageConfig {
        store_dir: folder.join("store"),
        volumes_dir: folder.join("volumes"),
        run_dir: folder.join("run"),
        // Nothing is exported to fake guests.
        program: PathBuf::from("/bin/false"),
    };
    let storage = match objects {
        None => Storage::open(config, keys.clone(), entropy.clone()).unwrap(),
        Some(objects) => {
            let chunks = ChunkStore::open_over(Arc::new(objects.clone()), None).unwrap();
            Storage::over(config, chunks, keys.clone(), entropy.clone())
        }
    };
    let storage = Arc::new(storage);
    let fake = FakeConfig {
        root: folder.join("guests"),
        start_delay: Duration::ZERO,
        stop_delay: options.stop_delay,
    };
    let fake = Arc::new(Fake::new(fake, clock.clone()).unwrap());
    let hypervisor = match options.between {
        None => fake.clone(),
        Some(between) => between(fake.clone()),
    };
    let parts = Parts {
        store: store.clone(),
        storage: storage.clone(),
        keys: keys.clone(),
        hypervisor,
        clock: clock.clone(),
        entropy,
    };
    let config = Config {
        region: RegionName::parse("us-south").unwrap(),
        host: HOST.to_owned(),
        powerdown_deadline: POWERDOWN,
    };
    let (region, credentials) = Control::open(parts, config).await.unwrap();
    (Arc::new(Opened { region, store, storage, fake, keys }), credentials)
}
