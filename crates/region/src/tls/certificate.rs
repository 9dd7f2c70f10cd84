//! X.509 certificates of the region's own: a CA, and a server that it vouches for. Written on
//! `aws-lc-rs` itself, with ECDSA on P-256: two fixed shapes do not need a library.
//!
//! Dates are UTCTime, so nothing is valid beyond 2049.

use std::net::IpAddr;

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base::Timestamp;

use super::der::{bits, integer, octets, oid, read, sequence, value};

const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

/// What is certified.
pub enum Subject<'a> {
    /// The CA itself.
    Authority,
    /// A server by these names, which are addresses or names of DNS.
    Server(&'a [String]),
}

/// A certificate to be made.
pub struct Draft<'a> {
    pub subject: Subject<'a>,
    /// The subject's public key.
    pub public: &'a [u8],
    /// The key that signs, and by which the issuer is named.
    pub issuer: &'a EcdsaKeyPair,
    pub serial: [u8; 16],
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// A new key pair.
///
/// # Errors
/// When there is no randomness.
pub fn key_generate() -> Result<EcdsaKeyPair, aws_lc_rs::error::Unspecified> {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
}

impl Draft<'_> {
    /// The certificate as DER.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
        let algorithm = sequence(&[&oid(ECDSA_WITH_SHA256)]);
        let mut serial = self.serial;
        // Positive, and of the full length.
        serial[0] = serial[0] & 0x7f | 0x40;
        let issuer = name(&authority_name(self.issuer.public_key().as_ref()));
        let subject = match self.subject {
            Subject::Authority => issuer.clone(),
            Subject::Server(_) => name("Ectype region"),
        };
        let validity = sequence(&[&time(self.not_before), &time(self.not_after)]);
        let key = sequence(&[&sequence(&[&oid(EC_PUBLIC_KEY), &oid(P256)]), &bits(self.public)]);
        let body = sequence(&[
            &value(0xa0, &[&integer(&[2])]),
            &integer(&serial),
            &algorithm,
            &issuer,
            &validity,
            &subject,
            &key,
            &value(0xa3, &[&self.extensions()]),
        ]);
        let signature = self.issuer.sign(&SystemRandom::new(), &body)?;
        Ok(sequence(&[&body, &algorithm, &bits(signature.as_ref())]))
    }

    fn extensions(&self) -> Vec<u8> {
        let own = extension(SUBJECT_KEY_ID, false, &octets(&key_id(self.public)));
        let issuer = key_id(self.issuer.public_key().as_ref());
        let by = extension(AUTHORITY_KEY_ID, false, &sequence(&[&value(0x80, &[&issuer])]));
        match self.subject {
            Subject::Authority => {
                // A CA, of no other CA.
                let constraints = sequence(&[&value(0x01, &[&[0xff]]), &integer(&[0])]);
                // keyCertSign and cRLSign.
                let usage = value(0x03, &[&[1, 0x06]]);
                sequence(&[
                    &extension(BASIC_CONSTRAINTS, true, &constraints),
                    &extension(KEY_USAGE, true, &usage),
                    &own,
                    &by,
                ])
            }
            Subject::Server(names) => {
                let names: Vec<_> = names.iter().map(|name| alternative(name)).collect();
                let names: Vec<_> = names.iter().map(Vec::as_slice).collect();
                // digitalSignature.
                let usage = value(0x03, &[&[7, 0x80]]);
                sequence(&[
                    &extension(BASIC_CONSTRAINTS, true, &sequence(&[])),
                    &extension(KEY_USAGE, true, &usage),
                    &extension(EXTENDED_KEY_USAGE, false, &sequence(&[&oid(SERVER_AUTH)])),
                    &extension(ALTERNATIVE_NAMES, false, &sequence(&names)),
                    &own,
                    &by,
                ])
            }
        }
    }
}

/// The name of the CA that has this public key: two regions' CAs never share one.
fn authority_name(public: &[u8]) -> String {
    let id: String = key_id(public)[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("Ectype region CA {id}")
}

/// Twenty bytes that stand for a public key.
fn key_id(public: &[u8]) -> Vec<u8> {
    digest(&SHA256, public).as_ref()[..20].to_vec()
}

fn name(common: &str) -> Vec<u8> {
    let text = value(0x0c, &[common.as_bytes()]);
    sequence(&[&value(0x31, &[&sequence(&[&oid(COMMON_NAME), &text])])])
}

fn extension(id: &[u8], critical: bool, content: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    sequence(&[&oid(id), critical, &octets(content)])
}

fn alternative(name: &str) -> Vec<u8> {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => value(0x87, &[&ip.octets()]),
        Ok(IpAddr::V6(ip)) => value(0x87, &[&ip.octets()]),
        Err(_) => value(0x82, &[name.as_bytes()]),
    }
}

/// `YYMMDDHHMMSSZ`.
fn utc_time(at: Timestamp) -> String {
    let text = Timestamp::from_micros(at.seconds() * 1_000_000).to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).skip(2).collect();
    format!("{digits}Z")
}

fn time(at: Timestamp) -> Vec<u8> {
    value(0x17, &[utc_time(at).as_bytes()])
}

/// Whether a certificate of ours is still valid at `at`.
pub fn is_valid_at(certificate: &[u8], at: Timestamp) -> bool {
    not_after(certificate).is_some_and(|end| end > utc_time(at).as_bytes())
}

fn not_after(certificate: &[u8]) -> Option<&[u8]> {
    let (_, outer, _) = read(certificate)?;
    let (_, mut body, _) = read(outer)?;
    // Version, serial, algorithm, issuer.
    for _ in 0..4 {
        (_, _, body) = read(body)?;
    }
    let (_, validity, _) = read(body)?;
    let (_, _, rest) = read(validity)?;
    let (tag, end, _) = read(rest)?;
    (tag == 0x17).then_some(end)
}

/// Whether a certificate is of this public key.
pub fn is_of(certificate: &[u8], public: &[u8]) -> bool {
    certificate.windows(public.len()).any(|part| part == public)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_validity_is_read_as_it_was_written() {
        let pair = key_generate().unwrap();
        let draft = Draft {
            subject: Subject::Authority,
            public: pair.public_key().as_ref(),
            issuer: &pair,
            serial: [0; 16],
            not_before: at("2026-11-24T10:00:00.25Z"),
            not_after: at("2036-11-24T10:00:00Z"),
        };
        let der = draft.sign().unwrap();
        assert_eq!(not_after(&der), Some(&b"361124100000Z"[..]));
        assert!(is_valid_at(&der, at("2036-11-24T09:59:59Z")));
        assert!(!is_valid_at(&der, at("2036-11-24T10:00:00Z")));
        assert!(is_of(&der, pair.public_key().as_ref()));
        assert!(!is_of(&der, key_generate().unwrap().public_key().as_ref()));
        assert!(!is_valid_at(&der[..20], at("2026-11-24T10:00:00Z")));
    }

    #[test]
    fn names_and_addresses_are_told_apart() {
        assert_eq!(alternative("127.0.0.1"), [0x87, 4, 127, 0, 0, 1]);
        assert_eq!(alternative("a.b"), [0x82, 3, b'a', b'.', b'b']);
        assert_eq!(alternative("::1").len(), 18);
    }
}
