//! A volume: a write layer over a base.

use std::path::Path;
use std::sync::Arc;

use crate::layer::{LayerInfo, OpenedBy, VolumeSpec, VolumeStats};
use crate::{BlockDevice, BlockSource, CaptureSource, Error, Extent};

fn missing<T>() -> Result<T, Error> {
    Err(Error::Invalid { what: "not built yet".to_owned() })
}

/// A disk that a guest may write: a write layer over an immutable base. Calls may come from
/// several threads. Dropping it without [`Self::close`] is what the death of a process does.
pub struct Volume {}

impl Volume {
    /// Makes the layer that `spec` names and opens it.
    ///
    /// # Errors
    /// `Exists` when that generation has been opened before.
    pub fn create(_spec: VolumeSpec, _base: Arc<dyn BlockSource>) -> Result<Self, Error> {
        missing()
    }

    /// Opens the layer that `spec` names.
    ///
    /// # Errors
    /// `Missing`, `Locked`, `StaleEpoch`, `Frozen`, `UnknownFormat`, `Corrupt`; `Invalid` when
    /// the header names another volume, base or a larger capacity.
    pub fn open(_spec: VolumeSpec, _base: Arc<dyn BlockSource>) -> Result<Self, Error> {
        missing()
    }

    /// How the state was found.
    #[must_use]
    pub fn opened_by(&self) -> OpenedBy {
        OpenedBy::Clean
    }

    /// Flushes, brings the sums up to date and marks the layer clean; later calls fail.
    ///
    /// # Errors
    /// As [`BlockDevice::flush`].
    pub fn close(&self) -> Result<(), Error> {
        missing()
    }

    /// Grows the volume; the new tail reads as zeros.
    ///
    /// # Errors
    /// `Invalid` when `capacity` is smaller than it is.
    pub fn grow(&self, _capacity: u64) -> Result<(), Error> {
        missing()
    }

    /// Makes everything written durable and refuses any further write, also after a crash.
    ///
    /// # Errors
    /// As [`Self::close`].
    pub fn freeze(&self) -> Result<FrozenLayer, Error> {
        missing()
    }

    /// Makes up to `regions` sums of 64 KiB, for idle moments; returns how many are left.
    ///
    /// # Errors
    /// When the data cannot be read.
    pub fn maintain(&self, _regions: u64) -> Result<u64, Error> {
        missing()
    }

    /// What the layer holds.
    ///
    /// # Errors
    /// When the host does not say.
    pub fn stats(&self) -> Result<VolumeStats, Error> {
        missing()
    }
}

impl BlockSource for Volume {
    fn size(&self) -> u64 {
        0
    }

    fn read_at(&self, _offset: u64, _out: &mut [u8]) -> Result<(), Error> {
        missing()
    }

    fn extents(&self, _offset: u64, _length: u64) -> Result<Vec<Extent>, Error> {
        missing()
    }
}

impl BlockDevice for Volume {
    fn write_at(&self, _offset: u64, _data: &[u8], _fua: bool) -> Result<(), Error> {
        missing()
    }

    fn flush(&self) -> Result<(), Error> {
        missing()
    }

    fn write_zeroes(
        &self,
        _offset: u64,
        _length: u64,
        _keep_allocated: bool,
        _fua: bool,
    ) -> Result<(), Error> {
        missing()
    }
}

/// A layer that takes no more writes: what a capture reads.
pub struct FrozenLayer {}

impl FrozenLayer {
    /// Opens a layer that was frozen before.
    ///
    /// # Errors
    /// As [`Volume::open`]; `Invalid` when it is not frozen.
    pub fn open(_spec: VolumeSpec, _base: Arc<dyn BlockSource>) -> Result<Self, Error> {
        missing()
    }

    /// Makes the next generation, empty, over `new_root`; repeating it is harmless until that
    /// generation is opened. Returns its number.
    ///
    /// # Errors
    /// `Exists` when that generation has been opened.
    pub fn create_next_generation(&self, _new_root: [u8; 32]) -> Result<u64, Error> {
        missing()
    }

    /// Takes writes again: for a capture that was given up.
    ///
    /// # Errors
    /// As [`Volume::open`].
    pub fn thaw(self) -> Result<Volume, Error> {
        missing()
    }
}

impl CaptureSource for FrozenLayer {
    fn capacity(&self) -> u64 {
        0
    }

    fn dirty_chunks(&self, _chunk_size: u64) -> Vec<u64> {
        Vec::new()
    }

    fn read_chunk(&self, _index: u64, _chunk_size: u64, _out: &mut [u8]) -> Result<(), Error> {
        missing()
    }
}

/// Makes the files of a layer without opening it: what provisioning does. `base_size` is the
/// size of the base in bytes, 0 without one.
///
/// # Errors
/// `Exists` when that generation has been opened before.
pub fn provision(_spec: &VolumeSpec, _base_size: u64) -> Result<(), Error> {
    missing()
}

/// What the header of a generation says.
///
/// # Errors
/// `Missing`, `Corrupt`, `UnknownFormat`.
pub fn inspect(_dir: &Path, _generation: u64) -> Result<LayerInfo, Error> {
    missing()
}

/// The generations that have files in the folder, ascending.
///
/// # Errors
/// When the folder cannot be read.
pub fn generations(_dir: &Path) -> Result<Vec<u64>, Error> {
    missing()
}

/// Removes the files of a generation; a generation that is not there is no error.
///
/// # Errors
/// `Locked` when it is open.
pub fn drop_generation(
    _dir: &Path,
    _run_dir: &Path,
    _volume: &str,
    _generation: u64,
) -> Result<(), Error> {
    missing()
}
