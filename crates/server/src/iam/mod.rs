//! IAM identity: tokens, the keys that sign them, discovery. Open: whoever has an API key or a
//! refresh token gets in.

use axum::http::{HeaderMap, StatusCode, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use control::{IdentityError, ProfileNamed};
use wire::iam::{
    IamError, Jwk, Jwks, Profile, TokenRequest, TokenResponse, discovery as discovery_of,
    token_request,
};

use crate::{
    answer::OpenCall,
    rates::Asker,
    reply::{Answer, Reply},
};

/// Client credentials that IBM's own programs send.
const CLIENTS: [&str; 2] = ["bx:bx", "kube:kube"];
/// IBM's answer where there is no session: to a client without client credentials, and to whoever
/// takes on a profile.
const NO_REFRESH: &str = "not_supported";

/// `POST /identity/token` and `/oidc/token`.
pub(crate) async fn token(call: OpenCall) -> Answer {
    let asker = call.peer.map(Asker::of_peer);
    let (rates, now) = (&call.app.rates, call.app.config.clock.monotonic());
    if let Some(Err(wait)) = asker.as_ref().map(|asker| rates.sign_in(asker, now)) {
        let reply = refusal(&call, &IamError::too_many())?;
        return Ok(Reply { retry_after: Some(wait), ..reply });
    }
    match grant(&call).await {
        Ok(reply) => Ok(reply),
        Err(error) => {
            if let Some(asker) = asker.filter(|_| error.is_wrong_credential()) {
                rates.sign_in_failed(&asker, now);
            }
            refusal(&call, &error)
        }
    }
}

fn refusal(call: &OpenCall, error: &IamError) -> Answer {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    Reply::json(status, &error.body(&call.request_id, "Token.POST"))
}

async fn grant(call: &OpenCall) -> Result<Reply, IamError> {
    let known_client = client(&call.headers)?;
    let form = std::str::from_utf8(&call.body).unwrap_or_default();
    let control = &call.app.control;
    let granted = match token_request(form)? {
        TokenRequest::ApiKey(key) if known_client => control.login_by_api_key(&key).await,
        TokenRequest::ApiKey(key) => control.token_by_api_key(&key).await,
        TokenRequest::Refresh(token) => control.token_by_refresh(&token).await,
        TokenRequest::Assume { token, profile } => {
            let named = match profile {
                Profile::Id(id) => ProfileNamed::Id(id),
                Profile::Crn(crn) => ProfileNamed::Crn(crn),
                Profile::Name(name, account) => ProfileNamed::Name { name, account },
            };
            control.token_by_assume(&token, &named).await
        }
    };
    let tokens = granted.map_err(|error| match error {
        IdentityError::ApiKeyNotFound => IamError::api_key_not_found(),
        IdentityError::ApiKeyRefused { why } => IamError::api_key_refused(why),
        IdentityError::SessionEnded => IamError::session_ended(),
        IdentityError::ProfileRefused => IamError::profile_refused(),
        IdentityError::TokenInvalid | IdentityError::TokenExpired => IamError::token_invalid(),
        IdentityError::RefreshInvalid => IamError::refresh_invalid(),
        IdentityError::Unavailable { .. } => {
            tracing::error!(%error, "sign-in is away");
            IamError::unavailable()
        }
    })?;
    let body = TokenResponse {
        access_token: &tokens.access_token,
        refresh_token: tokens.refresh_token.as_deref().unwrap_or(NO_REFRESH),
        ims_user_id: tokens.ims_user_id,
        token_type: tokens.token_type,
        expires_in: tokens.expires_in,
        expiration: tokens.expiration,
        scope: tokens.scope,
        session_id: &tokens.session_id,
    };
    Reply::ok(&body).map_err(|_| IamError::internal())
}

/// True with known client credentials, false without any.
fn client(headers: &HeaderMap) -> Result<bool, IamError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(false) };
    let value = value.to_str().unwrap_or_default();
    let Some((scheme, encoded)) = value.split_once(' ') else {
        return Err(IamError::unknown_client());
    };
    let decoded = BASE64_STANDARD.decode(encoded.trim()).unwrap_or_default();
    let known = CLIENTS.iter().any(|client| client.as_bytes() == decoded);
    if scheme.eq_ignore_ascii_case("basic") && known {
        Ok(true)
    } else {
        Err(IamError::unknown_client())
    }
}

/// `GET /identity/keys`.
pub(crate) async fn keys(call: OpenCall) -> Answer {
    let keys = call.app.control.token_public_keys();
    let keys = keys.iter().map(|key| Jwk::rsa(&key.kid, &key.n, &key.e)).collect();
    Reply::ok(&Jwks { keys })
}

/// `GET /identity/.well-known/openid-configuration`.
pub(crate) async fn discovery(call: OpenCall) -> Answer {
    Reply::ok(&discovery_of(&call.base_url))
}
