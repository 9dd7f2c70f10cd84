//! The format of a checkpoint: a root, and under it two levels of nodes above the map's pages.
//!
//! It refuses to know files. Its invariant: each entry holds a sum over what it names, its level
//! and its place in the tree, so nothing stale, swapped or rotten is taken for it.
//!
//! Files `g<generation>.map.A` and `.B`, sparse, with equal offsets; empty until first written:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1536 | root |
//! | 4096 + 67637248 u | 4096 | upper node u: lower nodes 128 u.., 1 TiB of disk |
//! | + 4096 + 528384 l | 4096 | lower node l in it: pages 128 l.., 8 GiB of disk |
//! | + 4096 + 4096 p | 4096 | page p in it: 2 bits per block, 16384 blocks, 64 MiB of disk |
//!
//! The root:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTMAPC1` |
//! | 8 | 4 | format version, 2 |
//! | 12 | 4 | feature bits; none is known, any set refuses |
//! | 16 | 8 | sequence: higher than every journal record in it |
//! | 24 | 32 | identity: BLAKE3 of volume id and generation |
//! | 56 | 8 | zero |
//! | 64 | 32 each | 32 entries: upper nodes |
//! | 1088 | 416 | zero |
//! | 1504 | 32 | BLAKE3 of bytes 0..1504 |
//!
//! A node is 128 entries. An entry:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | 0 nothing there (all ABSENT), 1 it is in file A, 2 in file B |
//! | 1 | 31 | BLAKE3 of identity, level (1), index (8) and the 4096 bytes, cut |
//!
//! Next to read: `files`.

use std::collections::BTreeMap;

use crate::Error;
use crate::layer::checkpoint::MAGIC;
use crate::layer::fields::{Reader, SEQUENCE_END, SUM_BYTES, checked, close_with_sum, corrupt};
use crate::layer::map::{PAGE_BYTES, pages_of};
use crate::layer::spec::CAPACITY_MAX;

/// The version in a root.
pub(super) const FORMAT: u32 = 2;
/// Bytes of a page and of a node.
pub(super) const NODE: usize = PAGE_BYTES;
/// Entries of a node.
pub(super) const FAN: u64 = 128;
/// Entries of the root.
const TOP: usize = 32;
/// Bytes of the root.
pub(in crate::layer) const ROOT: usize = 1536;
const ENTRY: usize = 32;
const ROOT_ENTRIES_AT: u64 = 64;
const _: () = assert!(ENTRY * FAN as usize == NODE);
const _: () = assert!(pages_of(CAPACITY_MAX) <= TOP as u64 * FAN * FAN);

const GROUP: u64 = NODE as u64 * (1 + FAN);
const TERRITORY: u64 = NODE as u64 + FAN * GROUP;

/// How far above the pages a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Level {
    Page = 0,
    Lower = 1,
    Upper = 2,
}

impl Level {
    /// Where thing number `index` of this level is in either file.
    pub(super) const fn offset(self, index: u64) -> u64 {
        match self {
            Self::Upper => NODE as u64 + index * TERRITORY,
            Self::Lower => Self::Upper.offset(index / FAN) + NODE as u64 + index % FAN * GROUP,
            Self::Page => Self::Lower.offset(index / FAN) + (1 + index % FAN) * NODE as u64,
        }
    }
}

/// Which of the two files.
pub(super) type Slot = usize;

/// What a node says about a thing below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// 0 for none, else one more than the slot.
    place: u8,
    sum: [u8; ENTRY - 1],
}

impl Entry {
    /// The entry for something in a slot.
    pub(super) fn of(
        identity: &[u8; SUM_BYTES],
        level: Level,
        index: u64,
        slot: Slot,
        bytes: &[u8],
    ) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(identity).update(&[level as u8]).update(&index.to_le_bytes());
        hasher.update(bytes);
        let mut sum = [0; ENTRY - 1];
        sum.copy_from_slice(&hasher.finalize().as_bytes()[..ENTRY - 1]);
        Self { place: slot as u8 + 1, sum }
    }

    /// The slot that it names.
    pub(super) const fn slot(self) -> Option<Slot> {
        match self.place {
            0 => None,
            place => Some(place as usize - 1),
        }
    }
}

/// The entries of a node.
pub(super) type Table = Box<[Entry]>;

fn encode_entries(entries: &[Entry], out: &mut Vec<u8>) {
    for entry in entries {
        out.push(entry.place);
        out.extend_from_slice(&entry.sum);
    }
}

fn decode_entries(fields: &mut Reader<'_>, count: usize) -> Option<Table> {
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let entry = Entry { place: fields.u8()?, sum: fields.bytes()? };
        if entry.place > 2 {
            return None;
        }
        entries.push(entry);
    }
    Some(entries.into())
}

pub(super) fn empty_table() -> Table {
    vec![Entry::default(); FAN as usize].into()
}

pub(super) fn encode_table(table: &Table) -> Vec<u8> {
    let mut out = Vec::with_capacity(NODE);
    encode_entries(table, &mut out);
    out
}

pub(super) fn decode_table(bytes: &[u8]) -> Option<Table> {
    decode_entries(&mut Reader(bytes), FAN as usize)
}

/// A checkpoint but for its pages.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) top: Table,
    pub(super) upper: BTreeMap<u64, Table>,
    pub(super) lower: BTreeMap<u64, Table>,
}

impl Default for Tree {
    fn default() -> Self {
        let top = vec![Entry::default(); TOP].into();
        Self { top, upper: BTreeMap::new(), lower: BTreeMap::new() }
    }
}

/// A root as it is stored.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) sequence: u64,
    pub(super) top: Table,
}

impl Root {
    pub(super) fn encode(&self, identity: &[u8; SUM_BYTES]) -> Vec<u8> {
        let mut out = Vec::with_capacity(ROOT);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(identity);
        out.extend_from_slice(&[0; 8]);
        encode_entries(&self.top, &mut out);
        close_with_sum(&mut out, ROOT);
        out
    }

    /// Reads one whose magic and version were looked at; `None` when it is torn.
    pub(super) fn decode(
        name: &str,
        bytes: &[u8],
        identity: &[u8; SUM_BYTES],
    ) -> Result<Option<Self>, Error> {
        let Some(bytes) = bytes.get(..ROOT).filter(|bytes| checked(bytes).is_some()) else {
            return Ok(None);
        };
        let mut fields = Reader(bytes);
        fields.bytes::<12>();
        let features = fields.u32().unwrap_or(u32::MAX);
        if features != 0 {
            let what = format!("{name} has feature bits {features:#x} that are not known");
            return Err(Error::Invalid { what });
        }
        let sequence = fields.u64().unwrap_or(SEQUENCE_END);
        if fields.bytes().as_ref() != Some(identity) || sequence >= SEQUENCE_END {
            return Err(corrupt("checkpoint", name, "it belongs to another layer"));
        }
        fields.bytes::<8>();
        let top = decode_entries(&mut fields, TOP)
            .ok_or_else(|| corrupt("checkpoint", name, "an entry of its root is none"))?;
        Ok(Some(Self { sequence, top }))
    }
}

/// Puts every sum below the root of a lone file right, for a fuzzer, which guesses none. What
/// the root and nodes name is taken to be in this file.
pub(in crate::layer) fn put_sums(bytes: &mut [u8], identity: &[u8; SUM_BYTES]) {
    let mut entries = Vec::new();
    for slot in 0..TOP as u64 {
        entries.push((Level::Upper, slot, ROOT_ENTRIES_AT + slot * ENTRY as u64));
    }
    let mut done = 0;
    while let Some((level, index, at)) = entries.get(done).copied() {
        done += 1;
        let place = usize::try_from(at).ok().and_then(|at| bytes.get(at));
        let below = match level {
            Level::Page => continue,
            Level::Lower => Level::Page,
            Level::Upper => Level::Lower,
        };
        if place.is_some_and(|place| *place != 0) && level.offset(index) < bytes.len() as u64 {
            let node = level.offset(index);
            entries.extend((0..FAN).map(|i| (below, index * FAN + i, node + i * ENTRY as u64)));
        }
    }
    // From the pages up.
    for (level, index, at) in entries.into_iter().rev() {
        let (at, from) = (at as usize, level.offset(index) as usize);
        if bytes.get(at).is_none_or(|place| *place == 0) {
            continue;
        }
        let Some(node) = bytes.get(from..from + NODE) else { continue };
        let sum = Entry::of(identity, level, index, 0, node).sum;
        if let Some(entry) = bytes.get_mut(at..at + ENTRY) {
            entry[0] = 1;
            entry[1..].copy_from_slice(&sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_things_share_a_place() {
        let mut places = vec![(0, ROOT as u64)];
        let mut add = |level: Level, index| {
            let at = level.offset(index);
            places.push((at, at + NODE as u64));
        };
        for index in [0, 1, TOP as u64 - 1] {
            add(Level::Upper, index);
        }
        for index in [0, 1, FAN - 1, FAN, FAN * TOP as u64 - 1] {
            add(Level::Lower, index);
        }
        for index in [0, 1, FAN - 1, FAN, FAN * FAN - 1, FAN * FAN, FAN * FAN * TOP as u64 - 1] {
            add(Level::Page, index);
        }
        places.sort_unstable();
        assert!(places.windows(2).all(|two| two[0].1 <= two[1].0), "{places:?}");
        assert!(places.iter().skip(1).all(|(at, _)| at % NODE as u64 == 0));
    }

    #[test]
    fn a_root_comes_back_and_a_torn_one_is_none() {
        let id = [3; 32];
        let mut tree = Tree::default();
        tree.top[31] = Entry::of(&id, Level::Upper, 31, 1, &[7; NODE]);
        let bytes = Root { sequence: 9, top: tree.top.clone() }.encode(&id);
        let root = Root::decode("r", &bytes, &id).unwrap().unwrap();
        assert_eq!((root.sequence, root.top), (9, tree.top));
        for at in [16, 600, ROOT - 1] {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            assert!(Root::decode("r", &torn, &id).unwrap().is_none(), "{at}");
        }
        assert!(Root::decode("r", &bytes[..ROOT - 1], &id).unwrap().is_none());
        assert!(Root::decode("r", &bytes, &[4; 32]).is_err());
    }

    /// Invariant 26.
    #[test]
    fn a_root_with_a_feature_that_is_not_known_refuses() {
        let id = [3; 32];
        let mut bytes = Root { sequence: 9, top: Tree::default().top }.encode(&id);
        bytes[12] = 1;
        bytes.truncate(ROOT - SUM_BYTES);
        close_with_sum(&mut bytes, ROOT);
        assert!(matches!(Root::decode("r", &bytes, &id), Err(Error::Invalid { .. })));
    }
}
