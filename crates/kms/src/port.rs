//! The port to where root keys are.

use async_trait::async_trait;
use base::Crn;
use zeroize::Zeroizing;

use crate::{DataKey, KeyRef, KmsError, WrappedKey};

/// Longest secret that [`KeyStore::seal_secret`] takes, in bytes; an RSA-4096 key is 2.4 KiB.
pub const SECRET_LEN_MAX: usize = 16 * 1024;

/// Where root keys are kept and used. They never come out.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Wraps a data key for the resource `subject` by the current version of a root key. A
    /// provider root key is made at its first use.
    ///
    /// # Errors
    /// When the root key cannot be had.
    async fn wrap(
        &self,
        key: &KeyRef,
        subject: &Crn,
        data_key: &DataKey,
    ) -> Result<WrappedKey, KmsError>;

    /// Opens a wrapped data key of the resource `subject`.
    ///
    /// # Errors
    /// When the root key is gone, or the bytes were changed or wrapped for another resource.
    async fn unwrap(&self, subject: &Crn, wrapped: &WrappedKey) -> Result<DataKey, KmsError>;

    /// Seals a small secret of the region itself, such as a token signing key. `purpose` is
    /// bound: it opens for no other.
    ///
    /// # Errors
    /// When the secret is longer than [`SECRET_LEN_MAX`].
    async fn seal_secret(&self, purpose: &str, secret: &[u8]) -> Result<Vec<u8>, KmsError>;

    /// Opens what [`Self::seal_secret`] made for the same purpose.
    ///
    /// # Errors
    /// When the bytes were changed, or sealed for another purpose or under another master.
    async fn open_secret(
        &self,
        purpose: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KmsError>;
}
