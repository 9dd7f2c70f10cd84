//! Reading a layer: present blocks from the data file, zeros, and the base behind both.
//!
//! It refuses to write. Its invariant: a present block is read under its region's lock, so it is
//! never seen half written or punched.
//!
//! Next to read: `write`.

use crate::layer::engine::{Core, Geometry, Mode, Piece, pieces, with_buffer};
use crate::layer::map::{BlockMap, REGION_BYTES, RegionSet, State};
use crate::layer::sums::sum_of;
use crate::{BLOCK_SIZE, Error, Extent};

const BLOCK: usize = BLOCK_SIZE as usize;

/// Every block of a region.
const ALL: u16 = u16::MAX;

/// A part of a request that the base answers: place in the request.
type Hole = std::ops::Range<usize>;

impl Core {
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let mut holes: Vec<Hole> = Vec::new();
        {
            let geometry = self.geometry.read();
            if geometry.mode == Mode::Closed {
                return Err(Error::Closed { name: self.name() });
            }
            geometry.check(offset, out.len() as u64)?;
            for piece in pieces(offset, out.len() as u64) {
                self.read_piece(&geometry, piece, out, &mut holes)?;
            }
        }
        // Without a lock: a write that lands meanwhile was asked for meanwhile.
        for hole in holes {
            self.read_base(offset + hole.start as u64, &mut out[hole])?;
        }
        Ok(())
    }

    fn read_piece(
        &self,
        geometry: &Geometry,
        piece: Piece,
        out: &mut [u8],
        holes: &mut Vec<Hole>,
    ) -> Result<(), Error> {
        let map = &geometry.map;
        if !map.is_touched(piece.at / BLOCK_SIZE) {
            push_hole(holes, piece.from..piece.to);
            return Ok(());
        }
        let _shared = self.stripe(piece.region).read();
        if self.read_unverified(map, piece, out)? {
            return Ok(());
        }
        self.verify(map, piece.region)?;
        let end = piece.at + (piece.to - piece.from) as u64;
        let mut at = piece.at;
        while at < end {
            let block = at / BLOCK_SIZE;
            let state = map.state(block);
            let mut next = block + 1;
            while next * BLOCK_SIZE < end && map.state(next) == state {
                next += 1;
            }
            let stop = end.min(next * BLOCK_SIZE);
            let start_in = piece.from + (at - piece.at) as usize;
            let stop_in = piece.from + (stop - piece.at) as usize;
            match state {
                State::Zero => out[start_in..stop_in].fill(0),
                State::Absent => push_hole(holes, start_in..stop_in),
                State::Present => self.read_present(at, &mut out[start_in..stop_in])?,
            }
            at = stop;
        }
        Ok(())
    }

    /// Reads a whole region of present blocks that was not compared with its sum yet, and compares
    /// the very bytes that were read: a capture reads each once. False when it is not such a one.
    fn read_unverified(&self, map: &BlockMap, piece: Piece, out: &mut [u8]) -> Result<bool, Error> {
        let region = piece.region;
        let whole = (piece.to - piece.from) as u64 == REGION_BYTES;
        if !whole || !map.is_in(RegionSet::Unverified, region) || map.present_mask(region) != ALL {
            return Ok(false);
        }
        let stored = &mut out[piece.from..piece.to];
        self.data.read_exact(piece.at, stored)?;
        self.compare(region, sum_of(region, ALL, stored))?;
        map.take_out(RegionSet::Unverified, region);
        self.xts.open(piece.at / BLOCK_SIZE, stored)?;
        Ok(true)
    }

    /// Reads and decrypts a range of present blocks in one region, any alignment.
    fn read_present(&self, at: u64, out: &mut [u8]) -> Result<(), Error> {
        let first = at / BLOCK_SIZE;
        let aligned = at.is_multiple_of(BLOCK_SIZE) && out.len().is_multiple_of(BLOCK);
        if aligned {
            self.data.read_exact(at, out)?;
            return self.xts.open(first, out);
        }
        let skip = (at % BLOCK_SIZE) as usize;
        let whole = (skip + out.len()).next_multiple_of(BLOCK);
        with_buffer(|buffer| {
            let blocks = &mut buffer[..whole];
            self.data.read_exact(first * BLOCK_SIZE, blocks)?;
            self.xts.open(first, blocks)?;
            out.copy_from_slice(&blocks[skip..skip + out.len()]);
            Ok(())
        })
    }

    /// One whole block as it reads now; the caller holds its region's lock.
    pub(super) fn load_block(
        &self,
        geometry: &Geometry,
        block: u64,
        out: &mut [u8],
    ) -> Result<(), Error> {
        match geometry.map.state(block) {
            State::Zero => out.fill(0),
            State::Absent => self.read_base(block * BLOCK_SIZE, out)?,
            State::Present => {
                self.data.read_exact(block * BLOCK_SIZE, out)?;
                self.xts.open(block, out)?;
            }
        }
        Ok(())
    }

    pub(super) fn extents(&self, offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        let mut found = Vec::new();
        let mut absent: Vec<(usize, u64, u64)> = Vec::new();
        {
            let geometry = self.geometry.read();
            geometry.check(offset, length)?;
            let end = offset + length;
            let mut at = offset;
            while at < end {
                let (stop, state) = next_run(&geometry, at, end);
                let extent = match state {
                    State::Present => Extent { length: stop - at, zero: false, hole: false },
                    State::Zero | State::Absent => {
                        Extent { length: stop - at, zero: true, hole: true }
                    }
                };
                if state == State::Absent {
                    absent.push((found.len(), at, stop));
                }
                found.push(extent);
                at = stop;
            }
        }
        self.fill_from_base(found, &absent)
    }

    fn fill_from_base(
        &self,
        found: Vec<Extent>,
        absent: &[(usize, u64, u64)],
    ) -> Result<Vec<Extent>, Error> {
        let mut merged = Vec::with_capacity(found.len());
        let mut absent = absent.iter().peekable();
        for (index, extent) in found.into_iter().enumerate() {
            let Some((_, at, stop)) = absent.next_if(|(i, ..)| *i == index) else {
                push_extent(&mut merged, extent);
                continue;
            };
            let shown = self.overlap.clamp(*at, *stop);
            if shown > *at {
                for part in self.base.extents(*at, shown - at)? {
                    push_extent(&mut merged, part);
                }
            }
            let past = Extent { length: stop - shown, zero: true, hole: true };
            push_extent(&mut merged, past);
        }
        Ok(merged)
    }

    /// Chunks that may differ from the base, ascending.
    pub(super) fn dirty_chunks(&self, chunk_size: u64) -> Vec<u64> {
        let geometry = self.geometry.read();
        let capacity = geometry.capacity;
        let blocks = capacity.div_ceil(BLOCK_SIZE);
        let mut chunks = Vec::new();
        let mut block = 0;
        while let Some(dirty) = geometry.map.next_dirty(block, blocks) {
            let at = dirty * BLOCK_SIZE;
            // A block may be larger than a chunk, or lie across two.
            let first = at / chunk_size;
            let last = (capacity.min(at + BLOCK_SIZE) - 1) / chunk_size;
            let from = chunks.last().map_or(first, |c: &u64| first.max(c + 1));
            chunks.extend(from..=last);
            block = (dirty + 1).max((last + 1) * chunk_size / BLOCK_SIZE);
        }
        self.add_edge_chunks(capacity, chunk_size, &mut chunks);
        chunks
    }

    /// Chunks that differ without any dirty block: the base's short last chunk when the volume
    /// is longer, and what the base has past the overlap.
    fn add_edge_chunks(&self, capacity: u64, chunk_size: u64, chunks: &mut Vec<u64>) {
        let base = self.base.size();
        let mut extra = Vec::new();
        if !base.is_multiple_of(chunk_size)
            && base != capacity
            && base / chunk_size * chunk_size < capacity
        {
            extra.push(base / chunk_size);
        }
        let hidden_end = base.min(capacity);
        if self.overlap < hidden_end {
            extra.extend(self.overlap / chunk_size..=(hidden_end - 1) / chunk_size);
        }
        if !capacity.is_multiple_of(chunk_size) && capacity < base {
            extra.push(capacity / chunk_size);
        }
        if !extra.is_empty() {
            chunks.extend(extra);
            chunks.sort_unstable();
            chunks.dedup();
        }
    }
}

/// The run of one state that starts at byte `at`, and where it ends.
fn next_run(geometry: &Geometry, at: u64, end: u64) -> (u64, State) {
    let map = &geometry.map;
    let last = end.div_ceil(BLOCK_SIZE);
    let block = at / BLOCK_SIZE;
    let state = map.state(block);
    let next = if state == State::Absent {
        map.next_dirty(block, last).unwrap_or(last)
    } else {
        (block + 1..last).find(|b| map.state(*b) != state).unwrap_or(last)
    };
    (end.min(next * BLOCK_SIZE), state)
}

fn push_hole(holes: &mut Vec<Hole>, hole: Hole) {
    match holes.last_mut() {
        Some(last) if last.end == hole.start => last.end = hole.end,
        _ => holes.push(hole),
    }
}

fn push_extent(extents: &mut Vec<Extent>, extent: Extent) {
    if extent.length == 0 {
        return;
    }
    match extents.last_mut() {
        Some(last) if (last.zero, last.hole) == (extent.zero, extent.hole) => {
            last.length += extent.length;
        }
        _ => extents.push(extent),
    }
}
