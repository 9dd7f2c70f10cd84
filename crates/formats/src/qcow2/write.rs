//! A disk into a new qcow2 file of version 3, in one pass.
//!
//! ```text
//! header | L1 | data and, after the data of each, L2 tables | reference counts
//! ```
//!
//! Memory: one cluster, one L2 table, L1, and two bytes for each cluster of the file. The header
//! is written last: a file that ended early is not a qcow2 file.

use zstd::bulk::Compressor;

use super::{BIT_COMPRESSION, COMPRESSED, COPIED, HEADER_BYTES, MAGIC, SECTOR_BYTES, ZSTD};
use crate::{
    DiskFile, Error, Target,
    disk::check_size,
    fields::{bytes64, put},
    limits::DISK_BYTES_MAX,
    stream::{Granules, Watch},
};

const CLUSTER_BITS: u32 = 16;
const CLUSTER: u64 = 1 << CLUSTER_BITS;
/// Entries of an L2 table.
const L2_ENTRIES: u64 = CLUSTER / 8;
/// Reference counts in a block of them: 16 bits each.
const COUNTS: u64 = CLUSTER / 2;
/// Bits of a compressed entry that are an offset.
const PACKED_OFFSET_BITS: u32 = 62 - (CLUSTER_BITS - 8);
/// zstd's level: as QEMU's in ratio within some percent, at several times its speed.
const LEVEL: i32 = 1;

struct Writer<'a> {
    target: &'a mut dyn Target,
    l1: Vec<u64>,
    /// The L2 table that is filled now.
    l2: Vec<u64>,
    l2_index: u64,
    /// Reference count of each cluster of the file; its length is the file's, in clusters.
    counts: Vec<u16>,
    /// Where the next compressed cluster goes; at a border of clusters, anywhere.
    packed_at: u64,
    compressor: Option<Compressor<'static>>,
    packed: Vec<u8>,
}

pub(crate) fn write(
    source: &dyn DiskFile,
    target: &mut dyn Target,
    compressed: bool,
    watch: Watch<'_>,
) -> Result<(), Error> {
    let size = check_size(source.size(), DISK_BYTES_MAX)?.next_multiple_of(SECTOR_BYTES);
    let compressor = compressed.then(|| Compressor::new(LEVEL)).transpose();
    let l1 = vec![0; size.div_ceil(CLUSTER * L2_ENTRIES) as usize];
    let l1_clusters = (l1.len() as u64 * 8).div_ceil(CLUSTER) as usize;
    let mut writer = Writer {
        target,
        l1,
        l2: vec![0; L2_ENTRIES as usize],
        l2_index: 0,
        counts: vec![1; 1 + l1_clusters],
        packed_at: 0,
        compressor: compressor.map_err(Error::writing)?,
        packed: vec![0; CLUSTER as usize],
    };
    Granules::of(source, CLUSTER).each(watch, |index, bytes| writer.cluster(index, bytes))?;
    writer.finish(size, compressed)
}

impl Writer<'_> {
    fn cluster(&mut self, index: u64, bytes: &[u8]) -> Result<(), Error> {
        if index / L2_ENTRIES != self.l2_index {
            self.l2_write()?;
            self.l2_index = index / L2_ENTRIES;
        }
        let packed = match &mut self.compressor {
            // Room for less than a cluster only: what does not get smaller stays as it is.
            Some(compressor) => {
                let room = &mut self.packed[..CLUSTER as usize - 1];
                compressor.compress_to_buffer(bytes, room).ok()
            }
            None => None,
        };
        let entry = match packed {
            Some(length) => self.compressed(length)?,
            None => self.allocate(bytes)? | COPIED,
        };
        self.l2[(index % L2_ENTRIES) as usize] = entry;
        Ok(())
    }

    const fn end(&self) -> u64 {
        self.counts.len() as u64 * CLUSTER
    }

    /// Writes bytes to new clusters at the end of the file; where they begin.
    fn allocate(&mut self, bytes: &[u8]) -> Result<u64, Error> {
        let at = self.end();
        let clusters = (bytes.len() as u64).div_ceil(CLUSTER) as usize;
        self.counts.resize(self.counts.len() + clusters, 1);
        self.target.write_at(at, bytes).map_err(Error::writing)?;
        Ok(at)
    }

    /// Places `length` bytes of the buffer behind the compressed ones before; their entry.
    fn compressed(&mut self, length: usize) -> Result<u64, Error> {
        let border = self.packed_at.next_multiple_of(CLUSTER);
        let fits = self.packed_at + length as u64 <= border;
        // What does not fit may go on only into a cluster that comes next.
        if !fits && border != self.end() {
            self.packed_at = self.end();
        }
        let (at, end) = (self.packed_at, self.packed_at + length as u64);
        for cluster in at / CLUSTER..end.div_ceil(CLUSTER) {
            match self.counts.get_mut(cluster as usize) {
                Some(count) => *count += 1,
                None => self.counts.push(1),
            }
        }
        self.target.write_at(at, &self.packed[..length]).map_err(Error::writing)?;
        self.packed_at = end;
        let sectors = (end - 1) / SECTOR_BYTES - at / SECTOR_BYTES;
        Ok(COMPRESSED | sectors << PACKED_OFFSET_BITS | at)
    }

    /// Writes the L2 table that is filled, if anything is in it.
    fn l2_write(&mut self) -> Result<(), Error> {
        if self.l2.iter().all(|entry| *entry == 0) {
            return Ok(());
        }
        let table = bytes64(&self.l2);
        self.l1[self.l2_index as usize] = self.allocate(&table)? | COPIED;
        self.l2.fill(0);
        Ok(())
    }

    fn finish(mut self, size: u64, compressed: bool) -> Result<(), Error> {
        self.l2_write()?;
        self.target.write_at(CLUSTER, &bytes64(&self.l1)).map_err(Error::writing)?;
        let (at, clusters) = self.counts_write()?;
        self.target.set_length(self.end()).map_err(Error::writing)?;
        let header = header(size, self.l1.len(), at, clusters, compressed);
        self.target.write_at(0, &header).map_err(Error::writing)
    }

    /// Writes the reference counts, their own included; offset and clusters of their table.
    fn counts_write(&mut self) -> Result<(u64, u64), Error> {
        let used = self.counts.len() as u64;
        let (mut blocks, mut table) = (0, 0);
        while blocks * COUNTS < used + blocks + table {
            blocks += 1;
            table = (blocks * 8).div_ceil(CLUSTER);
        }
        let begin = self.end();
        self.counts.resize((used + blocks + table) as usize, 1);
        let mut bytes: Vec<u8> = self.counts.iter().flat_map(|c| c.to_be_bytes()).collect();
        bytes.resize((blocks * CLUSTER) as usize, 0);
        self.target.write_at(begin, &bytes).map_err(Error::writing)?;
        let entries: Vec<u64> = (0..blocks).map(|block| begin + block * CLUSTER).collect();
        let at = begin + blocks * CLUSTER;
        self.target.write_at(at, &bytes64(&entries)).map_err(Error::writing)?;
        Ok((at, table))
    }
}

/// The header, and eight zeros: no header extension follows.
fn header(size: u64, l1: usize, counts: u64, count_clusters: u64, zstd: bool) -> [u8; 120] {
    let mut out = [0; HEADER_BYTES + 8];
    put(&mut out, 0, &MAGIC);
    put(&mut out, 4, &3_u32.to_be_bytes());
    put(&mut out, 20, &CLUSTER_BITS.to_be_bytes());
    put(&mut out, 24, &size.to_be_bytes());
    put(&mut out, 36, &(l1 as u32).to_be_bytes());
    put(&mut out, 40, &CLUSTER.to_be_bytes());
    put(&mut out, 48, &counts.to_be_bytes());
    put(&mut out, 56, &(count_clusters as u32).to_be_bytes());
    if zstd {
        put(&mut out, 72, &BIT_COMPRESSION.to_be_bytes());
        out[104] = ZSTD;
    }
    // Reference counts of 2^4 bits.
    put(&mut out, 96, &4_u32.to_be_bytes());
    put(&mut out, 100, &(HEADER_BYTES as u32).to_be_bytes());
    out
}
