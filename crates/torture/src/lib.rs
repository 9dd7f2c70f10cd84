//! Crashes, faults and damage against the block engine, each decided by a seed.
//!
//! It refuses to know how the engine works: it uses what `blocks` shows to everybody, over hosts
//! and object stores that are made of memory. Its invariant: the same seed does the same, so
//! that a loss can be had again.
//!
//! ```text
//!   run ──┬─ crash    a layer's host or process dies, its disk fails or is full
//!         ├─ puts     a store's puts fail, are lost or late; its reads fail or are short
//!         └─ damage   stored bytes change: of layers, packs, manifests, layouts
//! layer (a volume with its model)     sealed (a disk, an object store that goes wrong)
//! ```
//!
//! A loss is a panic of the attack that found it; [`run`] catches it and goes on. The engine's
//! own tests use the same rigs.
//!
//! Next to read: `run`, `layer` for the model, `crash`.

// What is not as it must be ends an attack, as it ends a test.
#![expect(clippy::unwrap_used, reason = "an attack stops at the first surprise")]

mod crash;
mod damage;
pub mod layer;
mod puts;
mod run;
pub mod sealed;

pub use run::{Attack, Group, Loss, Report, Tally, attacks, run};
