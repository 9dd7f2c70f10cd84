//! Captures and the images read from them.

use std::sync::{Arc, Barrier};

use base::{Entropy, SeededEntropy};
use blocks::{
    BlockSource, CHUNK_SIZE, Error, FileSource, Format,
    sealed::{
        CaptureOptions, ChunkStore, PACK_SIZE_BYTES, ReadCache, RootKey, SealedImage, WORKERS_MAX,
        seal, verify,
    },
};

use crate::sealed_rig::{
    BLOCK, Disk, MemoryLog, Probe, assert_same, capture, open, seeds, try_open,
};

/// Invariant 7: over several generations, chunk sizes, tails and growing capacities.
#[test]
fn an_image_has_the_bytes_of_its_source_for_every_sparse_pattern() {
    for seed in seeds(12) {
        let random = SeededEntropy::new(seed);
        let (_, store) = Probe::created(seed);
        let chunk_size = [4096, 16_384, 65_536, CHUNK_SIZE][seed as usize % 4];
        let pack_size = [64 << 10, PACK_SIZE_BYTES][seed as usize % 2];
        let mut disk = Disk::new(1 + random.next_u64() % (700 * chunk_size));
        let mut base = None;
        for generation in 0..4 {
            let what = format!("seed {seed}, generation {generation}");
            disk.scribble(&random, random.next_u64() % 40);
            let sealed = capture(&store, base.as_ref(), &disk, generation, (chunk_size, pack_size));
            verify(&store, &sealed, 3, &random).unwrap();
            assert_same(&open(&store, sealed.root_id, &sealed.root_key), &disk, &what);
            assert_eq!(sealed.capacity, disk.capacity, "{what}");
            // The layer starts anew over the image; the volume may have grown.
            disk.dirty.clear();
            disk.capacity += [0, 1, chunk_size * 300][random.next_u64() as usize % 3];
            base = Some(sealed);
        }
    }
}

#[test]
fn reads_and_extents_of_any_range_agree_with_the_source() {
    let (_, store) = Probe::created(1);
    let random = SeededEntropy::new(9);
    let mut disk = Disk::new(300 * 4096 + 17);
    disk.scribble(&random, 30);
    let sealed = capture(&store, None, &disk, 1, (4096, PACK_SIZE_BYTES));
    let image = open(&store, sealed.root_id, &sealed.root_key);
    for _ in 0..500 {
        let from = random.next_u64() % disk.capacity;
        let length = random.next_u64() % (disk.capacity - from + 1);
        let (mut got, mut want) = (vec![1; length as usize], vec![2; length as usize]);
        image.read_at(from, &mut got).unwrap();
        disk.read(from, &mut want);
        assert!(got == want, "{from}+{length}");
        let extents = image.extents(from, length).unwrap();
        assert_eq!(extents.iter().map(|e| e.length).sum::<u64>(), length);
        let mut at = 0;
        for extent in extents {
            let part = &want[at..at + extent.length as usize];
            assert!(!extent.hole || part.iter().all(|b| *b == 0), "{from}+{length}");
            at += part.len();
        }
    }
    let past = image.read_at(disk.capacity, &mut [0]);
    assert!(matches!(past, Err(Error::OutOfRange { .. })));
    assert!(image.read_at(u64::MAX, &mut [0]).is_err());
    assert!(image.extents(1, disk.capacity).is_err());
    image.read_at(disk.capacity, &mut []).unwrap();
}

#[test]
fn an_empty_disk_makes_an_image_of_one_node() {
    let (_, store) = Probe::created(1);
    let disk = Disk::new(100 << 30);
    let sealed = capture(&store, None, &disk, 1, (CHUNK_SIZE, PACK_SIZE_BYTES));
    let stats = store.root_stats(sealed.root_id).unwrap();
    assert_eq!((stats.chunks, stats.nodes, stats.logical_bytes), (0, 1, 0));
    assert_eq!(sealed.packs.len(), 1);
    assert_same(&open(&store, sealed.root_id, &sealed.root_key), &disk, "empty");
}

/// Invariant 29: cost follows the dirty chunks, whatever is in use and however large the disk is.
#[test]
fn capture_cost_follows_dirty_chunks_and_not_the_capacity() {
    let mut costs = Vec::new();
    for (capacity, in_use) in [(100_u64 << 30, 300_u64), (8 << 40, 3000)] {
        let (probe, store) = Probe::created(1);
        let size = 4096;
        let mut disk = Disk::new(capacity / 128);
        for n in 0..in_use {
            disk.write(n * (disk.capacity / BLOCK / in_use), vec![(n % 250) as u8 + 1; 100]);
        }
        let base = capture(&store, None, &disk, 1, (size, PACK_SIZE_BYTES));
        disk.dirty.clear();
        for n in 0..3 {
            disk.write(n * (disk.capacity / BLOCK / in_use), vec![0xAB; 200]);
        }
        disk.chunk_reads = Default::default();
        let (gets, puts, lists) = (probe.gets(), probe.puts(), probe.lists());
        let sealed = capture(&store, Some(&base), &disk, 2, (size, PACK_SIZE_BYTES));
        let reads = disk.chunk_reads.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!((reads, sealed.dirty_chunks), (3, 3));
        assert_eq!(probe.puts() - puts, 2, "a data pack and a node pack");
        assert!(probe.lists() - lists <= 1);
        let gets = probe.gets() - gets;
        // The root, and at most three nodes on the way to each dirty chunk; the base's packs'
        // footers when the index is read for the first time.
        assert!(gets <= 1 + 3 * 3 + 2 * 3, "{gets} reads");
        costs.push(sealed.stored_bytes);
        let stats = store.root_stats(sealed.root_id).unwrap();
        assert_eq!(stats.logical_bytes, sealed.logical_bytes);
        assert_eq!(stats.chunks, in_use);
        assert_eq!(stats.parent, Some(base.root_id));
        assert_same(&open(&store, sealed.root_id, &sealed.root_key), &disk, "over base");
    }
    assert!(costs[1] < costs[0] * 3, "{costs:?}: ten times the use, not ten times the cost");
}

/// Invariant 29: opening an image reads one node, whatever its size.
#[test]
fn opening_an_image_reads_its_root_only() {
    let (probe, store) = Probe::created(1);
    let mut disk = Disk::new(1 << 40);
    for n in 0..200 {
        disk.write(n * 999_983, vec![1; 10]);
    }
    let sealed = capture(&store, None, &disk, 1, (CHUNK_SIZE, PACK_SIZE_BYTES));
    store.index().unwrap();
    let gets = probe.gets();
    let image = open(&store, sealed.root_id, &sealed.root_key);
    assert_eq!(probe.gets() - gets, 1);
    let image_bytes = probe.get_bytes();
    image.extents(0, 1 << 40).unwrap();
    assert!(probe.get_bytes() - image_bytes < 201 * 23_000, "extents read nodes, not data");
}

#[test]
fn unchanged_subtrees_are_shared_by_id() {
    let (_, store) = Probe::created(1);
    let mut disk = Disk::new(3000 * 4096);
    disk.scribble(&SeededEntropy::new(4), 400);
    let base = capture(&store, None, &disk, 1, (4096, PACK_SIZE_BYTES));
    disk.dirty.clear();
    disk.write(0, vec![0x77; 4096]);
    let sealed = capture(&store, Some(&base), &disk, 2, (4096, PACK_SIZE_BYTES));
    let ids = |root| {
        let mut out = std::collections::HashSet::new();
        store.walk(root, &mut |id, _| out.insert(id)).unwrap();
        out
    };
    let (old, new) = (ids(base.root_id), ids(sealed.root_id));
    // The root, the node over the first 256 chunks, and the chunk.
    assert_eq!(new.difference(&old).count(), 3);
    // A capture of nothing new still is a tree of its own.
    disk.dirty.clear();
    let same = capture(&store, Some(&sealed), &disk, 3, (4096, PACK_SIZE_BYTES));
    assert_eq!(ids(same.root_id).difference(&new).count(), 1);
    assert_ne!(same.root_id, sealed.root_id);
    assert_same(&open(&store, same.root_id, &same.root_key), &disk, "same");
}

#[test]
fn statistics_count_what_a_walk_finds() {
    let (_, store) = Probe::created(1);
    let mut disk = Disk::new(70_000 * 4096);
    disk.scribble(&SeededEntropy::new(5), 200);
    let sealed = capture(&store, None, &disk, 1, (4096, 64 << 10));
    let (mut records, mut bytes) = (0, 0);
    store
        .walk(sealed.root_id, &mut |_, stored| {
            records += 1;
            bytes += u64::from(stored);
            true
        })
        .unwrap();
    let stats = store.root_stats(sealed.root_id).unwrap();
    assert_eq!((stats.chunks + stats.nodes, stats.stored_bytes), (records, bytes));
    assert_eq!(stats.stored_bytes, sealed.reachable_bytes);
    assert!(sealed.stored_bytes > bytes, "packs have heads and footers");
    let packs = store.packs().unwrap();
    assert_eq!(packs.iter().map(|(_, size)| size).sum::<u64>(), sealed.stored_bytes);
    assert!(packs.len() > 4);
    for (pack, _) in packs {
        store.check_pack(&pack).unwrap();
    }
}

#[test]
fn a_sparse_raw_file_is_captured_without_its_holes() {
    let dir = tempfile::tempdir().unwrap();
    let store = ChunkStore::create(&dir.path().join("store"), &SeededEntropy::new(1)).unwrap();
    let store = Arc::new(store);
    let path = dir.path().join("disk.raw");
    let mut disk = Disk::new(5 << 30);
    {
        use std::os::unix::fs::FileExt;
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(disk.capacity).unwrap();
        for block in [0, 1, 77_777, 1_000_000, (5 << 30) / BLOCK - 1] {
            disk.write(block, format!("{block} ").into_bytes().repeat(300));
            file.write_all_at(&disk.blocks[&block], block * BLOCK).unwrap();
        }
    }
    let source = FileSource::open(&path, Format::Raw).unwrap();
    let entropy = SeededEntropy::new(2);
    let sealed = seal(&store, None, &source, &CaptureOptions::new(1, &entropy)).unwrap();
    assert_eq!(sealed.dirty_chunks, 4);
    verify(&store, &sealed, 10, &entropy).unwrap();
    assert_same(&open(&store, sealed.root_id, &sealed.root_key), &disk, "raw");
}

#[test]
fn readers_of_one_chunk_fetch_it_once() {
    let (probe, store) = Probe::created(1);
    let mut disk = Disk::new(CHUNK_SIZE);
    disk.scribble(&SeededEntropy::new(4), 40);
    let sealed = capture(&store, None, &disk, 1, (CHUNK_SIZE, PACK_SIZE_BYTES));
    let image = open(&store, sealed.root_id, &sealed.root_key);
    let (gets, together) = (probe.gets(), Barrier::new(8));
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (image, together) = (&image, &together);
            scope.spawn(move || {
                together.wait();
                image.read_at(n * 4096, &mut [0; 4096]).unwrap();
            });
        }
    });
    assert_eq!(probe.gets() - gets, 1);
}

/// Invariant 28: with a cache too small for one chunk, reads are right and memory stays capped.
#[test]
fn a_tiny_cache_changes_no_byte() {
    let (_, store) = Probe::created(1);
    let mut disk = Disk::new(20 * CHUNK_SIZE);
    disk.scribble(&SeededEntropy::new(4), 60);
    let sealed = capture(&store, None, &disk, 1, (CHUNK_SIZE, PACK_SIZE_BYTES));
    for budget in [0, 100_000, 2 << 20] {
        let cache = Arc::new(ReadCache::new(budget));
        let image = SealedImage::open(
            Arc::clone(&store),
            sealed.root_id,
            &sealed.root_key,
            Arc::clone(&cache),
        );
        assert_same(&image.unwrap(), &disk, "tiny cache");
        assert!(cache.used_bytes() <= budget);
    }
}

/// A copy shares nothing: another store, or a tree of its own in the same one.
#[test]
fn an_image_is_the_source_of_a_copy_that_shares_no_record() {
    let ((_, store), (_, other)) = (Probe::created(1), Probe::created(2));
    let mut disk = Disk::new(600 * 4096 + 7);
    disk.scribble(&SeededEntropy::new(4), 60);
    let sealed = capture(&store, None, &disk, 1, (4096, PACK_SIZE_BYTES));
    let image = open(&store, sealed.root_id, &sealed.root_key);
    let entropy = SeededEntropy::new(77);
    for (to, chunk_size) in [(&store, 4096), (&other, 4096), (&other, 65_536)] {
        let options = CaptureOptions { chunk_size, ..CaptureOptions::new(2, &entropy) };
        let copy = seal(to, None, &image, &options).unwrap();
        assert!(copy.dirty_chunks < 600);
        assert_same(&open(to, copy.root_id, &copy.root_key), &disk, "copy");
        let mut old = std::collections::HashSet::new();
        store.walk(sealed.root_id, &mut |id, _| old.insert(id)).unwrap();
        to.walk(copy.root_id, &mut |id, _| {
            assert!(!old.contains(&id));
            true
        })
        .unwrap();
    }
}

/// Invariant 20: neither what the guest wrote nor a key is in any object, stored or tried.
#[test]
fn no_object_holds_plaintext_or_a_key() {
    let (probe, store) = Probe::created(1);
    let random = SeededEntropy::new(4);
    let mut disk = Disk::new(40 * 4096);
    let mut canaries = Vec::new();
    for block in 0..20 {
        let mut canary = vec![0; 4096];
        random.fill(&mut canary);
        canaries.push(canary[100..132].to_vec());
        disk.write(block, canary);
    }
    let log = MemoryLog::default();
    let entropy = SeededEntropy::new(3);
    let options =
        CaptureOptions { log: &log, chunk_size: 4096, ..CaptureOptions::new(1, &entropy) };
    let sealed = seal(&store, None, &disk, &options).unwrap();
    canaries.extend(log.keys().into_keys());
    canaries.push(sealed.root_key.expose().to_vec());
    assert_eq!(canaries.len(), 41);
    for object in probe.everything_put() {
        for canary in &canaries {
            assert!(!object.windows(canary.len()).any(|part| part == canary));
        }
    }
}

#[test]
fn any_number_of_workers_makes_the_same_bytes() {
    let (_, store) = Probe::created(1);
    let mut disk = Disk::new(400 * 4096);
    disk.scribble(&SeededEntropy::new(4), 60);
    let entropy = SeededEntropy::new(3);
    for workers in [0, 1, 2, 7, WORKERS_MAX, WORKERS_MAX + 1] {
        let options =
            CaptureOptions { workers, chunk_size: 4096, ..CaptureOptions::new(1, &entropy) };
        let sealed = seal(&store, None, &disk, &options).unwrap();
        let image = open(&store, sealed.root_id, &sealed.root_key);
        assert_same(&image, &disk, &format!("{workers} workers"));
    }
}

/// Invariant 23, the engine's half: whether a store holds the same data already shows in nothing:
/// not in what is written, not in what is counted, not in what is put and asked of the store.
#[test]
fn equal_data_in_the_store_changes_nothing_that_can_be_seen() {
    let seen = |same_before: bool| {
        let (probe, store) = Probe::created(1);
        let mut disk = Disk::new(200 * 4096);
        let other = if same_before { 9 } else { 8 };
        disk.scribble(&SeededEntropy::new(other), 60);
        let before = capture(&store, None, &disk, 1, (4096, PACK_SIZE_BYTES));
        let mut disk = Disk::new(200 * 4096);
        disk.scribble(&SeededEntropy::new(9), 60);
        let calls = (probe.puts(), probe.gets(), probe.lists());
        let sealed = capture(&store, None, &disk, 2, (4096, PACK_SIZE_BYTES));
        let calls = (probe.puts() - calls.0, probe.gets() - calls.1, probe.lists() - calls.2);
        assert!(before.packs.iter().all(|pack| !sealed.packs.contains(pack)));
        let counts = (sealed.stored_bytes, sealed.reachable_bytes, sealed.logical_bytes);
        (calls, counts, sealed.packs.len(), sealed.dirty_chunks)
    };
    assert_eq!(seen(true), seen(false));
}

/// Invariant 22, the engine's half: without its key an image is noise.
#[test]
fn a_wrong_key_opens_nothing() {
    let (_, store) = Probe::created(1);
    let mut disk = Disk::new(10 * 4096);
    disk.scribble(&SeededEntropy::new(4), 10);
    let sealed = capture(&store, None, &disk, 1, (4096, PACK_SIZE_BYTES));
    let wrong = RootKey::from_bytes([1; 32]);
    assert!(matches!(try_open(&store, sealed.root_id, &wrong), Err(Error::Corrupt { .. })));
}

#[test]
fn captures_that_do_not_fit_are_refused() {
    let (_, store) = Probe::created(1);
    let entropy = SeededEntropy::new(1);
    let base = capture(&store, None, &Disk::new(100 * 4096), 1, (4096, PACK_SIZE_BYTES));
    let refused = |disk: &Disk, chunk_size, over: bool| {
        let options = CaptureOptions { chunk_size, ..CaptureOptions::new(2, &entropy) };
        let base = over.then_some((base.root_id, &base.root_key));
        matches!(seal(&store, base, disk, &options), Err(Error::Invalid { .. }))
    };
    assert!(refused(&Disk::new(99 * 4096), 4096, true), "smaller than its base");
    assert!(!refused(&Disk::new(100 * 4096), 4096, true));
    assert!(refused(&Disk::new(0), 4096, false), "empty");
    assert!(refused(&Disk::new(1 << 60), 4096, false), "larger than any tree");
    for (chunk_size, bad) in [(2048, true), (4096, false), (4 << 20, false), (8 << 20, true)] {
        assert_eq!(refused(&Disk::new(4096), chunk_size, false), bad, "{chunk_size}");
    }
    assert!(refused(&Disk::new(4096), 5000, false));
    let mut past = Disk::new(4096);
    past.dirty.insert(1);
    assert!(refused(&past, 4096, false), "dirty past the end");
}
