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

use bytes::Bytes;

use super::{
    codec::Codec,
    fields::Fields,
    id::{PackName, RecordId, StoreId},
    node::NODE_MAX_BYTES,
    record::{RECORD_MAX_BYTES, RecordKind},
};
use crate::Error;

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

/// A scan hashes at most this many times the pack's length before it gives up.
const SCAN_WORK_FACTOR: usize = 4;

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

/// What a trailer says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trailer {
    pub(super) footer_offset: u64,
    count: u32,
    hash: [u8; 32],
}

impl Trailer {
    /// Reads the trailer of a pack of `length` bytes.
    pub(super) fn parse(pack: &PackRef, length: u64, bytes: &[u8]) -> Result<Self, Error> {
        let name = || pack.name.to_string();
        let mut fields = Fields::new(bytes, "pack", &name);
        fields.head(TRAILER_MAGIC, PACK_VERSION)?;
        let kind = fields.u8()?;
        fields.reserved(1)?;
        let count = fields.u32()?;
        let footer_offset = fields.u64()?;
        fields.reserved(8)?;
        let hash = fields.array()?;
        let footer = u64::from(count) * FOOTER_ENTRY_BYTES as u64;
        let stated = footer_offset.checked_add(footer).map(|end| end + TRAILER_BYTES as u64);
        if kind != pack.kind.record() as u8
            || length > PACK_SIZE_BYTES
            || stated != Some(length)
            || footer_offset < HEADER_BYTES as u64
            || !fields.rest().is_empty()
        {
            return Err(fields.refuse("its trailer does not fit it"));
        }
        Ok(Self { footer_offset, count, hash })
    }

    /// Reads the footer's bytes.
    pub(super) fn footer(&self, pack: &PackRef, bytes: &[u8]) -> Result<Vec<RecordEntry>, Error> {
        let name = || pack.name.to_string();
        let mut fields = Fields::new(bytes, "pack", &name);
        if bytes.len() != self.count as usize * FOOTER_ENTRY_BYTES
            || *blake3::hash(bytes).as_bytes() != self.hash
        {
            return Err(fields.refuse("its footer does not match its trailer"));
        }
        let mut entries = Vec::with_capacity(self.count as usize);
        let mut next = HEADER_BYTES as u64;
        while !fields.rest().is_empty() {
            let id = RecordId(fields.array()?);
            let (offset, stored, logical) = (fields.u32()?, fields.u32()?, fields.u32()?);
            let (kind, codec) = (RecordKind::of(fields.u8()?), Codec::of(fields.u8()?));
            fields.reserved(2)?;
            let (Some(kind), Some(codec)) = (kind, codec) else {
                return Err(fields.refuse("its footer names an unknown kind or codec"));
            };
            let entry = RecordEntry { id, offset, stored, logical, kind, codec };
            if u64::from(offset) != next || !entry.is_possible(pack.kind) {
                return Err(fields.refuse("its footer names impossible records"));
            }
            next = entry.end();
            entries.push(entry);
        }
        if next != self.footer_offset {
            return Err(fields.refuse("its footer does not cover its records"));
        }
        Ok(entries)
    }
}

/// Checks a pack's header.
pub(super) fn check_header(pack: &PackRef, store: StoreId, bytes: &[u8]) -> Result<(), Error> {
    let name = || pack.name.to_string();
    let mut fields = Fields::new(bytes, "pack", &name);
    fields.head(PACK_MAGIC, PACK_VERSION)?;
    let kind = fields.u8()?;
    fields.reserved(5)?;
    let in_store = StoreId(fields.array()?);
    if kind != pack.kind.record() as u8 {
        return Err(fields.refuse("its kind is not its folder's"));
    }
    if in_store != store {
        return Err(fields.refuse("it belongs to another store"));
    }
    Ok(())
}

fn head_at(bytes: &[u8], at: usize, kind: PackKind) -> Option<RecordEntry> {
    let head = bytes.get(at..at + RECORD_HEAD_BYTES)?;
    let four = |from: usize| {
        u32::from_le_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]])
    };
    let mut id = [0; 32];
    id.copy_from_slice(&head[16..48]);
    let entry = RecordEntry {
        id: RecordId(id),
        offset: at as u32,
        stored: four(12),
        logical: four(8),
        kind: RecordKind::of(head[4])?,
        codec: Codec::of(head[5])?,
    };
    (entry.matches_head(head) && entry.is_possible(kind)).then_some(entry)
}

/// Finds every whole record by its magic, without footer or key. Records that do not match their
/// id are left out. The work is bounded by a small multiple of the length.
pub(super) fn scan(bytes: &[u8], kind: PackKind) -> Vec<RecordEntry> {
    let mut found = Vec::new();
    let mut budget = bytes.len().saturating_mul(SCAN_WORK_FACTOR);
    let mut at = 0;
    while at + RECORD_HEAD_BYTES <= bytes.len() {
        let whole = head_at(bytes, at, kind).and_then(|entry| {
            let body = bytes.get(at + RECORD_HEAD_BYTES..entry.end() as usize)?;
            budget = budget.checked_sub(body.len())?;
            (RecordId::of(body) == entry.id).then_some(entry)
        });
        if let Some(entry) = whole {
            at = entry.end() as usize;
            found.push(entry);
        } else {
            at += 1;
            match bytes[at..].windows(4).position(|w| w == RECORD_MAGIC) {
                Some(skip) => at += skip,
                None => break,
            }
        }
    }
    found
}

/// Checks every byte of a pack against its name, header, footer and record ids; needs no key.
pub(super) fn check_whole(
    pack: &PackRef,
    store: StoreId,
    bytes: &[u8],
) -> Result<Vec<RecordEntry>, Error> {
    let refuse = |why| Error::Corrupt { what: "pack", name: pack.name.to_string(), why };
    if (bytes.len() as u64) < PACK_MIN_BYTES {
        return Err(refuse("it is too short"));
    }
    check_header(pack, store, &bytes[..HEADER_BYTES])?;
    let trailer_at = bytes.len() - TRAILER_BYTES;
    let trailer = Trailer::parse(pack, bytes.len() as u64, &bytes[trailer_at..])?;
    let footer_at = trailer.footer_offset as usize;
    let entries = trailer.footer(pack, &bytes[footer_at..trailer_at])?;
    for entry in &entries {
        let at = entry.offset as usize;
        let body = at + RECORD_HEAD_BYTES;
        if !entry.matches_head(&bytes[at..body])
            || RecordId::of(&bytes[body..entry.end() as usize]) != entry.id
        {
            return Err(Error::Corrupt {
                what: "record",
                name: entry.id.to_string(),
                why: "its bytes in the pack do not match the footer",
            });
        }
    }
    if *blake3::hash(bytes).as_bytes() != pack.name.0 {
        return Err(refuse("its bytes do not match its name"));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(count: usize) -> (PackRef, Vec<u8>, Vec<RecordEntry>) {
        let mut builder = PackBuilder::new(PackKind::Data, StoreId([3; 16]), PACK_SIZE_BYTES);
        for n in 0..count {
            let stored = vec![n as u8 + 1; 4096];
            builder.add(RecordId::of(&stored), Codec::Zstd, 4096, stored);
        }
        let pack = builder.finish();
        let name = PackRef { kind: pack.kind, op_sequence: 7, name: pack.name };
        (name, pack.parts.concat(), pack.entries)
    }

    #[test]
    fn a_pack_reads_back_by_footer_and_by_scan() {
        let (pack, bytes, entries) = built(5);
        assert_eq!(check_whole(&pack, StoreId([3; 16]), &bytes).unwrap(), entries);
        assert_eq!(scan(&bytes, PackKind::Data), entries);
        assert_eq!(scan(&bytes[..bytes.len() / 2], PackKind::Data), entries[..2]);
    }

    /// Invariant 18, for every byte of a pack.
    #[test]
    fn any_flipped_byte_of_a_pack_is_found_by_the_keyless_check() {
        let (pack, bytes, entries) = built(1);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            assert!(check_whole(&pack, StoreId([3; 16]), &bad).is_err(), "byte {at}");
            let found = scan(&bad, PackKind::Data);
            assert!(found.iter().all(|e| e.id == entries[0].id), "byte {at}");
        }
    }

    #[test]
    fn a_pack_is_full_at_its_limit() {
        let one = (HEADER_BYTES + RECORD_HEAD_BYTES + FOOTER_ENTRY_BYTES + TRAILER_BYTES) as u64;
        let two = one + (RECORD_HEAD_BYTES + FOOTER_ENTRY_BYTES) as u64 + 8192;
        for (limit, fits) in [(two, true), (two - 1, false)] {
            let mut builder = PackBuilder::new(PackKind::Data, StoreId([3; 16]), limit);
            builder.add(RecordId([1; 32]), Codec::Raw, 4096, vec![0; 4096]);
            assert_eq!(builder.fits(4096), fits, "{limit}");
        }
    }

    #[test]
    fn object_keys_read_back_and_others_are_not_packs() {
        let (pack, ..) = built(1);
        assert_eq!(PackRef::of_object_key(&pack.object_key()), Some(pack));
        for bad in ["", "packs", "packs/data/7/x", &format!("{}/x", pack.object_key())] {
            assert_eq!(PackRef::of_object_key(bad), None, "{bad}");
        }
    }

    /// Invariant 27: many false magics cost no more than a bounded number of passes.
    #[test]
    fn a_scan_of_hostile_bytes_ends() {
        let entry = RecordEntry {
            id: RecordId([1; 32]),
            offset: 0,
            stored: 1 << 19,
            logical: 1 << 19,
            kind: RecordKind::Data,
            codec: Codec::Raw,
        };
        let bytes = entry.head().repeat(1 << 14);
        assert!(scan(&bytes, PackKind::Data).is_empty());
    }
}
