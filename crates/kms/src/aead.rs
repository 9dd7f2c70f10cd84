//! AES-256-GCM with a random nonce and bound context.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base::Entropy;
use zeroize::Zeroizing;

use crate::{DataKey, KmsError};

/// Length of a nonce in bytes.
pub(crate) const NONCE_LEN: usize = 12;
/// Length of a tag in bytes.
pub(crate) const TAG_LEN: usize = 16;

/// What a ciphertext belongs to. Each part carries its length, so no two lists of parts are the
/// same bytes.
pub(crate) fn context(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

fn cipher(key: &DataKey, what: &'static str) -> Result<LessSafeKey, KmsError> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose());
    key.map(LessSafeKey::new).map_err(|_| KmsError::CannotSeal { what })
}

/// `nonce ‖ ciphertext ‖ tag`. `what` names the plaintext in errors.
pub(crate) fn seal(
    key: &DataKey,
    entropy: &dyn Entropy,
    context: &[u8],
    plaintext: &[u8],
    what: &'static str,
) -> Result<Vec<u8>, KmsError> {
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    // Encrypted where it lies, with its full size from the start: no copy of it is left behind.
    let mut body = Vec::with_capacity(plaintext.len() + TAG_LEN);
    body.extend_from_slice(plaintext);
    cipher(key, what)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context),
            &mut body,
        )
        .map_err(|_| KmsError::CannotSeal { what })?;
    let mut out = Vec::with_capacity(NONCE_LEN + body.len());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&body);
    Ok(out)
}

/// Opens what [`seal`] made.
pub(crate) fn open(
    key: &DataKey,
    context: &[u8],
    sealed: &[u8],
    what: &'static str,
) -> Result<Zeroizing<Vec<u8>>, KmsError> {
    let short = || KmsError::Damaged { what, why: "it is too short" };
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(short)?;
    if body.len() < TAG_LEN {
        return Err(short());
    }
    let mut body = Zeroizing::new(body.to_vec());
    let len = cipher(key, what)?
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(context),
            body.as_mut_slice(),
        )
        .map_err(|_| KmsError::DoesNotOpen { what })?
        .len();
    body.truncate(len);
    Ok(body)
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn contexts_do_not_run_together() {
        assert_ne!(context(&[b"ab", b"c"]), context(&[b"a", b"bc"]));
        assert_ne!(context(&[b"a"]), context(&[b"a", b""]));
    }

    /// Invariant 18: any single flipped byte is an error, never wrong data.
    #[test]
    fn every_flipped_byte_is_seen() {
        let entropy = SeededEntropy::new(3);
        let key = DataKey::mint(&entropy);
        let sealed = seal(&key, &entropy, b"here", b"secret", "it").unwrap();
        assert_eq!(open(&key, b"here", &sealed, "it").unwrap().as_slice(), b"secret");
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(open(&key, b"here", &bad, "it").is_err(), "byte {at}");
            assert!(open(&key, b"here", &sealed[..at], "it").is_err(), "cut at {at}");
        }
        assert!(open(&key, b"there", &sealed, "it").is_err());
        assert!(open(&DataKey::mint(&entropy), b"here", &sealed, "it").is_err());
    }
}
