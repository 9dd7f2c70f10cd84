use std::sync::Arc;

use super::*;
use crate::layer::disk::DiskDir;
use crate::layer::sim::{SimDir, SimRng};

const ID: [u8; 32] = [3; 32];
const PAGES: u64 = 40_000;

fn files(dir: &SimDir) -> [Named; 2] {
    ["A", "B"].map(|name| {
        let named = Named::create(dir, name).or_else(|_| Named::open(dir, name));
        named.unwrap()
    })
}

fn page(word: u64) -> PageWords {
    let mut words: PageWords = Box::new([0; PAGE_WORDS]);
    words[word as usize] = 1;
    words
}

fn open(dir: &SimDir) -> (CheckpointFiles, Checkpoint) {
    CheckpointFiles::open(files(dir), ID, PAGES).unwrap()
}

fn write(files: &mut CheckpointFiles, sequence: u64, pages: &[(u64, PageWords)]) -> u64 {
    files.settle().unwrap();
    let mut draft = files.draft().unwrap();
    files.put(&mut draft, pages).unwrap();
    let written = files.finish(&mut draft, sequence).unwrap();
    files.commit(draft).unwrap();
    written
}

/// Section 5: a checkpoint writes what changed and the nodes above it, whatever the map holds.
#[test]
fn a_checkpoint_costs_what_changed() {
    let dir = SimDir::new(1);
    let (mut files, _) = open(&dir);
    let many: Vec<_> = (0..500).map(|p| (p, page(1))).collect();
    assert!(write(&mut files, 1, &many) > 500 * NODE as u64);
    let node = NODE as u64;
    for (sequence, changed, nodes) in
        [(2, vec![7], 2), (3, vec![7, 8, 9], 2), (4, vec![7, 130], 3), (5, vec![], 0)]
    {
        let pages: Vec<_> = changed.iter().map(|p| (*p, page(sequence))).collect();
        let written = write(&mut files, sequence, &pages);
        assert_eq!(written, (pages.len() as u64 + nodes) * node + ROOT as u64);
    }
    let (_, found) = open(&dir);
    assert_eq!((found.sequence, found.pages.len(), found.whole), (5, 500, false));
    for (index, words) in found.pages {
        let last = match index {
            7 | 130 => 4,
            8 | 9 => 3,
            _ => 1,
        };
        assert!(words == page(last), "{index}");
    }
}

/// Invariants 1 and 2: at every crash point the checkpoint is the last finished one or the one
/// that was being written, whole; also when one before it could not be finished.
#[test]
fn every_crash_leaves_a_whole_checkpoint() {
    for seed in 0..12 {
        let mut rng = SimRng::new(seed);
        // Under one node, or under two: then the files are longer and each image slower.
        let apart = if seed % 6 == 0 { 64 } else { 1 };
        let dir = SimDir::new(seed);
        let (mut files, _) = open(&dir);
        DiskDir::sync(&dir).unwrap();
        let mut now = BTreeMap::new();
        // Each: from where in the log on it may be found, and from where on it must be.
        let mut states = vec![(0, 0, now.clone())];
        for sequence in 1..12 {
            let changed: Vec<u64> = (0..rng.below(4)).map(|_| rng.below(3) * apart).collect();
            now.extend(changed.iter().map(|p| (*p, sequence)));
            let from = dir.logged();
            let pages: Vec<_> = changed.iter().map(|p| (*p, page(sequence))).collect();
            if rng.one_in(3) {
                // Given up half way: its places are taken by the next.
                let mut draft = files.draft().unwrap();
                files.put(&mut draft, &pages).unwrap();
                continue;
            }
            let all: Vec<_> = now.iter().map(|(p, s)| (*p, page(*s))).collect();
            write(&mut files, sequence, &all);
            states.push((from, dir.logged(), now.clone()));
        }
        for _ in 0..30 {
            let at = rng.below(dir.logged() as u64 + 1) as usize;
            let image = dir.crash_image(at, &mut rng);
            let (_, found) = open(&image);
            let found: BTreeMap<u64, PageWords> = found.pages.into_iter().collect();
            let least = states.iter().rposition(|(_, done, _)| *done <= at).unwrap();
            let legal = states[least..].iter().filter(|(from, ..)| *from <= at).any(|(.., map)| {
                map.len() == found.len() && map.iter().all(|(p, s)| found.get(p) == Some(&page(*s)))
            });
            assert!(legal, "seed {seed}, crash after {at}");
        }
    }
}

/// Invariant 18, the checkpoint's share: rot in what the newest one names is never read as an
/// older state of it.
#[test]
fn rot_is_never_an_older_page() {
    let dir = SimDir::new(1);
    let (mut files, _) = open(&dir);
    for sequence in 1..4 {
        write(&mut files, sequence, &[(5, page(sequence))]);
    }
    drop(files);
    for (level, index) in [(Level::Page, 5), (Level::Lower, 0), (Level::Upper, 0)] {
        for name in ["A", "B"] {
            let image = dir.settled();
            image.rot(name, level.offset(index) + 9, |byte| *byte ^= 1);
            let (_, found) = open(&image);
            // The journal then says that a checkpoint is missing.
            let whole = found.sequence == 3 && found.pages == [(5, page(3))];
            assert!(whole || found.sequence < 3, "{level:?} in {name}");
        }
    }
}

#[test]
fn pages_outside_the_device_and_other_layers_are_damage() {
    let dir = SimDir::new(1);
    let (mut files, _) = open(&dir);
    write(&mut files, 1, &[(9, page(1))]);
    let slots = || self::files(&dir);
    assert!(CheckpointFiles::open(slots(), ID, 10).is_ok());
    assert!(matches!(CheckpointFiles::open(slots(), ID, 9), Err(Error::Corrupt { .. })));
    assert!(matches!(CheckpointFiles::open(slots(), [4; 32], 10), Err(Error::Corrupt { .. })));
    let mut bad = page(1);
    bad[5] = 3;
    write(&mut files, 2, &[(8, bad)]);
    assert!(matches!(CheckpointFiles::open(slots(), ID, 10), Err(Error::Corrupt { .. })));
}

/// Invariant 26.
#[test]
fn an_unknown_checkpoint_version_refuses() {
    let dir = SimDir::new(1);
    let (mut files, _) = open(&dir);
    write(&mut files, 1, &[(9, page(1))]);
    dir.rot("A", 8, |byte| *byte = 3);
    let refused = CheckpointFiles::open(self::files(&dir), ID, 10);
    assert!(matches!(refused, Err(Error::UnknownFormat { found: 3, known: 2, .. })));
}

fn whole(dir: &SimDir, name: &str, sequence: u64, pages: Vec<(u64, PageWords)>) {
    let bytes = Checkpoint { sequence, pages, whole: true }.encode(&ID);
    let file = Named { file: dir.open(name).unwrap(), name: Arc::from(name) };
    file.write_all(0, &bytes).unwrap();
    file.sync().unwrap();
}

/// Invariant 26: checkpoints of format 1 are read, and whatever crash comes while the first ones
/// of format 2 take their place leaves one or the other.
#[test]
fn checkpoints_of_format_1_are_replaced_without_a_moment_without_any() {
    for (seed, newer) in [(1, "A"), (2, "B"), (3, "A"), (4, "B")] {
        let mut rng = SimRng::new(seed);
        let dir = SimDir::new(seed);
        drop(files(&dir));
        DiskDir::sync(&dir).unwrap();
        let older = if newer == "A" { "B" } else { "A" };
        whole(&dir, older, 1, vec![(0, page(1))]);
        whole(&dir, newer, 2, vec![(0, page(2)), (4, page(2))]);
        let start = dir.logged();
        let (mut files, found) = open(&dir);
        assert!(found.whole && found.sequence == 2);
        let mut from = vec![start];
        for sequence in 3..8 {
            // The layer puts all pages into the first one.
            write(&mut files, sequence, &[(0, page(sequence)), (4, page(sequence))]);
            from.push(dir.logged());
        }
        for _ in 0..300 {
            let at = start + rng.below((dir.logged() - start) as u64 + 1) as usize;
            let (_, found) = open(&dir.crash_image(at, &mut rng));
            let least = 1 + from.iter().filter(|done| **done <= at).count() as u64;
            let fits = [least, least + 1].contains(&found.sequence);
            assert!(fits, "seed {seed}: {} after {at}, not {least}", found.sequence);
            let expected = page(found.sequence);
            assert!(found.pages == [(0, expected.clone()), (4, expected)], "seed {seed}, {at}");
        }
    }
}
