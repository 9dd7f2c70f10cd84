//! What tests share: contract suites of ports, and a PostgreSQL to run them against.
//!
//! It refuses to know any implementation: a suite gets a factory and speaks through the port. Only
//! tests depend on it. Its invariant: nothing that it starts outlives the test process.
//!
//! Next to read: `store_contract`, then `postgres`.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "this crate is test code: a suite says what is wrong by panicking"
)]

pub mod postgres;
pub mod store_contract;
