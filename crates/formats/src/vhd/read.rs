//! An open vhd file as a disk.

use std::ops::Range;

use super::{
    SECTOR_BYTES, UNUSED, damaged,
    footer::{FOOTER_BYTES, Footer, HEADER_BYTES, Header, Kind},
};
use crate::{DiskFile, Error, Format, Medium, disk::check_range, fields::table32};

/// An open vhd file.
pub(crate) struct VhdDisk {
    medium: Box<dyn Medium>,
    size: u64,
    /// None: a fixed disk.
    blocks: Option<Blocks>,
}

/// Where the blocks of a dynamic disk are.
struct Blocks {
    block_bytes: u64,
    bitmap_bytes: u64,
    /// First sector of each block; [`UNUSED`] for none.
    table: Vec<u32>,
}

impl VhdDisk {
    pub(crate) fn open(medium: Box<dyn Medium>) -> Result<Self, Error> {
        let short =
            Error::NotThisFormat { format: Format::Vhd, why: "it is shorter than a footer" };
        let footer_at = medium.length().checked_sub(FOOTER_BYTES as u64).ok_or(short)?;
        let mut bytes = [0; FOOTER_BYTES];
        medium.read_at(footer_at, &mut bytes).map_err(Error::reading)?;
        let footer = Footer::parse(&bytes, footer_at)?;
        let blocks = match footer.kind {
            Kind::Fixed if footer.size > footer_at => {
                return Err(damaged("footer", footer_at, "the disk is larger than the file"));
            }
            Kind::Fixed => None,
            Kind::Dynamic => Some(Blocks::read(&*medium, &footer, footer_at)?),
        };
        Ok(Self { medium, size: footer.size, blocks })
    }
}

impl Blocks {
    fn read(medium: &dyn Medium, footer: &Footer, end: u64) -> Result<Self, Error> {
        let at = footer.header_at;
        if at.checked_add(HEADER_BYTES as u64).is_none_or(|after| after > end) {
            return Err(damaged("footer", end, "the header is not inside the file"));
        }
        let mut bytes = [0; HEADER_BYTES];
        medium.read_at(at, &mut bytes).map_err(Error::reading)?;
        let header = Header::parse(&bytes, at)?;
        let block_bytes = u64::from(header.block_bytes);
        // INVARIANT: at most 2040 GiB in blocks of 512 KiB: the table takes 16 MiB at most.
        let entries = footer.size.div_ceil(block_bytes);
        if entries > header.entries.into() {
            return Err(damaged("header", at, "its BAT is too short for the disk"));
        }
        if header.table_at.checked_add(entries * 4).is_none_or(|after| after > end) {
            return Err(damaged("header", at, "its BAT is not inside the file"));
        }
        let mut bytes = vec![0; entries as usize * 4];
        medium.read_at(header.table_at, &mut bytes).map_err(Error::reading)?;
        let bitmap_bytes = (block_bytes / SECTOR_BYTES / 8).next_multiple_of(SECTOR_BYTES);
        let blocks = Self { block_bytes, bitmap_bytes, table: table32(&bytes) };
        blocks.check(header.table_at, end)?;
        Ok(blocks)
    }

    /// Every block lies in the file, and none over another.
    fn check(&self, table_at: u64, end: u64) -> Result<(), Error> {
        let stride = self.bitmap_bytes + self.block_bytes;
        let mut used: Vec<u64> = self.begins().collect();
        used.sort_unstable();
        if used.last().is_some_and(|last| last + stride > end) {
            return Err(damaged("BAT", table_at, "a block is not inside the file"));
        }
        if used.windows(2).any(|pair| pair[1] - pair[0] < stride) {
            return Err(damaged("BAT", table_at, "blocks overlap"));
        }
        Ok(())
    }

    fn begins(&self) -> impl Iterator<Item = u64> {
        let used = self.table.iter().filter(|sector| **sector != UNUSED);
        used.map(|sector| u64::from(*sector) * SECTOR_BYTES)
    }

    /// Where a block begins.
    fn begin(&self, index: u64) -> Option<u64> {
        let sector = self.table[index as usize];
        (sector != UNUSED).then(|| u64::from(sector) * SECTOR_BYTES)
    }

    /// Fills `out` from `inside` the block at `begin`: its data, but zeros where the bitmap has
    /// no bit.
    fn fill(
        &self,
        medium: &dyn Medium,
        begin: u64,
        inside: u64,
        out: &mut [u8],
    ) -> Result<(), Error> {
        let (first, last) = (inside / SECTOR_BYTES, (inside + out.len() as u64 - 1) / SECTOR_BYTES);
        let mut bitmap = vec![0; (last / 8 - first / 8 + 1) as usize];
        medium.read_at(begin + first / 8, &mut bitmap).map_err(Error::reading)?;
        let from = begin + self.bitmap_bytes + inside;
        medium.read_at(from, out).map_err(Error::reading)?;
        if bitmap.iter().all(|byte| *byte == 0xff) {
            return Ok(());
        }
        for sector in first..=last {
            let byte = bitmap[(sector / 8 - first / 8) as usize];
            if byte & (0x80 >> (sector % 8)) == 0 {
                let from = (sector * SECTOR_BYTES).saturating_sub(inside) as usize;
                let to = ((sector + 1) * SECTOR_BYTES - inside) as usize;
                let to = to.min(out.len());
                out[from..to].fill(0);
            }
        }
        Ok(())
    }

    /// The first run of blocks at or after `index` that are there, as indexes.
    fn run_after(&self, index: u64) -> Option<Range<u64>> {
        let rest = self.table.get(index as usize..)?;
        let first = rest.iter().position(|sector| *sector != UNUSED)?;
        let length = rest[first..].iter().take_while(|sector| **sector != UNUSED).count();
        let first = index + first as u64;
        Some(first..first + length as u64)
    }
}

impl DiskFile for VhdDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        check_range(offset, out.len(), self.size)?;
        let Some(blocks) = &self.blocks else {
            return self.medium.read_at(offset, out).map_err(Error::reading);
        };
        let (mut at, mut rest) = (offset, out);
        while !rest.is_empty() {
            let inside = at % blocks.block_bytes;
            let length = (blocks.block_bytes - inside).min(rest.len() as u64);
            let (part, after) = rest.split_at_mut(length as usize);
            match blocks.begin(at / blocks.block_bytes) {
                Some(begin) => blocks.fill(&*self.medium, begin, inside, part)?,
                None => part.fill(0),
            }
            at += length;
            rest = after;
        }
        Ok(())
    }

    fn data_after(&self, offset: u64) -> Result<Option<Range<u64>>, Error> {
        if offset >= self.size {
            return Ok(None);
        }
        let Some(blocks) = &self.blocks else {
            let found = self.medium.data_after(offset).map_err(Error::reading)?;
            // The footer is data of the file, not of the disk.
            return Ok(found.map(|r| r.start..r.end.min(self.size)).filter(|r| !r.is_empty()));
        };
        let run = blocks.run_after(offset / blocks.block_bytes);
        Ok(run.map(|run| {
            let end = (run.end * blocks.block_bytes).min(self.size);
            offset.max(run.start * blocks.block_bytes)..end
        }))
    }
}
