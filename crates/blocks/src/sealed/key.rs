//! Keys of records, and the only place that encrypts or decrypts sealed data.
//!
//! It refuses to know what is inside. Its invariant (19): a [`SealKey`] is made from fresh
//! randomness, seals one message and is gone, so the constant nonce is never used twice with
//! one key. The one exception makes no second message: [`RecordKey::seal_same`] gives a
//! ciphertext only when it is, by its id, the one that the key has sealed before.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base::Entropy;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::id::RecordId;

/// Length of every key here, in bytes.
pub(super) const KEY_BYTES: usize = 32;

/// Length of the authentication tag, in bytes.
pub(super) const TAG_BYTES: usize = 16;

/// The secret that opens a sealed tree. Whoever holds it reads the whole image.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RootKey([u8; KEY_BYTES]);

impl RootKey {
    /// From stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret itself, to be wrapped. Never log it.
    #[must_use]
    pub const fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(super) fn record_key(&self) -> RecordKey {
        RecordKey(self.0)
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey(secret)")
    }
}

/// The key of one stored record; kept in its parent node.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(super) struct RecordKey([u8; KEY_BYTES]);

impl std::fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecordKey(secret)")
    }
}

impl RecordKey {
    pub(super) const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    pub(super) const fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(super) fn into_root(self) -> RootKey {
        RootKey(self.0)
    }

    /// Decrypts in place; `None` when key, associated data or bytes do not fit together.
    pub(super) fn open<'a>(&self, aad: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        cipher(&self.0)?.open_in_place(nonce(), Aad::from(aad), sealed).ok()
    }
}

impl RecordKey {
    /// Encrypts `body` again and gives it, tag appended, only if that is the stored record `id`.
    /// Any other ciphertext would be a second message under one key and nonce: it is wiped here
    /// and seen by nobody.
    pub(super) fn seal_same(&self, aad: &[u8], mut body: Vec<u8>, id: RecordId) -> Option<Vec<u8>> {
        let sealed = cipher(&self.0).and_then(|cipher| {
            let tag = cipher.seal_in_place_separate_tag(nonce(), Aad::from(aad), &mut body).ok()?;
            body.extend_from_slice(tag.as_ref());
            Some(())
        });
        if sealed.is_some() && RecordId::of(&body) == id {
            return Some(body);
        }
        body.zeroize();
        None
    }
}

/// A fresh key that seals exactly one message.
pub(super) struct SealKey(RecordKey);

impl SealKey {
    /// Draws a key.
    pub(super) fn fresh(entropy: &dyn Entropy) -> Self {
        let mut key = RecordKey([0; KEY_BYTES]);
        entropy.fill(&mut key.0);
        Self(key)
    }

    /// Encrypts `body` from `from` on in place and appends the tag; gives the key for the parent.
    pub(super) fn seal(self, aad: &[u8], body: &mut Vec<u8>, from: usize) -> RecordKey {
        // INVARIANT: the key has the cipher's length, and records are far below its limit, so
        // neither call can fail.
        let cipher = cipher(&self.0.0).expect("a 32-byte key fits AES-256");
        let tag = cipher
            .seal_in_place_separate_tag(nonce(), Aad::from(aad), &mut body[from..])
            .expect("a record is below the cipher's message limit");
        body.extend_from_slice(tag.as_ref());
        self.0
    }
}

fn cipher(key: &[u8; KEY_BYTES]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

/// The constant nonce; see the module's invariant.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_its_key_and_associated_data() {
        let entropy = SeededEntropy::new(1);
        let mut body = b"clear secret".to_vec();
        let key = SealKey::fresh(&entropy).seal(b"aad", &mut body, 6);
        assert_eq!(&body[..6], b"clear ");
        assert_eq!(key.open(b"aad", &mut body[6..].to_vec()).unwrap(), b"secret");
        assert!(key.open(b"aae", &mut body[6..].to_vec()).is_none());
        let other = RecordKey::from_bytes([7; 32]);
        assert!(other.open(b"aad", &mut body[6..].to_vec()).is_none());
    }

    /// Invariant 19: a key seals again what it sealed, and nothing else.
    #[test]
    fn a_key_seals_the_same_message_again_and_no_other() {
        let mut body = b"message".to_vec();
        let key = SealKey::fresh(&SeededEntropy::new(2)).seal(b"aad", &mut body, 0);
        let id = RecordId::of(&body);
        assert_eq!(key.seal_same(b"aad", b"message".to_vec(), id), Some(body));
        assert_eq!(key.seal_same(b"aad", b"massage".to_vec(), id), None);
        assert_eq!(key.seal_same(b"aae", b"message".to_vec(), id), None);
        assert_eq!(RecordKey::from_bytes([7; 32]).seal_same(b"aad", b"message".to_vec(), id), None);
    }

    /// Invariant 20: a key does not leak through debug output.
    #[test]
    fn debug_output_of_a_key_shows_nothing() {
        assert_eq!(format!("{:?}", RootKey::from_bytes([7; 32])), "RootKey(secret)");
        assert_eq!(format!("{:?}", RecordKey::from_bytes([7; 32])), "RecordKey(secret)");
    }
}
