//! The bytes of the disks: 40 % programs, 25 % text, 30 % noise, 5 % zeros, by a seed.
//!
//! Its invariant: the bytes at a place are the same whoever asks, and however much of it.

use anyhow::Context;
use base::{Entropy, SeededEntropy};

/// Bytes of one kind in a row.
const RUN_BYTES: usize = 256 * 1024;
const SEED: u64 = 0x00EC_791E;
const WORDS: [&str; 16] = [
    "started",
    "session",
    "of user",
    "root",
    "unit",
    "finished",
    "with status",
    "timer",
    "from",
    "address",
    "accepted",
    "key",
    "kernel",
    "error",
    "closed",
    "and",
];

/// Makes the bytes.
pub struct Content {
    /// A real program: this one.
    program: Vec<u8>,
}

impl Content {
    /// Reads the program.
    pub fn new() -> anyhow::Result<Self> {
        let path = std::env::current_exe().context("find this program")?;
        let program = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        anyhow::ensure!(program.len() >= RUN_BYTES, "this program is too short");
        Ok(Self { program })
    }

    /// Fills `out`, which lies at `offset`; both are multiples of what one run has, or less than
    /// one from its beginning.
    pub fn fill(&self, offset: u64, out: &mut [u8]) {
        for (run, part) in (offset / RUN_BYTES as u64..).zip(out.chunks_mut(RUN_BYTES)) {
            let random = SeededEntropy::new(SEED ^ run.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            match random.next_u64() % 100 {
                0..40 => {
                    let room = self.program.len() - part.len() + 1;
                    let at = (random.next_u64() % room as u64) as usize;
                    part.copy_from_slice(&self.program[at..at + part.len()]);
                }
                40..65 => text(&random, part),
                65..95 => random.fill(part),
                _ => part.fill(0),
            }
        }
    }
}

/// Lines as a log has them.
fn text(random: &SeededEntropy, out: &mut [u8]) {
    let mut line = String::new();
    let mut at = 0;
    while at < out.len() {
        line.clear();
        let number = random.next_u64();
        line.push_str(&format!("{:08x}", number as u32));
        for place in 0..8 {
            line.push(' ');
            line.push_str(WORDS[(number >> (32 + 4 * place)) as usize % WORDS.len()]);
        }
        line.push('\n');
        let length = line.len().min(out.len() - at);
        out[at..at + length].copy_from_slice(&line.as_bytes()[..length]);
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_the_same_bytes_whoever_asks() {
        let content = Content::new().unwrap();
        let mut whole = vec![1; 8 * RUN_BYTES];
        content.fill(0, &mut whole);
        let mut part = vec![2; 2 * RUN_BYTES];
        content.fill(4 * RUN_BYTES as u64, &mut part);
        assert_eq!(part, whole[4 * RUN_BYTES..6 * RUN_BYTES]);
    }
}
