//! Disk files as QEMU's own tools write and read them, and as nobody should write them.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod corpus;
mod craft;
mod limits;
mod qemu;
mod reads;
mod refusals;
mod writes;
