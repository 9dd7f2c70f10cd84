//! L1 and L2 tables, checked: where each cluster of the disk is.
//!
//! Invariant: no entry leads outside the file; no two entries of L1 lead to one L2 table, so that
//! a walk costs no more than the file is long.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use super::{COMPRESSED, COPIED, OFFSET_MASK, SECTOR_BYTES, damaged, header::Header};
use crate::{
    Error, Medium,
    fields::table64,
    limits::{L2_TABLES_CACHED, RATIO_FILE_BYTES_MIN, RATIO_MAX},
};

/// Reads as zeros; only in version 3.
const ZERO: u64 = 1;

/// Where a cluster of the disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cluster {
    /// Zeros.
    None,
    /// At this offset in the file.
    Plain(u64),
    /// Compressed, in these bytes of the file and no more.
    Compressed { offset: u64, length: u64 },
}

/// The L2 tables that were used last.
type Cached = VecDeque<(u64, Arc<[u64]>)>;

/// The map of an open file.
pub(super) struct Tables {
    header: Header,
    /// Length of the file, in bytes.
    length: u64,
    /// Offsets of L2 tables; zero is none.
    l1: Vec<u64>,
    cached: Mutex<Cached>,
}

impl Tables {
    /// Reads L1 and walks all L2 tables once.
    pub(super) fn open(medium: &dyn Medium, header: Header) -> Result<Self, Error> {
        let mut bytes = vec![0; header.l1_entries as usize * 8];
        medium.read_at(header.l1_offset, &mut bytes).map_err(Error::reading)?;
        let mut l1 = table64(&bytes);
        drop(bytes);
        let length = medium.length();
        for (index, entry) in l1.iter_mut().enumerate() {
            let at = header.l1_offset + 8 * index as u64;
            *entry = l1_entry(*entry, at, &header, length)?;
        }
        let mut used: Vec<u64> = l1.iter().copied().filter(|offset| *offset != 0).collect();
        used.sort_unstable();
        if let Some(twice) = used.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(damaged("L2 table", twice[0], "two entries of L1 lead to it"));
        }
        let tables = Self { header, length, l1, cached: Mutex::default() };
        tables.walk(medium)?;
        Ok(tables)
    }

    /// Checks every entry, and how much disk the file claims to hold.
    fn walk(&self, medium: &dyn Medium) -> Result<(), Error> {
        let mut mapped = 0;
        for (index, offset) in self.l1.iter().enumerate().filter(|(_, offset)| **offset != 0) {
            let table = self.l2_read(medium, *offset)?;
            let first = index as u64 * self.l2_entries();
            let inside = (self.clusters() - first).min(self.l2_entries());
            for (place, entry) in table.iter().enumerate().take(inside as usize) {
                let cluster = self.decode(*entry, first + place as u64, *offset)?;
                mapped += u64::from(cluster != Cluster::None) << self.header.cluster_bits;
            }
        }
        let limit = self.length.max(RATIO_FILE_BYTES_MIN).saturating_mul(RATIO_MAX);
        if mapped > limit {
            let what = "the data of the disk, in bytes, for a file this small,";
            return Err(Error::Limit { what, found: mapped, limit });
        }
        Ok(())
    }

    /// Entries of an L2 table.
    const fn l2_entries(&self) -> u64 {
        1 << (self.header.cluster_bits - 3)
    }

    /// Clusters of the disk.
    const fn clusters(&self) -> u64 {
        self.header.size.div_ceil(1 << self.header.cluster_bits)
    }

    /// Where cluster `index` is.
    pub(super) fn cluster(&self, medium: &dyn Medium, index: u64) -> Result<Cluster, Error> {
        let offset = self.l1[(index / self.l2_entries()) as usize];
        if offset == 0 {
            return Ok(Cluster::None);
        }
        let table = self.l2(medium, offset)?;
        self.decode(table[(index % self.l2_entries()) as usize], index, offset)
    }

    /// The first run of clusters at or after `index` that are somewhere, as indexes.
    pub(super) fn run_after(
        &self,
        medium: &dyn Medium,
        index: u64,
    ) -> Result<Option<std::ops::Range<u64>>, Error> {
        let mut found: Option<u64> = None;
        let mut at = index;
        while at < self.clusters() {
            let offset = self.l1[(at / self.l2_entries()) as usize];
            let end = (at / self.l2_entries() + 1) * self.l2_entries();
            let end = end.min(self.clusters());
            if offset == 0 {
                if let Some(first) = found {
                    return Ok(Some(first..at));
                }
                at = end;
                continue;
            }
            let table = self.l2(medium, offset)?;
            while at < end {
                let entry = table[(at % self.l2_entries()) as usize];
                match (self.decode(entry, at, offset)?, found) {
                    (Cluster::None, Some(first)) => return Ok(Some(first..at)),
                    (Cluster::None, None) | (_, Some(_)) => {}
                    (_, None) => found = Some(at),
                }
                at += 1;
            }
        }
        Ok(found.map(|first| first..at))
    }

    fn l2(&self, medium: &dyn Medium, offset: u64) -> Result<Arc<[u64]>, Error> {
        let cached = || self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, table)) = cached().iter().find(|(at, _)| *at == offset) {
            return Ok(Arc::clone(table));
        }
        let table: Arc<[u64]> = self.l2_read(medium, offset)?.into();
        let mut cached = cached();
        if cached.len() >= L2_TABLES_CACHED {
            cached.pop_front();
        }
        cached.push_back((offset, Arc::clone(&table)));
        Ok(table)
    }

    fn l2_read(&self, medium: &dyn Medium, offset: u64) -> Result<Vec<u64>, Error> {
        let mut bytes = vec![0; 1 << self.header.cluster_bits];
        medium.read_at(offset, &mut bytes).map_err(Error::reading)?;
        Ok(table64(&bytes))
    }

    /// What an entry of an L2 table says of cluster `index`.
    fn decode(&self, entry: u64, index: u64, table: u64) -> Result<Cluster, Error> {
        let at = table + 8 * (index % self.l2_entries());
        let wrong = |why| Err(damaged("L2 entry", at, why));
        if entry & COMPRESSED != 0 {
            return self.decode_compressed(entry, at);
        }
        if entry & !(OFFSET_MASK | COPIED | ZERO) != 0 {
            return wrong("reserved bits are set");
        }
        if entry & ZERO != 0 {
            if self.header.version < 3 {
                return wrong("a zero cluster, which version 2 does not have");
            }
            return Ok(Cluster::None);
        }
        let offset = entry & OFFSET_MASK;
        if offset == 0 {
            return Ok(Cluster::None);
        }
        if !offset.is_multiple_of(1 << self.header.cluster_bits) {
            return wrong("its data does not begin at a cluster");
        }
        // The last cluster of a disk may be shorter than others, and the file end with it.
        let begin = index << self.header.cluster_bits;
        let needed = (self.header.size - begin).min(1 << self.header.cluster_bits);
        if offset.saturating_add(needed) > self.length {
            return wrong("its data is not inside the file");
        }
        Ok(Cluster::Plain(offset))
    }

    fn decode_compressed(&self, entry: u64, at: u64) -> Result<Cluster, Error> {
        let offset_bits = 62 - (self.header.cluster_bits - 8);
        let offset = entry & ((1 << offset_bits) - 1);
        let more = (entry & (COMPRESSED - 1)) >> offset_bits;
        if offset == 0 || offset >= self.length {
            return Err(damaged("L2 entry", at, "its compressed data is not inside the file"));
        }
        // The last sector may be shorter than others.
        let length = (more + 1) * SECTOR_BYTES - offset % SECTOR_BYTES;
        Ok(Cluster::Compressed { offset, length: length.min(self.length - offset) })
    }
}

fn l1_entry(entry: u64, at: u64, header: &Header, length: u64) -> Result<u64, Error> {
    let offset = entry & OFFSET_MASK;
    if entry & !(OFFSET_MASK | COPIED) != 0 {
        return Err(damaged("L1 entry", at, "reserved bits are set"));
    }
    if !offset.is_multiple_of(1 << header.cluster_bits) {
        return Err(damaged("L1 entry", at, "its L2 table does not begin at a cluster"));
    }
    if offset != 0 && offset.saturating_add(1 << header.cluster_bits) > length {
        return Err(damaged("L1 entry", at, "its L2 table is not inside the file"));
    }
    Ok(offset)
}
