//! Reading back what a capture stored, before anybody relies on it.
//!
//! It refuses to trust the index and the caches: everything is read from the store again. Its
//! invariant: it changes nothing.

use base::Entropy;

use super::Sealed;
use crate::{
    Error,
    sealed::{
        image::read_chunk,
        node::{Child, Node},
        pack::PackKind,
        store::ChunkStore,
        tree::{open_child, open_root},
    },
};

/// Reads back the footer of every pack of the operation, every node that it wrote on the way from
/// the root, and `samples` of its chunks, chosen at random, down to their plaintext.
///
/// # Errors
/// `Corrupt`, `Missing` or `Io` name what cannot be read; the operation is then to be retried.
pub fn verify(
    store: &ChunkStore,
    sealed: &Sealed,
    samples: usize,
    entropy: &dyn Entropy,
) -> Result<(), Error> {
    let mut new = std::collections::HashSet::new();
    for pack in &sealed.packs {
        for entry in store.footer(pack)? {
            new.insert(entry.id);
        }
        debug_assert!(matches!(pack.kind, PackKind::Data | PackKind::Node));
    }
    let (root, fields) = open_root(store, sealed.root_id, &sealed.root_key)?;
    if fields.capacity != sealed.capacity || !new.contains(&sealed.root_id.record()) {
        return Err(Error::Corrupt {
            what: "root",
            name: sealed.root_id.to_string(),
            why: "it is not what was sealed",
        });
    }
    let mut chunks = Vec::new();
    collect(store, &root, &|child| new.contains(&child.entry.id), &mut chunks)?;
    for _ in 0..samples.min(chunks.len()) {
        let mut random = [0; 8];
        entropy.fill(&mut random);
        let at = (u64::from_le_bytes(random) % chunks.len() as u64) as usize;
        let chunk = chunks.swap_remove(at);
        read_chunk(store, &chunk, fields.chunk_size)?;
    }
    Ok(())
}

/// Reads the new nodes below `node` and gathers their new chunks. A child that is not new must be
/// somewhere in the store.
fn collect(
    store: &ChunkStore,
    node: &Node,
    is_new: &dyn Fn(&Child) -> bool,
    chunks: &mut Vec<Child>,
) -> Result<(), Error> {
    for child in &node.children {
        if !is_new(child) {
            if !store.has(child.entry.id)? {
                return Err(Error::Missing { what: "record", name: child.entry.id.to_string() });
            }
        } else if node.level == 0 {
            chunks.push(child.clone());
        } else {
            let below = open_child(store, child, node.level - 1, node.chunk_size)?;
            collect(store, &below, is_new, chunks)?;
        }
    }
    Ok(())
}
