//! What the roots reach, by public ids alone.

use std::collections::HashSet;

use super::Watch;
use crate::{
    Error,
    sealed::{
        id::{RecordId, RootId},
        node::Entry,
        store::ChunkStore,
        tree::public,
    },
};

/// Every record that some root reaches, in a complete mark.
#[derive(Clone, Debug, Default)]
pub struct Live {
    records: HashSet<RecordId>,
    nodes: u64,
    stored_bytes: u64,
}

impl Live {
    /// True when some root reaches the record.
    #[must_use]
    pub fn contains(&self, id: RecordId) -> bool {
        self.records.contains(&id)
    }

    /// Records reached.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records.len() as u64
    }

    /// Of these, nodes.
    #[must_use]
    pub const fn nodes(&self) -> u64 {
        self.nodes
    }

    /// Their stored bytes.
    #[must_use]
    pub const fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = RecordId> {
        self.records.iter().copied()
    }

    fn add(&mut self, id: RecordId, stored: u32) -> bool {
        let new = self.records.insert(id);
        if new {
            self.stored_bytes += u64::from(stored);
        }
        new
    }
}

impl ChunkStore {
    /// Marks everything that `roots` reach. Reads nodes only, each once however many trees share
    /// it. Progress counts roots.
    ///
    /// # Errors
    /// Any node that cannot be read ends the mark (invariant 14): a set that lacks something
    /// would let it be deleted.
    pub fn mark(&self, roots: &[RootId], watch: &Watch<'_>) -> Result<Live, Error> {
        let mut live = Live::default();
        for (done, root) in roots.iter().enumerate() {
            watch.tell(done as u64, roots.len() as u64);
            self.mark_tree(*root, &mut live, watch)?;
        }
        watch.tell(roots.len() as u64, roots.len() as u64);
        Ok(live)
    }

    fn mark_tree(&self, root: RootId, live: &mut Live, watch: &Watch<'_>) -> Result<(), Error> {
        let id = root.record();
        if live.contains(id) {
            return Ok(());
        }
        watch.pace(0)?;
        let (node, stored) = public(self, id)?;
        let refuse = |id: RecordId, why| Error::Corrupt { what: "node", name: id.to_string(), why };
        if node.root.is_none() {
            return Err(refuse(id, "it is not a root"));
        }
        live.add(id, stored);
        live.nodes += 1;
        let mut open: Vec<(u8, Vec<Entry>)> = vec![(node.level, node.entries)];
        while let Some((level, entries)) = open.pop() {
            for entry in entries {
                if !live.add(entry.id, entry.stored) || level == 0 {
                    continue;
                }
                watch.pace(entry.stored.into())?;
                let (child, _) = public(self, entry.id)?;
                if child.level + 1 != level {
                    return Err(refuse(entry.id, "its level is not below its parent's"));
                }
                live.nodes += 1;
                open.push((child.level, child.entries));
            }
        }
        Ok(())
    }
}
