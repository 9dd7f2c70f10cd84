//! Tokens: by API key or refresh token, and what they say of their owner.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use hyper::{HeaderMap, Method, header, header::HeaderValue};
use serde::Deserialize;

use super::Secret;
use crate::{
    failure::{Failure, Outcome, Refusal},
    net::{Address, Ask, Http},
    request::form,
};

/// A token with less time is renewed before it is used, in seconds.
pub(crate) const RENEW_EARLY_SECONDS: i64 = 60;
/// The client credentials of IBM's own program, which get a refresh token: `bx:bx`.
const CLIENT: &str = "Basic Yng6Yng=";

/// By what a token is asked for.
pub(crate) enum Grant<'a> {
    ApiKey(&'a str),
    Refresh(&'a str),
    /// An identity token of a compute resource, for a trusted profile.
    ComputeToken(&'a str, &'a str),
}

/// What comes back.
#[derive(Deserialize)]
pub(crate) struct Granted {
    pub access_token: Secret,
    #[serde(default)]
    pub refresh_token: Secret,
    #[serde(default)]
    pub expiration: i64,
}

/// What a token says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Claims {
    pub iam_id: String,
    pub sub: String,
    pub email: Option<String>,
    pub account: AccountClaim,
    pub exp: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AccountClaim {
    pub bss: String,
}

/// Asks for a token.
///
/// # Errors
/// When it is refused.
pub(crate) fn request(http: &Http, iam: &Address, grant: &Grant<'_>) -> Outcome<Granted> {
    let form = match grant {
        Grant::ApiKey(key) => form([
            ("grant_type", "urn:ibm:params:oauth:grant-type:apikey"),
            ("apikey", *key),
            ("response_type", "cloud_iam"),
        ]),
        Grant::Refresh(token) => form([("grant_type", "refresh_token"), ("refresh_token", *token)]),
        Grant::ComputeToken(token, profile) => form([
            ("grant_type", "urn:ibm:params:oauth:grant-type:cr-token"),
            ("cr_token", *token),
            ("profile_id", *profile),
        ]),
    };
    let mut headers = HeaderMap::new();
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, form_type);
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static(CLIENT));
    let ask = Ask {
        method: Method::POST,
        address: iam.clone(),
        path: "/identity/token".to_owned(),
        headers,
        body: Bytes::from(form),
    };
    let answer = http.ask(&ask)?;
    if answer.status != 200 {
        return Err(Failure::Api(Box::new(Refusal::read(answer.status, None, &answer.body))));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|_| Failure::plain(format!("{iam} answered no token: is it a region?")))
}

/// What a token says of its owner. Not checked: the region does that.
pub(crate) fn claims(token: &str) -> Claims {
    let part = token.split('.').nth(1).unwrap_or_default();
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&json).unwrap_or_default()
}

/// By what a key is known again without being kept.
pub(crate) fn digest(key: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(digest.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_and_what_is_no_token_has_none() {
        let body = BASE64_URL_SAFE_NO_PAD
            .encode(br#"{"iam_id":"IBMid-1","sub":"me@x","account":{"bss":"acc"},"exp":9}"#);
        let read = claims(&format!("h.{body}.s"));
        assert_eq!((read.account.bss.as_str(), read.exp), ("acc", 9));
        assert_eq!(claims("nonsense").account.bss, "");
        assert_ne!(digest("a"), digest("b"));
    }
}
