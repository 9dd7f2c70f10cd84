//! The region's token keys in memory.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use aws_lc_rs::rsa::KeyPair;
use base::{Entropy, Timestamp, TokenKeyId};
use kms::KeyStore;
use meta::Store;
use model::TokenKey;
use policy::{InternalActor, SystemPermit};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    IdentityError,
    jws::{self, NotOurs},
    token::{ACCESS_TOKEN_LIFETIME, REFRESH_TOKEN_LIFETIME},
};
use crate::Control;

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
    /// Wall time.
    made_at: Timestamp,
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

    /// Loads the keys of the region; the newest signs, and those before it are trusted as long
    /// as what they signed may live at `now`, in wall time.
    pub(crate) async fn load(
        store: &dyn Store,
        keys: &dyn KeyStore,
        now: Timestamp,
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
        let (kid, made_at) = (newest.id.to_string(), newest.created_at);
        let mut trusted = Vec::with_capacity(rows.len());
        let mut followed_at = None;
        for key in rows {
            let over = |at: Timestamp| now.since(at) > TRUSTED_AFTER;
            if followed_at.is_some_and(over) {
                break;
            }
            followed_at = Some(key.created_at);
            trusted.push((key.id.to_string(), key.public_der));
        }
        Ok(Self { kid, pair, made_at, trusted })
    }

    fn knows(&self, kid: &str) -> bool {
        self.trusted.iter().any(|(id, _)| id == kid)
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

/// Least time between two readings of the keys because of a token with an unknown one.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// A key that is older than this makes way for a new one.
const KEY_LIFETIME: Duration = Duration::from_secs(90 * 86_400);
/// How long the key before is trusted: until the last token that it signed is over.
const TRUSTED_AFTER: Duration =
    Duration::from_secs(REFRESH_TOKEN_LIFETIME.as_secs() + ACCESS_TOKEN_LIFETIME.as_secs());

/// The signer of now, and when it was read.
pub(crate) struct Signers {
    now: RwLock<(Arc<Signer>, Duration)>,
}

impl Signers {
    pub(crate) fn new(signer: Signer) -> Self {
        Self { now: RwLock::new((Arc::new(signer), Duration::ZERO)) }
    }

    fn get(&self) -> (Arc<Signer>, Duration) {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, signer: Signer, at: Duration) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(signer), at);
    }
}

impl Control {
    pub(super) fn signer(&self) -> Arc<Signer> {
        self.signers.get().0
    }

    /// Reads the keys again if `token` names one that is not known, at most now and then.
    pub(super) async fn signer_read_again(&self, token: &str) -> Result<(), IdentityError> {
        let (signer, read_at) = self.signers.get();
        let now = self.parts.clock.monotonic();
        let known = jws::key_id(token).is_none_or(|kid| signer.knows(&kid));
        if known || now.saturating_sub(read_at) < READ_AGAIN_AFTER {
            return Ok(());
        }
        self.signer_read().await
    }

    async fn signer_read(&self) -> Result<(), IdentityError> {
        let wall = self.parts.clock.wall();
        let signer = Signer::load(self.store(), &*self.parts.keys, wall).await?;
        self.signers.put(signer, self.parts.clock.monotonic());
        Ok(())
    }

    /// Makes a new key that signs tokens from now on; tokens of the one before stay good until
    /// their time is over. Returns the new one's id.
    ///
    /// # Errors
    /// When keys or store are away.
    pub async fn token_key_rotate(&self) -> Result<String, IdentityError> {
        let wall = self.parts.clock.wall();
        let key = Signer::key_mint(&*self.parts.keys, self.entropy(), wall).await?;
        let kid = key.id.to_string();
        self.store()
            .token_key_add(SystemPermit::of(InternalActor::Identity), key)
            .await
            .map_err(IdentityError::unavailable)?;
        self.signer_read().await?;
        Ok(kid)
    }

    /// What identity does by itself, now and then: writes uses of keys, and makes a new token key
    /// when the newest is old.
    ///
    /// # Errors
    /// When keys or store are away.
    pub async fn identity_due(&self) -> Result<(), IdentityError> {
        self.key_uses_write().await.map_err(IdentityError::unavailable)?;
        let made_at = self.signer().made_at;
        if self.parts.clock.wall().since(made_at) >= KEY_LIFETIME {
            let kid = self.token_key_rotate().await?;
            tracing::info!(kid, "a new key signs tokens");
        }
        Ok(())
    }
}
