//! Reading trees: with keys node by node, without keys for sizes and marks.
//!
//! It refuses to know who asks. Its invariant: a child is what its parent says, in level, chunk
//! size, length and totals, or it is an error.

use std::sync::Arc;

use super::{
    cache::ReadCache,
    id::{RecordId, RootId},
    key::RootKey,
    node::{Child, Entry, Node, PublicNode, RootFields, Totals},
    record::RecordKind,
    store::ChunkStore,
};
use crate::Error;

/// What a sealed tree holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootStats {
    /// Size of the image, in bytes.
    pub capacity: u64,
    /// Size of its chunks, in bytes.
    pub chunk_size: u64,
    /// Bytes that are not holes, in whole chunks.
    pub logical_bytes: u64,
    /// Stored bytes that the tree reaches, nodes included, shared with other trees or not.
    pub stored_bytes: u64,
    /// Chunks that are not holes.
    pub chunks: u64,
    /// Nodes, the root included.
    pub nodes: u64,
    /// The tree that this one was captured over.
    pub parent: Option<RootId>,
}

fn corrupt(id: RecordId, why: &'static str) -> Error {
    Error::Corrupt { what: "node", name: id.to_string(), why }
}

/// Reads and decrypts a root.
pub(super) fn open_root(
    store: &ChunkStore,
    id: RootId,
    key: &RootKey,
) -> Result<(Arc<Node>, RootFields), Error> {
    let record = id.record();
    let key = key.record_key();
    let open = |stored: &mut [u8]| Node::open(record, &key, store.id(), stored);
    let node = store.fetch_with(RecordKind::Node, record, |_| true, open)?;
    let root = node.root.ok_or_else(|| corrupt(record, "it is not a root"))?;
    Ok((Arc::new(node), root))
}

/// Reads and decrypts a child of a node of `level + 1`.
pub(super) fn open_child(
    store: &ChunkStore,
    child: &Child,
    level: u8,
    chunk_size: u64,
) -> Result<Node, Error> {
    let entry = &child.entry;
    let open = |stored: &mut [u8]| Node::open(entry.id, &child.key, store.id(), stored);
    let node = store.fetch_with(RecordKind::Node, entry.id, |e| e.stored == entry.stored, open)?;
    if node.level != level || node.chunk_size != chunk_size || node.root.is_some() {
        return Err(corrupt(entry.id, "its level or chunk size is not its parent's"));
    }
    if with_self(node.totals(), entry.stored) != entry.totals {
        return Err(corrupt(entry.id, "its totals are not what its parent says"));
    }
    Ok(node)
}

/// As [`open_child`], kept in the cache.
pub(super) fn open_child_cached(
    store: &ChunkStore,
    cache: &ReadCache,
    child: &Child,
    level: u8,
    chunk_size: u64,
) -> Result<Arc<Node>, Error> {
    cache.node(child.entry.id, &child.key, || {
        open_child(store, child, level, chunk_size).map(Arc::new)
    })
}

/// A node's totals as its parent states them.
pub(super) fn with_self(children: Totals, stored: u32) -> Totals {
    children.plus(Totals { chunks: 0, nodes: 1, stored_bytes: stored.into() })
}

/// The public part of a node, and its stored length; needs no key.
pub(super) fn public(store: &ChunkStore, id: RecordId) -> Result<(PublicNode, u32), Error> {
    let mut fetched = store.fetch(RecordKind::Node, id, |_| true)?;
    let stored = fetched.stored();
    Ok((PublicNode::parse(id, store.id(), stored)?, stored.len() as u32))
}

impl ChunkStore {
    /// Sizes of a tree. Reads its root only, and needs no key.
    ///
    /// # Errors
    /// `Missing`, `Corrupt`, `UnknownFormat`, `Io`.
    pub fn root_stats(&self, root: RootId) -> Result<RootStats, Error> {
        let (node, stored) = public(self, root.record())?;
        let fields = node.root.ok_or_else(|| corrupt(root.record(), "it is not a root"))?;
        let totals = with_self(node.totals(), stored);
        let chunk_size = u64::from(fields.chunk_size);
        Ok(RootStats {
            capacity: fields.capacity,
            chunk_size,
            logical_bytes: (u64::from(totals.chunks) * chunk_size).min(fields.capacity),
            stored_bytes: totals.stored_bytes,
            chunks: totals.chunks.into(),
            nodes: totals.nodes.into(),
            parent: fields.parent,
        })
    }

    /// Calls `visit` with the id and stored length of every record that a tree reaches, parents
    /// first. Reads node packs only, and needs no key. `visit` says whether to go below a node.
    ///
    /// # Errors
    /// Any node that cannot be read ends the walk: a mark must not skip anything.
    pub fn walk(
        &self,
        root: RootId,
        visit: &mut dyn FnMut(RecordId, u32) -> bool,
    ) -> Result<(), Error> {
        let (node, stored) = public(self, root.record())?;
        if !visit(root.record(), stored) {
            return Ok(());
        }
        let mut open: Vec<(u8, Vec<Entry>)> = vec![(node.level, node.entries)];
        while let Some((level, entries)) = open.pop() {
            for entry in entries {
                if !visit(entry.id, entry.stored) || level == 0 {
                    continue;
                }
                let (child, _) = public(self, entry.id)?;
                if child.level + 1 != level {
                    return Err(corrupt(entry.id, "its level is not below its parent's"));
                }
                open.push((child.level, child.entries));
            }
        }
        Ok(())
    }
}
