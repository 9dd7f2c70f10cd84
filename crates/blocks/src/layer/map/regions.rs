//! Sets of regions: those whose close sum is out of date, and those that were not compared yet.
//!
//! It refuses to know sums. Its invariant: the number of stale regions is the number of their
//! bits.
//!
//! Next to read: `tidy`.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::layer::map::{BlockMap, LOW_BITS, PAGE_REGIONS, REGION_BLOCKS};

/// Which bits of a per-region set.
#[derive(Clone, Copy)]
pub(in crate::layer) enum RegionSet {
    /// The close sum in the file is out of date.
    Stale,
    /// The close sum is good and was not compared yet since the open.
    Unverified,
}

impl BlockMap {
    pub(in crate::layer) fn stale_count(&self) -> u64 {
        self.stale.load(Ordering::Relaxed)
    }

    fn region_bit(&self, set: RegionSet, region: u64) -> Option<(&AtomicU64, u64)> {
        let page = self.page(region / PAGE_REGIONS)?;
        let at = region % PAGE_REGIONS;
        Some((&page.set(set)[at as usize / 64], 1 << (at % 64)))
    }

    pub(in crate::layer) fn is_in(&self, set: RegionSet, region: u64) -> bool {
        self.region_bit(set, region).is_some_and(|(w, bit)| w.load(Ordering::Acquire) & bit != 0)
    }

    pub(in crate::layer) fn put_in(&self, set: RegionSet, region: u64) {
        let Some((word, bit)) = self.region_bit(set, region) else { return };
        let fresh = word.fetch_or(bit, Ordering::AcqRel) & bit == 0;
        if fresh && matches!(set, RegionSet::Stale) {
            self.stale.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(in crate::layer) fn take_out(&self, set: RegionSet, region: u64) {
        let Some((word, bit)) = self.region_bit(set, region) else { return };
        let was = word.fetch_and(!bit, Ordering::AcqRel) & bit != 0;
        if was && matches!(set, RegionSet::Stale) {
            self.stale.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Up to `limit` regions of a set, ascending.
    pub(in crate::layer) fn list(&self, set: RegionSet, limit: u64) -> Vec<u64> {
        let mut found = Vec::new();
        for index in self.touched_pages() {
            let Some(page) = self.page(index) else { continue };
            for (slot, word) in page.set(set).iter().enumerate() {
                let mut bits = word.load(Ordering::Acquire);
                while bits != 0 {
                    if found.len() as u64 >= limit {
                        return found;
                    }
                    let bit = u64::from(bits.trailing_zeros());
                    found.push(index * PAGE_REGIONS + slot as u64 * 64 + bit);
                    bits &= bits - 1;
                }
            }
        }
        found
    }

    /// Puts every region with a present block into a set.
    pub(in crate::layer) fn put_all_present_in(&self, set: RegionSet) {
        let pages: Vec<u64> = self.touched_pages().collect();
        for page in pages {
            for region in page * PAGE_REGIONS..(page + 1) * PAGE_REGIONS {
                let half = self.word(region * REGION_BLOCKS).load(Ordering::Acquire)
                    >> (region % 2 * 32)
                    & 0xffff_ffff;
                if half & LOW_BITS != 0 {
                    self.put_in(set, region);
                }
            }
        }
    }
}
