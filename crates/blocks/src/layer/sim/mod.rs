//! A simulated host for tests: files that record every write, sync, creation and removal, break
//! on demand, and can be had back as any disk that a crash could have left.
//!
//! It refuses to know what is written. Its invariant: a crash image holds everything synced, and
//! of the rest any subset in any order, torn at 512 bytes, names of files included.
//!
//! | death | what is left |
//! |---|---|
//! | of the process | everything written and the run folder: open the same [`SimDir`] again |
//! | of the host | [`SimDir::crash_image`], and a new [`SimRun`] |
//!
//! Next to read: `image` for crashes, `run` for live maps.

mod disk;
mod image;
mod run;

pub use disk::{Fault, Killed, SimDir};
pub use run::SimRun;

/// A small generator for tests: the same numbers for the same seed (splitmix64).
#[derive(Clone, Debug)]
pub struct SimRng(u64);

impl SimRng {
    /// A generator for a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `limit`, which is not 0.
    pub const fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True once in `n`.
    pub const fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}
