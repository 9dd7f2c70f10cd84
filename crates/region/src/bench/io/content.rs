//! The bytes of the disks: those of the captures' disk, by a seed, at any place.
//!
//! Its invariant: the bytes at a place are the same whoever asks, and however much of it.

use crate::bench::data::{Kind, Random, Stream};

/// Bytes of one kind in a row.
const RUN_BYTES: usize = 256 * 1024;
const SEED: u64 = 0x00EC_791E;

/// Fills `out`, which lies at `offset`; both are multiples of what one run has, or less than one
/// from its beginning.
pub fn fill(offset: u64, out: &mut [u8]) {
    for (run, part) in (offset / RUN_BYTES as u64..).zip(out.chunks_mut(RUN_BYTES)) {
        let mut random = Random::new(SEED ^ run);
        let kind = drawn(&mut random);
        Stream::new(kind, random.next()).fill(part);
    }
}

/// A kind, each as often as its share.
fn drawn(random: &mut Random) -> Kind {
    let mut place = random.below(100);
    for (kind, share) in Kind::SHARES {
        if place < share {
            return kind;
        }
        place -= share;
    }
    Kind::Zero
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_the_same_bytes_whoever_asks() {
        let mut whole = vec![1; 8 * RUN_BYTES];
        fill(0, &mut whole);
        let mut part = vec![2; 2 * RUN_BYTES];
        fill(4 * RUN_BYTES as u64, &mut part);
        assert_eq!(part, whole[4 * RUN_BYTES..6 * RUN_BYTES]);
    }
}
