//! Why a use case did nothing. The door turns it into IBM's error shape.

use base::ErrorKind;
use meta::StoreError;
use model::Refusal;
use policy::Denied;

/// A failure of a use case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule of the region forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Not there, or another account's. `field` says whether the path named it (none) or a field
    /// of the body.
    #[error("no {kind} {id}")]
    NotFound {
        /// Kind of resource, such as `image`.
        kind: &'static str,
        /// What was looked for.
        id: String,
        /// Dotted path of the field that named it; none when the path did.
        field: Option<&'static str>,
    },
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A field has a value that no rule of the model describes.
    #[error("{field}: {why}")]
    Invalid {
        /// Dotted path of the field.
        field: &'static str,
        /// The error code of the one table, such as `key_parse_failure`.
        code: &'static str,
        /// A sentence for users.
        why: String,
    },
    /// The resource was changed since the caller read it.
    #[error("the {kind} was changed by another request")]
    Changed {
        /// Kind of resource.
        kind: &'static str,
    },
    /// Known to IBM's API, not served here.
    #[error("{what} is not served by this region")]
    NotImplemented {
        /// What was asked, as the subject of a sentence.
        what: &'static str,
    },
    /// Something the region needs is away.
    #[error("the region cannot do this now")]
    Unavailable {
        /// What it was.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A broken promise of ours, or damaged data.
    #[error("internal error")]
    Internal {
        /// What it was.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// What callers tell apart.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(_) | Self::Changed { .. } => ErrorKind::Conflict,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Denied(_) => ErrorKind::Denied,
            Self::Invalid { .. } | Self::NotImplemented { .. } => ErrorKind::Invalid,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Internal { .. } => ErrorKind::Internal,
        }
    }

    /// The same failure, of a resource that `field` of the body named.
    #[must_use]
    pub fn named_by(self, field: &'static str) -> Self {
        match self {
            Self::NotFound { kind, id, .. } => Self::NotFound { kind, id, field: Some(field) },
            other => other,
        }
    }

    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal { source: source.into() }
    }

    pub(crate) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: source.into() }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { kind, id } => Self::NotFound { kind, id, field: None },
            StoreError::Changed { kind, .. } => Self::Changed { kind },
            StoreError::Refused(refusal) => Self::Refused(refusal),
            StoreError::BadPageKey => Self::Invalid {
                field: "start",
                code: "invalid_id_format",
                why: "The page token is not valid. Begin again without it.".to_owned(),
            },
            unavailable @ StoreError::Unavailable { .. } => Self::unavailable(unavailable),
            broken @ (StoreError::PermitMismatch
            | StoreError::Damaged { .. }
            | StoreError::DatabaseDamaged { .. }
            | StoreError::UnknownSchema { .. }) => Self::internal(broken),
        }
    }
}
