//! IAM identity: token requests and answers, errors, discovery and keys. Its shapes differ from
//! the VPC API's.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::{ApiError, Query};

/// Longest form of a token request, in bytes.
pub const FORM_BYTES_MAX: usize = 65_536;

/// What every token names as its maker, whatever the region's address: Terraform looks for it.
pub const ISSUER: &str = "https://iam.cloud.ibm.com/identity";

const APIKEY_GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

const ASSUME_GRANT: &str = "urn:ibm:params:oauth:grant-type:assume";

/// What a token request asks for.
#[derive(Clone, PartialEq, Eq)]
pub enum TokenRequest {
    /// By API key.
    ApiKey(String),
    /// By refresh token.
    Refresh(String),
    /// For a trusted profile.
    Assume {
        /// An access token of whoever takes it on.
        token: String,
        /// The profile.
        profile: Profile,
    },
}

/// How a request names a trusted profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `profile_id`.
    Id(String),
    /// `profile_crn`.
    Crn(String),
    /// `profile_name`, in `account`.
    Name(String, String),
}

impl std::fmt::Debug for TokenRequest {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ApiKey(_) => "ApiKey(..)",
            Self::Refresh(_) => "Refresh(..)",
            Self::Assume { .. } => "Assume(..)",
        })
    }
}

/// Reads the form of `POST /identity/token` and `/oidc/token`.
///
/// # Errors
/// A form that cannot be read, a missing field, or a grant that is not served.
pub fn token_request(form: &str) -> Result<TokenRequest, IamError> {
    let form = Query::parse(form, FORM_BYTES_MAX).map_err(|e| IamError::of_api_error(&e))?;
    let needed =
        |name: &str| form.get(name).map(str::to_owned).ok_or_else(|| IamError::missing(name));
    let grant = needed("grant_type")?;
    if let Some(kind) = form.get("response_type").filter(|kind| *kind != "cloud_iam") {
        return Err(IamError::wrong_property("response_type", kind, "cloud_iam"));
    }
    match grant.as_str() {
        APIKEY_GRANT => needed("apikey").map(TokenRequest::ApiKey),
        "refresh_token" => needed("refresh_token").map(TokenRequest::Refresh),
        ASSUME_GRANT => {
            let token = needed("access_token")?;
            let given = ["profile_id", "profile_crn", "profile_name"];
            let profile = match given.map(|name| form.get(name).map(str::to_owned)) {
                [Some(id), None, None] => Profile::Id(id),
                [None, Some(crn), None] => Profile::Crn(crn),
                [None, None, Some(name)] => Profile::Name(name, needed("account")?),
                _ => return Err(IamError::missing("profile_id")),
            };
            Ok(TokenRequest::Assume { token, profile })
        }
        _ => Err(IamError::unknown_grant()),
    }
}

/// A token answer. Clients differ in which of the lifetimes they read: all are sent.
#[derive(Debug, Serialize)]
pub struct TokenResponse<'a> {
    /// For `Authorization: Bearer`.
    pub access_token: &'a str,
    /// For the refresh grant.
    pub refresh_token: &'a str,
    /// IBM's older user number.
    pub ims_user_id: u64,
    /// Always `Bearer`.
    pub token_type: &'a str,
    /// Seconds that the access token lives.
    pub expires_in: u64,
    /// When it ends, in seconds since 1970.
    pub expiration: i64,
    /// Always `ibm openid`.
    pub scope: &'a str,
    /// The session.
    pub session_id: &'a str,
}

/// A failure of IAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IamError {
    /// HTTP status.
    pub status: u16,
    /// Such as `BXNIM0415E`.
    pub code: &'static str,
    /// A sentence for users.
    pub message: String,
}

impl IamError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// No account has the API key.
    #[must_use]
    pub fn api_key_not_found() -> Self {
        Self::new(400, "BXNIM0415E", "Provided API key could not be found.")
    }

    /// The refresh token is not good, or its time is over.
    #[must_use]
    pub fn refresh_invalid() -> Self {
        Self::new(400, "BXNIM0408E", "Provided refresh_token is invalid or expired.")
    }

    /// The API key is there, and does not sign in. No source gives IBM's code.
    #[must_use]
    pub fn api_key_refused(why: &str) -> Self {
        Self::new(400, "BXNIM0415E", format!("Provided API key is {why}."))
    }

    /// The session was ended.
    #[must_use]
    pub fn session_ended() -> Self {
        Self::new(400, "BXNIM0439E", "The session is not active any more. Sign in again.")
    }

    /// No trusted profile that the caller may take on. No source gives IBM's code.
    #[must_use]
    pub fn profile_refused() -> Self {
        Self::new(
            400,
            "BXNIM0404E",
            "The trusted profile could not be found, or the identity may not assume it.",
        )
    }

    fn wrong_property(name: &str, value: &str, valid: &str) -> Self {
        let value: String = value.chars().take(64).collect();
        let message = format!(
            "Validation of property '{name}' with value '{value}' failed. Valid values: '{valid}'"
        );
        Self::new(400, "BXNIM0106E", message)
    }

    /// A token is not good.
    #[must_use]
    pub fn token_invalid() -> Self {
        Self::new(400, "BXNIM0407E", "Provided token is invalid.")
    }

    /// Too many failed sign-ins. No source gives IBM's code.
    #[must_use]
    pub fn too_many() -> Self {
        Self::new(429, "BXNIM0429E", "Too many failed attempts to sign in. Try again later.")
    }

    /// Whether a credential was wrong, as a guess would be.
    #[must_use]
    pub fn is_wrong_credential(&self) -> bool {
        self.status == 401
            || matches!(self.code, "BXNIM0407E" | "BXNIM0408E" | "BXNIM0415E" | "BXNIM0439E")
    }

    /// Sign-in is away.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(503, "BXNIM0503E", "Sign-in is not available now. Try again.")
    }

    /// A fault of ours.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "BXNIM0500E", "An internal error occurred.")
    }

    /// A request that cannot be read.
    #[must_use]
    pub fn of_api_error(error: &ApiError) -> Self {
        Self::new(error.status, "BXNIM0109E", error.message.clone())
    }

    /// Client credentials that are not known.
    #[must_use]
    pub fn unknown_client() -> Self {
        Self::new(401, "BXNIM0106E", "The client ID or secret is not known.")
    }

    fn missing(name: &str) -> Self {
        Self::new(400, "BXNIM0109E", format!("Property missing or empty: '{name}'."))
    }

    fn unknown_grant() -> Self {
        Self::new(
            400,
            "BXNIM0119E",
            "This region serves the grant types apikey, refresh_token and assume only.",
        )
    }

    /// The body of the answer.
    #[must_use]
    pub fn body<'a>(&'a self, request_id: &'a str, request_type: &'a str) -> IamErrorBody<'a> {
        IamErrorBody {
            context: Context { request_id, request_type },
            error_code: self.code,
            error_message: &self.message,
            error_details: &self.message,
        }
    }
}

/// IAM's error body.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IamErrorBody<'a> {
    context: Context<'a>,
    error_code: &'static str,
    error_message: &'a str,
    error_details: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    request_id: &'a str,
    request_type: &'a str,
}

/// `GET /identity/.well-known/openid-configuration`.
#[derive(Debug, Serialize)]
pub struct Discovery {
    issuer: &'static str,
    authorization_endpoint: String,
    token_endpoint: String,
    passcode_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 3],
}

/// What a client finds at `base_url`.
#[must_use]
pub fn discovery(base_url: &str) -> Discovery {
    let identity = |path: &str| format!("{base_url}/identity/{path}");
    Discovery {
        issuer: ISSUER,
        authorization_endpoint: identity("authorize"),
        token_endpoint: identity("token"),
        passcode_endpoint: identity("passcode"),
        userinfo_endpoint: identity("userinfo"),
        jwks_uri: identity("keys"),
        response_types_supported: ["token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
        grant_types_supported: [APIKEY_GRANT, ASSUME_GRANT, "refresh_token"],
    }
}

/// A public key that signs tokens. IBM's entries have no `use`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jwk {
    kty: &'static str,
    n: String,
    e: String,
    alg: &'static str,
    kid: String,
}

impl Jwk {
    /// An RSA key; modulus and exponent big-endian.
    #[must_use]
    pub fn rsa(kid: &str, modulus: &[u8], exponent: &[u8]) -> Self {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Self { kty: "RSA", n: text(modulus), e: text(exponent), alg: "RS256", kid: kid.to_owned() }
    }
}

/// `GET /identity/keys`.
#[derive(Debug, Serialize)]
pub struct Jwks {
    /// The keys, newest first.
    pub keys: Vec<Jwk>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_grants_are_read() {
        let key = "response_type=cloud_iam&apikey=a%2Bb\
            &grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey";
        assert_eq!(token_request(key), Ok(TokenRequest::ApiKey("a+b".to_owned())));
        let refresh = "grant_type=refresh_token&refresh_token=x";
        assert_eq!(token_request(refresh), Ok(TokenRequest::Refresh("x".to_owned())));
    }

    #[test]
    fn a_profile_is_named_in_one_way() {
        let read = |more: &str| {
            token_request(&format!(
                "grant_type=urn:ibm:params:oauth:grant-type:assume&access_token=t{more}"
            ))
        };
        let named = |more: &str| match read(more).unwrap() {
            TokenRequest::Assume { profile, .. } => profile,
            other => panic!("{other:?}"),
        };
        assert_eq!(named("&profile_id=Profile-1"), Profile::Id("Profile-1".to_owned()));
        assert_eq!(named("&profile_crn=c"), Profile::Crn("c".to_owned()));
        let name = named("&profile_name=n&account=a");
        assert_eq!(name, Profile::Name("n".to_owned(), "a".to_owned()));
        for bad in ["", "&profile_name=n", "&profile_id=a&profile_crn=b"] {
            assert_eq!(read(bad).unwrap_err().code, "BXNIM0109E", "{bad}");
        }
    }

    #[test]
    fn a_response_type_that_is_not_served_is_refused() {
        let form =
            |kind: &str| format!("grant_type=refresh_token&refresh_token=x&response_type={kind}");
        assert!(token_request(&form("cloud_iam")).is_ok());
        assert_eq!(token_request(&form("cloud_iam,uaa")).unwrap_err().code, "BXNIM0106E");
    }

    #[test]
    fn what_is_missing_or_unknown_is_said() {
        assert!(token_request("").unwrap_err().message.contains("grant_type"));
        let no_key = token_request("grant_type=urn:ibm:params:oauth:grant-type:apikey");
        assert!(no_key.unwrap_err().message.contains("apikey"));
        assert_eq!(token_request("grant_type=password").unwrap_err().code, "BXNIM0119E");
    }

    #[test]
    fn a_request_prints_without_its_secret() {
        assert_eq!(format!("{:?}", TokenRequest::ApiKey("secret".to_owned())), "ApiKey(..)");
    }

    #[test]
    fn the_error_body_is_iams() {
        let error = IamError::api_key_not_found();
        assert_eq!(
            serde_json::to_string(&error.body("r-1", "Token")).unwrap(),
            r#"{"context":{"requestId":"r-1","requestType":"Token"},"errorCode":"BXNIM0415E","errorMessage":"Provided API key could not be found.","errorDetails":"Provided API key could not be found."}"#
        );
    }
}
