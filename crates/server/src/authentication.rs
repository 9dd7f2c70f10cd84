//! Who asks: the bearer token of a request.

use axum::http::{HeaderMap, header};
use control::{Control, IdentityError, RequestContext};
use wire::{ApiError, ErrorCode};

use crate::serve::Peer;

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Longest user agent that goes into an event, in bytes.
const AGENT_BYTES_MAX: usize = 256;

/// The context of a request whose token is good; `api_version` is still to be set.
pub(crate) async fn authenticate(
    control: &Control,
    headers: &HeaderMap,
    peer: Option<Peer>,
    request_id: &str,
) -> Result<RequestContext, ApiError> {
    let token = bearer(headers)?;
    let who = control.authenticate(token).await.map_err(|error| match error {
        IdentityError::TokenExpired => invalid("The token is expired. Ask for a new one."),
        IdentityError::Unavailable { .. } => {
            tracing::error!(%error, "sign-in is away");
            ApiError::new(ErrorCode::IamFailure, "Sign-in is not available now. Try again.")
        }
        IdentityError::ApiKeyNotFound
        | IdentityError::ApiKeyRefused { .. }
        | IdentityError::SessionEnded
        | IdentityError::ProfileRefused
        | IdentityError::TokenInvalid
        | IdentityError::RefreshInvalid => invalid("The token is not valid here."),
    })?;
    let mut initiator = who.initiator;
    initiator.address = peer.map(|peer| peer.0.ip().to_string()).unwrap_or_default();
    initiator.agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .map(|agent| agent.chars().take(AGENT_BYTES_MAX).collect())
        .unwrap_or_default();
    Ok(RequestContext {
        caller: who.caller,
        initiator,
        request_id: request_id.to_owned(),
        api_version: String::new(),
    })
}

fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let missing = || {
        ApiError::header(
            ErrorCode::TokenMissing,
            "Authorization",
            "An IAM token is required, as `Authorization: Bearer TOKEN`.",
        )
    };
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let value = value.to_str().map_err(|_| invalid("The token is not valid here."))?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(missing());
    }
    if token.len() > TOKEN_BYTES_MAX {
        return Err(invalid("The token is not valid here."));
    }
    Ok(token)
}

fn invalid(message: &str) -> ApiError {
    ApiError::header(ErrorCode::TokenInvalid, "Authorization", message)
}
