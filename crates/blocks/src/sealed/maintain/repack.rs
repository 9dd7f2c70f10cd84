//! Live records out of sparse packs into new ones: ciphertext is copied, ids and keys stay.

use super::{Finding, Live, Watch};
use crate::{
    Error,
    sealed::{
        id::RecordId,
        pack::{PACK_SIZE_BYTES, PackBuilder, PackKind, PackRef, RECORD_HEAD_BYTES, RecordEntry},
        store::ChunkStore,
    },
};

/// What a repack did.
#[derive(Clone, Debug, Default)]
pub struct Repacked {
    /// New packs, durable.
    pub written: Vec<PackRef>,
    /// Packs that nothing needs any more: all that was live in them is in the new packs.
    pub emptied: Vec<PackRef>,
    /// Length of the records copied, in bytes.
    pub copied_bytes: u64,
    /// Records that could not be copied. Their packs stay as they are.
    pub findings: Vec<Finding>,
}

/// One kind of packs on its way into new ones.
struct Copier<'a> {
    store: &'a ChunkStore,
    op_sequence: u64,
    pack: PackBuilder,
    kind: PackKind,
    watch: &'a Watch<'a>,
    out: Repacked,
}

impl ChunkStore {
    /// Copies what is live in `sources` into packs of operation `op_sequence`, which must be
    /// newer than theirs. From then on readers of this process take the copies; others do when
    /// they miss the old packs. Progress counts packs.
    ///
    /// A crash leaves copies beside their originals; the next mark sees the originals as dead.
    ///
    /// # Errors
    /// `Io`, `NoSpace`, `Cancelled`; what was written is of use all the same.
    pub fn repack(
        &self,
        sources: &[PackRef],
        live: &Live,
        op_sequence: u64,
        watch: &Watch<'_>,
    ) -> Result<Repacked, Error> {
        let mut all = Repacked::default();
        let mut done = 0;
        for kind in PackKind::ALL {
            let mut copier = Copier::new(self, kind, op_sequence, watch);
            let mut taken = Vec::new();
            for source in sources.iter().filter(|source| source.kind == kind) {
                if source.op_sequence >= op_sequence {
                    let what = format!("pack {} is not older than its repack", source.name);
                    return Err(Error::Invalid { what });
                }
                watch.tell(done, sources.len() as u64);
                done += 1;
                if copier.copy(source, live)? {
                    taken.push(*source);
                }
            }
            copier.flush()?;
            all.written.extend(copier.out.written);
            all.copied_bytes += copier.out.copied_bytes;
            all.findings.extend(copier.out.findings);
            // Only now: what was taken out of them is durable.
            all.emptied.extend(taken);
        }
        watch.tell(done, sources.len() as u64);
        Ok(all)
    }
}

impl<'a> Copier<'a> {
    fn new(store: &'a ChunkStore, kind: PackKind, op_sequence: u64, watch: &'a Watch<'a>) -> Self {
        let pack = PackBuilder::new(kind, store.id(), PACK_SIZE_BYTES);
        Self { store, op_sequence, pack, kind, watch, out: Repacked::default() }
    }

    /// Takes what is live in `source`; false when something of it could not be taken.
    fn copy(&mut self, source: &PackRef, live: &Live) -> Result<bool, Error> {
        let entries = match self.store.footer(source) {
            Ok(entries) => entries,
            Err(Error::Missing { .. }) => return Ok(true),
            Err(Error::Corrupt { why, .. }) => {
                self.out.findings.push(Finding { pack: *source, record: None, why });
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let mut whole = true;
        for entry in entries.iter().filter(|entry| live.contains(entry.id)) {
            // Another pack's copy is the one that readers take.
            let here = self.store.index.look_up(entry.id).is_none_or(|at| at.pack == *source);
            whole &= !here || self.copy_record(source, entry)?;
        }
        Ok(whole)
    }

    fn copy_record(&mut self, source: &PackRef, entry: &RecordEntry) -> Result<bool, Error> {
        let length = RECORD_HEAD_BYTES + entry.stored as usize;
        self.watch.pace(2 * length as u64)?;
        let read = self.store.backend.read(&source.object_key(), entry.offset.into(), length);
        let why = match read {
            Ok(bytes) => {
                let (head, stored) = bytes.split_at(RECORD_HEAD_BYTES);
                if entry.matches_head(head) && RecordId::of(stored) == entry.id {
                    self.add(entry, stored.to_vec())?;
                    return Ok(true);
                }
                "its bytes do not match its id"
            }
            Err(Error::Corrupt { why, .. }) => why,
            Err(error) => return Err(error),
        };
        self.out.findings.push(Finding { pack: *source, record: Some(entry.id), why });
        Ok(false)
    }

    fn add(&mut self, entry: &RecordEntry, stored: Vec<u8>) -> Result<(), Error> {
        if !self.pack.fits(stored.len()) {
            self.flush()?;
        }
        self.out.copied_bytes += stored.len() as u64;
        self.pack.add(entry.id, entry.codec, entry.logical, stored);
        Ok(())
    }

    /// Stores what was collected.
    fn flush(&mut self) -> Result<(), Error> {
        if self.pack.is_empty() {
            return Ok(());
        }
        let next = PackBuilder::new(self.kind, self.store.id(), PACK_SIZE_BYTES);
        let full = std::mem::replace(&mut self.pack, next).finish();
        self.out.written.push(self.store.put_pack(self.op_sequence, full)?);
        Ok(())
    }
}
