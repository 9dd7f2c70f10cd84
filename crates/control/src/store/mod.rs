//! The chunk store's upkeep: garbage collection, scrub, verification, recovery.
//!
//! It refuses to know keys, except for `recover`, which gives found images back to accounts: all
//! else works on public ids, so it runs offline with no key in the process. Its invariants: only
//! what a complete mark found dead twice is deleted (`meta::StoreGcStore` says why that is safe);
//! every operation that writes packs gets its number from [`Control::operation_begin`]; one
//! collection runs at a time.
//!
//! Next to read: `collect`, `check`, `repair`, `job`, `ask`; `recover` for the disaster.

mod ask;
mod check;
mod collect;
mod errand;
mod job;
mod operation;
mod recover;
mod repair;
mod repair_job;
mod report;

pub(crate) use self::{
    ask::Board,
    job::{GcJob, ScrubJob},
    repair_job::RepairJob,
};
pub use self::{
    ask::{StoreJob, StoreTask},
    errand::{Errand, Upkeep, UpkeepError},
    recover::{Adopted, FoundImage, FoundState},
    repair::{RepairDisk, RepairOptions, RepairReport},
    report::{
        Damage, GcOptions, GcPlan, GcReport, Holder, HurtRoot, IndexState, ScrubReport, StoreStats,
        VerifyReport,
    },
};

use std::time::Duration;

/// How long a dead pack waits for its deletion, unless the operator says otherwise.
pub const GC_GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Packs of which less than this is needed are repacked, in percent, unless told otherwise.
pub const REPACK_BELOW_PERCENT: u64 = 50;

/// The owner of operations that offline commands begin.
pub(crate) const OFFLINE: &str = "offline-";

/// How often the region collects by itself.
pub(crate) const GC_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often everything is read again.
pub(crate) const SCRUB_EVERY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What the region reads and writes at most for its own upkeep, in bytes per second.
pub(crate) const OWN_RATE: u64 = 32 << 20;
