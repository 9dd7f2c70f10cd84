//! Room on the host's disk: a new block is refused before the disk is full.
//!
//! What was acknowledged has to become durable whatever comes: its journal records, the next
//! checkpoint and the close sums need room too. So a write that needs new blocks is refused
//! while the disk has less free than a reserve and what this layer still owes; the guest's
//! write then fails with ENOSPC, QEMU pauses the guest, and goes on once there is room. Flushes,
//! overwrites, discards, freezing and closing go on from the reserve.
//!
//! The disk is not asked at every write: it is asked for a grant, which writes use up. So the
//! reserve may be undercut by one grant of each engine on the host, which is small beside it.
//!
//! It refuses to promise: others may fill the disk. Then a write, a record or a checkpoint that
//! finds no room is told and loses nothing (invariant 6).
//!
//! Next to read: `flush`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::layer::engine::Core;
use crate::layer::map::BlockMap;
use crate::{BLOCK_SIZE, Error};

/// Most bytes that are granted in one go.
const GRANT_MAX: u64 = 1 << 20;
/// What a changed page of the map may take of a checkpoint: itself and two nodes above it.
const PAGE_COST: u64 = 3 * 4096;
/// What the sums of one page of the map take at most: 1024 sums of 16 bytes.
const SUMS_COST: u64 = 4 * 4096;

/// What is kept free on the host's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// Bytes, where the disk is large; 0 keeps nothing.
    pub bytes: u64,
    /// On a small disk it is this part of the whole at most: one in so many.
    pub part: u64,
}

impl Reserve {
    /// 64 MiB, or a sixteenth of a disk of less than 1 GiB: journals of 2 MiB and grants of 1 MiB
    /// of some twenty engines.
    pub const STANDARD: Self = Self { bytes: 64 << 20, part: 16 };
    /// None.
    pub const NONE: Self = Self { bytes: 0, part: 1 };

    /// What is kept free of a disk of `total` bytes.
    fn of(self, total: u64) -> u64 {
        self.bytes.min(total / self.part.max(1))
    }
}

/// Room that was granted and not used yet.
#[derive(Default)]
pub(super) struct Space {
    granted: AtomicU64,
    /// The disk was short of room when it was last asked.
    short: AtomicBool,
    asking: Mutex<()>,
}

impl Space {
    /// Uses up a part of the grant, if that is large enough.
    fn take(&self, bytes: u64) -> bool {
        let spend = |granted: u64| granted.checked_sub(bytes);
        self.granted.fetch_update(Ordering::AcqRel, Ordering::Acquire, spend).is_ok()
    }
}

impl Core {
    /// Takes the room for a write to blocks within one region, before it changes anything; the
    /// caller holds the region's lock. A block that is present takes none.
    pub(super) fn take_room(&self, map: &BlockMap, first: u64, blocks: u64) -> Result<(), Error> {
        let fresh = blocks - map.present_in(first, blocks);
        if fresh == 0 || self.host.reserve == Reserve::NONE {
            return Ok(());
        }
        let page = if map.is_changed(first) { 0 } else { PAGE_COST + SUMS_COST };
        let bytes = fresh * BLOCK_SIZE + page;
        if self.space.take(bytes) {
            return Ok(());
        }
        self.ask_for_room(map, bytes)
    }

    fn ask_for_room(&self, map: &BlockMap, bytes: u64) -> Result<(), Error> {
        let _alone = self.space.asking.lock();
        if self.space.take(bytes) {
            // Somebody else has asked meanwhile.
            return Ok(());
        }
        let room = match self.host.dir.room() {
            Ok(room) => room,
            Err(error) => {
                tracing::debug!(%error, "the disk does not tell its room");
                return Ok(());
            }
        };
        let reserve = self.host.reserve.of(room.total);
        let free = room.free.saturating_sub(reserve).saturating_sub(self.owed(map));
        // Once short, it has to be more than a moment's room: a guest does not stutter.
        let short = self.space.short.load(Ordering::Relaxed);
        let wanted = if short { bytes.max(reserve / 4) } else { bytes };
        if free < wanted {
            if !self.space.short.swap(true, Ordering::Relaxed) {
                let (layer, left) = (self.name(), room.free);
                tracing::warn!(layer, left, reserve, "the disk is short: no new blocks");
            }
            return Err(Error::NoSpace { doing: "keeping a reserve" });
        }
        if self.space.short.swap(false, Ordering::Relaxed) {
            tracing::info!(layer = self.name(), left = room.free, "the disk has room again");
        }
        // The rest of an older grant is in `free` already.
        self.space.granted.store(free.min(GRANT_MAX).max(bytes) - bytes, Ordering::Release);
        Ok(())
    }

    /// What the disk still has to take for what was acknowledged, beside the journal.
    fn owed(&self, map: &BlockMap) -> u64 {
        let changed = map.changed_count();
        // A sum takes 16 bytes, and the first in its block of the file a whole one.
        let sums = map.stale_count().saturating_mul(BLOCK_SIZE);
        changed * PAGE_COST + sums.min(map.touched_count().saturating_mul(SUMS_COST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_disk_keeps_a_part_and_a_large_one_no_more_than_enough() {
        let reserve = Reserve::STANDARD;
        assert_eq!(reserve.of(48 << 20), 3 << 20);
        assert_eq!(reserve.of(1 << 30), 64 << 20);
        assert_eq!(reserve.of(1 << 50), 64 << 20);
        assert_eq!(Reserve::NONE.of(1 << 50), 0);
    }

    #[test]
    fn a_grant_is_used_up_and_never_overdrawn() {
        let space = Space::default();
        space.granted.store(10, Ordering::Relaxed);
        assert!(space.take(4) && space.take(6));
        assert!(!space.take(1));
    }
}
