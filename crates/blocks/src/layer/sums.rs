//! Close sums: a BLAKE3 per written 64 KiB of the data file, to find what rotted while stopped.
//!
//! It refuses to know when a sum is trusted: that is the header's clean flag. Its invariant: a
//! sum covers the stored bytes of the region's present blocks, which blocks those are, and the
//! region's place.
//!
//! File `g<generation>.sums`, sparse:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTSUMS1` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | zero |
//! | 16 | 32 | identity: BLAKE3 of volume id and generation |
//! | 48 | 432 | zero |
//! | 480 | 32 | BLAKE3 of bytes 0..480 |
//! | 4096 + 16 r | 16 | sum of region r, BLAKE3 cut to 16 bytes |
//!
//! Next to read: `tidy`.

use crate::layer::disk::Named;
use crate::layer::fields::{
    FORMAT, Reader, SUM_BYTES, check_format, checked, close_with_sum, corrupt,
};
use crate::layer::map::REGION_BYTES;
use crate::{BLOCK_SIZE, Error};

const MAGIC: [u8; 8] = *b"ECTSUMS1";
const HEADER: usize = 512;
const ENTRIES_AT: u64 = 4096;
/// Bytes of one sum.
pub(super) const ENTRY: usize = 16;

/// The sum of a region whose stored bytes are `stored` and whose present blocks are `mask`.
pub(super) fn sum_of(region: u64, mask: u16, stored: &[u8]) -> [u8; ENTRY] {
    debug_assert_eq!(stored.len() as u64, REGION_BYTES);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&region.to_le_bytes());
    hasher.update(&mask.to_le_bytes());
    if mask == u16::MAX {
        hasher.update(stored);
    } else {
        let blocks = stored.chunks_exact(BLOCK_SIZE as usize).enumerate();
        for (_, block) in blocks.filter(|(i, _)| mask >> i & 1 != 0) {
            hasher.update(block);
        }
    }
    let mut sum = [0; ENTRY];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..ENTRY]);
    sum
}

/// The file of sums.
pub(super) struct SumsFile(Named);

impl SumsFile {
    pub(super) fn create(file: Named, identity: &[u8; SUM_BYTES]) -> Result<Self, Error> {
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&FORMAT.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(identity);
        close_with_sum(&mut header, HEADER);
        file.write_all(0, &header)?;
        file.sync()?;
        Ok(Self(file))
    }

    pub(super) fn open(file: Named, identity: &[u8; SUM_BYTES]) -> Result<Self, Error> {
        let mut header = [0; HEADER];
        file.read_exact(0, &mut header)?;
        let mut fields = Reader(&header);
        if fields.bytes() != Some(MAGIC) {
            return Err(corrupt("close sums", &file.name, "its header has another magic"));
        }
        check_format(&file.name, fields.u32().unwrap_or(0))?;
        if checked(&header).is_none() {
            return Err(corrupt("close sums", &file.name, "its header's checksum does not match"));
        }
        fields.u32();
        if fields.bytes().as_ref() != Some(identity) {
            return Err(corrupt("close sums", &file.name, "it belongs to another layer"));
        }
        Ok(Self(file))
    }

    pub(super) fn read(&self, region: u64) -> Result<[u8; ENTRY], Error> {
        let mut sum = [0; ENTRY];
        self.0.read_up_to(ENTRIES_AT + region * ENTRY as u64, &mut sum)?;
        Ok(sum)
    }

    pub(super) fn write(&self, region: u64, sum: &[u8; ENTRY]) -> Result<(), Error> {
        self.0.write_all(ENTRIES_AT + region * ENTRY as u64, sum)
    }

    pub(super) fn sync(&self) -> Result<(), Error> {
        self.0.sync()
    }
}
