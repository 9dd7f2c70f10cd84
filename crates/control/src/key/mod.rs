//! Root keys: their versions, and data keys wrapped anew.
//!
//! It refuses to know what a data key encrypts: a rotation never reads or writes a pack
//! (invariant 21). Its invariants: a data key is wrapped by the new version before anybody may
//! retire the old one; a recovery manifest holds the wrap that its image's row holds.
//!
//! ```text
//! new version -> rows and manifests, batch by batch -> done      (a job)
//!                                         later: retire the old  (refused while anything needs it)
//! ```
//!
//! Next to read: `job`, `versions`.

mod job;
mod versions;

pub(crate) use self::job::RotateJob;
pub use self::job::{KeyJob, RotateReport};
pub use self::versions::{KeyError, RETIRE_GRACE, RootKeyVersion, RootKeyVersions};
