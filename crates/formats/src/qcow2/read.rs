//! An open qcow2 file as a disk.

use std::ops::Range;

use super::{
    cluster::Decoders,
    damaged,
    header::Header,
    table::{Cluster, Tables},
};
use crate::{DiskFile, Error, Medium, disk::check_range};

/// An open qcow2 file.
pub(crate) struct Qcow2Disk {
    medium: Box<dyn Medium>,
    header: Header,
    tables: Tables,
    decoders: Decoders,
}

impl Qcow2Disk {
    pub(crate) fn open(medium: Box<dyn Medium>) -> Result<Self, Error> {
        let header = Header::read(&*medium)?;
        let tables = Tables::open(&*medium, header)?;
        Ok(Self { medium, header, tables, decoders: Decoders::default() })
    }

    const fn cluster_size(&self) -> u64 {
        1 << self.header.cluster_bits
    }

    /// Fills `out` from `inside` the compressed cluster.
    fn unpack(&self, offset: u64, length: u64, inside: usize, out: &mut [u8]) -> Result<(), Error> {
        let mut packed = vec![0; length as usize];
        self.medium.read_at(offset, &mut packed).map_err(Error::reading)?;
        let compression = self.header.compression;
        let whole = self.cluster_size() as usize;
        let wrong = || damaged("compressed cluster", offset, "it does not decode to one cluster");
        if inside == 0 && out.len() == whole {
            return self.decoders.decode(compression, &packed, out).ok_or_else(wrong);
        }
        let mut cluster = vec![0; whole];
        self.decoders.decode(compression, &packed, &mut cluster).ok_or_else(wrong)?;
        out.copy_from_slice(&cluster[inside..inside + out.len()]);
        Ok(())
    }
}

impl DiskFile for Qcow2Disk {
    fn size(&self) -> u64 {
        self.header.size
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        check_range(offset, out.len(), self.header.size)?;
        let (mut at, mut rest) = (offset, out);
        while !rest.is_empty() {
            let inside = at % self.cluster_size();
            let length = (self.cluster_size() - inside).min(rest.len() as u64);
            let (part, after) = rest.split_at_mut(length as usize);
            match self.tables.cluster(&*self.medium, at / self.cluster_size())? {
                Cluster::None => part.fill(0),
                Cluster::Plain(begin) => {
                    self.medium.read_at(begin + inside, part).map_err(Error::reading)?;
                }
                Cluster::Compressed { offset, length } => {
                    self.unpack(offset, length, inside as usize, part)?;
                }
            }
            at += length;
            rest = after;
        }
        Ok(())
    }

    fn data_after(&self, offset: u64) -> Result<Option<Range<u64>>, Error> {
        let run = self.tables.run_after(&*self.medium, offset / self.cluster_size())?;
        let bytes = |run: Range<u64>| {
            let end = (run.end * self.cluster_size()).min(self.header.size);
            offset.max(run.start * self.cluster_size())..end
        };
        // The cluster of `offset` may end with the disk before it.
        Ok(run.map(bytes).filter(|range| !range.is_empty()))
    }
}
