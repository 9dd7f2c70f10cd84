//! vhd, fixed and dynamic.
//!
//! ```text
//! fixed     the disk's bytes | footer
//! dynamic   copy of the footer | header | BAT | blocks: sector bitmap, data | footer
//! ```
//!
//! All numbers are big-endian. The disk's size is the footer's current size, never the product
//! of its geometry, which is rounded.
//!
//! Next to read: `footer`, `read`; `write` for the other way.

mod footer;
mod read;
mod write;

pub(crate) use read::VhdDisk;
pub(crate) use write::{write_dynamic, write_fixed};

use crate::{Error, Format};

/// Offsets and bitmaps count in these.
const SECTOR_BYTES: u64 = 512;
/// A block that is not there, in the BAT.
const UNUSED: u32 = u32::MAX;

const fn damaged(what: &'static str, at: u64, why: &'static str) -> Error {
    Error::Damaged { format: Format::Vhd, what, at, why }
}
