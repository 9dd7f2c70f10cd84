//! `/v1/apikeys`, `/v1/serviceids/`, `/v1/profiles`: IAM's identity service; and the users of an
//! account, of user management.
//!
//! Lists of another account are empty, and nothing is made there.

pub(crate) mod api_keys;
mod principals;
pub(crate) mod profiles;
pub(crate) mod service_ids;
pub(crate) mod users;

use axum::http::header;
use base::PrincipalId;
use control::{ApiKeyPatch, NewApiKey, PageKey, PrincipalPatch};
use model::PrincipalKind;
use serde::Serialize;
use wire::{
    ApiError, ErrorCode, PageRequest, PageToken,
    request::{ApiKeyChange, ApiKeyPrototype, PrincipalChange},
    response,
};
use zeroize::Zeroizing;

use crate::{
    call::Call,
    reply::{Answer, Reply},
};

/// The IAM id of a service ID or a profile of the path. A malformed one names nothing.
fn principal_id(call: &Call, name: &str, kind: PrincipalKind) -> Result<PrincipalId, ApiError> {
    let text = call.param(name);
    let nothing = || wire::error::not_found(kind.as_str(), text, None);
    let iam_id = match kind {
        PrincipalKind::User => text.to_owned(),
        PrincipalKind::ServiceId | PrincipalKind::Profile => {
            format!("iam-{}", text.strip_prefix("iam-").unwrap_or(text))
        }
    };
    let id = PrincipalId::parse(&iam_id).map_err(|_| nothing())?;
    if PrincipalKind::of(&id) == kind { Ok(id) } else { Err(nothing()) }
}

/// What `If-Match` says; none for `*`. It must be there.
fn if_match(call: &Call) -> Result<Option<&str>, ApiError> {
    let value = call.headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    match value {
        Some("*") => Ok(None),
        Some(tag) => Ok(Some(tag.trim_matches('"'))),
        None => Err(ApiError::header(
            ErrorCode::BadRequest,
            "If-Match",
            "An If-Match header is required: the entity_tag, or * for whatever is there.",
        )),
    }
}

/// Whether a header says `true`.
fn says_true(call: &Call, name: &str) -> bool {
    call.headers.get(name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

fn wants(call: &Call, name: &str) -> bool {
    call.query.get(name) == Some("true")
}

fn new_key(want: ApiKeyPrototype, locked: bool, disabled: bool) -> NewApiKey {
    NewApiKey {
        name: want.name,
        description: want.description,
        value: want.value.map(Zeroizing::new),
        expires_at: want.expires_at,
        when_leaked: want.when_leaked,
        support_sessions: want.support_sessions,
        locked,
        disabled,
    }
}

fn key_patch(want: ApiKeyChange) -> ApiKeyPatch {
    ApiKeyPatch {
        name: want.name,
        description: want.description,
        expires_at: want.expires_at,
        when_leaked: want.when_leaked,
        support_sessions: want.support_sessions,
    }
}

fn principal_patch(want: PrincipalChange) -> PrincipalPatch {
    PrincipalPatch {
        name: want.name,
        description: want.description,
        email: want.email,
        instance_crns: want.instance_crns,
        locked: None,
    }
}

/// A page of the identity service.
fn page<T: Serialize>(
    call: &Call,
    path: &str,
    name: &str,
    asked: &PageRequest,
    (items, next): (&[T], Option<&PageKey>),
) -> Answer {
    let next = next.map(|key| PageToken { created_at: key.created_at, id: key.id.clone() });
    let place = (call.base_url.as_str(), path, name);
    Reply::ok(&response::identity_page(place, &call.query, asked.limit, items, next.as_ref()))
}
