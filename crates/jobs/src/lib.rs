//! Durable jobs: steps with an undo each, run by whoever holds the lease.
//!
//! A job is a row. Before a step has any effect, the row says that it begins; each write to the
//! row names the epoch under which the job was claimed, so a worker that lost its lease changes
//! nothing any more. Steps are idempotent: after a crash the step whose intent is written runs
//! again.
//!
//! ```text
//!            claim                 every step done
//!  Queued ----------> Running ------------------------> Succeeded
//!    ^  (epoch + 1)   |    |
//!    |   put off:     |    | a step fails for good, attempts run out, or cancel was asked
//!    +-- retry, wait -+    v
//!    +--------------- Undoing: the same steps in reverse -----> Failed | Cancelled
//! ```
//!
//! A step that *commits* is the point of no return: after it a job only goes forward, and undo
//! likewise never gives up; both are tried again with the longest pause, and the row says why.
//!
//! It refuses to know any database, clock source or kind of job. Its invariant: an effect happens
//! only after its intent is in the log under an epoch that was current then.
//!
//! | meets | what holds |
//! |---|---|
//! | two workers claim | one wins; the epoch tells them apart |
//! | a lease ends under a worker | its next write is refused as stale; effects outside the log are fenced by [`Fence`] |
//! | cancel and commit | cancel is honoured until the committing step was tried, then ignored |
//!
//! Next to read: [`JobLog`] in `log.rs`, then `runner.rs`; for tests `matrix`.

mod job;
mod log;
pub mod matrix;
mod memory;
mod record;
mod runner;
mod step;

pub use job::{AnyJob, Job, Registry, StepEnd, StepInfo};
pub use log::{Ack, Claim, Fence, JobLog, JobLogError};
pub use memory::MemoryLog;
pub use record::{CANCELLED, Failure, JobRecord, JobStatus, NewJob, Phase, Progress};
pub use runner::{ATTEMPTS_MAX, BACKOFF_FIRST, BACKOFF_MAX, LEASE, Outcome, Ran, Runner, backoff};
pub use step::{HEARTBEAT, Step, StepContext, StepError, StepOutcome};
