//! What a handler gives back: an answer or a failure.

use axum::http::{HeaderValue, StatusCode};
use bytes::Bytes;
use serde::Serialize;
use wire::{ApiError, ErrorCode, TargetKind};

/// An answer before it has its headers.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) content_type: &'static str,
    pub(crate) etag: Option<String>,
    /// Seconds after which to try again.
    pub(crate) retry_after: Option<u32>,
    /// `Cache-Control`; without it nobody keeps the answer.
    pub(crate) cache: Option<&'static str>,
    /// The number of keys, in a header of Key Protect.
    pub(crate) key_total: Option<u64>,
    /// The accepted key of a connection that becomes a WebSocket.
    pub(crate) websocket: Option<HeaderValue>,
}

/// The content type of nearly every answer.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

impl Reply {
    /// 200 with JSON.
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self, Failure> {
        Self::json(StatusCode::OK, body)
    }

    /// 201 with JSON.
    pub(crate) fn created(body: &impl Serialize) -> Result<Self, Failure> {
        Self::json(StatusCode::CREATED, body)
    }

    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| {
            tracing::error!(%error, "an answer could not be written as JSON");
            internal()
        })?;
        Ok(Self { status, body: body.into(), ..Self::empty() })
    }

    /// 200 with JSON that is the same for everyone.
    pub(crate) fn cacheable(body: Bytes, cache: &'static str) -> Self {
        Self { status: StatusCode::OK, body, cache: Some(cache), ..Self::empty() }
    }

    /// 204.
    pub(crate) fn empty() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: Bytes::new(),
            content_type: JSON,
            etag: None,
            retry_after: None,
            cache: None,
            key_total: None,
            websocket: None,
        }
    }

    /// Plain text.
    pub(crate) fn text(text: String) -> Self {
        Self {
            status: StatusCode::OK,
            body: text.into(),
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            ..Self::empty()
        }
    }

    pub(crate) fn with_etag(self, etag: String) -> Self {
        Self { etag: Some(etag), ..self }
    }
}

/// A failure on its way out.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ApiError,
    /// Seconds after which to try again.
    pub(crate) retry_after: Option<u32>,
}

impl Failure {
    /// The caller asks too often.
    pub(crate) fn too_many(retry_after: u32) -> Self {
        let message = "Too many requests of this credential. Try again later.";
        let error = ApiError::new(ErrorCode::RateLimitExceeded, message);
        Self { error, retry_after: Some(retry_after) }
    }
}

/// What every handler returns.
pub(crate) type Answer = Result<Reply, Failure>;

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { error, retry_after: None }
    }
}

impl From<control::Error> for Failure {
    /// The one mapping of failures of use cases. What went wrong inside goes to the log only.
    fn from(error: control::Error) -> Self {
        use control::Error;
        Self::from(match error {
            Error::Refused(refusal) => wire::error::refusal(&refusal),
            Error::NotFound { kind, id, field } => wire::error::not_found(kind, &id, field),
            Error::Denied(denied) => {
                ApiError::new(ErrorCode::NotAuthorized, format!("The {denied}."))
            }
            Error::Invalid { field, code, why } => {
                let code = ErrorCode::parse(code).unwrap_or(ErrorCode::ValidationFailure);
                let kind = if field == "start" { TargetKind::Parameter } else { TargetKind::Field };
                ApiError::new(code, why).at(kind, field)
            }
            Error::Changed { kind } => ApiError::new(
                ErrorCode::Conflict,
                format!("The {kind} was changed by another request. Read it again."),
            ),
            Error::NotImplemented { what } => ApiError::not_implemented(what),
            Error::Unavailable { source } => {
                tracing::error!(
                    cause = base::error_chain(&*source),
                    "something the region needs is away"
                );
                ApiError::new(
                    ErrorCode::BackendServiceUnavailable,
                    "Something the region needs is not available now. Try again.",
                )
            }
            Error::Internal { source } => {
                tracing::error!(cause = base::error_chain(&*source), "internal error");
                internal()
            }
        })
    }
}

/// The answer to a fault of ours.
pub(crate) fn internal() -> ApiError {
    ApiError::new(
        ErrorCode::InternalError,
        "An internal error occurred. The trace id finds it in the region's log.",
    )
}
