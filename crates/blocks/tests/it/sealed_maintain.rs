//! Marks, sweeps, repacks, scrubs and the index made anew, without a key; and what of a store is
//! left after any order of captures, deletions, repacks and crashes.

use std::{collections::BTreeMap, sync::Arc};

use base::SeededEntropy;
use blocks::{
    Error,
    sealed::{
        ChunkStore, PackRef, RecordId, RootId, Sealed,
        maintain::{Finding, Live, Watch},
    },
};

use crate::sealed_rig::{Disk, Fault, Probe, assert_same, capture, open, seeds, try_open};

const CHUNK: u64 = 4096;
const PACK: u64 = 64 << 10;
const QUIET: Watch<'static> = Watch::none();

/// A disk's captures, each over the one before.
fn lineage(store: &ChunkStore, seed: u64, generations: u64) -> Vec<(Sealed, Disk)> {
    let mut disk = Disk::new(1500 * CHUNK);
    let mut out: Vec<(Sealed, Disk)> = Vec::new();
    for generation in 0..generations {
        disk.scribble(&SeededEntropy::new(seed * 100 + generation), 40);
        let base = out.last().map(|(sealed, _)| sealed);
        let sealed = capture(store, base, &disk, generation + 1, (CHUNK, PACK));
        disk.dirty.clear();
        out.push((sealed, copy(&disk)));
    }
    out
}

fn copy(disk: &Disk) -> Disk {
    let mut copy = Disk::new(disk.capacity);
    copy.blocks = disk.blocks.clone();
    copy
}

fn roots(of: &[(Sealed, Disk)]) -> Vec<RootId> {
    of.iter().map(|(sealed, _)| sealed.root_id).collect()
}

/// Repacks everything that is not wholly live and deletes what is dead: both phases of both runs.
fn compact(store: &ChunkStore, roots: &[RootId], op_sequence: u64) -> Live {
    let live = store.mark(roots, &QUIET).unwrap();
    let sparse: Vec<_> = store.usage(&live).unwrap().sparse(op_sequence, 100);
    let sparse: Vec<_> = sparse.iter().map(|one| one.pack).collect();
    store.repack(&sparse, &live, op_sequence, &QUIET).unwrap();
    let dead: Vec<_> = store.usage(&live).unwrap().dead(op_sequence + 1);
    store.delete_packs(&dead.iter().map(|one| one.pack).collect::<Vec<_>>()).unwrap();
    live
}

/// Invariant 16: a mark is what walks of all roots find, and reads each node once, no chunk.
#[test]
fn a_mark_is_the_union_of_what_the_roots_reach() {
    let (probe, store) = Probe::created(1);
    let made = lineage(&store, 1, 4);
    let mut walked = BTreeMap::new();
    for root in roots(&made) {
        store.walk(root, &mut |id, stored| walked.insert(id, stored).is_none()).unwrap();
    }
    store.index().unwrap();
    let gets = probe.gets();
    let live = store.mark(&roots(&made), &QUIET).unwrap();
    assert_eq!(live.records(), walked.len() as u64);
    assert!(walked.keys().all(|id| live.contains(*id)));
    assert_eq!(live.stored_bytes(), walked.values().map(|s| u64::from(*s)).sum::<u64>());
    assert_eq!(probe.gets() - gets, live.nodes());
    let usage = store.usage(&live).unwrap();
    assert_eq!((usage.unreachable_bytes(), usage.missing.len()), (0, 0));
    assert!(store.mark(&[], &QUIET).unwrap().records() == 0);
}

/// Invariant 14, for each pack that holds a node: unreadable, damaged or gone.
#[test]
fn a_mark_with_one_unreadable_node_is_an_error() {
    for how in ["unreadable", "damaged", "gone"] {
        let dir = tempfile::tempdir().unwrap();
        let store = ChunkStore::create(dir.path(), &SeededEntropy::new(1)).unwrap();
        let made = lineage(&store, 1, 2);
        let nodes: Vec<_> = node_packs(&made).collect();
        assert!(nodes.len() >= 2);
        for pack in nodes {
            let path = dir.path().join(pack.object_key());
            let good = std::fs::read(&path).unwrap();
            match how {
                "unreadable" => std::fs::write(&path, &good[..good.len() / 2]).unwrap(),
                "damaged" => {
                    let mut bad = good.clone();
                    bad[100..].iter_mut().step_by(64).for_each(|byte| *byte ^= 1);
                    std::fs::write(&path, bad).unwrap();
                }
                _ => std::fs::remove_file(&path).unwrap(),
            }
            let fresh = ChunkStore::open(dir.path()).unwrap();
            let error = fresh.mark(&roots(&made), &QUIET).unwrap_err();
            assert!(!matches!(error, Error::Cancelled), "{how}: {error}");
            std::fs::write(&path, good).unwrap();
            ChunkStore::open(dir.path()).unwrap().mark(&roots(&made), &QUIET).unwrap();
        }
    }
}

fn node_packs(made: &[(Sealed, Disk)]) -> impl Iterator<Item = PackRef> {
    let packs = made.iter().flat_map(|(sealed, _)| sealed.packs.iter());
    packs.filter(|pack| pack.kind == blocks::sealed::PackKind::Node).copied()
}

#[test]
fn work_stops_when_its_watch_says_so() {
    let (_, store) = Probe::created(1);
    let made = lineage(&store, 1, 2);
    let live = store.mark(&roots(&made), &QUIET).unwrap();
    let packs: Vec<_> = store.packs().unwrap().iter().map(|(pack, _)| *pack).collect();
    let stop = Watch { pace: &|_| Err(Error::Cancelled), progress: &|_| {} };
    let errors = [
        store.mark(&roots(&made), &stop).unwrap_err(),
        store.repack(&packs, &live, 99, &stop).unwrap_err(),
        store.scrub(None, u64::MAX, &stop).unwrap_err(),
        store.hurt(&roots(&made), &[], &stop).unwrap_err(),
        store.rebuild_index(&stop).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| matches!(error, Error::Cancelled)));
}

/// Invariant 15: repack keeps all ids, and readers that knew the old places read on.
#[test]
fn a_repack_keeps_ids_and_readers_of_other_processes_read_on() {
    let (probe, store) = Probe::created(1);
    let made = lineage(&store, 1, 4);
    let (last, disk) = made.last().unwrap();
    let reader = Arc::new(probe.store());
    let image = open(&reader, last.root_id, &last.root_key);
    reader.index().unwrap();
    let before = store.mark(&[last.root_id], &QUIET).unwrap();
    let live = compact(&store, &[last.root_id], 50);
    assert_eq!(live.records(), before.records());
    let usage = store.usage(&live).unwrap();
    assert_eq!((usage.unreachable_bytes(), usage.missing.len()), (0, 0));
    assert!(usage.packs.iter().any(|one| one.pack.op_sequence == 50));
    assert_same(&image, disk, "the reader that was open");
    let fresh = Arc::new(probe.store());
    assert_same(&open(&fresh, last.root_id, &last.root_key), disk, "a fresh reader");
    // Invariant 17.
    assert_eq!(fresh.index().unwrap(), store.index().unwrap());
    assert_eq!(store.index_by_scan().unwrap(), store.index().unwrap());
    assert!(store.rebuild_index(&QUIET).unwrap().is_clean());
    for (sealed, _) in &made[..3] {
        assert!(try_open(&fresh, sealed.root_id, &sealed.root_key).is_err());
    }
}

#[test]
fn a_pack_is_never_repacked_into_its_own_operation() {
    let (_, store) = Probe::created(1);
    let made = lineage(&store, 1, 1);
    let live = store.mark(&roots(&made), &QUIET).unwrap();
    let refused = store.repack(&made[0].0.packs, &live, 1, &QUIET).unwrap_err();
    assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
}

/// A record in two packs is read from the newer one, and from the older one when that goes.
#[test]
fn the_older_copy_of_a_record_is_found_when_the_newer_pack_goes() {
    let (probe, store) = Probe::created(1);
    let made = lineage(&store, 1, 2);
    let live = store.mark(&roots(&made), &QUIET).unwrap();
    let packs: Vec<_> = store.packs().unwrap().iter().map(|(pack, _)| *pack).collect();
    let before = store.index().unwrap();
    let reader = Arc::new(probe.store());
    let repacked = store.repack(&packs, &live, 9, &QUIET).unwrap();
    assert_eq!(repacked.emptied.len(), packs.len());
    assert!(store.index().unwrap().iter().all(|entry| entry.pack.op_sequence == 9));
    assert_eq!(reader.index().unwrap(), store.index().unwrap());
    store.delete_packs(&repacked.written).unwrap();
    assert_eq!(store.index().unwrap(), before);
    assert_eq!(reader.index().unwrap(), before);
    for (sealed, disk) in &made {
        assert_same(&open(&reader, sealed.root_id, &sealed.root_key), disk, "the older copies");
    }
}

#[test]
fn a_damaged_record_stays_where_it_is_and_its_pack_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = ChunkStore::create(dir.path(), &SeededEntropy::new(1)).unwrap();
    let made = lineage(&store, 1, 1);
    let live = store.mark(&roots(&made), &QUIET).unwrap();
    let data = store.packs().unwrap()[0].0;
    let hit = store.index().unwrap().into_iter().find(|entry| entry.pack == data).unwrap();
    flip(&dir, &data, u64::from(hit.offset) + 64 + 7);
    let store = ChunkStore::open(dir.path()).unwrap();
    let repacked = store.repack(&[data], &live, 9, &QUIET).unwrap();
    assert!(repacked.emptied.is_empty());
    assert_eq!(repacked.findings.len(), 1);
    assert_eq!(repacked.findings[0].record, Some(hit.id));
    let usage = store.usage(&live).unwrap();
    assert!(usage.missing.is_empty() && usage.dead(10).is_empty(), "it still holds the record");
}

fn flip(dir: &tempfile::TempDir, pack: &PackRef, at: u64) {
    let path = dir.path().join(pack.object_key());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[at as usize] ^= 0x20;
    std::fs::write(path, bytes).unwrap();
}

/// Invariant 18: a scrub finds any flipped byte and names the pack, and the record if it is one.
/// The reverse mark names exactly the images that cannot be read any more.
#[test]
fn a_scrub_names_what_is_damaged_and_the_roots_it_hurts() {
    let dir = tempfile::tempdir().unwrap();
    let store = ChunkStore::create(dir.path(), &SeededEntropy::new(1)).unwrap();
    let made = lineage(&store, 3, 3);
    assert!(store.scrub(None, u64::MAX, &QUIET).unwrap().findings.is_empty());
    let packs = store.packs().unwrap();
    let random = SeededEntropy::new(7);
    for seed in seeds(40) {
        let (pack, size) = packs[(random.next_u64() % packs.len() as u64) as usize];
        let at = random.next_u64() % size;
        flip(&dir, &pack, at);
        let fresh = Arc::new(ChunkStore::open(dir.path()).unwrap());
        let found = fresh.scrub(None, u64::MAX, &QUIET).unwrap();
        assert!(!found.findings.is_empty(), "seed {seed}: {pack:?} byte {at}");
        assert!(found.findings.iter().all(|finding| finding.pack == pack), "seed {seed}");
        let hurt = fresh.hurt(&roots(&made), &found.findings, &QUIET).unwrap();
        for (sealed, disk) in &made {
            let named = hurt.iter().any(|hurt| hurt.root == sealed.root_id);
            let whole = try_open(&fresh, sealed.root_id, &sealed.root_key)
                .is_ok_and(|image| reads(&image, disk));
            assert_eq!(named, !whole, "seed {seed}: {pack:?} byte {at}: {:?}", found.findings);
        }
        flip(&dir, &pack, at);
    }
}

fn reads(image: &blocks::sealed::SealedImage, disk: &Disk) -> bool {
    let (mut got, mut want) = (vec![0; disk.capacity as usize], vec![1; disk.capacity as usize]);
    disk.read(0, &mut want);
    let read = blocks::BlockSource::read_at(image, 0, &mut got);
    assert!(read.is_err() || got == want, "wrong bytes");
    read.is_ok()
}

#[test]
fn a_scrub_in_parts_reads_every_pack_once() {
    let (_, store) = Probe::created(1);
    lineage(&store, 1, 3);
    let whole = store.scrub(None, u64::MAX, &QUIET).unwrap();
    assert_eq!((whole.packs as usize, whole.cursor), (store.packs().unwrap().len(), None));
    let (mut cursor, mut packs, mut records, mut parts) = (None, 0, 0, 0);
    loop {
        let part = store.scrub(cursor, 100 << 10, &QUIET).unwrap();
        packs += part.packs;
        records += part.records;
        parts += 1;
        cursor = part.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((packs, records), (whole.packs, whole.records));
    assert!(parts > 2);
}

/// A pack whose footer is gone, and one whose object is: records are named by what pointed there.
#[test]
fn lost_packs_hurt_the_roots_that_reach_into_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = ChunkStore::create(dir.path(), &SeededEntropy::new(1)).unwrap();
    let made = lineage(&store, 5, 2);
    let late = made[1].0.packs.iter().find(|pack| pack.op_sequence == 2).unwrap();
    let path = dir.path().join(late.object_key());
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, &good[..good.len() - 5000]).unwrap();
    let fresh = ChunkStore::open(dir.path()).unwrap();
    let report = fresh.rebuild_index(&QUIET).unwrap();
    assert_eq!(report.damaged.iter().map(|(pack, _)| *pack).collect::<Vec<_>>(), [*late]);
    let found = fresh.scrub(None, u64::MAX, &QUIET).unwrap();
    let hurt = fresh.hurt(&roots(&made), &found.findings, &QUIET).unwrap();
    assert_eq!(hurt.iter().map(|hurt| hurt.root).collect::<Vec<_>>(), [made[1].0.root_id]);
    // While a needed record is missing, the pack that may hold it is not dead.
    let live = fresh.mark(&[made[1].0.root_id], &QUIET).unwrap();
    let usage = fresh.usage(&live).unwrap();
    assert!(!usage.missing.is_empty());
    assert!(usage.dead(99).iter().all(|one| one.pack != *late));
    std::fs::remove_file(&path).unwrap();
    let fresh = ChunkStore::open(dir.path()).unwrap();
    let hurt = fresh.hurt(&roots(&made), &[] as &[Finding], &QUIET).unwrap();
    assert_eq!(hurt.len(), 1);
    let lost: Vec<RecordId> = hurt[0].records.clone();
    assert!(lost.iter().all(|id| made[1].0.root_id.record() != *id));
}

/// A store under captures, deletions, repacks and faults, with what must be readable.
struct World {
    probe: Probe,
    store: Arc<ChunkStore>,
    random: SeededEntropy,
    sequence: u64,
    /// Committed images.
    images: Vec<(Sealed, Disk)>,
    /// Packs condemned by an earlier complete mark.
    condemned: Vec<PackRef>,
}

impl World {
    fn pick(&self, below: usize) -> usize {
        (self.random.next_u64() % below as u64) as usize
    }

    fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// A capture over an image or over nothing; a fault may end it before its commit.
    fn create(&mut self) {
        let op = self.next();
        let from = (!self.images.is_empty()).then(|| self.pick(self.images.len()));
        let mut disk = from.map_or_else(|| Disk::new(400 * CHUNK), |at| copy(&self.images[at].1));
        disk.scribble(&SeededEntropy::new(self.random.next_u64()), 12);
        if self.pick(4) == 0 {
            let fault = Fault::ALL[self.pick(Fault::ALL.len())];
            self.probe.fail_put(self.pick(3) as u64, fault);
            let entropy = SeededEntropy::new(op);
            let options = blocks::sealed::CaptureOptions {
                chunk_size: CHUNK,
                pack_size: 32 << 10,
                ..blocks::sealed::CaptureOptions::new(op, &entropy)
            };
            let base = from.map(|at| &self.images[at].0).map(|b| (b.root_id, &b.root_key));
            // Never committed: what it stored is garbage.
            let _ = blocks::sealed::seal(&self.store, base, &disk, &options);
            self.probe.heal();
            return;
        }
        let base = from.map(|at| &self.images[at].0);
        let sealed = capture(&self.store, base, &disk, op, (CHUNK, 32 << 10));
        disk.dirty.clear();
        self.images.push((sealed, disk));
    }

    fn delete(&mut self) {
        if !self.images.is_empty() {
            let at = self.pick(self.images.len());
            self.images.remove(at);
        }
    }

    /// One run of the collection as its job does it, which may die after any of its parts. An
    /// operation that began before it may still write.
    fn collect(&mut self, percent: u64) {
        let open = self.pick(3) == 0;
        let oldest = if open { self.sequence.saturating_sub(1) } else { u64::MAX };
        let epoch = self.next();
        let below = epoch.min(oldest);
        let live = self.store.mark(&roots(&self.images), &QUIET).unwrap();
        let usage = self.store.usage(&live).unwrap();
        assert!(usage.missing.is_empty());
        let dead: Vec<_> = usage.dead(below).iter().map(|one| one.pack).collect();
        let doomed: Vec<_> =
            self.condemned.iter().filter(|pack| dead.contains(pack)).copied().collect();
        self.condemned = dead;
        let dies_after = self.pick(6);
        let part = doomed.len().min(if dies_after == 0 { 1 } else { usize::MAX });
        self.store.delete_packs(&doomed[..part]).unwrap();
        if dies_after <= 1 {
            return self.crash();
        }
        let op = self.next();
        let sparse: Vec<_> = usage.sparse(below, percent).iter().map(|one| one.pack).collect();
        if dies_after == 2 {
            self.probe.fail_put(self.pick(3) as u64, Fault::ALL[self.pick(Fault::ALL.len())]);
        }
        let repacked = self.store.repack(&sparse, &live, op, &QUIET);
        self.probe.heal();
        match repacked {
            Ok(repacked) if dies_after > 3 => {
                self.condemned.extend(repacked.emptied);
            }
            Ok(_) | Err(_) => self.crash(),
        }
    }

    /// The process ends, and another one opens the store.
    fn crash(&mut self) {
        self.store = Arc::new(self.probe.store());
    }

    fn check(&self, what: &str) {
        let fresh = Arc::new(self.probe.store());
        for store in [&self.store, &fresh] {
            for (sealed, disk) in &self.images {
                assert_same(&open(store, sealed.root_id, &sealed.root_key), disk, what);
            }
        }
    }
}

/// Invariant 13, with the engine alone; invariant 15 at the end.
#[test]
fn no_order_of_captures_deletions_repacks_and_crashes_loses_a_reachable_record() {
    for seed in seeds(12) {
        let (probe, store) = Probe::created(seed);
        let random = SeededEntropy::new(seed);
        let mut world =
            World { probe, store, random, sequence: 0, images: Vec::new(), condemned: Vec::new() };
        for step in 0..30 {
            match world.pick(8) {
                0..=2 => world.create(),
                3 | 4 => world.delete(),
                5 | 6 => world.collect(50),
                _ => world.crash(),
            }
            if step % 5 == 4 {
                world.check(&format!("seed {seed} step {step}"));
            }
        }
        let what = format!("seed {seed}, at the end; replay: ECTYPE_SEEDS={}", seed + 1);
        // Quiescence: two runs in peace, the second deletes what the first condemned.
        for _ in 0..2 {
            let below = world.next();
            let live = world.store.mark(&roots(&world.images), &QUIET).unwrap();
            let sparse = world.store.usage(&live).unwrap().sparse(below, 100);
            let sparse: Vec<_> = sparse.iter().map(|one| one.pack).collect();
            let op = world.next();
            world.store.repack(&sparse, &live, op, &QUIET).unwrap();
            let dead = world.store.usage(&live).unwrap().dead(op);
            let dead: Vec<_> = dead.iter().map(|one| one.pack).collect();
            world.store.delete_packs(&dead).unwrap();
        }
        let live = world.store.mark(&roots(&world.images), &QUIET).unwrap();
        let usage = world.store.usage(&live).unwrap();
        assert_eq!(usage.unreachable_bytes(), 0, "{what}");
        world.check(&what);
        assert!(world.store.rebuild_index(&QUIET).unwrap().is_clean(), "{what}");
    }
}
