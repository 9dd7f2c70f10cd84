//! Threads that read chunks before they are asked for.
//!
//! It refuses to decide what will be asked for (`streams`) and how chunks are read (`image`).
//! Its invariants: what is read ahead lands in the cache or nowhere, so memory stays within the
//! cache's budget and one batch for each thread; a failure is nobody's answer, the reader meets
//! it itself; nobody waits for a batch that was not begun; an image that nobody reads in order
//! has no thread.

use std::{collections::VecDeque, ops::Range, sync::Arc, thread::JoinHandle, time::Duration};

use parking_lot::{Condvar, Mutex};

use super::streams::Streams;

/// Most chunks in one batch: neighbours in a pack are read together.
pub(super) const BATCH_CHUNKS: u64 = 4;

/// Most batches that wait; the oldest are forgotten first, for their reader has gone on.
pub(super) const BATCHES_MAX: usize = 16;

/// Most threads of one image.
pub(super) const THREADS_MAX: usize = 4;

/// A thread without work ends after this.
const IDLE: Duration = Duration::from_secs(10);

/// Reads a batch of chunks into the cache.
type Fetch = dyn Fn(Range<u64>) + Send + Sync;

#[derive(Default)]
struct Queue {
    batches: VecDeque<Range<u64>>,
    over: bool,
    /// Threads that wait for work.
    waiting: usize,
    /// Threads that have not ended.
    running: usize,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
    fetch: Box<Fetch>,
}

/// What reads ahead for one image. Dropping it waits for the batches at hand.
pub(super) struct ReadAhead {
    streams: Mutex<Streams>,
    shared: Arc<Shared>,
    threads_max: usize,
}

impl ReadAhead {
    /// Reads by `fetch`, on as many threads as there are cores.
    pub(super) fn new(streams: Streams, fetch: Box<Fetch>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Shared { queue: Mutex::default(), more: Condvar::new(), fetch };
        let threads_max = cores.min(THREADS_MAX);
        Self { streams: Mutex::new(streams), shared: Arc::new(shared), threads_max }
    }

    /// Takes note of a read, and may let chunks be read, as many as there is room for.
    pub(super) fn note(&self, offset: u64, length: u64, room: u64) {
        let chunks = self.streams.lock().read(offset, length, room);
        if !chunks.is_empty() {
            self.begin(chunks);
        }
    }

    fn begin(&self, chunks: Range<u64>) {
        let mut queue = self.shared.queue.lock();
        let mut from = chunks.start;
        let mut added = 0;
        while from < chunks.end {
            let to = chunks.end.min(from + BATCH_CHUNKS);
            if queue.batches.len() == BATCHES_MAX {
                queue.batches.pop_front();
            }
            queue.batches.push_back(from..to);
            (from, added) = (to, added + 1);
        }
        for _ in queue.waiting..added.max(queue.waiting) {
            if queue.running < self.threads_max {
                self.start(&mut queue);
            }
        }
        drop(queue);
        self.shared.more.notify_all();
    }

    fn start(&self, queue: &mut Queue) {
        queue.threads.retain(|thread| !thread.is_finished());
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("ahead".to_owned());
        // Without a thread nothing is read ahead, which is no harm.
        if let Ok(thread) = thread.spawn(move || shared.work()) {
            queue.running += 1;
            queue.threads.push(thread);
        }
    }
}

impl Shared {
    fn work(&self) {
        let mut queue = self.queue.lock();
        while !queue.over {
            if let Some(batch) = queue.batches.pop_front() {
                drop(queue);
                (self.fetch)(batch);
                queue = self.queue.lock();
                continue;
            }
            queue.waiting += 1;
            let late = self.more.wait_for(&mut queue, IDLE).timed_out();
            queue.waiting -= 1;
            if late && queue.batches.is_empty() {
                break;
            }
        }
        queue.running -= 1;
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        let threads = {
            let mut queue = self.shared.queue.lock();
            queue.over = true;
            std::mem::take(&mut queue.threads)
        };
        self.shared.more.notify_all();
        for thread in threads {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const CHUNK: u64 = 4096;

    fn in_order(chunks: u64, fetch: Box<Fetch>) -> ReadAhead {
        ReadAhead::new(Streams::new(CHUNK, chunks), fetch)
    }

    #[test]
    fn a_reader_in_order_has_its_chunks_fetched_in_batches() {
        let (tell, told) = mpsc::channel();
        let ahead = in_order(64, Box::new(move |batch| tell.send(batch).unwrap()));
        let mut seen = Vec::new();
        for chunk in 0..64 {
            ahead.note(chunk * CHUNK, CHUNK, 8);
            // As a reader that waits for its data does.
            while !seen.is_empty() && !seen.contains(&chunk) {
                let batch: Range<u64> = told.recv_timeout(Duration::from_secs(60)).unwrap();
                assert!(batch.end - batch.start <= BATCH_CHUNKS);
                seen.extend(batch);
            }
            if seen.is_empty() && chunk > 4 {
                seen.extend(told.recv_timeout(Duration::from_secs(60)).unwrap());
                seen.extend(0..=chunk);
            }
        }
        assert!(seen.contains(&63));
    }

    #[test]
    fn what_waits_is_bounded_and_the_oldest_goes_first() {
        let (go, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let (tell, told) = mpsc::channel();
        let fetch = move |batch| {
            tell.send(batch).unwrap();
            let _ = gate.lock().recv();
        };
        let mut ahead = in_order(1 << 20, Box::new(fetch));
        ahead.threads_max = 1;
        ahead.begin(0..1);
        // The one thread is busy with it from here on.
        assert_eq!(told.recv_timeout(Duration::from_secs(60)).unwrap(), 0..1);
        for n in 0..BATCHES_MAX as u64 + 3 {
            ahead.begin(1000 + n..1001 + n);
        }
        assert_eq!(ahead.shared.queue.lock().batches.len(), BATCHES_MAX);
        go.send(()).unwrap();
        assert_eq!(told.recv_timeout(Duration::from_secs(60)).unwrap(), 1003..1004);
        drop(go);
    }

    #[test]
    fn an_image_that_nobody_reads_in_order_has_no_thread() {
        let ahead = in_order(1 << 20, Box::new(|_| panic!("nothing is to be read")));
        for n in 0..1000_u64 {
            ahead.note((n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 45) * CHUNK, CHUNK, 8);
        }
        assert_eq!(ahead.shared.queue.lock().running, 0);
    }
}
