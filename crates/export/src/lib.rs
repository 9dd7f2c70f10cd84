//! Volumes for guests: an NBD server, the engine process and its supervisor.
//!
//! ```text
//! server process            supervisor (own session)        engine (one per volume)
//! VolumeHost  --control-->  holds the listening socket  -->  opens the layer, serves NBD
//!                           and the configuration            dies and is replaced
//! ```
//!
//! It refuses to know accounts, images as resources, and QEMU. Its invariant: the death of the
//! server costs a guest nothing, the death of an engine about a second.
//!
//! Next to read: `host` (what the server calls), `supervisor`, `engine`, `nbd`.

mod channel;
mod config;
pub mod engine;
mod error;
pub mod fuzz;
mod host;
mod message;
pub mod nbd;
mod paths;
mod process;
mod share;
pub mod supervisor;

pub use config::{CONFIG_BYTES_MAX, ExportConfig, SealedRoot, Secret, Subject, VolumeSubject};
pub use error::Error;
pub use host::{
    ANSWER_DEADLINE, Exported, READY_DEADLINE, START_DEADLINE, STOP_DEADLINE, VolumeHost,
};
pub use message::{ExportState, ExportStatus, Failure, FailureKind, Stats};
pub use paths::SOCKET_PATH_MAX;
pub use process::protect_memory;
pub use share::{SHARE_MIN_BYTES, SHARES_FULL};
