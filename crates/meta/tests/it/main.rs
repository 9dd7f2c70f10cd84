//! The contract of the store, over both engines.

#![expect(clippy::unwrap_used, reason = "test code")]

mod open;
mod postgres;
mod sqlite;
