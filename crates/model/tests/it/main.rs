//! The tables of the model, walked in full.

#![expect(clippy::unwrap_used, reason = "test code")]

mod allowed_use;
mod image_lifecycle;
mod image_source;
mod key_states;
mod samples;
