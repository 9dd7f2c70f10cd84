//! The formats that stay: a kept layer of each version, and hostile bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use blocks::layer::sim::{SimDir, SimRng, SimRun};
use blocks::layer::{Host, OpenedBy, Volume, VolumeSpec, fuzz};
use blocks::{BlockDevice, BlockSource, Error};

use crate::layer_host::Place;
use crate::layer_rig::{PatternBase, content, seeds, spec};

/// Set to write the fixtures and corpora anew; only for a new format version.
const WRITE: &str = "ECTYPE_WRITE_FIXTURES";
const CAPACITY: u64 = 9 * 4096 + 512;
const PARTS: [&str; 6] = ["header", "data", "map.journal", "map.A", "map.B", "sums"];

fn tests_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn fixture_dir() -> PathBuf {
    tests_dir().join("fixtures/layer-format-1")
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
    // Small enough that there are checkpoints and a journal with records.
    host.journal_bytes = 600;
    let volume = Volume::create_on(&host, &spec(CAPACITY), base()).unwrap();
    fill(&volume);
    volume.close().unwrap();
    drop(volume);
    std::fs::create_dir_all(fixture_dir()).unwrap();
    for part in PARTS {
        let name = format!("g1.{part}");
        std::fs::write(fixture_dir().join(&name), sim.content(&name)).unwrap();
    }
    let corpus = |target: &str, name: &str, bytes: &[u8]| {
        let dir = tests_dir().join("corpus").join(target);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(name), bytes).unwrap();
    };
    for (target, part) in [
        ("header", "header"),
        ("journal", "map.journal"),
        ("checkpoint", "map.A"),
        ("checkpoint", "map.B"),
    ] {
        let bytes = sim.content(&format!("g1.{part}"));
        corpus(target, part, &bytes);
        corpus(target, &format!("{part}.half"), &bytes[..bytes.len() / 2]);
        corpus(target, "empty", &[]);
    }
}

/// Invariant 26: a layer of format 1, as it was written then, opens and reads the same.
#[test]
fn a_kept_layer_of_format_1_opens() {
    if std::env::var_os(WRITE).is_some() {
        write_fixture();
    }
    let place = Place::new();
    let dir = place.disk.path().join("copy");
    std::fs::create_dir(&dir).unwrap();
    for part in PARTS {
        let name = format!("g1.{part}");
        std::fs::copy(fixture_dir().join(&name), dir.join(&name)).unwrap();
    }
    let volume = Volume::open(fixture_spec(&place, &dir), base()).unwrap();
    assert_eq!(volume.opened_by(), OpenedBy::Clean);
    assert!(content(&volume) == expected());
    assert!(volume.freeze().is_ok());
}

/// Invariant 26: each file of a version that is not known is refused by its name.
#[test]
fn an_unknown_version_of_any_file_is_refused() {
    for part in ["header", "map.journal", "map.A", "map.B", "sums"] {
        let place = Place::new();
        let dir = place.disk.path().join("copy");
        std::fs::create_dir(&dir).unwrap();
        for other in PARTS {
            let name = format!("g1.{other}");
            let mut bytes = std::fs::read(fixture_dir().join(&name)).unwrap();
            if other == part {
                bytes[8] = 2;
                if other == "header" {
                    bytes[4096 + 8] = 2;
                }
            }
            std::fs::write(dir.join(&name), bytes).unwrap();
        }
        let error = Volume::open(fixture_spec(&place, &dir), base()).err().unwrap();
        let named = matches!(&error, Error::UnknownFormat { name, found: 2, known: 1 }
            if name.ends_with(part));
        assert!(named, "{part}: {error}");
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
