//! The live map: the states of all blocks in memory that outlives the process.
//!
//! It refuses to know what the states mean. Its invariant: it is used again only by the boot, the
//! layer and the header that it was made for; anything else starts from the journal.
//!
//! File `<volume>.g<generation>.live` in the run folder, in words of the host's byte order (it
//! never leaves the host):
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTLIVE1` |
//! | 8 | 8 | format version, 1 |
//! | 16 | 16 | boot id |
//! | 32 | 32 | tag, the same as in the layer's header |
//! | 64 | 8 | generation |
//! | 72 | 8 | fencing epoch of the open that made it |
//! | 80 | 8 | 1 when a sync failed: not to be trusted |
//! | 4096 | 64 KiB | one bit per touched page of the map |
//! | 69632 | | pages of the map |
//!
//! Next to read: `recover`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::layer::CAPACITY_MAX;
use crate::layer::disk::{RunDir, SharedMap};
use crate::layer::fields::FORMAT;
use crate::layer::map::{PAGE_BYTES, PAGE_WORDS, pages_of};

const MAGIC: u64 = u64::from_le_bytes(*b"ECTLIVE1");
const WORD_VERSION: usize = 1;
const WORD_BOOT: usize = 2;
const WORD_TAG: usize = 4;
const WORD_GENERATION: usize = 8;
const WORD_EPOCH: usize = 9;
const WORD_POISONED: usize = 10;
const TOUCHED_AT: usize = 4096 / 8;
const PAGES_AT: usize = TOUCHED_AT + (pages_of(CAPACITY_MAX) / 64) as usize;

/// What ties a live map to one open of one layer.
#[derive(Clone, Copy)]
pub(super) struct LiveTag {
    pub(super) boot: [u8; 16],
    pub(super) tag: [u8; 32],
    pub(super) generation: u64,
    pub(super) epoch: u64,
}

impl LiveTag {
    /// The tag that the open number `opens` in this run folder uses.
    pub(super) fn new(
        run: &dyn RunDir,
        identity: &[u8; 32],
        generation: u64,
        epoch: u64,
        opens: u64,
    ) -> io::Result<Self> {
        let boot = run.boot_id()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&boot).update(identity).update(&opens.to_le_bytes());
        hasher.update(run.name().as_bytes());
        Ok(Self { boot, tag: *hasher.finalize().as_bytes(), generation, epoch })
    }
}

/// Shared memory with the layout above.
pub(super) struct LiveMap {
    memory: Arc<dyn SharedMap>,
}

pub(super) fn live_name(volume: &str, generation: u64) -> String {
    format!("{volume}.g{generation}.live")
}

const fn length_for(capacity: u64) -> u64 {
    (PAGES_AT * 8) as u64 + pages_of(capacity) * PAGE_BYTES as u64
}

impl LiveMap {
    /// Memory of this process alone: for a frozen layer and for comparing.
    pub(super) fn anonymous(run: &dyn RunDir, capacity: u64) -> io::Result<Self> {
        Ok(Self { memory: run.anonymous(length_for(capacity))? })
    }

    /// A new one, all absent, tagged.
    pub(super) fn create(
        run: &dyn RunDir,
        name: &str,
        capacity: u64,
        tag: &LiveTag,
    ) -> io::Result<Self> {
        let live = Self { memory: run.create(name, length_for(capacity))? };
        live.memory.reserve(0, 4096)?;
        let words = live.memory.words();
        let put = |at: usize, value: u64| words[at].store(value, Ordering::SeqCst);
        put(WORD_VERSION, u64::from(FORMAT));
        for (i, word) in words_of(&tag.boot).enumerate() {
            put(WORD_BOOT + i, word);
        }
        for (i, word) in words_of(&tag.tag).enumerate() {
            put(WORD_TAG + i, word);
        }
        put(WORD_GENERATION, tag.generation);
        put(WORD_EPOCH, tag.epoch);
        put(0, MAGIC);
        Ok(live)
    }

    /// The one that a dead process left, if it is the one that `tag` names and not poisoned.
    pub(super) fn reopen(
        run: &dyn RunDir,
        name: &str,
        capacity: u64,
        tag: &LiveTag,
    ) -> io::Result<Option<Self>> {
        let Some(memory) = run.open(name, length_for(capacity))? else { return Ok(None) };
        let live = Self { memory };
        let words = live.memory.words();
        let get = |at: usize| words[at].load(Ordering::SeqCst);
        let same = |at: usize, bytes: &[u8]| {
            words_of(bytes).enumerate().all(|(i, word)| get(at + i) == word)
        };
        let ours = get(0) == MAGIC
            && get(WORD_VERSION) == u64::from(FORMAT)
            && same(WORD_BOOT, &tag.boot)
            && same(WORD_TAG, &tag.tag)
            && get(WORD_GENERATION) == tag.generation
            && get(WORD_POISONED) == 0;
        Ok(ours.then_some(live))
    }

    /// The same map with room for a larger device.
    pub(super) fn larger(run: &dyn RunDir, name: &str, capacity: u64) -> io::Result<Self> {
        let memory = run.open(name, length_for(capacity))?;
        memory.map(|memory| Self { memory }).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// A sync failed: the next open must not believe this map.
    pub(super) fn poison(&self) {
        self.memory.words()[WORD_POISONED].store(1, Ordering::SeqCst);
    }

    /// Makes a page safe to store to and notes that it is in use.
    pub(super) fn touch(&self, page: u64) -> io::Result<()> {
        let bit_word = TOUCHED_AT + page as usize / 64;
        self.memory.reserve(bit_word as u64 * 8, 8)?;
        self.memory.reserve(page_at(page) as u64 * 8, PAGE_BYTES as u64)?;
        self.memory.words()[bit_word].fetch_or(1 << (page % 64), Ordering::SeqCst);
        Ok(())
    }

    pub(super) fn is_touched(&self, page: u64) -> bool {
        let word = &self.memory.words()[TOUCHED_AT + page as usize / 64];
        word.load(Ordering::SeqCst) >> (page % 64) & 1 != 0
    }

    pub(super) fn page(&self, page: u64) -> &[AtomicU64] {
        let at = page_at(page);
        &self.memory.words()[at..at + PAGE_WORDS]
    }
}

const fn page_at(page: u64) -> usize {
    PAGES_AT + page as usize * PAGE_WORDS
}

fn words_of(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks_exact(8).map(|chunk| {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        u64::from_le_bytes(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::host::HostRunDir;

    #[test]
    fn a_live_map_is_used_again_only_under_its_own_tag_and_unpoisoned() {
        let dir = tempfile::tempdir().unwrap();
        let run = HostRunDir::open_or_create(dir.path()).unwrap();
        let tag = |opens| LiveTag::new(&run, &[1; 32], 4, 2, opens).unwrap();
        let live = LiveMap::create(&run, "v", 1 << 20, &tag(1)).unwrap();
        live.touch(0).unwrap();
        live.page(0)[9].store(5, Ordering::SeqCst);
        drop(live);
        assert!(LiveMap::reopen(&run, "v", 1 << 20, &tag(2)).unwrap().is_none());
        let mut other_boot = tag(1);
        other_boot.boot[0] ^= 1;
        assert!(LiveMap::reopen(&run, "v", 1 << 20, &other_boot).unwrap().is_none());
        let live = LiveMap::reopen(&run, "v", 1 << 20, &tag(1)).unwrap().unwrap();
        assert!(live.is_touched(0));
        assert_eq!(live.page(0)[9].load(Ordering::SeqCst), 5);
        live.poison();
        assert!(LiveMap::reopen(&run, "v", 1 << 20, &tag(1)).unwrap().is_none());
    }
}
