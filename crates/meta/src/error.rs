//! Why a call of the store did nothing.

use base::ErrorKind;
use model::Refusal;

/// A failure of the store; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row in the caller's scope.
    #[error("no such {kind}")]
    NotFound {
        /// Kind of resource, such as `image`.
        kind: &'static str,
        /// What was looked for.
        id: String,
    },
    /// The row was written by another since it was read (a stale revision, status or epoch).
    #[error("{kind} {id} was changed by another")]
    Changed {
        /// Kind of resource.
        kind: &'static str,
        /// Which.
        id: String,
    },
    /// A rule of the region forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The permit that came with the call is for something else: a broken promise of ours.
    #[error("the permit does not cover this call")]
    PermitMismatch,
    /// The page token names no place in the list.
    #[error("the page token is not valid")]
    BadPageKey,
    /// A row that cannot be read back.
    #[error("damaged row of {table}: {why}")]
    Damaged {
        /// Which table.
        table: &'static str,
        /// What is wrong.
        why: String,
    },
    /// What is there is no database, or a damaged one.
    #[error("the database cannot be read: {why}")]
    DatabaseDamaged {
        /// What is wrong.
        why: String,
    },
    /// The database is from a newer program.
    #[error("the database has schema {found}, this program knows {known}")]
    UnknownSchema {
        /// What it says.
        found: i64,
        /// What is known.
        known: i64,
    },
    /// The database cannot be reached, or gave up after retries.
    #[error("the database did not answer")]
    Unavailable {
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// What callers tell apart.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Changed { .. } | Self::Refused(_) => ErrorKind::Conflict,
            Self::PermitMismatch => ErrorKind::Internal,
            Self::BadPageKey => ErrorKind::Invalid,
            Self::Damaged { .. } | Self::DatabaseDamaged { .. } | Self::UnknownSchema { .. } => {
                ErrorKind::Corrupt
            }
            Self::Unavailable { .. } => ErrorKind::Unavailable,
        }
    }
}
