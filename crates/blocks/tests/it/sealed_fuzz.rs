//! Invariant 27: the parsers of stored bytes take anything.
//!
//! Every file of `tests/corpus/<target>/` is replayed, as it is and with seeded changes.

use std::path::PathBuf;

use base::{Entropy, SeededEntropy};
use blocks::sealed::fuzz;

use crate::sealed_rig::seeds;

/// Each input, and whether it is to be changed, too: what fuzzers found is named by its hash, and
/// replayed as it is.
fn corpus(target: &str) -> Vec<(bool, Vec<u8>)> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let mut files: Vec<_> =
        std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus for {target}");
    let made = |file: &PathBuf| file.file_name().is_some_and(|name| name.len() != 40);
    files.iter().map(|file| (made(file), std::fs::read(file).unwrap())).collect()
}

/// The input with a few bytes changed, cut, doubled or replaced by edge values.
fn change(input: &[u8], random: &SeededEntropy) -> Vec<u8> {
    let mut out = input.to_vec();
    for _ in 0..1 + random.next_u64() % 4 {
        let at = random.next_u64() as usize % (out.len() + 1);
        match random.next_u64() % 5 {
            0 => out.truncate(at),
            1 => {
                let tail = out[at..].to_vec();
                out.extend_from_slice(&tail[..tail.len().min(256)]);
            }
            2 => {
                let edge = [0_u32, 1, u32::MAX, 1 << 31][random.next_u64() as usize % 4];
                let end = (at + 4).min(out.len());
                out[at..end].copy_from_slice(&edge.to_le_bytes()[..end - at]);
            }
            _ => {
                let end = (at + 1).min(out.len());
                random.fill(&mut out[at..end]);
            }
        }
    }
    out
}

fn replay(target: &str, run: fn(&[u8])) {
    run(&[]);
    for (changed, input) in corpus(target) {
        run(&input);
        if !changed {
            continue;
        }
        for seed in seeds(150) {
            run(&change(&input, &SeededEntropy::new(seed)));
        }
    }
}

#[test]
fn records_of_any_bytes_are_read_or_refused() {
    replay("record", fuzz::record);
}

#[test]
fn nodes_of_any_bytes_are_read_or_refused() {
    replay("node", fuzz::node);
    corpus("node").iter().for_each(|(_, input)| fuzz::record(input));
}

#[test]
fn packs_of_any_bytes_are_read_or_refused() {
    replay("pack", fuzz::pack);
}

#[test]
fn small_formats_of_any_bytes_are_read_or_refused() {
    replay("small", fuzz::small);
}
