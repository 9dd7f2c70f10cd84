//! Raw: the file is the disk. Holes of the file are holes of the disk.

use std::ops::Range;

use crate::{
    DiskFile, Error, Medium, Target,
    disk::{check_range, check_size},
    limits::DISK_BYTES_MAX,
    stream::{Granules, Watch},
};

/// Zeros are looked for in pieces of this size, in bytes.
const GRANULE_BYTES: u64 = 64 << 10;

/// An open raw file.
pub(crate) struct RawDisk {
    medium: Box<dyn Medium>,
    size: u64,
}

impl RawDisk {
    pub(crate) fn open(medium: Box<dyn Medium>) -> Result<Self, Error> {
        let size = check_size(medium.length(), DISK_BYTES_MAX)?;
        Ok(Self { medium, size })
    }
}

impl DiskFile for RawDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        check_range(offset, out.len(), self.size)?;
        self.medium.read_at(offset, out).map_err(Error::reading)
    }

    fn data_after(&self, offset: u64) -> Result<Option<Range<u64>>, Error> {
        if offset >= self.size {
            return Ok(None);
        }
        let found = self.medium.data_after(offset).map_err(Error::reading)?;
        // The file may have grown since it was opened.
        Ok(found.map(|r| r.start..r.end.min(self.size)).filter(|range| !range.is_empty()))
    }
}

pub(crate) fn write(
    source: &dyn DiskFile,
    target: &mut dyn Target,
    watch: Watch<'_>,
) -> Result<(), Error> {
    target.set_length(source.size()).map_err(Error::writing)?;
    Granules::of(source, GRANULE_BYTES).each(watch, |index, bytes| {
        let at = index * GRANULE_BYTES;
        let length = bytes.len().min((source.size() - at) as usize);
        target.write_at(at, &bytes[..length]).map_err(Error::writing)
    })
}
