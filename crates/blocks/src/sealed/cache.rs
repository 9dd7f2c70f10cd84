//! What is kept of sealed trees in memory: decoded chunks and decrypted nodes.
//!
//! It refuses to know stores. Its invariants: never more than its budget; one reader fetches what
//! several want at the same time; an entry is found only by who has both id and key.

use std::sync::Arc;

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};

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

/// A cache that any number of images of one process share.
pub struct ReadCache {
    chunks: Cache<CacheKey, Bytes, ByBytes>,
    nodes: Cache<CacheKey, Arc<Node>, ByBytes>,
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
        let for_nodes = budget_bytes / NODE_PART;
        let for_chunks = budget_bytes - for_nodes;
        let node_bytes = (256 * size_of::<Child>()) as u64;
        Self {
            chunks: Cache::with_weighter(
                (for_chunks / CHUNK_SIZE).max(1) as usize,
                for_chunks,
                ByBytes,
            ),
            nodes: Cache::with_weighter(
                (for_nodes / node_bytes).max(1) as usize,
                for_nodes,
                ByBytes,
            ),
        }
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

    pub(super) fn node(
        &self,
        id: RecordId,
        key: &RecordKey,
        read: impl FnOnce() -> Result<Arc<Node>, Error>,
    ) -> Result<Arc<Node>, Error> {
        self.nodes.get_or_insert_with(&cache_key(id, key), read)
    }
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

    #[test]
    fn a_failed_read_is_not_kept() {
        let cache = ReadCache::new(1 << 20);
        let id = RecordId([1; 32]);
        assert!(cache.chunk(id, &key(1), || Err(Error::Cancelled)).is_err());
        assert!(cache.chunk(id, &key(1), || Ok(Bytes::new())).is_ok());
    }
}
