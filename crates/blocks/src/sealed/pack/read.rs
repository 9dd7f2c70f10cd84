//! Reading packs: by header and trailer, by scan, and whole.
//!
//! It refuses to trust a length or offset before it was checked. Its invariant: work and memory
//! are bounded by the pack's length, whatever its bytes.

use super::{
    FOOTER_ENTRY_BYTES, HEADER_BYTES, PACK_MAGIC, PACK_MIN_BYTES, PACK_SIZE_BYTES, PACK_VERSION,
    PackKind, PackRef, RECORD_HEAD_BYTES, RECORD_MAGIC, RecordEntry, TRAILER_BYTES, TRAILER_MAGIC,
};
use crate::{
    Error,
    sealed::{
        codec::Codec,
        fields::Fields,
        id::{RecordId, StoreId},
        record::RecordKind,
    },
};

/// A scan hashes at most this many times the pack's length before it gives up.
const SCAN_WORK_FACTOR: usize = 4;

/// What a trailer says.
#[derive(Clone, Copy, Debug)]
pub(in crate::sealed) struct Trailer {
    pub(in crate::sealed) footer_offset: u64,
    count: u32,
    hash: [u8; 32],
}

impl Trailer {
    /// Reads the trailer of a pack of `length` bytes.
    pub(in crate::sealed) fn parse(
        pack: &PackRef,
        length: u64,
        bytes: &[u8],
    ) -> Result<Self, Error> {
        let name = || pack.name.to_string();
        let mut fields = Fields::new(bytes, "pack", &name);
        fields.head(TRAILER_MAGIC, PACK_VERSION)?;
        let kind = fields.u8()?;
        fields.reserved(1)?;
        let count = fields.u32()?;
        let footer_offset = fields.u64()?;
        fields.reserved(8)?;
        let hash = fields.array()?;
        let behind = u64::from(count) * FOOTER_ENTRY_BYTES as u64 + TRAILER_BYTES as u64;
        let stated = footer_offset.checked_add(behind);
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
    pub(in crate::sealed) fn footer(
        &self,
        pack: &PackRef,
        bytes: &[u8],
    ) -> Result<Vec<RecordEntry>, Error> {
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
pub(in crate::sealed) fn check_header(
    pack: &PackRef,
    store: StoreId,
    bytes: &[u8],
) -> Result<(), Error> {
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

/// The kind that a header states, if it is one of a pack of that store.
pub(in crate::sealed) fn kind_of_header(store: StoreId, bytes: &[u8]) -> Option<PackKind> {
    let name = || "of a copy".to_owned();
    let mut fields = Fields::new(bytes, "pack", &name);
    fields.head(PACK_MAGIC, PACK_VERSION).ok()?;
    let kind = RecordKind::of(fields.u8().ok()?)?;
    fields.reserved(5).ok()?;
    let in_store = StoreId(fields.array().ok()?);
    (in_store == store).then_some(match kind {
        RecordKind::Data => PackKind::Data,
        RecordKind::Node => PackKind::Node,
    })
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
pub(in crate::sealed) fn scan(bytes: &[u8], kind: PackKind) -> Vec<RecordEntry> {
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
pub(in crate::sealed) fn check_whole(
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
    use crate::sealed::{codec::Codec, pack::PackBuilder};

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

    /// Invariant 27: a footer at the end of all numbers is an error, whatever it adds up to.
    #[test]
    fn a_trailer_whose_numbers_overflow_is_refused() {
        let (pack, mut bytes, _) = built(1);
        let trailer = bytes.len() - TRAILER_BYTES;
        for short in [0, 1, 63, 64, 65, 112] {
            bytes[trailer + 16..trailer + 24].copy_from_slice(&(u64::MAX - short).to_le_bytes());
            let parsed = Trailer::parse(&pack, bytes.len() as u64, &bytes[trailer..]);
            assert!(matches!(parsed, Err(Error::Corrupt { .. })), "{short}");
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
