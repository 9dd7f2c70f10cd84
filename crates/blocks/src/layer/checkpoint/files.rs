//! The two files of checkpoints, read and written.
//!
//! | crash | leaves |
//! |---|---|
//! | while pages and nodes are written | things that the newest checkpoint does not name |
//! | while the root is written | a torn root: the other one is the newest |
//! | before both files are synced | a root that may name what is not there: likewise |
//! | after, before the journal is cut | the new checkpoint, and records that it holds already |
//!
//! It refuses to say when a checkpoint is due. Its invariant: the places that the newest whole
//! checkpoint names are never written to.
//!
//! Next to read: `map`.

use std::collections::BTreeMap;

use crate::Error;
use crate::layer::checkpoint::tree::{
    Entry, FAN, Level, NODE, ROOT, Root, Slot, Table, Tree, decode_table, empty_table, encode_table,
};
use crate::layer::checkpoint::{Checkpoint, Head, PageWords, head_of, whole};
use crate::layer::disk::Named;
use crate::layer::fields::{SUM_BYTES, corrupt};
use crate::layer::map::{PAGE_WORDS, words_are_states};

/// Reads so many bytes at a place of a slot; what is not there is zeros.
trait Places {
    fn read(&self, slot: Slot, offset: u64, out: &mut [u8]) -> Result<(), Error>;
    fn name(&self, slot: Slot) -> String;
}

impl Places for [Named; 2] {
    fn read(&self, slot: Slot, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self[slot].read_up_to(offset, out).map(drop)
    }

    fn name(&self, slot: Slot) -> String {
        self[slot].name.to_string()
    }
}

/// A root that may be the newest checkpoint, and what it names.
struct Walk<'a> {
    files: &'a dyn Places,
    identity: &'a [u8; SUM_BYTES],
    /// Pages that the device has.
    limit: u64,
    tree: Tree,
    pages: Vec<(u64, PageWords)>,
}

impl Walk<'_> {
    /// The bytes that an entry names; `None` when they are not there.
    fn fetch(&self, level: Level, index: u64, entry: Entry) -> Result<Option<Vec<u8>>, Error> {
        let Some(slot) = entry.slot() else { return Ok(None) };
        let mut bytes = vec![0; NODE];
        self.files.read(slot, level.offset(index), &mut bytes)?;
        let found = Entry::of(self.identity, level, index, slot, &bytes);
        Ok((found == entry).then_some(bytes))
    }

    fn damaged(&self, entry: Entry, why: &'static str) -> Error {
        corrupt("checkpoint", &self.files.name(entry.slot().unwrap_or(0)), why)
    }

    fn table(&self, level: Level, index: u64, entry: Entry) -> Result<Option<Table>, Error> {
        let Some(bytes) = self.fetch(level, index, entry)? else { return Ok(None) };
        let table = decode_table(&bytes);
        table.map(Some).ok_or_else(|| self.damaged(entry, "an entry of a node is none"))
    }

    /// False when something is not there: the checkpoint was never finished.
    fn all(&mut self) -> Result<bool, Error> {
        for (u, entry) in named(&self.tree.top.clone(), 0) {
            let Some(upper) = self.table(Level::Upper, u, entry)? else { return Ok(false) };
            self.tree.upper.insert(u, upper.clone());
            for (l, entry) in named(&upper, u) {
                let Some(lower) = self.table(Level::Lower, l, entry)? else { return Ok(false) };
                self.tree.lower.insert(l, lower.clone());
                for (p, entry) in named(&lower, l) {
                    let Some(bytes) = self.fetch(Level::Page, p, entry)? else { return Ok(false) };
                    self.take_page(p, entry, &bytes)?;
                }
            }
        }
        Ok(true)
    }

    fn take_page(&mut self, index: u64, entry: Entry, bytes: &[u8]) -> Result<(), Error> {
        let mut words: PageWords = Box::new([0; PAGE_WORDS]);
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        if index >= self.limit || !words_are_states(&words[..]) {
            return Err(self.damaged(entry, "a page is out of its range"));
        }
        self.pages.push((index, words));
        Ok(())
    }
}

/// The entries of node number `node` that name something, with the number of each.
fn named(table: &Table, node: u64) -> impl Iterator<Item = (u64, Entry)> {
    let all = table.iter().copied().enumerate();
    all.filter(|(_, entry)| entry.slot().is_some())
        .map(move |(i, entry)| (node * FAN + i as u64, entry))
}

/// What a root stands for; `None` when that is not all there.
fn walk(
    files: &dyn Places,
    identity: &[u8; SUM_BYTES],
    limit: u64,
    root: Root,
) -> Result<Option<(Tree, Checkpoint)>, Error> {
    let tree = Tree { top: root.top, ..Tree::default() };
    let mut walk = Walk { files, identity, limit, tree, pages: Vec::new() };
    if !walk.all()? {
        return Ok(None);
    }
    let checkpoint = Checkpoint { sequence: root.sequence, pages: walk.pages, whole: false };
    Ok(Some((walk.tree, checkpoint)))
}

/// Reads bytes as the first file of a layer whose second is empty.
pub(super) fn parse_alone(
    name: &str,
    bytes: &[u8],
    identity: &[u8; SUM_BYTES],
    limit: u64,
) -> Result<Option<Checkpoint>, Error> {
    struct Alone<'a>(&'a str, &'a [u8]);
    impl Places for Alone<'_> {
        fn read(&self, slot: Slot, offset: u64, out: &mut [u8]) -> Result<(), Error> {
            out.fill(0);
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            let there = if slot == 0 { self.1.get(from..).unwrap_or_default() } else { &[] };
            let length = there.len().min(out.len());
            out[..length].copy_from_slice(&there[..length]);
            Ok(())
        }

        fn name(&self, _slot: Slot) -> String {
            self.0.to_owned()
        }
    }
    let Some(root) = Root::decode(name, bytes, identity)? else { return Ok(None) };
    let found = walk(&Alone(name, bytes), identity, limit, root)?;
    Ok(found.map(|(_, checkpoint)| checkpoint))
}

/// The next checkpoint while it is written.
pub(in crate::layer) struct Draft {
    top: Table,
    /// Nodes with something below them that was written.
    upper: BTreeMap<u64, Table>,
    lower: BTreeMap<u64, Table>,
    /// Bytes written.
    written: u64,
}

/// The table of a node as it was, to be changed.
fn of(tables: &BTreeMap<u64, Table>, node: u64) -> Table {
    tables.get(&node).cloned().unwrap_or_else(empty_table)
}

/// The two files.
pub(in crate::layer) struct CheckpointFiles {
    slots: [Named; 2],
    identity: [u8; SUM_BYTES],
    /// The newest checkpoint.
    tree: Tree,
    /// The file that holds its root.
    newest: Slot,
    /// What is in each: one of another format is emptied before it is written to.
    heads: [Head; 2],
    /// What was found may be in the host's cache only.
    found: bool,
}

impl CheckpointFiles {
    /// Reads both and keeps the newest checkpoint that is whole.
    pub(in crate::layer) fn open(
        slots: [Named; 2],
        identity: [u8; SUM_BYTES],
        pages: u64,
    ) -> Result<(Self, Checkpoint), Error> {
        let mut heads = [Head::Empty; 2];
        let mut best = (Tree::default(), Checkpoint::default());
        let mut newest = 1;
        let mut roots = BTreeMap::new();
        for (slot, file) in slots.iter().enumerate() {
            let mut bytes = vec![0; ROOT];
            let got = file.read_up_to(0, &mut bytes)?;
            heads[slot] = head_of(&file.name, &bytes[..got])?;
            match heads[slot] {
                Head::Empty => {}
                Head::Whole => {
                    // It may be longer: a crash came while the other format took its place.
                    let length = file.len()?.min(whole::length_max(pages));
                    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
                    file.read_up_to(0, &mut bytes)?;
                    let found = Checkpoint::parse(&file.name, &bytes, &identity, pages)?;
                    if let Some(found) = found.filter(|c| c.sequence > best.1.sequence) {
                        best = (Tree::default(), found);
                        newest = slot;
                    }
                }
                Head::Tree => {
                    if let Some(root) = Root::decode(&file.name, &bytes[..got], &identity)? {
                        roots.insert(root.sequence, (slot, root));
                    }
                }
            }
        }
        while let Some((sequence, (slot, root))) = roots.pop_last() {
            if sequence > best.1.sequence
                && let Some(found) = walk(&slots, &identity, pages, root)?
            {
                best = found;
                newest = slot;
            }
        }
        let (tree, checkpoint) = best;
        Ok((Self { slots, identity, tree, newest, heads, found: true }, checkpoint))
    }

    /// Makes durable what was found when the files were opened: it may come from a cache that a
    /// dead process left, and the next checkpoint overwrites what is older.
    pub(in crate::layer) fn settle(&mut self) -> Result<(), Error> {
        if self.found {
            self.slots.iter().try_for_each(Named::sync)?;
            self.found = false;
        }
        Ok(())
    }

    /// Begins the next checkpoint; [`Self::settle`] comes before.
    pub(in crate::layer) fn draft(&mut self) -> Result<Draft, Error> {
        for slot in 0..2 {
            // The newest one stays, whatever its format, until there is a newer.
            if self.heads[slot] == Head::Whole && slot != self.newest {
                self.slots[slot].set_len(0)?;
                self.heads[slot] = Head::Empty;
            }
        }
        let (upper, lower) = (BTreeMap::new(), BTreeMap::new());
        Ok(Draft { top: self.tree.top.clone(), upper, lower, written: 0 })
    }

    /// Writes one thing where the newest checkpoint has none; what is to be said of it above.
    fn place(&self, level: Level, index: u64, before: Entry, bytes: &[u8]) -> Result<Entry, Error> {
        let slot = match before.slot() {
            Some(slot) => 1 - slot,
            // Where a checkpoint of format 1 is still needed there is no room.
            None => Slot::from(self.heads[0] == Head::Whole),
        };
        self.slots[slot].write_all(level.offset(index), bytes)?;
        Ok(Entry::of(&self.identity, level, index, slot, bytes))
    }

    /// Writes changed pages; the data of all their states has been synced.
    pub(in crate::layer) fn put(
        &self,
        draft: &mut Draft,
        pages: &[(u64, PageWords)],
    ) -> Result<(), Error> {
        for (index, words) in pages {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            let (node, at) = (index / FAN, (index % FAN) as usize);
            let table = draft.lower.entry(node).or_insert_with(|| of(&self.tree.lower, node));
            let before = self.tree.lower.get(&node).map(|table| table[at]).unwrap_or_default();
            table[at] = self.place(Level::Page, *index, before, &bytes)?;
            draft.written += NODE as u64;
        }
        Ok(())
    }

    /// Writes the nodes above what was put, and the root; returns how many bytes the checkpoint
    /// took in all.
    pub(in crate::layer) fn finish(&self, draft: &mut Draft, sequence: u64) -> Result<u64, Error> {
        for (index, lower) in &draft.lower {
            let (node, at) = (index / FAN, (index % FAN) as usize);
            let table = draft.upper.entry(node).or_insert_with(|| of(&self.tree.upper, node));
            let before = self.tree.upper.get(&node).map(|table| table[at]).unwrap_or_default();
            table[at] = self.place(Level::Lower, *index, before, &encode_table(lower))?;
            draft.written += NODE as u64;
        }
        for (index, upper) in &draft.upper {
            let at = *index as usize;
            let before = self.tree.top[at];
            draft.top[at] = self.place(Level::Upper, *index, before, &encode_table(upper))?;
            draft.written += NODE as u64;
        }
        let root = Root { sequence, top: draft.top.clone() }.encode(&self.identity);
        self.slots[1 - self.newest].write_all(0, &root)?;
        Ok(draft.written + root.len() as u64)
    }

    /// Syncs what was written and makes it the newest.
    pub(in crate::layer) fn commit(&mut self, draft: Draft) -> Result<(), Error> {
        self.slots.iter().try_for_each(Named::sync)?;
        self.newest = 1 - self.newest;
        self.heads[self.newest] = Head::Tree;
        self.tree.top = draft.top;
        self.tree.upper.extend(draft.upper);
        self.tree.lower.extend(draft.lower);
        Ok(())
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
