//! What keeps a store in order: marks, use of packs, repacks, scrubs, verification, and the index
//! made anew.
//!
//! It refuses to know any key, and which roots count: it is handed root ids. It decides nothing
//! about deletion either: it says what is dead, and the caller, who knows the operations under
//! way, deletes in two phases. Its invariants: a mark that cannot read one node is an error,
//! never a smaller set; a repack copies ciphertext, so ids stay; nothing here writes to a pack
//! that is stored.
//!
//! ```text
//! roots --mark--> Live --usage--> Usage --dead, sparse--> caller --repack, delete_packs-->
//! packs --scrub--> Findings --hurt--> which roots
//! damaged packs, Copies --repair--> whole again, or lost
//! ```
//!
//! All work asks a [`Watch`] before it reads or writes: that is where rate limits and
//! cancellation come in.
//!
//! Next to read: `mark`, `usage`, `repack`, `scrub`, `hurt`, `repair`.

mod copies;
mod hurt;
mod inspect;
mod mark;
mod rebuild;
mod repack;
mod repair;
mod reseal;
mod scrub;
mod throttle;
mod usage;

pub use self::{
    copies::Copies,
    hurt::Hurt,
    inspect::Finding,
    mark::Live,
    rebuild::IndexReport,
    repack::Repacked,
    repair::Repaired,
    reseal::Resealed,
    scrub::Scrubbed,
    throttle::Throttle,
    usage::{PackUse, Usage},
};
use crate::Error;

/// How far a piece of work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Things done: roots, packs or bytes, by the work.
    pub done: u64,
    /// Things there are.
    pub total: u64,
}

/// Who a piece of work answers to.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Asked before so many bytes are read or written: waits as long as a budget wants, and ends
    /// the work by an error.
    pub pace: &'a (dyn Fn(u64) -> Result<(), Error> + Sync),
    /// Told how far it is.
    pub progress: &'a (dyn Fn(Done) + Sync),
}

impl Watch<'_> {
    /// No limit, and nobody looks.
    #[must_use]
    pub const fn none() -> Self {
        Watch { pace: &|_| Ok(()), progress: &|_| {} }
    }

    fn pace(&self, bytes: u64) -> Result<(), Error> {
        (self.pace)(bytes)
    }

    fn tell(&self, done: u64, total: u64) {
        (self.progress)(Done { done, total });
    }
}
