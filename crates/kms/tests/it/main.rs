//! The file key store, against what a machine and a thief do to its files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

extern crate ectype_kms as kms;

mod customer;
mod file_store;
mod rotation;
