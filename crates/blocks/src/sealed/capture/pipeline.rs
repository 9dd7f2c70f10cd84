//! Chunks through all cores into data packs.
//!
//! It refuses to know trees. Its invariants: the first failure stops every thread; a chunk's
//! outcome counts only when all packs are stored; queues are short, so a slow store slows the
//! reading down instead of filling the memory.
//!
//! Three kinds of threads: workers read, encode and encrypt; the caller's thread fills packs; two
//! store them, so that one writes while the other waits for the disk.
//! `WORKERS -> sync_channel -> caller -> rendezvous -> storing`.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use parking_lot::Mutex;

use super::{
    CaptureOptions, CaptureStep, Outcome, Plan, Progress, StoredChunk, WORKERS_MAX,
    log::{RecordedPack, Recovered},
};
use crate::{
    CaptureSource, Error,
    sealed::{
        codec::{Encoder, is_zero},
        pack::{PackBuilder, PackKind, PackRef},
        record::{self, SealedRecord},
        store::ChunkStore,
    },
};

/// Records that wait for a pack, per worker.
const QUEUE_PER_WORKER: usize = 2;

/// Packs that are stored at a time.
const STORED_AT_A_TIME: usize = 2;

/// A pack on its way to the store.
type Full = (PackBuilder, Vec<StoredChunk>);

/// What the workers found at one chunk.
type Found = Result<(u64, Option<SealedRecord>), Error>;

/// What came out.
pub(super) struct Chunks {
    /// Every dirty chunk, ascending.
    pub(super) outcomes: Vec<Outcome>,
    /// Data packs with their lengths.
    pub(super) packs: Vec<(PackRef, u64)>,
    pub(super) logical_bytes_read: u64,
}

pub(super) struct Pipeline<'a> {
    store: &'a ChunkStore,
    source: &'a dyn CaptureSource,
    options: &'a CaptureOptions<'a>,
    plan: &'a Plan,
    next: AtomicUsize,
    stop: AtomicBool,
    chunks_done: AtomicU64,
    logical_bytes_read: AtomicU64,
    stored_bytes_written: AtomicU64,
}

impl<'a> Pipeline<'a> {
    pub(super) fn new(
        store: &'a ChunkStore,
        source: &'a dyn CaptureSource,
        options: &'a CaptureOptions<'a>,
        plan: &'a Plan,
    ) -> Self {
        Self {
            store,
            source,
            options,
            plan,
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            chunks_done: AtomicU64::new(0),
            logical_bytes_read: AtomicU64::new(0),
            stored_bytes_written: AtomicU64::new(0),
        }
    }

    /// Does every dirty chunk that was not recovered.
    pub(super) fn run(&self, recovered: Recovered) -> Result<Chunks, Error> {
        let Recovered { mut packs, mut outcomes } = recovered;
        let done: HashSet<u64> = outcomes.iter().map(|(index, _)| *index).collect();
        let todo: Vec<u64> =
            self.plan.dirty.iter().copied().filter(|index| !done.contains(index)).collect();
        self.chunks_done.store(done.len() as u64, Ordering::Relaxed);
        let taken_over = packs.iter().map(|(_, length)| length).sum();
        self.stored_bytes_written.store(taken_over, Ordering::Relaxed);
        self.report();
        if !todo.is_empty() {
            let (new_outcomes, new_packs) = self.run_threads(&todo)?;
            outcomes.extend(new_outcomes);
            packs.extend(new_packs);
        }
        outcomes.sort_unstable_by_key(|(index, _)| *index);
        let logical_bytes_read = self.logical_bytes_read.load(Ordering::Relaxed);
        Ok(Chunks { outcomes, packs, logical_bytes_read })
    }

    #[expect(clippy::type_complexity, reason = "outcomes and packs, once")]
    fn run_threads(&self, todo: &[u64]) -> Result<(Vec<Outcome>, Vec<(PackRef, u64)>), Error> {
        let workers = self.options.workers.clamp(1, WORKERS_MAX).min(todo.len());
        let (found_in, found_out) = sync_channel(workers * QUEUE_PER_WORKER);
        let (full_in, full_out) = sync_channel(0);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let found_in = found_in.clone();
                scope.spawn(move || self.work(todo, &found_in));
            }
            drop(found_in);
            // Gone with the last thread that stores: then filling fails instead of waiting.
            let full_out = Arc::new(Mutex::new(full_out));
            let storing: Vec<_> = (0..STORED_AT_A_TIME)
                .map(|_| Arc::clone(&full_out))
                .map(|full| scope.spawn(move || self.store_packs(&full)))
                .collect();
            drop(full_out);
            let filled = self.fill_packs(found_out, &full_in);
            drop(full_in);
            if filled.is_err() {
                self.stop.store(true, Ordering::Relaxed);
            }
            let mut packs = Vec::new();
            let mut failed = Ok(());
            for one in storing {
                // A panic is a broken promise of ours; it goes on in this thread.
                match one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                    Ok(stored) => packs.extend(stored),
                    Err(error) => failed = failed.and(Err(error)),
                }
            }
            // When storing failed, that is why filling could not go on.
            failed?;
            Ok((filled?, packs))
        })
    }

    /// One worker: until the chunks are used up or somebody says stop.
    fn work(&self, todo: &[u64], found: &SyncSender<Found>) {
        let mut encoder = Encoder::new();
        let mut buffer = vec![0; self.plan.chunk_size as usize];
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let Some(index) = todo.get(self.next.fetch_add(1, Ordering::Relaxed)) else { return };
            let outcome = self.one_chunk(*index, &mut encoder, &mut buffer);
            let failed = outcome.is_err();
            // The receiver is gone when the capture has failed elsewhere.
            if found.send(outcome.map(|record| (*index, record))).is_err() || failed {
                return;
            }
        }
    }

    fn one_chunk(
        &self,
        index: u64,
        encoder: &mut Encoder,
        buffer: &mut [u8],
    ) -> Result<Option<SealedRecord>, Error> {
        self.options.check_cancel()?;
        let offset = index * self.plan.chunk_size;
        let length = (self.plan.capacity - offset).min(self.plan.chunk_size) as usize;
        // A tail is stored as a whole chunk, zeros at its end, so that it can be shared by a
        // tree that has grown.
        let (chunk, past_end) = buffer.split_at_mut(length);
        self.source.read_chunk(index, self.plan.chunk_size, chunk)?;
        past_end.fill(0);
        self.logical_bytes_read.fetch_add(length as u64, Ordering::Relaxed);
        if is_zero(chunk) {
            return Ok(None);
        }
        Ok(Some(record::seal(encoder, buffer, self.options.entropy)))
    }

    fn new_pack(&self) -> PackBuilder {
        PackBuilder::new(PackKind::Data, self.store.id(), self.options.pack_size)
    }

    /// Puts records into packs as they come.
    fn fill_packs(
        &self,
        found: Receiver<Found>,
        full: &SyncSender<Full>,
    ) -> Result<Vec<Outcome>, Error> {
        let mut outcomes = Vec::new();
        let mut pack = self.new_pack();
        let mut chunks = Vec::new();
        for found in found {
            let (index, record) = found?;
            self.chunks_done.fetch_add(1, Ordering::Relaxed);
            let Some(record) = record else {
                outcomes.push((index, None));
                continue;
            };
            if !pack.fits(record.stored.len()) {
                let filled = std::mem::replace(&mut pack, self.new_pack());
                let filled = (filled, std::mem::take(&mut chunks));
                full.send(filled).map_err(|_| Error::Cancelled)?;
            }
            let SealedRecord { id, key, codec, logical, stored } = record;
            let chunk = StoredChunk::new(index, id, key, codec, stored.len() as u32);
            outcomes.push((index, Some(chunk.child.clone())));
            chunks.push(chunk);
            pack.add(id, codec, logical, stored);
            self.report();
        }
        if !pack.is_empty() {
            full.send((pack, chunks)).map_err(|_| Error::Cancelled)?;
        }
        Ok(outcomes)
    }

    /// Stores packs, then records them.
    fn store_packs(&self, full: &Mutex<Receiver<Full>>) -> Result<Vec<(PackRef, u64)>, Error> {
        let mut packs = Vec::new();
        let next = || full.lock().recv().ok();
        let outcome = std::iter::from_fn(next).try_for_each(|(pack, chunks)| {
            self.options.check_cancel()?;
            let built = pack.finish();
            let length = built.length;
            let pack = self.store.put_pack(self.options.op_sequence, built)?;
            self.options.log.record(&RecordedPack { pack, length, chunks })?;
            packs.push((pack, length));
            self.stored_bytes_written.fetch_add(length, Ordering::Relaxed);
            self.report();
            Ok(())
        });
        if outcome.is_err() {
            self.stop.store(true, Ordering::Relaxed);
        }
        outcome.map(|()| packs)
    }

    fn report(&self) {
        (self.options.progress)(Progress {
            step: CaptureStep::Chunks,
            chunks_done: self.chunks_done.load(Ordering::Relaxed),
            chunks_total: self.plan.dirty.len() as u64,
            logical_bytes_read: self.logical_bytes_read.load(Ordering::Relaxed),
            stored_bytes_written: self.stored_bytes_written.load(Ordering::Relaxed),
        });
    }
}
