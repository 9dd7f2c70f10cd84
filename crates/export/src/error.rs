//! What goes wrong between a volume and those who start, stop and ask for it.

use std::{path::PathBuf, time::Duration};

use base::ErrorKind;

/// A failure of an export, its processes or its protocol.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine below said no.
    #[error("the block engine failed")]
    Blocks(#[from] blocks::Error),
    /// A file, socket or process could not be used.
    #[error("{doing} {name}")]
    Io {
        /// What was being done, such as `bind`.
        doing: &'static str,
        /// The path or thing.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A unix socket's path may have 107 bytes.
    #[error("{} is too long for a unix socket: choose a shorter run directory", path.display())]
    PathTooLong {
        /// The path.
        path: PathBuf,
    },
    /// The other side broke the protocol.
    #[error("protocol: {what}")]
    Protocol {
        /// What it did, as a sentence fragment.
        what: &'static str,
    },
    /// The engine cannot open what it should serve, and trying again will not help.
    #[error("{id} cannot be served: {reason}")]
    CannotOpen {
        /// The volume or image.
        id: String,
        /// What kind of failure the engine met.
        kind: ErrorKind,
        /// What the engine said.
        reason: String,
    },
    /// A supervisor for another generation of the volume is still running.
    #[error("{id} is served with generation {running}, {wanted} was asked for: stop it first")]
    OtherGeneration {
        /// The volume.
        id: String,
        /// The generation being served.
        running: u64,
        /// The generation asked for.
        wanted: u64,
    },
    /// A supervisor for something else under the same id is still running.
    #[error("{id} is served as {running}, {wanted} was asked for: stop it first")]
    OtherSubject {
        /// The volume or image.
        id: String,
        /// What is being served.
        running: String,
        /// What was asked for.
        wanted: String,
    },
    /// Something did not answer in time.
    #[error("{what} took longer than {limit:?}")]
    Deadline {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// What was asked of an export cannot be done.
    #[error("{id}: {reason}")]
    Refused {
        /// The volume or image.
        id: String,
        /// Why.
        reason: String,
    },
    /// The engine had to be killed. Nothing that was flushed is lost, but the layer was not
    /// closed cleanly.
    #[error("{id} was not closed cleanly: {reason}")]
    NotClean {
        /// The volume or image.
        id: String,
        /// Why.
        reason: String,
    },
    /// A configuration that this program cannot use.
    #[error("the export's configuration: {what}")]
    Config {
        /// What is wrong with it. Never holds a value of it: it may be a key.
        what: String,
    },
}

impl Error {
    /// What callers tell apart.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Blocks(source) => source.kind(),
            Self::Io { .. } | Self::Deadline { .. } => ErrorKind::Unavailable,
            Self::PathTooLong { .. } | Self::Protocol { .. } | Self::Config { .. } => {
                ErrorKind::Invalid
            }
            Self::CannotOpen { kind, .. } => *kind,
            Self::OtherGeneration { .. } | Self::OtherSubject { .. } | Self::Refused { .. } => {
                ErrorKind::Conflict
            }
            Self::NotClean { .. } => ErrorKind::Internal,
        }
    }

    /// Turns an I/O failure into one with a name.
    pub(crate) fn io(
        doing: &'static str,
        name: impl Into<String>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let name = name.into();
        move |source| Self::Io { doing, name, source }
    }
}
