//! Where each record lies: the union of the packs' footers, in memory.
//!
//! It refuses to know trees and keys. Its invariants: it is only ever built from packs, never
//! written, so it cannot be stale on disk; a pack that this process has not seen yet is found by
//! reading the list of packs once more; a wrong answer is impossible because readers check ids.
//!
//! Who may meet whom:
//!
//! | | another reader | the writer of a pack | a deletion |
//! |---|---|---|---|
//! | a reader that misses | one of them reads the list, the others wait | finds the new pack in the list | reports the record as missing |

use std::collections::{HashMap, HashSet};

use parking_lot::{Mutex, RwLock};

use super::{
    backend::{Backend, Listed},
    id::{RecordId, StoreId},
    pack::{
        HEADER_BYTES, PACK_MIN_BYTES, PACK_SIZE_BYTES, PACKS_PREFIX, PackRef, RecordEntry,
        TRAILER_BYTES, Trailer, check_header, scan,
    },
};
use crate::Error;

/// Read in one go from a pack's end; holds the footer of a pack of 340 records.
const TAIL_BYTES: u64 = 16 * 1024;

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) pack: PackRef,
    pub(super) entry: RecordEntry,
}

/// A record as operators see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexEntry {
    /// The record.
    pub id: RecordId,
    /// The pack that holds it.
    pub pack: PackRef,
    /// Offset of the record's head in the pack, in bytes.
    pub offset: u32,
    /// Stored length, in bytes.
    pub stored_length: u32,
}

/// A pack whose records cannot be used.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    Unknown { found: u32, known: u32 },
    Damaged { why: &'static str },
}

impl Refusal {
    fn error(self, pack: &PackRef) -> Error {
        let name = pack.name.to_string();
        match self {
            Self::Unknown { found, known } => {
                Error::UnknownFormat { name: format!("pack {name}"), found, known }
            }
            Self::Damaged { why } => Error::Corrupt { what: "pack", name, why },
        }
    }
}

#[derive(Default)]
struct State {
    /// Slots are never reused, so that a record can point at its pack in four bytes.
    slots: Vec<PackRef>,
    slot_of: HashMap<PackRef, u32>,
    records: HashMap<RecordId, (u32, RecordEntry)>,
    refused: HashMap<PackRef, Refusal>,
    /// Grows each time the list of packs was read; zero before the first.
    generation: u64,
}

impl State {
    fn add(&mut self, pack: PackRef, entries: &[RecordEntry]) {
        let slot = self.slots.len() as u32;
        self.slots.push(pack);
        self.slot_of.insert(pack, slot);
        self.records.reserve(entries.len());
        for entry in entries {
            self.records.insert(entry.id, (slot, *entry));
        }
    }

    fn keep_only(&mut self, present: &HashSet<PackRef>) {
        let before = self.slot_of.len();
        self.slot_of.retain(|pack, _| present.contains(pack));
        self.refused.retain(|pack, _| present.contains(pack));
        if self.slot_of.len() != before {
            let (slots, slot_of) = (&self.slots, &self.slot_of);
            self.records.retain(|_, (slot, _)| slot_of.contains_key(&slots[*slot as usize]));
        }
    }
}

#[derive(Default)]
pub(super) struct Index {
    state: RwLock<State>,
    refreshing: Mutex<()>,
}

impl Index {
    /// Where the record lies; reads the list of packs at most once.
    pub(super) fn locate(
        &self,
        backend: &Backend,
        store: StoreId,
        id: RecordId,
    ) -> Result<Location, Error> {
        let (found, generation) = self.look_up(id);
        if let Some(found) = found {
            return Ok(found);
        }
        self.refresh(backend, store, generation)?;
        if let Some(found) = self.look_up(id).0 {
            return Ok(found);
        }
        let state = self.state.read();
        match state.refused.iter().min_by_key(|(pack, _)| **pack) {
            Some((pack, refusal)) => Err(refusal.error(pack)),
            None => Err(Error::Missing { what: "record", name: id.to_string() }),
        }
    }

    fn look_up(&self, id: RecordId) -> (Option<Location>, u64) {
        let state = self.state.read();
        let found = state
            .records
            .get(&id)
            .map(|(slot, entry)| Location { pack: state.slots[*slot as usize], entry: *entry });
        (found, state.generation)
    }

    /// How often the list of packs was read.
    pub(super) fn generation(&self) -> u64 {
        self.state.read().generation
    }

    /// Makes a pack known that this process has just stored.
    pub(super) fn insert(&self, pack: PackRef, entries: &[RecordEntry]) {
        let mut state = self.state.write();
        // Before the first read of the list there is nothing to keep up to date.
        if state.generation > 0 && !state.slot_of.contains_key(&pack) {
            state.add(pack, entries);
        }
    }

    /// Reads the list of packs, unless someone did so after `seen`.
    pub(super) fn refresh(
        &self,
        backend: &Backend,
        store: StoreId,
        seen: u64,
    ) -> Result<(), Error> {
        let _one_at_a_time = self.refreshing.lock();
        if self.generation() > seen {
            return Ok(());
        }
        let listed = list_packs(backend)?;
        let fresh: Vec<_> = {
            let state = self.state.read();
            let known = |pack: &PackRef| {
                state.slot_of.contains_key(pack) || state.refused.contains_key(pack)
            };
            listed.iter().filter(|(pack, _)| !known(pack)).copied().collect()
        };
        let mut loaded = Vec::with_capacity(fresh.len());
        for (pack, size) in fresh {
            loaded.push((pack, load(backend, store, &pack, size)?));
        }
        let present: HashSet<_> = listed.iter().map(|(pack, _)| *pack).collect();
        let mut state = self.state.write();
        for gone in state.slot_of.keys().filter(|pack| !present.contains(pack)) {
            backend.forget(&gone.object_key());
        }
        state.keep_only(&present);
        for (pack, outcome) in loaded {
            match outcome {
                Loaded::Gone => {}
                Loaded::Refused(refusal) => {
                    state.refused.insert(pack, refusal);
                }
                Loaded::Records(entries) => {
                    if !state.slot_of.contains_key(&pack) {
                        state.add(pack, &entries);
                    }
                }
            }
        }
        state.generation += 1;
        Ok(())
    }

    /// Every record, ordered.
    pub(super) fn entries(&self) -> Vec<IndexEntry> {
        let state = self.state.read();
        let mut out: Vec<_> = state
            .records
            .values()
            .map(|(slot, entry)| index_entry(state.slots[*slot as usize], entry))
            .collect();
        out.sort_unstable();
        out
    }
}

pub(super) fn index_entry(pack: PackRef, entry: &RecordEntry) -> IndexEntry {
    IndexEntry { id: entry.id, pack, offset: entry.offset, stored_length: entry.stored }
}

/// The packs of a store with their lengths, ordered.
pub(super) fn list_packs(backend: &Backend) -> Result<Vec<(PackRef, u64)>, Error> {
    let mut packs: Vec<_> = backend
        .list(PACKS_PREFIX)?
        .into_iter()
        .filter_map(|Listed { key, size }| Some((PackRef::of_object_key(&key)?, size)))
        .collect();
    packs.sort_unstable();
    Ok(packs)
}

enum Loaded {
    Records(Vec<RecordEntry>),
    Refused(Refusal),
    Gone,
}

/// Reads what a pack holds, by its footer or, when that is damaged, by its records' magic.
fn load(backend: &Backend, store: StoreId, pack: &PackRef, size: u64) -> Result<Loaded, Error> {
    match read_footer(backend, store, pack, size) {
        Ok(entries) => Ok(Loaded::Records(entries)),
        Err(Error::Missing { .. }) => Ok(Loaded::Gone),
        Err(Error::UnknownFormat { found, known, .. }) => {
            tracing::error!(pack = %pack.name, found, known, "a pack of an unknown format");
            Ok(Loaded::Refused(Refusal::Unknown { found, known }))
        }
        Err(Error::Corrupt { why, .. }) => {
            tracing::error!(pack = %pack.name, why, "a damaged pack: looking for its records");
            if size > PACK_SIZE_BYTES {
                return Ok(Loaded::Refused(Refusal::Damaged { why }));
            }
            let bytes = match backend.read(&pack.object_key(), 0, size as usize) {
                Ok(bytes) => bytes,
                Err(Error::Missing { .. }) => return Ok(Loaded::Gone),
                Err(e) => return Err(e),
            };
            match scan(&bytes, pack.kind) {
                found if found.is_empty() => Ok(Loaded::Refused(Refusal::Damaged { why })),
                found => Ok(Loaded::Records(found)),
            }
        }
        Err(e) => Err(e),
    }
}

/// Reads and checks a pack's header, trailer and footer.
pub(super) fn read_footer(
    backend: &Backend,
    store: StoreId,
    pack: &PackRef,
    size: u64,
) -> Result<Vec<RecordEntry>, Error> {
    let refuse = |why| Error::Corrupt { what: "pack", name: pack.name.to_string(), why };
    if !(PACK_MIN_BYTES..=PACK_SIZE_BYTES).contains(&size) {
        return Err(refuse("its length is impossible"));
    }
    let key = pack.object_key();
    check_header(pack, store, &backend.read(&key, 0, HEADER_BYTES)?)?;
    let tail_at = size - size.min(TAIL_BYTES);
    let tail = backend.read(&key, tail_at, (size - tail_at) as usize)?;
    let (before, trailer) = tail.split_at(tail.len() - TRAILER_BYTES);
    let trailer = Trailer::parse(pack, size, trailer)?;
    if let Some(at) = trailer.footer_offset.checked_sub(tail_at) {
        return trailer.footer(pack, &before[at as usize..]);
    }
    let length = size - TRAILER_BYTES as u64 - trailer.footer_offset;
    let footer = backend.read(&key, trailer.footer_offset, length as usize)?;
    trailer.footer(pack, &footer)
}
