//! What a disk should hold, as a model in memory, and what a volume or an image really holds.

use std::{collections::BTreeMap, fmt, os::unix::fs::FileExt, path::Path};

use base::SeededEntropy;
use blocks::{BLOCK_SIZE, BlockDevice, BlockSource};

/// The part of a disk that most writes go to.
const BUSY_AREA: u64 = 8 << 20;
/// Longest single write.
const WRITE_MAX: u64 = 3 * BLOCK_SIZE;

const ZEROS: [u8; BLOCK_SIZE as usize] = [0; BLOCK_SIZE as usize];

/// The blocks of a disk that are not all zeros.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Disk {
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a disk of {} blocks", self.blocks.len())
    }
}

impl Disk {
    /// Everything that `source` holds; reads no hole.
    pub fn read(source: &dyn BlockSource) -> Self {
        let mut disk = Self::default();
        let mut at = 0;
        for extent in source.extents(0, source.size()).unwrap() {
            let end = at + extent.length;
            while !extent.zero && at < end {
                let mut piece = vec![0; (end - at).min(1 << 20) as usize];
                source.read_at(at, &mut piece).unwrap();
                disk.put_blocks(at / BLOCK_SIZE, &piece);
                at += piece.len() as u64;
            }
            at = end;
        }
        disk
    }

    /// Takes whole blocks that were read.
    fn put_blocks(&mut self, first: u64, bytes: &[u8]) {
        for (block, bytes) in (first..).zip(bytes.chunks(BLOCK_SIZE as usize)) {
            if bytes != &ZEROS[..bytes.len()] {
                self.blocks.insert(block, bytes.to_vec());
            }
        }
    }

    /// Writes `bytes` at `offset`.
    pub fn put(&mut self, offset: u64, bytes: &[u8]) {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (block, inside) = (at / BLOCK_SIZE, (at % BLOCK_SIZE) as usize);
            let (now, later) = rest.split_at(rest.len().min(BLOCK_SIZE as usize - inside));
            let held = self.blocks.entry(block).or_insert_with(|| vec![0; BLOCK_SIZE as usize]);
            held[inside..inside + now.len()].copy_from_slice(now);
            if held == &ZEROS {
                self.blocks.remove(&block);
            }
            (at, rest) = (at + now.len() as u64, later);
        }
    }

    /// Bytes that are not in blocks of zeros.
    pub fn bytes(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK_SIZE
    }

    /// Writes the disk as a sparse raw file of `length` bytes.
    pub fn save(&self, path: &Path, length: u64) {
        let file = std::fs::File::create(path).unwrap();
        file.set_len(length).unwrap();
        for (block, bytes) in &self.blocks {
            file.write_all_at(bytes, block * BLOCK_SIZE).unwrap();
        }
    }

    /// Random writes, zeroed ranges and discards, to `device` and to this model alike.
    pub fn scribble(&mut self, device: &dyn BlockDevice, random: &SeededEntropy, times: usize) {
        let size = device.size();
        for _ in 0..times {
            let length = 1 + random.next_u64() % WRITE_MAX;
            // Sometimes far away, also where the disk ends.
            let from = match random.next_u64() % 10 {
                0 => random.next_u64() % (size - length),
                1 => size - length,
                _ => random.next_u64() % BUSY_AREA,
            };
            match random.next_u64() % 8 {
                0 => {
                    device.write_zeroes(from, length, false, false).unwrap();
                    self.put(from, &vec![0; length as usize]);
                }
                1 => {
                    device.discard(from, length).unwrap();
                    self.put(from, &vec![0; length as usize]);
                }
                _ => {
                    let bytes = noise(random, length as usize);
                    device.write_at(from, &bytes, false).unwrap();
                    self.put(from, &bytes);
                }
            }
        }
        device.flush().unwrap();
    }

    /// Random blocks from the beginning on, every other one.
    pub fn noisy(random: &SeededEntropy, blocks: u64) -> Self {
        let mut disk = Self::default();
        for block in 0..blocks {
            disk.put(2 * block * BLOCK_SIZE, &noise(random, BLOCK_SIZE as usize));
        }
        disk
    }

    /// Says where two disks differ.
    pub fn same_as(&self, other: &Self, what: &str) -> Result<(), String> {
        let all: std::collections::BTreeSet<_> =
            self.blocks.keys().chain(other.blocks.keys()).collect();
        let wrong: Vec<_> =
            all.into_iter().filter(|b| self.blocks.get(b) != other.blocks.get(b)).collect();
        match wrong.first() {
            None => Ok(()),
            Some(first) => {
                Err(format!("{what}: {} blocks differ, the first is {first}", wrong.len()))
            }
        }
    }
}

/// Bytes that compress to about half.
fn noise(random: &SeededEntropy, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    base::Entropy::fill(random, &mut bytes);
    for pair in bytes.chunks_exact_mut(2) {
        pair[1] = 1;
    }
    bytes
}
