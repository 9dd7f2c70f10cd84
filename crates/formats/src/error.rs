//! What is wrong with a file, by name.

use base::ErrorKind;

use crate::Format;

/// Something that a format has and that is not read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// A backing file: reading it would open a path that the file names.
    BackingFile,
    /// Data in another file, likewise.
    ExternalDataFile,
    /// Encrypted clusters.
    Encryption,
    /// Tables with subclusters.
    ExtendedL2,
    /// Its writer marked the file as corrupt.
    CorruptBit,
    /// An incompatible feature bit that is not known.
    IncompatibleBit(u32),
    /// A version that is not known.
    Version(u32),
    /// A compression that is not known.
    Compression(u8),
    /// A vhd file over a parent.
    Differencing,
    /// A type of vhd file that is not known.
    DiskType(u32),
}

impl std::fmt::Display for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BackingFile => {
                f.write_str("a backing file: flatten it first with `qemu-img convert`")
            }
            Self::ExternalDataFile => {
                f.write_str("an external data file: put it into one with `qemu-img convert`")
            }
            Self::Encryption => f.write_str("encryption: decrypt it first with `qemu-img convert`"),
            Self::ExtendedL2 => {
                f.write_str("extended L2 entries: rewrite it with `qemu-img convert`")
            }
            Self::CorruptBit => {
                f.write_str("the corrupt bit set: repair it first with `qemu-img check -r all`")
            }
            Self::IncompatibleBit(bit) => write!(f, "the unknown incompatible feature bit {bit}"),
            Self::Version(version) => write!(f, "the unknown version {version}"),
            Self::Compression(kind) => write!(f, "the unknown compression type {kind}"),
            Self::Differencing => f.write_str("a parent (a differencing disk): merge it first"),
            Self::DiskType(kind) => write!(f, "the unknown disk type {kind}"),
        }
    }
}

/// A failure. Sources are chained, never repeated in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read or written.
    #[error("{doing} the file")]
    Io {
        /// `read` or `write`.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The disk that is written to a file could not be read.
    #[error("read the disk")]
    Source {
        /// What its owner said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The range is not inside the disk.
    #[error("range {offset}+{length} is outside a disk of {size} bytes")]
    OutOfRange {
        /// First byte asked for.
        offset: u64,
        /// Bytes asked for.
        length: u64,
        /// Size of the disk.
        size: u64,
    },
    /// The file is of another format, or too short to be of any.
    #[error("this is not a {format} file: {why}")]
    NotThisFormat {
        /// The format that it was said to have.
        format: Format,
        /// What is missing.
        why: &'static str,
    },
    /// A field or table cannot be.
    #[error("damaged {format} file: {what} at byte {at}: {why}")]
    Damaged {
        /// Its format.
        format: Format,
        /// What is damaged, such as `L2 table`.
        what: &'static str,
        /// Where it is in the file.
        at: u64,
        /// Why it cannot be.
        why: &'static str,
    },
    /// The file needs something that is not read here.
    #[error("this {format} file has {feature}")]
    Unsupported {
        /// Its format.
        format: Format,
        /// What it needs.
        feature: Feature,
    },
    /// A bound of [`crate::limits`].
    #[error("{what} is {found}, more than the {limit} allowed here")]
    Limit {
        /// Of what.
        what: &'static str,
        /// What was found.
        found: u64,
        /// The bound.
        limit: u64,
    },
    /// The host's disk has no room.
    #[error("no space left for the file")]
    NoSpace,
    /// Whoever watched the work ended it.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// What callers tell apart.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::Source { .. } => ErrorKind::Unavailable,
            Self::OutOfRange { .. } | Self::NotThisFormat { .. } | Self::Unsupported { .. } => {
                ErrorKind::Invalid
            }
            Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::Limit { .. } | Self::NoSpace => ErrorKind::Limit,
            Self::Stopped => ErrorKind::Conflict,
        }
    }

    pub(crate) fn reading(source: std::io::Error) -> Self {
        Self::Io { doing: "read", source }
    }

    pub(crate) fn writing(source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Io { doing: "write", source },
        }
    }
}
