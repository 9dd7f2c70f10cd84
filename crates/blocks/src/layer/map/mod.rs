//! The block map: what each block of a layer is, and what of that is not journaled yet.
//!
//! It refuses to know files and data. Its invariants: a block never goes back to ABSENT; states
//! live in a [`SharedMap`], so the death of the process keeps them; memory is taken for what was
//! touched only.
//!
//! A page of the map is 4 KiB: 2 bits for each of 16384 blocks, 64 MiB of disk. What is private
//! to the process (pending bits, sum bits) hangs in a two-level directory beside it; a page that
//! is not in the directory is all ABSENT and its shared memory is never looked at.
//!
//! | meeting | kept apart by |
//! |---|---|
//! | two writers of one region | the region's lock, held by the caller |
//! | two writers of one word | atomic exclusive-or of the bits that the lock owns |
//! | writer and [`BlockMap::capture`] | state first, pending bit second; capture the other way |
//! | writer and [`BlockMap::take_changed`] | state first, page's mark second; likewise |
//!
//! Next to read: `changes`; `live` for the shared memory's layout.

mod changes;
mod regions;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::layer::checkpoint::PageWords;
use crate::layer::disk::named;
use crate::layer::live::LiveMap;
use crate::{BLOCK_SIZE, Error};

pub(super) use self::regions::RegionSet;

/// Words of one page.
pub(super) const PAGE_WORDS: usize = 512;
/// Bytes of one page.
pub(super) const PAGE_BYTES: usize = PAGE_WORDS * 8;
/// Blocks of one page.
pub(super) const PAGE_BLOCKS: u64 = 16_384;
/// Blocks of one region: the unit of locks and of close sums, 64 KiB.
pub(super) const REGION_BLOCKS: u64 = 16;
/// Bytes of one region.
pub(super) const REGION_BYTES: u64 = REGION_BLOCKS * BLOCK_SIZE;
/// Regions of one page.
pub(super) const PAGE_REGIONS: u64 = PAGE_BLOCKS / REGION_BLOCKS;
const WORD_BLOCKS: u64 = 32;
/// Pages under one directory.
const FAN: usize = 512;
const LOW_BITS: u64 = 0x5555_5555_5555_5555;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// The base shows through.
    Absent = 0,
    /// In the data file.
    Present = 1,
    /// Reads as zeros.
    Zero = 2,
}

impl State {
    pub(super) const fn from_bits(bits: u64) -> Option<Self> {
        match bits {
            0 => Some(Self::Absent),
            1 => Some(Self::Present),
            2 => Some(Self::Zero),
            _ => None,
        }
    }

    /// The state in every one of a word's 32 places.
    const fn spread(self) -> u64 {
        self as u64 * LOW_BITS
    }
}

/// Blocks in a row with one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) blocks: u32,
    pub(super) state: State,
}

/// No two-bit place holds 3, which is no state.
pub(super) fn words_are_states(words: &[u64]) -> bool {
    words.iter().all(|w| w & (w >> 1) & LOW_BITS == 0)
}

/// How many blocks of a word are present, and how many zero.
const fn count(word: u64) -> (u64, u64) {
    let present = (word & LOW_BITS).count_ones() as u64;
    let zero = ((word >> 1) & LOW_BITS).count_ones() as u64;
    (present, zero)
}

/// What the process keeps about one page.
struct Page {
    pending: [AtomicU64; PAGE_BLOCKS as usize / 64],
    queued: AtomicBool,
    /// It is not as the newest checkpoint has it.
    changed: AtomicBool,
    stale: [AtomicU64; PAGE_REGIONS as usize / 64],
    unverified: [AtomicU64; PAGE_REGIONS as usize / 64],
}

impl Page {
    fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            pending: std::array::from_fn(|_| zero()),
            queued: AtomicBool::new(false),
            changed: AtomicBool::new(false),
            stale: std::array::from_fn(|_| zero()),
            unverified: std::array::from_fn(|_| zero()),
        }
    }

    const fn set(&self, set: RegionSet) -> &[AtomicU64; PAGE_REGIONS as usize / 64] {
        match set {
            RegionSet::Stale => &self.stale,
            RegionSet::Unverified => &self.unverified,
        }
    }
}

struct Directory([OnceLock<Box<Page>>; FAN]);

/// The map of one layer.
pub(super) struct BlockMap {
    live: Arc<LiveMap>,
    directories: Vec<OnceLock<Box<Directory>>>,
    /// One toucher at a time, so that a page is reserved before its first store.
    touch: Mutex<()>,
    touched: AtomicU64,
    /// Pages with pending bits.
    queue: Mutex<Vec<u64>>,
    /// Pages that the newest checkpoint does not have as they are.
    changed: Mutex<Vec<u64>>,
    present: AtomicU64,
    zero: AtomicU64,
    stale: AtomicU64,
}

pub(super) const fn pages_of(capacity: u64) -> u64 {
    capacity.div_ceil(BLOCK_SIZE).div_ceil(PAGE_BLOCKS)
}

impl BlockMap {
    /// A map over shared memory in which nothing is touched.
    pub(super) fn new(live: Arc<LiveMap>, capacity: u64) -> Self {
        let directories = pages_of(capacity).div_ceil(FAN as u64);
        Self {
            live,
            directories: (0..directories).map(|_| OnceLock::new()).collect(),
            touch: Mutex::new(()),
            touched: AtomicU64::new(0),
            queue: Mutex::new(Vec::new()),
            changed: Mutex::new(Vec::new()),
            present: AtomicU64::new(0),
            zero: AtomicU64::new(0),
            stale: AtomicU64::new(0),
        }
    }

    pub(super) const fn live(&self) -> &Arc<LiveMap> {
        &self.live
    }

    /// Moves to larger shared memory with the same content.
    pub(super) fn grow(&mut self, live: Arc<LiveMap>, capacity: u64) {
        let directories = pages_of(capacity).div_ceil(FAN as u64) as usize;
        self.directories.resize_with(directories, OnceLock::new);
        self.live = live;
    }

    fn page(&self, page: u64) -> Option<&Page> {
        let directory = self.directories.get(page as usize / FAN)?.get()?;
        directory.0[page as usize % FAN].get().map(Box::as_ref)
    }

    fn page_or_touch(&self, page: u64) -> Result<&Page, Error> {
        if let Some(found) = self.page(page) {
            return Ok(found);
        }
        let _alone = self.touch.lock();
        self.live.touch(page).map_err(|source| named("extend", "live map", source))?;
        Ok(self.attach(page))
    }

    /// Hangs the private part of a page in, after its shared part is safe to use.
    fn attach(&self, page: u64) -> &Page {
        let directory = self.directories[page as usize / FAN]
            .get_or_init(|| Box::new(Directory(std::array::from_fn(|_| OnceLock::new()))));
        directory.0[page as usize % FAN].get_or_init(|| {
            self.touched.fetch_add(1, Ordering::Relaxed);
            Box::new(Page::new())
        })
    }

    /// Takes over the pages that the shared memory says are touched (a process died), counts
    /// their blocks and refuses what is no state.
    pub(super) fn adopt(&self, capacity: u64) -> Result<(), &'static str> {
        for page in 0..pages_of(capacity) {
            if !self.live.is_touched(page) {
                continue;
            }
            self.attach(page);
            let words = self.live.page(page).iter().map(|w| w.load(Ordering::SeqCst));
            for word in words {
                if !words_are_states(&[word]) {
                    return Err("a block has no known state");
                }
                self.add(count(0), count(word));
            }
        }
        Ok(())
    }

    fn add(&self, before: (u64, u64), after: (u64, u64)) {
        let shift = |counter: &AtomicU64, from: u64, to: u64| {
            counter.fetch_add(to.wrapping_sub(from), Ordering::Relaxed);
        };
        shift(&self.present, before.0, after.0);
        shift(&self.zero, before.1, after.1);
    }

    /// Makes sure that states in the range can be stored, so that `set` cannot fail.
    pub(super) fn touch(&self, first: u64, blocks: u64) -> Result<(), Error> {
        if blocks == 0 {
            return Ok(());
        }
        for page in first / PAGE_BLOCKS..=(first + blocks - 1) / PAGE_BLOCKS {
            self.page_or_touch(page)?;
        }
        Ok(())
    }

    /// How many pages are touched.
    pub(super) fn touched_count(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }

    pub(super) fn is_touched(&self, block: u64) -> bool {
        self.page(block / PAGE_BLOCKS).is_some()
    }

    fn word(&self, block: u64) -> &AtomicU64 {
        let words = self.live.page(block / PAGE_BLOCKS);
        &words[(block % PAGE_BLOCKS / WORD_BLOCKS) as usize]
    }

    pub(super) fn state(&self, block: u64) -> State {
        if !self.is_touched(block) {
            return State::Absent;
        }
        let word = self.word(block).load(Ordering::Acquire);
        State::from_bits(word >> (block % WORD_BLOCKS * 2) & 3).unwrap_or(State::Absent)
    }

    /// How many blocks of a range within one region are present.
    pub(super) fn present_in(&self, first: u64, blocks: u64) -> u64 {
        if !self.is_touched(first) {
            return 0;
        }
        let word = self.word(first).load(Ordering::Acquire) >> (first % WORD_BLOCKS * 2);
        let mask = if blocks == WORD_BLOCKS { u64::MAX } else { (1 << (blocks * 2)) - 1 };
        u64::from((word & mask & LOW_BITS).count_ones())
    }

    /// Which of a region's 16 blocks are present, lowest bit first.
    pub(super) fn present_mask(&self, region: u64) -> u16 {
        let first = region * REGION_BLOCKS;
        (0..REGION_BLOCKS)
            .filter(|i| self.state(first + i) == State::Present)
            .fold(0, |mask, i| mask | 1 << i)
    }

    /// Sets the states of a touched range; the caller owns the regions it lies in.
    pub(super) fn set(&self, first: u64, blocks: u64, state: State) {
        let end = first + blocks;
        let mut block = first;
        while block < end {
            let word_end = (block / WORD_BLOCKS + 1) * WORD_BLOCKS;
            let stop = end.min(word_end);
            self.set_in_word(block, stop - block, state);
            block = stop;
        }
    }

    fn set_in_word(&self, block: u64, blocks: u64, state: State) {
        let shift = block % WORD_BLOCKS * 2;
        let mask = if blocks == WORD_BLOCKS { u64::MAX } else { (1 << (blocks * 2)) - 1 } << shift;
        let word = self.word(block);
        let before = word.load(Ordering::Acquire) & mask;
        let after = state.spread() & mask;
        let changed = before ^ after;
        if changed == 0 {
            return;
        }
        // Only the owner of a region changes its bits, so this sets exactly `after` there.
        word.fetch_xor(changed, Ordering::AcqRel);
        self.add(count(before), count(after));
        self.mark_pending(block / WORD_BLOCKS * WORD_BLOCKS, changed);
    }

    /// A touched page as it is now.
    pub(super) fn copy_page(&self, index: u64) -> PageWords {
        let mut copy: PageWords = Box::new([0; PAGE_WORDS]);
        for (to, from) in copy.iter_mut().zip(self.live.page(index)) {
            *to = from.load(Ordering::Acquire);
        }
        copy
    }

    /// Numbers of the touched pages, ascending.
    pub(super) fn touched_pages(&self) -> impl Iterator<Item = u64> + '_ {
        self.directories.iter().enumerate().flat_map(|(d, directory)| {
            let inside = directory.get().into_iter().flat_map(|found| found.0.iter().enumerate());
            inside.filter(|(_, page)| page.get().is_some()).map(move |(p, _)| (d * FAN + p) as u64)
        })
    }

    /// Takes a stored page in: fresh when the map is loaded from disk.
    pub(super) fn load_page(&self, index: u64, words: &PageWords) -> Result<(), Error> {
        self.page_or_touch(index)?;
        for (to, from) in self.live.page(index).iter().zip(words.iter()) {
            let before = to.swap(*from, Ordering::AcqRel);
            self.add(count(before), count(*from));
        }
        Ok(())
    }

    pub(super) fn counts(&self) -> (u64, u64) {
        (self.present.load(Ordering::Relaxed), self.zero.load(Ordering::Relaxed))
    }

    /// Bytes of memory taken.
    pub(super) fn memory(&self) -> u64 {
        let touched = self.touched.load(Ordering::Relaxed);
        let directories = self.directories.iter().filter(|d| d.get().is_some()).count();
        let fixed = self.directories.len() * size_of::<OnceLock<Box<Directory>>>()
            + directories * size_of::<Directory>();
        fixed as u64 + touched * (size_of::<Page>() + PAGE_BYTES) as u64
    }

    /// The next block at or after `from` that is not absent.
    pub(super) fn next_dirty(&self, from: u64, end: u64) -> Option<u64> {
        let mut block = from;
        while block < end {
            if !self.is_touched(block) {
                block = (block / PAGE_BLOCKS + 1) * PAGE_BLOCKS;
                continue;
            }
            let word = self.word(block).load(Ordering::Acquire) >> (block % WORD_BLOCKS * 2);
            if word != 0 {
                let found = block + u64::from(word.trailing_zeros()) / 2;
                return (found < end).then_some(found);
            }
            block = (block / WORD_BLOCKS + 1) * WORD_BLOCKS;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::host::HostRunDir;
    use crate::layer::live::LiveMap;

    fn map(capacity: u64) -> (tempfile::TempDir, BlockMap) {
        let dir = tempfile::tempdir().unwrap();
        let run = HostRunDir::open_or_create(dir.path()).unwrap();
        let live = Arc::new(LiveMap::anonymous(&run, capacity).unwrap());
        (dir, BlockMap::new(live, capacity))
    }

    #[test]
    fn captured_runs_are_what_changed_and_nothing_else() {
        let (_dir, map) = map(1 << 30);
        map.touch(10, 200).unwrap();
        map.set(10, 100, State::Present);
        map.set(40, 5, State::Zero);
        let runs = map.capture();
        let expected = [(10, 30, State::Present), (40, 5, State::Zero), (45, 65, State::Present)];
        let expected = expected.map(|(first, blocks, state)| Run { first, blocks, state });
        assert_eq!(runs, expected);
        assert!(map.capture().is_empty());
        map.set(10, 100, State::Present);
        assert_eq!(map.capture(), [Run { first: 40, blocks: 5, state: State::Present }]);
        map.restore(&runs);
        assert_eq!(map.capture(), [Run { first: 10, blocks: 100, state: State::Present }]);
        assert_eq!(map.counts(), (100, 0));
    }

    #[test]
    fn states_hold_across_words_and_pages() {
        let (_dir, map) = map(1 << 30);
        let first = PAGE_BLOCKS - 70;
        map.touch(first, 140).unwrap();
        map.set(first, 140, State::Zero);
        for block in first - 2..first + 142 {
            let inside = (first..first + 140).contains(&block);
            let expected = if inside { State::Zero } else { State::Absent };
            assert_eq!(map.state(block), expected, "{block}");
        }
        assert_eq!(map.next_dirty(0, 1 << 18), Some(first));
        assert_eq!(map.next_dirty(first + 140, 1 << 18), None);
        assert_eq!(map.next_dirty(0, first), None);
        assert_eq!(map.counts(), (0, 140));
    }

    #[test]
    fn region_sets_are_counted_and_listed() {
        let (_dir, map) = map(1 << 30);
        map.touch(0, PAGE_BLOCKS * 2).unwrap();
        map.set(REGION_BLOCKS * 3, 1, State::Present);
        map.set(PAGE_BLOCKS + 17, 1, State::Present);
        map.set(REGION_BLOCKS * 9, 1, State::Zero);
        map.put_all_present_in(RegionSet::Stale);
        assert_eq!(map.stale_count(), 2);
        assert_eq!(map.list(RegionSet::Stale, 9), [3, PAGE_REGIONS + 1]);
        assert_eq!(map.list(RegionSet::Stale, 1), [3]);
        assert_eq!(map.present_mask(PAGE_REGIONS + 1), 2);
        map.take_out(RegionSet::Stale, 3);
        assert!(!map.is_in(RegionSet::Stale, 3));
        assert_eq!(map.stale_count(), 1);
    }

    #[test]
    fn an_untouched_map_of_16_tb_takes_less_than_a_mebibyte() {
        let (_dir, map) = map(16_000_000_000_000);
        assert_eq!(map.state(3_000_000_000), State::Absent);
        assert_eq!(map.next_dirty(0, 3_900_000_000), None);
        assert!(map.memory() < 1 << 20, "{}", map.memory());
    }
}
