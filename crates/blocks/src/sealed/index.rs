//! Where each record lies: the union of the packs' footers, in memory.
//!
//! It refuses to know trees and keys. Its invariants: it is only ever built from packs, never
//! written, so it cannot be stale on disk; a pack that this process has not seen yet is found by
//! reading the list of packs once more; a wrong answer is impossible because readers check ids;
//! one pack that cannot be read hides its own records only; of a record that lies in several
//! packs, as after a repack, every process takes the copy of the last operation.
//!
//! Who may meet whom:
//!
//! | | another reader | the writer of a pack | a deletion |
//! |---|---|---|---|
//! | a reader that misses | one of them reads the list, the others wait, and are content only with a reading that began after they missed | finds the new pack in the list | reports the record as missing |

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::{Mutex, RwLock};

use super::{
    backend::{Backend, Listed},
    codec::Codec,
    id::{RecordId, StoreId},
    pack::{
        FOOTER_ENTRY_BYTES, HEADER_BYTES, PACK_MIN_BYTES, PACK_SIZE_BYTES, PACKS_PREFIX, PackRef,
        RECORD_HEAD_BYTES, RecordEntry, TRAILER_BYTES, Trailer, check_header, scan,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    Unknown {
        found: u32,
        known: u32,
    },
    Damaged {
        why: &'static str,
    },
    /// The store did not give its bytes; it is tried again at the next look at the list.
    Unreadable,
}

impl Refusal {
    fn error(self, pack: &PackRef) -> Error {
        let name = pack.name.to_string();
        match self {
            Self::Unknown { found, known } => {
                Error::UnknownFormat { name: format!("pack {name}"), found, known }
            }
            Self::Damaged { why } => Error::Corrupt { what: "pack", name, why },
            Self::Unreadable => Error::Io {
                doing: "read the footer of pack",
                name,
                source: io::Error::other("the store did not give it"),
            },
        }
    }
}

/// A record in memory; its id is the key, its kind the pack's.
#[derive(Clone, Copy)]
struct Slot {
    pack: u32,
    offset: u32,
    stored: u32,
    logical: u32,
    codec: Codec,
}

#[derive(Default)]
struct State {
    /// Slots are never reused, so that a record can point at its pack in four bytes.
    slots: Vec<PackRef>,
    slot_of: HashMap<PackRef, u32>,
    records: HashMap<RecordId, Slot>,
    refused: HashMap<PackRef, Refusal>,
    /// Packs whose footer cannot be used: what a scan found of them is all that is known.
    scanned: HashSet<PackRef>,
    /// Packs that hold copies of records taken from the pack that is the key.
    shadowed: HashMap<PackRef, HashSet<PackRef>>,
    /// Packs to read again, because another's records went and these have copies.
    stale: HashSet<PackRef>,
    /// Number of the last complete reading of the list of packs; zero before the first.
    generation: u64,
}

impl State {
    fn add(&mut self, pack: PackRef, entries: &[RecordEntry]) {
        self.stale.remove(&pack);
        let number = match self.slot_of.get(&pack) {
            Some(number) => *number,
            None => {
                let number = self.slots.len() as u32;
                self.slots.push(pack);
                self.slot_of.insert(pack, number);
                number
            }
        };
        self.records.reserve(entries.len());
        for entry in entries {
            let RecordEntry { id, offset, stored, logical, codec, kind: _ } = *entry;
            if let Some(other) = self.records.get(&id) {
                let other = self.slots[other.pack as usize];
                if other > pack {
                    self.shadowed.entry(other).or_default().insert(pack);
                    continue;
                }
                if other < pack {
                    self.shadowed.entry(pack).or_default().insert(other);
                }
            }
            self.records.insert(id, Slot { pack: number, offset, stored, logical, codec });
        }
    }

    fn location(&self, id: RecordId, slot: &Slot) -> Location {
        let Slot { pack, offset, stored, logical, codec } = *slot;
        let pack = self.slots[pack as usize];
        let kind = pack.kind.record();
        Location { pack, entry: RecordEntry { id, offset, stored, logical, kind, codec } }
    }

    fn is_settled(&self, pack: &PackRef) -> bool {
        self.slot_of.contains_key(pack) && !self.stale.contains(pack)
            || self.refused.get(pack).is_some_and(|r| !matches!(r, Refusal::Unreadable))
    }

    /// Forgets the packs that are not there any more; gives them.
    fn keep_only(&mut self, present: &HashSet<PackRef>) -> Vec<PackRef> {
        let gone: Vec<_> =
            self.slot_of.keys().filter(|pack| !present.contains(pack)).copied().collect();
        self.refused.retain(|pack, _| present.contains(pack));
        self.scanned.retain(|pack| present.contains(pack));
        if gone.is_empty() {
            return gone;
        }
        for pack in &gone {
            self.slot_of.remove(pack);
            self.stale.extend(self.shadowed.remove(pack).into_iter().flatten());
        }
        for copies in self.shadowed.values_mut() {
            copies.retain(|pack| present.contains(pack));
        }
        self.shadowed.retain(|_, copies| !copies.is_empty());
        self.stale.retain(|pack| present.contains(pack));
        let (slots, slot_of) = (&self.slots, &self.slot_of);
        self.records.retain(|_, slot| slot_of.contains_key(&slots[slot.pack as usize]));
        gone
    }

    fn take(&mut self, pack: PackRef, outcome: Loaded) {
        match outcome {
            Loaded::Gone => {}
            Loaded::Refused(refusal) => {
                self.refused.insert(pack, refusal);
            }
            Loaded::Records { entries, by_scan } => {
                self.refused.remove(&pack);
                if by_scan {
                    self.scanned.insert(pack);
                }
                if !self.is_settled(&pack) {
                    self.add(pack, &entries);
                }
            }
        }
    }
}

/// What the index knows of one pack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Records that are read from this pack.
    pub(super) records: u64,
    /// Of these, how many the caller asked about.
    pub(super) live_records: u64,
    /// Stored bytes of those, with head and footer entry.
    pub(super) live_bytes: u64,
}

#[derive(Default)]
pub(super) struct Index {
    state: RwLock<State>,
    refreshing: Mutex<()>,
    /// Readings of the list of packs that were begun.
    begun: AtomicU64,
}

impl Index {
    /// Where the record lies; reads the list of packs at most once.
    pub(super) fn locate(
        &self,
        backend: &Backend,
        store: StoreId,
        id: RecordId,
    ) -> Result<Location, Error> {
        let now = self.now();
        if let Some(found) = self.look_up(id) {
            return Ok(found);
        }
        self.refresh(backend, store, now)?;
        if let Some(found) = self.look_up(id) {
            return Ok(found);
        }
        let state = self.state.read();
        match state.refused.iter().min_by_key(|(pack, _)| **pack) {
            Some((pack, refusal)) => Err(refusal.error(pack)),
            None => Err(Error::Missing { what: "record", name: id.to_string() }),
        }
    }

    /// Where the record lies, as far as is known now.
    pub(super) fn look_up(&self, id: RecordId) -> Option<Location> {
        let state = self.state.read();
        state.records.get(&id).map(|slot| state.location(id, slot))
    }

    /// The present moment, for [`Self::refresh`].
    pub(super) fn now(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// Makes a pack known that this process has just stored.
    pub(super) fn insert(&self, pack: PackRef, entries: &[RecordEntry]) {
        let mut state = self.state.write();
        // Before the first read of the list there is nothing to keep up to date.
        if state.generation > 0 && !state.slot_of.contains_key(&pack) {
            state.add(pack, entries);
        }
    }

    /// Reads the list of packs, unless a reading that began after `since` is complete.
    pub(super) fn refresh(
        &self,
        backend: &Backend,
        store: StoreId,
        since: u64,
    ) -> Result<(), Error> {
        let _one_at_a_time = self.refreshing.lock();
        if self.state.read().generation > since {
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let listed = list_packs(backend)?;
        let present: HashSet<_> = listed.iter().map(|(pack, _)| *pack).collect();
        let fresh: Vec<_> = {
            let mut state = self.state.write();
            for gone in state.keep_only(&present) {
                backend.forget(&gone.object_key());
            }
            listed.iter().filter(|(pack, _)| !state.is_settled(pack)).copied().collect()
        };
        let mut loaded = Vec::with_capacity(fresh.len());
        for (pack, size) in fresh {
            loaded.push((pack, load(backend, store, &pack, size)));
        }
        let mut state = self.state.write();
        for (pack, outcome) in loaded {
            state.take(pack, outcome);
        }
        state.generation = number;
        Ok(())
    }

    /// Forgets everything, so that the next look reads every pack.
    pub(super) fn clear(&self) {
        let _one_at_a_time = self.refreshing.lock();
        *self.state.write() = State::default();
    }

    /// What each pack holds of the records that `is_live` knows.
    pub(super) fn held(&self, is_live: impl Fn(RecordId) -> bool) -> HashMap<PackRef, Held> {
        let state = self.state.read();
        let mut out: HashMap<PackRef, Held> =
            state.slot_of.keys().map(|pack| (*pack, Held::default())).collect();
        for (id, slot) in &state.records {
            let held = out.entry(state.slots[slot.pack as usize]).or_default();
            held.records += 1;
            if is_live(*id) {
                held.live_records += 1;
                held.live_bytes +=
                    u64::from(slot.stored) + (RECORD_HEAD_BYTES + FOOTER_ENTRY_BYTES) as u64;
            }
        }
        out
    }

    /// Packs with copies of records that readers take from `pack`.
    pub(super) fn shadowed_by(&self, pack: &PackRef) -> Vec<PackRef> {
        let state = self.state.read();
        let mut out: Vec<_> = state.shadowed.get(pack).into_iter().flatten().copied().collect();
        out.sort_unstable();
        out
    }

    /// The records that readers take from `pack`.
    pub(super) fn records_of(&self, pack: &PackRef) -> Vec<RecordId> {
        let state = self.state.read();
        let Some(number) = state.slot_of.get(pack) else { return Vec::new() };
        let of_pack = state.records.iter().filter(|(_, slot)| slot.pack == *number);
        of_pack.map(|(id, _)| *id).collect()
    }

    /// Packs of which not everything is known, and why.
    pub(super) fn unsure(&self) -> Vec<(PackRef, Error)> {
        let state = self.state.read();
        let scanned = state.scanned.iter().map(|pack| {
            let why = Refusal::Damaged { why: "its footer cannot be used" };
            (*pack, why.error(pack))
        });
        let refused = state.refused.iter().map(|(pack, refusal)| (*pack, refusal.error(pack)));
        let mut out: Vec<_> = scanned.chain(refused).collect();
        out.sort_unstable_by_key(|(pack, _)| *pack);
        out
    }

    /// Every record, ordered.
    pub(super) fn entries(&self) -> Vec<IndexEntry> {
        let state = self.state.read();
        let mut out: Vec<_> = state
            .records
            .iter()
            .map(|(id, slot)| state.location(*id, slot))
            .map(|found| index_entry(found.pack, &found.entry))
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
    Records { entries: Vec<RecordEntry>, by_scan: bool },
    Refused(Refusal),
    Gone,
}

/// Reads what a pack holds, by its footer or, when that is damaged, by its records' magic.
fn load(backend: &Backend, store: StoreId, pack: &PackRef, size: u64) -> Loaded {
    let error = match read_footer(backend, store, pack, size) {
        Ok(entries) => return Loaded::Records { entries, by_scan: false },
        Err(Error::Missing { .. }) => return Loaded::Gone,
        Err(error) => error,
    };
    tracing::error!(pack = %pack.name, %error, "a pack's footer cannot be used");
    match error {
        Error::UnknownFormat { found, known, .. } => {
            Loaded::Refused(Refusal::Unknown { found, known })
        }
        Error::Corrupt { why, .. } if size > PACK_SIZE_BYTES => {
            Loaded::Refused(Refusal::Damaged { why })
        }
        Error::Corrupt { why, .. } => match backend.read(&pack.object_key(), 0, size as usize) {
            Ok(bytes) => match scan(&bytes, pack.kind) {
                found if found.is_empty() => Loaded::Refused(Refusal::Damaged { why }),
                entries => Loaded::Records { entries, by_scan: true },
            },
            Err(Error::Missing { .. }) => Loaded::Gone,
            Err(_) => Loaded::Refused(Refusal::Unreadable),
        },
        _ => Loaded::Refused(Refusal::Unreadable),
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
