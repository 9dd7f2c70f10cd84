//! The new tree's nodes: those above a dirty chunk are written, all others are the base's.
//!
//! It refuses to know how chunks were stored. Its invariants: a base node is read only when a
//! dirty chunk lies below it; children are stored before their parents.

use std::{collections::BTreeMap, sync::Arc};

use super::{CaptureOptions, Outcome, Plan, Progress};
use crate::{
    Error,
    sealed::{
        codec::Codec,
        id::RootId,
        key::RootKey,
        node::{Child, Entry, Node, RootFields, Totals},
        pack::{PackBuilder, PackKind, PackRef},
        store::ChunkStore,
        tree::{open_child, with_self},
    },
};

/// What the base has where a node is built.
enum Base<'a> {
    /// Holes.
    Nothing,
    /// A node to be read.
    Child(&'a Child),
    /// The content of the base's root, which may lie lower than the new root.
    Top(&'a Arc<Node>),
}

pub(super) struct TreeWriter<'a> {
    store: &'a ChunkStore,
    options: &'a CaptureOptions<'a>,
    plan: &'a Plan,
    pack: PackBuilder,
    packs: Vec<(PackRef, u64)>,
    progress: Progress,
}

impl<'a> TreeWriter<'a> {
    pub(super) fn new(
        store: &'a ChunkStore,
        options: &'a CaptureOptions<'a>,
        plan: &'a Plan,
        progress: Progress,
    ) -> Self {
        let pack = PackBuilder::new(PackKind::Node, store.id(), options.pack_size);
        Self { store, options, plan, pack, packs: Vec::new(), progress }
    }

    /// Builds the tree over `outcomes`, ascending; gives its root and what it reaches.
    pub(super) fn write(
        &mut self,
        outcomes: &[Outcome],
    ) -> Result<(RootId, RootKey, Totals), Error> {
        let plan = self.plan;
        let (base, parent) = match &plan.base {
            Some((id, node)) => (Base::Top(node), Some(*id)),
            None => (Base::Nothing, None),
        };
        let children = self.children(plan.level, &base, outcomes)?;
        let root =
            RootFields { capacity: plan.capacity, chunk_size: plan.chunk_size as u32, parent };
        let child = self.store_node(plan.level, children, Some(root))?;
        Ok((RootId(child.entry.id.0), child.key.into_root(), child.entry.totals))
    }

    /// Stores the last pack; gives all of them with their lengths.
    pub(super) fn finish(mut self) -> Result<Vec<(PackRef, u64)>, Error> {
        self.store_pack()?;
        Ok(self.packs)
    }

    /// The children of a node of `level`: the base's, with the dirty ones replaced.
    fn children(
        &mut self,
        level: u8,
        base: &Base<'_>,
        dirty: &[Outcome],
    ) -> Result<BTreeMap<u8, Child>, Error> {
        let mut children = BTreeMap::new();
        // Where the base's root lies below this node, it continues at place 0.
        let mut lower_top = None;
        let in_base = match base {
            Base::Nothing => None,
            Base::Child(child) => {
                Some(Arc::new(open_child(self.store, child, level, self.plan.chunk_size)?))
            }
            Base::Top(node) if node.level < level => {
                lower_top = Some(*node);
                None
            }
            Base::Top(node) => Some(Arc::clone(node)),
        };
        if let Some(node) = in_base {
            children.extend(node.children.iter().map(|c| (c.entry.place, c.clone())));
        }
        let mut rest = dirty;
        if let Some(top) = lower_top {
            let (first, after) = split_place(rest, level, 0);
            self.replace(&mut children, level, 0, &Base::Top(top), first)?;
            rest = after;
        }
        while let Some((index, _)) = rest.first() {
            let place = place_of(*index, level);
            let (here, after) = split_place(rest, level, place);
            let old = children.get(&place).cloned();
            let below = old.as_ref().map_or(Base::Nothing, Base::Child);
            self.replace(&mut children, level, place, &below, here)?;
            rest = after;
        }
        Ok(children)
    }

    /// Puts what is new at `place` of a node of `level` among its children.
    fn replace(
        &mut self,
        children: &mut BTreeMap<u8, Child>,
        level: u8,
        place: u8,
        base: &Base<'_>,
        dirty: &[Outcome],
    ) -> Result<(), Error> {
        let new = if level == 0 {
            dirty.last().and_then(|(_, chunk)| chunk.clone())
        } else {
            let below = self.children(level - 1, base, dirty)?;
            if below.is_empty() { None } else { Some(self.store_node(level - 1, below, None)?) }
        };
        match new {
            Some(mut child) => {
                child.entry.place = place;
                children.insert(place, child);
            }
            None => {
                children.remove(&place);
            }
        }
        Ok(())
    }

    fn store_node(
        &mut self,
        level: u8,
        children: BTreeMap<u8, Child>,
        root: Option<RootFields>,
    ) -> Result<Child, Error> {
        self.options.check_cancel()?;
        let node = Node {
            store: self.store.id(),
            level,
            chunk_size: self.plan.chunk_size,
            root,
            children: children.into_values().collect(),
        };
        let (id, key, stored) = node.seal(self.options.entropy);
        let length = stored.len() as u32;
        if !self.pack.fits(stored.len()) {
            self.store_pack()?;
        }
        self.pack.add(id, Codec::Raw, length, stored);
        let totals = with_self(node.totals(), length);
        let entry = Entry { place: 0, codec: Codec::Raw, stored: length, id, totals };
        Ok(Child { entry, key })
    }

    fn store_pack(&mut self) -> Result<(), Error> {
        if self.pack.is_empty() {
            return Ok(());
        }
        self.options.check_cancel()?;
        let next = PackBuilder::new(PackKind::Node, self.store.id(), self.options.pack_size);
        let built = std::mem::replace(&mut self.pack, next).finish();
        let length = built.length;
        let pack = self.store.put_pack(self.options.op_sequence, built)?;
        self.packs.push((pack, length));
        self.progress.stored_bytes_written += length;
        (self.options.progress)(self.progress);
        Ok(())
    }
}

/// Place of chunk `index` in a node of `level`.
fn place_of(index: u64, level: u8) -> u8 {
    (index >> (8 * u32::from(level))) as u8
}

/// The first outcomes that lie at `place` of a node of `level`, and the others. All lie below one
/// node, so those of the first place are together.
fn split_place(dirty: &[Outcome], level: u8, place: u8) -> (&[Outcome], &[Outcome]) {
    let count = dirty.iter().take_while(|(index, _)| place_of(*index, level) == place).count();
    dirty.split_at(count)
}
