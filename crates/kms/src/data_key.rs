//! A key of 32 bytes in memory.

use std::fmt;

use base::Entropy;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A 256-bit key. Zeroed when dropped, never printed, never copied by itself.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; Self::LEN]);

impl DataKey {
    /// Its length in bytes.
    pub const LEN: usize = 32;

    /// A new random key.
    #[must_use]
    pub fn mint(entropy: &dyn Entropy) -> Self {
        let mut key = Self([0; Self::LEN]);
        entropy.fill(&mut key.0);
        key
    }

    /// A key whose bytes the caller has. The caller zeroes its own copy.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        Self(*bytes)
    }

    /// The bytes, for a cipher. They must not be stored or logged.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// From opened plaintext, when its length is right.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}
