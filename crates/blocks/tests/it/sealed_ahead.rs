//! Images that are read ahead of readers in order.

use std::sync::Arc;

use base::SeededEntropy;
use blocks::{
    BlockSource, Error,
    sealed::{PACK_SIZE_BYTES, ReadCache, Sealed, SealedImage},
};

use crate::sealed_rig::{Disk, Probe, assert_same, capture};

const CHUNK: u64 = 16 * 1024;
const CHUNKS: u64 = 400;

fn disk(seed: u64) -> Disk {
    let mut disk = Disk::new(CHUNKS * CHUNK - 4096);
    disk.scribble(&SeededEntropy::new(seed), 900);
    disk
}

fn with_read_ahead(probe: &Probe, sealed: &Sealed, cache: &Arc<ReadCache>) -> SealedImage {
    let store = Arc::new(probe.store());
    let image =
        SealedImage::open(store, sealed.root_id, &sealed.root_key, Arc::clone(cache)).unwrap();
    image.with_read_ahead()
}

/// Reads all of an image in order, by requests that do not end where chunks end.
fn read_in_order(image: &SealedImage, disk: &Disk) {
    let mut at = 0;
    while at < disk.capacity {
        let length = (CHUNK * 5 / 2).min(disk.capacity - at) as usize;
        let (mut got, mut expected) = (vec![1; length], vec![2; length]);
        image.read_at(at, &mut got).unwrap();
        disk.read(at, &mut expected);
        assert!(got == expected, "at {at}");
        at += length as u64;
    }
}

/// Neighbours are read together, and no chunk is read twice.
#[test]
fn a_reader_in_order_gets_the_same_bytes_by_fewer_requests() {
    let (probe, store) = Probe::created(1);
    let disk = disk(5);
    let sealed = capture(&store, None, &disk, 1, (CHUNK, PACK_SIZE_BYTES));
    let cache = Arc::new(ReadCache::new(64 << 20));
    let image = with_read_ahead(&probe, &sealed, &cache);
    let (gets, bytes) = (probe.gets(), probe.get_bytes());
    read_in_order(&image, &disk);
    drop(image);
    let chunks = store.root_stats(sealed.root_id).unwrap().chunks;
    let stored = store.root_stats(sealed.root_id).unwrap().stored_bytes;
    // Nodes and footers besides; a gap between neighbours may be read along.
    assert!(probe.gets() - gets <= chunks + 16, "{} for {chunks}", probe.gets() - gets);
    assert!(probe.get_bytes() - bytes <= stored * 2 + (1 << 20));
    assert!(cache.used_bytes() <= 64 << 20);
}

/// Invariant 28: with a cache too small to read ahead into, reads are right and memory stays
/// capped.
#[test]
fn a_small_cache_is_kept_to_when_chunks_are_read_ahead() {
    let (probe, store) = Probe::created(2);
    let disk = disk(6);
    let sealed = capture(&store, None, &disk, 1, (CHUNK, PACK_SIZE_BYTES));
    for budget in [0, 100_000, 1 << 20] {
        let cache = Arc::new(ReadCache::new(budget));
        let image = with_read_ahead(&probe, &sealed, &cache);
        read_in_order(&image, &disk);
        assert!(cache.used_bytes() <= budget, "{budget}");
        assert_same(&image, &disk, "read ahead");
    }
}

/// Invariant 18: what cannot be read ahead is an error for the reader who wants it, and for
/// nobody before.
#[test]
fn a_pack_that_cannot_be_read_fails_the_reader_and_not_the_one_before() {
    let (probe, store) = Probe::created(3);
    let disk = disk(7);
    let sealed = capture(&store, None, &disk, 1, (CHUNK, 512 * 1024));
    let packs = store.packs().unwrap();
    let (broken, _) =
        packs.iter().filter(|(p, _)| p.kind == blocks::sealed::PackKind::Data).nth(3).unwrap();
    let cache = Arc::new(ReadCache::new(64 << 20));
    let image = with_read_ahead(&probe, &sealed, &cache);
    // What the image needs to know of the packs is read before one of them is lost.
    image.extents(0, disk.capacity).unwrap();
    image.read_at(0, &mut [0; 4096]).unwrap();
    probe.break_reads_of(Some(broken.object_key()));
    let mut failed = 0;
    for chunk in 0..CHUNKS - 1 {
        let (mut got, mut expected) = (vec![1; CHUNK as usize], vec![2; CHUNK as usize]);
        disk.read(chunk * CHUNK, &mut expected);
        match image.read_at(chunk * CHUNK, &mut got) {
            Ok(()) => assert!(got == expected, "chunk {chunk}"),
            Err(Error::Io { .. }) => failed += 1,
            Err(other) => panic!("chunk {chunk}: {other}"),
        }
    }
    assert!(failed > 0 && failed < CHUNKS / 2, "{failed}");
    probe.break_reads_of(None);
    read_in_order(&image, &disk);
}
