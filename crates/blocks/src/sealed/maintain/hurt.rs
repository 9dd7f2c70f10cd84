//! Which roots damage reaches: the mark in reverse.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use super::{Finding, Watch};
use crate::{
    Error,
    sealed::{
        id::{RecordId, RootId},
        node::PublicNode,
        store::ChunkStore,
        tree::public,
    },
};

/// A root that cannot be read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hurt {
    /// The tree.
    pub root: RootId,
    /// Records of it that are damaged, missing or cannot be read, ordered. Below a node that
    /// cannot be read nothing more is known.
    pub records: Vec<RecordId>,
}

type Below = Rc<BTreeSet<RecordId>>;

struct Search<'a> {
    store: &'a ChunkStore,
    bad: HashSet<RecordId>,
    watch: &'a Watch<'a>,
    /// What is bad at and below each node that was looked at.
    seen: HashMap<RecordId, Below>,
}

impl ChunkStore {
    /// The roots that reach what `findings` name, or something that no pack has. Reads nodes
    /// only, each once; no key. Progress counts roots.
    ///
    /// # Errors
    /// `Io` when the list of packs cannot be read; `Cancelled`.
    pub fn hurt(
        &self,
        roots: &[RootId],
        findings: &[Finding],
        watch: &Watch<'_>,
    ) -> Result<Vec<Hurt>, Error> {
        self.look_again()?;
        // A damaged copy hurts nobody while readers take another.
        let bad = findings
            .iter()
            .filter_map(|finding| Some((finding.record?, finding.pack)))
            .filter(|(id, pack)| self.index.look_up(*id).is_none_or(|at| at.pack == *pack))
            .map(|(id, _)| id)
            .collect();
        let mut search = Search { store: self, bad, watch, seen: HashMap::new() };
        let mut out = Vec::new();
        for (done, root) in roots.iter().enumerate() {
            watch.tell(done as u64, roots.len() as u64);
            let below = search.node(root.record(), None)?;
            if !below.is_empty() {
                out.push(Hurt { root: *root, records: below.iter().copied().collect() });
            }
        }
        watch.tell(roots.len() as u64, roots.len() as u64);
        Ok(out)
    }
}

impl Search<'_> {
    /// What is bad at and below a node. The depth is bounded: levels fall with each call.
    fn node(&mut self, id: RecordId, level: Option<u8>) -> Result<Below, Error> {
        if let Some(below) = self.seen.get(&id) {
            return Ok(Rc::clone(below));
        }
        self.watch.pace(0)?;
        let mut below = BTreeSet::new();
        match self.read(id, level) {
            None => {
                below.insert(id);
            }
            Some(node) => {
                for entry in &node.entries {
                    if node.level > 0 {
                        below.extend(self.node(entry.id, Some(node.level - 1))?.iter());
                    } else if self.is_bad(entry.id) {
                        below.insert(entry.id);
                    }
                }
            }
        }
        let below = Rc::new(below);
        self.seen.insert(id, Rc::clone(&below));
        Ok(below)
    }

    fn read(&self, id: RecordId, level: Option<u8>) -> Option<PublicNode> {
        if self.is_bad(id) {
            return None;
        }
        let (node, _) = public(self.store, id).ok()?;
        let fits = match level {
            Some(level) => node.level == level && node.root.is_none(),
            None => node.root.is_some(),
        };
        fits.then_some(node)
    }

    fn is_bad(&self, id: RecordId) -> bool {
        self.bad.contains(&id) || self.store.index.look_up(id).is_none()
    }
}
