//! The operator's way to a running region: a unix socket in the data directory, for its owner.
//!
//! One request a connection, one JSON object a line: the request, then, for long work, how far it
//! is, then the answer. Long work ends early when the connection does. The caller is
//! checked by the uid of the socket's other end, not by a token: the operator stands above
//! accounts.
//!
//! The same socket speaks HTTP: whatever does not begin as a JSON object is a request of the
//! region's API, and may be one of the operator's (`/_ectype/v1/clock`, `/_ectype/v1/faults`).

pub mod client;
mod disk;
pub mod http;
pub mod server;

use std::path::PathBuf;

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
    /// Make an image of a disk file.
    DiskImport {
        /// Id of its account.
        account: String,
        /// Id of its resource group; the account's default when none.
        group: Option<String>,
        /// Its name.
        name: String,
        /// Name of its operating system.
        operating_system: String,
        /// The file; absolute.
        file: PathBuf,
        /// Format of the file.
        format: String,
    },
    /// Write an image to a disk file.
    DiskExport {
        /// Id of the image.
        image: String,
        /// The file; absolute, and not there yet.
        file: PathBuf,
        /// Form of the file.
        format: String,
    },
    /// Make a stock image of a disk file.
    CatalogAdd {
        /// Its name.
        name: String,
        /// Name of its operating system.
        operating_system: String,
        /// The file; absolute.
        file: PathBuf,
        /// Format of the file.
        format: String,
    },
    /// The stock images.
    CatalogList,
    /// End the support of stock images.
    CatalogRetire {
        /// A name: of an image, or of an operating system.
        name: String,
        /// It is an operating system's.
        system: bool,
        /// Their vendor ended them: obsolete, not deprecated.
        obsolete: bool,
    },
    /// Look after the chunk store; answered by lines of its own.
    Store {
        /// What.
        command: crate::store::StoreAsk,
    },
    /// Look after an account's root key.
    Keys {
        /// Id of the account.
        account: String,
        /// What.
        command: crate::keys::KeysAsk,
    },
    /// Accounts, users, sign-out.
    Admin {
        /// What.
        command: crate::admin::AdminAsk,
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
    /// Not done yet; another answer follows.
    Progress {
        /// Bytes that are done.
        done_bytes: u64,
        /// All of them.
        total_bytes: u64,
    },
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
