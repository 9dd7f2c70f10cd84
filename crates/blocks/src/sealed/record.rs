//! Data records: one chunk, encoded, padded, encrypted.
//!
//! It refuses to know packs and trees. Its invariant: bytes come out only when id, key, codec
//! and length all fit what the parent node says.
//!
//! A stored data record is AES-256-GCM over the plaintext below, with a fresh key and a zero
//! nonce, followed by the 16-byte tag. Its length is a multiple of 4 KiB, so that a length tells
//! little. The id is BLAKE3 of ciphertext and tag.
//!
//! Plaintext:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | length n of the encoded chunk |
//! | 4 | n | the chunk, encoded by the codec |
//! | 4 + n | to the end | zeros |
//!
//! Associated data:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 2 | format version, 1 |
//! | 2 | 1 | kind of record: 1 data |
//! | 3 | 1 | codec: 0 raw, 1 zstd |
//! | 4 | 4 | logical length: the chunk's, decoded |

use base::Entropy;

use super::{
    codec::{Codec, Encoder, decode},
    id::RecordId,
    key::{RecordKey, SealKey, TAG_BYTES},
};
use crate::Error;

/// Version of the record format.
pub(super) const RECORD_VERSION: u16 = 1;

/// Stored data records are a multiple of this, in bytes.
pub(super) const RECORD_ALIGN_BYTES: usize = 4096;

/// Longest stored data record, in bytes: a raw chunk of the largest size and its overhead.
pub(super) const RECORD_MAX_BYTES: usize =
    super::CHUNK_SIZE_MAX_BYTES as usize + RECORD_ALIGN_BYTES;

/// Bytes before the encoded chunk in the plaintext.
const PREFIX_BYTES: usize = 4;

/// Kind of a record; the number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum RecordKind {
    Data = 1,
    Node = 2,
}

impl RecordKind {
    pub(super) const fn of(stored: u8) -> Option<Self> {
        match stored {
            1 => Some(Self::Data),
            2 => Some(Self::Node),
            _ => None,
        }
    }
}

pub(super) fn associated(codec: Codec, logical: u32) -> [u8; 8] {
    let mut aad = [0; 8];
    aad[..2].copy_from_slice(&RECORD_VERSION.to_le_bytes());
    aad[2] = RecordKind::Data as u8;
    aad[3] = codec as u8;
    aad[4..].copy_from_slice(&logical.to_le_bytes());
    aad
}

/// A chunk ready to be stored.
pub(super) struct SealedRecord {
    pub(super) id: RecordId,
    pub(super) key: RecordKey,
    pub(super) codec: Codec,
    pub(super) logical: u32,
    pub(super) stored: Vec<u8>,
}

/// The plaintext of a record, with room for its tag.
fn body_of(encoded: &[u8]) -> Vec<u8> {
    let filled = PREFIX_BYTES + encoded.len();
    let stored = (filled + TAG_BYTES).next_multiple_of(RECORD_ALIGN_BYTES);
    let mut body = Vec::with_capacity(stored);
    body.extend_from_slice(&(encoded.len() as u32).to_le_bytes());
    body.extend_from_slice(encoded);
    body.resize(stored - TAG_BYTES, 0);
    body
}

/// The stored record `id` made again of its chunk and key; none when what comes out is another,
/// as with a chunk that differs or an encoder of another version.
pub(super) fn seal_same(
    encoder: &mut Encoder,
    plain: &[u8],
    key: &RecordKey,
    codec: Codec,
    id: RecordId,
) -> Option<Vec<u8>> {
    let encoded = match codec {
        Codec::Raw => plain,
        Codec::Zstd => match encoder.encode(plain) {
            (Codec::Zstd, encoded) => encoded,
            (Codec::Raw, _) => return None,
        },
    };
    key.seal_same(&associated(codec, plain.len() as u32), body_of(encoded), id)
}

/// Encodes and encrypts one chunk with a key of its own.
pub(super) fn seal(encoder: &mut Encoder, plain: &[u8], entropy: &dyn Entropy) -> SealedRecord {
    let logical = plain.len() as u32;
    let (codec, encoded) = encoder.encode(plain);
    let mut body = body_of(encoded);
    let key = SealKey::fresh(entropy).seal(&associated(codec, logical), &mut body, 0);
    SealedRecord { id: RecordId::of(&body), key, codec, logical, stored: body }
}

/// Checks, decrypts (in place) and decodes a stored record into exactly `logical` bytes.
pub(super) fn open(
    id: RecordId,
    key: &RecordKey,
    codec: Codec,
    logical: u32,
    stored: &mut [u8],
) -> Result<Vec<u8>, Error> {
    let refuse = |why| Error::Corrupt { what: "chunk", name: id.to_string(), why };
    let length = stored.len();
    if length == 0 || length > RECORD_MAX_BYTES || !length.is_multiple_of(RECORD_ALIGN_BYTES) {
        return Err(refuse("its stored length is impossible"));
    }
    if u64::from(logical) > super::CHUNK_SIZE_MAX_BYTES {
        return Err(refuse("its logical length is impossible"));
    }
    if RecordId::of(stored) != id {
        return Err(refuse("its bytes do not match its id"));
    }
    let plain = key
        .open(&associated(codec, logical), stored)
        .ok_or_else(|| refuse("it does not decrypt with its key"))?;
    let (prefix, rest) = plain.split_at(PREFIX_BYTES);
    let encoded = u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]) as usize;
    let encoded = rest.get(..encoded).ok_or_else(|| refuse("its encoded length is impossible"))?;
    decode(codec, encoded, logical as usize).ok_or_else(|| refuse("it does not decode"))
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn stored_lengths_are_multiples_of_four_kibibytes() {
        let entropy = SeededEntropy::new(5);
        for length in [4096, 65_536, 1 << 19] {
            let mut plain = vec![0; length];
            for fill in [0, length / 2, length] {
                entropy.fill(&mut plain[..fill]);
                let mut record = seal(&mut Encoder::new(), &plain, &entropy);
                assert!(record.stored.len().is_multiple_of(RECORD_ALIGN_BYTES));
                assert!(record.stored.len() <= length + RECORD_ALIGN_BYTES);
                let stored = &mut record.stored;
                let back = open(record.id, &record.key, record.codec, record.logical, stored);
                assert_eq!(back.unwrap(), plain);
            }
        }
    }

    #[test]
    fn a_record_opens_only_as_what_it_was_sealed() {
        let entropy = SeededEntropy::new(6);
        let record = seal(&mut Encoder::new(), &[7; 8192], &entropy);
        let open = |codec, logical| {
            open(record.id, &record.key, codec, logical, &mut record.stored.clone()).is_ok()
        };
        assert!(open(Codec::Zstd, 8192));
        assert!(!open(Codec::Raw, 8192));
        assert!(!open(Codec::Zstd, 8191));
        assert!(!open(Codec::Zstd, u32::MAX));
    }
}
