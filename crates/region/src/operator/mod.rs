//! The operator's way to a running region: a unix socket in the data directory, for its owner.
//!
//! One request a connection, one JSON object a line: the request, then the answer. The caller is
//! checked by the uid of the socket's other end, not by a token: the operator stands above
//! accounts.

pub mod client;
pub mod server;

use serde::{Deserialize, Serialize};

/// Longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// What an operator asks.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// End the region and its guests; the connection closes when it has ended.
    Stop,
    /// What is in it.
    Status,
    /// Make an account.
    AccountCreate {
        /// Display name.
        name: String,
    },
    /// Serve an image or a volume read-only.
    ViewOpen {
        /// Its id.
        id: String,
        /// It is a volume.
        volume: bool,
    },
    /// End a view.
    ViewClose {
        /// Its id.
        id: String,
        /// It is a volume.
        volume: bool,
    },
}

/// What the region answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Done, with what is to be shown.
    Done {
        /// A JSON value.
        value: serde_json::Value,
    },
    /// Not done.
    Refused {
        /// A sentence.
        why: String,
    },
}
