//! Where the files of a disk lie, and in which order they are written.
//!
//! It refuses to know what is in them. Its invariants: every write is whole blocks inside the
//! disk; files of one folder lie near each other, folders anywhere.
//!
//! As a file system does it: a disk is cut into groups of 128 MiB; the files of a folder are laid
//! one after another into one group, until it has its fill and the next one is taken from
//! anywhere; every few files a block of the group's tables is written again.

use super::stream::{Kind, Random, Stream};

const BLOCK: u64 = 4096;
const GROUP: u64 = 128 << 20;
/// Of a group, what its tables take.
const TABLES: u64 = 2 << 20;
/// Longest write.
const WRITE_MAX: usize = 1 << 20;
/// Files after which a block of the tables is written.
const FILES_PER_TABLE: u64 = 16;
/// Places that a day of use writes to again and again: logs, databases, tables.
const HOT_PLACES: u64 = 48;
/// Writes at each of them.
const HOT_WRITES: u64 = 6;

/// A range that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In bytes.
    pub offset: u64,
    /// In bytes.
    pub length: usize,
}

/// A disk that is being filled.
pub struct Disk {
    capacity: u64,
    random: Random,
    streams: [Stream; 4],
    /// Bytes of each kind so far.
    written: [u64; 4],
    /// Of each group, how far it is filled.
    filled: Vec<u64>,
    group: usize,
    /// How far the present group may be filled.
    fill: u64,
    files: u64,
}

/// Told of each write.
pub type Sink<'a> = &'a mut dyn FnMut(u64, &[u8]) -> anyhow::Result<()>;

impl Disk {
    /// An empty disk of `capacity` bytes.
    pub fn new(capacity: u64, seed: u64) -> Self {
        let groups = (capacity / GROUP).max(1) as usize;
        Self {
            capacity,
            random: Random::new(seed),
            streams: Kind::SHARES.map(|(kind, _)| Stream::new(kind, seed)),
            written: [0; 4],
            filled: vec![TABLES; groups],
            group: 0,
            fill: GROUP / 2,
            files: 0,
        }
    }

    /// Writes new files of about `bytes` in all.
    pub fn grow(&mut self, bytes: u64, sink: Sink<'_>) -> anyhow::Result<()> {
        let mut left = bytes;
        while left > 0 {
            let which = self.kind_next();
            let (least, most) = match Kind::SHARES[which].0 {
                Kind::Binary => (16 << 10, 8 << 20),
                Kind::Text => (4 << 10, 256 << 10),
                Kind::Noise => (64 << 10, 16 << 20),
                Kind::Zero => (64 << 10, 1 << 20),
            };
            let length = self.random.doubling(least, most).next_multiple_of(BLOCK);
            let length = length.min(left.next_multiple_of(BLOCK));
            self.file(which, length, sink)?;
            left = left.saturating_sub(length);
        }
        Ok(())
    }

    /// What a day of use writes: small writes again and again at a few places, and new files.
    pub fn change(&mut self, bytes: u64, sink: Sink<'_>) -> anyhow::Result<()> {
        let mut block = vec![0; 4 * BLOCK as usize];
        let mut small = 0;
        for _ in 0..HOT_PLACES {
            let group = self.group_used();
            let within = self.filled[group].max(TABLES + BLOCK);
            let from = self.random.below(within / BLOCK) * BLOCK;
            for _ in 0..HOT_WRITES {
                if small + block.len() as u64 > bytes / 4 {
                    break;
                }
                let near = from + self.random.below(32) * BLOCK;
                let offset = group as u64 * GROUP + near;
                if offset + block.len() as u64 > self.capacity {
                    continue;
                }
                self.streams[1].fill(&mut block);
                sink(offset, &block)?;
                small += block.len() as u64;
            }
        }
        self.grow(bytes - small, sink)
    }

    /// The kind that is most behind its share.
    fn kind_next(&self) -> usize {
        let behind = |which: usize| self.written[which] * 100 / Kind::SHARES[which].1;
        (0..4).min_by_key(|which| behind(*which)).unwrap_or(0)
    }

    /// A group that has files.
    fn group_used(&mut self) -> usize {
        let used: Vec<_> = (0..self.filled.len()).filter(|g| self.filled[*g] > TABLES).collect();
        let at = self.random.below(used.len().max(1) as u64) as usize;
        used.get(at).copied().unwrap_or(0)
    }

    /// Room for `length` bytes; where it begins.
    fn place(&mut self, length: u64) -> anyhow::Result<u64> {
        let ends = |group: usize| ((group as u64 + 1) * GROUP).min(self.capacity);
        let fits = |group: usize, at: u64, fill: u64| {
            let start = group as u64 * GROUP;
            at + length <= fill && start + at + length <= ends(group)
        };
        let groups = self.filled.len();
        for attempt in 0..4 * groups {
            // At the end any group with room will do.
            let fill = if attempt < 2 * groups { self.fill } else { GROUP };
            if fits(self.group, self.filled[self.group], fill) {
                let at = self.filled[self.group];
                self.filled[self.group] += length;
                return Ok(self.group as u64 * GROUP + at);
            }
            self.group = self.random.below(groups as u64) as usize;
            self.fill = self.random.doubling(GROUP / 8, GROUP);
        }
        anyhow::bail!("a disk of {} bytes has no room for the data set", self.capacity)
    }

    fn file(&mut self, which: usize, length: u64, sink: Sink<'_>) -> anyhow::Result<()> {
        let mut at = self.place(length)?;
        let mut left = length as usize;
        let mut buffer = vec![0; left.min(WRITE_MAX)];
        while left > 0 {
            let part = &mut buffer[..left.min(WRITE_MAX)];
            self.streams[which].fill(part);
            sink(at, part)?;
            at += part.len() as u64;
            left -= part.len();
        }
        self.written[which] += length;
        self.files += 1;
        if self.files.is_multiple_of(FILES_PER_TABLE) {
            let table = self.random.below(TABLES / BLOCK) * BLOCK;
            let mut block = vec![0; BLOCK as usize];
            self.streams[1].fill(&mut block);
            sink(self.group as u64 * GROUP + table, &block)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: u64 = 4 << 30;

    fn writes(seed: u64) -> Vec<(u64, usize, u64)> {
        let mut out = Vec::new();
        let mut sink = |offset: u64, bytes: &[u8]| {
            let sum = bytes.iter().fold(0_u64, |sum, b| sum.wrapping_mul(31) + u64::from(*b));
            out.push((offset, bytes.len(), sum));
            Ok(())
        };
        let mut disk = Disk::new(CAPACITY, seed);
        disk.grow(4 << 20, &mut sink).unwrap();
        disk.change(1 << 20, &mut sink).unwrap();
        out
    }

    #[test]
    fn the_same_seed_writes_the_same_bytes_to_the_same_places() {
        assert_eq!(writes(5), writes(5));
        assert_ne!(writes(5), writes(6));
    }

    #[test]
    fn every_write_is_whole_blocks_inside_the_disk() {
        for (offset, length, _) in writes(7) {
            assert!(offset.is_multiple_of(BLOCK) && (length as u64).is_multiple_of(BLOCK));
            assert!(length <= WRITE_MAX && offset + length as u64 <= CAPACITY);
        }
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let mut disk = Disk::new(2 * TABLES, 1);
        assert!(disk.grow(2 * TABLES, &mut |_, _| Ok(())).is_err());
    }
}
