//! The layer in memory: what all threads share, and how they keep out of each other's way.
//!
//! It refuses to know the protocol of a flush (`flush`) and the files' formats. Its invariant:
//! whoever writes a region's data or states owns that region's lock.
//!
//! | lock, in the order of taking | shared by | alone by |
//! |---|---|---|
//! | `geometry` | every request | grow, freeze, close, thaw |
//! | `log` | | flush and all that it writes |
//! | a region's stripe | readers of present blocks | writers, sums |
//! | `punching` | data write with its state change | check for ZERO with its punch |
//! | `header` | | changes of the header |
//! | `space` | | asking the disk for room |
//!
//! The base is never read while `geometry` is held, except to fill up a block for a small write.
//!
//! Next to read: `read`, `write`, `flush`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};

use crate::layer::checkpoint::CheckpointFiles;
use crate::layer::disk::{DiskDir, Named, RunDir};
use crate::layer::header::HeaderFile;
use crate::layer::journal::{JournalFile, RUNS_MAX};
use crate::layer::live::live_name;
use crate::layer::map::{BlockMap, REGION_BYTES, RegionSet};
use crate::layer::space::{Reserve, Space};
use crate::layer::sums::{ENTRY, SumsFile, sum_of};
use crate::layer::xts::Xts;
use crate::{BlockSource, Error};

/// Locks for regions; two regions may share one.
pub(super) const STRIPES: usize = 1024;

/// Where a layer lives, and from which sizes on it tidies up.
#[derive(Clone)]
pub struct Host {
    /// The volume's folder.
    pub dir: Arc<dyn DiskDir>,
    /// The folder of live maps.
    pub run: Arc<dyn RunDir>,
    /// Bytes of journal from which a checkpoint is written, once it is also larger than what
    /// the last one wrote.
    pub journal_bytes: u64,
    /// Changed pages of the map, of 64 MiB of disk each, from which one is written whatever the
    /// journal's length: so that none has much to write.
    pub changed_max: u64,
    /// Runs in a flush from which it writes a checkpoint instead of a record.
    pub runs_max: usize,
    /// Regions without a close sum from which a flush makes some.
    pub stale_max: u64,
    /// What no new block may take of the disk.
    pub reserve: Reserve,
}

impl Host {
    /// Bytes of journal from which a checkpoint is written.
    const JOURNAL_BYTES: u64 = 1 << 20;
    /// Pages that a checkpoint may have to write: 16 MiB.
    const CHANGED_MAX: u64 = 4096;
    /// Regions that closing may have left to sum: 256 MiB, about 0.1 s.
    const STALE_MAX: u64 = 4096;

    /// With the sizes that are meant for use.
    #[must_use]
    pub fn new(dir: Arc<dyn DiskDir>, run: Arc<dyn RunDir>) -> Self {
        Self {
            dir,
            run,
            journal_bytes: Self::JOURNAL_BYTES,
            changed_max: Self::CHANGED_MAX,
            runs_max: RUNS_MAX,
            stale_max: Self::STALE_MAX,
            reserve: Reserve::STANDARD,
        }
    }
}

/// What requests a layer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Open,
    Frozen,
    Closed,
}

/// What changes only while no request is under way.
pub(super) struct Geometry {
    pub(super) capacity: u64,
    pub(super) mode: Mode,
    pub(super) map: BlockMap,
}

impl Geometry {
    pub(super) fn check(&self, offset: u64, length: u64) -> Result<(), Error> {
        let size = self.capacity;
        match offset.checked_add(length) {
            Some(end) if end <= size => Ok(()),
            _ => Err(Error::OutOfRange { offset, length, size }),
        }
    }
}

/// What one flush at a time works on.
pub(super) struct Log {
    pub(super) journal: JournalFile,
    pub(super) checkpoints: CheckpointFiles,
    /// The last number given to a record or checkpoint, finished or not.
    pub(super) given: u64,
    /// Number of the last record or checkpoint that is durable.
    pub(super) durable: u64,
    /// Requests for a flush with a ticket up to this one are served.
    pub(super) covered: u64,
    /// Journal size from which the next checkpoint is tried.
    pub(super) checkpoint_at: u64,
    /// Journal size at which one could not be written; 0 when the last one could.
    pub(super) failed_at: u64,
}

/// One open layer.
pub(super) struct Core {
    pub(super) host: Host,
    pub(super) volume: String,
    pub(super) generation: u64,
    pub(super) base: Arc<dyn BlockSource>,
    /// Bytes of the base that show through; fixed for a generation.
    pub(super) overlap: u64,
    pub(super) xts: Xts,
    pub(super) data: Named,
    pub(super) sums: SumsFile,
    pub(super) geometry: RwLock<Geometry>,
    pub(super) log: Mutex<Log>,
    pub(super) regions: Box<[RwLock<()>]>,
    pub(super) punching: RwLock<()>,
    pub(super) header: Mutex<HeaderFile>,
    /// Data was written since the last sync of it began.
    pub(super) data_dirty: AtomicBool,
    pub(super) space: Space,
    pub(super) poisoned: AtomicBool,
    pub(super) tickets: AtomicU64,
}

/// A part of a request that lies in one region.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    pub(super) region: u64,
    /// Its place on the device.
    pub(super) at: u64,
    /// Its place in the request.
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Cuts a range at region borders.
pub(super) fn pieces(offset: u64, length: u64) -> impl Iterator<Item = Piece> {
    let end = offset + length;
    let mut at = offset;
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let region = at / REGION_BYTES;
        let stop = end.min((region + 1) * REGION_BYTES);
        let from = (at - offset) as usize;
        let piece = Piece { region, at, from, to: (stop - offset) as usize };
        at = stop;
        Some(piece)
    })
}

impl Core {
    pub(super) fn name(&self) -> String {
        format!("{}/g{}", self.host.dir.name(), self.generation)
    }

    pub(super) fn live_name(&self) -> String {
        live_name(&self.volume, self.generation)
    }

    pub(super) fn stripe(&self, region: u64) -> &RwLock<()> {
        &self.regions[region as usize % STRIPES]
    }

    /// Takes part in the geometry for a write.
    pub(super) fn writable(&self) -> Result<RwLockReadGuard<'_, Geometry>, Error> {
        let geometry = self.geometry.read();
        self.check_writable(geometry.mode)?;
        Ok(geometry)
    }

    pub(super) fn check_writable(&self, mode: Mode) -> Result<(), Error> {
        match mode {
            Mode::Frozen => Err(Error::Frozen { name: self.name() }),
            Mode::Closed => Err(Error::Closed { name: self.name() }),
            Mode::Open => self.check_poison(),
        }
    }

    pub(super) fn check_poison(&self) -> Result<(), Error> {
        if self.poisoned.load(Ordering::Acquire) { Err(Error::Poisoned) } else { Ok(()) }
    }

    /// After a failed sync nobody knows what the disk has: no more acknowledgements in this
    /// open, and the next open starts from the journal.
    pub(super) fn poison(&self, geometry: &Geometry) {
        geometry.map.live().poison();
        self.poisoned.store(true, Ordering::Release);
        tracing::error!(layer = self.name(), "a sync failed: the layer takes no more writes");
    }

    /// Passes a result on, poisoning the layer when it is an error.
    pub(super) fn or_poison<T>(
        &self,
        geometry: &Geometry,
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        if result.is_err() {
            self.poison(geometry);
        }
        result
    }

    /// Reads the base as far as it shows through; the rest is zeros.
    pub(super) fn read_base(&self, at: u64, out: &mut [u8]) -> Result<(), Error> {
        let shown = self.overlap.saturating_sub(at).min(out.len() as u64) as usize;
        let (from_base, past) = out.split_at_mut(shown);
        past.fill(0);
        if from_base.is_empty() { Ok(()) } else { self.base.read_at(at, from_base) }
    }

    /// The sum that a region's stored bytes have now; the caller holds its lock.
    pub(super) fn region_sum(&self, map: &BlockMap, region: u64) -> Result<[u8; ENTRY], Error> {
        let mask = map.present_mask(region);
        with_buffer(|stored| {
            self.data.read_up_to(region * REGION_BYTES, stored)?;
            Ok(sum_of(region, mask, stored))
        })
    }

    /// Compares a region with its close sum, once per open; the caller holds its lock.
    pub(super) fn verify(&self, map: &BlockMap, region: u64) -> Result<(), Error> {
        if !map.is_in(RegionSet::Unverified, region) {
            return Ok(());
        }
        if map.present_mask(region) != 0 {
            self.compare(region, self.region_sum(map, region)?)?;
        }
        map.take_out(RegionSet::Unverified, region);
        Ok(())
    }

    /// Compares the sum that a region has with the one from the last clean close.
    pub(super) fn compare(&self, region: u64, sum: [u8; ENTRY]) -> Result<(), Error> {
        if sum == self.sums.read(region)? {
            return Ok(());
        }
        let first = region * REGION_BYTES;
        let name = format!("{} bytes {first}..{}", self.name(), first + REGION_BYTES);
        let why = "it does not match the sum that was made when the layer was closed";
        Err(Error::Corrupt { what: "write layer region", name, why })
    }
}

thread_local! {
    static BUFFERS: std::cell::RefCell<Vec<Vec<u8>>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Lends a buffer of one region; content is undefined. A nested call gets another one.
pub(super) fn with_buffer<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    let pooled = BUFFERS.with_borrow_mut(Vec::pop);
    let mut buffer = pooled.unwrap_or_else(|| vec![0; REGION_BYTES as usize]);
    let result = work(&mut buffer);
    BUFFERS.with_borrow_mut(|pool| pool.push(buffer));
    result
}
