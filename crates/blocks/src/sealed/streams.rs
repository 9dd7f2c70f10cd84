//! Which readers go through an image in order, and how far ahead of them to read.
//!
//! It refuses to know stores and threads: offsets in, chunks out. Its invariants: a chunk is
//! asked for once for each pass of a reader; never more than the window lies between the reader
//! and what was asked for; reads in no order ask for nothing.
//!
//! Next to read: `ahead`, which does what is said here.

use std::ops::Range;

/// Readers that are told apart.
pub(super) const STREAMS_MAX: usize = 8;

/// A reader has gone this many chunks in order before anything is read ahead of it.
pub(super) const RUN_UP_CHUNKS: u64 = 3;

/// Most chunks between a reader and what is read ahead of it.
pub(super) const WINDOW_MAX_CHUNKS: u64 = 16;

/// A read that begins this many chunks past the one before still goes in order, for a client
/// that has several requests under way.
const SKIP_CHUNKS: u64 = 4;

/// And one that comes this many chunks late does not begin anew.
const LATE_CHUNKS: u64 = 8;

/// One reader.
#[derive(Clone, Copy, Debug)]
struct Stream {
    start: u64,
    /// Where its next read should begin.
    next: u64,
    /// First chunk that was not asked for.
    asked: u64,
    window: u64,
    /// The turn in which it last read.
    used: u64,
}

/// The readers of one image.
#[derive(Debug)]
pub(super) struct Streams {
    chunk_size: u64,
    /// Chunks of the image.
    chunks: u64,
    window_max: u64,
    streams: Vec<Stream>,
    turn: u64,
}

impl Streams {
    /// For an image of so many chunks.
    pub(super) fn new(chunk_size: u64, chunks: u64) -> Self {
        let streams = Vec::with_capacity(STREAMS_MAX);
        Self { chunk_size, chunks, window_max: 0, streams, turn: 0 }
    }

    /// Takes note of a read; which chunks to read now for the ones that will follow. There is
    /// room for `window_max` chunks that were not asked for yet.
    pub(super) fn read(&mut self, offset: u64, length: u64, window_max: u64) -> Range<u64> {
        self.turn += 1;
        self.window_max = window_max.min(WINDOW_MAX_CHUNKS);
        let end = offset + length;
        let reach = self.chunk_size * SKIP_CHUNKS;
        let late = self.chunk_size * LATE_CHUNKS;
        let in_order = |s: &Stream| s.next <= offset && offset - s.next <= reach;
        let is_late = |s: &Stream| offset < s.next && s.next - offset <= late;
        let known = self.streams.iter().position(in_order);
        if let Some(place) = known.or_else(|| self.streams.iter().position(is_late)) {
            let stream = &mut self.streams[place];
            stream.used = self.turn;
            stream.next = stream.next.max(end);
            return if known.is_some() { self.advance(place) } else { 0..0 };
        }
        let asked = end.div_ceil(self.chunk_size);
        let fresh = Stream { start: offset, next: end, asked, window: 1, used: self.turn };
        if self.streams.len() < STREAMS_MAX {
            self.streams.push(fresh);
        } else if let Some(oldest) = self.streams.iter_mut().min_by_key(|s| s.used) {
            *oldest = fresh;
        }
        0..0
    }

    /// What to ask for when a reader has gone on in order.
    fn advance(&mut self, place: usize) -> Range<u64> {
        let stream = &mut self.streams[place];
        if stream.next - stream.start < self.chunk_size * RUN_UP_CHUNKS || self.window_max == 0 {
            return 0..0;
        }
        let here = stream.next.div_ceil(self.chunk_size);
        let from = stream.asked.max(here);
        let to = self.chunks.min(here + (stream.window * 2).min(self.window_max));
        // Half a window at a time, so that neighbours are read together.
        if to <= from || (to - from < stream.window.div_ceil(2) && to < self.chunks) {
            return 0..0;
        }
        stream.window = (stream.window * 2).min(self.window_max);
        stream.asked = to;
        from..to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: u64 = 1 << 19;

    #[test]
    fn a_reader_in_order_is_read_ahead_of_and_no_chunk_is_asked_for_twice() {
        for step in [4096, CHUNK / 4, CHUNK, 2 * CHUNK] {
            let mut streams = Streams::new(CHUNK, 100);
            let mut asked = Vec::new();
            let mut at = 0;
            while at < 100 * CHUNK {
                let more = streams.read(at, step, 64);
                at += step;
                assert!(more.end <= at.div_ceil(CHUNK) + WINDOW_MAX_CHUNKS, "{step} {more:?}");
                assert!(more.is_empty() || more.start >= at.div_ceil(CHUNK), "{step} {more:?}");
                asked.extend(more);
            }
            let first = asked[0];
            assert!(first <= RUN_UP_CHUNKS + 2, "{step}: begins at {first}");
            assert_eq!(asked, (first..100).collect::<Vec<_>>(), "{step}");
        }
    }

    #[test]
    fn requests_that_overtake_each_other_are_still_in_order() {
        let mut streams = Streams::new(CHUNK, 1000);
        let mut asked = 0;
        for four in 0..50 {
            for place in [1, 0, 3, 2] {
                asked += streams.read((four * 4 + place) * CHUNK, CHUNK, 64).count();
            }
        }
        assert!(asked >= 150, "{asked}");
        assert_eq!(streams.streams.len(), 1);
    }

    #[test]
    fn reads_in_no_order_ask_for_nothing() {
        let mut streams = Streams::new(CHUNK, 1 << 20);
        for n in 0..10_000_u64 {
            let chunk = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44;
            assert!(streams.read(chunk * CHUNK, 4096, 64).is_empty(), "{n}");
        }
        assert_eq!(streams.streams.len(), STREAMS_MAX);
    }

    #[test]
    fn several_readers_are_told_apart() {
        let mut streams = Streams::new(CHUNK, 10_000);
        let mut asked = [0; STREAMS_MAX];
        for step in 0..40 {
            for (reader, asked) in asked.iter_mut().enumerate() {
                let at = (reader as u64 * 1000 + step) * CHUNK;
                *asked += streams.read(at, CHUNK, 64).count();
            }
        }
        assert!(asked.iter().all(|asked| *asked >= 30), "{asked:?}");
    }

    #[test]
    fn a_cache_without_room_reads_nothing_ahead() {
        let mut streams = Streams::new(CHUNK, 100);
        assert!((0..100).all(|n| streams.read(n * CHUNK, CHUNK, 0).is_empty()));
    }
}
