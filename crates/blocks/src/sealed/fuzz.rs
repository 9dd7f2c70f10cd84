//! Entry points for fuzzing the parsers of stored bytes (invariant 27).
//!
//! Each takes any bytes and must return: no panic, no allocation beyond the format's limits, no
//! loop. What a parser accepts is checked to be what it would write.

use super::{
    capture::RecordedPack,
    codec::Codec,
    id::{PackName, RecordId, StoreId},
    key::{RecordKey, SealKey, TAG_BYTES},
    manifest::{self, ManifestKey},
    node::{Node, PublicNode},
    pack::{
        HEADER_BYTES, PackKind, PackRef, TRAILER_BYTES, Trailer, check_header, check_whole, scan,
    },
    record::{self, RECORD_ALIGN_BYTES},
    store::parse_layout,
};

/// Randomness that is not random, so that a run repeats.
struct Fixed;

impl base::Entropy for Fixed {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0x42);
    }
}

/// A data record: as stored bytes, and as the plaintext of a record with a right id and tag.
pub fn record(bytes: &[u8]) {
    let Some((head, rest)) = bytes.split_at_checked(5) else { return };
    let Some(codec) = Codec::of(head[0] & 1) else { return };
    let logical = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    let mut stored = rest.to_vec();
    let key = RecordKey::from_bytes([1; 32]);
    let _ = record::open(RecordId::of(rest), &key, codec, logical, &mut stored);

    let mut plain = rest.to_vec();
    plain.resize((rest.len() + TAG_BYTES).next_multiple_of(RECORD_ALIGN_BYTES) - TAG_BYTES, 0);
    let key = SealKey::fresh(&Fixed).seal(&record::associated(codec, logical), &mut plain, 0);
    if let Ok(chunk) = record::open(RecordId::of(&plain), &key, codec, logical, &mut plain) {
        assert_eq!(chunk.len(), logical as usize);
    }
}

/// A stored node, with a right id.
pub fn node(bytes: &[u8]) {
    let mut id = [0; 16];
    if let Some(stated) = bytes.get(16..32) {
        id.copy_from_slice(stated);
    }
    let store = StoreId(id);
    let record = RecordId::of(bytes);
    let _ = PublicNode::parse(record, store, bytes);
    let _ = Node::open(record, &RecordKey::from_bytes([1; 32]), store, &mut bytes.to_vec());
}

/// A pack: whole, piece by piece, and by scan.
pub fn pack(bytes: &[u8]) {
    let mut id = [0; 16];
    if let Some(stated) = bytes.get(16..32) {
        id.copy_from_slice(stated);
    }
    let store = StoreId(id);
    for kind in PackKind::ALL {
        let name = PackName(*blake3::hash(bytes).as_bytes());
        let pack = PackRef { kind, op_sequence: 1, name };
        let _ = check_whole(&pack, store, bytes);
        let _ = check_header(&pack, store, &bytes[..bytes.len().min(HEADER_BYTES)]);
        if let Some(at) = bytes.len().checked_sub(TRAILER_BYTES)
            && let Ok(trailer) = Trailer::parse(&pack, bytes.len() as u64, &bytes[at..])
        {
            let _ = trailer.footer(&pack, &bytes[trailer.footer_offset as usize..at]);
        }
        for entry in scan(bytes, kind) {
            assert!(entry.end() <= bytes.len() as u64);
        }
    }
}

/// The small formats: store layout, manifest, recorded pack.
pub fn small(bytes: &[u8]) {
    let _ = parse_layout(bytes);
    let mut id = [0; 16];
    if let Some(stated) = bytes.get(16..32) {
        id.copy_from_slice(stated);
    }
    let _ = manifest::parse(StoreId(id), "name", &ManifestKey::from_bytes([1; 32]), bytes);
    if let Ok(pack) = RecordedPack::from_bytes(bytes) {
        assert_eq!(*pack.to_bytes(), bytes);
    }
}
