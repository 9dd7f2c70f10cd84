//! Damage made whole again from other copies and from plaintext; and what is not, stays an error.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use base::SeededEntropy;
use blocks::{
    BlockSource, Error,
    sealed::{
        ChunkStore, PackKind, PackRef, RootId, Sealed, SealedImage,
        maintain::{Copies, Repaired, Watch},
    },
};

use crate::sealed_rig::{Disk, Probe, assert_same, capture, open, seeds, try_open};

const CHUNK: u64 = 4096;
const PACK: u64 = 64 << 10;
const QUIET: Watch<'static> = Watch::none();

struct Rig {
    dir: tempfile::TempDir,
    made: Vec<(Sealed, Disk)>,
}

impl Rig {
    /// Captures, each over the one before, and a copy of the folder.
    fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = ChunkStore::create(&dir.path().join("a"), &SeededEntropy::new(seed)).unwrap();
        let mut disk = Disk::new(1500 * CHUNK);
        let mut made: Vec<(Sealed, Disk)> = Vec::new();
        for generation in 0..3 {
            disk.scribble(&SeededEntropy::new(seed * 100 + generation), 40);
            let base = made.last().map(|(sealed, _)| sealed);
            let sealed = capture(&store, base, &disk, generation + 1, (CHUNK, PACK));
            disk.dirty.clear();
            made.push((sealed, copy(&disk)));
        }
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([dir.path().join("a"), dir.path().join("b")])
            .status()
            .unwrap();
        assert!(copied.success());
        Self { dir, made }
    }

    fn a(&self) -> std::path::PathBuf {
        self.dir.path().join("a")
    }

    fn b(&self) -> std::path::PathBuf {
        self.dir.path().join("b")
    }

    fn store(&self) -> Arc<ChunkStore> {
        Arc::new(ChunkStore::open(&self.a()).unwrap())
    }

    fn roots(&self) -> Vec<RootId> {
        self.made.iter().map(|(sealed, _)| sealed.root_id).collect()
    }

    fn all_same(&self, store: &Arc<ChunkStore>, what: &str) {
        for (sealed, disk) in &self.made {
            assert_same(&open(store, sealed.root_id, &sealed.root_key), disk, what);
        }
    }

    /// Damages some packs in some way.
    fn damage(&self, random: &SeededEntropy) {
        let packs = self.store().packs().unwrap();
        for _ in 0..=random.next_u64() % 3 {
            let (pack, size) = packs[(random.next_u64() % packs.len() as u64) as usize];
            let path = self.a().join(pack.object_key());
            let Ok(mut bytes) = std::fs::read(&path) else { continue };
            match random.next_u64() % 6 {
                0 => std::fs::remove_file(&path).unwrap(),
                1 => std::fs::write(&path, &bytes[..(random.next_u64() % size) as usize]).unwrap(),
                2 => {
                    bytes.iter_mut().step_by(512).for_each(|byte| *byte ^= 0x41);
                    std::fs::write(&path, bytes).unwrap();
                }
                _ => {
                    let at = (random.next_u64() as usize) % bytes.len();
                    bytes[at] ^= 0x20;
                    std::fs::write(&path, bytes).unwrap();
                }
            }
        }
    }
}

fn copy(disk: &Disk) -> Disk {
    let mut copy = Disk::new(disk.capacity);
    copy.blocks = disk.blocks.clone();
    copy
}

/// Packs that a scrub finds damaged.
fn damaged(store: &ChunkStore) -> Vec<PackRef> {
    let found = store.scrub(None, u64::MAX, &QUIET).unwrap().findings;
    let mut packs: Vec<_> = found.iter().map(|finding| finding.pack).collect();
    packs.dedup();
    packs
}

fn repair(store: &ChunkStore, roots: &[RootId], from: &[Copies], op: u64) -> Repaired {
    store.repair(roots, &damaged(store), from, op, &QUIET).unwrap()
}

/// Deletes what nothing needs, as two collections do.
fn sweep(store: &ChunkStore, roots: &[RootId]) {
    let live = store.mark(roots, &QUIET).unwrap();
    let dead = store.usage(&live).unwrap().dead(u64::MAX);
    store.delete_packs(&dead.iter().map(|one| one.pack).collect::<Vec<_>>()).unwrap();
}

/// Invariants 16 and 18: whatever was damaged is whole again when another copy of the store has
/// it, without a key; and no damaged byte is left once what nothing needs is deleted.
#[test]
fn any_damage_is_repaired_from_another_copy_of_the_store() {
    let rig = Rig::new(1);
    for seed in seeds(25) {
        let what = format!("seed {seed}; replay: ECTYPE_SEEDS={}", seed + 1);
        rig.damage(&SeededEntropy::new(seed));
        let store = rig.store();
        let copies = [Copies::open(&store, &rig.b()).unwrap()];
        let bad = damaged(&store);
        let op = 100 + seed;
        let done = store.repair(&rig.roots(), &bad, &copies, op, &QUIET).unwrap();
        assert!(done.lost.is_empty(), "{what}: {done:?}");
        assert_eq!(done.healed, bad, "{what}");
        rig.all_same(&store, &what);
        rig.all_same(&rig.store(), &what);
        let again = store.repair(&rig.roots(), &bad, &copies, op + 1, &QUIET).unwrap();
        assert!(again.written.is_empty() && again.repaired.is_empty(), "{what}: {again:?}");
        sweep(&store, &rig.roots());
        assert!(damaged(&rig.store()).is_empty(), "{what}");
        assert!(rig.store().rebuild_index(&QUIET).unwrap().is_clean(), "{what}");
    }
}

/// What no copy has stays as it is: reads fail and name it, never zeros (invariant 18).
#[test]
fn what_no_copy_has_stays_an_error() {
    let rig = Rig::new(2);
    let (last, disk) = rig.made.last().unwrap();
    let data = last.packs.iter().find(|pack| pack.kind == PackKind::Data).unwrap();
    let store = rig.store();
    let hit = store.index().unwrap().into_iter().find(|entry| entry.pack == *data).unwrap();
    let path = rig.a().join(data.object_key());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[hit.offset as usize + 64] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let store = rig.store();
    let done = repair(&store, &rig.roots(), &[], 50);
    assert_eq!((done.lost.as_slice(), done.healed.len()), (&[hit.id][..], 0));
    assert!(done.moved_records > 0, "the others are moved out of the way of the damage");
    let image = open(&store, last.root_id, &last.root_key);
    let mut whole = vec![0; disk.capacity as usize];
    let error = image.read_at(0, &mut whole).unwrap_err();
    assert!(error.to_string().contains(&hit.id.to_string()), "{error}");
    // Its pack is kept: the record may be found later.
    sweep(&store, &rig.roots());
    assert!(path.exists());
    let copies = [Copies::open(&store, &rig.b()).unwrap()];
    let later = store.repair(&rig.roots(), &[*data], &copies, 60, &QUIET).unwrap();
    assert_eq!((later.repaired.as_slice(), later.lost.len()), (&[hit.id][..], 0));
    rig.all_same(&store, "repaired later");
}

/// An operator hands single files, under any name, cut short or damaged in other places.
#[test]
fn loose_files_that_are_packs_are_copies_too() {
    let rig = Rig::new(3);
    let store = rig.store();
    let packs = store.packs().unwrap();
    let loose = rig.dir.path().join("loose");
    std::fs::create_dir(&loose).unwrap();
    std::fs::write(loose.join("not-a-pack"), b"hello").unwrap();
    assert!(matches!(Copies::open(&store, &loose), Err(Error::Invalid { .. })));
    for (number, (pack, _)) in packs.iter().enumerate() {
        let bytes = std::fs::read(rig.a().join(pack.object_key())).unwrap();
        // Without its trailer and half of its footer.
        std::fs::write(loose.join(format!("found-{number}")), &bytes[..bytes.len() - 90]).unwrap();
        std::fs::remove_file(rig.a().join(pack.object_key())).unwrap();
    }
    let store = rig.store();
    let copies = [Copies::open(&store, &loose).unwrap()];
    let done = repair(&store, &rig.roots(), &copies, 50);
    assert!(done.lost.is_empty(), "{done:?}");
    rig.all_same(&store, "from loose files");
    let elsewhere = tempfile::tempdir().unwrap();
    ChunkStore::create(&elsewhere.path().join("s"), &SeededEntropy::new(9)).unwrap();
    let foreign = Copies::open(&store, &elsewhere.path().join("s")).unwrap_err();
    assert!(foreign.to_string().contains("another store"), "{foreign}");
}

/// A repack that crashed leaves two copies: when the one that readers take rots, the other is
/// taken.
#[test]
fn the_older_copy_in_the_store_itself_is_taken_first() {
    let rig = Rig::new(4);
    let store = rig.store();
    let live = store.mark(&rig.roots(), &QUIET).unwrap();
    let packs: Vec<_> = store.packs().unwrap().iter().map(|(pack, _)| *pack).collect();
    let repacked = store.repack(&packs, &live, 9, &QUIET).unwrap();
    let store = rig.store();
    for entry in store.index().unwrap() {
        assert_eq!(entry.pack.op_sequence, 9);
        let path = rig.a().join(entry.pack.object_key());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[entry.offset as usize + 64 + 9] ^= 2;
        std::fs::write(&path, bytes).unwrap();
    }
    let done = store.repair(&rig.roots(), &repacked.written, &[], 50, &QUIET).unwrap();
    assert!(done.lost.is_empty() && !done.repaired.is_empty(), "{done:?}");
    rig.all_same(&store, "from the older copies");
}

/// A repair that is cut off anywhere goes on, and a reader that had seen the damage reads on.
#[test]
fn a_repair_goes_on_where_it_was_cut_off_and_open_readers_read_on() {
    for seed in seeds(6) {
        let rig = Rig::new(10 + seed);
        let (last, disk) = rig.made.last().unwrap();
        let reader = rig.store();
        let image = open(&reader, last.root_id, &last.root_key);
        reader.index().unwrap();
        for pack in &last.packs {
            let path = rig.a().join(pack.object_key());
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.iter_mut().skip(64).step_by(500).for_each(|byte| *byte ^= 4);
            std::fs::write(&path, bytes).unwrap();
        }
        let mut whole = vec![0; disk.capacity as usize];
        assert!(image.read_at(0, &mut whole).is_err());
        let store = rig.store();
        let bad = damaged(&store);
        let copies = [Copies::open(&store, &rig.b()).unwrap()];
        for cut in [1, 5, 20, 60] {
            let left = AtomicU64::new(cut);
            let pace = |_| match left.fetch_sub(1, Ordering::SeqCst) {
                0 | 1 => Err(Error::Cancelled),
                _ => Ok(()),
            };
            let watch = Watch { pace: &pace, progress: &|_| {} };
            let cut = store.repair(&rig.roots(), &bad, &copies, 50 + cut, &watch);
            assert!(cut.is_err());
        }
        let done = store.repair(&rig.roots(), &bad, &copies, 200, &QUIET).unwrap();
        assert!(done.lost.is_empty(), "seed {seed}");
        assert_same(&image, disk, "the reader that was open");
        rig.all_same(&store, "all");
    }
}

/// Invariant 19: a lost chunk is made again of its plaintext with the key it had, only if that
/// gives the very record; of other bytes nothing is stored anywhere.
#[test]
fn a_lost_chunk_is_made_again_of_its_plaintext_and_of_nothing_else() {
    let (probe, store) = Probe::created(1);
    let mut disk = Disk::new(700 * CHUNK + 512);
    disk.scribble(&SeededEntropy::new(8), 60);
    let sealed = capture(&store, None, &disk, 1, (CHUNK, PACK));
    let data: Vec<_> =
        sealed.packs.iter().filter(|pack| pack.kind == PackKind::Data).copied().collect();
    store.delete_packs(&data).unwrap();
    assert!(read(&open(&store, sealed.root_id, &sealed.root_key)).is_err());

    let mut other = copy(&disk);
    for bytes in other.blocks.values_mut() {
        bytes[1] ^= 1;
    }
    let puts = probe.puts();
    let tree = (sealed.root_id, &sealed.root_key);
    let nothing = store.reseal(tree, &[], &other, 5, &QUIET).unwrap();
    assert!(nothing.repaired.is_empty() && !nothing.lost.is_empty());
    assert_eq!(probe.puts(), puts, "another ciphertext under a used key left the memory");

    let done = store.reseal(tree, &[], &disk, 6, &QUIET).unwrap();
    assert_eq!((done.lost.len(), done.lost_nodes.len()), (0, 0));
    assert_same(&open(&store, sealed.root_id, &sealed.root_key), &disk, "made again");
    let fresh = Arc::new(probe.store());
    assert_same(&open(&fresh, sealed.root_id, &sealed.root_key), &disk, "a fresh reader");
    let small = Disk::new(700 * CHUNK);
    let small = store.reseal(tree, &[], &small, 7, &QUIET);
    assert!(matches!(small, Err(Error::Invalid { .. })));
    let wrong = blocks::sealed::RootKey::from_bytes([1; 32]);
    let wrong = store.reseal((sealed.root_id, &wrong), &[], &disk, 7, &QUIET);
    assert!(matches!(wrong, Err(Error::Corrupt { .. })));
}

fn read(image: &SealedImage) -> Result<(), Error> {
    let mut whole = vec![0; image.size() as usize];
    image.read_at(0, &mut whole)
}

/// A full re-encryption: the same bytes, no record in common, and the old tree is garbage.
/// Invariant 19: every chunk and node has a key that nothing else has.
#[test]
fn an_isolated_image_has_the_same_bytes_and_shares_no_record() {
    let rig = Rig::new(6);
    let store = rig.store();
    let (last, disk) = rig.made.last().unwrap();
    let source = open(&store, last.root_id, &last.root_key);
    let entropy = crate::sealed_rig::KeyWitness::new(77);
    let options = blocks::sealed::CaptureOptions {
        chunk_size: CHUNK,
        ..blocks::sealed::CaptureOptions::new(20, &entropy)
    };
    let alone = blocks::sealed::seal(&store, None, &source, &options).unwrap();
    assert_same(&open(&store, alone.root_id, &alone.root_key), disk, "isolated");
    let stats = store.root_stats(alone.root_id).unwrap();
    assert_eq!(stats.parent, None);
    assert_eq!(entropy.keys(), stats.chunks + stats.nodes);
    let old = store.mark(&rig.roots(), &QUIET).unwrap();
    let mut shared = 0;
    store
        .walk(alone.root_id, &mut |id, _| {
            shared += u64::from(old.contains(id));
            true
        })
        .unwrap();
    assert_eq!(shared, 0, "a record is shared");
    sweep(&store, &[alone.root_id]);
    assert!(store.packs().unwrap().iter().all(|(pack, _)| pack.op_sequence == 20));
    assert_same(&open(&rig.store(), alone.root_id, &alone.root_key), disk, "alone in the store");
    assert!(try_open(&rig.store(), last.root_id, &last.root_key).is_err());
}

/// How fast a scrub is on this machine, without a limit: `cargo test -p ectype-blocks --test it
/// scrub_speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement: writes 2 GB"]
fn scrub_speed() {
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let store = ChunkStore::create(&dir.path().join("s"), &SeededEntropy::new(1)).unwrap();
    struct Noise;
    impl blocks::CaptureSource for Noise {
        fn capacity(&self) -> u64 {
            2 << 30
        }
        fn dirty_chunks(&self, chunk_size: u64) -> Vec<u64> {
            (0..self.capacity() / chunk_size).collect()
        }
        fn read_chunk(&self, index: u64, _: u64, out: &mut [u8]) -> Result<(), Error> {
            let mut state = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            for word in out.chunks_exact_mut(8) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                word.copy_from_slice(&state.to_le_bytes());
            }
            Ok(())
        }
    }
    let entropy = SeededEntropy::new(2);
    let options = blocks::sealed::CaptureOptions::new(1, &entropy);
    blocks::sealed::seal(&store, None, &Noise, &options).unwrap();
    let clock = base::SystemClock::new();
    // Processor time too: on a machine that others use, the wall says little.
    let ticks = || -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let rest = stat.rsplit(')').next().unwrap();
        let field = |n: usize| rest.split_whitespace().nth(n).unwrap().parse::<f64>().unwrap();
        (field(11) + field(12)) / 100.0
    };
    for round in 0..5 {
        let (begin, cpu) = (base::Clock::monotonic(&clock), ticks());
        let read = store.scrub(None, u64::MAX, &QUIET).unwrap();
        let took = base::Clock::monotonic(&clock) - begin;
        assert!(read.findings.is_empty());
        let rate = read.bytes as f64 / took.as_secs_f64() / 1e9;
        let per_core = read.bytes as f64 / (ticks() - cpu) / 1e9;
        println!("round {round}: {took:?}: {rate:.2} GB/s; {per_core:.2} GB/s per busy core");
    }
}
