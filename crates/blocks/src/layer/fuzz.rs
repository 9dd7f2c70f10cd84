//! Entry points for fuzzers: each reads bytes as one of a layer's files and must return
//! (invariant 27). The corpora under `tests/corpus` are replayed by plain tests.
//!
//! Every file ends in a sum that no fuzzer guesses. So each is also read with its sums put right,
//! and what is then accepted is held to what the format allows.

use crate::layer::checkpoint;
use crate::layer::fields::{SUM_BYTES, identity};
use crate::layer::header::Header;
use crate::layer::journal::Journal;

/// The layer that the corpora were made with.
const VOLUME: &str = "r006-sim";
/// Blocks of the device that the corpora were made for.
const BLOCKS: u64 = 100;
/// Pages of its map.
const PAGES: u64 = 3;
/// Where files name their layer.
const IDENTITY_AT: usize = 24;
/// Bytes of a header that end in a sum; of records in a journal, too.
const SUMMED: usize = 512;

/// Reads `bytes` as every file of a layer.
pub fn files(bytes: &[u8]) {
    header(bytes);
    journal(bytes);
    checkpoint(bytes);
}

/// Reads `bytes` as a layer's header file; says whether a header was found.
///
/// # Panics
/// When a header that was accepted is not read back as it would be written.
pub fn header(bytes: &[u8]) -> bool {
    let mut summed = bytes.to_vec();
    for slot in [0, 4096] {
        put_sum(&mut summed, slot, SUMMED);
    }
    if let Ok(Some(header)) = Header::parse("fuzz", &summed) {
        assert_eq!(Header::parse("fuzz", &header.encode()).ok().flatten(), Some(header));
    }
    matches!(Header::parse("fuzz", bytes), Ok(Some(_)))
}

/// Reads `bytes` as a map journal; says whether it was accepted.
///
/// # Panics
/// When a record of an accepted journal is not about the device.
pub fn journal(bytes: &[u8]) -> bool {
    let identity = identity(VOLUME, 1);
    let mut summed = bytes.to_vec();
    put_identity(&mut summed, &identity);
    put_sum(&mut summed, 0, SUMMED);
    put_record_sums(&mut summed, &identity);
    let read = |bytes: &[u8]| {
        [0, 4, u64::MAX].map(|after| Journal::parse("fuzz", bytes, &identity, BLOCKS, after))
    };
    for journal in read(&summed).into_iter().flatten() {
        // The last record may lack its padding.
        assert!(journal.end <= (summed.len() as u64).next_multiple_of(SUMMED as u64));
        assert!(journal.records.is_sorted_by(|(a, _), (b, _)| a < b));
        let mut runs = journal.records.iter().flat_map(|(_, runs)| runs);
        assert!(runs.all(|run| run.first + u64::from(run.blocks) <= BLOCKS));
    }
    read(bytes).iter().any(Result::is_ok)
}

/// Reads `bytes` as a checkpoint; says whether one was found.
///
/// # Panics
/// When a page of an accepted checkpoint is not one of the device.
pub fn checkpoint(bytes: &[u8]) -> bool {
    const HEAD: usize = 64;
    const PAGE: usize = 8 + 4096;
    let identity = identity(VOLUME, 1);
    let mut summed = bytes.to_vec();
    put_identity(&mut summed, &identity);
    let pages = bytes.get(12..).and_then(<[u8]>::first_chunk).map(|n| u32::from_le_bytes(*n));
    let length = pages.and_then(|n| (n as usize).checked_mul(PAGE)?.checked_add(HEAD + SUM_BYTES));
    if let Some(length) = length.filter(|length| *length <= bytes.len()) {
        put_sum(&mut summed, 0, length);
    }
    let mut tree = bytes.to_vec();
    put_identity(&mut tree, &identity);
    checkpoint::put_sums(&mut tree, &identity);
    put_sum(&mut tree, 0, checkpoint::ROOT);
    for put_right in [summed, tree] {
        if let Ok(Some(found)) = checkpoint::parse("fuzz", &put_right, &identity, PAGES) {
            assert!(found.pages.iter().all(|(index, _)| *index < PAGES));
        }
    }
    matches!(checkpoint::parse("fuzz", bytes, &identity, PAGES), Ok(Some(_)))
}

fn put_identity(bytes: &mut [u8], identity: &[u8; SUM_BYTES]) {
    if let Some(place) = bytes.get_mut(IDENTITY_AT..IDENTITY_AT + SUM_BYTES) {
        place.copy_from_slice(identity);
    }
}

/// Ends `length` bytes from `at` on with their sum, if they are there.
fn put_sum(bytes: &mut [u8], at: usize, length: usize) {
    let Some(whole) = bytes.get_mut(at..at + length) else { return };
    let (body, place) = whole.split_at_mut(length - SUM_BYTES);
    place.copy_from_slice(blake3::hash(body).as_bytes());
}

fn put_record_sums(bytes: &mut [u8], identity: &[u8; SUM_BYTES]) {
    let mut at = SUMMED;
    while let Some(record) = bytes.get_mut(at..) {
        let Some(count) = record.get(4..).and_then(<[u8]>::first_chunk) else { return };
        let body = (u32::from_le_bytes(*count) as usize).saturating_mul(16).saturating_add(24);
        let Some((body, place)) = record.split_at_mut_checked(body) else { return };
        let Some(place) = place.get_mut(..SUM_BYTES) else { return };
        let mut hasher = blake3::Hasher::new();
        hasher.update(identity).update(body);
        place.copy_from_slice(hasher.finalize().as_bytes());
        at += (body.len() + SUM_BYTES).next_multiple_of(SUMMED);
    }
}
