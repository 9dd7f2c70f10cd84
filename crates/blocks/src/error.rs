//! What goes wrong in the engine, by name.

use base::ErrorKind;

/// A failure of the engine. Sources are chained, never repeated in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The range is not inside the device.
    #[error("range {offset}+{length} is outside a device of {size} bytes")]
    OutOfRange {
        /// First byte asked for.
        offset: u64,
        /// Bytes asked for.
        length: u64,
        /// Size of the device.
        size: u64,
    },
    /// The host's disk has no room.
    #[error("no space left on the host's disk while {doing}")]
    NoSpace {
        /// What was being done.
        doing: &'static str,
    },
    /// The host's file system cannot hold a file of that size.
    #[error("{name} cannot be {size} bytes long: its file system has no files so large")]
    TooLarge {
        /// The file, with its folder.
        name: String,
        /// The size, in bytes.
        size: u64,
    },
    /// An earlier sync failed; what this open acknowledged since is not to be trusted.
    #[error("an earlier sync failed: the layer takes no more writes until it is opened again")]
    Poisoned,
    /// A file or object could not be read or written.
    #[error("{doing} {name}")]
    Io {
        /// What was being done, such as `read`.
        doing: &'static str,
        /// The file or object.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A stored record does not match its id, checksum or key.
    #[error("damaged {what} {name}: {why}")]
    Corrupt {
        /// Kind of record, such as `chunk`.
        what: &'static str,
        /// Which one.
        name: String,
        /// What did not match.
        why: &'static str,
    },
    /// A record that should be there is not.
    #[error("missing {what} {name}")]
    Missing {
        /// Kind of record.
        what: &'static str,
        /// Which one.
        name: String,
    },
    /// A file of a version or with features that this program does not know.
    #[error("{name} has format {found}, this program knows {known}")]
    UnknownFormat {
        /// The file.
        name: String,
        /// What it says.
        found: u32,
        /// What is known.
        known: u32,
    },
    /// The layer is open elsewhere.
    #[error("write layer {name} is open in another process")]
    Locked {
        /// The layer's folder.
        name: String,
    },
    /// The caller's fencing epoch is older than the layer's.
    #[error("stale epoch {ours}: the layer is at {theirs}")]
    StaleEpoch {
        /// The caller's.
        ours: u64,
        /// The layer's.
        theirs: u64,
    },
    /// The layer is frozen for a capture and takes no writes.
    #[error("write layer {name} is frozen")]
    Frozen {
        /// The layer's folder.
        name: String,
    },
    /// The layer was closed and takes no more requests.
    #[error("write layer {name} is closed")]
    Closed {
        /// The layer's folder.
        name: String,
    },
    /// What is to be made is there already, and in use.
    #[error("{what} {name} exists")]
    Exists {
        /// Kind of thing.
        what: &'static str,
        /// Which one.
        name: String,
    },
    /// A value outside what a format or this engine allows.
    #[error("{what}")]
    Invalid {
        /// What is wrong, as a sentence fragment.
        what: String,
    },
    /// A disk file is not what it was said to be, or could not be read or written.
    #[error("disk file {name}")]
    DiskFile {
        /// The file.
        name: String,
        /// What is wrong.
        source: formats::Error,
    },
    /// The work was told to stop.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// What callers tell apart.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::OutOfRange { .. } | Self::Invalid { .. } | Self::TooLarge { .. } => {
                ErrorKind::Invalid
            }
            Self::NoSpace { .. } => ErrorKind::Limit,
            Self::DiskFile { source, .. } => source.kind(),
            Self::Poisoned | Self::Io { .. } => ErrorKind::Unavailable,
            Self::Corrupt { .. } | Self::Missing { .. } | Self::UnknownFormat { .. } => {
                ErrorKind::Corrupt
            }
            Self::Locked { .. }
            | Self::StaleEpoch { .. }
            | Self::Frozen { .. }
            | Self::Closed { .. }
            | Self::Exists { .. }
            | Self::Cancelled => ErrorKind::Conflict,
        }
    }
}
