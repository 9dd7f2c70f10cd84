//! What is asked about the store, on the socket and in this process.

use control::{GcOptions, RepairOptions};
use serde::{Deserialize, Serialize};

/// A question or an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "snake_case", deny_unknown_fields)]
pub enum StoreAsk {
    /// What is in it.
    Stats,
    /// Read and walk everything.
    Verify {
        /// Bytes a second.
        rate: Option<u64>,
    },
    /// Read everything as a job.
    Scrub {
        /// Bytes a second.
        rate: Option<u64>,
    },
    /// What a collection or a repack would do.
    Plan {
        /// How.
        options: GcOptions,
    },
    /// Collect or repack, as a job.
    Gc {
        /// How.
        options: GcOptions,
    },
    /// Repair what is damaged, as a job.
    Repair {
        /// From where.
        options: RepairOptions,
    },
    /// Switch the collection on.
    ConfirmRoots,
    /// Make the index anew.
    RebuildIndex,
    /// Find images by their manifests.
    Recover {
        /// And write rows for those that have none.
        adopt: bool,
        /// For whom, if their own account is not there.
        account: Option<String>,
        /// The lost region's name.
        region: Option<String>,
    },
}

/// One line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum StoreLine {
    /// How far it is.
    Progress {
        /// What is being done.
        what: String,
        /// How much of it.
        done: u64,
        /// Of how much.
        total: u64,
    },
    /// The end.
    Done {
        /// What was found or done.
        value: serde_json::Value,
    },
    /// The end, not done.
    Refused {
        /// A sentence.
        why: String,
    },
}
