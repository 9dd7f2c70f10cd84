//! Nodes of a sealed tree: 256 places each, over chunks.
//!
//! It refuses to know where records lie. Its invariants: the public part is readable without a
//! key and bound to the secret part as associated data; one content has one encoding; places
//! that are all zero have no entry.
//!
//! A stored node is `public part || AES-256-GCM(secret part) || 16-byte tag`, sealed with a fresh
//! key and a zero nonce, the public part as associated data. Its id is BLAKE3 of all of that; a
//! root's is the [`RootId`].
//!
//! Public part:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTNODE\0` |
//! | 8 | 2 | format version, 1 |
//! | 10 | 1 | level; 0 holds chunks |
//! | 11 | 1 | flags: 1 root, others 0 |
//! | 12 | 4 | entries n, at most 256; at least 1 unless root |
//! | 16 | 16 | store id |
//! | 32 | 8 | span: chunk size x 256^(level + 1), in bytes |
//! | 40 | 48 | root only: capacity 8, chunk size 4, layout version 4 (1), parent root id 32 or zeros |
//! | then | n x 40 or 56 | entries, by ascending place |
//!
//! Entry:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | place |
//! | 1 | 1 | kind of child: 1 data (level 0), 2 node (above) |
//! | 2 | 1 | codec of a chunk; 0 for a node |
//! | 3 | 1 | 0 |
//! | 4 | 4 | stored length of the child |
//! | 8 | 32 | id of the child |
//! | 40 | 4 | above level 0: chunks under the child |
//! | 44 | 4 | above level 0: nodes under the child, itself included |
//! | 48 | 8 | above level 0: stored bytes under the child, itself included |
//!
//! Secret part: n x 32 bytes, the children's keys in the order of the entries.

use base::Entropy;
use zeroize::{Zeroize, Zeroizing};

use super::{
    codec::Codec,
    fields::Fields,
    id::{RecordId, RootId, StoreId},
    key::{KEY_BYTES, RecordKey, SealKey, TAG_BYTES},
    record::{RECORD_MAX_BYTES, RecordKind},
};
use crate::Error;

const NODE_MAGIC: &[u8; 8] = b"ECTNODE\0";

/// Version of the node format.
pub(super) const NODE_VERSION: u16 = 1;

/// Version of the tree's shape, in the root.
const LAYOUT_VERSION: u32 = 1;

/// Children of a node.
pub(super) const RADIX: u64 = 256;

/// Highest level of a root: five levels of 4 KiB chunks reach 4 PiB.
pub(super) const LEVEL_MAX: u8 = 4;

const HEAD_BYTES: usize = 40;
const ROOT_BYTES: usize = 48;
const ENTRY_BYTES: usize = 40;
const ENTRY_ABOVE_BYTES: usize = 56;
const FLAG_ROOT: u8 = 1;

/// Longest stored node, in bytes.
pub(super) const NODE_MAX_BYTES: usize =
    HEAD_BYTES + ROOT_BYTES + RADIX as usize * (ENTRY_ABOVE_BYTES + KEY_BYTES) + TAG_BYTES;

/// What a stored subtree holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) chunks: u32,
    pub(super) nodes: u32,
    pub(super) stored_bytes: u64,
}

impl Totals {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            chunks: self.chunks.saturating_add(other.chunks),
            nodes: self.nodes.saturating_add(other.nodes),
            stored_bytes: self.stored_bytes.saturating_add(other.stored_bytes),
        }
    }
}

/// The public entry of one child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) place: u8,
    pub(super) codec: Codec,
    pub(super) stored: u32,
    pub(super) id: RecordId,
    pub(super) totals: Totals,
}

/// What only a root says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RootFields {
    pub(super) capacity: u64,
    pub(super) chunk_size: u32,
    pub(super) parent: Option<RootId>,
}

/// The part of a node that is readable without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicNode {
    pub(super) store: StoreId,
    pub(super) level: u8,
    pub(super) span: u64,
    pub(super) root: Option<RootFields>,
    pub(super) entries: Vec<Entry>,
}

/// A child with its key.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) entry: Entry,
    pub(super) key: RecordKey,
}

/// A node as it is used: decrypted.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) store: StoreId,
    pub(super) level: u8,
    pub(super) chunk_size: u64,
    pub(super) root: Option<RootFields>,
    pub(super) children: Vec<Child>,
}

/// Bytes that a node of `level` covers; `None` when that is more than can be counted.
pub(super) fn span_of(chunk_size: u64, level: u8) -> Option<u64> {
    let chunks = RADIX.checked_pow(u32::from(level) + 1)?;
    chunk_size.checked_mul(chunks)
}

/// Level of the root over `capacity` bytes; `None` when no tree is that large.
pub(super) fn level_of(capacity: u64, chunk_size: u64) -> Option<u8> {
    (0..=LEVEL_MAX).find(|level| span_of(chunk_size, *level).is_some_and(|s| s >= capacity))
}

/// True for the chunk sizes that trees may have.
pub(super) fn chunk_size_is_legal(chunk_size: u64) -> bool {
    chunk_size.is_power_of_two()
        && (super::CHUNK_SIZE_MIN_BYTES..=super::CHUNK_SIZE_MAX_BYTES).contains(&chunk_size)
}

impl Node {
    /// The child at `place`.
    pub(super) fn child(&self, place: u8) -> Option<&Child> {
        let at = self.children.binary_search_by_key(&place, |c| c.entry.place).ok()?;
        Some(&self.children[at])
    }

    /// What the children hold.
    pub(super) fn totals(&self) -> Totals {
        self.children.iter().fold(Totals::default(), |sum, c| sum.plus(c.entry.totals))
    }

    fn public_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(NODE_MAX_BYTES);
        // INVARIANT: a node is only built for a level that `level_of` gave.
        let span = span_of(self.chunk_size, self.level).expect("the level fits the chunk size");
        out.extend_from_slice(NODE_MAGIC);
        out.extend_from_slice(&NODE_VERSION.to_le_bytes());
        out.push(self.level);
        out.push(if self.root.is_some() { FLAG_ROOT } else { 0 });
        out.extend_from_slice(&(self.children.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.store.0);
        out.extend_from_slice(&span.to_le_bytes());
        if let Some(root) = &self.root {
            out.extend_from_slice(&root.capacity.to_le_bytes());
            out.extend_from_slice(&root.chunk_size.to_le_bytes());
            out.extend_from_slice(&LAYOUT_VERSION.to_le_bytes());
            out.extend_from_slice(&root.parent.map_or([0; 32], |id| id.0));
        }
        for Child { entry, .. } in &self.children {
            let kind = if self.level == 0 { RecordKind::Data } else { RecordKind::Node };
            out.extend_from_slice(&[entry.place, kind as u8, entry.codec as u8, 0]);
            out.extend_from_slice(&entry.stored.to_le_bytes());
            out.extend_from_slice(&entry.id.0);
            if self.level > 0 {
                out.extend_from_slice(&entry.totals.chunks.to_le_bytes());
                out.extend_from_slice(&entry.totals.nodes.to_le_bytes());
                out.extend_from_slice(&entry.totals.stored_bytes.to_le_bytes());
            }
        }
        out
    }

    /// The stored form, with a key of its own.
    pub(super) fn seal(&self, entropy: &dyn Entropy) -> (RecordId, RecordKey, Vec<u8>) {
        let public = self.public_bytes();
        // Allocated at once: a buffer that grew would leave keys in freed memory.
        let length = public.len() + self.children.len() * KEY_BYTES + TAG_BYTES;
        let mut stored = Vec::with_capacity(length);
        stored.extend_from_slice(&public);
        for child in &self.children {
            stored.extend_from_slice(child.key.expose());
        }
        let key = SealKey::fresh(entropy).seal(&public, &mut stored, public.len());
        (RecordId::of(&stored), key, stored)
    }

    /// Checks and decrypts a stored node; the keys are wiped from `stored`.
    pub(super) fn open(
        id: RecordId,
        key: &RecordKey,
        store: StoreId,
        stored: &mut [u8],
    ) -> Result<Self, Error> {
        let public = PublicNode::parse(id, store, stored)?;
        let (head, sealed) = stored.split_at_mut(public.byte_length());
        let keys = key.open(head, sealed).ok_or_else(|| Error::Corrupt {
            what: "node",
            name: id.to_string(),
            why: "it does not decrypt with its key",
        })?;
        let children = public
            .entries
            .iter()
            .zip(keys.chunks_exact(KEY_BYTES))
            .map(|(entry, key)| {
                let mut bytes = Zeroizing::new([0; KEY_BYTES]);
                bytes.copy_from_slice(key);
                Child { entry: *entry, key: RecordKey::from_bytes(*bytes) }
            })
            .collect();
        keys.zeroize();
        Ok(Self {
            store: public.store,
            level: public.level,
            chunk_size: public.span >> (8 * (u32::from(public.level) + 1)),
            root: public.root,
            children,
        })
    }
}

impl PublicNode {
    /// Length of the public part, in bytes.
    pub(super) fn byte_length(&self) -> usize {
        let entry = if self.level == 0 { ENTRY_BYTES } else { ENTRY_ABOVE_BYTES };
        let root = if self.root.is_some() { ROOT_BYTES } else { 0 };
        HEAD_BYTES + root + self.entries.len() * entry
    }

    /// What the children hold.
    pub(super) fn totals(&self) -> Totals {
        self.entries.iter().fold(Totals::default(), |sum, e| sum.plus(e.totals))
    }

    /// Checks the id and reads the public part; needs no key.
    pub(super) fn parse(id: RecordId, store: StoreId, stored: &[u8]) -> Result<Self, Error> {
        if RecordId::of(stored) != id {
            return Err(Error::Corrupt {
                what: "node",
                name: id.to_string(),
                why: "its bytes do not match its id",
            });
        }
        Self::parse_unchecked(id, store, stored)
    }

    /// Reads the public part of bytes whose id is already known to be right.
    fn parse_unchecked(id: RecordId, store: StoreId, stored: &[u8]) -> Result<Self, Error> {
        let name = || id.to_string();
        let mut fields = Fields::new(stored, "node", &name);
        fields.head(NODE_MAGIC, NODE_VERSION)?;
        let level = fields.u8()?;
        let flags = fields.u8()?;
        let count = fields.u32()? as usize;
        let in_store = StoreId(fields.array()?);
        let span = fields.u64()?;
        if in_store != store {
            return Err(fields.refuse("it belongs to another store"));
        }
        if level > LEVEL_MAX || flags > FLAG_ROOT || count > RADIX as usize {
            return Err(fields.refuse("its level, flags or count are impossible"));
        }
        if count == 0 && flags != FLAG_ROOT {
            return Err(fields.refuse("it is empty and not a root"));
        }
        let chunk_size = span >> (8 * (u32::from(level) + 1));
        if !chunk_size_is_legal(chunk_size) || span_of(chunk_size, level) != Some(span) {
            return Err(fields.refuse("its span is impossible"));
        }
        let root = if flags == FLAG_ROOT {
            Some(RootFields::parse(&mut fields, id, level, chunk_size)?)
        } else {
            None
        };
        let mut entries: Vec<Entry> = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = Entry::parse(&mut fields, level)?;
            if entries.last().is_some_and(|last| last.place >= entry.place) {
                return Err(fields.refuse("its entries are out of order"));
            }
            entries.push(entry);
        }
        if fields.rest().len() != count * KEY_BYTES + TAG_BYTES {
            return Err(fields.refuse("its length does not match its count"));
        }
        Ok(Self { store: in_store, level, span, root, entries })
    }
}

impl RootFields {
    fn parse(
        fields: &mut Fields<'_>,
        id: RecordId,
        level: u8,
        chunk_size: u64,
    ) -> Result<Self, Error> {
        let capacity = fields.u64()?;
        let stated = fields.u32()?;
        let layout = fields.u32()?;
        let parent = fields.array()?;
        if layout != LAYOUT_VERSION {
            return Err(Error::UnknownFormat {
                name: format!("layout of root {id}"),
                found: layout,
                known: LAYOUT_VERSION,
            });
        }
        if u64::from(stated) != chunk_size || level_of(capacity, chunk_size) != Some(level) {
            return Err(fields.refuse("its capacity or chunk size does not fit its level"));
        }
        let parent = (parent != [0; 32]).then_some(RootId(parent));
        Ok(Self { capacity, chunk_size: stated, parent })
    }
}

impl Entry {
    fn parse(fields: &mut Fields<'_>, level: u8) -> Result<Self, Error> {
        let [place, kind, codec, reserved] = fields.array()?;
        let stored = fields.u32()?;
        let id = RecordId(fields.array()?);
        let wanted = if level == 0 { RecordKind::Data } else { RecordKind::Node };
        let codec = Codec::of(codec);
        let (Some(codec), Some(kind), 0) = (codec, RecordKind::of(kind), reserved) else {
            return Err(fields.refuse("an entry has an unknown kind or codec"));
        };
        let longest = if level == 0 { RECORD_MAX_BYTES } else { NODE_MAX_BYTES };
        if kind != wanted
            || (level > 0 && codec != Codec::Raw)
            || stored == 0
            || stored as usize > longest
        {
            return Err(fields.refuse("an entry does not fit the node's level"));
        }
        let totals = if level == 0 {
            Totals { chunks: 1, nodes: 0, stored_bytes: stored.into() }
        } else {
            Totals { chunks: fields.u32()?, nodes: fields.u32()?, stored_bytes: fields.u64()? }
        };
        Ok(Self { place, codec, stored, id, totals })
    }
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    fn child(place: u8, stored: u32, totals: Totals) -> Child {
        let entry = Entry { place, codec: Codec::Raw, stored, id: RecordId([place; 32]), totals };
        Child { entry, key: RecordKey::from_bytes([place; 32]) }
    }

    fn full(level: u8, root: bool) -> Node {
        let chunk_size = 1 << 19;
        let root = root.then(|| RootFields {
            capacity: span_of(chunk_size, level).unwrap(),
            chunk_size: chunk_size as u32,
            parent: Some(RootId([9; 32])),
        });
        let totals = if level == 0 {
            Totals { chunks: 1, nodes: 0, stored_bytes: 4096 }
        } else {
            Totals { chunks: 5, nodes: 2, stored_bytes: 77 }
        };
        let children = (0..=255).map(|place| child(place, 4096, totals)).collect();
        Node { store: StoreId([1; 16]), level, chunk_size, root, children }
    }

    #[test]
    fn a_node_reads_back_and_the_largest_is_at_the_limit() {
        let entropy = SeededEntropy::new(1);
        for (level, root) in [(0, false), (0, true), (1, false), (2, true)] {
            let node = full(level, root);
            let (id, key, mut stored) = node.seal(&entropy);
            assert!(stored.len() <= NODE_MAX_BYTES);
            assert_eq!(stored.len() == NODE_MAX_BYTES, level > 0 && root);
            let public = PublicNode::parse(id, node.store, &stored).unwrap();
            assert_eq!(public.totals(), node.totals());
            let back = Node::open(id, &key, node.store, &mut stored).unwrap();
            assert_eq!(back.root, node.root);
            assert_eq!(back.chunk_size, node.chunk_size);
            assert_eq!(back.child(200).unwrap().key, node.children[200].key);
        }
    }

    /// Invariant 18: whatever bit is flipped, the node is refused.
    #[test]
    fn any_flipped_bit_of_a_node_is_refused_even_when_the_id_is_made_to_fit() {
        let mut node = full(1, true);
        node.children.truncate(2);
        let (_, key, stored) = node.seal(&SeededEntropy::new(1));
        for at in 0..stored.len() {
            let mut bad = stored.clone();
            bad[at] ^= 1;
            let id = RecordId::of(&bad);
            assert!(Node::open(id, &key, node.store, &mut bad).is_err(), "byte {at}");
        }
    }

    /// Invariant 26: unknown versions and layouts are refused as such.
    #[test]
    fn a_node_of_an_unknown_version_is_refused() {
        let (_, key, stored) = full(0, true).seal(&SeededEntropy::new(1));
        for at in [8, HEAD_BYTES + 12] {
            let mut newer = stored.clone();
            newer[at] = 2;
            let id = RecordId::of(&newer);
            let refused = Node::open(id, &key, StoreId([1; 16]), &mut newer);
            assert!(matches!(refused, Err(Error::UnknownFormat { found: 2, known: 1, .. })));
        }
    }

    #[test]
    fn a_root_is_as_high_as_its_capacity_needs() {
        assert_eq!(level_of(1, 1 << 19), Some(0));
        assert_eq!(level_of(128 << 20, 1 << 19), Some(0));
        assert_eq!(level_of((128 << 20) + 1, 1 << 19), Some(1));
        assert_eq!(level_of(100 << 30, 1 << 19), Some(2));
        assert_eq!(level_of(u64::MAX, 1 << 19), None);
    }

    #[test]
    fn a_node_of_another_store_is_refused() {
        let node = full(0, true);
        let (id, key, mut stored) = node.seal(&SeededEntropy::new(1));
        assert!(Node::open(id, &key, StoreId([2; 16]), &mut stored).is_err());
    }
}
