//! Why a key cannot be had.

use std::path::PathBuf;

use base::{AccountId, ErrorKind, KmsKeyId};

/// Why a key store does not do it. No variant carries key bytes.
#[derive(Debug, thiserror::Error)]
pub enum KmsError {
    /// A key file or folder cannot be read or written.
    #[error("{doing} {path}")]
    Io {
        /// What was tried, such as `read key file`.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others than the owner may get at a key file or folder.
    #[error("{path} is open to others (mode {mode:o}); allow only its owner: chmod go= {path}")]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// There is no master key where one is expected.
    #[error("there is no master key at {path}; without it no data key of this region opens")]
    MasterMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is a master key where a new one should be made.
    #[error("there is a master key at {path} already")]
    MasterExists {
        /// Where it is.
        path: PathBuf,
    },
    /// The account's provider root key is gone.
    #[error("account {account} has no provider root key")]
    RootKeyMissing {
        /// The account.
        account: AccountId,
    },
    /// A root key has as many versions as are kept.
    #[error("the root key has {max} versions; retire the old ones before it is rotated again")]
    TooManyVersions {
        /// How many are kept.
        max: usize,
    },
    /// The version of the root key that wrapped it is destroyed.
    #[error("version {version} of the root key of account {account} is retired")]
    VersionRetired {
        /// The account.
        account: AccountId,
        /// The version.
        version: u32,
    },
    /// There is no such key of a customer: it was purged, or never made here.
    #[error("there is no key {key}")]
    KeyMissing {
        /// The key.
        key: KmsKeyId,
    },
    /// There is a key of that id already.
    #[error("there is a key {key} already")]
    KeyExists {
        /// The key.
        key: KmsKeyId,
    },
    /// A customer's key is disabled or deleted.
    #[error("key {key} is {state}")]
    KeyUnusable {
        /// The key.
        key: KmsKeyId,
        /// `disabled` or `deleted`.
        state: &'static str,
    },
    /// A standard key where a root key is needed, or the other way round.
    #[error("key {key} is not a {wanted} key")]
    WrongKind {
        /// The key.
        key: KmsKeyId,
        /// `root` or `standard`.
        wanted: &'static str,
    },
    /// A version of a customer's key that is not there.
    #[error("key {key} has no version {version}")]
    NoVersion {
        /// The key.
        key: KmsKeyId,
        /// The version.
        version: u32,
    },
    /// A key file is not what it should be.
    #[error("key file {path} is damaged: {what}")]
    DamagedFile {
        /// Which file.
        path: PathBuf,
        /// What about it.
        what: &'static str,
    },
    /// Bytes that should be a wrapped key or a sealed secret are not.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// What was read.
        what: &'static str,
        /// What about it.
        why: &'static str,
    },
    /// A format that this program does not know.
    #[error("{what} has format version {version}, which this program does not know")]
    UnknownVersion {
        /// What was read.
        what: &'static str,
        /// Its version.
        version: u8,
    },
    /// The bytes were changed, or belong to another resource, key or version.
    #[error("{what} does not open: it was changed, or belongs to something else")]
    DoesNotOpen {
        /// What was read.
        what: &'static str,
    },
    /// A secret is longer than the store takes.
    #[error("a secret of {len} bytes is over the limit of {max}")]
    SecretTooLong {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The cipher refused to encrypt.
    #[error("{what} cannot be sealed")]
    CannotSeal {
        /// What was to be sealed.
        what: &'static str,
    },
}

impl KmsError {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::MasterMissing { .. } => ErrorKind::Unavailable,
            Self::Exposed { .. } => ErrorKind::Denied,
            Self::MasterExists { .. } | Self::KeyExists { .. } | Self::KeyUnusable { .. } => {
                ErrorKind::Conflict
            }
            Self::RootKeyMissing { .. }
            | Self::VersionRetired { .. }
            | Self::KeyMissing { .. }
            | Self::NoVersion { .. } => ErrorKind::NotFound,
            Self::WrongKind { .. } => ErrorKind::Invalid,
            Self::DamagedFile { .. }
            | Self::Damaged { .. }
            | Self::UnknownVersion { .. }
            | Self::DoesNotOpen { .. } => ErrorKind::Corrupt,
            Self::SecretTooLong { .. } | Self::TooManyVersions { .. } => ErrorKind::Limit,
            Self::CannotSeal { .. } => ErrorKind::Internal,
        }
    }
}
