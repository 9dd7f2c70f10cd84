//! The contract of the store, over both engines.

#![expect(clippy::unwrap_used, reason = "test code")]

mod postgres;
mod sqlite;
