//! A disk into a new vhd file. The footer is written last: a file that ended early is not a vhd
//! file.

use super::{
    SECTOR_BYTES, UNUSED,
    footer::{FOOTER_BYTES, Footer, HEADER_BYTES, Header, Kind},
};
use crate::{
    DiskFile, Error, Stamp, Target,
    disk::check_size,
    limits::VHD_DISK_BYTES_MAX,
    stream::{Granules, Watch},
};

/// What everyone's dynamic disks have.
const BLOCK_BYTES: u64 = 2 << 20;
/// One bit for each sector of a block.
const BITMAP_BYTES: u64 = BLOCK_BYTES / SECTOR_BYTES / 8;
/// Zeros of a fixed disk are looked for in pieces of this size, in bytes.
const GRANULE_BYTES: u64 = 64 << 10;

fn size_of(source: &dyn DiskFile) -> Result<u64, Error> {
    Ok(check_size(source.size(), VHD_DISK_BYTES_MAX)?.next_multiple_of(SECTOR_BYTES))
}

pub(crate) fn write_fixed(
    source: &dyn DiskFile,
    target: &mut dyn Target,
    stamp: &Stamp,
    watch: Watch<'_>,
) -> Result<(), Error> {
    let size = size_of(source)?;
    Granules::of(source, GRANULE_BYTES).each(watch, |index, bytes| {
        let at = index * GRANULE_BYTES;
        let length = (size - at).min(GRANULE_BYTES) as usize;
        target.write_at(at, &bytes[..length]).map_err(Error::writing)
    })?;
    let footer = Footer { kind: Kind::Fixed, size, header_at: u64::MAX };
    target.write_at(size, &footer.to_bytes(stamp)).map_err(Error::writing)
}

pub(crate) fn write_dynamic(
    source: &dyn DiskFile,
    target: &mut dyn Target,
    stamp: &Stamp,
    watch: Watch<'_>,
) -> Result<(), Error> {
    let size = size_of(source)?;
    let entries = size.div_ceil(BLOCK_BYTES);
    let table_at = (FOOTER_BYTES + HEADER_BYTES) as u64;
    let table_bytes = (entries * 4).next_multiple_of(SECTOR_BYTES);
    let mut table = vec![UNUSED; table_bytes as usize / 4];
    let mut end = table_at + table_bytes;
    Granules::of(source, BLOCK_BYTES).each(watch, |index, bytes| {
        // INVARIANT: 2040 GiB in blocks and their bitmaps are fewer than 2^32 sectors.
        table[index as usize] = (end / SECTOR_BYTES) as u32;
        target.write_at(end, &[0xff; BITMAP_BYTES as usize]).map_err(Error::writing)?;
        target.write_at(end + BITMAP_BYTES, bytes).map_err(Error::writing)?;
        end += BITMAP_BYTES + BLOCK_BYTES;
        Ok(())
    })?;
    let header_at = FOOTER_BYTES as u64;
    let header = Header { table_at, entries: entries as u32, block_bytes: BLOCK_BYTES as u32 };
    let footer = Footer { kind: Kind::Dynamic, size, header_at }.to_bytes(stamp);
    let table: Vec<u8> = table.iter().flat_map(|sector| sector.to_be_bytes()).collect();
    let parts: [(u64, &[u8]); 4] =
        [(header_at, &header.to_bytes()), (table_at, &table), (0, &footer), (end, &footer)];
    for (at, bytes) in parts {
        target.write_at(at, bytes).map_err(Error::writing)?;
    }
    Ok(())
}
