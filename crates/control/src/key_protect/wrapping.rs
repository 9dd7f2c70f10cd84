//! Wrapping and unwrapping for callers. Nothing of it is stored.

use kms::{KmsError, Unwrapped};
use model::KmsKey;
use policy::Action;
use zeroize::Zeroizing;

use super::{KmsPlace, customer_key, kms, refused, use_of};
use crate::{Control, Error, RequestContext};

/// Bytes that a root key wrapped.
pub struct KmsWrapped {
    /// The key.
    pub key: KmsKey,
    /// Which of its versions.
    pub version: u32,
    /// The wrapped bytes.
    pub ciphertext: Vec<u8>,
    /// The bytes themselves, when they were made here.
    pub plaintext: Option<Zeroizing<Vec<u8>>>,
}

/// Bytes that a root key opened.
pub struct KmsUnwrapped {
    /// The key.
    pub key: KmsKey,
    /// The version that had wrapped them.
    pub version: u32,
    /// The bytes.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The same, wrapped by the current version, when another had: its number and the bytes.
    pub rewrapped: Option<(u32, Vec<u8>)>,
}

/// Bytes of a data key that is made here.
const GENERATED_LEN: usize = 32;

impl Control {
    /// Wraps bytes, or new random ones when there are none.
    ///
    /// # Errors
    /// As [`KmsKey::check_wrap`] says; when there is none, or the caller may not.
    pub async fn kms_wrap(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        plaintext: Option<Zeroizing<Vec<u8>>>,
        aad: &[String],
    ) -> Result<KmsWrapped, Error> {
        let (key, _) = self.kms_found(ctx, at, name, Action::KmsKeyWrap).await?;
        kms(key.check_wrap(self.now()))?;
        let made = plaintext.is_none();
        let bytes = plaintext.unwrap_or_else(|| {
            let mut bytes = Zeroizing::new(vec![0; GENERATED_LEN]);
            self.entropy().fill(&mut bytes);
            bytes
        });
        let (version, ciphertext) = self.kms_wrapped(&key, aad, &bytes).await?;
        Ok(KmsWrapped { key, version, ciphertext, plaintext: made.then_some(bytes) })
    }

    /// Opens what [`Self::kms_wrap`] made.
    ///
    /// # Errors
    /// Bytes that were changed, or wrapped by another key or with another `aad`; as
    /// [`KmsKey::check_unwrap`] says; when there is none, or the caller may not.
    pub async fn kms_unwrap(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        ciphertext: &[u8],
        aad: &[String],
    ) -> Result<KmsUnwrapped, Error> {
        self.kms_opened(ctx, at, name, (ciphertext, aad), Action::KmsKeyUnwrap).await
    }

    /// Wraps by the current version what any version had wrapped.
    ///
    /// # Errors
    /// As [`Self::kms_unwrap`].
    pub async fn kms_rewrap(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        ciphertext: &[u8],
        aad: &[String],
    ) -> Result<KmsUnwrapped, Error> {
        let mut opened =
            self.kms_opened(ctx, at, name, (ciphertext, aad), Action::KmsKeyRewrap).await?;
        if opened.rewrapped.is_none() {
            let again = self.kms_wrapped(&opened.key, aad, &opened.plaintext).await?;
            opened.rewrapped = Some(again);
        }
        Ok(opened)
    }

    async fn kms_opened(
        &self,
        ctx: &RequestContext,
        at: &KmsPlace,
        name: &str,
        (ciphertext, aad): (&[u8], &[String]),
        action: Action,
    ) -> Result<KmsUnwrapped, Error> {
        let (key, _) = self.kms_found(ctx, at, name, action).await?;
        kms(key.check_unwrap(self.now()))?;
        let kept = customer_key(&key);
        let mut opened = self.parts.keys.customer_unwrap(&kept, aad, ciphertext).await;
        if matches!(opened, Err(KmsError::KeyUnusable { .. })) {
            self.kms_use(&key, use_of(key.state)).await?;
            opened = self.parts.keys.customer_unwrap(&kept, aad, ciphertext).await;
        }
        let Unwrapped { version, plaintext } = opened.map_err(refused)?;
        let rewrapped = if version < key.version {
            Some(self.kms_wrapped(&key, aad, &plaintext).await?)
        } else {
            None
        };
        Ok(KmsUnwrapped { key, version, plaintext, rewrapped })
    }

    /// A key whose row says that it may be used is made usable where a crash had left it not.
    async fn kms_wrapped(
        &self,
        key: &KmsKey,
        aad: &[String],
        bytes: &[u8],
    ) -> Result<(u32, Vec<u8>), Error> {
        let kept = customer_key(key);
        match self.parts.keys.customer_wrap(&kept, aad, bytes).await {
            Err(KmsError::KeyUnusable { .. }) => {
                self.kms_use(key, use_of(key.state)).await?;
                self.parts.keys.customer_wrap(&kept, aad, bytes).await.map_err(refused)
            }
            other => other.map_err(refused),
        }
    }
}
