//! Guests: one port, QEMU behind it, and a fake with the same states.
//!
//! A *guest* is the process (or the pretence of one) that runs an instance. This crate knows how
//! to start, stop, watch and adopt guests, what their console said, and how to build the seed disk
//! they read and the stock image they may boot from. It refuses to know volumes, images, users and
//! policy: a disk is a unix socket that speaks NBD, and what a stop means is decided above.
//!
//! Its invariant: a guest belongs to its directory and not to this process, so that a server which
//! stops, crashes or is upgraded leaves its guests running, and the next one finds them again.
//!
//! Next to read: `port.rs`; for the stock image `stock/mod.rs` and `guest/README.md`.

mod check;
mod console;
mod dir;
mod fake;
mod port;
pub mod qemu;
pub mod qmp;
mod seed;
pub mod stock;

pub use fake::{Fake, FakeConfig};
pub use port::{
    Accel, CONSOLE_LOG_MAX, CONSOLE_READ_MAX, ComputeError, ConsolePart, DISKS_MAX, EVENTS_KEPT,
    Forward, GuestDisk, GuestEvent, GuestEventKind, GuestNic, GuestSpec, GuestState, HostLimits,
    Hypervisor, HypervisorInfo, Line, NICS_MAX, PauseReason, READY_LINE, SEED_HOSTNAME_MAX,
    SEED_KEYS_MAX, Seed, Started, USER_DATA_LINE, USER_DATA_MAX,
};
pub use qemu::{Qemu, QemuConfig};
pub use seed::{SEED_IMAGE_SIZE, seed_image};
