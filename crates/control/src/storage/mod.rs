//! Volumes and images as bytes: the place where engine, exports and keys meet.
//!
//! It refuses to know callers, rules and the database: it is handed model rows. Its invariant: a
//! data key or root key is unwrapped only here, lives in zeroized memory, and leaves only sealed
//! or into an engine's pipe.
//!
//! Next to read: `keys`, `volumes`, `seal`.

mod direct;
mod keys;
mod manifest_key;
mod seal;
mod view;
mod volumes;

use std::{path::PathBuf, sync::Arc};

use base::{ByteCount, Entropy};
use blocks::sealed::{ChunkStore, ReadCache};
use export::VolumeHost;
use kms::KeyStore;

pub(crate) use keys::Holder;
pub(crate) use seal::{SealRequest, SealedImage};
pub(crate) use volumes::{Access, volume_crn, volume_crn_of};

/// Cache of the server's own reads; captures read only what is dirty.
const SERVER_CACHE: ByteCount = ByteCount(16 << 20);

/// Where a region's bytes are.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// Folder of the chunk store.
    pub store_dir: PathBuf,
    /// Folder of the write layers, one folder for each volume.
    pub volumes_dir: PathBuf,
    /// Private folder on tmpfs for what outlives a process but not the host. Short: it holds
    /// unix sockets.
    pub run_dir: PathBuf,
    /// The program whose hidden commands run engines and supervisors.
    pub program: PathBuf,
}

/// Volumes and images of a host.
pub struct Storage {
    config: StorageConfig,
    chunks: Arc<ChunkStore>,
    cache: Arc<ReadCache>,
    host: VolumeHost,
    keys: Arc<dyn KeyStore>,
    entropy: Arc<dyn Entropy>,
}

/// A failure of storage.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The engine.
    #[error("block engine")]
    Blocks(#[from] blocks::Error),
    /// An export.
    #[error("volume export")]
    Export(#[from] export::Error),
    /// The keys.
    #[error("keys")]
    Keys(#[from] kms::KmsError),
    /// The database.
    #[error("database")]
    Rows(#[from] meta::StoreError),
    /// A row names something that cannot be.
    #[error("damaged record: {what}")]
    Record {
        /// What is wrong.
        what: &'static str,
    },
    /// Work in the background ended without an answer.
    #[error("background work ended early")]
    Task(#[from] tokio::task::JoinError),
}

impl StorageError {
    /// What callers tell apart.
    #[must_use]
    pub fn kind(&self) -> base::ErrorKind {
        match self {
            Self::Blocks(e) => e.kind(),
            Self::Export(e) => e.kind(),
            Self::Keys(e) => e.kind(),
            Self::Rows(e) => e.kind(),
            Self::Record { .. } => base::ErrorKind::Corrupt,
            Self::Task(_) => base::ErrorKind::Internal,
        }
    }

    /// The chain of causes as one line, for a log or a job's last error.
    #[must_use]
    pub fn chain(&self) -> String {
        base::error_chain(self)
    }
}

/// A manifest as it lies in the store.
pub(crate) struct StoredManifest<P> {
    /// Its name: the image's id.
    pub(crate) name: String,
    /// What it says, or why it cannot be trusted.
    pub(crate) said: Result<P, String>,
}

impl Storage {
    /// Opens, or makes, the store of a host.
    ///
    /// # Errors
    /// When the store is damaged or cannot be reached.
    pub fn open(
        config: StorageConfig,
        keys: Arc<dyn KeyStore>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StorageError> {
        let chunks = ChunkStore::open_or_create(&config.store_dir, &*entropy)?;
        chunks.delete_temporary()?;
        Ok(Self::over(config, chunks, keys, entropy))
    }

    /// As [`Self::open`], over a chunk store that is open already, wherever its objects are.
    /// Engines of guests open the folder of `config`, so this is for guests that need no export.
    #[must_use]
    pub fn over(
        config: StorageConfig,
        chunks: ChunkStore,
        keys: Arc<dyn KeyStore>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let host = VolumeHost::new(config.run_dir.join("x"), config.program.clone());
        let cache = Arc::new(ReadCache::new(SERVER_CACHE.0));
        Self { config, chunks: Arc::new(chunks), cache, host, keys, entropy }
    }

    /// The chunk store.
    #[must_use]
    pub fn chunks(&self) -> &Arc<ChunkStore> {
        &self.chunks
    }
}
