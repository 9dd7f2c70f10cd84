//! Lost chunks made again of their plaintext, where somebody still has it: a layer that was kept,
//! or a disk file that was exported.
//!
//! The only repair that needs a key. Its invariant (19): a chunk's key encrypts once more only to
//! compare; what is not the very record that was lost never leaves memory.

use std::collections::HashSet;

use zeroize::Zeroizing;

use super::{Watch, repair::Taker};
use crate::{
    CaptureSource, Error,
    sealed::{
        codec::Encoder,
        id::{RecordId, RootId},
        key::RootKey,
        node::{Child, Node, span_of},
        record,
        store::ChunkStore,
        tree::{open_child, open_root},
    },
};

/// What was made again.
#[derive(Clone, Debug, Default)]
pub struct Resealed {
    /// Records that are whole again, ordered.
    pub repaired: Vec<RecordId>,
    /// Chunks of the tree whose record is damaged or missing and that the source does not give,
    /// ordered.
    pub lost: Vec<RecordId>,
    /// Nodes that cannot be read: what lies below them is not known.
    pub lost_nodes: Vec<RecordId>,
}

struct Reseal<'a> {
    store: &'a ChunkStore,
    source: &'a dyn CaptureSource,
    watch: &'a Watch<'a>,
    damaged: HashSet<RecordId>,
    encoder: Encoder,
    taker: Taker<'a>,
    out: Resealed,
}

impl ChunkStore {
    /// Reads the chunks of `source` that the tree cannot give, because their records are
    /// `damaged` or missing, and stores each that turns out to be the lost record in packs of
    /// operation `op_sequence`. Progress counts bytes of the disk.
    ///
    /// # Errors
    /// `Corrupt` when the root itself cannot be opened; `Invalid` for a source of another size; what the source gives; `Io`, `NoSpace`,
    /// `Cancelled`.
    pub fn reseal(
        &self,
        (root, key): (RootId, &RootKey),
        damaged: &[RecordId],
        source: &dyn CaptureSource,
        op_sequence: u64,
        watch: &Watch<'_>,
    ) -> Result<Resealed, Error> {
        self.look_again()?;
        let (node, fields) = open_root(self, root, key)?;
        if source.capacity() != fields.capacity {
            let what = format!(
                "the source has {} bytes and the image {}",
                source.capacity(),
                fields.capacity
            );
            return Err(Error::Invalid { what });
        }
        let mut work = Reseal {
            store: self,
            source,
            watch,
            damaged: damaged.iter().copied().collect(),
            encoder: Encoder::new(),
            taker: Taker::new(self, op_sequence),
            out: Resealed::default(),
        };
        work.node(&node, 0, fields.capacity)?;
        work.taker.flush_all()?;
        work.out.repaired.sort_unstable();
        work.out.lost.sort_unstable();
        Ok(work.out)
    }
}

impl Reseal<'_> {
    fn node(&mut self, node: &Node, start: u64, capacity: u64) -> Result<(), Error> {
        let step = match node.level {
            0 => node.chunk_size,
            // INVARIANT: the node's own span was checked to fit, so its children's does.
            level => span_of(node.chunk_size, level - 1).expect("a child's span fits"),
        };
        for child in &node.children {
            let at = start + u64::from(child.entry.place) * step;
            if node.level == 0 {
                self.chunk(child, at, node.chunk_size, capacity)?;
                continue;
            }
            self.watch.pace(0)?;
            self.watch.tell(at, capacity);
            match open_child(self.store, child, node.level - 1, node.chunk_size) {
                Ok(below) => self.node(&below, at, capacity)?,
                Err(_) => self.out.lost_nodes.push(child.entry.id),
            }
        }
        Ok(())
    }

    fn chunk(
        &mut self,
        child: &Child,
        at: u64,
        chunk_size: u64,
        capacity: u64,
    ) -> Result<(), Error> {
        let entry = &child.entry;
        if !self.damaged.contains(&entry.id) && self.store.index.look_up(entry.id).is_some() {
            return Ok(());
        }
        self.watch.pace(chunk_size)?;
        let mut plain = Zeroizing::new(vec![0; chunk_size as usize]);
        let length = (capacity - at).min(chunk_size) as usize;
        self.source.read_chunk(at / chunk_size, chunk_size, &mut plain[..length])?;
        let same = record::seal_same(&mut self.encoder, &plain, &child.key, entry.codec, entry.id);
        match same {
            Some(stored) => {
                self.taker.take_chunk(entry.id, entry.codec, chunk_size as u32, stored)?;
                self.out.repaired.push(entry.id);
            }
            None => self.out.lost.push(entry.id),
        }
        Ok(())
    }
}
