//! Errors as Key Protect shows them: words in capitals, each a reason of one resource.

use serde::Serialize;

use super::{ApiError, ErrorCode, Target};

/// `{"metadata", "resources": [{"errorMsg", "reasons": [one]}]}`.
#[derive(Debug, Serialize)]
pub struct Body<'a> {
    metadata: Metadata,
    resources: [Resource<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    collection_type: &'static str,
    collection_total: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    error_msg: String,
    reasons: [Reason<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reason<'a> {
    code: &'static str,
    message: &'a str,
    status: u16,
    more_info: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a Target>,
}

/// Where IBM describes the API.
const MORE_INFO: &str = "https://cloud.ibm.com/apidocs/key-protect";

/// The body of an error.
pub(super) fn body(error: &ApiError) -> Body<'_> {
    let status = error.status_as(super::Dialect::KeyProtect);
    let code = code(error);
    let reason = Reason {
        code,
        message: &error.message,
        status,
        more_info: error.more_info.as_deref().unwrap_or(MORE_INFO),
        target: error.target.as_ref(),
    };
    Body {
        metadata: Metadata {
            collection_type: "application/vnd.ibm.kms.error+json",
            collection_total: 1,
        },
        resources: [Resource {
            error_msg: format!(
                "{}: the request was not carried out: see `reasons` for more details ({code})",
                words(status)
            ),
            reasons: [reason],
        }],
    }
}

const fn words(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        404 => "Not Found",
        409 => "Conflict",
        410 => "Gone",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        501 => "Not Implemented",
        500..=599 => "Server Error",
        _ => "Bad Request",
    }
}

/// Key Protect's word for a code that other services spell otherwise.
fn code(error: &ApiError) -> &'static str {
    use ErrorCode as E;
    let text = error.code.as_str();
    if text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        return text;
    }
    match error.code {
        E::TokenMissing | E::TokenInvalid | E::NotAuthorized => "UNAUTHORIZED_ERR",
        E::NotFound => "INSTANCE_NOT_FOUND_ERR",
        E::NotImplemented | E::InvalidRoute | E::MethodNotAllowed => text,
        E::RateLimitExceeded => "RATE_LIMIT_ERR",
        E::Conflict | E::InvalidState => "CONFLICT_ERR",
        _ if error.status >= 500 => "INTERNAL_SERVER_ERR",
        _ if error.target.is_some() => "INVALID_FIELD_ERR",
        _ => "BAD_BODY_ERR",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Dialect;
    use super::*;

    #[test]
    fn whoever_may_not_is_401_here_and_403_elsewhere() {
        let error = ApiError::new(ErrorCode::NotAuthorized, "No.");
        assert_eq!(error.status_as(Dialect::KeyProtect), 401);
        assert_eq!(error.status_as(Dialect::Vpc), 403);
        let text = serde_json::to_string(&error.body_as(Dialect::of_path("/api/v2/keys"), "t"));
        assert_eq!(
            text.unwrap(),
            r#"{"metadata":{"collectionType":"application/vnd.ibm.kms.error+json","collectionTotal":1},"resources":[{"errorMsg":"Unauthorized: the request was not carried out: see `reasons` for more details (UNAUTHORIZED_ERR)","reasons":[{"code":"UNAUTHORIZED_ERR","message":"No.","status":401,"moreInfo":"https://cloud.ibm.com/apidocs/key-protect"}]}]}"#
        );
    }

    #[test]
    fn what_is_not_built_says_so_and_a_wrong_field_is_named() {
        let reason = |error: &ApiError| code(error);
        assert_eq!(reason(&ApiError::not_implemented("It")), "not_implemented");
        let field = ApiError::field(ErrorCode::InvalidValue, "payload", "No.");
        assert_eq!(reason(&field), "INVALID_FIELD_ERR");
        assert_eq!(reason(&ApiError::new(ErrorCode::BadRequest, "No.")), "BAD_BODY_ERR");
        assert_eq!(reason(&ApiError::new(ErrorCode::KeyDeleted, "No.")), "KEY_DELETED_ERR");
    }
}
