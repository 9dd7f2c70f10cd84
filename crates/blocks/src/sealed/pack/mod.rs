//! Packs: many records in one immutable object.
//!
//! It refuses to know what records hold and where objects lie. Its invariants: every byte of a
//! pack is covered by its name; each record is found by the footer and, without it, by its magic;
//! nothing here needs a key.
//!
//! A pack is `header, records, footer, trailer`, at most [`PACK_SIZE_BYTES`] long, and holds one
//! kind of record. Its name is BLAKE3 of all its bytes; its object is
//! `packs/<data|node>/<operation sequence, 16 hexadecimal digits>/<name>`.
//!
//! Header:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTPACK\0` |
//! | 8 | 2 | format version, 1 |
//! | 10 | 1 | kind: 1 data, 2 node |
//! | 11 | 5 | 0 |
//! | 16 | 16 | store id |
//!
//! Record head, followed by the stored bytes:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `ECTR` |
//! | 4 | 1 | kind |
//! | 5 | 1 | codec |
//! | 6 | 2 | 0 |
//! | 8 | 4 | logical length; of a node its stored length |
//! | 12 | 4 | stored length |
//! | 16 | 32 | id |
//! | 48 | 16 | salt; 0 while keys are random |
//!
//! Footer, one entry per record in the order of the records:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 32 | id |
//! | 32 | 4 | offset of the record head in the pack |
//! | 36 | 4 | stored length |
//! | 40 | 4 | logical length |
//! | 44 | 1 | kind |
//! | 45 | 1 | codec |
//! | 46 | 2 | 0 |
//!
//! Trailer, the last bytes:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTPKEND` |
//! | 8 | 2 | format version, 1 |
//! | 10 | 1 | kind |
//! | 11 | 1 | 0 |
//! | 12 | 4 | entries in the footer |
//! | 16 | 8 | offset of the footer |
//! | 24 | 8 | 0 |
//! | 32 | 32 | BLAKE3 of the footer |
//!
//! Next to read: `read`, the checks.

mod read;

use bytes::Bytes;

pub(super) use self::read::{Trailer, check_header, check_whole, kind_of_header, scan};

use super::{
    codec::Codec,
    id::{PackName, RecordId, StoreId},
    node::NODE_MAX_BYTES,
    record::{RECORD_MAX_BYTES, RecordKind},
};

/// Longest pack, in bytes.
pub const PACK_SIZE_BYTES: u64 = 32 * 1024 * 1024;

/// Version of the pack format.
pub(super) const PACK_VERSION: u16 = 1;

/// Length of a pack's header, in bytes.
pub(super) const HEADER_BYTES: usize = 32;

/// Length of the head before each record, in bytes.
pub(super) const RECORD_HEAD_BYTES: usize = 64;

/// Length of a footer entry, in bytes.
pub(super) const FOOTER_ENTRY_BYTES: usize = 48;

/// Length of a pack's trailer, in bytes.
pub(super) const TRAILER_BYTES: usize = 64;

/// Shortest pack: no records.
pub(super) const PACK_MIN_BYTES: u64 = (HEADER_BYTES + TRAILER_BYTES) as u64;

const PACK_MAGIC: &[u8; 8] = b"ECTPACK\0";
const TRAILER_MAGIC: &[u8; 8] = b"ECTPKEND";
const RECORD_MAGIC: &[u8; 4] = b"ECTR";

/// Where packs lie.
pub(super) const PACKS_PREFIX: &str = "packs";

/// Kind of a pack's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PackKind {
    /// Chunks.
    Data,
    /// Nodes of trees.
    Node,
}

impl PackKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Data, Self::Node];

    pub(super) const fn record(self) -> RecordKind {
        match self {
            Self::Data => RecordKind::Data,
            Self::Node => RecordKind::Node,
        }
    }

    /// The folder of this kind.
    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Node => "node",
        }
    }
}

/// A pack and the operation that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackRef {
    /// What it holds.
    pub kind: PackKind,
    /// Sequence number of the operation that wrote it.
    pub op_sequence: u64,
    /// Its name.
    pub name: PackName,
}

impl PackRef {
    /// Key of the pack's object.
    #[must_use]
    pub fn object_key(&self) -> String {
        format!("{}/{}", operation_prefix(self.kind, self.op_sequence), self.name)
    }

    /// The pack of an object's key, if it is one.
    #[must_use]
    pub fn of_object_key(key: &str) -> Option<Self> {
        let mut parts = key.split('/');
        if parts.next()? != PACKS_PREFIX {
            return None;
        }
        let folder = parts.next()?;
        let kind = PackKind::ALL.into_iter().find(|kind| kind.folder() == folder)?;
        let sequence = parts.next()?;
        let name = PackName::parse(parts.next()?).ok()?;
        let op_sequence = u64::from_str_radix(sequence, 16).ok()?;
        let found = Self { kind, op_sequence, name };
        (parts.next().is_none() && found.object_key() == key).then_some(found)
    }
}

/// The folder of an operation's packs of one kind.
pub(super) fn operation_prefix(kind: PackKind, op_sequence: u64) -> String {
    format!("{PACKS_PREFIX}/{}/{op_sequence:016x}", kind.folder())
}

/// A record as footer and record head describe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordEntry {
    pub(super) id: RecordId,
    /// Offset of the record head in the pack.
    pub(super) offset: u32,
    pub(super) stored: u32,
    pub(super) logical: u32,
    pub(super) kind: RecordKind,
    pub(super) codec: Codec,
}

impl RecordEntry {
    fn head(&self) -> [u8; RECORD_HEAD_BYTES] {
        let mut out = [0; RECORD_HEAD_BYTES];
        out[..4].copy_from_slice(RECORD_MAGIC);
        out[4] = self.kind as u8;
        out[5] = self.codec as u8;
        out[8..12].copy_from_slice(&self.logical.to_le_bytes());
        out[12..16].copy_from_slice(&self.stored.to_le_bytes());
        out[16..48].copy_from_slice(&self.id.0);
        out
    }

    fn footer(&self) -> [u8; FOOTER_ENTRY_BYTES] {
        let mut out = [0; FOOTER_ENTRY_BYTES];
        out[..32].copy_from_slice(&self.id.0);
        out[32..36].copy_from_slice(&self.offset.to_le_bytes());
        out[36..40].copy_from_slice(&self.stored.to_le_bytes());
        out[40..44].copy_from_slice(&self.logical.to_le_bytes());
        out[44] = self.kind as u8;
        out[45] = self.codec as u8;
        out
    }

    /// First byte after the record.
    pub(super) fn end(&self) -> u64 {
        u64::from(self.offset) + RECORD_HEAD_BYTES as u64 + u64::from(self.stored)
    }

    /// True when the bytes are exactly this record's head.
    pub(super) fn matches_head(&self, head: &[u8]) -> bool {
        head == self.head()
    }

    fn is_possible(&self, kind: PackKind) -> bool {
        let (longest, logical_fits) = match kind {
            PackKind::Data => {
                (RECORD_MAX_BYTES, u64::from(self.logical) <= super::CHUNK_SIZE_MAX_BYTES)
            }
            PackKind::Node => (NODE_MAX_BYTES, self.logical == self.stored),
        };
        self.kind == kind.record()
            && self.stored > 0
            && self.stored as usize <= longest
            && logical_fits
    }
}

/// A finished pack that is not stored yet.
pub(super) struct BuiltPack {
    pub(super) kind: PackKind,
    pub(super) name: PackName,
    pub(super) length: u64,
    pub(super) entries: Vec<RecordEntry>,
    pub(super) parts: Vec<Bytes>,
}

/// Collects records until a pack is full.
pub(super) struct PackBuilder {
    kind: PackKind,
    limit: u64,
    length: u64,
    hasher: blake3::Hasher,
    entries: Vec<RecordEntry>,
    parts: Vec<Bytes>,
}

impl PackBuilder {
    /// An empty pack of at most `limit` bytes.
    pub(super) fn new(kind: PackKind, store: StoreId, limit: u64) -> Self {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(PACK_MAGIC);
        header[8..10].copy_from_slice(&PACK_VERSION.to_le_bytes());
        header[10] = kind.record() as u8;
        header[16..].copy_from_slice(&store.0);
        let mut pack = Self {
            kind,
            limit: limit.min(PACK_SIZE_BYTES),
            length: 0,
            hasher: blake3::Hasher::new(),
            entries: Vec::new(),
            parts: Vec::new(),
        };
        pack.push(Bytes::copy_from_slice(&header));
        pack
    }

    fn push(&mut self, part: Bytes) {
        self.hasher.update(&part);
        self.length += part.len() as u64;
        self.parts.push(part);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// True when a record of that stored length still fits. An empty pack takes any record.
    pub(super) fn fits(&self, stored: usize) -> bool {
        let footer = (self.entries.len() + 1) * FOOTER_ENTRY_BYTES + TRAILER_BYTES;
        let after = self.length + (RECORD_HEAD_BYTES + stored + footer) as u64;
        self.is_empty() || after <= self.limit
    }

    /// Appends a record; it must fit.
    pub(super) fn add(&mut self, id: RecordId, codec: Codec, logical: u32, stored: Vec<u8>) {
        let entry = RecordEntry {
            id,
            offset: self.length as u32,
            stored: stored.len() as u32,
            logical,
            kind: self.kind.record(),
            codec,
        };
        self.push(Bytes::copy_from_slice(&entry.head()));
        self.push(Bytes::from(stored));
        self.entries.push(entry);
    }

    /// Writes footer and trailer.
    pub(super) fn finish(mut self) -> BuiltPack {
        let mut end = Vec::with_capacity(self.entries.len() * FOOTER_ENTRY_BYTES + TRAILER_BYTES);
        for entry in &self.entries {
            end.extend_from_slice(&entry.footer());
        }
        let hash = blake3::hash(&end);
        end.extend_from_slice(TRAILER_MAGIC);
        end.extend_from_slice(&PACK_VERSION.to_le_bytes());
        end.extend_from_slice(&[self.kind.record() as u8, 0]);
        end.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        end.extend_from_slice(&self.length.to_le_bytes());
        end.extend_from_slice(&[0; 8]);
        end.extend_from_slice(hash.as_bytes());
        self.push(Bytes::from(end));
        BuiltPack {
            kind: self.kind,
            name: PackName(*self.hasher.finalize().as_bytes()),
            length: self.length,
            entries: self.entries,
            parts: self.parts,
        }
    }
}
