//! Everything that is wrong with a pack's bytes, record by record; needs no key.

use crate::{
    Error,
    sealed::{
        id::{RecordId, StoreId},
        pack::{
            HEADER_BYTES, PACK_MIN_BYTES, PackRef, RECORD_HEAD_BYTES, RecordEntry, TRAILER_BYTES,
            Trailer, check_header, scan,
        },
    },
};

/// Something that is wrong in a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The pack.
    pub pack: PackRef,
    /// The record; none when it is the pack's own header, footer or name.
    pub record: Option<RecordId>,
    /// What is wrong, as a sentence fragment.
    pub why: &'static str,
}

/// What a pack's bytes are.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    /// Records that are whole.
    pub(super) good: Vec<RecordId>,
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
}

fn why_of(error: &Error) -> &'static str {
    match error {
        Error::Corrupt { why, .. } => why,
        Error::UnknownFormat { .. } => "its format is not known to this program",
        _ => "it cannot be read",
    }
}

fn footer_of(pack: &PackRef, bytes: &[u8]) -> Result<Vec<RecordEntry>, Error> {
    let trailer_at = bytes.len() - TRAILER_BYTES;
    let trailer = Trailer::parse(pack, bytes.len() as u64, &bytes[trailer_at..])?;
    trailer.footer(pack, &bytes[trailer.footer_offset as usize..trailer_at])
}

/// Checks header, footer, every record and the name.
pub(super) fn inspect(pack: &PackRef, store: StoreId, bytes: &[u8]) -> Inspected {
    let mut out = Inspected::default();
    let wrong = |record, why| Finding { pack: *pack, record, why };
    if (bytes.len() as u64) < PACK_MIN_BYTES {
        out.findings.push(wrong(None, "it is too short"));
        out.good = scan(bytes, pack.kind).iter().map(|entry| entry.id).collect();
        return out;
    }
    if let Err(error) = check_header(pack, store, &bytes[..HEADER_BYTES]) {
        out.findings.push(wrong(None, why_of(&error)));
    }
    // The pack's own hash goes along record by record: what was just hashed is still in the
    // processor's cache.
    let (mut whole, mut hashed) = (blake3::Hasher::new(), 0);
    match footer_of(pack, bytes) {
        Ok(entries) => {
            for entry in &entries {
                let at = entry.offset as usize;
                let body = at + RECORD_HEAD_BYTES;
                whole.update(&bytes[hashed..entry.end() as usize]);
                hashed = entry.end() as usize;
                if entry.matches_head(&bytes[at..body])
                    && RecordId::of(&bytes[body..entry.end() as usize]) == entry.id
                {
                    out.good.push(entry.id);
                } else {
                    let why = "its bytes do not match its id";
                    out.findings.push(wrong(Some(entry.id), why));
                }
            }
        }
        Err(error) => {
            out.findings.push(wrong(None, why_of(&error)));
            out.good = scan(bytes, pack.kind).iter().map(|entry| entry.id).collect();
        }
    }
    whole.update(&bytes[hashed..]);
    if out.findings.is_empty() && *whole.finalize().as_bytes() != pack.name.0 {
        out.findings.push(wrong(None, "its bytes do not match its name"));
    }
    out
}
