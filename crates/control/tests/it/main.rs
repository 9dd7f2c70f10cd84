//! Tests of the region's use cases and jobs: a real database, real blocks and keys, fake guests,
//! and a clock that stands still until a test moves it.
//!
//! Next to read: `world` for what a test works with, then `story`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod accounts;
mod after_capture;
mod attachment_matrix;
mod capture_matrix;
mod captures;
mod deletion_matrix;
mod disk;
mod driven;
mod independence;
mod instance_matrix;
mod isolation;
mod keys;
mod lifecycle;
mod network;
mod objects;
mod process;
mod reconciler;
mod repair;
mod source_rules;
mod stage;
mod story;
mod upkeep;
mod waiting_start;
mod world;
