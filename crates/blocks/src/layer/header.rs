//! The header of a layer: who it belongs to, what may open it, and how it was left.
//!
//! It refuses to know the map and the data. Its invariant: a header write goes to the older of
//! two slots, so a torn one leaves the other; the newer valid slot is the header.
//!
//! File `g<generation>.header`: two slots of 512 bytes, at 0 and at 4096. One slot:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTLAYER` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | feature bits; none is known, any set refuses |
//! | 16 | 8 | write sequence; the higher slot wins |
//! | 24 | 8 | generation |
//! | 32 | 8 | fencing epoch |
//! | 40 | 8 | capacity in bytes |
//! | 48 | 8 | overlap: bytes of the base that show through; past it ABSENT is zero |
//! | 56 | 8 | number of opens that made a live map |
//! | 64 | 8 | newest durable record or checkpoint of the map at the clean close |
//! | 72 | 1 | flags: 1 frozen, 2 clean, 4 opened for writing, 8 has a base root |
//! | 73 | 7 | zero |
//! | 80 | 32 | base root, or zeros |
//! | 112 | 32 | tag of the live map, or zeros |
//! | 144 | 2 | length of the volume's id |
//! | 146 | 64 | volume's id, zero-padded |
//! | 210 | 32 | check of the volume's key; zeros in layers that are older than it |
//! | 242 | 238 | zero |
//! | 480 | 32 | BLAKE3 of bytes 0..480 |
//!
//! Next to read: `journal`.

use crate::Error;
use crate::layer::disk::Named;
use crate::layer::fields::{
    FORMAT, Reader, SEQUENCE_END, check_format, checked, close_with_sum, corrupt,
};
use crate::layer::keys::KEY_CHECK_BYTES;
use crate::layer::spec::{VOLUME_ID_MAX, check_capacity, check_volume_id};

const MAGIC: [u8; 8] = *b"ECTLAYER";
pub(super) const SLOT_BYTES: usize = 512;
const SLOT_OFFSETS: [u64; 2] = [0, 4096];
const KEY_CHECK_AT: usize = 210;
/// Length of the file.
pub(super) const HEADER_BYTES: usize = 4096 + SLOT_BYTES;

const FLAG_FROZEN: u8 = 1;
const FLAG_CLEAN: u8 = 2;
const FLAG_OPENED: u8 = 4;
const FLAG_BASE: u8 = 8;
const FLAGS_KNOWN: u8 = FLAG_FROZEN | FLAG_CLEAN | FLAG_OPENED | FLAG_BASE;

/// The fields of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) sequence: u64,
    pub(super) volume: String,
    pub(super) generation: u64,
    pub(super) epoch: u64,
    pub(super) capacity: u64,
    pub(super) overlap: u64,
    pub(super) opens: u64,
    pub(super) map_sequence: u64,
    pub(super) base_root: Option<[u8; 32]>,
    pub(super) live_tag: [u8; 32],
    /// `None` in a layer that was made before there was one.
    pub(super) key_check: Option<[u8; KEY_CHECK_BYTES]>,
    pub(super) frozen: bool,
    pub(super) clean: bool,
    pub(super) opened: bool,
}

impl Header {
    fn flags(&self) -> u8 {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        flag(self.frozen, FLAG_FROZEN)
            | flag(self.clean, FLAG_CLEAN)
            | flag(self.opened, FLAG_OPENED)
            | flag(self.base_root.is_some(), FLAG_BASE)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SLOT_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&0_u32.to_le_bytes());
        let numbers = [
            self.sequence,
            self.generation,
            self.epoch,
            self.capacity,
            self.overlap,
            self.opens,
            self.map_sequence,
        ];
        for number in numbers {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.push(self.flags());
        out.extend_from_slice(&[0; 7]);
        out.extend_from_slice(&self.base_root.unwrap_or_default());
        out.extend_from_slice(&self.live_tag);
        out.extend_from_slice(&(self.volume.len() as u16).to_le_bytes());
        out.extend_from_slice(self.volume.as_bytes());
        out.resize(KEY_CHECK_AT, 0);
        out.extend_from_slice(&self.key_check.unwrap_or_default());
        close_with_sum(&mut out, SLOT_BYTES);
        out
    }

    /// One slot; `None` when it is torn or was never written.
    fn decode(name: &str, slot: &[u8]) -> Result<Option<Self>, Error> {
        let mut fields = Reader(slot);
        if fields.bytes() != Some(MAGIC) {
            return Ok(None);
        }
        let version = fields.u32().unwrap_or(0);
        check_format(name, version)?;
        if checked(slot).is_none() {
            return Ok(None);
        }
        let features = fields.u32().unwrap_or(u32::MAX);
        if features != 0 {
            let what = format!("{name} has feature bits {features:#x} that are not known");
            return Err(Error::Invalid { what });
        }
        let header = Self::decode_fields(&mut fields);
        header.map(Some).ok_or_else(|| corrupt("header", name, "a field is out of its range"))
    }

    fn decode_fields(fields: &mut Reader<'_>) -> Option<Self> {
        let sequence = fields.u64()?;
        let generation = fields.u64()?;
        let epoch = fields.u64()?;
        let capacity = fields.u64()?;
        let overlap = fields.u64()?;
        let opens = fields.u64()?;
        let map_sequence = fields.u64()?;
        let flags = fields.u8()?;
        fields.bytes::<7>()?;
        let base_root: [u8; 32] = fields.bytes()?;
        let live_tag = fields.bytes()?;
        let length = usize::from(fields.u16()?);
        let id: [u8; VOLUME_ID_MAX] = fields.bytes()?;
        let key_check: [u8; KEY_CHECK_BYTES] = fields.bytes()?;
        let volume = String::from_utf8(id.get(..length)?.to_vec()).ok()?;
        check_volume_id(&volume).ok()?;
        check_capacity(capacity).ok()?;
        let counted = sequence.max(opens).max(map_sequence) < SEQUENCE_END;
        if flags & !FLAGS_KNOWN != 0 || overlap > capacity || !counted {
            return None;
        }
        Some(Self {
            sequence,
            volume,
            generation,
            epoch,
            capacity,
            overlap,
            opens,
            map_sequence,
            base_root: (flags & FLAG_BASE != 0).then_some(base_root),
            live_tag,
            key_check: (key_check != [0; KEY_CHECK_BYTES]).then_some(key_check),
            frozen: flags & FLAG_FROZEN != 0,
            clean: flags & FLAG_CLEAN != 0,
            opened: flags & FLAG_OPENED != 0,
        })
    }

    /// The header that a file holds; `None` when no slot was ever finished.
    pub(super) fn parse(name: &str, file: &[u8]) -> Result<Option<Self>, Error> {
        let mut best: Option<Self> = None;
        for offset in SLOT_OFFSETS {
            let start = (offset as usize).min(file.len());
            let end = (start + SLOT_BYTES).min(file.len());
            let Some(found) = Self::decode(name, &file[start..end])? else { continue };
            if best.as_ref().is_none_or(|b| b.sequence < found.sequence) {
                best = Some(found);
            }
        }
        Ok(best)
    }
}

/// The header with its file.
pub(super) struct HeaderFile {
    file: Named,
    pub(super) header: Header,
}

impl HeaderFile {
    /// Writes the first slot of an empty file.
    pub(super) fn create(file: Named, header: Header) -> Result<Self, Error> {
        // Both slots get their space now: a full disk must not keep a layer from being opened.
        file.write_all(0, &[0; HEADER_BYTES])?;
        let mut made = Self { file, header };
        made.write()?;
        Ok(made)
    }

    pub(super) fn read(file: &Named) -> Result<Option<Header>, Error> {
        let mut bytes = vec![0; HEADER_BYTES];
        let got = file.read_up_to(0, &mut bytes)?;
        Header::parse(&file.name, &bytes[..got])
    }

    pub(super) const fn new(file: Named, header: Header) -> Self {
        Self { file, header }
    }

    /// Changes the header durably. After an error the one in memory is the old one.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Header)) -> Result<(), Error> {
        let before = self.header.clone();
        change(&mut self.header);
        let done = self.write();
        if done.is_err() {
            // The slot on disk may hold the new or the old one. The sequence is kept, so that
            // the next write goes to the same slot and never over the last good one.
            self.header = before;
        }
        done
    }

    fn write(&mut self) -> Result<(), Error> {
        self.header.sequence += 1;
        let slot = SLOT_OFFSETS[(self.header.sequence % 2) as usize];
        self.file.write_all(slot, &self.header.encode())?;
        self.file.sync()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn sample() -> Header {
        Header {
            sequence: 5,
            volume: "r006-volume".into(),
            generation: 3,
            epoch: 9,
            capacity: 1 << 20,
            overlap: 4096,
            opens: 2,
            map_sequence: 11,
            base_root: Some([4; 32]),
            live_tag: [6; 32],
            key_check: Some([7; 32]),
            frozen: false,
            clean: true,
            opened: true,
        }
    }

    #[test]
    fn a_header_comes_back_and_the_newer_slot_wins() {
        let mut file = vec![0; HEADER_BYTES];
        let old = sample();
        let new =
            Header { sequence: 6, frozen: true, base_root: None, key_check: None, ..sample() };
        file[4096..].copy_from_slice(&old.encode());
        file[..SLOT_BYTES].copy_from_slice(&new.encode());
        assert_eq!(Header::parse("h", &file).unwrap(), Some(new));
        file[100] ^= 1;
        assert_eq!(Header::parse("h", &file).unwrap(), Some(old));
        file[4096 + 100] ^= 1;
        assert_eq!(Header::parse("h", &file).unwrap(), None);
        assert_eq!(Header::parse("h", &[]).unwrap(), None);
    }

    /// Invariant 26: unknown versions and feature bits refuse, also beside a known slot.
    #[test]
    fn unknown_versions_and_features_refuse() {
        let mut file = vec![0; HEADER_BYTES];
        file[4096..].copy_from_slice(&sample().encode());
        let mut newer = sample().encode();
        newer[8] = 2;
        file[..SLOT_BYTES].copy_from_slice(&newer);
        assert!(matches!(
            Header::parse("h", &file),
            Err(Error::UnknownFormat { found: 2, known: 1, .. })
        ));
        let mut featured = sample().encode();
        featured[12] = 1;
        featured.truncate(SLOT_BYTES - 32);
        close_with_sum(&mut featured, SLOT_BYTES);
        file[..SLOT_BYTES].copy_from_slice(&featured);
        assert!(matches!(Header::parse("h", &file), Err(Error::Invalid { .. })));
    }
}
