//! Every stored byte of packs read again and compared with what names it.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::{Finding, Watch, inspect::inspect};
use crate::{
    Error,
    sealed::{
        pack::{PACK_SIZE_BYTES, PackRef},
        store::ChunkStore,
    },
};

/// What a scrub, or a part of one, read.
#[derive(Clone, Debug, Default)]
pub struct Scrubbed {
    /// Packs read.
    pub packs: u64,
    /// Their length, in bytes.
    pub bytes: u64,
    /// Records found whole.
    pub records: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The packs in which a record or the pack itself was read at all, ordered: what was found
    /// wrong in them before holds no longer.
    pub seen: Vec<PackRef>,
    /// Where to go on; none when this was the end.
    pub cursor: Option<PackRef>,
}

/// Packs read and checked at the same time; each takes its length of memory.
const WORKERS_MAX: usize = 4;

/// What one pack is.
#[derive(Default)]
struct OnePack {
    records: u64,
    findings: Vec<Finding>,
}

impl ChunkStore {
    /// Reads the packs after `after`, in their order, until `bytes_max` are read, and checks
    /// every byte against record ids, footers and pack names. At least one pack is read if there
    /// is one. Progress counts bytes. Several packs are read at once, so the memory is at most
    /// four times that of the longest.
    ///
    /// What cannot be read is a finding, not an error.
    ///
    /// # Errors
    /// `Io` when the list of packs cannot be read; `Cancelled`.
    pub fn scrub(
        &self,
        after: Option<PackRef>,
        bytes_max: u64,
        watch: &Watch<'_>,
    ) -> Result<Scrubbed, Error> {
        self.look_again()?;
        let mut packs = self.packs()?;
        let total = packs.iter().map(|(_, size)| size).sum();
        let before: u64 =
            packs.iter().filter(|(pack, _)| Some(*pack) <= after).map(|(_, size)| size).sum();
        packs.retain(|(pack, _)| after.is_none_or(|after| *pack > after));
        let mut out = Scrubbed::default();
        for (pack, size) in &packs {
            if out.packs > 0 && out.bytes.saturating_add(*size) > bytes_max {
                out.cursor = out.seen.last().copied();
                break;
            }
            out.packs += 1;
            out.bytes += size;
            out.seen.push(*pack);
        }
        packs.truncate(out.seen.len());
        for one in self.scrub_packs(&packs, (before, total), watch)? {
            out.records += one.records;
            out.findings.extend(one.findings);
        }
        Ok(out)
    }

    /// Checks packs on several threads; what they are, in their order.
    fn scrub_packs(
        &self,
        packs: &[(PackRef, u64)],
        (before, total): (u64, u64),
        watch: &Watch<'_>,
    ) -> Result<Vec<OnePack>, Error> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (next, done) = (AtomicUsize::new(0), AtomicU64::new(before));
        let work = || {
            let mut mine = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some((pack, size)) = packs.get(number) else { return Ok(mine) };
                if let Err(stop) = watch.pace(*size) {
                    // The others stop at their next pack.
                    next.store(packs.len(), Ordering::Relaxed);
                    return Err(stop);
                }
                mine.push((number, self.scrub_pack(pack, *size)));
                watch.tell(done.fetch_add(*size, Ordering::Relaxed) + size, total);
            }
        };
        let mut found = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..cores.clamp(1, WORKERS_MAX).min(packs.len()))
                .map(|_| scope.spawn(work))
                .collect();
            let mut found = Vec::with_capacity(packs.len());
            for thread in threads {
                // A panic is a broken promise of ours; it goes on in this thread.
                let done: Result<Vec<_>, Error> =
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                found.push(done);
            }
            found.into_iter().collect::<Result<Vec<_>, _>>()
        })?
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
        found.sort_unstable_by_key(|(number, _)| *number);
        Ok(found.into_iter().map(|(_, one)| one).collect())
    }

    fn scrub_pack(&self, pack: &PackRef, size: u64) -> OnePack {
        let mut out = OnePack::default();
        let key = pack.object_key();
        let refuse = |why| Finding { pack: *pack, record: None, why };
        // A kept file could be one that was replaced behind our back.
        self.backend.forget(&key);
        let inspected = if size > PACK_SIZE_BYTES {
            out.findings.push(refuse("it is too long"));
            None
        } else {
            match self.backend.read(&key, 0, size as usize) {
                Ok(bytes) => Some(inspect(pack, self.id(), &bytes)),
                // Deleted since it was listed.
                Err(Error::Missing { .. }) => return out,
                Err(_) => {
                    out.findings.push(refuse("it cannot be read"));
                    None
                }
            }
        };
        let mut good = HashSet::new();
        let mut named = HashSet::new();
        if let Some(inspected) = inspected {
            out.records = inspected.good.len() as u64;
            if inspected.findings.is_empty() {
                return out;
            }
            named.extend(inspected.findings.iter().filter_map(|finding| finding.record));
            good.extend(inspected.good);
            out.findings.extend(inspected.findings);
        }
        // What the index says is there and the bytes do not show.
        for record in self.index.records_of(pack) {
            if !good.contains(&record) && !named.contains(&record) {
                let why = "its pack does not give it";
                out.findings.push(Finding { pack: *pack, record: Some(record), why });
            }
        }
        out
    }
}
