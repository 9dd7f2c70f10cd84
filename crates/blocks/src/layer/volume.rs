//! A volume: a write layer over an immutable base, and what a capture reads of it.
//!
//! It refuses to know instances, images and databases. Its invariant: the caller's record
//! (generation, base root, epoch) decides what is opened; files of other generations are left
//! alone until the caller drops them.
//!
//! A life: [`provision`] or [`Volume::create`], [`Volume::open`], [`Volume::close`], and for a
//! capture [`Volume::freeze`], [`FrozenLayer::create_next_generation`], then, once the record
//! says so, [`Volume::open`] of the next generation and [`drop_generation`] of the old one. A
//! capture that is given up ends with [`FrozenLayer::thaw`].
//!
//! | crash after | the record says | opening by the record |
//! |---|---|---|
//! | freeze | g | `Frozen`: [`FrozenLayer::open`] for another try, or thaw |
//! | next generation made | g | as above; making it again replaces it |
//! | record changed | g+1 | opens g+1; g is dropped when asked again |
//! | old one half dropped | g+1 | opens g+1; dropping again finishes |
//!
//! Next to read: `engine`.

use std::path::Path;
use std::sync::Arc;

use crate::layer::disk::{DiskDir, RunDir, named};
use crate::layer::engine::{Core, Host};
use crate::layer::files;
use crate::layer::host::{HostDir, HostRunDir};
use crate::layer::map::REGION_BYTES;
use crate::layer::recover;
use crate::layer::{LayerInfo, OpenedBy, VolumeSpec, VolumeStats};
use crate::{BlockDevice, BlockSource, CaptureSource, Error, Extent};

/// The bytes that one close sum covers.
pub const SUM_REGION_BYTES: u64 = REGION_BYTES;

fn host_of(spec: &VolumeSpec, create: bool) -> Result<Host, Error> {
    let dir = &spec.dir;
    let opened = if create { HostDir::open_or_create(dir) } else { HostDir::open(dir) };
    let opened = opened.map_err(|source| named("open", &dir.display().to_string(), source))?;
    Ok(Host::new(Arc::new(opened), run_dir(&spec.run_dir)?))
}

fn run_dir(path: &Path) -> Result<Arc<dyn RunDir>, Error> {
    let opened = HostRunDir::open_or_create(path)
        .map_err(|source| named("open", &path.display().to_string(), source))?;
    Ok(Arc::new(opened))
}

fn dir_of(path: &Path) -> Result<HostDir, Error> {
    HostDir::open(path).map_err(|source| named("open", &path.display().to_string(), source))
}

/// A disk that a guest may write: a write layer over an immutable base. Calls may come from
/// several threads. Dropping it without [`Self::close`] is what the death of a process does:
/// nothing acknowledged is lost, and the next open finds the live map.
pub struct Volume {
    core: Arc<Core>,
    opened_by: OpenedBy,
}

impl Volume {
    /// Makes the layer that `spec` names and opens it.
    ///
    /// # Errors
    /// `Exists` when that generation has been opened before; else as [`Self::open`].
    pub fn create(spec: VolumeSpec, base: Arc<dyn BlockSource>) -> Result<Self, Error> {
        Self::create_on(&host_of(&spec, true)?, &spec, base)
    }

    /// Opens the layer that `spec` names.
    ///
    /// # Errors
    /// `Missing`, `Locked`, `StaleEpoch`, `Frozen`, `UnknownFormat`, `Corrupt`; `Exists` when a
    /// newer generation was written to; `Invalid` when the header names another volume or base,
    /// or a larger capacity.
    pub fn open(spec: VolumeSpec, base: Arc<dyn BlockSource>) -> Result<Self, Error> {
        Self::open_on(&host_of(&spec, false)?, &spec, base)
    }

    /// As [`Self::create`], on files of the caller's choice; the spec's folders are not used.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_on(
        host: &Host,
        spec: &VolumeSpec,
        base: Arc<dyn BlockSource>,
    ) -> Result<Self, Error> {
        provision_on(host, spec, base.size())?;
        Self::open_on(host, spec, base)
    }

    /// As [`Self::open`], on files of the caller's choice; the spec's folders are not used.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(
        host: &Host,
        spec: &VolumeSpec,
        base: Arc<dyn BlockSource>,
    ) -> Result<Self, Error> {
        let (core, opened_by) = recover::open(host, spec, base)?;
        Ok(Self { core: Arc::new(core), opened_by })
    }

    /// How the state was found.
    #[must_use]
    pub const fn opened_by(&self) -> OpenedBy {
        self.opened_by
    }

    /// Flushes, brings the sums up to date and marks the layer clean; later calls fail. Closing
    /// twice is no error. The files stay locked until the value is dropped.
    ///
    /// # Errors
    /// As [`BlockDevice::flush`]; the layer is then closed but not clean, which loses nothing.
    pub fn close(&self) -> Result<(), Error> {
        self.core.close()
    }

    /// Grows the volume to `capacity` bytes, durably; the new tail reads as zeros.
    ///
    /// # Errors
    /// `Invalid` when `capacity` is smaller than it is or over the limit.
    pub fn grow(&self, capacity: u64) -> Result<(), Error> {
        self.core.grow(capacity)
    }

    /// Checks what was not read since the last clean close, makes everything written durable and
    /// refuses any further write, also after a crash. Reads go on.
    ///
    /// # Errors
    /// As [`Self::close`], and `Corrupt`; the volume then takes writes as before.
    pub fn freeze(&self) -> Result<FrozenLayer, Error> {
        self.freeze_core(true)
    }

    /// As [`Self::freeze`], but what was not read since the last clean close is left to whoever
    /// reads the frozen layer: for a capture, which reads all of it and fails where it finds rot.
    ///
    /// # Errors
    /// As [`Self::close`].
    pub fn freeze_unchecked(&self) -> Result<FrozenLayer, Error> {
        self.freeze_core(false)
    }

    fn freeze_core(&self, check: bool) -> Result<FrozenLayer, Error> {
        self.core.freeze(check)?;
        Ok(FrozenLayer { core: Arc::clone(&self.core) })
    }

    /// Makes up to `regions` close sums of 64 KiB, for idle moments; returns how many are left.
    ///
    /// # Errors
    /// When the data cannot be read.
    pub fn maintain(&self, regions: u64) -> Result<u64, Error> {
        self.core.maintain(regions)
    }

    /// What the layer holds.
    ///
    /// # Errors
    /// When the host does not say.
    pub fn stats(&self) -> Result<VolumeStats, Error> {
        self.core.stats()
    }
}

impl BlockSource for Volume {
    fn size(&self) -> u64 {
        self.core.geometry.read().capacity
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.core.read(offset, out)
    }

    fn extents(&self, offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        self.core.extents(offset, length)
    }
}

impl BlockDevice for Volume {
    fn write_at(&self, offset: u64, data: &[u8], fua: bool) -> Result<(), Error> {
        self.core.write(offset, data, fua)
    }

    fn flush(&self) -> Result<(), Error> {
        self.core.flush()
    }

    fn write_zeroes(
        &self,
        offset: u64,
        length: u64,
        keep_allocated: bool,
        fua: bool,
    ) -> Result<(), Error> {
        self.core.write_zeroes(offset, length, keep_allocated, fua)
    }
}

/// A layer that takes no more writes: what a capture reads, base and layer merged.
pub struct FrozenLayer {
    core: Arc<Core>,
}

impl FrozenLayer {
    /// Opens a layer that was frozen before.
    ///
    /// # Errors
    /// As [`Volume::open`]; `Invalid` when it is not frozen.
    pub fn open(spec: VolumeSpec, base: Arc<dyn BlockSource>) -> Result<Self, Error> {
        Self::open_on(&host_of(&spec, false)?, &spec, base)
    }

    /// As [`Self::open`], on files of the caller's choice.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(
        host: &Host,
        spec: &VolumeSpec,
        base: Arc<dyn BlockSource>,
    ) -> Result<Self, Error> {
        Ok(Self { core: Arc::new(recover::open_frozen(host, spec, base)?) })
    }

    /// Makes the next generation, empty, over `new_root`, which must hold the bytes that this
    /// layer reads as; repeating it is harmless until that generation is opened. Returns its
    /// number.
    ///
    /// # Errors
    /// `Exists` when that generation has been opened.
    pub fn create_next_generation(&self, new_root: [u8; 32]) -> Result<u64, Error> {
        let mut header = self.core.header.lock().header.clone();
        header.sequence = 0;
        header.generation = header.generation.checked_add(1).ok_or_else(|| Error::Invalid {
            what: "the last generation has no next one".to_owned(),
        })?;
        header.base_root = Some(new_root);
        header.overlap = header.capacity;
        (header.opens, header.map_sequence, header.live_tag) = (0, 0, [0; 32]);
        (header.frozen, header.clean, header.opened) = (false, true, false);
        let generation = header.generation;
        files::make(&self.core.host, header)?;
        Ok(generation)
    }

    /// Takes writes again: for a capture that was given up.
    ///
    /// # Errors
    /// When the header cannot be written, or `Exists` when a newer generation was written to;
    /// the layer is then still frozen.
    pub fn thaw(self) -> Result<Volume, Error> {
        self.core.thaw()?;
        Ok(Volume { core: self.core, opened_by: OpenedBy::Clean })
    }

    /// What the layer holds.
    ///
    /// # Errors
    /// When the host does not say.
    pub fn stats(&self) -> Result<VolumeStats, Error> {
        self.core.stats()
    }
}

impl CaptureSource for FrozenLayer {
    fn capacity(&self) -> u64 {
        self.core.geometry.read().capacity
    }

    fn dirty_chunks(&self, chunk_size: u64) -> Vec<u64> {
        self.core.dirty_chunks(chunk_size)
    }

    fn read_chunk(&self, index: u64, chunk_size: u64, out: &mut [u8]) -> Result<(), Error> {
        let size = self.capacity();
        let offset = index.saturating_mul(chunk_size);
        let length = size.saturating_sub(offset).min(chunk_size);
        if length == 0 || length != out.len() as u64 {
            return Err(Error::OutOfRange { offset, length: out.len() as u64, size });
        }
        self.core.read(offset, out)
    }
}

impl BlockSource for FrozenLayer {
    fn size(&self) -> u64 {
        self.capacity()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.core.read(offset, out)
    }

    fn extents(&self, offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        self.core.extents(offset, length)
    }
}

/// Makes the files of a layer without opening it: what provisioning does. `base_size` is the
/// size of the base in bytes, 0 without one. Repeating it is harmless until the layer is opened.
///
/// # Errors
/// `Exists` when that generation has been opened before.
pub fn provision(spec: &VolumeSpec, base_size: u64) -> Result<(), Error> {
    provision_on(&host_of(spec, true)?, spec, base_size)
}

/// As [`provision`], on files of the caller's choice.
///
/// # Errors
/// As [`provision`].
pub fn provision_on(host: &Host, spec: &VolumeSpec, base_size: u64) -> Result<(), Error> {
    spec.check()?;
    files::make(host, files::first_header(spec, base_size)?)
}

/// What the header of a generation says, without locking it.
///
/// # Errors
/// `Missing`, `Corrupt`, `UnknownFormat`.
pub fn inspect(dir: &Path, generation: u64) -> Result<LayerInfo, Error> {
    inspect_on(&dir_of(dir)?, generation)
}

/// As [`inspect`], on a folder of the caller's choice.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_on(dir: &dyn DiskDir, generation: u64) -> Result<LayerInfo, Error> {
    let missing =
        || Error::Missing { what: "write layer", name: format!("{}/g{generation}", dir.name()) };
    files::peek(dir, generation)?.map(files::info).ok_or_else(missing)
}

/// The generations that have files in the folder, ascending; also half-made and half-dropped
/// ones.
///
/// # Errors
/// When the folder cannot be read.
pub fn generations(dir: &Path) -> Result<Vec<u64>, Error> {
    files::generations(&dir_of(dir)?)
}

/// Removes the files and the live map of a generation; one that is not there is no error.
///
/// # Errors
/// `Locked` when it is open; `Invalid` when it is another volume's.
pub fn drop_generation(dir: &Path, run: &Path, volume: &str, generation: u64) -> Result<(), Error> {
    drop_generation_on(&dir_of(dir)?, run_dir(run)?.as_ref(), volume, generation)
}

/// As [`drop_generation`], on folders of the caller's choice.
///
/// # Errors
/// As [`drop_generation`].
pub fn drop_generation_on(
    dir: &dyn DiskDir,
    run: &dyn RunDir,
    volume: &str,
    generation: u64,
) -> Result<(), Error> {
    files::drop_generation(dir, run, volume, generation)
}
