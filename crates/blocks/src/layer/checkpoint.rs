//! Checkpoints: the whole map, in two files of which the older is overwritten.
//!
//! It refuses to know the journal. Its invariant: a checkpoint holds only states whose data was
//! synced before, and the other one stays whole while one is written.
//!
//! Files `g<generation>.map.A` and `.B`; empty until first written:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTMAPC1` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | number of pages |
//! | 16 | 8 | sequence: higher than every journal record in it |
//! | 24 | 32 | identity: BLAKE3 of volume id and generation |
//! | 56 | 8 | zero |
//! | 64 | 8 + 4096 each | page: its index, ascending; 2 bits per block, 16384 blocks |
//! | .. | 32 | BLAKE3 of all before it |
//!
//! Next to read: `map`.

use crate::Error;
use crate::layer::disk::Named;
use crate::layer::fields::{
    FORMAT, Reader, SEQUENCE_END, SUM_BYTES, check_format, checked, corrupt,
};
use crate::layer::map::{PAGE_BYTES, PAGE_WORDS, words_are_states};

const MAGIC: [u8; 8] = *b"ECTMAPC1";
const HEAD_BYTES: usize = 64;
const ENTRY_BYTES: usize = 8 + PAGE_BYTES;

/// The words of one page of the map.
pub(super) type PageWords = Box<[u64; PAGE_WORDS]>;

/// A whole map.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) sequence: u64,
    pub(super) pages: Vec<(u64, PageWords)>,
}

impl Checkpoint {
    pub(super) fn encode(&self, identity: &[u8; SUM_BYTES]) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + self.pages.len() * ENTRY_BYTES + SUM_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&(self.pages.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(identity);
        out.extend_from_slice(&[0; 8]);
        for (index, words) in &self.pages {
            out.extend_from_slice(&index.to_le_bytes());
            for word in words.iter() {
                out.extend_from_slice(&word.to_le_bytes());
            }
        }
        let sum = blake3::hash(&out);
        out.extend_from_slice(sum.as_bytes());
        out
    }

    /// Reads one; `None` when it was never finished. `pages` is the number that the device has.
    pub(super) fn parse(
        name: &str,
        bytes: &[u8],
        identity: &[u8; SUM_BYTES],
        pages: u64,
    ) -> Result<Option<Self>, Error> {
        let mut fields = Reader(bytes);
        if fields.bytes() != Some(MAGIC) {
            return Ok(None);
        }
        check_format(name, fields.u32().unwrap_or(0))?;
        let Some((count, sequence)) = fields.u32().zip(fields.u64()) else { return Ok(None) };
        let total = HEAD_BYTES as u64 + u64::from(count) * ENTRY_BYTES as u64 + SUM_BYTES as u64;
        // The file may be longer: it was cut after a shorter checkpoint, and the cut was lost.
        let Some(whole) = usize::try_from(total).ok().and_then(|t| bytes.get(..t)) else {
            return Ok(None);
        };
        if checked(whole).is_none() {
            return Ok(None);
        }
        if fields.bytes().as_ref() != Some(identity) || sequence >= SEQUENCE_END {
            return Err(corrupt("checkpoint", name, "it belongs to another layer"));
        }
        let entries = &whole[HEAD_BYTES..whole.len() - SUM_BYTES];
        Self::parse_pages(entries, pages)
            .map(|pages| Some(Self { sequence, pages }))
            .ok_or_else(|| corrupt("checkpoint", name, "a page is out of its range"))
    }

    fn parse_pages(entries: &[u8], limit: u64) -> Option<Vec<(u64, PageWords)>> {
        let mut pages: Vec<(u64, PageWords)> = Vec::with_capacity(entries.len() / ENTRY_BYTES);
        for entry in entries.chunks_exact(ENTRY_BYTES) {
            let mut fields = Reader(entry);
            let index = fields.u64()?;
            let mut words: PageWords = Box::new([0; PAGE_WORDS]);
            for word in words.iter_mut() {
                *word = fields.u64()?;
            }
            let ascending = pages.last().is_none_or(|(before, _)| *before < index);
            if index >= limit || !ascending || !words_are_states(&words[..]) {
                return None;
            }
            pages.push((index, words));
        }
        Some(pages)
    }
}

/// The two files.
pub(super) struct CheckpointFiles {
    slots: [Named; 2],
    identity: [u8; SUM_BYTES],
    /// The slot that holds the newest checkpoint.
    newest: usize,
    /// Length of that one.
    pub(super) length: u64,
}

impl CheckpointFiles {
    /// Reads both and keeps the newer.
    pub(super) fn open(
        slots: [Named; 2],
        identity: [u8; SUM_BYTES],
        pages: u64,
    ) -> Result<(Self, Checkpoint), Error> {
        let limit = HEAD_BYTES as u64 + pages * ENTRY_BYTES as u64 + SUM_BYTES as u64;
        let mut best = Checkpoint::default();
        let mut files = Self { slots, identity, newest: 1, length: 0 };
        for index in 0..2 {
            let file = &files.slots[index];
            let bytes = file.read_all(limit)?;
            let parsed = Checkpoint::parse(&file.name, &bytes, &identity, pages)?;
            if let Some(found) = parsed.filter(|c| c.sequence > best.sequence) {
                files.length = bytes.len() as u64;
                files.newest = index;
                best = found;
            }
        }
        Ok((files, best))
    }

    /// Writes over the older one; the caller syncs.
    pub(super) fn write(&mut self, checkpoint: &Checkpoint) -> Result<u64, Error> {
        let bytes = checkpoint.encode(&self.identity);
        let file = &self.slots[1 - self.newest];
        file.write_all(0, &bytes)?;
        file.set_len(bytes.len() as u64)?;
        Ok(bytes.len() as u64)
    }

    /// Syncs what `write` wrote and makes it the newest.
    pub(super) fn commit(&mut self, length: u64) -> Result<(), Error> {
        self.slots[1 - self.newest].sync()?;
        self.newest = 1 - self.newest;
        self.length = length;
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const ID: [u8; 32] = [3; 32];

    pub(crate) fn sample() -> Checkpoint {
        let mut words: PageWords = Box::new([0; PAGE_WORDS]);
        words[0] = 0b10_01_00;
        words[511] = 1 << 62;
        Checkpoint { sequence: 8, pages: vec![(0, words.clone()), (2, words)] }
    }

    #[test]
    fn a_checkpoint_comes_back_also_from_a_longer_file() {
        let mut bytes = sample().encode(&ID);
        assert_eq!(Checkpoint::parse("c", &bytes, &ID, 3).unwrap(), Some(sample()));
        bytes.extend_from_slice(&[7; 900]);
        assert_eq!(Checkpoint::parse("c", &bytes, &ID, 3).unwrap(), Some(sample()));
    }

    #[test]
    fn every_torn_checkpoint_is_none() {
        let bytes = sample().encode(&ID);
        for cut in [0, 7, 12, 63, 64, 5000, bytes.len() - 1] {
            assert_eq!(Checkpoint::parse("c", &bytes[..cut], &ID, 3).unwrap(), None, "{cut}");
        }
        for at in [20, 100, 6000, bytes.len() - 1] {
            let mut torn = bytes.clone();
            torn[at] ^= 4;
            assert_eq!(Checkpoint::parse("c", &torn, &ID, 3).unwrap(), None, "{at}");
        }
    }

    #[test]
    fn pages_outside_the_device_and_other_layers_are_damage() {
        let bytes = sample().encode(&ID);
        assert!(Checkpoint::parse("c", &bytes, &ID, 2).is_err());
        assert!(Checkpoint::parse("c", &bytes, &[4; 32], 3).is_err());
        let mut bad = sample();
        bad.pages[0].1[5] = 3;
        assert!(Checkpoint::parse("c", &bad.encode(&ID), &ID, 3).is_err());
    }

    /// Invariant 26.
    #[test]
    fn an_unknown_checkpoint_version_refuses() {
        let mut bytes = sample().encode(&ID);
        bytes[8] = 2;
        assert!(matches!(
            Checkpoint::parse("c", &bytes, &ID, 3),
            Err(Error::UnknownFormat { found: 2, .. })
        ));
    }
}
