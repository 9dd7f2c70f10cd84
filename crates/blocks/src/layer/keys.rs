//! The keys of a write layer: the volume's data key and the layer key derived from it.
//!
//! It refuses to know who wraps the data key. Its invariant: key bytes are zeroed when dropped
//! and never printed.
//!
//! Next to read: `xts`.

use aws_lc_rs::hkdf;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::Error;

/// Bytes of a volume's data key.
pub const VOLUME_KEY_BYTES: usize = 32;

/// Bytes of an AES-256-XTS key: two AES-256 keys.
pub(super) const LAYER_KEY_BYTES: usize = 64;

/// Bytes of a key's check.
pub(super) const KEY_CHECK_BYTES: usize = 32;

/// Salts of the derivations; a change of one is a change of the format.
const DERIVE_SALT: &[u8] = b"ectype write layer key, format 1";
const CHECK_SALT: &[u8] = b"ectype write layer key check, format 1";

/// The data key of one volume, unwrapped. Zeroed when dropped, never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct VolumeKey([u8; VOLUME_KEY_BYTES]);

impl VolumeKey {
    /// Takes the key's bytes; the caller zeroes its own copy.
    #[must_use]
    pub const fn new(bytes: [u8; VOLUME_KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Takes the key from a slice.
    ///
    /// # Errors
    /// `Invalid` when it is not [`VOLUME_KEY_BYTES`] long.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Error> {
        let key = bytes.try_into().map_err(|_| Error::Invalid {
            what: format!("a volume key of {} bytes, not {VOLUME_KEY_BYTES}", bytes.len()),
        })?;
        Ok(Self(key))
    }

    /// The AES-256-XTS key of one generation of this volume's layer.
    pub(super) fn layer_key(&self, generation: u64) -> Result<LayerKey, Error> {
        let mut key = Zeroizing::new([0_u8; LAYER_KEY_BYTES]);
        self.derive(DERIVE_SALT, &generation.to_le_bytes(), key.as_mut_slice())?;
        Ok(LayerKey(key))
    }

    /// What tells this key from every other, and nothing of it: kept in the layer's header.
    pub(super) fn check(&self) -> Result<[u8; KEY_CHECK_BYTES], Error> {
        let mut check = [0; KEY_CHECK_BYTES];
        self.derive(CHECK_SALT, &[], &mut check)?;
        Ok(check)
    }

    fn derive(&self, salt: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), Error> {
        struct Length(usize);
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                self.0
            }
        }
        let refused = |_| Error::Invalid { what: "the layer key cannot be derived".to_owned() };
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&self.0);
        let parts = [info];
        let okm = secret.expand(&parts, Length(out.len())).map_err(refused)?;
        okm.fill(out).map_err(refused)
    }
}

impl std::fmt::Debug for VolumeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VolumeKey(..)")
    }
}

/// The key of one generation's data file.
pub(super) struct LayerKey(pub(super) Zeroizing<[u8; LAYER_KEY_BYTES]>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_generation_and_volume_has_its_own_layer_key() {
        let key = VolumeKey::new([7; 32]);
        let one = key.layer_key(1).unwrap();
        assert_eq!(one.0, key.layer_key(1).unwrap().0);
        assert_ne!(one.0, key.layer_key(2).unwrap().0);
        assert_ne!(one.0, VolumeKey::new([8; 32]).layer_key(1).unwrap().0);
        assert_ne!(one.0[..32], one.0[32..]);
    }

    #[test]
    fn a_check_tells_keys_apart_and_is_no_part_of_one() {
        let key = VolumeKey::new([7; 32]);
        let check = key.check().unwrap();
        assert_eq!(check, VolumeKey::new([7; 32]).check().unwrap());
        assert_ne!(check, VolumeKey::new([8; 32]).check().unwrap());
        let layer = key.layer_key(1).unwrap();
        assert!(check != layer.0[..32] && check != layer.0[32..] && check != [7; 32]);
    }

    #[test]
    fn a_volume_key_is_never_printed_and_has_one_length() {
        assert_eq!(format!("{:?}", VolumeKey::new([0x41; 32])), "VolumeKey(..)");
        assert!(VolumeKey::from_slice(&[0; 32]).is_ok());
        assert!(VolumeKey::from_slice(&[0; 31]).is_err());
        assert!(VolumeKey::from_slice(&[0; 33]).is_err());
    }
}
