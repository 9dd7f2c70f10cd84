//! What is kept of sealed trees in memory: decoded chunks and decrypted nodes.
//!
//! It refuses to know stores. Its invariants: never more than its budget; one reader fetches what
//! several want at the same time; an entry is found only by who has both id and key.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use quick_cache::{
    DefaultHashBuilder, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle, GuardResult, PlaceholderGuard},
};

use super::{
    id::RecordId,
    key::RecordKey,
    node::{Child, Node},
};
use crate::{CHUNK_SIZE, Error};

/// Budget of a host's cache, in bytes.
pub const CACHE_BYTES_DEFAULT: u64 = 256 * 1024 * 1024;

/// One part in this many of the budget is for nodes: enough for all of a typical image's.
const NODE_PART: u64 = 8;

/// The part of the cache that entries reach by being used again. The rest is for what is new, and
/// so also for what was read ahead and not used yet.
const HOT_PART: f64 = 0.75;

/// What an entry costs besides its bytes.
const ENTRY_OVERHEAD_BYTES: u64 = 128;

/// BLAKE3 of the id keyed by the record's key.
type CacheKey = [u8; 32];

#[derive(Clone)]
struct ByBytes;

impl Weighter<CacheKey, Bytes> for ByBytes {
    fn weight(&self, _: &CacheKey, chunk: &Bytes) -> u64 {
        chunk.len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

impl Weighter<CacheKey, Arc<Node>> for ByBytes {
    fn weight(&self, _: &CacheKey, node: &Arc<Node>) -> u64 {
        (node.children.len() * size_of::<Child>()) as u64 + ENTRY_OVERHEAD_BYTES
    }
}

type Kept<T> = Cache<CacheKey, T, ByBytes>;

/// A cache that any number of images of one process share.
pub struct ReadCache {
    chunks: Kept<Bytes>,
    nodes: Kept<Arc<Node>>,
    budget: AtomicU64,
}

/// The right to put one chunk into the cache; whoever wants the chunk meanwhile waits for it.
/// Dropped without a chunk, one of those who wait reads it.
pub(super) struct Claim<'a>(
    PlaceholderGuard<
        'a,
        CacheKey,
        Bytes,
        ByBytes,
        DefaultHashBuilder,
        DefaultLifecycle<CacheKey, Bytes>,
    >,
);

impl Claim<'_> {
    /// Puts the chunk into the cache.
    pub(super) fn fill(self, chunk: Bytes) {
        // The place was given up, as when the cache was emptied: nothing is lost.
        let _ = self.0.insert(chunk);
    }
}

impl std::fmt::Debug for ReadCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReadCache({} chunks, {} nodes)", self.chunks.len(), self.nodes.len())
    }
}

impl ReadCache {
    /// A cache of at most `budget_bytes`.
    #[must_use]
    pub fn new(budget_bytes: u64) -> Self {
        let (for_chunks, for_nodes) = parts(budget_bytes);
        let node_bytes = (256 * size_of::<Child>()) as u64;
        Self {
            chunks: cache(for_chunks, CHUNK_SIZE),
            nodes: cache(for_nodes, node_bytes),
            budget: AtomicU64::new(budget_bytes),
        }
    }

    /// Gives it another budget; what is too much goes at once.
    pub fn set_budget(&self, budget_bytes: u64) {
        let (for_chunks, for_nodes) = parts(budget_bytes);
        self.budget.store(budget_bytes, Ordering::Relaxed);
        self.chunks.set_capacity(for_chunks);
        self.nodes.set_capacity(for_nodes);
    }

    /// Its budget, in bytes.
    #[must_use]
    pub fn budget_bytes(&self) -> u64 {
        self.budget.load(Ordering::Relaxed)
    }

    /// Bytes that chunks nobody has used yet may take.
    pub(super) fn unused_bytes_max(&self) -> u64 {
        let (for_chunks, _) = parts(self.budget_bytes());
        for_chunks - (for_chunks as f64 * HOT_PART) as u64
    }

    /// Bytes that the cache holds now.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.chunks.weight() + self.nodes.weight()
    }

    pub(super) fn chunk(
        &self,
        id: RecordId,
        key: &RecordKey,
        read: impl FnOnce() -> Result<Bytes, Error>,
    ) -> Result<Bytes, Error> {
        self.chunks.get_or_insert_with(&cache_key(id, key), read)
    }

    /// The right to read a chunk ahead of its readers; nothing when it is there, or being read.
    pub(super) fn claim(&self, id: RecordId, key: &RecordKey) -> Option<Claim<'_>> {
        match self.chunks.get_value_or_guard(&cache_key(id, key), Some(Duration::ZERO)) {
            GuardResult::Guard(guard) => Some(Claim(guard)),
            GuardResult::Value(_) | GuardResult::Timeout => None,
        }
    }

    pub(super) fn node(
        &self,
        id: RecordId,
        key: &RecordKey,
        read: impl FnOnce() -> Result<Arc<Node>, Error>,
    ) -> Result<Arc<Node>, Error> {
        self.nodes.get_or_insert_with(&cache_key(id, key), read)
    }
}

/// Bytes for chunks and for nodes.
const fn parts(budget_bytes: u64) -> (u64, u64) {
    let for_nodes = budget_bytes / NODE_PART;
    (budget_bytes - for_nodes, for_nodes)
}

/// One shard: entries are so large that several would each hold too few of them.
fn cache<T: Clone>(bytes: u64, entry_bytes: u64) -> Kept<T>
where
    ByBytes: Weighter<CacheKey, T>,
{
    let options = OptionsBuilder::new()
        .shards(1)
        .estimated_items_capacity((bytes / entry_bytes).max(1) as usize)
        .weight_capacity(bytes)
        .hot_allocation(HOT_PART)
        .build()
        // INVARIANT: both capacities are set and the part is one of a whole.
        .expect("the options are complete");
    Cache::with_options(
        options,
        ByBytes,
        DefaultHashBuilder::default(),
        DefaultLifecycle::default(),
    )
}

fn cache_key(id: RecordId, key: &RecordKey) -> CacheKey {
    *blake3::keyed_hash(key.expose(), &id.0).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> RecordKey {
        RecordKey::from_bytes([n; 32])
    }

    #[test]
    fn an_entry_is_found_only_with_its_key() {
        let cache = ReadCache::new(1 << 20);
        let id = RecordId([1; 32]);
        let get = |k: u8, v: &'static [u8]| {
            cache.chunk(id, &key(k), || Ok(Bytes::from_static(v))).unwrap()
        };
        assert_eq!(get(1, b"a"), "a");
        assert_eq!(get(1, b"b"), "a");
        assert_eq!(get(2, b"b"), "b");
    }

    /// Invariant 28: memory stays capped.
    #[test]
    fn the_cache_keeps_to_its_budget() {
        let budget = 4 << 20;
        let cache = ReadCache::new(budget);
        for n in 0..64_u8 {
            let chunk = || Ok(Bytes::from(vec![n; CHUNK_SIZE as usize]));
            let got = cache.chunk(RecordId([n; 32]), &key(1), chunk).unwrap();
            assert_eq!(got[0], n);
            assert!(cache.used_bytes() <= budget, "{n}: {}", cache.used_bytes());
        }
        assert!(cache.used_bytes() > budget / 2);
    }

    /// Invariant 28: a smaller share is kept to at once, a larger one is used.
    #[test]
    fn a_new_budget_is_kept_to_at_once() {
        let cache = ReadCache::new(16 << 20);
        let fill = |from: u8| {
            for n in from..from + 64 {
                let chunk = || Ok(Bytes::from(vec![n; CHUNK_SIZE as usize]));
                cache.chunk(RecordId([n; 32]), &key(1), chunk).unwrap();
            }
        };
        fill(0);
        assert!(cache.used_bytes() > 8 << 20);
        cache.set_budget(4 << 20);
        assert!(cache.used_bytes() <= 4 << 20, "{}", cache.used_bytes());
        fill(64);
        assert!(cache.used_bytes() <= 4 << 20, "{}", cache.used_bytes());
        cache.set_budget(32 << 20);
        fill(128);
        let used = cache.used_bytes();
        assert!(used > 16 << 20 && used <= 32 << 20, "{used}");
        assert_eq!(cache.budget_bytes(), 32 << 20);
    }

    /// Chunks weigh what they hold, so many small ones fit where few large ones do.
    #[test]
    fn entries_weigh_their_bytes() {
        let cache = ReadCache::new(4 << 20);
        for n in 0..200_u8 {
            cache.chunk(RecordId([n; 32]), &key(1), || Ok(Bytes::from(vec![n; 4096]))).unwrap();
        }
        assert!(cache.chunks.len() == 200, "{cache:?}");
        for n in 0..200_u8 {
            let large = || Ok(Bytes::from(vec![n; 1 << 20]));
            cache.chunk(RecordId([n; 32]), &key(2), large).unwrap();
        }
        assert!(cache.used_bytes() <= 4 << 20 && cache.chunks.len() <= 203, "{cache:?}");
    }

    /// One of several readers of a chunk reads it, the others wait for what it read.
    #[test]
    fn several_who_want_a_chunk_read_it_once() {
        let cache = ReadCache::new(4 << 20);
        let reads = AtomicU64::new(0);
        let together = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    for n in 0..16_u8 {
                        let read = || {
                            reads.fetch_add(1, Ordering::SeqCst);
                            Ok(Bytes::from(vec![n; 4096]))
                        };
                        let got = cache.chunk(RecordId([n; 32]), &key(1), read).unwrap();
                        assert!(got.iter().all(|b| *b == n));
                    }
                });
            }
        });
        assert_eq!(reads.load(Ordering::SeqCst), 16);
    }

    /// Who reads ahead is waited for; when it gives up, a reader reads.
    #[test]
    fn a_claim_is_waited_for_and_one_that_is_given_up_is_not() {
        let cache = ReadCache::new(4 << 20);
        let id = RecordId([1; 32]);
        let claim = cache.claim(id, &key(1)).unwrap();
        assert!(cache.claim(id, &key(1)).is_none());
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| cache.chunk(id, &key(1), || Err(Error::Cancelled)));
            claim.fill(Bytes::from_static(b"ahead"));
            assert_eq!(reader.join().unwrap().unwrap(), "ahead");
        });
        assert!(cache.claim(id, &key(1)).is_none());
        let id = RecordId([2; 32]);
        let claim = cache.claim(id, &key(1)).unwrap();
        std::thread::scope(|scope| {
            let reader =
                scope.spawn(|| cache.chunk(id, &key(1), || Ok(Bytes::from_static(b"self"))));
            drop(claim);
            assert_eq!(reader.join().unwrap().unwrap(), "self");
        });
    }

    #[test]
    fn a_failed_read_is_not_kept() {
        let cache = ReadCache::new(1 << 20);
        let id = RecordId([1; 32]);
        assert!(cache.chunk(id, &key(1), || Err(Error::Cancelled)).is_err());
        assert!(cache.chunk(id, &key(1), || Ok(Bytes::new())).is_ok());
    }
}
