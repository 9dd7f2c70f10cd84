//! Footer and header of a dynamic disk: read and written.
//!
//! | byte of the footer | what |
//! |---|---|
//! | 0 | `conectix`, features (u32), version (u32) |
//! | 16 | offset of the header (u64), time (u32, seconds of this century), creator (4 words) |
//! | 40 | original and current size (u64 each), geometry (u32), type (u32) |
//! | 64 | checksum (u32), unique id, saved state |
//!
//! | byte of the header | what |
//! |---|---|
//! | 0 | `cxsparse`, nothing (u64), offset of the BAT (u64), version (u32) |
//! | 28 | entries of the BAT (u32), bytes of a block (u32), checksum (u32); the parent |

use super::damaged;
use crate::{
    Error, Feature, Format, Stamp,
    disk::check_size,
    fields::{be16, be32, be64, put},
    limits::{VHD_BLOCK_BYTES, VHD_DISK_BYTES_MAX},
};

pub(super) const FOOTER_BYTES: usize = 512;
pub(super) const HEADER_BYTES: usize = 1024;

const FOOTER_COOKIE: &[u8; 8] = b"conectix";
const HEADER_COOKIE: &[u8; 8] = b"cxsparse";
const VERSION: u32 = 0x0001_0000;
const FOOTER_CHECKSUM: usize = 64;
const HEADER_CHECKSUM: usize = 36;
/// 2000-01-01, in seconds of Unix time.
const EPOCH: i64 = 946_684_800;
/// QEMU and others take the size from the geometry, which is rounded, unless they know the
/// creator as one that gives it in full: this is Hyper-V's word.
const CREATOR: &[u8; 4] = b"win ";
const HOST_WINDOWS: &[u8; 4] = b"Wi2k";

/// The type of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Fixed = 2,
    Dynamic = 3,
}

/// What a footer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) kind: Kind,
    /// Size of the disk, in bytes.
    pub(super) size: u64,
    /// Where the header of a dynamic disk is.
    pub(super) header_at: u64,
}

/// What the header of a dynamic disk says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) table_at: u64,
    pub(super) entries: u32,
    pub(super) block_bytes: u32,
}

/// Complement of the sum of all bytes but the checksum's own four.
fn checksum(bytes: &[u8], at: usize) -> u32 {
    let sum = |part: &[u8]| part.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    !(sum(&bytes[..at]) + sum(&bytes[at + 4..]))
}

const fn unsupported(feature: Feature) -> Error {
    Error::Unsupported { format: Format::Vhd, feature }
}

impl Footer {
    pub(super) fn parse(bytes: &[u8; FOOTER_BYTES], at: u64) -> Result<Self, Error> {
        if bytes[..8] != *FOOTER_COOKIE {
            let why = "its last 512 bytes are not a footer";
            return Err(Error::NotThisFormat { format: Format::Vhd, why });
        }
        if be32(bytes, FOOTER_CHECKSUM) != checksum(bytes, FOOTER_CHECKSUM) {
            return Err(damaged("footer", at, "its checksum is wrong"));
        }
        if be16(bytes, 12) != 1 {
            return Err(unsupported(Feature::Version(be32(bytes, 12))));
        }
        let kind = match be32(bytes, 60) {
            2 => Kind::Fixed,
            3 => Kind::Dynamic,
            4 => return Err(unsupported(Feature::Differencing)),
            other => return Err(unsupported(Feature::DiskType(other))),
        };
        let size = check_size(be64(bytes, 48), VHD_DISK_BYTES_MAX)?;
        Ok(Self { kind, size, header_at: be64(bytes, 16) })
    }

    pub(super) fn to_bytes(self, stamp: &Stamp) -> [u8; FOOTER_BYTES] {
        let mut out = [0; FOOTER_BYTES];
        put(&mut out, 0, FOOTER_COOKIE);
        // A bit that is always set.
        put(&mut out, 8, &2_u32.to_be_bytes());
        put(&mut out, 12, &VERSION.to_be_bytes());
        put(&mut out, 16, &self.header_at.to_be_bytes());
        let seconds = stamp.at.micros().div_euclid(1_000_000) - EPOCH;
        let seconds = u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
        put(&mut out, 24, &seconds.to_be_bytes());
        put(&mut out, 28, CREATOR);
        put(&mut out, 32, &VERSION.to_be_bytes());
        put(&mut out, 36, HOST_WINDOWS);
        put(&mut out, 40, &self.size.to_be_bytes());
        put(&mut out, 48, &self.size.to_be_bytes());
        put(&mut out, 56, &geometry(self.size));
        put(&mut out, 60, &(self.kind as u32).to_be_bytes());
        put(&mut out, 68, &stamp.id);
        let sum = checksum(&out, FOOTER_CHECKSUM);
        put(&mut out, FOOTER_CHECKSUM, &sum.to_be_bytes());
        out
    }
}

impl Header {
    pub(super) fn parse(bytes: &[u8; HEADER_BYTES], at: u64) -> Result<Self, Error> {
        if bytes[..8] != *HEADER_COOKIE {
            return Err(damaged("header", at, "it does not begin with its cookie"));
        }
        if be32(bytes, HEADER_CHECKSUM) != checksum(bytes, HEADER_CHECKSUM) {
            return Err(damaged("header", at, "its checksum is wrong"));
        }
        if be16(bytes, 24) != 1 {
            return Err(unsupported(Feature::Version(be32(bytes, 24))));
        }
        let block_bytes = be32(bytes, 32);
        if !block_bytes.is_power_of_two() || block_bytes < *VHD_BLOCK_BYTES.start() {
            return Err(damaged("header", at, "its block size is not one"));
        }
        if block_bytes > *VHD_BLOCK_BYTES.end() {
            let (found, limit) = (block_bytes.into(), (*VHD_BLOCK_BYTES.end()).into());
            return Err(Error::Limit { what: "a block's size in bytes", found, limit });
        }
        Ok(Self { table_at: be64(bytes, 16), entries: be32(bytes, 28), block_bytes })
    }

    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        put(&mut out, 0, HEADER_COOKIE);
        put(&mut out, 8, &u64::MAX.to_be_bytes());
        put(&mut out, 16, &self.table_at.to_be_bytes());
        put(&mut out, 24, &VERSION.to_be_bytes());
        put(&mut out, 28, &self.entries.to_be_bytes());
        put(&mut out, 32, &self.block_bytes.to_be_bytes());
        let sum = checksum(&out, HEADER_CHECKSUM);
        put(&mut out, HEADER_CHECKSUM, &sum.to_be_bytes());
        out
    }
}

/// Cylinders (u16), heads and sectors (u8 each): the largest disk of old BIOSes' limits that is
/// no larger than this one.
fn geometry(size: u64) -> [u8; 4] {
    const SECTORS_MAX: u64 = 65_535 * 16 * 255;
    let total = (size / super::SECTOR_BYTES).min(SECTORS_MAX);
    let (heads, sectors) = if total > 65_535 * 16 * 63 {
        (16, 255)
    } else {
        let heads = (total / 17).div_ceil(1024).max(4);
        if heads <= 16 && total / 17 < heads * 1024 {
            (heads, 17)
        } else if total / 31 < 16 * 1024 {
            (16, 31)
        } else {
            (16, 63)
        }
    };
    let cylinders = ((total / sectors / heads) as u16).to_be_bytes();
    [cylinders[0], cylinders[1], heads as u8, sectors as u8]
}

#[cfg(test)]
mod tests {
    use base::Timestamp;

    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_changed_bit_is_not() {
        let stamp = Stamp { id: [7; 16], at: Timestamp::from_micros(1_700_000_000_000_000) };
        let footer = Footer { kind: Kind::Dynamic, size: 10 << 30, header_at: 512 };
        let bytes = footer.to_bytes(&stamp);
        assert_eq!(Footer::parse(&bytes, 0).unwrap(), footer);
        let header = Header { table_at: 1536, entries: 5120, block_bytes: 2 << 20 };
        let head = header.to_bytes();
        assert_eq!(Header::parse(&head, 512).unwrap(), header);
        for at in 0..FOOTER_BYTES {
            let (mut bytes, mut head) = (bytes, head);
            bytes[at] ^= 0x10;
            head[at] ^= 0x10;
            assert!(Footer::parse(&bytes, 0).is_err(), "{at}");
            assert!(Header::parse(&head, 0).is_err(), "{at}");
        }
    }
}
