//! Errors as IBM's VPC API shows them: one table of codes, one shape.
//!
//! Next to read: `codes` for the table, `refusal` for the rules of the region.

mod codes;
mod key_protect;
mod refusal;

pub use codes::{ErrorCode, Origin};
pub use refusal::{not_found, refusal};

use serde::Serialize;

/// What a part of the request is, in `target.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// A field of the body.
    Field,
    /// A parameter of the query or the path.
    Parameter,
    /// A header.
    Header,
}

/// The part of the request that an error is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Dotted path, such as `boot_volume_attachment.volume.profile`.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: TargetKind,
}

/// A failure as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", .code.as_str())]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Row of the table.
    pub code: ErrorCode,
    /// A sentence for users.
    pub message: String,
    /// What it is about.
    pub target: Option<Target>,
    /// Where to read more.
    pub more_info: Option<String>,
}

impl ApiError {
    /// An error about the request as a whole.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status: code.status(), code, message: message.into(), target: None, more_info: None }
    }

    /// An error about the field at this dotted path.
    #[must_use]
    pub fn field(code: ErrorCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(code, message).at(TargetKind::Field, path)
    }

    /// An error about a parameter of the query or the path.
    #[must_use]
    pub fn parameter(code: ErrorCode, name: &str, message: impl Into<String>) -> Self {
        Self::new(code, message).at(TargetKind::Parameter, name)
    }

    /// An error about a header.
    #[must_use]
    pub fn header(code: ErrorCode, name: &str, message: impl Into<String>) -> Self {
        Self::new(code, message).at(TargetKind::Header, name)
    }

    /// The same error, about this part of the request.
    #[must_use]
    pub fn at(mut self, kind: TargetKind, name: impl Into<String>) -> Self {
        self.target = Some(Target { name: name.into(), kind });
        self
    }

    /// The same error with another HTTP status: a code that IBM uses with two.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Something that IBM's API has and this region does not serve; `what` begins a sentence.
    #[must_use]
    pub fn not_implemented(what: &str) -> Self {
        Self::new(ErrorCode::NotImplemented, format!("{what} is not served by this region yet."))
    }

    /// The body of the answer as a service spells it.
    #[must_use]
    pub fn body_as<'a>(&'a self, dialect: Dialect, trace: &'a str) -> AnyErrorBody<'a> {
        let body = self.body(trace);
        match dialect {
            Dialect::Vpc => AnyErrorBody::Vpc(body),
            Dialect::Platform => AnyErrorBody::Platform { body, status_code: self.status },
            Dialect::ResourceController => AnyErrorBody::ResourceController {
                error_code: self.code.as_str(),
                message: &self.message,
                status_code: self.status,
                transaction_id: trace,
            },
            Dialect::KeyProtect => AnyErrorBody::KeyProtect(key_protect::body(self)),
            Dialect::Identity => AnyErrorBody::Identity {
                context: Context { transaction_id: trace },
                status_code: self.status,
                errors: [IdentityErrorItem {
                    code: self.code.as_str(),
                    message_code: message_code(self.code),
                    message: &self.message,
                }],
                trace,
            },
        }
    }

    /// The HTTP status of the answer as a service has it: Key Protect has one of its own for
    /// whoever may not.
    #[must_use]
    pub fn status_as(&self, dialect: Dialect) -> u16 {
        match (dialect, self.code) {
            (Dialect::KeyProtect, ErrorCode::NotAuthorized) => 401,
            _ => self.status,
        }
    }

    /// The body of the answer.
    #[must_use]
    pub fn body<'a>(&'a self, trace: &'a str) -> ErrorBody<'a> {
        let error = ErrorItem {
            code: self.code.as_str(),
            message: &self.message,
            more_info: self.more_info.as_deref(),
            target: self.target.as_ref(),
        };
        ErrorBody { errors: [error], trace }
    }
}

/// How a service of IBM's spells its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The VPC API, and whatever is unknown: `errors`, `trace`.
    Vpc,
    /// Resource manager, tagging, search, access management: the same with `status_code`.
    Platform,
    /// Resource controller: flat, with `error_code` and `transaction_id`.
    ResourceController,
    /// IAM's identity service: `errors` with a `message_code` each, and a context.
    Identity,
    /// Key Protect: `resources` with their `reasons`.
    KeyProtect,
}

/// IBM's number of a failure of the identity service, where a source gives it; else ours, which
/// has the status in it.
const fn message_code(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::TokenMissing => "BXNIM0308E",
        ErrorCode::TokenInvalid => "BXNIM0407E",
        _ => match code.status() {
            403 => "BXNIM0403E",
            404 => "BXNIM0404E",
            409 | 412 => "BXNIM0409E",
            429 => "BXNIM0429E",
            500..=599 => "BXNIM0500E",
            _ => "BXNIM0109E",
        },
    }
}

impl Dialect {
    /// That of the service which a path belongs to.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        let controller = ["/v2/resource_instances", "/v2/resource_keys", "/v1/reclamations"];
        let platform = [
            "/v2/resource_groups",
            "/v2/quota_definitions",
            "/v2/accounts",
            "/v3/",
            "/v1/policies",
            "/v2/policies",
            "/v2/roles",
            "/v2/groups",
        ];
        let identity = ["/v1/apikeys", "/v1/serviceids", "/v1/profiles"];
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
        if path.starts_with(model::KEY_PROTECT_ENDPOINT) {
            Self::KeyProtect
        } else if begins(&controller) {
            Self::ResourceController
        } else if begins(&identity) {
            Self::Identity
        } else if begins(&platform) {
            Self::Platform
        } else {
            Self::Vpc
        }
    }
}

/// The body of an error in any dialect.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum AnyErrorBody<'a> {
    /// [`Dialect::Vpc`].
    Vpc(ErrorBody<'a>),
    /// [`Dialect::Platform`].
    Platform {
        /// As the VPC API has it.
        #[serde(flatten)]
        body: ErrorBody<'a>,
        /// HTTP status.
        status_code: u16,
    },
    /// [`Dialect::ResourceController`].
    ResourceController {
        /// The code.
        error_code: &'static str,
        /// A sentence for users.
        message: &'a str,
        /// HTTP status.
        status_code: u16,
        /// The request's id.
        transaction_id: &'a str,
    },
    /// [`Dialect::KeyProtect`].
    KeyProtect(key_protect::Body<'a>),
    /// [`Dialect::Identity`].
    Identity {
        /// The request.
        context: Context<'a>,
        /// HTTP status.
        status_code: u16,
        /// One.
        errors: [IdentityErrorItem<'a>; 1],
        /// The request's id.
        trace: &'a str,
    },
}

/// The request, as the identity service names it.
#[derive(Debug, Serialize)]
pub struct Context<'a> {
    transaction_id: &'a str,
}

/// An error of the identity service.
#[derive(Debug, Serialize)]
pub struct IdentityErrorItem<'a> {
    code: &'static str,
    message_code: &'static str,
    message: &'a str,
}

/// `{"errors": [one], "trace"}`. Never empty: clients read element 0 unchecked.
#[derive(Debug, Serialize)]
pub struct ErrorBody<'a> {
    errors: [ErrorItem<'a>; 1],
    trace: &'a str,
}

#[derive(Debug, Serialize)]
struct ErrorItem<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    more_info: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a Target>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_ibms_shape() {
        let error = ApiError::field(ErrorCode::ValidationEnum, "type", "Wrong.");
        assert_eq!(
            serde_json::to_string(&error.body("t-1")).unwrap(),
            r#"{"errors":[{"code":"validation_enum","message":"Wrong.","target":{"name":"type","type":"field"}}],"trace":"t-1"}"#
        );
    }

    #[test]
    fn each_service_spells_errors_its_own_way() {
        let error = ApiError::new(ErrorCode::NotFound, "No.");
        let text =
            |path| serde_json::to_string(&error.body_as(Dialect::of_path(path), "t")).unwrap();
        let errors = r#""errors":[{"code":"not_found","message":"No."}],"trace":"t""#;
        assert_eq!(text("/v1/images"), format!("{{{errors}}}"));
        for path in ["/v3/tags", "/v3/resources/search", "/v2/resource_groups/x"] {
            assert_eq!(text(path), format!("{{{errors},\"status_code\":404}}"));
        }
        assert_eq!(
            text("/v1/apikeys/x"),
            r#"{"context":{"transaction_id":"t"},"status_code":404,"errors":[{"code":"not_found","message_code":"BXNIM0404E","message":"No."}],"trace":"t"}"#
        );
        assert_eq!(
            text("/v2/resource_instances/x"),
            r#"{"error_code":"not_found","message":"No.","status_code":404,"transaction_id":"t"}"#
        );
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let error = ApiError::new(ErrorCode::InvalidRoute, "No.");
        assert_eq!(error.status, 404);
        assert_eq!(
            serde_json::to_string(&error.body("t")).unwrap(),
            r#"{"errors":[{"code":"invalid_route","message":"No."}],"trace":"t"}"#
        );
    }
}
