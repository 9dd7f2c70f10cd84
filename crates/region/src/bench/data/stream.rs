//! Bytes that compress like those of a system disk, from a seed.
//!
//! It refuses to know disks. Its invariant: the same seed and the same calls give the same bytes,
//! on every machine.
//!
//! A stream is made the way a compressor takes it apart: runs of literals from a skewed alphabet,
//! and repeats of what came a short while before. How long and how far back the repeats are was
//! fitted to what zstd and lz4 make of `/usr/bin` and of sources and documents under `/usr`; the
//! figures stand in `docs/performance.md`.

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Programs and libraries.
    Binary,
    /// Sources, documents, logs.
    Text,
    /// What is compressed or encrypted already.
    Noise,
    /// Allocated and never written.
    Zero,
}

impl Kind {
    /// All, with their share of the bytes in hundredths.
    pub const SHARES: [(Self, u64); 4] =
        [(Self::Binary, 40), (Self::Text, 25), (Self::Noise, 30), (Self::Zero, 5)];
}

/// Random numbers for data sets (`SplitMix64`); nothing secret is made of them.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`, which is not zero.
    pub const fn below(&mut self, end: u64) -> u64 {
        ((self.next() as u128 * end as u128) >> 64) as u64
    }

    /// From `least` up to `most`; each doubling is as likely as the next.
    pub fn doubling(&mut self, least: u64, most: u64) -> u64 {
        let steps = u64::from((most / least).ilog2().max(1));
        let low = least << self.below(steps);
        (low + self.below(low)).min(most)
    }
}

/// How literals and repeats follow each other.
struct Shape {
    /// Letters, most frequent first; how often: see [`Stream::literals`].
    letters: &'static [u8],
    /// Of 16 literals, how many are any byte at all.
    wild: u64,
    /// Longest run of literals.
    literals: u64,
    /// Of 16 repeats, how many are short.
    short: u64,
    /// Longest of the short repeats; the shortest is 4.
    short_max: u64,
    /// Longest of the long repeats, and the shortest.
    long: (u64, u64),
    /// Of 16 repeats, how many come from close by.
    near: u64,
    /// How far back those that come from close by.
    near_back: u64,
    /// How far back the others.
    far_back: u64,
}

const BINARY: Shape = Shape {
    letters: b"\0\xffH\x8bE\x89\x0f\x01$L\x83\xe8D\x10\x08\x85\xc0t_ edtionsralcpmu",
    wild: 3,
    literals: 11,
    short: 11,
    short_max: 8,
    long: (9, 52),
    near: 11,
    near_back: 4 << 10,
    far_back: 192 << 10,
};

const TEXT: Shape = Shape {
    letters: b" etaoinsrhldcu\nmfpgwyb_v(),.;=*k-\"/0x1T:2S",
    wild: 0,
    literals: 7,
    short: 8,
    short_max: 10,
    long: (12, 120),
    near: 11,
    near_back: 8 << 10,
    far_back: 256 << 10,
};

/// How much of what came before is kept for repeats.
const KEPT: usize = 256 << 10;

/// Bytes of one kind, one after another.
pub struct Stream {
    kind: Kind,
    random: Random,
    /// What was made; up to `taken` it was given out.
    made: Vec<u8>,
    taken: usize,
}

impl Stream {
    pub fn new(kind: Kind, seed: u64) -> Self {
        let random = Random::new(seed ^ (kind as u64) << 56);
        Self { kind, random, made: Vec::with_capacity(4 * KEPT), taken: 0 }
    }

    /// Fills `out` with what comes next.
    pub fn fill(&mut self, out: &mut [u8]) {
        let shape = match self.kind {
            Kind::Zero => return out.fill(0),
            Kind::Noise => {
                for part in out.chunks_mut(8) {
                    part.copy_from_slice(&self.random.next().to_le_bytes()[..part.len()]);
                }
                return;
            }
            Kind::Binary => &BINARY,
            Kind::Text => &TEXT,
        };
        for part in out.chunks_mut(KEPT) {
            if self.taken > 2 * KEPT {
                let gone = self.taken - KEPT;
                self.made.drain(..gone);
                self.taken = KEPT;
            }
            let end = self.taken + part.len();
            while self.made.len() < end {
                self.literals(shape);
                self.repeat(shape);
            }
            part.copy_from_slice(&self.made[self.taken..end]);
            self.taken = end;
        }
    }

    fn literals(&mut self, shape: &Shape) {
        let count = self.random.below(shape.literals);
        let mut bits = 0;
        for at in 0..count {
            if at % 4 == 0 {
                bits = self.random.next();
            }
            let (wild, one, two) = (bits & 15, bits >> 4 & 63, bits >> 10 & 63);
            // The lesser of two: the first letters come most often.
            let place = (one.min(two) as usize) % shape.letters.len();
            let any = (bits >> 8 & 255) as u8;
            self.made.push(if wild < shape.wild { any } else { shape.letters[place] });
            bits >>= 16;
        }
    }

    fn repeat(&mut self, shape: &Shape) {
        let draw = self.random.next();
        let length = if draw & 15 < shape.short {
            4 + self.random.below(shape.short_max - 3)
        } else {
            shape.long.0 + self.random.below(shape.long.1 - shape.long.0 + 1)
        };
        let back = if draw >> 4 & 15 < shape.near { shape.near_back } else { shape.far_back };
        let back = self.random.doubling(16, back).min(self.made.len() as u64) as usize;
        let from = self.made.len() - back;
        let to = (from + length as usize).min(self.made.len());
        self.made.extend_from_within(from..to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_goes_on_where_it_was_whatever_is_asked_at_a_time() {
        for kind in [Kind::Binary, Kind::Text, Kind::Noise, Kind::Zero] {
            let mut whole = vec![1; 2 << 20];
            Stream::new(kind, 3).fill(&mut whole);
            let mut parts = vec![2; whole.len()];
            let mut stream = Stream::new(kind, 3);
            parts.chunks_mut(4096 * 7).for_each(|part| stream.fill(part));
            assert!(parts == whole, "{kind:?}");
            let zero = whole.iter().all(|b| *b == 0);
            assert_eq!(zero, kind == Kind::Zero);
        }
    }
}
