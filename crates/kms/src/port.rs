//! The port to where root keys are.

use async_trait::async_trait;
use base::{Crn, Timestamp};
use zeroize::Zeroizing;

use crate::{CustomerKeys, DataKey, KeyRef, KmsError, WrappedKey};

/// Longest secret that [`KeyStore::seal_secret`] takes, in bytes; an RSA-4096 key is 2.4 KiB.
pub const SECRET_LEN_MAX: usize = 16 * 1024;

/// Versions of one root key that are kept at the same time; older ones must be retired first.
pub const KEY_VERSIONS_MAX: usize = 32;

/// One version of a root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyVersion {
    /// Its number; 1 is the first.
    pub version: u32,
    /// Wall time at which it became the current one; none when that was not kept.
    pub since: Option<Timestamp>,
}

/// The versions of a root key that still open what they wrapped, oldest first. The last one wraps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyVersions(pub Vec<KeyVersion>);

impl KeyVersions {
    /// The version that wraps; none while the key was never used.
    #[must_use]
    pub fn current(&self) -> Option<KeyVersion> {
        self.0.last().copied()
    }
}

/// Where root keys are kept and used. They never come out.
#[async_trait]
pub trait KeyStore: CustomerKeys {
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

    /// The versions of a root key; none while it was never used.
    ///
    /// # Errors
    /// When the key store cannot be read.
    async fn versions(&self, key: &KeyRef) -> Result<KeyVersions, KmsError>;

    /// Makes a new version of a provider root key, if `from` is its current one, else changes nothing: a
    /// repeat is harmless. Older versions go on opening what they wrapped. Gives the versions.
    ///
    /// # Errors
    /// When there is no such root key, it has [`KEY_VERSIONS_MAX`] versions, or it cannot be
    /// written.
    async fn rotate(
        &self,
        key: &KeyRef,
        from: u32,
        now: Timestamp,
    ) -> Result<KeyVersions, KmsError>;

    /// Destroys the versions of a root key below `below`, never the current one: what they
    /// wrapped and nobody wrapped anew opens no more. Gives the versions that are left.
    ///
    /// # Errors
    /// When there is no such root key, or it cannot be written.
    async fn retire(&self, key: &KeyRef, below: u32) -> Result<KeyVersions, KmsError>;

    /// Destroys a root key with all its versions: what they wrapped opens no more. Harmless to
    /// repeat.
    ///
    /// # Errors
    /// When it cannot be erased.
    async fn destroy(&self, key: &KeyRef) -> Result<(), KmsError>;

    /// The data key wrapped anew, by the current version of `to`: another version of the key that
    /// wraps it now, or another key. What the data key encrypts is not touched.
    ///
    /// # Errors
    /// As [`Self::unwrap`] and [`Self::wrap`].
    async fn rewrap(
        &self,
        subject: &Crn,
        wrapped: &WrappedKey,
        to: &KeyRef,
    ) -> Result<WrappedKey, KmsError> {
        let data_key = self.unwrap(subject, wrapped).await?;
        self.wrap(to, subject, &data_key).await
    }

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
