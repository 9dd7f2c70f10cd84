//! What a capture remembers across attempts: which packs hold which chunks, with their keys.
//!
//! It refuses to know where that is kept. Its invariants: a pack is recorded after it is durable;
//! a recorded pack is taken over only when the store still has it, whole by its footer.
//!
//! A recorded pack as bytes; the caller seals them, they hold keys:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTRECPK` |
//! | 8 | 2 | format version, 1 |
//! | 10 | 2 | 0 |
//! | 12 | 4 | chunks n |
//! | 16 | 8 | operation sequence |
//! | 24 | 32 | pack name |
//! | 56 | 8 | length of the pack |
//! | 64 | n x 80 | chunks |
//!
//! Chunk:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | index of the chunk |
//! | 8 | 4 | stored length |
//! | 12 | 1 | codec |
//! | 13 | 3 | 0 |
//! | 16 | 32 | record id |
//! | 48 | 32 | key |

use std::collections::{HashMap, HashSet};

use zeroize::Zeroizing;

use super::{CaptureOptions, Outcome, StoredChunk};
use crate::{
    Error,
    sealed::{
        codec::Codec,
        fields::Fields,
        id::{PackName, RecordId},
        key::RecordKey,
        pack::{PackKind, PackRef},
        record::RECORD_MAX_BYTES,
        store::ChunkStore,
    },
};

const RECORDED_MAGIC: &[u8; 8] = b"ECTRECPK";
const RECORDED_VERSION: u16 = 1;
const HEAD_BYTES: usize = 64;
const CHUNK_BYTES: usize = 80;

/// A durable pack and the chunks in it. Holds keys: its bytes must be sealed before they are kept.
#[derive(Clone, Debug)]
pub struct RecordedPack {
    pub(super) pack: PackRef,
    pub(super) length: u64,
    pub(super) chunks: Vec<StoredChunk>,
}

impl RecordedPack {
    /// The pack.
    #[must_use]
    pub const fn pack(&self) -> PackRef {
        self.pack
    }

    /// The form to keep; secret.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let length = HEAD_BYTES + self.chunks.len() * CHUNK_BYTES;
        let mut out = Zeroizing::new(Vec::with_capacity(length));
        out.extend_from_slice(RECORDED_MAGIC);
        out.extend_from_slice(&RECORDED_VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&(self.chunks.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.pack.op_sequence.to_le_bytes());
        out.extend_from_slice(&self.pack.name.0);
        out.extend_from_slice(&self.length.to_le_bytes());
        for StoredChunk { index, child } in &self.chunks {
            out.extend_from_slice(&index.to_le_bytes());
            out.extend_from_slice(&child.entry.stored.to_le_bytes());
            out.extend_from_slice(&[child.entry.codec as u8, 0, 0, 0]);
            out.extend_from_slice(&child.entry.id.0);
            out.extend_from_slice(child.key.expose());
        }
        out
    }

    /// Reads the kept form.
    ///
    /// # Errors
    /// `Corrupt`, `UnknownFormat`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let name = || "of a capture".to_owned();
        let mut fields = Fields::new(bytes, "recorded pack", &name);
        fields.head(RECORDED_MAGIC, RECORDED_VERSION)?;
        fields.reserved(2)?;
        let count = fields.u32()? as usize;
        let op_sequence = fields.u64()?;
        let pack = PackRef { kind: PackKind::Data, op_sequence, name: PackName(fields.array()?) };
        let length = fields.u64()?;
        if Some(fields.rest().len()) != count.checked_mul(CHUNK_BYTES) {
            return Err(fields.refuse("its length does not match its count"));
        }
        let mut chunks = Vec::with_capacity(count);
        for _ in 0..count {
            let index = fields.u64()?;
            let stored = fields.u32()?;
            let codec = Codec::of(fields.u8()?);
            fields.reserved(3)?;
            let id = RecordId(fields.array()?);
            let key = Zeroizing::new(fields.array()?);
            let Some(codec) = codec.filter(|_| stored > 0 && stored as usize <= RECORD_MAX_BYTES)
            else {
                return Err(fields.refuse("a chunk's codec or length is impossible"));
            };
            chunks.push(StoredChunk::new(index, id, RecordKey::from_bytes(*key), codec, stored));
        }
        Ok(Self { pack, length, chunks })
    }
}

/// Where a capture's durable packs are recorded, in the operation's row for instance.
pub trait CaptureLog: Send + Sync {
    /// What earlier attempts of this operation recorded.
    ///
    /// # Errors
    /// Ends the capture.
    fn recorded(&self) -> Result<Vec<RecordedPack>, Error>;

    /// Records a pack that is durable. A retry skips its chunks.
    ///
    /// # Errors
    /// Ends the capture; the pack is then garbage.
    fn record(&self, pack: &RecordedPack) -> Result<(), Error>;
}

/// Remembers nothing: a retry starts from the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLog;

impl CaptureLog for NoLog {
    fn recorded(&self) -> Result<Vec<RecordedPack>, Error> {
        Ok(Vec::new())
    }

    fn record(&self, _: &RecordedPack) -> Result<(), Error> {
        Ok(())
    }
}

/// What is taken over from earlier attempts.
#[derive(Default)]
pub(super) struct Recovered {
    pub(super) packs: Vec<(PackRef, u64)>,
    pub(super) outcomes: Vec<Outcome>,
}

/// Takes over the recorded packs that the store still has. One that it lost is passed over: its
/// chunks are read again and sealed with new keys.
pub(super) fn recover(
    store: &ChunkStore,
    options: &CaptureOptions<'_>,
    dirty: &[u64],
) -> Result<Recovered, Error> {
    let mut out = Recovered::default();
    let mut taken = HashSet::new();
    for recorded in options.log.recorded()? {
        let pack = recorded.pack;
        if pack.op_sequence != options.op_sequence {
            return Err(super::invalid("the log belongs to another operation"));
        }
        if !is_whole(store, &recorded)? {
            tracing::warn!(pack = %pack.name, "a recorded pack is lost: its chunks are read again");
            continue;
        }
        let mut used = false;
        for StoredChunk { index, child } in recorded.chunks {
            if dirty.binary_search(&index).is_ok() && taken.insert(index) {
                out.outcomes.push((index, Some(child)));
                used = true;
            }
        }
        if used {
            out.packs.push((pack, recorded.length));
        }
    }
    Ok(out)
}

/// True when the store has the pack and its footer lists every recorded chunk.
fn is_whole(store: &ChunkStore, recorded: &RecordedPack) -> Result<bool, Error> {
    let entries = match store.footer(&recorded.pack) {
        Ok(entries) => entries,
        Err(Error::Missing { .. } | Error::Corrupt { .. }) => return Ok(false),
        Err(e) => return Err(e),
    };
    let stored: HashMap<_, _> = entries.iter().map(|e| (e.id, (e.stored, e.codec))).collect();
    Ok(recorded.chunks.iter().all(|StoredChunk { child, .. }| {
        stored.get(&child.entry.id) == Some(&(child.entry.stored, child.entry.codec))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_pack_reads_back_and_damage_is_refused() {
        let chunk = |n: u8| {
            let key = RecordKey::from_bytes([n; 32]);
            StoredChunk::new(u64::from(n) << 40, RecordId([n; 32]), key, Codec::Zstd, 4096)
        };
        let pack = PackRef { kind: PackKind::Data, op_sequence: 9, name: PackName([8; 32]) };
        let recorded = RecordedPack { pack, length: 77, chunks: vec![chunk(1), chunk(2)] };
        let bytes = recorded.to_bytes();
        assert_eq!(bytes.len(), HEAD_BYTES + 2 * CHUNK_BYTES);
        let back = RecordedPack::from_bytes(&bytes).unwrap();
        assert_eq!(back.pack, pack);
        assert_eq!(back.to_bytes(), bytes);
        assert!(RecordedPack::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        let mut newer = bytes.clone();
        newer[8] = 2;
        assert!(matches!(RecordedPack::from_bytes(&newer), Err(Error::UnknownFormat { .. })));
    }
}
