//! The port to the keys of customers: made or brought by them, and used at their wish.
//!
//! Root keys wrap and never come out. Standard keys are kept for their owner and given back.
//! Whether a key may be used is kept with its material, so nothing that has a reference to it can
//! go round a suspension or a deletion.

use async_trait::async_trait;
use base::Timestamp;
use zeroize::Zeroizing;

use crate::{CustomerKey, KeyVersions, KmsError};

/// Lengths of the material of a root key, in bytes.
pub const ROOT_LENGTHS: [usize; 3] = [16, 24, 32];
/// Longest material of a standard key, in bytes.
pub const STANDARD_LEN_MAX: usize = 7_500;
/// Versions of one root key. All of them go on opening what they wrapped.
pub const CUSTOMER_VERSIONS_MAX: usize = 500;

/// What a key is made of.
pub enum KeyMaterial {
    /// A root key of these bytes; of random ones when none.
    Root(Option<Zeroizing<Vec<u8>>>),
    /// A standard key of these bytes; of 32 random ones when none.
    Standard(Option<Zeroizing<Vec<u8>>>),
}

/// What may be done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Everything.
    Active,
    /// Nothing until it is enabled.
    Suspended,
    /// Nothing unless it is restored.
    Destroyed,
}

/// What was wrapped, and by which version.
pub struct Unwrapped {
    /// The version that opened it.
    pub version: u32,
    /// The bytes.
    pub plaintext: Zeroizing<Vec<u8>>,
}

/// Keys of customers.
#[async_trait]
pub trait CustomerKeys: Send + Sync {
    /// Keeps a new key.
    ///
    /// # Errors
    /// [`KmsError::KeyExists`]; when the material has no length that is taken, or cannot be kept.
    async fn customer_create(
        &self,
        key: &CustomerKey,
        material: KeyMaterial,
        now: Timestamp,
    ) -> Result<(), KmsError>;

    /// Makes a new version of a root key, of `material` or of random bytes, if `from` is the
    /// current one, else changes nothing: a repeat is harmless. Gives the versions.
    ///
    /// # Errors
    /// When there is no such root key, it has [`CUSTOMER_VERSIONS_MAX`] versions, or it cannot be
    /// written.
    async fn customer_rotate(
        &self,
        key: &CustomerKey,
        from: u32,
        material: Option<Zeroizing<Vec<u8>>>,
        now: Timestamp,
    ) -> Result<KeyVersions, KmsError>;

    /// Says what may be done with a key from now on. Harmless to repeat.
    ///
    /// # Errors
    /// When there is no such key, or it cannot be written.
    async fn customer_use(&self, key: &CustomerKey, to: KeyUse) -> Result<(), KmsError>;

    /// Wraps a few bytes by the current version of a root key. `aad` must be given again to open
    /// them. Gives the version and the bytes.
    ///
    /// # Errors
    /// When there is no such root key, or it may not be used.
    async fn customer_wrap(
        &self,
        key: &CustomerKey,
        aad: &[String],
        plaintext: &[u8],
    ) -> Result<(u32, Vec<u8>), KmsError>;

    /// Opens what [`Self::customer_wrap`] made.
    ///
    /// # Errors
    /// When there is no such root key, it may not be used, or the bytes were changed, or wrapped
    /// by another key or with another `aad`.
    async fn customer_unwrap(
        &self,
        key: &CustomerKey,
        aad: &[String],
        ciphertext: &[u8],
    ) -> Result<Unwrapped, KmsError>;

    /// The bytes of a standard key.
    ///
    /// # Errors
    /// When there is no such standard key, or it may not be used.
    async fn customer_material(&self, key: &CustomerKey) -> Result<Zeroizing<Vec<u8>>, KmsError>;
}
