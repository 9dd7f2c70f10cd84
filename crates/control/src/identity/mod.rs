//! Sign-in: API keys, tokens and the keys that sign them.
//!
//! Refuses to know HTTP and IBM's JSON. Its invariant: a token is trusted only after its
//! signature, issuer, kind and lifetime were checked against keys of this region.
//!
//! Next to read: `token` for the claims, `bootstrap` for the first account.

mod bootstrap;
mod jws;
mod signer;
mod token;

pub use bootstrap::Credentials;
pub use signer::PublicKey;
pub use token::{ACCESS_TOKEN_LIFETIME, Authenticated, TokenSet};

pub(crate) use bootstrap::bootstrap;
pub(crate) use signer::Signer;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No account has this API key.
    #[error("Provided API key could not be found.")]
    ApiKeyNotFound,
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
