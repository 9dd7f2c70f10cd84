//! A disk to a new file.

use std::ops::ControlFlow;

use base::Timestamp;

use crate::{DiskFile, Error, OutputFormat, Target, qcow2, raw, vhd};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the disk that need no more work.
    pub position: u64,
    /// Size of the disk, in bytes.
    pub size: u64,
    /// Bytes so far that were not zeros.
    pub data_bytes: u64,
}

/// What a vhd file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Random, its own.
    pub id: [u8; 16],
    /// When it was made.
    pub at: Timestamp,
}

/// Writes `source` into an empty `target`; a file that ends early is not one of its format, or
/// (raw) is as long as the disk. qcow2 and vhd disks are filled up with zeros to whole sectors of
/// 512 bytes. `watch` is told often and may end it.
///
/// # Errors
/// `Limit` when the format cannot hold the disk, `Stopped`, what reading or writing says.
pub fn write(
    format: OutputFormat,
    source: &dyn DiskFile,
    target: &mut dyn Target,
    stamp: &Stamp,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(), Error> {
    match format {
        OutputFormat::Raw => raw::write(source, target, watch),
        OutputFormat::Qcow2 => qcow2::write(source, target, true, watch),
        OutputFormat::Qcow2Plain => qcow2::write(source, target, false, watch),
        OutputFormat::Vhd => vhd::write_dynamic(source, target, stamp, watch),
        OutputFormat::VhdFixed => vhd::write_fixed(source, target, stamp, watch),
    }
}
