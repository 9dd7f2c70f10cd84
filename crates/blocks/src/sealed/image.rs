//! A sealed image as a source of blocks.
//!
//! It refuses to know volumes. Its invariants: bytes are right or the read fails, never zeros in
//! place of damage; opening costs one node whatever the size.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    ahead::ReadAhead,
    cache::{Claim, ReadCache},
    codec::Codec,
    id::RootId,
    key::RootKey,
    node::{Child, Node, RADIX, RootFields, span_of},
    pack::RecordEntry,
    record::{self, RecordKind},
    store::{ChunkStore, Neighbour},
    streams::Streams,
    tree::{open_child_cached, open_root},
};
use crate::{BlockSource, CaptureSource, Error, Extent};

/// An open sealed tree.
pub struct SealedImage {
    tree: Arc<Tree>,
    ahead: Option<ReadAhead>,
}

/// What readers and those who read ahead share.
struct Tree {
    store: Arc<ChunkStore>,
    cache: Arc<ReadCache>,
    id: RootId,
    root: Arc<Node>,
    fields: RootFields,
}

impl std::fmt::Debug for SealedImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedImage({})", self.tree.id)
    }
}

/// Checks that `offset..offset + length` lies in a device of `size` bytes.
fn check_range(offset: u64, length: u64, size: u64) -> Result<(), Error> {
    match offset.checked_add(length) {
        Some(end) if end <= size => Ok(()),
        _ => Err(Error::OutOfRange { offset, length, size }),
    }
}

/// Place of chunk `index` in a node of `level` on its way.
fn place_of(index: u64, level: u8) -> u8 {
    (index >> (8 * u32::from(level))) as u8
}

impl SealedImage {
    /// Opens a tree. Reads its root node only.
    ///
    /// # Errors
    /// `Missing` when the store does not have it, `Corrupt` when the key does not open it or
    /// bytes are damaged, `UnknownFormat`, `Io`.
    pub fn open(
        store: Arc<ChunkStore>,
        root: RootId,
        key: &RootKey,
        cache: Arc<ReadCache>,
    ) -> Result<Self, Error> {
        let (node, fields) = open_root(&store, root, key)?;
        let tree = Tree { store, cache, id: root, root: node, fields };
        Ok(Self { tree: Arc::new(tree), ahead: None })
    }

    /// Reads ahead of readers that go in order, on threads of its own.
    #[must_use]
    pub fn with_read_ahead(mut self) -> Self {
        let chunk_size = self.chunk_size();
        let streams = Streams::new(chunk_size, self.size().div_ceil(chunk_size));
        let tree = Arc::clone(&self.tree);
        self.ahead = Some(ReadAhead::new(streams, Box::new(move |chunks| tree.fetch(chunks))));
        self
    }

    /// Which tree this is.
    #[must_use]
    pub fn root_id(&self) -> RootId {
        self.tree.id
    }

    /// Size of its chunks, in bytes.
    #[must_use]
    pub fn chunk_size(&self) -> u64 {
        self.tree.chunk_size()
    }
}

impl Tree {
    fn chunk_size(&self) -> u64 {
        self.fields.chunk_size.into()
    }

    fn child_node(&self, child: &Child, level: u8) -> Result<Arc<Node>, Error> {
        open_child_cached(&self.store, &self.cache, child, level, self.chunk_size())
    }

    /// The node that holds the entry of a chunk; nothing for a hole.
    fn leaf(&self, index: u64) -> Result<Option<Arc<Node>>, Error> {
        let mut node = Arc::clone(&self.root);
        while node.level > 0 {
            let Some(child) = node.child(place_of(index, node.level)) else { return Ok(None) };
            node = self.child_node(child, node.level - 1)?;
        }
        Ok(Some(node))
    }

    /// The decoded chunk, or nothing for a hole.
    fn chunk(&self, index: u64) -> Result<Option<Bytes>, Error> {
        let Some(node) = self.leaf(index)? else { return Ok(None) };
        let Some(child) = node.child(place_of(index, 0)) else { return Ok(None) };
        let read = || read_chunk(&self.store, child, self.fields.chunk_size);
        self.cache.chunk(child.entry.id, &child.key, read).map(Some)
    }

    /// Reads chunks into the cache, neighbours in a pack together. What fails is left to readers.
    fn fetch(&self, chunks: std::ops::Range<u64>) {
        // Nodes first: nobody may wait for another while it has a claim.
        let leaves: Vec<_> = chunks
            .filter_map(|index| Some((self.leaf(index).ok()??, place_of(index, 0))))
            .collect();
        let mut claims: Vec<Option<(Claim<'_>, &Child)>> = leaves
            .iter()
            .filter_map(|(leaf, place)| leaf.child(*place))
            .filter_map(|child| Some((self.cache.claim(child.entry.id, &child.key)?, child)))
            .map(Some)
            .collect();
        let logical = self.fields.chunk_size;
        let wanted: Vec<_> = claims
            .iter()
            .flatten()
            .map(|(_, child)| Neighbour::of_chunk(&child.entry, logical))
            .collect();
        self.store.fetch_together(&wanted, &mut |place, stored| {
            let Some((claim, child)) = claims[place].take() else { return };
            let entry = &child.entry;
            match record::open(entry.id, &child.key, entry.codec, logical, stored) {
                Ok(chunk) => claim.fill(Bytes::from(chunk)),
                Err(error) => tracing::debug!(%error, "a chunk could not be read ahead"),
            }
        });
    }

    /// Adds the extents of `node`, which begins at `start`, inside `range`.
    fn node_extents(
        &self,
        node: &Node,
        start: u64,
        range: &std::ops::Range<u64>,
        out: &mut Extents,
    ) -> Result<(), Error> {
        let step = match node.level {
            0 => node.chunk_size,
            // INVARIANT: the node's own span was checked to fit, so its children's does.
            level => span_of(node.chunk_size, level - 1).expect("a child's span fits"),
        };
        let first = range.start.saturating_sub(start) / step;
        let last = (range.end - 1 - start) / step;
        for place in first..=last.min(RADIX - 1) {
            let from = start + place * step;
            let length = range.end.min(from + step) - range.start.max(from);
            match node.child(place as u8) {
                None => out.push(length, true),
                Some(_) if node.level == 0 => out.push(length, false),
                Some(child) => {
                    let below = self.child_node(child, node.level - 1)?;
                    self.node_extents(&below, from, range, out)?;
                }
            }
        }
        Ok(())
    }
}

/// Reads, checks, decrypts and decodes the chunk of a level-0 entry.
pub(super) fn read_chunk(
    store: &ChunkStore,
    child: &Child,
    chunk_size: u32,
) -> Result<Bytes, Error> {
    let entry = &child.entry;
    let codec: Codec = entry.codec;
    let fits =
        |e: &RecordEntry| e.stored == entry.stored && e.codec == codec && e.logical == chunk_size;
    let open = |stored: &mut [u8]| record::open(entry.id, &child.key, codec, chunk_size, stored);
    store.fetch_with(RecordKind::Data, entry.id, fits, open).map(Bytes::from)
}

/// Extents that join with their neighbours.
#[derive(Default)]
struct Extents(Vec<Extent>);

impl Extents {
    fn push(&mut self, length: u64, hole: bool) {
        match self.0.last_mut() {
            Some(last) if last.hole == hole => last.length += length,
            _ => self.0.push(Extent { length, zero: hole, hole }),
        }
    }
}

impl BlockSource for SealedImage {
    fn size(&self) -> u64 {
        self.tree.fields.capacity
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        check_range(offset, out.len() as u64, self.size())?;
        if let Some(ahead) = &self.ahead {
            // Half of it: what readers have just used is there too.
            let room = self.tree.cache.unused_bytes_max() / 2 / self.chunk_size();
            ahead.note(offset, out.len() as u64, room);
        }
        let chunk_size = self.chunk_size();
        let mut at = offset;
        let mut rest = out;
        while !rest.is_empty() {
            let inside = (at % chunk_size) as usize;
            let length = rest.len().min(chunk_size as usize - inside);
            let (part, after) = rest.split_at_mut(length);
            match self.tree.chunk(at / chunk_size)? {
                Some(chunk) => part.copy_from_slice(&chunk[inside..inside + length]),
                None => part.fill(0),
            }
            at += length as u64;
            rest = after;
        }
        Ok(())
    }

    fn extents(&self, offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        check_range(offset, length, self.size())?;
        let mut out = Extents::default();
        if length > 0 {
            let tree = &self.tree;
            tree.node_extents(&tree.root, 0, &(offset..offset + length), &mut out)?;
        }
        Ok(out.0)
    }
}

/// A whole image as the source of another tree: a copy into another store, or one that shares no
/// record and no key with this one.
impl CaptureSource for SealedImage {
    fn capacity(&self) -> u64 {
        self.size()
    }

    fn dirty_chunks(&self, chunk_size: u64) -> Vec<u64> {
        let Ok(extents) = self.extents(0, self.size()) else {
            // Reading the chunks will say what is wrong.
            return (0..self.size().div_ceil(chunk_size)).collect();
        };
        let mut out: Vec<u64> = Vec::new();
        let mut at = 0;
        for extent in extents {
            let end = at + extent.length;
            if !extent.hole {
                let first = at / chunk_size;
                let from = out.last().map_or(first, |last| first.max(last + 1));
                out.extend(from..=(end - 1) / chunk_size);
            }
            at = end;
        }
        out
    }

    fn read_chunk(&self, index: u64, chunk_size: u64, out: &mut [u8]) -> Result<(), Error> {
        self.read_at(index * chunk_size, out)
    }
}
