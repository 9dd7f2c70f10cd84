//! The index made anew: by footers, and by the magic of every record.

use std::collections::HashSet;

use super::Watch;
use crate::{
    Error,
    sealed::{id::RecordId, pack::PackRef, store::ChunkStore},
};

/// What the index made anew has.
#[derive(Clone, Debug, Default)]
pub struct IndexReport {
    /// Packs in the list.
    pub packs: u64,
    /// Records by footers.
    pub records: u64,
    /// Records by scan. More or fewer than by footers is damage.
    pub scanned: u64,
    /// Records that only one of the two ways finds, or that they place differently; ordered.
    pub differing: Vec<RecordId>,
    /// Packs whose footer cannot be used, and why; ordered.
    pub damaged: Vec<(PackRef, String)>,
}

impl IndexReport {
    /// True when both ways found the same and every footer could be used.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.differing.is_empty() && self.damaged.is_empty()
    }
}

impl ChunkStore {
    /// Forgets the index, makes it anew from the packs' footers, and compares it with one made
    /// by scanning every pack for the records' magic (invariant 17). The index is in memory:
    /// nothing is written. Progress counts bytes.
    ///
    /// # Errors
    /// `Io`, `Cancelled`.
    pub fn rebuild_index(&self, watch: &Watch<'_>) -> Result<IndexReport, Error> {
        self.index.clear();
        let by_footer: HashSet<_> = self.index()?.into_iter().collect();
        let packs = self.packs()?;
        let total = packs.iter().map(|(_, size)| size).sum();
        let mut done = 0;
        let mut before = |size| {
            watch.pace(size)?;
            watch.tell(done, total);
            done += size;
            Ok(())
        };
        let by_scan: HashSet<_> = self.scan_packs(&packs, &mut before)?.into_iter().collect();
        watch.tell(total, total);
        let mut differing: Vec<_> =
            by_footer.symmetric_difference(&by_scan).map(|entry| entry.id).collect();
        differing.sort_unstable();
        differing.dedup();
        let damaged = self.index.unsure();
        Ok(IndexReport {
            packs: packs.len() as u64,
            records: by_footer.len() as u64,
            scanned: by_scan.len() as u64,
            differing,
            damaged: damaged.into_iter().map(|(pack, why)| (pack, why.to_string())).collect(),
        })
    }
}
