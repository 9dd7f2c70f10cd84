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
        FOOTER_ENTRY_BYTES, HEADER_BYTES, PackKind, PackRef, RECORD_HEAD_BYTES, TRAILER_BYTES,
        Trailer, check_header, check_whole, scan,
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

/// A stored node, with a right id; and sealed, when its public part is one.
///
/// # Panics
/// When what is accepted is not what would be written.
pub fn node(bytes: &[u8]) {
    let mut id = [0; 16];
    if let Some(stated) = bytes.get(16..32) {
        id.copy_from_slice(stated);
    }
    let store = StoreId(id);
    let record = RecordId::of(bytes);
    let _ = Node::open(record, &RecordKey::from_bytes([1; 32]), store, &mut bytes.to_vec());
    let Ok(public) = PublicNode::parse(record, store, bytes) else { return };

    let (length, end) = (public.byte_length(), bytes.len() - TAG_BYTES);
    let mut stored = bytes[..end].to_vec();
    let key = SealKey::fresh(&Fixed).seal(&bytes[..length], &mut stored, length);
    let node = Node::open(RecordId::of(&stored), &key, store, &mut stored.clone());
    let (_, _, again) = node.expect("a sealed node opens").seal(&Fixed);
    assert!(again == stored, "one content has one encoding");
}

/// A pack: whole, piece by piece, and by scan; as it is, and with right ids and sums.
///
/// # Panics
/// When a record is found outside the pack, or not found that is in its footer.
pub fn pack(bytes: &[u8]) {
    one_pack(bytes);
    if let Some(summed) = with_sums(bytes) {
        one_pack(&summed);
    }
}

/// The bytes as a pack whose footer and record heads name what is there.
fn with_sums(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    let trailer = bytes.len().checked_sub(TRAILER_BYTES)?;
    let four = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    let count = four(trailer + 12)?;
    let footer = trailer.checked_sub(count.checked_mul(FOOTER_ENTRY_BYTES)?)?;
    for entry in (footer..trailer).step_by(FOOTER_ENTRY_BYTES) {
        let body = four(entry + 32)?.checked_add(RECORD_HEAD_BYTES)?;
        let end = body.checked_add(four(entry + 36)?)?;
        if end > footer {
            return None;
        }
        let id = RecordId::of(&out[body..end]).0;
        out[entry..entry + 32].copy_from_slice(&id);
        let stated = body - RECORD_HEAD_BYTES + 16;
        out[stated..stated + 32].copy_from_slice(&id);
    }
    let sum = *blake3::hash(&out[footer..trailer]).as_bytes();
    out[trailer + 32..].copy_from_slice(&sum);
    Some(out)
}

fn one_pack(bytes: &[u8]) {
    let mut id = [0; 16];
    if let Some(stated) = bytes.get(16..32) {
        id.copy_from_slice(stated);
    }
    let store = StoreId(id);
    for kind in PackKind::ALL {
        let name = PackName(*blake3::hash(bytes).as_bytes());
        let pack = PackRef { kind, op_sequence: 1, name };
        let whole = check_whole(&pack, store, bytes);
        let _ = check_header(&pack, store, &bytes[..bytes.len().min(HEADER_BYTES)]);
        if let Some(at) = bytes.len().checked_sub(TRAILER_BYTES)
            && let Ok(trailer) = Trailer::parse(&pack, bytes.len() as u64, &bytes[at..])
        {
            let _ = trailer.footer(&pack, &bytes[trailer.footer_offset as usize..at]);
        }
        let found = scan(bytes, kind);
        assert!(found.iter().all(|entry| entry.end() <= bytes.len() as u64));
        if let Ok(entries) = whole {
            assert_eq!(found, entries, "a scan finds what the footer names");
        }
    }
}

/// The small formats: store layout, manifest, recorded pack; as they are, and with right sums.
///
/// # Panics
/// When what is accepted is not what would be written.
pub fn small(bytes: &[u8]) {
    let _ = parse_layout(bytes);
    if bytes.len() >= 32 {
        let (head, _) = bytes.split_at(32);
        let _ = parse_layout(&[head, blake3::hash(head).as_bytes()].concat());
    }
    let mut id = [0; 16];
    if let Some(stated) = bytes.get(16..32) {
        id.copy_from_slice(stated);
    }
    let key = [1; 32];
    let read =
        |bytes: &[u8]| manifest::parse(StoreId(id), "name", &ManifestKey::from_bytes(key), bytes);
    let _ = read(bytes);
    let mut hasher = blake3::Hasher::new_keyed(&key);
    hasher.update(bytes).update(b"name");
    if let Ok(payload) = read(&[bytes, hasher.finalize().as_bytes()].concat()) {
        assert_eq!(payload, bytes[32..]);
    }
    if let Ok(pack) = RecordedPack::from_bytes(bytes) {
        assert_eq!(*pack.to_bytes(), bytes);
    }
}
