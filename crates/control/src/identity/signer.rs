//! The region's token keys in memory.

use aws_lc_rs::rsa::KeyPair;
use base::{Entropy, TokenKeyId};
use kms::KeyStore;
use meta::Store;
use model::TokenKey;
use policy::{InternalActor, SystemPermit};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    IdentityError,
    jws::{self, NotOurs},
};

/// What a sealed token key is bound to.
const PURPOSE: &str = "token-signing-key";

/// A public key, as `/identity/keys` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its id.
    pub kid: String,
    /// Modulus, big-endian.
    pub n: Vec<u8>,
    /// Exponent, big-endian.
    pub e: Vec<u8>,
}

/// The pair that signs, and the public keys that are still trusted.
pub(crate) struct Signer {
    kid: String,
    pair: KeyPair,
    trusted: Vec<(String, Vec<u8>)>,
}

impl Signer {
    /// Makes a new token key, sealed by `keys`.
    pub(super) async fn key_mint(
        keys: &dyn KeyStore,
        entropy: &dyn Entropy,
        now: base::Timestamp,
    ) -> Result<TokenKey, IdentityError> {
        let (private, public_der) = jws::key_generate().map_err(IdentityError::unavailable)?;
        let sealed_private =
            keys.seal_secret(PURPOSE, &private).await.map_err(IdentityError::unavailable)?;
        let id = TokenKeyId::mint("", entropy);
        Ok(TokenKey { id, sealed_private, public_der, created_at: now })
    }

    /// Loads the keys of the region; the newest signs.
    pub(crate) async fn load(
        store: &dyn Store,
        keys: &dyn KeyStore,
    ) -> Result<Self, IdentityError> {
        let permit = SystemPermit::of(InternalActor::Identity);
        let rows = store.token_keys(permit).await.map_err(IdentityError::unavailable)?;
        let newest = rows
            .first()
            .ok_or_else(|| IdentityError::unavailable("the region has no token key"))?;
        let private = keys
            .open_secret(PURPOSE, &newest.sealed_private)
            .await
            .map_err(IdentityError::unavailable)?;
        let pair = jws::key_parse(&private).map_err(IdentityError::unavailable)?;
        let kid = newest.id.to_string();
        let trusted = rows.into_iter().map(|k| (k.id.to_string(), k.public_der)).collect();
        Ok(Self { kid, pair, trusted })
    }

    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, IdentityError> {
        jws::sign(&self.pair, &self.kid, claims).map_err(IdentityError::unavailable)
    }

    pub(super) fn verify<C: DeserializeOwned>(&self, token: &str) -> Result<C, NotOurs> {
        jws::verify(token, |kid| {
            self.trusted.iter().find(|(id, _)| id == kid).map(|(_, der)| der.clone())
        })
    }

    pub(super) fn public_keys(&self) -> Vec<PublicKey> {
        let shown = |(kid, der): &(String, Vec<u8>)| {
            let (n, e) = jws::public_components(der)?;
            Some(PublicKey { kid: kid.clone(), n, e })
        };
        self.trusted.iter().filter_map(shown).collect()
    }
}
