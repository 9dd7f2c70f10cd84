//! The engine's tests: the writable side (`layer_*`) and the sealed side (`sealed_*`).

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

extern crate ectype_blocks as blocks;

use torture::{layer as layer_rig, sealed as sealed_rig};

mod bad_input;
mod layer_crash;
mod layer_faults;
mod layer_format;
mod layer_host;
mod layer_kill;
mod layer_meet;
mod layer_rebase;
mod layer_rot;
mod sealed_ahead;
mod sealed_damage;
mod sealed_faults;
mod sealed_fuzz;
mod sealed_image;
mod sealed_index;
mod sealed_maintain;
mod sealed_repair;
