//! The formats that stay: a kept layer of each version, and hostile bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use blocks::layer::sim::{SimDir, SimRng, SimRun};
use blocks::layer::{DiskDir, Host, OpenedBy, Volume, VolumeSpec, fuzz};
use blocks::{BlockDevice, BlockSource, Error};

use crate::layer_host::Place;
use crate::layer_rig::{PatternBase, Seed, content, seeds, spec};

/// Set to write the fixtures and corpora anew; only for a new format version.
const WRITE: &str = "ECTYPE_WRITE_FIXTURES";
const CAPACITY: u64 = 9 * 4096 + 512;
const PARTS: [&str; 6] = ["header", "data", "map.journal", "map.A", "map.B", "sums"];

fn tests_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Layers as they were written: `layer-format-1` has checkpoints of format 1, `layer-format-2`
/// those of format 2; the other files are of format 1 in both.
const FIXTURES: [&str; 2] = ["layer-format-1", "layer-format-2"];

fn fixture_dir(fixture: &str) -> PathBuf {
    tests_dir().join("fixtures").join(fixture)
}

/// A copy of a kept layer, with one file changed.
fn copy_of(fixture: &str, dir: &Path, change: impl Fn(&str, &mut Vec<u8>)) {
    std::fs::create_dir(dir).unwrap();
    for part in PARTS {
        let name = format!("g1.{part}");
        let mut bytes = std::fs::read(fixture_dir(fixture).join(&name)).unwrap();
        change(part, &mut bytes);
        std::fs::write(dir.join(&name), bytes).unwrap();
    }
}

fn base() -> Arc<dyn BlockSource> {
    Arc::new(PatternBase(5 * 4096))
}

/// What the fixture holds: written, overwritten, zeroed and absent blocks.
fn expected() -> Vec<u8> {
    let mut bytes = vec![0; CAPACITY as usize];
    base().read_at(0, &mut bytes[..5 * 4096]).unwrap();
    bytes[4096..3 * 4096].fill(1);
    bytes[4100..4200].fill(2);
    bytes[2 * 4096..3 * 4096].fill(0);
    bytes[8 * 4096 + 7..].fill(4);
    bytes
}

fn fill(volume: &Volume) {
    volume.write_at(4096, &[1; 2 * 4096], true).unwrap();
    volume.write_at(4100, &[2; 100], true).unwrap();
    for _ in 0..7 {
        volume.write_at(2 * 4096, &[1], true).unwrap();
        volume.write_zeroes(2 * 4096, 4096, false, true).unwrap();
    }
    let tail = CAPACITY - 8 * 4096 - 7;
    volume.write_at(8 * 4096 + 7, &vec![4; tail as usize], false).unwrap();
}

fn fixture_spec(place: &Place, dir: &Path) -> VolumeSpec {
    let run_dir = place.run.path().join("run");
    VolumeSpec { dir: dir.to_owned(), run_dir, ..spec(CAPACITY) }
}

fn write_fixture() {
    let sim = SimDir::new(1);
    let mut host = Host::new(Arc::new(sim.clone()), Arc::new(SimRun::new(1)));
    host.journal_bytes = 600;
    Volume::create_on(&host, &spec(CAPACITY), base()).unwrap().close().unwrap();
    // Each open makes a checkpoint of what the journal has: one in either file, then records.
    for _ in 0..3 {
        let volume = Volume::open_on(&host, &spec(CAPACITY), base()).unwrap();
        fill(&volume);
        volume.close().unwrap();
    }
    let dir = fixture_dir(FIXTURES[1]);
    std::fs::create_dir_all(&dir).unwrap();
    for part in PARTS {
        let name = format!("g1.{part}");
        std::fs::write(dir.join(&name), sim.content(&name)).unwrap();
    }
    let corpus = |target: &str, name: &str, bytes: &[u8]| {
        let dir = tests_dir().join("corpus").join(target);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(name), bytes).unwrap();
    };
    // A checkpoint is read alone here: one that needs no other file.
    let mut host = Host::new(Arc::new(SimDir::new(1)), Arc::new(SimRun::new(1)));
    let sim = SimDir::new(1);
    (host.dir, host.journal_bytes) = (Arc::new(sim.clone()), 0);
    let volume = Volume::create_on(&host, &spec(CAPACITY), base()).unwrap();
    volume.write_at(4096, &[1; 2 * 4096], true).unwrap();
    let bytes = sim.content("g1.map.A");
    corpus("checkpoint", "tree", &bytes);
    corpus("checkpoint", "tree.half", &bytes[..bytes.len() / 2]);
}

/// Invariant 26: a layer of each format, as it was written then, opens and reads the same, and
/// goes on in today's format.
#[test]
fn kept_layers_of_every_format_open() {
    if std::env::var_os(WRITE).is_some() {
        write_fixture();
    }
    for fixture in FIXTURES {
        let place = Place::new();
        let dir = place.disk.path().join("copy");
        copy_of(fixture, &dir, |_, _| ());
        for round in 0..3 {
            let volume = Volume::open(fixture_spec(&place, &dir), base()).unwrap();
            assert_eq!(volume.opened_by(), OpenedBy::Clean, "{fixture}");
            assert!(content(&volume) == expected(), "{fixture}");
            // So that there is something to journal, and the next open makes a checkpoint of it.
            volume.write_zeroes(3 * 4096, 4096, false, true).unwrap();
            volume.write_at(3 * 4096, &expected()[3 * 4096..4 * 4096], true).unwrap();
            assert!(round < 2 || volume.freeze().is_ok());
            volume.close().unwrap();
        }
        let heads = ["A", "B"]
            .map(|file| std::fs::read(dir.join(format!("g1.map.{file}"))).unwrap().get(8).copied());
        assert!(heads.contains(&Some(2)), "{fixture}: {heads:?}");
    }
}

/// Invariant 26: each file of a version that is not known is refused by its name.
#[test]
fn an_unknown_version_of_any_file_is_refused() {
    for (fixture, part) in FIXTURES
        .iter()
        .flat_map(|f| ["header", "map.journal", "map.A", "map.B", "sums"].map(|part| (f, part)))
    {
        let place = Place::new();
        let dir = place.disk.path().join("copy");
        copy_of(fixture, &dir, |other, bytes| {
            if other == part {
                bytes[8] = 7;
                if other == "header" {
                    bytes[4096 + 8] = 7;
                }
            }
        });
        let error = Volume::open(fixture_spec(&place, &dir), base()).err().unwrap();
        let newest = if part.starts_with("map.A") || part.starts_with("map.B") { 2 } else { 1 };
        let named = matches!(&error, Error::UnknownFormat { name, found: 7, known }
            if name.ends_with(part) && *known == newest);
        assert!(named, "{fixture} {part}: {error}");
    }
}

/// Invariants 1, 2 and 26: a layer of format 1 that is written to by this program survives every
/// crash, also those that come while its checkpoints change their form.
#[test]
fn a_layer_of_format_1_survives_every_crash_while_it_is_carried_over() {
    for seed in 0..seeds(6) {
        let _named = Seed(seed);
        let mut rng = SimRng::new(seed);
        let dir = SimDir::new(seed);
        for part in PARTS {
            let name = format!("g1.{part}");
            let file = DiskDir::create(&dir, &name).unwrap();
            let bytes = std::fs::read(fixture_dir(FIXTURES[0]).join(&name)).unwrap();
            file.write_at(0, &bytes).unwrap();
            file.sync().unwrap();
        }
        DiskDir::sync(&dir).unwrap();
        let mut host = Host::new(Arc::new(dir.clone()), Arc::new(SimRun::new(1)));
        host.journal_bytes = rng.below(1200);
        let from = dir.logged();
        let volume = Volume::open_on(&host, &spec(CAPACITY), base()).unwrap();
        // Each write flushes: at a crash all but the last are there.
        let mut states = vec![(from, expected())];
        for byte in 10..18 {
            let block = rng.below(9) as usize;
            let mut next = states[states.len() - 1].1.clone();
            next[block * 4096..(block + 1) * 4096].fill(byte);
            volume.write_at(block as u64 * 4096, &[byte; 4096], true).unwrap();
            states.push((dir.logged(), next));
        }
        for _ in 0..40 {
            let at = from + rng.below((dir.logged() - from) as u64 + 1) as usize;
            let mut host = host.clone();
            host.dir = Arc::new(dir.crash_image(at, &mut rng));
            host.run = Arc::new(SimRun::new(2));
            let volume = Volume::open_on(&host, &spec(CAPACITY), base()).unwrap();
            let found = content(&volume);
            let done = states.iter().rposition(|(acked, _)| *acked <= at).unwrap();
            let (before, after) = (&states[done].1, &states[(done + 1).min(states.len() - 1)].1);
            for (sector, bytes) in found.chunks(512).enumerate() {
                let range = sector * 512..sector * 512 + bytes.len();
                let legal = bytes == &before[range.clone()] || bytes == &after[range];
                assert!(legal, "sector {sector} after {at}");
            }
        }
    }
}

type Parse = fn(&[u8]) -> bool;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let dir = tests_dir().join("corpus").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Invariant 27: the corpora and thousands of their mutations neither panic nor loop, and each
/// corpus holds something that is accepted.
#[test]
fn hostile_headers_journals_and_checkpoints_are_only_refused() {
    let targets: [(&str, Parse); 3] =
        [("header", fuzz::header), ("journal", fuzz::journal), ("checkpoint", fuzz::checkpoint)];
    for (target, parse) in targets {
        let files = corpus(target);
        files.iter().for_each(|bytes| fuzz::files(bytes));
        assert!(files.iter().any(|bytes| parse(bytes)), "{target} has nothing that is accepted");
        let mut rng = SimRng::new(27);
        for _ in 0..seeds(10) * 50 {
            let mut bytes = files[rng.below(files.len() as u64) as usize].clone();
            for _ in 0..rng.below(4) {
                if bytes.is_empty() {
                    break;
                }
                let at = rng.below(bytes.len() as u64) as usize;
                match rng.below(3) {
                    0 => bytes[at] ^= 1 << rng.below(8),
                    1 => bytes[at] = rng.next() as u8,
                    _ => bytes.truncate(at),
                }
            }
            parse(&bytes);
        }
    }
}
