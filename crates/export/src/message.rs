//! The lines that host, supervisor and engine exchange: one JSON object per line.
//!
//! It refuses to know sockets and processes. No message carries a key.

use std::path::PathBuf;

use base::ErrorKind;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::Error;

/// Longest line, in bytes, its newline included.
pub const LINE_BYTES_MAX: usize = 8 * 1024;

/// What a supervisor is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// Are you there?
    Ping,
    /// How is the engine?
    Status,
    /// Answer with the status once the engine serves, has failed for good, or at the deadline.
    AwaitReady {
        /// How long to wait, in milliseconds.
        deadline_ms: u64,
    },
    /// Make the volume larger; its clients connect again and see it.
    Grow {
        /// The new size, in bytes.
        capacity_bytes: u64,
    },
    /// From now on the cache of decoded chunks has this share of the host's budget.
    Cache {
        /// The share, in bytes.
        bytes: u64,
    },
    /// Close the volume cleanly and go; kill the engine at the deadline.
    Stop {
        /// How long a clean close may take, in milliseconds.
        deadline_ms: u64,
    },
}

/// What a supervisor answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// To `ping`.
    Pong,
    /// To `status`.
    Status(Box<ExportStatus>),
    /// To `stop`: the engine is gone.
    Stopped {
        /// Whether the layer was closed cleanly.
        clean: bool,
        /// What happened when it was not.
        reason: String,
    },
    /// To `grow`: done.
    Grown,
    /// To `cache`: the engine is told.
    Granted,
    /// The question was not understood, or what it wants cannot be done.
    Refused {
        /// Why.
        reason: String,
    },
}

/// Where an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// The engine is opening the layer.
    Starting,
    /// Guests are served.
    Running,
    /// The engine died; the next one starts soon.
    Waiting,
    /// The layer cannot be opened, and another try will not help.
    Failed,
    /// It is closing.
    Stopping,
}

/// What a supervisor knows about its engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportStatus {
    /// The volume or image.
    pub id: String,
    /// Generation of the write layer; zero for an image.
    pub generation: u64,
    /// What is served: kind, root and right to write.
    pub serves: String,
    /// Where it stands.
    pub state: ExportState,
    /// Process id of the supervisor.
    pub supervisor_pid: u32,
    /// Process id of the engine, while there is one.
    pub engine_pid: Option<u32>,
    /// How many engines died without being told to.
    pub restarts: u64,
    /// How the last one ended.
    pub last_exit: Option<String>,
    /// An engine was replaced and acknowledged writes that were never flushed are gone (after a
    /// failed sync): a guest that was running must be reset.
    pub guest_must_reset: bool,
    /// What the last engine that could not open said.
    pub failure: Option<Failure>,
    /// The socket that guests connect to.
    pub socket: PathBuf,
    /// Counters of the running engine, when it answers.
    pub stats: Option<Stats>,
}

/// Why an engine could not open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What it said.
    pub reason: String,
}

/// [`ErrorKind`] on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the same names as ErrorKind")]
pub enum FailureKind {
    Invalid,
    NotFound,
    Conflict,
    Denied,
    Limit,
    Unavailable,
    Corrupt,
    Internal,
}

impl From<ErrorKind> for FailureKind {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Invalid => Self::Invalid,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::Denied => Self::Denied,
            ErrorKind::Limit => Self::Limit,
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Corrupt => Self::Corrupt,
            ErrorKind::Internal => Self::Internal,
        }
    }
}

impl From<FailureKind> for ErrorKind {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Invalid => Self::Invalid,
            FailureKind::NotFound => Self::NotFound,
            FailureKind::Conflict => Self::Conflict,
            FailureKind::Denied => Self::Denied,
            FailureKind::Limit => Self::Limit,
            FailureKind::Unavailable => Self::Unavailable,
            FailureKind::Corrupt => Self::Corrupt,
            FailureKind::Internal => Self::Internal,
        }
    }
}

/// What an engine is told after its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Drain, flush, close cleanly, exit.
    Stop,
    /// Send your counters.
    Stats,
    /// Keep the cache of decoded chunks within this.
    Cache {
        /// In bytes.
        bytes: u64,
    },
    /// Grow the volume and end every connection.
    Grow {
        /// The new size, in bytes.
        capacity_bytes: u64,
    },
}

/// What an engine says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The layer is open and guests are served.
    Ready {
        /// Size of the export, in bytes.
        size_bytes: u64,
        /// The layer fell back to what was last flushed: a guest that was running meanwhile
        /// must be reset.
        fell_back: bool,
    },
    /// The layer could not be opened.
    Failed {
        /// What kind of failure.
        kind: FailureKind,
        /// What the engine says of it.
        reason: String,
        /// Whether another try may help.
        again: bool,
    },
    /// To `stats`.
    Stats(Stats),
    /// To `grow`: what went wrong, if anything did.
    Grown {
        /// Why not.
        refused: Option<String>,
    },
    /// The layer is closed; the process exits.
    Closed {
        /// Whether the close was clean.
        clean: bool,
        /// What happened when it was not.
        reason: String,
    },
}

/// Counters of an engine since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Connections that are open now.
    pub connections: u64,
    /// Requests answered.
    pub requests: u64,
    /// Requests answered with an error.
    pub errors: u64,
    /// Bytes read by guests.
    pub read_bytes: u64,
    /// Bytes written by guests.
    pub written_bytes: u64,
    /// Flushes, those asked for by FUA not counted.
    pub flushes: u64,
}

/// One line of the wire form.
pub(crate) fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    // INVARIANT: these types hold nothing that JSON cannot say.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Reads one line, with or without its newline.
pub(crate) fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(line).map_err(|_| Error::Protocol { what: "a line that is no message" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_wire() {
        for ask in [Ask::Ping, Ask::Status, Ask::Cache { bytes: 9 }, Ask::Stop { deadline_ms: 7 }] {
            assert_eq!(decode::<Ask>(&encode(&ask)).unwrap(), ask);
        }
        let reply = Reply::Stopped { clean: false, reason: "killed".into() };
        assert_eq!(decode::<Reply>(&encode(&reply)).unwrap(), reply);
        let event =
            Event::Failed { kind: FailureKind::Corrupt, reason: "x\ny".into(), again: false };
        let line = encode(&event);
        assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
        assert_eq!(decode::<Event>(&line).unwrap(), event);
    }
}
