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

use crate::layer::engine::{Core, Geometry, Log, Mode};
use crate::layer::map::{PAGE_BLOCKS, Run, State};
use crate::{BLOCK_SIZE, Error};

/// Sums that one flush makes at most when too many are missing: 16 MiB, about 6 ms.
const SUMS_PER_FLUSH: u64 = 256;
/// Pages that a checkpoint holds in memory at once: 4 MiB.
const PAGES_PER_SYNC: usize = 1024;

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

    /// Writes the pages that changed since the last checkpoint, whose data it syncs first, and
    /// starts the journal anew. Pending changes stay pending: they may be journaled twice, never
    /// too seldom.
    pub(super) fn checkpoint(&self, geometry: &Geometry, log: &mut Log) -> Result<(), Error> {
        let changed = geometry.map.take_changed();
        let done = self.checkpoint_of(geometry, log, &changed);
        if done.is_err() {
            geometry.map.put_changed(&changed);
        }
        done
    }

    fn checkpoint_of(
        &self,
        geometry: &Geometry,
        log: &mut Log,
        changed: &[u64],
    ) -> Result<(), Error> {
        // Used up even if this fails: a checkpoint that was not finished may be found valid all
        // the same, and a later record of its number would pass for one that it holds.
        log.given += 1;
        let sequence = log.given;
        let settled = log.checkpoints.settle();
        self.or_poison(geometry, settled)?;
        let mut draft = log.checkpoints.draft()?;
        for some in changed.chunks(PAGES_PER_SYNC) {
            let pages: Vec<_> = some.iter().map(|p| (*p, geometry.map.copy_page(*p))).collect();
            self.sync_data(geometry)?;
            log.checkpoints.put(&mut draft, &pages)?;
        }
        let written = log.checkpoints.finish(&mut draft, sequence)?;
        self.or_poison(geometry, log.checkpoints.commit(draft))?;
        log.durable = sequence;
        // A journal that still has what the checkpoint holds is legal, but this open would then
        // append behind it without knowing whether it was cut.
        self.or_poison(geometry, log.journal.restart(sequence))?;
        log.checkpoint_at = self.host.journal_bytes.max(written);
        log.failed_at = 0;
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

    fn checkpoint_is_due(&self, geometry: &Geometry, log: &Log) -> bool {
        let journal = log.journal.bytes();
        let long = journal > log.checkpoint_at;
        let many = journal > 0 && geometry.map.changed_count() > self.host.changed_max;
        (long || many) && (log.failed_at == 0 || journal > log.failed_at * 2)
    }

    fn tidy_after_flush(&self, geometry: &Geometry, log: &mut Log) -> Result<(), Error> {
        if self.checkpoint_is_due(geometry, log) {
            match self.checkpoint(geometry, log) {
                Ok(()) => {}
                Err(error) => {
                    self.check_poison()?;
                    // The journal goes on; it is tried again when that has doubled.
                    log.failed_at = log.journal.bytes();
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::layer::engine::Host;
    use crate::layer::host::{HostDir, HostRunDir};
    use crate::layer::{NoBase, VolumeKey, VolumeSpec, provision_on, recover};

    /// Section 5: after 128 GiB have been written all over, a checkpoint of one more block is as
    /// cheap as on an empty volume.
    #[test]
    fn a_checkpoint_of_a_large_map_costs_what_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let files = HostDir::open_or_create(&path("disk")).unwrap();
        let run = HostRunDir::open_or_create(&path("run")).unwrap();
        let mut host = Host::new(Arc::new(files), Arc::new(run));
        host.journal_bytes = 0;
        let spec = VolumeSpec {
            dir: path("disk"),
            run_dir: path("run"),
            volume: "v".to_owned(),
            capacity: 1 << 37,
            generation: 1,
            base_root: None,
            key: VolumeKey::new([1; 32]),
            epoch: 1,
        };
        provision_on(&host, &spec, 0).unwrap();
        let (core, _) = recover::open(&host, &spec, Arc::new(NoBase)).unwrap();
        let geometry = core.geometry.read();
        let mut log = core.log.lock();
        let mut cost = |blocks: &[u64]| {
            for block in blocks {
                geometry.map.touch(*block, 1).unwrap();
                geometry.map.set(*block, 1, State::Present);
            }
            core.checkpoint(&geometry, &mut log).unwrap();
            log.checkpoint_at
        };
        let one = cost(&[5]);
        let all: Vec<u64> = (0..2048).map(|page| page * PAGE_BLOCKS + 9).collect();
        assert!(cost(&all) > 8 << 20);
        assert_eq!(cost(&[PAGE_BLOCKS * 1_500 + 3]), one);
        assert!(one < 16 << 10, "{one}");
        drop(log);
        drop(geometry);
        drop(core);
        let (core, _) = recover::open(&host, &spec, Arc::new(NoBase)).unwrap();
        assert_eq!(core.geometry.read().map.counts(), (2050, 0));
    }
}
