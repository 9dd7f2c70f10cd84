//! The header, checked.
//!
//! | byte | what |
//! |---|---|
//! | 0 | magic, version (u32) |
//! | 8 | backing file: offset (u64), length (u32) |
//! | 20 | cluster bits (u32), size (u64), encryption (u32) |
//! | 36 | L1: entries (u32), offset (u64) |
//! | 48 | reference counts: offset (u64), clusters (u32); snapshots: count (u32), offset (u64) |
//! | 72 | from version 3 on: incompatible, compatible, autoclear feature bits (u64 each) |
//! | 96 | bits of a reference count (u32, a power), header's length (u32) |
//! | 104 | compression type (u8) |

use super::{BIT_COMPRESSION, Compression, HEADER_BYTES, MAGIC, ZSTD, damaged};
use crate::{
    Error, Feature, Format, Medium,
    disk::check_size,
    fields::{be32, be64},
    limits::{CLUSTER_BITS, DISK_BYTES_MAX, L1_BYTES_MAX},
};

const V2_BYTES: u64 = 72;
const V3_BYTES: u64 = 104;
const BIT_DIRTY: u64 = 1 << 0;
const BIT_CORRUPT: u64 = 1 << 1;
const BIT_EXTERNAL_DATA: u64 = 1 << 2;
const BIT_EXTENDED_L2: u64 = 1 << 4;

/// What a reader needs of a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) cluster_bits: u32,
    /// Size of the disk, in bytes.
    pub(super) size: u64,
    pub(super) l1_offset: u64,
    /// Entries of L1 that the size needs.
    pub(super) l1_entries: u64,
    pub(super) compression: Compression,
}

impl Header {
    pub(super) fn read(medium: &dyn Medium) -> Result<Self, Error> {
        let foreign = |why| Error::NotThisFormat { format: Format::Qcow2, why };
        let mut bytes = [0; HEADER_BYTES];
        let length = medium.length().min(HEADER_BYTES as u64);
        medium.read_at(0, &mut bytes[..length as usize]).map_err(Error::reading)?;
        if bytes[..4] != MAGIC {
            return Err(foreign("it does not begin with the magic of qcow2"));
        }
        let version = be32(&bytes, 4);
        let needed = match version {
            2 => V2_BYTES,
            3 => V3_BYTES,
            other => return Err(unsupported(Feature::Version(other))),
        };
        if length < needed {
            return Err(damaged("header", 0, "the file ends inside it"));
        }
        Self::parse(&bytes, version, medium.length())
    }

    fn parse(bytes: &[u8; HEADER_BYTES], version: u32, length: u64) -> Result<Self, Error> {
        let cluster_bits = be32(bytes, 20);
        if !CLUSTER_BITS.contains(&cluster_bits) {
            return Err(damaged("header", 20, "its cluster size is not one"));
        }
        if be64(bytes, 8) != 0 {
            return Err(unsupported(Feature::BackingFile));
        }
        if be32(bytes, 32) != 0 {
            return Err(unsupported(Feature::Encryption));
        }
        let compression = match version {
            2 => Compression::Deflate,
            _ => features(bytes, 1 << cluster_bits)?,
        };
        let size = check_size(be64(bytes, 24), DISK_BYTES_MAX)?;
        let (entries, l1_offset) = (u64::from(be32(bytes, 36)), be64(bytes, 40));
        // An L2 table fills a cluster with entries of eight bytes.
        let l1_entries = size.div_ceil(1 << (2 * cluster_bits - 3));
        if entries * 8 > L1_BYTES_MAX {
            let what = "the L1 table's length in bytes";
            return Err(Error::Limit { what, found: entries * 8, limit: L1_BYTES_MAX });
        }
        if entries < l1_entries {
            return Err(damaged("header", 36, "its L1 table is too short for the disk"));
        }
        if !l1_offset.is_multiple_of(1 << cluster_bits) {
            return Err(damaged("header", 40, "its L1 table does not begin at a cluster"));
        }
        if l1_offset.checked_add(entries * 8).is_none_or(|end| end > length) {
            return Err(damaged("header", 40, "its L1 table is not inside the file"));
        }
        Ok(Self { version, cluster_bits, size, l1_offset, l1_entries, compression })
    }
}

/// What version 3 adds.
fn features(bytes: &[u8; HEADER_BYTES], cluster: u64) -> Result<Compression, Error> {
    let incompatible = be64(bytes, 72);
    for (bit, feature) in [
        (BIT_CORRUPT, Feature::CorruptBit),
        (BIT_EXTERNAL_DATA, Feature::ExternalDataFile),
        (BIT_EXTENDED_L2, Feature::ExtendedL2),
    ] {
        if incompatible & bit != 0 {
            return Err(unsupported(feature));
        }
    }
    let known = BIT_DIRTY | BIT_COMPRESSION;
    if incompatible & !known != 0 {
        let bit = (incompatible & !known).trailing_zeros();
        return Err(unsupported(Feature::IncompatibleBit(bit)));
    }
    let header_length = u64::from(be32(bytes, 100));
    if header_length < V3_BYTES || header_length > cluster || !header_length.is_multiple_of(8) {
        return Err(damaged("header", 100, "its length is not one"));
    }
    // A shorter header has no such field: what stands there is something else.
    let kind = if header_length > V3_BYTES { bytes[104] } else { 0 };
    match (incompatible & BIT_COMPRESSION != 0, kind) {
        (_, 0) => Ok(Compression::Deflate),
        (true, ZSTD) => Ok(Compression::Zstd),
        (true, other) => Err(unsupported(Feature::Compression(other))),
        (false, _) => Err(damaged("header", 104, "a compression type without its feature bit")),
    }
}

const fn unsupported(feature: Feature) -> Error {
    Error::Unsupported { format: Format::Qcow2, feature }
}
