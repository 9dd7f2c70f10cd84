//! Writing a layer: data first, state second, both before the answer.
//!
//! It refuses to make anything durable; that is `flush`. Its invariants: a block becomes PRESENT
//! only after all its 4 KiB are in the data file, and two writes inside one block are one after
//! the other (invariant 4). The state goes into memory that outlives the process, so the
//! process's death takes back nothing that was answered.
//!
//! Next to read: `flush`.

use std::sync::atomic::Ordering;

use crate::layer::engine::{Core, Geometry, Piece, pieces, with_buffer};
use crate::layer::map::{REGION_BLOCKS, REGION_BYTES, RegionSet, State};
use crate::{BLOCK_SIZE, Error};

const BLOCK: usize = BLOCK_SIZE as usize;
static ZEROS: [u8; REGION_BYTES as usize] = [0; REGION_BYTES as usize];

impl Core {
    pub(super) fn write(&self, offset: u64, data: &[u8], fua: bool) -> Result<(), Error> {
        {
            let geometry = self.writable()?;
            geometry.check(offset, data.len() as u64)?;
            for piece in pieces(offset, data.len() as u64) {
                self.write_piece(&geometry, piece, &data[piece.from..piece.to])?;
            }
        }
        self.acknowledge(fua)
    }

    fn acknowledge(&self, fua: bool) -> Result<(), Error> {
        if fua { self.flush() } else { self.check_poison() }
    }

    fn write_piece(&self, geometry: &Geometry, piece: Piece, data: &[u8]) -> Result<(), Error> {
        let first = piece.at / BLOCK_SIZE;
        let blocks = (piece.at + data.len() as u64).div_ceil(BLOCK_SIZE) - first;
        let map = &geometry.map;
        map.touch(first, blocks)?;
        let _alone = self.stripe(piece.region).write();
        self.check_before_change(geometry, piece.region, first, blocks)?;
        self.take_room(map, first, blocks)?;
        with_buffer(|buffer| {
            let stored = &mut buffer[..blocks as usize * BLOCK];
            if data.len() == stored.len() {
                self.xts.seal_into(first, data, stored)?;
            } else {
                self.compose(geometry, piece.at, data, stored)?;
                self.xts.seal(first, stored)?;
            }
            map.put_in(RegionSet::Stale, piece.region);
            let _no_punch = self.punching.read();
            self.data_dirty.store(true, Ordering::Release);
            self.data.write_all(first * BLOCK_SIZE, stored)?;
            // Again, for a flush may have taken the flag while the write was under way.
            self.data_dirty.store(true, Ordering::Release);
            map.set(first, blocks, State::Present);
            Ok(())
        })
    }

    /// Rot must not be summed anew: unless all of a region is replaced it is checked first.
    fn check_before_change(
        &self,
        geometry: &Geometry,
        region: u64,
        first: u64,
        blocks: u64,
    ) -> Result<(), Error> {
        let whole = blocks == REGION_BLOCKS && first.is_multiple_of(REGION_BLOCKS);
        if whole {
            geometry.map.take_out(RegionSet::Unverified, region);
            return Ok(());
        }
        self.verify(&geometry.map, region)
    }

    /// The plain blocks that `data` at `at` touches, with what they held around it.
    fn compose(
        &self,
        geometry: &Geometry,
        at: u64,
        data: &[u8],
        blocks: &mut [u8],
    ) -> Result<(), Error> {
        let first = at / BLOCK_SIZE;
        let last = first + (blocks.len() / BLOCK) as u64 - 1;
        let skip = (at % BLOCK_SIZE) as usize;
        let end = skip + data.len();
        if skip != 0 {
            self.load_block(geometry, first, &mut blocks[..BLOCK])?;
        }
        if end != blocks.len() && (last != first || skip == 0) {
            let tail = blocks.len() - BLOCK;
            self.load_block(geometry, last, &mut blocks[tail..])?;
        }
        blocks[skip..end].copy_from_slice(data);
        Ok(())
    }

    pub(super) fn write_zeroes(
        &self,
        offset: u64,
        length: u64,
        keep_allocated: bool,
        fua: bool,
    ) -> Result<(), Error> {
        {
            let geometry = self.writable()?;
            geometry.check(offset, length)?;
            for piece in pieces(offset, length) {
                if keep_allocated {
                    self.write_piece(&geometry, piece, &ZEROS[..piece.to - piece.from])?;
                } else {
                    self.zero_piece(&geometry, piece)?;
                }
            }
        }
        self.acknowledge(fua)
    }

    /// Whole blocks become ZERO; what is cut off at either end is written as zeros.
    fn zero_piece(&self, geometry: &Geometry, piece: Piece) -> Result<(), Error> {
        let end = piece.at + (piece.to - piece.from) as u64;
        // The device's last block may be short: what is past the end does not count.
        let whole_end =
            if end == geometry.capacity { end.div_ceil(BLOCK_SIZE) } else { end / BLOCK_SIZE };
        let first = piece.at.div_ceil(BLOCK_SIZE);
        let head_end = end.min(first * BLOCK_SIZE);
        if piece.at < head_end {
            self.zero_edge(geometry, piece.region, piece.at, head_end)?;
        }
        if first < whole_end {
            self.zero_blocks(geometry, piece.region, first, whole_end)?;
        }
        // A range may cross a border between blocks without holding a whole one.
        let tail = first.max(whole_end) * BLOCK_SIZE;
        if tail < end {
            self.zero_edge(geometry, piece.region, tail, end)?;
        }
        Ok(())
    }

    /// Zeroes a part of one block.
    fn zero_edge(&self, geometry: &Geometry, region: u64, at: u64, end: u64) -> Result<(), Error> {
        if self.reads_zero(geometry, at / BLOCK_SIZE) {
            return Ok(());
        }
        let length = (end - at) as usize;
        self.write_piece(geometry, Piece { region, at, from: 0, to: length }, &ZEROS[..length])
    }

    /// It reads as zeros already, without a look at any data.
    fn reads_zero(&self, geometry: &Geometry, block: u64) -> bool {
        match geometry.map.state(block) {
            State::Zero => true,
            State::Absent => block * BLOCK_SIZE >= self.overlap,
            State::Present => false,
        }
    }

    fn zero_blocks(
        &self,
        geometry: &Geometry,
        region: u64,
        first: u64,
        end: u64,
    ) -> Result<(), Error> {
        let map = &geometry.map;
        if !map.is_touched(first) && first * BLOCK_SIZE >= self.overlap {
            return Ok(());
        }
        map.touch(first, end - first)?;
        let _alone = self.stripe(region).write();
        self.check_before_change(geometry, region, first, end - first)?;
        let mut block = first;
        while block < end {
            let stop = (block..end).find(|b| self.reads_zero(geometry, *b)).unwrap_or(end);
            if stop > block {
                map.put_in(RegionSet::Stale, region);
                map.set(block, stop - block, State::Zero);
            }
            block = stop + 1;
        }
        Ok(())
    }
}
