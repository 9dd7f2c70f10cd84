//! Files that fuzzers start from, each as it is and with its bytes changed.

use std::{path::Path, time::Duration};

use base::{Clock, SystemClock};
use ectype_formats as formats;

/// Bytes at the begin and at the end of a file that are changed one by one.
const CHANGED: usize = 400;
/// A single file may take so long, whatever its bytes say.
const PATIENCE: Duration = Duration::from_secs(10);

fn replay(folder: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let clock = SystemClock::new();
    for file in files {
        let began = clock.monotonic();
        let bytes = std::fs::read(&file).unwrap();
        target(&bytes);
        if file.file_name().is_some_and(|name| name.len() == 40) {
            // What fuzzers found is named by its hash, and replayed as it is.
            continue;
        }
        let near_an_end = |at: &usize| *at < CHANGED || *at + CHANGED >= bytes.len();
        for at in (0..bytes.len()).filter(near_an_end) {
            target(&bytes[..at]);
            let mut changed = bytes.clone();
            for value in [0, 0x7f, 0xff, bytes[at] ^ 1, bytes[at] ^ 0x80] {
                changed[at] = value;
                target(&changed);
            }
        }
        let took = clock.monotonic() - began;
        assert!(took < PATIENCE, "{} took {took:?}", file.display());
    }
}

/// Invariant 27: parsers never panic, over-allocate or loop.
#[test]
fn qcow2_files_of_the_corpus_are_survived() {
    replay("qcow2", formats::fuzz::qcow2);
}

/// Invariant 27: parsers never panic, over-allocate or loop.
#[test]
fn vhd_files_of_the_corpus_are_survived() {
    replay("vhd", formats::fuzz::vhd);
}
