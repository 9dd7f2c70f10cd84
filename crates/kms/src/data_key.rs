//! A key of 32 bytes in memory.

use std::fmt;

use base::Entropy;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{KmsError, aead};

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
    /// Seals a short secret, such as the key of a sealed root, under this key. `belongs_to` names
    /// what the secret is and whose; it must be given again to open it.
    ///
    /// # Errors
    /// [`KmsError::CannotSeal`].
    pub fn seal(
        &self,
        entropy: &dyn Entropy,
        belongs_to: &[&str],
        secret: &[u8],
    ) -> Result<Vec<u8>, KmsError> {
        aead::seal(self, entropy, &Self::binding(belongs_to), secret, SECRET)
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`KmsError::DoesNotOpen`] for another key or owner, [`KmsError::Damaged`].
    pub fn open(&self, belongs_to: &[&str], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        aead::open(self, &Self::binding(belongs_to), sealed, SECRET)
    }

    fn binding(belongs_to: &[&str]) -> Vec<u8> {
        let mut parts: Vec<&[u8]> = vec![b"ectype sealed under a data key 1"];
        parts.extend(belongs_to.iter().map(|part| part.as_bytes()));
        aead::context(&parts)
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// Names a sealed secret in errors.
const SECRET: &str = "the sealed secret";

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_only_with_its_key_and_owner() {
        let entropy = base::SeededEntropy::new(5);
        let (key, other) = (DataKey::mint(&entropy), DataKey::mint(&entropy));
        let sealed = key.seal(&entropy, &["root", "a"], b"secret").unwrap();
        assert_eq!(key.open(&["root", "a"], &sealed).unwrap().as_slice(), b"secret");
        assert!(key.open(&["root", "b"], &sealed).is_err());
        assert!(key.open(&["roota"], &sealed).is_err());
        assert!(other.open(&["root", "a"], &sealed).is_err());
        assert!(key.open(&["root", "a"], &sealed[..sealed.len() - 1]).is_err());
    }
}
