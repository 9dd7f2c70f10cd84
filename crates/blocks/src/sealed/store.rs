//! A chunk store: a folder or bucket of packs and manifests with one id.
//!
//! It refuses to know trees and keys. Its invariants: one store id for life; a record comes out
//! only with the head it was stored with; a reader that misses a record reads the list of packs
//! once more before it says so. Several processes may have one store open: one writes packs, any
//! number read.
//!
//! Object `store`:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTSTORE` |
//! | 8 | 2 | format version, 1 |
//! | 10 | 6 | 0 |
//! | 16 | 16 | store id |
//! | 32 | 32 | BLAKE3 of the 32 bytes before |

use std::{collections::HashSet, path::Path, sync::Arc};

use base::Entropy;
use object_store::ObjectStore;

use super::{
    backend::{Backend, make_root},
    codec::Codec,
    fields::Fields,
    id::{RecordId, StoreId},
    index::{Index, IndexEntry, Location, index_entry, list_packs, read_footer},
    node::Entry,
    pack::{
        BuiltPack, PACK_SIZE_BYTES, PACKS_PREFIX, PackKind, PackRef, RECORD_HEAD_BYTES,
        RecordEntry, check_whole, operation_prefix, scan,
    },
    record::RecordKind,
};
use crate::Error;

/// Bytes between two records that are read and thrown away to save a request.
const GAP_BYTES_MAX: u64 = 64 * 1024;

const LAYOUT_KEY: &str = "store";
const LAYOUT_MAGIC: &[u8; 8] = b"ECTSTORE";
const LAYOUT_VERSION: u16 = 1;
const LAYOUT_BYTES: usize = 64;

/// An open chunk store.
pub struct ChunkStore {
    id: StoreId,
    pub(super) backend: Backend,
    pub(super) index: Index,
}

impl std::fmt::Debug for ChunkStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChunkStore({})", self.id)
    }
}

impl ChunkStore {
    /// Makes a store in a local folder, which is created.
    ///
    /// # Errors
    /// `Invalid` when the folder is a store already; `Io` or `NoSpace`.
    pub fn create(dir: &Path, entropy: &dyn Entropy) -> Result<Self, Error> {
        make_root(dir)?;
        Self::create_in(Backend::local(dir)?, entropy)
    }

    /// Opens the store in a local folder. Reads nothing but its layout.
    ///
    /// # Errors
    /// `Missing` when there is none, `UnknownFormat`, `Corrupt`, `Io`.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        if !dir.is_dir() {
            return Err(Error::Missing { what: "store", name: dir.display().to_string() });
        }
        Self::open_in(Backend::local(dir)?)
    }

    /// Opens the store in a local folder, or makes it.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::create`].
    pub fn open_or_create(dir: &Path, entropy: &dyn Entropy) -> Result<Self, Error> {
        match Self::open(dir) {
            Err(Error::Missing { .. }) => Self::create(dir, entropy),
            other => other,
        }
    }

    /// Makes a store in any object store. Stores with sockets need the runtime that drives them.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_over(
        objects: Arc<dyn ObjectStore>,
        runtime: Option<tokio::runtime::Handle>,
        entropy: &dyn Entropy,
    ) -> Result<Self, Error> {
        Self::create_in(Backend::over(objects, runtime), entropy)
    }

    /// Opens the store in any object store.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_over(
        objects: Arc<dyn ObjectStore>,
        runtime: Option<tokio::runtime::Handle>,
    ) -> Result<Self, Error> {
        Self::open_in(Backend::over(objects, runtime))
    }

    fn create_in(backend: Backend, entropy: &dyn Entropy) -> Result<Self, Error> {
        let id = StoreId::mint(entropy);
        backend.create(LAYOUT_KEY, vec![layout_bytes(id).into()])?;
        let store = Self::open_in(backend)?;
        if store.id == id {
            Ok(store)
        } else {
            Err(Error::Invalid { what: "there is a chunk store already".to_owned() })
        }
    }

    fn open_in(backend: Backend) -> Result<Self, Error> {
        let size = backend.size(LAYOUT_KEY)?;
        if size != LAYOUT_BYTES as u64 {
            return Err(Error::Corrupt {
                what: "layout",
                name: LAYOUT_KEY.to_owned(),
                why: "its length is wrong",
            });
        }
        let id = parse_layout(&backend.read(LAYOUT_KEY, 0, LAYOUT_BYTES)?)?;
        Ok(Self { id, backend, index: Index::default() })
    }

    /// The store's id.
    #[must_use]
    pub const fn id(&self) -> StoreId {
        self.id
    }

    /// Every pack with its length in bytes, ordered.
    ///
    /// # Errors
    /// `Io`.
    pub fn packs(&self) -> Result<Vec<(PackRef, u64)>, Error> {
        list_packs(&self.backend)
    }

    /// The index as this process has it, after a look at the list of packs; ordered.
    ///
    /// # Errors
    /// `Io`.
    pub fn index(&self) -> Result<Vec<IndexEntry>, Error> {
        self.look_again()?;
        Ok(self.index.entries())
    }

    /// The pack that readers take a record from, as far as this process knows.
    #[must_use]
    pub fn pack_of(&self, record: RecordId) -> Option<PackRef> {
        self.index.look_up(record).map(|at| at.pack)
    }

    /// The index made anew by looking for the records' magic in every pack: no footer, no key,
    /// no cache. Ordered; of a record that lies in several packs, the copy that readers take.
    ///
    /// # Errors
    /// `Io`.
    pub fn index_by_scan(&self) -> Result<Vec<IndexEntry>, Error> {
        self.scan_packs(&self.packs()?, &mut |_| Ok(()))
    }

    /// The index of `packs` by scan; `before` is told the length of each before it is read.
    pub(super) fn scan_packs(
        &self,
        packs: &[(PackRef, u64)],
        before: &mut dyn FnMut(u64) -> Result<(), Error>,
    ) -> Result<Vec<IndexEntry>, Error> {
        let mut out = Vec::new();
        for (pack, size) in packs {
            let size = (*size).min(PACK_SIZE_BYTES);
            before(size)?;
            let bytes = self.backend.read(&pack.object_key(), 0, size as usize)?;
            out.extend(scan(&bytes, pack.kind).iter().map(|entry| index_entry(*pack, entry)));
        }
        out.sort_unstable();
        // The last of the copies of a record is of the last operation.
        out.reverse();
        out.dedup_by_key(|entry| entry.id);
        out.reverse();
        Ok(out)
    }

    /// Deletes packs that nothing needs any more, for the garbage collection. One that is not
    /// there is no error.
    ///
    /// # Errors
    /// `Io`; deleting again continues.
    pub fn delete_packs(&self, packs: &[PackRef]) -> Result<(), Error> {
        for pack in packs {
            self.backend.delete(&pack.object_key())?;
        }
        if packs.is_empty() { Ok(()) } else { self.look_again() }
    }

    /// Reads the list of packs.
    pub(super) fn look_again(&self) -> Result<(), Error> {
        self.index.refresh(&self.backend, self.id, self.index.now())
    }

    /// Checks every byte of a pack, without a key.
    ///
    /// # Errors
    /// `Corrupt` or `UnknownFormat` name the pack or the record that is damaged; `Missing`, `Io`.
    pub fn check_pack(&self, pack: &PackRef) -> Result<(), Error> {
        let key = pack.object_key();
        let size = self.backend.size(&key)?;
        if size > PACK_SIZE_BYTES {
            return Err(Error::Corrupt {
                what: "pack",
                name: pack.name.to_string(),
                why: "it is too long",
            });
        }
        let bytes = self.backend.read(&key, 0, size as usize)?;
        check_whole(pack, self.id, &bytes).map(drop)
    }

    /// The packs that an operation wrote, ordered, whether it was committed or not.
    ///
    /// # Errors
    /// `Io`.
    pub fn operation_packs(&self, op_sequence: u64) -> Result<Vec<PackRef>, Error> {
        let mut packs = Vec::new();
        for kind in PackKind::ALL {
            let listed = self.backend.list(&operation_prefix(kind, op_sequence))?;
            packs.extend(listed.iter().filter_map(|one| PackRef::of_object_key(&one.key)));
        }
        packs.sort_unstable();
        Ok(packs)
    }

    /// Deletes the packs of an operation except those in `keep`, and what its interrupted writes
    /// left. Gives the number of packs deleted.
    ///
    /// `keep` is what the operation committed: nothing when it failed, the new packs of
    /// [`Sealed`](super::Sealed) when it succeeded after retries. No other operation's tree can
    /// point into packs that were never committed.
    ///
    /// # Errors
    /// `Io`; deleting again continues.
    pub fn delete_operation(&self, op_sequence: u64, keep: &[PackRef]) -> Result<u64, Error> {
        let keep: HashSet<_> = keep.iter().collect();
        let mut packs = self.operation_packs(op_sequence)?;
        packs.retain(|pack| !keep.contains(pack));
        for pack in &packs {
            self.backend.delete(&pack.object_key())?;
        }
        for kind in PackKind::ALL {
            self.backend.delete_temporary(&operation_prefix(kind, op_sequence))?;
        }
        if !packs.is_empty() {
            self.look_again()?;
        }
        Ok(packs.len() as u64)
    }

    /// Deletes the files that interrupted writes left; for the writing process, at its start.
    /// Gives their number.
    ///
    /// # Errors
    /// `Io`.
    pub fn delete_temporary(&self) -> Result<u64, Error> {
        let packs = self.backend.delete_temporary(PACKS_PREFIX)?;
        Ok(packs + self.backend.delete_temporary(super::manifest::MANIFEST_PREFIX)?)
    }

    /// Stores a pack durably and makes its records known.
    pub(super) fn put_pack(&self, op_sequence: u64, pack: BuiltPack) -> Result<PackRef, Error> {
        let name = PackRef { kind: pack.kind, op_sequence, name: pack.name };
        self.backend.create(&name.object_key(), pack.parts)?;
        self.index.insert(name, &pack.entries);
        Ok(name)
    }

    /// Reads a pack's footer from the store itself, past the index.
    pub(super) fn footer(&self, pack: &PackRef) -> Result<Vec<RecordEntry>, Error> {
        let size = self.backend.size(&pack.object_key())?;
        read_footer(&self.backend, self.id, pack, size)
    }

    /// Reads a record as it is stored. `fits` says whether the record is what the parent says.
    pub(super) fn fetch(
        &self,
        kind: RecordKind,
        id: RecordId,
        fits: impl Fn(&RecordEntry) -> bool,
    ) -> Result<Fetched, Error> {
        let what = if kind == RecordKind::Data { "chunk" } else { "node" };
        let refuse = |why| Error::Corrupt { what, name: id.to_string(), why };
        let mut second_try = false;
        loop {
            let now = self.index.now();
            let found = self.index.locate(&self.backend, self.id, id)?;
            let entry = found.entry;
            if entry.kind != kind || !fits(&entry) {
                return Err(refuse("it is not what its parent says"));
            }
            let length = RECORD_HEAD_BYTES + entry.stored as usize;
            match self.backend.read(&found.pack.object_key(), entry.offset.into(), length) {
                Ok(bytes) if entry.matches_head(&bytes[..RECORD_HEAD_BYTES]) => {
                    return Ok(Fetched(bytes));
                }
                Ok(_) => return Err(refuse("its head does not match the index")),
                // The pack is gone: repacked or deleted by another process.
                Err(Error::Missing { .. }) if !second_try => {
                    self.index.refresh(&self.backend, self.id, now)?;
                    second_try = true;
                }
                Err(Error::Missing { .. }) => {
                    return Err(Error::Missing { what, name: id.to_string() });
                }
                Err(Error::Corrupt { why, .. }) => return Err(refuse(why)),
                Err(e) => return Err(e),
            }
        }
    }

    /// Reads a record and opens it. One that is damaged is looked for once more: it may have been
    /// repaired into another pack since this process read the list.
    pub(super) fn fetch_with<T>(
        &self,
        kind: RecordKind,
        id: RecordId,
        fits: impl Fn(&RecordEntry) -> bool,
        open: impl Fn(&mut [u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let at = || self.index.look_up(id).map(|found| found.pack);
        let before = at();
        let once = || self.fetch(kind, id, &fits).and_then(|mut got| open(got.stored()));
        match once() {
            Err(damage @ Error::Corrupt { .. }) => {
                self.look_again()?;
                // Unknown before is known only since this very read.
                if before.is_none() || at() == before { Err(damage) } else { once() }
            }
            other => other,
        }
    }

    /// Reads records that are likely to lie beside each other in their packs, neighbours in one
    /// go, and hands each to `each` with its number in `wanted`. One that cannot be had is left
    /// out: [`Self::fetch`] says why, and looks for it again.
    pub(super) fn fetch_together(
        &self,
        wanted: &[Neighbour],
        each: &mut dyn FnMut(usize, &mut [u8]),
    ) {
        let mut found: Vec<_> = wanted
            .iter()
            .enumerate()
            .filter_map(|(number, want)| {
                let found = self.index.locate(&self.backend, self.id, want.id).ok()?;
                want.fits(&found.entry).then_some((found, number))
            })
            .collect();
        found.sort_unstable_by_key(|(found, _)| (found.pack, found.entry.offset));
        for run in found.chunk_by(|(a, _), (b, _)| are_neighbours(a, b)) {
            let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else { continue };
            let start = u64::from(first.entry.offset);
            let length = (last.entry.end() - start) as usize;
            let Ok(mut bytes) = self.backend.read(&first.pack.object_key(), start, length) else {
                continue;
            };
            for (found, number) in run {
                let at = (u64::from(found.entry.offset) - start) as usize;
                let record = &mut bytes[at..][..RECORD_HEAD_BYTES + found.entry.stored as usize];
                let (head, stored) = record.split_at_mut(RECORD_HEAD_BYTES);
                if found.entry.matches_head(head) {
                    each(*number, stored);
                }
            }
        }
    }

    /// True when the record is in some pack, as far as the index knows.
    pub(super) fn has(&self, id: RecordId) -> Result<bool, Error> {
        match self.index.locate(&self.backend, self.id, id) {
            Ok(_) => Ok(true),
            Err(Error::Missing { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }
}

/// A chunk's record that is wanted together with others.
pub(super) struct Neighbour {
    id: RecordId,
    stored: u32,
    codec: Codec,
    logical: u32,
}

impl Neighbour {
    /// The record of a level-0 entry.
    pub(super) const fn of_chunk(entry: &Entry, logical: u32) -> Self {
        Self { id: entry.id, stored: entry.stored, codec: entry.codec, logical }
    }

    fn fits(&self, entry: &RecordEntry) -> bool {
        entry.kind == RecordKind::Data
            && entry.stored == self.stored
            && entry.codec == self.codec
            && entry.logical == self.logical
    }
}

/// Whether two records, the second behind the first, are better read in one go. A batch is a few
/// chunks, so that such a run is no longer than they and the gaps between them.
fn are_neighbours(a: &Location, b: &Location) -> bool {
    let gap = u64::from(b.entry.offset).checked_sub(a.entry.end());
    a.pack == b.pack && gap.is_some_and(|gap| gap <= GAP_BYTES_MAX)
}

/// A stored record with its head.
pub(super) struct Fetched(Vec<u8>);

impl Fetched {
    /// The stored bytes.
    pub(super) fn stored(&mut self) -> &mut [u8] {
        &mut self.0[RECORD_HEAD_BYTES..]
    }
}

fn layout_bytes(id: StoreId) -> Vec<u8> {
    let mut out = Vec::with_capacity(LAYOUT_BYTES);
    out.extend_from_slice(LAYOUT_MAGIC);
    out.extend_from_slice(&LAYOUT_VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&id.0);
    let sum = blake3::hash(&out);
    out.extend_from_slice(sum.as_bytes());
    out
}

pub(super) fn parse_layout(bytes: &[u8]) -> Result<StoreId, Error> {
    let name = || LAYOUT_KEY.to_owned();
    let mut fields = Fields::new(bytes, "layout", &name);
    fields.head(LAYOUT_MAGIC, LAYOUT_VERSION)?;
    fields.reserved(6)?;
    let id = StoreId(fields.array()?);
    let sum: [u8; 32] = fields.array()?;
    if !fields.rest().is_empty() || *blake3::hash(&bytes[..LAYOUT_BYTES - 32]).as_bytes() != sum {
        return Err(fields.refuse("its checksum does not match"));
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn a_store_opens_with_the_id_it_was_made_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chunks");
        assert!(matches!(ChunkStore::open(&path), Err(Error::Missing { .. })));
        let id = ChunkStore::create(&path, &SeededEntropy::new(1)).unwrap().id();
        assert_eq!(ChunkStore::open(&path).unwrap().id(), id);
        let again = ChunkStore::create(&path, &SeededEntropy::new(2));
        assert!(matches!(again, Err(Error::Invalid { .. })));
        let opened = ChunkStore::open_or_create(&path, &SeededEntropy::new(3)).unwrap();
        assert_eq!(opened.id(), id);
    }

    /// Invariants 18 and 26, for the layout.
    #[test]
    fn a_damaged_or_unknown_layout_is_refused() {
        let good = layout_bytes(StoreId([5; 16]));
        assert_eq!(good.len(), LAYOUT_BYTES);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 2;
            assert!(parse_layout(&bad).is_err(), "{at}");
            assert!(parse_layout(&good[..at]).is_err(), "{at}");
        }
        let mut newer = good;
        newer[8] = 2;
        assert!(matches!(parse_layout(&newer), Err(Error::UnknownFormat { found: 2, .. })));
    }
}
