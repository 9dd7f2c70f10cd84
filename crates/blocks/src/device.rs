//! The seams inside the engine: what serves blocks, and what a capture reads.
//!
//! It refuses to know how blocks are stored. Its invariant: offsets and lengths are in bytes,
//! any alignment is legal, and a range past the end is an error, never a short answer.
//!
//! Next to read: `layer` (the writable side), `sealed` (the immutable side).

use crate::Error;

/// Size of one block of a write layer, in bytes.
pub const BLOCK_SIZE: u64 = 4096;

/// Size of one chunk of a sealed tree, in bytes.
pub const CHUNK_SIZE: u64 = 512 * 1024;

/// What a range of a device holds, for `base:allocation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Length in bytes; never zero.
    pub length: u64,
    /// Reads as zeros.
    pub zero: bool,
    /// Nothing is stored for it.
    pub hole: bool,
}

/// Immutable bytes: a sealed image, or nothing at all.
pub trait BlockSource: Send + Sync {
    /// Size in bytes.
    fn size(&self) -> u64;

    /// Fills `out` from `offset`. A source that is shorter reads as an error past its end.
    ///
    /// # Errors
    /// When a stored byte is damaged or out of reach; never wrong bytes.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error>;

    /// What the range holds, in order; the lengths add up to `length`.
    ///
    /// # Errors
    /// As [`Self::read_at`].
    fn extents(&self, offset: u64, length: u64) -> Result<Vec<Extent>, Error>;
}

/// A disk that a guest may read and write; calls may come from several threads.
pub trait BlockDevice: BlockSource {
    /// Writes `data` at `offset`; with `fua` it is durable before the call returns.
    ///
    /// # Errors
    /// `NoSpace` when the host's disk is full (nothing acknowledged is lost), `Poisoned` after a
    /// failed sync.
    fn write_at(&self, offset: u64, data: &[u8], fua: bool) -> Result<(), Error>;

    /// Makes every write that has returned durable.
    ///
    /// # Errors
    /// A failed sync poisons the device: it never acknowledges a write or flush again.
    fn flush(&self) -> Result<(), Error>;

    /// Makes the range read as zeros. With `keep_allocated` space is kept (NBD `NO_HOLE`).
    ///
    /// # Errors
    /// As [`Self::write_at`].
    fn write_zeroes(
        &self,
        offset: u64,
        length: u64,
        keep_allocated: bool,
        fua: bool,
    ) -> Result<(), Error>;

    /// The guest no longer needs the range; it reads as zeros from now on.
    ///
    /// # Errors
    /// As [`Self::write_at`].
    fn discard(&self, offset: u64, length: u64) -> Result<(), Error> {
        self.write_zeroes(offset, length, false, false)
    }
}

/// What a capture reads: a frozen volume, base and layer merged.
pub trait CaptureSource: Send + Sync {
    /// Size in bytes.
    fn capacity(&self) -> u64;

    /// Indexes of the chunks that may differ from the base, ascending.
    fn dirty_chunks(&self, chunk_size: u64) -> Vec<u64>;

    /// Fills `out` (one chunk, or the shorter tail) with the merged bytes of chunk `index`.
    ///
    /// # Errors
    /// As [`BlockSource::read_at`].
    fn read_chunk(&self, index: u64, chunk_size: u64, out: &mut [u8]) -> Result<(), Error>;
}
