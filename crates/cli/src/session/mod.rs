//! Who asks: what is kept between commands, and tokens.
//!
//! Invariant: an API key is never written down; tokens are, in a file for the user alone. Next to
//! read: `state`, then `tokens`.

mod state;
mod tokens;

pub(crate) use state::{Group, Secret, Session, State, Store};
pub(crate) use tokens::{Grant, Granted, RENEW_EARLY_SECONDS, claims, digest, request};
