//! Little-endian fields, checksums and identities that every file of a layer is made of.
//!
//! It refuses to know any one format. Its invariant: reading is bounded and never panics.
//!
//! Next to read: `header`.

use crate::Error;

/// Bytes of a checksum or identity: BLAKE3, in full.
pub(super) const SUM_BYTES: usize = 32;

/// The format that this program writes and knows, in every header.
pub const FORMAT: u32 = 1;

/// Sequence numbers end here, so that counting on never overflows.
pub(super) const SEQUENCE_END: u64 = 1 << 62;

/// Reads fields one after the other.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.bytes::<1>().map(|b| b[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }
}

/// What binds a file to its layer: a hash of the volume's id and the generation.
pub(super) fn identity(volume: &str, generation: u64) -> [u8; SUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"ectype write layer identity, format 1");
    hasher.update(&generation.to_le_bytes());
    hasher.update(volume.as_bytes());
    *hasher.finalize().as_bytes()
}

/// Appends the checksum of all that is there, padding first so that it ends at `length`.
pub(super) fn close_with_sum(bytes: &mut Vec<u8>, length: usize) {
    debug_assert!(bytes.len() + SUM_BYTES <= length);
    bytes.resize(length - SUM_BYTES, 0);
    let sum = blake3::hash(bytes);
    bytes.extend_from_slice(sum.as_bytes());
}

/// The bytes before a checksum that holds.
pub(super) fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (body, sum) = bytes.split_last_chunk::<SUM_BYTES>()?;
    (blake3::hash(body).as_bytes() == sum).then_some(body)
}

/// Refuses a format that this program does not know. A torn write never makes one, for the
/// number is the same in every write; so it is told before the checksum is looked at.
pub(super) fn check_format(name: &str, found: u32) -> Result<(), Error> {
    if found == FORMAT {
        return Ok(());
    }
    Err(Error::UnknownFormat { name: name.to_owned(), found, known: FORMAT })
}

pub(super) fn corrupt(what: &'static str, name: &str, why: &'static str) -> Error {
    Error::Corrupt { what, name: name.to_owned(), why }
}
