//! An open disk file, whatever its format.

use std::ops::Range;

use crate::{Error, Format, Medium, qcow2::Qcow2Disk, raw::RawDisk, vhd::VhdDisk};

/// A disk that is read. Offsets are in bytes, any alignment is legal.
pub trait DiskFile: Send + Sync {
    /// Size in bytes.
    fn size(&self) -> u64;

    /// Fills `out` from `offset`.
    ///
    /// # Errors
    /// `OutOfRange` past the end; when the bytes cannot be had. Never wrong bytes.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error>;

    /// The first range at or after `offset` that may hold data, not empty and inside the disk;
    /// all between is zeros. None when there is nothing but zeros to the end.
    ///
    /// # Errors
    /// When the file's tables cannot be read.
    fn data_after(&self, offset: u64) -> Result<Option<Range<u64>>, Error>;
}

/// Opens a file of that format. Its tables are walked once: what opens can be read to its end but
/// for what an error of the file or damaged compressed data takes away.
///
/// # Errors
/// When it is another format, damaged, over a limit, or needs what is not read here.
pub fn open(format: Format, medium: Box<dyn Medium>) -> Result<Box<dyn DiskFile>, Error> {
    Ok(match format {
        Format::Raw => Box::new(RawDisk::open(medium)?),
        Format::Qcow2 => Box::new(Qcow2Disk::open(medium)?),
        Format::Vhd => Box::new(VhdDisk::open(medium)?),
    })
}

/// The ranges of a disk that may hold data, ascending; the first error is the last item.
pub struct Ranges<'a> {
    disk: &'a dyn DiskFile,
    /// None after the end or an error.
    at: Option<u64>,
}

impl<'a> Ranges<'a> {
    /// Of the whole disk.
    #[must_use]
    pub const fn of(disk: &'a dyn DiskFile) -> Self {
        Self { disk, at: Some(0) }
    }
}

impl Iterator for Ranges<'_> {
    type Item = Result<Range<u64>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at.take()?;
        match self.disk.data_after(at) {
            Ok(Some(range)) => {
                self.at = Some(range.end);
                Some(Ok(range))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// Checks that the range lies in a disk of `size` bytes.
pub(crate) fn check_range(offset: u64, length: usize, size: u64) -> Result<(), Error> {
    let length = length as u64;
    match offset.checked_add(length) {
        Some(end) if end <= size => Ok(()),
        _ => Err(Error::OutOfRange { offset, length, size }),
    }
}

/// Checks the size that a header claims.
pub(crate) fn check_size(size: u64, limit: u64) -> Result<u64, Error> {
    if size > limit {
        return Err(Error::Limit { what: "the disk's size in bytes", found: size, limit });
    }
    Ok(size)
}
