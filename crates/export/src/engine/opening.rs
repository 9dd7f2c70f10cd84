//! From a configuration to an open device, and back to a closed layer.
//!
//! INVARIANT: a failed opening says whether another try may help.

use std::sync::Arc;

use blocks::layer::{NoBase, OpenedBy, Volume, VolumeKey, VolumeSpec};
use blocks::sealed::{ChunkStore, ReadCache, RootKey, SealedImage};
use blocks::{BlockDevice, BlockSource};

use crate::config::{ExportConfig, SealedRoot, Subject, VolumeSubject};
use crate::error::Error;
use crate::message::Event;
use crate::nbd::{Device, Export};

/// What is served.
pub struct Opened {
    device: Device,
    volume: Option<Arc<Volume>>,
    cache: Arc<ReadCache>,
}

/// Opens what the configuration names. Reads the chunk store, never writes it.
pub fn open(config: &ExportConfig) -> Result<Opened, Error> {
    let cache = Arc::new(ReadCache::new(config.cache_bytes));
    match &config.subject {
        Subject::Image(root) => {
            let image = open_sealed(config, root, &cache)?;
            Ok(Opened { device: Device::ReadOnly(image), volume: None, cache })
        }
        Subject::Volume(volume) => {
            let base: Arc<dyn BlockSource> = match &volume.base {
                Some(root) => open_sealed(config, root, &cache)?,
                None => Arc::new(NoBase),
            };
            let opened = Arc::new(Volume::open(spec(&config.id, volume), base)?);
            let device = if volume.read_only {
                Device::ReadOnly(Arc::clone(&opened) as Arc<dyn BlockSource>)
            } else {
                Device::Writable(Arc::clone(&opened) as Arc<dyn BlockDevice>)
            };
            Ok(Opened { device, volume: Some(opened), cache })
        }
    }
}

fn open_sealed(
    config: &ExportConfig,
    root: &SealedRoot,
    cache: &Arc<ReadCache>,
) -> Result<Arc<dyn BlockSource>, Error> {
    let store = Arc::new(ChunkStore::open(&config.store_dir)?);
    let cache = Arc::clone(cache);
    let key = RootKey::from_bytes(*root.root_key.expose());
    let image = SealedImage::open(store, root.root_id, &key, cache)?;
    Ok(Arc::new(image.with_read_ahead()))
}

fn spec(id: &str, volume: &VolumeSubject) -> VolumeSpec {
    VolumeSpec {
        dir: volume.layer_dir.clone(),
        run_dir: volume.run_dir.clone(),
        volume: id.to_owned(),
        capacity: volume.capacity_bytes,
        generation: volume.generation,
        base_root: volume.base.as_ref().map(|root| root.root_id.0),
        key: VolumeKey::new(*volume.volume_key.expose()),
        epoch: volume.epoch,
    }
}

/// What a supervisor is told of a failed opening.
pub fn failure(error: &Error) -> Event {
    // Another process that closes the layer now, or a host short of something, may be done soon.
    let again = match error {
        Error::Blocks(blocks::Error::Locked { .. }) => true,
        other => {
            matches!(other.kind(), base::ErrorKind::Unavailable | base::ErrorKind::Limit)
        }
    };
    Event::Failed { kind: error.kind().into(), reason: base::error_chain(error), again }
}

impl Opened {
    /// The export under the name `name`.
    pub fn export(&self, name: String) -> Export {
        Export { name, description: String::new(), device: self.device.clone() }
    }

    /// What a supervisor is told of the opening.
    pub fn ready(&self) -> Event {
        let by = self.volume.as_ref().map(|volume| volume.opened_by());
        Event::Ready { size_bytes: self.device.size(), fell_back: by == Some(OpenedBy::Journal) }
    }

    /// Work for idle moments, so that a close has little left to do.
    pub fn maintain(&self, sums: u64) {
        if let Some(volume) = &self.volume
            && let Err(error) = volume.maintain(sums)
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "sums could not be made");
        }
    }

    /// Keeps the cache of decoded chunks within `bytes`.
    pub fn set_cache(&self, bytes: u64) {
        self.cache.set_budget(bytes);
    }

    /// Makes the volume larger.
    pub fn grow(&self, capacity_bytes: u64) -> Result<(), Error> {
        match &self.volume {
            Some(volume) => Ok(volume.grow(capacity_bytes)?),
            None => Err(Error::Config { what: "an image does not grow".to_owned() }),
        }
    }

    /// Closes the layer cleanly. INVARIANT: nobody uses the device any more.
    pub fn close(&self) -> Result<(), Error> {
        match &self.volume {
            Some(volume) => Ok(volume.close()?),
            None => Ok(()),
        }
    }
}
