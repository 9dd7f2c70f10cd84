//! An attack on a full copy of a store after an image's key was destroyed (invariant 22, the
//! engine's half): what the attacker may still open is what other images' keys reach, no more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base::{Entropy, SeededEntropy};

use super::{
    CaptureOptions, ChunkStore, Sealed,
    codec::Codec,
    id::{RecordId, RootId},
    key::{RecordKey, RootKey},
    node::Node,
    pack::{PackKind, scan},
    record, seal,
};
use crate::{CaptureSource, Error};

const CHUNK: u64 = 4096;

/// Chunks by index; all else is a hole.
struct Chunks(BTreeMap<u64, Vec<u8>>);

impl CaptureSource for Chunks {
    fn capacity(&self) -> u64 {
        600 * CHUNK
    }

    fn dirty_chunks(&self, _: u64) -> Vec<u64> {
        self.0.keys().copied().collect()
    }

    fn read_chunk(&self, index: u64, _: u64, out: &mut [u8]) -> Result<(), Error> {
        out.copy_from_slice(&self.0[&index]);
        Ok(())
    }
}

/// Chunks that are `word` all over, or that word and noise.
fn chunks(word: &str, seed: u64, places: impl Iterator<Item = u64>) -> Chunks {
    let random = SeededEntropy::new(seed);
    Chunks(
        places
            .map(|place| {
                let mut chunk = format!("{word} {place} ").into_bytes().repeat(900);
                chunk.truncate(CHUNK as usize);
                if random.next_u64().is_multiple_of(2) {
                    random.fill(&mut chunk[200..]);
                }
                (place, chunk)
            })
            .collect(),
    )
}

/// Everything that a copy of the store holds, record by record.
struct Loot {
    records: BTreeMap<RecordId, (PackKind, Vec<u8>)>,
    bytes: Vec<u8>,
}

fn copy(store: &ChunkStore) -> Loot {
    let mut loot = Loot { records: BTreeMap::new(), bytes: Vec::new() };
    for (pack, size) in store.packs().unwrap() {
        let bytes = store.backend.read(&pack.object_key(), 0, size as usize).unwrap();
        for entry in scan(&bytes, pack.kind) {
            let from = entry.end() as usize - entry.stored as usize;
            let body = bytes[from..entry.end() as usize].to_vec();
            loot.records.insert(entry.id, (pack.kind, body));
        }
        loot.bytes.extend(bytes);
    }
    loot
}

/// Tries every key on every record, and every key that comes out of it, until nothing more opens.
fn attack(store: &ChunkStore, loot: &Loot, known: Vec<RecordKey>) -> BTreeSet<RecordId> {
    let mut opened = BTreeSet::new();
    let mut keys = known;
    let mut tried = 0;
    while tried < keys.len() {
        let key = keys[tried].clone();
        tried += 1;
        for (id, (kind, body)) in &loot.records {
            match kind {
                PackKind::Node => {
                    if let Ok(node) = Node::open(*id, &key, store.id(), &mut body.clone()) {
                        opened.insert(*id);
                        keys.extend(node.children.into_iter().map(|child| child.key));
                    }
                }
                PackKind::Data => {
                    let opens = [Codec::Raw, Codec::Zstd].into_iter().any(|codec| {
                        record::open(*id, &key, codec, CHUNK as u32, &mut body.clone()).is_ok()
                    });
                    if opens {
                        opened.insert(*id);
                    }
                }
            }
        }
    }
    opened
}

fn reached(store: &ChunkStore, root: RootId) -> BTreeSet<RecordId> {
    let mut out = BTreeSet::new();
    store.walk(root, &mut |id, _| out.insert(id)).unwrap();
    out
}

fn sealed(store: &ChunkStore, op: u64, base: Option<&Sealed>, source: &Chunks) -> Sealed {
    let entropy = SeededEntropy::new(op);
    let options = CaptureOptions { chunk_size: CHUNK, ..CaptureOptions::new(op, &entropy) };
    seal(store, base.map(|b| (b.root_id, &b.root_key)), source, &options).unwrap()
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// Invariant 22: of an image over a shared base only the shared part can be read by who has the
/// base's key and everything that is stored; its own chunks and nodes open with no key there is.
#[test]
fn a_full_copy_of_the_store_opens_nothing_of_an_image_whose_key_is_destroyed_but_what_it_shares() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(ChunkStore::create(dir.path(), &SeededEntropy::new(1)).unwrap());
    let base = sealed(&store, 1, None, &chunks("base-canary", 1, 0..40));
    let own = chunks("own-canary", 2, (20..60).chain([500]));
    let target = sealed(&store, 2, Some(&base), &own);
    let other = sealed(&store, 3, Some(&target), &chunks("other-canary", 3, 55..58));
    let loot = copy(&store);

    // The base's holder goes on reading the base, and with it what the target shares.
    let opened = attack(&store, &loot, vec![base.root_key.record_key()]);
    assert_eq!(opened, reached(&store, base.root_id));
    let of_target = reached(&store, target.root_id);
    let shared = of_target.intersection(&opened).count();
    let hidden = of_target.difference(&opened).count();
    assert!(shared >= 20 && hidden >= 41, "{shared} shared, {hidden} hidden");
    for word in ["own-canary", "base-canary", "other-canary"] {
        assert!(!holds(&loot.bytes, word.as_bytes()), "{word} is stored in the clear");
    }
    // A key that is somewhere among the stored bytes would be no secret.
    for key in [&base.root_key, &target.root_key, &other.root_key] {
        assert!(!holds(&loot.bytes, key.expose()), "a root key is stored");
    }
    // An image made of the target keeps its own way to what it shares with it, as documented.
    let by_other = attack(&store, &loot, vec![other.root_key.record_key()]);
    assert!(by_other.intersection(&of_target).count() > shared);
}

/// Invariant 22, without a base: nothing opens at all, with any key of any other image.
#[test]
fn a_full_copy_of_the_store_opens_nothing_of_an_image_without_a_base() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(ChunkStore::create(dir.path(), &SeededEntropy::new(1)).unwrap());
    // Equal bytes in both: what one image holds tells nothing about the other (invariant 23).
    let same = chunks("canary", 5, 0..30);
    let target = sealed(&store, 1, None, &same);
    let other = sealed(&store, 2, None, &same);
    let loot = copy(&store);
    let mut known = vec![other.root_key.record_key()];
    // Ids and stored bytes are no keys.
    known.extend(loot.records.keys().map(|id| RecordKey::from_bytes(id.0)));
    known.push(RootKey::from_bytes([0; 32]).record_key());
    let opened = attack(&store, &loot, known);
    assert_eq!(opened, reached(&store, other.root_id));
    assert!(opened.is_disjoint(&reached(&store, target.root_id)));
    assert!(!holds(&loot.bytes, b"canary"));
}
