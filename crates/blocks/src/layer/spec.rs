//! What a caller says about a layer, and what a layer says about itself.
//!
//! It refuses to know files. Its invariant: the texts that become file names are checked here.
//!
//! Next to read: `volume`.

use std::path::PathBuf;

use crate::{BlockSource, Error, Extent, layer::VolumeKey};

/// Largest volume, in bytes.
pub const CAPACITY_MAX: u64 = 32 << 40;

/// Longest volume id, in bytes.
pub const VOLUME_ID_MAX: usize = 64;

/// Which layer to open, and by what right.
#[derive(Clone, Debug)]
pub struct VolumeSpec {
    /// The volume's folder on disk; made (0700) when the layer is created.
    pub dir: PathBuf,
    /// A private folder on tmpfs for the live map: it outlives the process, not the host.
    pub run_dir: PathBuf,
    /// The volume's id: letters, digits, `-`, `_`, `.`; it is bound into every file.
    pub volume: String,
    /// Size in bytes, any number up to [`CAPACITY_MAX`]. Opening with more than the layer has
    /// grows it; with less is refused.
    pub capacity: u64,
    /// The generation that the caller's record names.
    pub generation: u64,
    /// The root that the caller's record names as base.
    pub base_root: Option<[u8; 32]>,
    /// The volume's data key.
    pub key: VolumeKey,
    /// The caller's fencing epoch; an older one than the layer has seen is refused.
    pub epoch: u64,
}

impl VolumeSpec {
    /// Refuses what can never be a layer.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_volume_id(&self.volume)?;
        check_capacity(self.capacity)
    }
}

pub(super) fn check_volume_id(id: &str) -> Result<(), Error> {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let ok = !id.is_empty()
        && id.len() <= VOLUME_ID_MAX
        && !id.starts_with('.')
        && id.bytes().all(known);
    if ok { Ok(()) } else { Err(Error::Invalid { what: "not a volume id".to_owned() }) }
}

pub(super) fn check_capacity(capacity: u64) -> Result<(), Error> {
    if (1..=CAPACITY_MAX).contains(&capacity) {
        return Ok(());
    }
    Err(Error::Invalid { what: format!("a capacity of {capacity} bytes") })
}

/// How the state of a layer was found when it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenedBy {
    /// It was made or closed cleanly; sums are checked as regions are read.
    Clean,
    /// The last process died: its live map was there, nothing acknowledged is lost.
    LiveMap,
    /// The host died, or a sync had failed: the last flushed state. A guest that lived through
    /// this must be reset, for writes it had acknowledged but not flushed may be gone.
    Journal,
}

/// What a layer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeStats {
    /// Bytes whose content comes from the layer, written or zeroed.
    pub dirty_bytes: u64,
    /// Bytes of those that are zeroed.
    pub zero_bytes: u64,
    /// Bytes that the data file takes on the host's disk.
    pub allocated_bytes: u64,
    /// Memory that the map takes, in bytes, counting what it touched of the live map.
    pub map_bytes: u64,
    /// Regions of 64 KiB whose close sum is to be made.
    pub stale_sums: u64,
}

/// What the header of a layer says, read without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerInfo {
    /// The volume's id.
    pub volume: String,
    /// The generation.
    pub generation: u64,
    /// Size in bytes.
    pub capacity: u64,
    /// The base's root.
    pub base_root: Option<[u8; 32]>,
    /// The newest fencing epoch seen.
    pub epoch: u64,
    /// Frozen for a capture.
    pub frozen: bool,
    /// Closed cleanly.
    pub clean: bool,
    /// Was opened for writing at least once.
    pub opened: bool,
}

/// The base of a volume that has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBase;

impl BlockSource for NoBase {
    fn size(&self) -> u64 {
        0
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        if out.is_empty() {
            return Ok(());
        }
        Err(Error::OutOfRange { offset, length: out.len() as u64, size: 0 })
    }

    fn extents(&self, offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        if length == 0 {
            return Ok(Vec::new());
        }
        Err(Error::OutOfRange { offset, length, size: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_ids_are_bounded_and_never_leave_their_folder() {
        for good in ["r006-0a", "a", &"v".repeat(VOLUME_ID_MAX)] {
            assert!(check_volume_id(good).is_ok(), "{good}");
        }
        for bad in ["", "..", ".a", "a/b", "a b", &"v".repeat(VOLUME_ID_MAX + 1)] {
            assert!(check_volume_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn capacities_are_bounded_on_both_sides() {
        assert!(check_capacity(1).is_ok());
        assert!(check_capacity(CAPACITY_MAX).is_ok());
        assert!(check_capacity(0).is_err());
        assert!(check_capacity(CAPACITY_MAX + 1).is_err());
    }
}
