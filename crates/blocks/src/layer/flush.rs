//! Making a layer durable, in the one order that every crash survives.
//!
//! 1. Capture the state changes of writes that have completed.
//! 2. Sync the data file.
//! 3. Append one journal record of those changes, sync the journal.
//! 4. Acknowledge.
//! 5. Only now punch the holes of blocks that the record made ZERO and that still are.
//!
//! | crash | leaves |
//! |---|---|
//! | before 2 | old states: old content; overwritten blocks old, new or torn, as on any disk |
//! | between 2 and 3 | data that nothing refers to |
//! | in the record | a checksum that fails: the record is dropped, it was never acknowledged |
//! | after 3 | new content |
//! | hole punched before its ZERO is durable | impossible by the order |
//!
//! It refuses to retry a sync. Its invariants: flushes run one at a time, so what a record said
//! is still the newest durable word when its holes are punched; a failed sync poisons the layer
//! (invariant 5); a full disk puts the captured changes back (invariant 6).
//!
//! Next to read: `tidy`, `recover`.

use std::sync::atomic::Ordering;

use crate::layer::checkpoint::Checkpoint;
use crate::layer::engine::{Core, Geometry, Log, Mode};
use crate::layer::map::{PAGE_BLOCKS, Run, State};
use crate::{BLOCK_SIZE, Error};

/// Sums that one flush makes at most when too many are missing: 16 MiB, about 6 ms.
const SUMS_PER_FLUSH: u64 = 256;

impl Core {
    /// Makes every write that has returned durable.
    pub(super) fn flush(&self) -> Result<(), Error> {
        let ticket = self.tickets.fetch_add(1, Ordering::AcqRel) + 1;
        let geometry = self.geometry.read();
        if geometry.mode == Mode::Closed {
            return Err(Error::Closed { name: self.name() });
        }
        self.flush_under(&geometry, ticket)
    }

    /// Flushes also when no more requests are taken.
    pub(super) fn flush_last(&self) -> Result<(), Error> {
        let ticket = self.tickets.fetch_add(1, Ordering::AcqRel) + 1;
        self.flush_under(&self.geometry.read(), ticket)
    }

    fn flush_under(&self, geometry: &Geometry, ticket: u64) -> Result<(), Error> {
        let mut log = self.log.lock();
        self.check_poison()?;
        if log.covered >= ticket {
            // Another thread's flush began after this one was asked for.
            return Ok(());
        }
        let upto = self.tickets.load(Ordering::Acquire);
        self.flush_alone(geometry, &mut log)?;
        log.covered = upto;
        Ok(())
    }

    fn flush_alone(&self, geometry: &Geometry, log: &mut Log) -> Result<(), Error> {
        let runs = geometry.map.capture();
        if runs.len() > self.host.runs_max {
            let done = self.checkpoint(geometry, log);
            if done.is_err() {
                geometry.map.restore(&runs);
            }
            done?;
        } else {
            self.sync_data(geometry)?;
            if !runs.is_empty() {
                self.append(geometry, log, &runs)?;
            }
        }
        self.punch(geometry, &runs);
        self.tidy_after_flush(geometry, log)
    }

    fn sync_data(&self, geometry: &Geometry) -> Result<(), Error> {
        if self.data_dirty.swap(false, Ordering::AcqRel) {
            self.or_poison(geometry, self.data.sync())?;
        }
        Ok(())
    }

    fn append(&self, geometry: &Geometry, log: &mut Log, runs: &[Run]) -> Result<(), Error> {
        let sequence = log.given + 1;
        let length = match log.journal.append(sequence, log.durable, runs) {
            Ok(length) => length,
            Err(error) => {
                geometry.map.restore(runs);
                return Err(error);
            }
        };
        self.or_poison(geometry, log.journal.commit(length))?;
        (log.given, log.durable) = (sequence, sequence);
        Ok(())
    }

    /// Writes the whole map as it is, whose data it syncs first, and starts the journal anew.
    /// Pending changes stay pending: they may be journaled twice, never too seldom.
    pub(super) fn checkpoint(&self, geometry: &Geometry, log: &mut Log) -> Result<(), Error> {
        let pages = geometry.map.snapshot();
        self.data_dirty.store(false, Ordering::Release);
        self.or_poison(geometry, self.data.sync())?;
        // Used up even if this fails: a checkpoint that was not finished may be found valid all
        // the same, and a later record of its number would pass for one that it holds.
        log.given += 1;
        let sequence = log.given;
        let length = log.checkpoints.write(&Checkpoint { sequence, pages })?;
        self.or_poison(geometry, log.checkpoints.commit(length))?;
        log.durable = sequence;
        // A journal that still has what the checkpoint holds is legal, but this open would then
        // append behind it without knowing whether it was cut.
        self.or_poison(geometry, log.journal.restart(sequence))?;
        log.checkpoint_at = self.host.journal_bytes.max(length);
        Ok(())
    }

    fn punch(&self, geometry: &Geometry, runs: &[Run]) {
        for run in runs.iter().filter(|run| run.state == State::Zero) {
            let end = run.first + u64::from(run.blocks);
            let mut first = run.first;
            while first < end {
                let stop = end.min(first + PAGE_BLOCKS);
                self.punch_some(geometry, first, stop);
                first = stop;
            }
        }
    }

    /// Punches what of a range is still ZERO, while no write can land.
    fn punch_some(&self, geometry: &Geometry, first: u64, end: u64) {
        let _no_write = self.punching.write();
        let zero = |block: &u64| geometry.map.state(*block) == State::Zero;
        let mut block = first;
        while let Some(from) = (block..end).find(zero) {
            let to = (from..end).find(|b| !zero(b)).unwrap_or(end);
            let (offset, length) = (from * BLOCK_SIZE, (to - from) * BLOCK_SIZE);
            // Space that is not given back is no harm: the block reads as zeros all the same.
            if let Err(error) = self.data.file.punch(offset, length) {
                tracing::debug!(%error, "a hole could not be punched");
            }
            block = to;
        }
    }

    fn tidy_after_flush(&self, geometry: &Geometry, log: &mut Log) -> Result<(), Error> {
        if log.journal.bytes() > log.checkpoint_at {
            match self.checkpoint(geometry, log) {
                Ok(()) => {}
                // The journal goes on; it is tried again when that has doubled.
                Err(Error::NoSpace { .. }) => log.checkpoint_at = log.journal.bytes() * 2,
                Err(error) => {
                    self.check_poison()?;
                    log.checkpoint_at = log.journal.bytes() * 2;
                    tracing::warn!(%error, "a checkpoint could not be written");
                }
            }
        }
        if geometry.map.stale_count() > self.host.stale_max {
            // Sums are for closing: what hinders them now will be told then.
            drop(self.make_sums(geometry, SUMS_PER_FLUSH));
        }
        Ok(())
    }
}
