//! A data key as it is stored: wrapped by a root key.
//!
//! Format, version 1, big-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | magic `EKWK` |
//! | 1 | format version |
//! | 1 | length n of the key reference |
//! | n | key reference: `provider:<account>` or `customer:<account>:<instance>:<key>` |
//! | 4 | version of the root key |
//! | 12 + 32 + 16 | nonce, AES-256-GCM ciphertext, tag |
//!
//! Bound as additional data: the resource's CRN, the key reference, the root key's version.

use std::fmt;

use base::{AccountId, Crn, KmsKeyId, ServiceInstanceId};

use crate::{
    DataKey, KmsError,
    aead::{NONCE_LEN, TAG_LEN, context},
};

const MAGIC: [u8; 4] = *b"EKWK";
const FORMAT_VERSION: u8 = 1;
const SEALED_LEN: usize = NONCE_LEN + DataKey::LEN + TAG_LEN;
const PROVIDER: &str = "provider:";
const CUSTOMER: &str = "customer:";
pub(crate) const WHAT: &str = "the wrapped data key";

/// A key of a customer: in which account and instance of Key Protect it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerKey {
    /// The account.
    pub account: AccountId,
    /// The instance of Key Protect.
    pub instance: ServiceInstanceId,
    /// The key.
    pub key: KmsKeyId,
}

/// Which root key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRef {
    /// The provider's root key for this account: what encrypts when the customer names none.
    Provider(AccountId),
    /// A root key of a customer.
    Customer(CustomerKey),
}

impl KeyRef {
    fn parse(text: &str) -> Option<Self> {
        if let Some(names) = text.strip_prefix(CUSTOMER) {
            let mut names = names.split(':');
            let (account, instance, key) = (names.next()?, names.next()?, names.next()?);
            let key = CustomerKey {
                account: AccountId::parse(account).ok()?,
                instance: ServiceInstanceId::parse(instance).ok()?,
                key: KmsKeyId::parse(key).ok()?,
            };
            return names.next().is_none().then_some(Self::Customer(key));
        }
        let account = text.strip_prefix(PROVIDER)?;
        AccountId::parse(account).ok().map(Self::Provider)
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(account) => write!(f, "{PROVIDER}{account}"),
            Self::Customer(CustomerKey { account, instance, key }) => {
                write!(f, "{CUSTOMER}{account}:{instance}:{key}")
            }
        }
    }
}

/// A data key, wrapped. Not secret, but worthless to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    pub(crate) key: KeyRef,
    pub(crate) key_version: u32,
    pub(crate) sealed: [u8; SEALED_LEN],
}

impl WrappedKey {
    /// The root key that wraps it.
    #[must_use]
    pub fn key(&self) -> &KeyRef {
        &self.key
    }

    /// Which version of the root key; 1 is the first.
    #[must_use]
    pub fn key_version(&self) -> u32 {
        self.key_version
    }

    /// As it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let key = self.key.to_string();
        // INVARIANT: three ids of at most 64 bytes and their prefix fit into one length byte.
        let key_len = u8::try_from(key.len()).expect("a key reference is short");
        let mut out = Vec::with_capacity(10 + key.len() + SEALED_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[FORMAT_VERSION, key_len]);
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(&self.key_version.to_be_bytes());
        out.extend_from_slice(&self.sealed);
        out
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are not a wrapped key, or one of a version not known here.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KmsError> {
        let damaged = |why| KmsError::Damaged { what: WHAT, why };
        let rest = bytes.strip_prefix(&MAGIC).ok_or_else(|| damaged("it has no magic"))?;
        let (&version, rest) = rest.split_first().ok_or_else(|| damaged("it is too short"))?;
        if version != FORMAT_VERSION {
            return Err(KmsError::UnknownVersion { what: WHAT, version });
        }
        let (&key_len, rest) = rest.split_first().ok_or_else(|| damaged("it is too short"))?;
        let (key, rest) = rest
            .split_at_checked(usize::from(key_len))
            .ok_or_else(|| damaged("it is too short"))?;
        let key = std::str::from_utf8(key)
            .ok()
            .and_then(KeyRef::parse)
            .ok_or_else(|| damaged("its key reference is not one"))?;
        let (key_version, sealed) =
            rest.split_first_chunk::<4>().ok_or_else(|| damaged("it is too short"))?;
        let sealed = sealed.try_into().map_err(|_| damaged("its length is wrong"))?;
        Ok(Self { key, key_version: u32::from_be_bytes(*key_version), sealed })
    }
}

/// What a wrapped data key is bound to.
pub(crate) fn binding(subject: &Crn, key: &KeyRef, key_version: u32) -> Vec<u8> {
    context(&[
        b"ectype wrapped data key 1",
        subject.to_string().as_bytes(),
        key.to_string().as_bytes(),
        &key_version.to_be_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> WrappedKey {
        let account = AccountId::parse(&"a".repeat(32)).unwrap();
        WrappedKey { key: KeyRef::Provider(account), key_version: 7, sealed: [9; SEALED_LEN] }
    }

    #[test]
    fn a_wrapped_key_reads_back() {
        let bytes = sample().to_bytes();
        assert_eq!(WrappedKey::from_bytes(&bytes).unwrap(), sample());
    }

    #[test]
    fn a_key_wrapped_by_a_customers_key_reads_back_with_the_longest_ids() {
        let key = KeyRef::Customer(CustomerKey {
            account: AccountId::parse(&"a".repeat(64)).unwrap(),
            instance: ServiceInstanceId::parse(&"b".repeat(64)).unwrap(),
            key: KmsKeyId::parse(&"c".repeat(64)).unwrap(),
        });
        let wrapped = WrappedKey { key, ..sample() };
        assert_eq!(WrappedKey::from_bytes(&wrapped.to_bytes()).unwrap(), wrapped);
        for bad in ["customer:a:b", "customer:a:b:c:d", "customer:::", "customer:a:b:c/d"] {
            assert_eq!(KeyRef::parse(bad), None, "{bad}");
        }
    }

    /// Invariant 26: the bytes of format version 1 stay readable.
    #[test]
    fn format_version_1_is_these_bytes() {
        let mut bytes = b"EKWK\x01\x29provider:".to_vec();
        bytes.extend_from_slice(&[b'a'; 32]);
        bytes.extend_from_slice(&[0, 0, 0, 7]);
        bytes.extend_from_slice(&[9; 60]);
        assert_eq!(sample().to_bytes(), bytes);
    }

    /// Invariant 26: unknown versions are refused.
    #[test]
    fn an_unknown_version_is_refused() {
        let mut bytes = sample().to_bytes();
        bytes[4] = 2;
        let refused = WrappedKey::from_bytes(&bytes);
        assert!(matches!(refused, Err(KmsError::UnknownVersion { version: 2, .. })));
    }

    /// Invariant 27: the parser never panics.
    #[test]
    fn every_cut_and_every_longer_text_is_refused() {
        let mut bytes = sample().to_bytes();
        for len in 0..bytes.len() {
            assert!(WrappedKey::from_bytes(&bytes[..len]).is_err(), "{len}");
        }
        bytes.push(0);
        assert!(WrappedKey::from_bytes(&bytes).is_err());
        assert!(WrappedKey::from_bytes(b"EKWK\x01\x03abc").is_err());
        assert!(WrappedKey::from_bytes(b"EKWK\x01\x02\xff\xff").is_err());
    }
}
