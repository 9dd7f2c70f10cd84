//! Sign-in: API keys, tokens and the keys that sign them.
//!
//! Refuses to know HTTP and IBM's JSON. Its invariant: a token is trusted only after its
//! signature, issuer, kind and lifetime were checked against keys of this region.
//!
//! Next to read: `token` for sign-in, `api_keys` and `principals` for what IBM's identity API
//! serves, `operator` for what stands above accounts.

mod api_keys;
mod bootstrap;
mod claims;
mod jws;
mod known;
mod operator;
mod principals;
mod profiles;
mod signer;
mod token;
mod uses;

pub use api_keys::{ApiKeyPatch, ApiKeySwitch, MadeApiKey, NewApiKey};
pub use bootstrap::Credentials;
pub use principals::{NewPrincipal, PrincipalPatch};
pub use profiles::NewPart;
pub use signer::PublicKey;
pub use token::{ACCESS_TOKEN_LIFETIME, Authenticated, ProfileNamed, TokenSet};

pub(crate) use bootstrap::{bootstrap, digest};
pub(crate) use known::Known;
pub(crate) use signer::{Signer, Signers};
pub(crate) use uses::Uses;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No account has this API key.
    #[error("Provided API key could not be found.")]
    ApiKeyNotFound,
    /// The API key is there, and does not sign in now.
    #[error("Provided API key is {why}.")]
    ApiKeyRefused {
        /// `disabled` or `expired`.
        why: &'static str,
    },
    /// The session was ended: by a sign-out, or because its refresh token was used twice.
    #[error("The session is not active any more.")]
    SessionEnded,
    /// There is no such trusted profile, or the caller is not among its identities.
    #[error("The trusted profile cannot be assumed.")]
    ProfileRefused,
    /// The token was not made here, or not for this.
    #[error("Provided token is invalid.")]
    TokenInvalid,
    /// The token's time is over.
    #[error("Provided token is expired.")]
    TokenExpired,
    /// The refresh token was not made here, or its time is over.
    #[error("Provided refresh token is invalid or expired.")]
    RefreshInvalid,
    /// Something the region needs is away.
    #[error("The region cannot sign in anyone now.")]
    Unavailable {
        /// What it was.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl IdentityError {
    fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: source.into() }
    }
}
