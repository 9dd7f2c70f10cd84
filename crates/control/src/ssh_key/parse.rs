//! OpenSSH public keys: `ssh-rsa AAAA… comment`.
//!
//! The blob is length-prefixed strings (RFC 4253, section 6.6): the type, then for RSA exponent
//! and modulus, for Ed25519 the 32-byte point.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use model::SshKeyType;

/// Longest public key text.
pub(super) const PUBLIC_KEY_LEN_MAX: usize = 4_096;

/// A key that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) kind: SshKeyType,
    /// Bits.
    pub(super) length: u32,
    /// `SHA256:…`.
    pub(super) fingerprint: String,
    /// Type and base64.
    pub(super) public_key: String,
}

/// Why a text is not a key that we take: an error code and a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unusable(pub(super) &'static str, pub(super) &'static str);

const PARSE: Unusable =
    Unusable("key_parse_failure", "The public key is not in OpenSSH format: `ssh-rsa AAAA…`.");

/// Reads a key and checks that it is of `kind`.
pub(super) fn parse(text: &str, kind: SshKeyType) -> Result<Parsed, Unusable> {
    if text.len() > PUBLIC_KEY_LEN_MAX {
        return Err(Unusable(
            "key_parse_failure",
            "The public key is longer than 4096 characters.",
        ));
    }
    let mut fields = text.split_ascii_whitespace();
    let (Some(name), Some(encoded)) = (fields.next(), fields.next()) else { return Err(PARSE) };
    let blob = STANDARD.decode(encoded).map_err(|_| PARSE)?;
    let mut rest = blob.as_slice();
    if string(&mut rest).ok_or(PARSE)? != name.as_bytes() {
        return Err(PARSE);
    }
    let (found, length) = match name {
        "ssh-rsa" => (SshKeyType::Rsa, rsa_bits(&mut rest).ok_or(PARSE)?),
        "ssh-ed25519" => {
            if string(&mut rest).ok_or(PARSE)?.len() != 32 {
                return Err(PARSE);
            }
            (SshKeyType::Ed25519, 256)
        }
        _ => {
            return Err(Unusable("key_invalid_type", "Only RSA and Ed25519 keys are supported."));
        }
    };
    if !rest.is_empty() {
        return Err(PARSE);
    }
    if found != kind {
        return Err(Unusable(
            "key_invalid_type",
            "The public key is of another type than `type` says (rsa when it is not given).",
        ));
    }
    if found == SshKeyType::Rsa && length != 2_048 && length != 4_096 {
        return Err(Unusable("key_invalid_type", "An RSA key must have 2048 or 4096 bits."));
    }
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &blob);
    Ok(Parsed {
        kind: found,
        length,
        fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(digest)),
        public_key: format!("{name} {encoded}"),
    })
}

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_first_chunk::<4>()?;
    let (value, tail) = tail.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
    *rest = tail;
    Some(value)
}

fn rsa_bits(rest: &mut &[u8]) -> Option<u32> {
    let _exponent = string(rest)?;
    let modulus = string(rest)?;
    let modulus = &modulus[modulus.iter().position(|b| *b != 0)?..];
    let bits = modulus.len() * 8 - modulus[0].leading_zeros() as usize;
    u32::try_from(bits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `ssh-keygen -t ed25519`; its fingerprint is what `ssh-keygen -l` prints.
    const ED25519: &str = "ssh-ed25519 \
        AAAAC3NzaC1lZDI1NTE5AAAAIF5AdgZgbFkXcsOEKDZRHiT5/wuiKURMCEJgVzhtOjMK someone@somewhere";

    fn rsa(bits: usize) -> String {
        let mut blob = Vec::new();
        let mut modulus = vec![0_u8];
        modulus.extend(vec![0xff; bits / 8]);
        for part in [b"ssh-rsa".as_slice(), &[1, 0, 1], &modulus] {
            blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
            blob.extend(part);
        }
        format!("ssh-rsa {}", STANDARD.encode(blob))
    }

    #[test]
    fn an_ed25519_key_is_read_and_loses_its_comment() {
        let key = parse(ED25519, SshKeyType::Ed25519).unwrap();
        assert_eq!(key.length, 256);
        assert_eq!(key.public_key.split(' ').count(), 2);
        assert!(key.fingerprint.starts_with("SHA256:") && key.fingerprint.len() == 50);
    }

    #[test]
    fn ed25519_without_its_type_is_refused() {
        assert_eq!(parse(ED25519, SshKeyType::Rsa).unwrap_err().0, "key_invalid_type");
    }

    #[test]
    fn rsa_keys_have_2048_or_4096_bits() {
        for (bits, ok) in [(1_024, false), (2_048, true), (3_072, false), (4_096, true)] {
            assert_eq!(parse(&rsa(bits), SshKeyType::Rsa).is_ok(), ok, "{bits}");
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let cut = &ED25519[..60];
        let long = format!("{ED25519} {}", "x".repeat(PUBLIC_KEY_LEN_MAX));
        for text in ["", "ssh-rsa", "ssh-rsa ????", "ssh-dss AAAA", cut, &long] {
            assert!(parse(text, SshKeyType::Ed25519).is_err(), "{text}");
        }
    }
}
