//! The data sets of the benchmarks: a system disk, and what its files hold, from a seed.
//!
//! It refuses to know who keeps it. Its invariant: the same seed and the same calls give the same
//! writes in the same order, so that ours and every peer hold the same bytes.
//!
//! Next to read: `disk`, where files lie; `stream`, what is in them.

mod disk;
mod stream;

pub use disk::{Disk, Place};
pub use stream::{Kind, Random, Stream};
