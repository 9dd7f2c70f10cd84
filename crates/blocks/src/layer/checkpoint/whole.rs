//! Checkpoints of format 1: the whole map in one file. They are read, and never written again.
//!
//! It refuses to know where the file is. Its invariant: a checkpoint that was not finished is
//! none.
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
//! Next to read: `tree`, the format that is written.

use crate::Error;
use crate::layer::checkpoint::{Checkpoint, MAGIC, PageWords};
use crate::layer::fields::{Reader, SEQUENCE_END, SUM_BYTES, checked, corrupt};
use crate::layer::map::{PAGE_BYTES, PAGE_WORDS, words_are_states};

/// The version in its header.
pub(super) const FORMAT: u32 = 1;
const HEAD_BYTES: usize = 64;
const ENTRY_BYTES: usize = 8 + PAGE_BYTES;

/// Longest file of a device with so many pages.
pub(super) const fn length_max(pages: u64) -> u64 {
    HEAD_BYTES as u64 + pages * ENTRY_BYTES as u64 + SUM_BYTES as u64
}

impl Checkpoint {
    #[cfg(test)]
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
        if fields.u32() != Some(FORMAT) {
            return Ok(None);
        }
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
            .map(|pages| Some(Self { sequence, pages, whole: true }))
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

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 32] = [3; 32];

    fn sample() -> Checkpoint {
        let mut words: PageWords = Box::new([0; PAGE_WORDS]);
        words[0] = 0b10_01_00;
        words[511] = 1 << 62;
        Checkpoint { sequence: 8, pages: vec![(0, words.clone()), (2, words)], whole: true }
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
}
