//! qcow2, versions 2 and 3.
//!
//! ```text
//! header --> L1 table --> L2 tables --> clusters (plain, compressed, zero, none)
//! ```
//!
//! Reference counts say what a writer may reuse; a reader does not need them, so they are neither
//! read nor trusted, and a file that was not closed (dirty) is read like any other.
//!
//! Next to read: `header`, `table`, `read`; `write` for the other way.

mod cluster;
mod header;
mod read;
mod table;
mod write;

pub(crate) use read::Qcow2Disk;
pub(crate) use write::write;

use crate::{Error, Format};

/// `QFI` and a byte that no text has.
const MAGIC: [u8; 4] = *b"QFI\xfb";
/// Length of the header that this program reads and writes, in bytes.
const HEADER_BYTES: usize = 112;
/// Compressed data is counted in these, whatever the cluster size.
const SECTOR_BYTES: u64 = 512;
/// Bits of an entry that are an offset in the file.
const OFFSET_MASK: u64 = 0x00ff_ffff_ffff_fe00;
/// The reference count is one, so it may be written in place.
const COPIED: u64 = 1 << 63;
/// The cluster is compressed.
const COMPRESSED: u64 = 1 << 62;
/// Incompatible feature: the header says which compression.
const BIT_COMPRESSION: u64 = 1 << 3;
/// That compression is zstd.
const ZSTD: u8 = 1;

/// How compressed clusters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    Deflate,
    Zstd,
}

const fn damaged(what: &'static str, at: u64, why: &'static str) -> Error {
    Error::Damaged { format: Format::Qcow2, what, at, why }
}
