//! Compact JWS with RS256, and the DER of its keys.
//!
//! Written on `aws-lc-rs` itself: the key pair is parsed once and not for each token, and no
//! library reads the machine's clock behind our own.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

/// Longest token that is looked at.
const TOKEN_LEN_MAX: usize = 8 * 1024;

/// Why a token is nothing to us.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotOurs;

#[derive(serde::Serialize, serde::Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// Makes a new RSA key of 2048 bits: PKCS#8 of the private half, PKCS#1 of the public one.
pub(super) fn key_generate() -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), aws_lc_rs::error::Unspecified>
{
    let pair = KeyPair::generate(KeySize::Rsa2048)?;
    let private: Pkcs8V1Der<'static> = pair.as_der()?;
    Ok((Zeroizing::new(private.as_ref().to_vec()), pair.public_key().as_ref().to_vec()))
}

/// Reads a private key.
pub(super) fn key_parse(pkcs8: &[u8]) -> Result<KeyPair, aws_lc_rs::error::KeyRejected> {
    KeyPair::from_pkcs8(pkcs8)
}

/// Signs `claims`.
pub(super) fn sign(
    pair: &KeyPair,
    kid: &str,
    claims: &impl Serialize,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let header = Header { alg: "RS256".into(), typ: "JWT".into(), kid: kid.into() };
    let mut token = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut token);
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
        .map_err(|_| "a token could not be signed")?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
    Ok(token)
}

/// The claims of a token that one of our keys signed. `public_der` finds a key by its `kid`.
pub(super) fn verify<C: DeserializeOwned>(
    token: &str,
    public_der: impl FnOnce(&str) -> Option<Vec<u8>>,
) -> Result<C, NotOurs> {
    if token.len() > TOKEN_LEN_MAX {
        return Err(NotOurs);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(NotOurs)?;
    let (header, claims) = signed.split_once('.').ok_or(NotOurs)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| NotOurs);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| NotOurs)?;
    if header.alg != "RS256" {
        return Err(NotOurs);
    }
    let key = public_der(&header.kid).ok_or(NotOurs)?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
        .verify(signed.as_bytes(), &decode(signature)?)
        .map_err(|_| NotOurs)?;
    serde_json::from_slice(&decode(claims)?).map_err(|_| NotOurs)
}

/// The `kid` that a token names; it is believed only as far as to look for that key.
pub(super) fn key_id(token: &str) -> Option<String> {
    let (header, _) = token.split_once('.')?;
    let header = URL_SAFE_NO_PAD.decode(header.get(..header.len().min(1_024))?).ok()?;
    serde_json::from_slice::<Header>(&header).ok().map(|header| header.kid)
}

/// Modulus and exponent of a PKCS#1 public key, big-endian without leading zeros.
pub(super) fn public_components(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (sequence, rest) = der_value(der, 0x30)?;
    let (modulus, tail) = der_value(sequence, 0x02)?;
    let (exponent, end) = der_value(tail, 0x02)?;
    let strip = |n: &[u8]| n.iter().copied().skip_while(|b| *b == 0).collect::<Vec<u8>>();
    (rest.is_empty() && end.is_empty()).then(|| (strip(modulus), strip(exponent)))
}

/// The content of a DER value of `tag`, and what follows it.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], mut rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (bytes, tail) = rest.split_at_checked(count)?;
        rest = tail;
        bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b))
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Claims {
        who: String,
    }

    fn claims() -> Claims {
        Claims { who: "me".into() }
    }

    #[test]
    fn only_the_signer_s_key_opens_a_token() {
        let (private, public) = key_generate().unwrap();
        let (_, other) = key_generate().unwrap();
        let pair = key_parse(&private).unwrap();
        let token = sign(&pair, "k1", &claims()).unwrap();
        let find = |kid: &str| (kid == "k1").then(|| public.clone());
        assert_eq!(verify::<Claims>(&token, find), Ok(claims()));
        assert_eq!(verify::<Claims>(&token, |_| Some(other)), Err(NotOurs));
        assert_eq!(verify::<Claims>(&token, |_| None), Err(NotOurs));
    }

    #[test]
    fn every_changed_byte_of_a_token_is_seen() {
        let (private, public) = key_generate().unwrap();
        let token = sign(&key_parse(&private).unwrap(), "k1", &claims()).unwrap();
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert_eq!(verify::<Claims>(&changed, |_| Some(public.clone())), Err(NotOurs), "{at}");
        }
    }

    #[test]
    fn tokens_without_signature_are_nothing() {
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT","kid":"k1"}"#);
        let body = URL_SAFE_NO_PAD.encode(r#"{"who":"me"}"#);
        for token in
            [format!("{none}.{body}."), format!("{none}.{body}"), String::new(), "..".into()]
        {
            assert_eq!(verify::<Claims>(&token, |_| Some(Vec::new())), Err(NotOurs), "{token}");
        }
    }

    #[test]
    fn a_public_key_has_a_modulus_of_2048_bits_and_the_usual_exponent() {
        let (_, public) = key_generate().unwrap();
        let (n, e) = public_components(&public).unwrap();
        assert_eq!(n.len(), 256);
        assert_eq!(e, [1, 0, 1]);
        assert_eq!(public_components(&public[..public.len() - 1]), None);
        assert_eq!(public_components(&[]), None);
    }
}
