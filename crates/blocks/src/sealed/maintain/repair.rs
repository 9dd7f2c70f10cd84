//! Damaged and missing records, taken again from where they are whole.
//!
//! Its invariants: what goes into a new pack has the id that the parent names, whoever gave it;
//! nothing stored is changed, so a crash leaves copies beside originals; what is found nowhere
//! stays as it is, and reads of it go on failing. No key is needed.
//!
//! ```text
//! roots --walk--> wanted: missing, unreadable, or in a damaged pack
//!                    |  own pack, older copies, then each `Copies`
//!                    v
//!                 new packs of this operation: readers take the copy of the last operation
//! ```
//!
//! A node that was found opens the way to what lies below it, so rounds go on until one finds
//! nothing more. A damaged pack out of which everything needed was taken is `healed`: the next
//! collections find it dead and delete it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Copies, Watch};
use crate::{
    Error,
    sealed::{
        codec::Codec,
        id::{RecordId, RootId},
        index::Location,
        node::PublicNode,
        pack::{PACK_SIZE_BYTES, PackBuilder, PackKind, PackRef, RECORD_HEAD_BYTES},
        record::RecordKind,
        store::ChunkStore,
        tree::public,
    },
};

/// What a repair did.
#[derive(Clone, Debug, Default)]
pub struct Repaired {
    /// Records that were damaged or missing and are whole again, ordered.
    pub repaired: Vec<RecordId>,
    /// Whole records that were moved out of damaged packs.
    pub moved_records: u64,
    /// Length of the records copied, in bytes.
    pub copied_bytes: u64,
    /// New packs, durable.
    pub written: Vec<PackRef>,
    /// Records that are needed and were found nowhere, ordered. Below a node among them nothing
    /// more is known.
    pub lost: Vec<RecordId>,
    /// Damaged packs that nothing needs any more, ordered.
    pub healed: Vec<PackRef>,
}

/// What a parent says of a record.
#[derive(Clone, Copy, Debug)]
struct Want {
    kind: RecordKind,
    codec: Codec,
    logical: u32,
    /// A root has no parent that says it.
    stored: Option<u32>,
}

impl Want {
    fn fits(&self, stored: usize) -> bool {
        self.stored.is_none_or(|want| want as usize == stored)
    }
}

/// One walk over what the roots reach.
struct Walk<'a> {
    store: &'a ChunkStore,
    damaged: &'a HashSet<PackRef>,
    watch: &'a Watch<'a>,
    nodes: HashSet<RecordId>,
    wanted: BTreeMap<RecordId, Want>,
}

impl Walk<'_> {
    fn root(&mut self, root: RootId) -> Result<(), Error> {
        let want = Want { kind: RecordKind::Node, codec: Codec::Raw, logical: 0, stored: None };
        self.node(root.record(), want)
    }

    /// The depth is bounded: levels fall with each call.
    fn node(&mut self, id: RecordId, want: Want) -> Result<(), Error> {
        if !self.nodes.insert(id) {
            return Ok(());
        }
        self.watch.pace(0)?;
        self.look(id, want);
        match public(self.store, id) {
            Ok((node, _)) => self.children(&node),
            Err(Error::Cancelled) => Err(Error::Cancelled),
            Err(_) => {
                self.wanted.insert(id, want);
                Ok(())
            }
        }
    }

    fn children(&mut self, node: &PublicNode) -> Result<(), Error> {
        let chunk_size = node.span >> (8 * (u32::from(node.level) + 1));
        for entry in &node.entries {
            let stored = Some(entry.stored);
            if node.level > 0 {
                let kind = RecordKind::Node;
                let want = Want { kind, codec: Codec::Raw, logical: entry.stored, stored };
                self.node(entry.id, want)?;
            } else {
                let (kind, logical) = (RecordKind::Data, chunk_size as u32);
                self.look(entry.id, Want { kind, codec: entry.codec, logical, stored });
            }
        }
        Ok(())
    }

    /// Wants a record that no pack has, or that a damaged one has.
    fn look(&mut self, id: RecordId, want: Want) {
        let at = self.store.index.look_up(id);
        if at.is_none_or(|at| self.damaged.contains(&at.pack)) {
            self.wanted.insert(id, want);
        }
    }
}

/// Records on their way into new packs.
pub(super) struct Taker<'a> {
    store: &'a ChunkStore,
    op_sequence: u64,
    data: PackBuilder,
    nodes: PackBuilder,
    written: Vec<PackRef>,
    copied_bytes: u64,
}

impl<'a> Taker<'a> {
    pub(super) fn new(store: &'a ChunkStore, op_sequence: u64) -> Self {
        let pack = |kind| PackBuilder::new(kind, store.id(), PACK_SIZE_BYTES);
        let (data, nodes) = (pack(PackKind::Data), pack(PackKind::Node));
        Self { store, op_sequence, data, nodes, written: Vec::new(), copied_bytes: 0 }
    }

    fn take(&mut self, id: RecordId, want: Want, stored: Vec<u8>) -> Result<(), Error> {
        let kind = if want.kind == RecordKind::Data { PackKind::Data } else { PackKind::Node };
        if !self.of(kind).fits(stored.len()) {
            self.flush(kind)?;
        }
        self.copied_bytes += stored.len() as u64;
        let logical = if kind == PackKind::Node { stored.len() as u32 } else { want.logical };
        self.of(kind).add(id, want.codec, logical, stored);
        Ok(())
    }

    /// Takes a chunk.
    pub(super) fn take_chunk(
        &mut self,
        id: RecordId,
        codec: Codec,
        logical: u32,
        stored: Vec<u8>,
    ) -> Result<(), Error> {
        let want = Want { kind: RecordKind::Data, codec, logical, stored: None };
        self.take(id, want, stored)
    }

    fn of(&mut self, kind: PackKind) -> &mut PackBuilder {
        match kind {
            PackKind::Data => &mut self.data,
            PackKind::Node => &mut self.nodes,
        }
    }

    fn flush(&mut self, kind: PackKind) -> Result<(), Error> {
        if self.of(kind).is_empty() {
            return Ok(());
        }
        let next = PackBuilder::new(kind, self.store.id(), PACK_SIZE_BYTES);
        let full = std::mem::replace(self.of(kind), next).finish();
        self.written.push(self.store.put_pack(self.op_sequence, full)?);
        Ok(())
    }

    pub(super) fn flush_all(&mut self) -> Result<(), Error> {
        PackKind::ALL.into_iter().try_for_each(|kind| self.flush(kind))
    }
}

impl ChunkStore {
    /// Takes every record that `roots` reach and that is missing, unreadable, or lies in one of
    /// the `damaged` packs into packs of operation `op_sequence`, which must be newer than all
    /// others: from the store itself where it is whole, else from the `copies`, first come first
    /// served. Progress counts records.
    ///
    /// Repeating it goes on: what is whole already is not taken again.
    ///
    /// # Errors
    /// `Io`, `NoSpace`, `Cancelled`; what was written is of use all the same.
    pub fn repair(
        &self,
        roots: &[RootId],
        damaged: &[PackRef],
        copies: &[Copies],
        op_sequence: u64,
        watch: &Watch<'_>,
    ) -> Result<Repaired, Error> {
        self.look_again()?;
        let damaged: HashSet<_> = damaged.iter().copied().collect();
        let mut taker = Taker::new(self, op_sequence);
        let mut out = Repaired::default();
        let mut repaired = BTreeSet::new();
        loop {
            let mut walk = Walk {
                store: self,
                damaged: &damaged,
                watch,
                nodes: HashSet::new(),
                wanted: BTreeMap::new(),
            };
            roots.iter().try_for_each(|root| walk.root(*root))?;
            let wanted = walk.wanted;
            let total = wanted.len() as u64;
            let (mut found, mut lost) = (0, BTreeSet::new());
            for (done, (id, want)) in wanted.into_iter().enumerate() {
                watch.tell(done as u64, total);
                let Some((stored, own)) = self.whole_copy(id, want, copies, watch)? else {
                    lost.insert(id);
                    continue;
                };
                found += 1;
                if own {
                    out.moved_records += 1;
                } else {
                    repaired.insert(id);
                }
                taker.take(id, want, stored)?;
            }
            // Durable before anybody looks again.
            taker.flush_all()?;
            if found == 0 {
                out.healed = self.healed(&damaged, &lost);
                out.lost = lost.into_iter().collect();
                break;
            }
        }
        out.repaired = repaired.into_iter().collect();
        out.copied_bytes = taker.copied_bytes;
        out.written = taker.written;
        Ok(out)
    }

    /// Stored bytes that have the id, and whether they were where readers look.
    fn whole_copy(
        &self,
        id: RecordId,
        want: Want,
        copies: &[Copies],
        watch: &Watch<'_>,
    ) -> Result<Option<(Vec<u8>, bool)>, Error> {
        watch.pace(2 * u64::from(want.stored.unwrap_or_default()))?;
        if let Some(at) = self.index.look_up(id) {
            if let Some(stored) = self.body_at(id, &at).filter(|body| want.fits(body.len())) {
                return Ok(Some((stored, true)));
            }
            for older in self.index.shadowed_by(&at.pack) {
                let entries = self.footer(&older).unwrap_or_default();
                let entry = entries.into_iter().find(|entry| entry.id == id);
                let stored = entry.and_then(|entry| {
                    self.body_at(id, &Location { pack: older, entry })
                        .filter(|body| want.fits(body.len()))
                });
                if let Some(stored) = stored {
                    return Ok(Some((stored, false)));
                }
            }
        }
        let other = copies.iter().find_map(|copy| copy.stored(id));
        Ok(other.filter(|stored| want.fits(stored.len())).map(|stored| (stored, false)))
    }

    /// The bytes of a record at a place, if they have its id. Its head may be damaged.
    fn body_at(&self, id: RecordId, at: &Location) -> Option<Vec<u8>> {
        let offset = u64::from(at.entry.offset) + RECORD_HEAD_BYTES as u64;
        let read = self.backend.read(&at.pack.object_key(), offset, at.entry.stored as usize);
        read.ok().filter(|stored| RecordId::of(stored) == id)
    }

    /// Damaged packs of which readers need nothing.
    fn healed(&self, damaged: &HashSet<PackRef>, lost: &BTreeSet<RecordId>) -> Vec<PackRef> {
        // Below a lost node nobody knows what is needed; a record that no pack has may be in any.
        let blind = lost
            .iter()
            .any(|id| self.index.look_up(*id).is_none_or(|at| at.entry.kind == RecordKind::Node));
        if blind {
            return Vec::new();
        }
        let held: HashSet<_> =
            lost.iter().filter_map(|id| Some(self.index.look_up(*id)?.pack)).collect();
        let mut out: Vec<_> = damaged.iter().filter(|pack| !held.contains(pack)).copied().collect();
        out.sort_unstable();
        out
    }
}
