//! What changed in the map: since the last flush, block by block, and since the last checkpoint,
//! page by page.
//!
//! It refuses to know where changes go. Its invariant: a change is noted after its state is set
//! and taken back before states are read, so a change is told twice rather than never.
//!
//! Next to read: `regions`.

use std::sync::atomic::Ordering;

use crate::layer::map::{BlockMap, LOW_BITS, PAGE_BLOCKS, Page, Run, State, WORD_BLOCKS};

impl BlockMap {
    /// Notes the changed places of one word; `base` is the word's first block.
    pub(super) fn mark_pending(&self, base: u64, changed: u64) {
        let Some(page) = self.page(base / PAGE_BLOCKS) else { return };
        let half = squeeze(changed | changed >> 1);
        let slot = (base % PAGE_BLOCKS / 64) as usize;
        page.pending[slot].fetch_or(half << (base % 64), Ordering::AcqRel);
        if !page.queued.swap(true, Ordering::AcqRel) {
            self.queue.lock().push(base / PAGE_BLOCKS);
        }
        self.note_change(base / PAGE_BLOCKS, page);
    }

    /// Takes what changed since the last capture, with the states that it has now.
    pub(in crate::layer) fn capture(&self) -> Vec<Run> {
        let mut pages = std::mem::take(&mut *self.queue.lock());
        pages.sort_unstable();
        let mut runs = Vec::new();
        for index in pages {
            let Some(page) = self.page(index) else { continue };
            // Read and cleared in one step: whoever saw it set has its pending bits seen below.
            page.queued.swap(false, Ordering::AcqRel);
            for (slot, bits) in page.pending.iter().enumerate() {
                let bits = bits.swap(0, Ordering::AcqRel);
                if bits != 0 {
                    self.take_runs(index * PAGE_BLOCKS + slot as u64 * 64, bits, &mut runs);
                }
            }
        }
        runs
    }

    fn take_runs(&self, base: u64, bits: u64, runs: &mut Vec<Run>) {
        let words = [self.word(base), self.word(base + WORD_BLOCKS)];
        let words = words.map(|w| w.load(Ordering::Acquire));
        for state in [State::Present, State::Zero] {
            let spread = state.spread();
            if bits == u64::MAX && words == [spread; 2] {
                push_run(runs, base, 64, state);
                return;
            }
        }
        for i in 0..64 {
            if bits >> i & 1 == 0 {
                continue;
            }
            let word = words[i / WORD_BLOCKS as usize];
            let at = i as u64 % WORD_BLOCKS * 2;
            match State::from_bits(word >> at & 3) {
                Some(state @ (State::Present | State::Zero)) => {
                    push_run(runs, base + i as u64, 1, state);
                }
                Some(State::Absent) | None => {}
            }
        }
    }

    /// Notes that a page is not as the newest checkpoint has it.
    fn note_change(&self, index: u64, page: &Page) {
        if !page.changed.swap(true, Ordering::AcqRel) {
            self.changed.lock().push(index);
        }
    }

    /// Takes the pages that changed since this was asked last, ascending: read them afterwards.
    pub(in crate::layer) fn take_changed(&self) -> Vec<u64> {
        let mut pages = std::mem::take(&mut *self.changed.lock());
        pages.sort_unstable();
        for index in &pages {
            if let Some(page) = self.page(*index) {
                page.changed.swap(false, Ordering::AcqRel);
            }
        }
        pages
    }

    /// Puts touched pages among those that the next checkpoint has to write.
    pub(in crate::layer) fn put_changed(&self, pages: &[u64]) {
        for index in pages {
            if let Some(page) = self.page(*index) {
                self.note_change(*index, page);
            }
        }
    }

    /// Whether the next checkpoint writes the page of a block anyway.
    pub(in crate::layer) fn is_changed(&self, block: u64) -> bool {
        self.page(block / PAGE_BLOCKS).is_some_and(|page| page.changed.load(Ordering::Relaxed))
    }

    /// How many pages the next checkpoint has to write.
    pub(in crate::layer) fn changed_count(&self) -> u64 {
        self.changed.lock().len() as u64
    }

    /// Puts back what a capture took, for the next one: it could not be journaled.
    pub(in crate::layer) fn restore(&self, runs: &[Run]) {
        for run in runs {
            self.mark_run_pending(run.first, u64::from(run.blocks));
        }
    }

    fn mark_run_pending(&self, first: u64, blocks: u64) {
        for block in first..first + blocks {
            self.mark_pending(block / WORD_BLOCKS * WORD_BLOCKS, 1 << (block % WORD_BLOCKS * 2));
        }
    }

    /// Compares with what the disk knows (a process died): what is newer here is pending again.
    pub(in crate::layer) fn pend_difference(&self, disk: &Self) -> Result<(), &'static str> {
        if let Some(lost) = disk.touched_pages().find(|p| self.page(*p).is_none()) {
            let known = disk.live.page(lost).iter().any(|w| w.load(Ordering::Relaxed) != 0);
            if known {
                return Err("it lacks blocks that the journal knows");
            }
        }
        for index in self.touched_pages() {
            let known = disk.page(index).is_some();
            for (slot, word) in self.live.page(index).iter().enumerate() {
                let ours = word.load(Ordering::Acquire);
                let old =
                    if known { disk.live.page(index)[slot].load(Ordering::Acquire) } else { 0 };
                let set = |w: u64| (w | w >> 1) & LOW_BITS;
                if set(old) & !set(ours) != 0 {
                    return Err("it lacks blocks that the journal knows");
                }
                if ours != old {
                    let base = index * PAGE_BLOCKS + slot as u64 * WORD_BLOCKS;
                    self.mark_pending(base, ours ^ old);
                }
            }
        }
        Ok(())
    }

    /// Forgets what is pending: it was loaded from the disk.
    pub(in crate::layer) fn settle(&self) {
        self.capture();
    }
}

fn push_run(runs: &mut Vec<Run>, first: u64, blocks: u32, state: State) {
    if let Some(last) = runs.last_mut()
        && last.state == state
        && last.first + u64::from(last.blocks) == first
        && let Some(longer) = last.blocks.checked_add(blocks)
    {
        last.blocks = longer;
        return;
    }
    runs.push(Run { first, blocks, state });
}

/// Takes every second bit together: bit 2i becomes bit i.
const fn squeeze(word: u64) -> u64 {
    let mut w = word & LOW_BITS;
    w = (w | w >> 1) & 0x3333_3333_3333_3333;
    w = (w | w >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    w = (w | w >> 4) & 0x00ff_00ff_00ff_00ff;
    w = (w | w >> 8) & 0x0000_ffff_0000_ffff;
    (w | w >> 16) & 0x0000_0000_ffff_ffff
}
