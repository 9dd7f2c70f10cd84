//! The NBD server: fixed newstyle, structured replies, `base:allocation`.
//!
//! It refuses to know what stands behind [`Device`] and who may connect. Its invariants: bytes
//! from a client are parsed by pure functions that never panic or allocate by what a client
//! claims; a request is answered once; nothing is answered before the device has returned.
//!
//! Next to read: `server` (connections), `negotiation` (options), `request` (commands),
//! `connection` (the threads of one client), `execution` (what a command does).

mod budget;
mod connection;
mod device;
mod execution;
mod handshake;
pub(crate) mod negotiation;
pub(crate) mod protocol;
mod reply;
pub(crate) mod request;
mod server;

pub use budget::BYTES_IN_FLIGHT_MAX;
pub use connection::REQUESTS_IN_FLIGHT_MAX;
pub use device::{Device, Export};
pub use handshake::{HANDSHAKE_DEADLINE, OPTION_SKIP_MAX};
pub use negotiation::{NAME_BYTES_MAX, OPTION_BYTES_MAX, OPTIONS_MAX};
pub use request::{REQUEST_BYTES_MAX, WRITE_SKIP_MAX};
pub use server::{CONNECTIONS_MAX, Server};
