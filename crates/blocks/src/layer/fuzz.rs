//! Entry points for fuzzers: each reads bytes as one of a layer's files and must return
//! (invariant 27). The corpora under `tests/corpus` are replayed by plain tests.

use crate::layer::checkpoint::Checkpoint;
use crate::layer::fields::identity;
use crate::layer::header::Header;
use crate::layer::journal::Journal;

/// The layer that the corpora were made with.
const VOLUME: &str = "r006-sim";
/// Blocks of the device that the corpora were made for.
const BLOCKS: u64 = 100;

/// Reads `bytes` as a layer's header file; says whether a header was found.
#[must_use]
pub fn header(bytes: &[u8]) -> bool {
    matches!(Header::parse("fuzz", bytes), Ok(Some(_)))
}

/// Reads `bytes` as a map journal; says whether it was accepted.
#[must_use]
pub fn journal(bytes: &[u8]) -> bool {
    let identity = identity(VOLUME, 1);
    [0, 4, u64::MAX]
        .map(|c| Journal::parse("fuzz", bytes, &identity, BLOCKS, c))
        .iter()
        .any(Result::is_ok)
}

/// Reads `bytes` as a checkpoint; says whether one was found.
#[must_use]
pub fn checkpoint(bytes: &[u8]) -> bool {
    matches!(Checkpoint::parse("fuzz", bytes, &identity(VOLUME, 1), 3), Ok(Some(_)))
}
