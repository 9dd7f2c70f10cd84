//! The program as a process: how it starts, ends, refuses and keeps its secrets.
//!
//! Guests are fake here; real ones are in `tests/guest.rs`.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod admin;
mod api;
mod bench;
mod command_line;
mod compatibility;
mod damage;
mod disk_files;
mod ends;
mod fake;
mod files;
mod golden;
mod operator;
mod process;
mod secrets;
mod serving;
mod settings;
mod store;
mod tls;
