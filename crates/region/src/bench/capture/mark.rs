//! The mark of a garbage collection, and a scrub: what keeps a store in order, without a key.

use base::{Clock, OsEntropy, SystemClock};
use blocks::{
    CaptureSource, Error,
    sealed::{CHUNK_SIZE_MIN_BYTES, CaptureOptions, ChunkStore, maintain::Watch, seal},
};

use super::Job;
use crate::bench::{
    data::{Kind, Stream},
    figure::{Figure, Goal, ms},
};

const CHUNKS: u64 = 100_000;
/// In milliseconds.
const GOAL: Goal = Goal::Below(1000.0);

/// Chunks that all differ.
struct Chunks;

impl CaptureSource for Chunks {
    fn capacity(&self) -> u64 {
        CHUNKS * CHUNK_SIZE_MIN_BYTES
    }

    fn dirty_chunks(&self, _: u64) -> Vec<u64> {
        (0..CHUNKS).collect()
    }

    fn read_chunk(&self, index: u64, _: u64, out: &mut [u8]) -> Result<(), Error> {
        Stream::new(Kind::Noise, index).fill(out);
        Ok(())
    }
}

/// Measures.
pub fn run(job: &Job<'_>) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::Builder::new().prefix("ectype-bench-").tempdir_in(job.dir)?;
    let (dir, entropy) = (folder.path().join("store"), OsEntropy);
    let store = ChunkStore::create(&dir, &entropy)?;
    let mut options = CaptureOptions::new(1, &entropy);
    options.chunk_size = CHUNK_SIZE_MIN_BYTES;
    let root = seal(&store, None, &Chunks, &options)?.root_id;
    drop(store);
    let (clock, mut took) = (SystemClock::new(), Vec::new());
    for _ in 0..job.runs {
        // Opened again, so that nothing of it is in memory; reading the index is part of it.
        let began = clock.monotonic();
        let live = ChunkStore::open(&dir)?.mark(&[root], &Watch::none())?;
        took.push(ms(clock.monotonic() - began));
        anyhow::ensure!(live.records() - live.nodes() == CHUNKS, "the mark missed chunks");
    }
    Ok(Figure::of(format!("mark of {CHUNKS} chunks"), "ms", &took, GOAL).into_iter().collect())
}
