//! The file of a customer's key, with its versions and what may be done with it.
//!
//! Its invariant: all of it is sealed for its account, instance and key, so no file can take the
//! place of another, and no state or version can be changed by itself.
//!
//! After the header of every key file (magic `EKCK`, format version 1, 3 zeros) come nonce,
//! ciphertext and tag of this under the master key, all big-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | 0 a root key, 1 a standard key |
//! | 1 | 1 active, 2 suspended, 5 destroyed |
//! | 4 | versions n |
//! | n x (14 + m) | version 4, since when in microseconds 8, length m 2, the material |
//!
//! What a root key wraps, version 1: magic `EKPW`, format version, 3 zeros, version of the key 4,
//! nonce, ciphertext and tag. Bound as additional data: account, instance, key, its version, and
//! each text that the caller adds.

use aws_lc_rs::hkdf;
use base::{Entropy, Timestamp};
use zeroize::Zeroizing;

use crate::{
    CUSTOMER_VERSIONS_MAX, CustomerKey, DataKey, KeyMaterial, KeyUse, KeyVersion, KeyVersions,
    KmsError, ROOT_LENGTHS, STANDARD_LEN_MAX, Unwrapped,
    aead::{self, context},
};

/// Names a customer's key in errors.
pub(crate) const WHAT: &str = "the customer's key";
/// Names what it wrapped in errors.
const WRAPPED: &str = "the ciphertext";
/// Longest file, in bytes: every version of a root key, or the longest standard key.
pub(crate) const FILE_LEN_MAX: u64 = 32 << 10;
const WRAPPED_HEADER: [u8; 8] = *b"EKPW\x01\0\0\0";
const FIRST: u32 = 1;
const HEAD_LEN: usize = 6;
const ENTRY_HEAD_LEN: usize = 14;

struct Version {
    version: u32,
    since: Timestamp,
    material: Zeroizing<Vec<u8>>,
}

/// A customer's key, opened: its versions, oldest first; never empty.
pub(crate) struct Opened {
    root: bool,
    used: KeyUse,
    versions: Vec<Version>,
}

fn binding(key: &CustomerKey) -> Vec<u8> {
    let CustomerKey { account, instance, key } = key;
    let names = [account.as_str(), instance.as_str(), key.as_str()].map(str::as_bytes);
    context(&[b"ectype customer key 1", names[0], names[1], names[2]])
}

fn wrapped_binding(key: &CustomerKey, version: u32, aad: &[String]) -> Vec<u8> {
    let version = version.to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![b"ectype wrapped by a customer key 1", &version];
    for name in [key.account.as_str(), key.instance.as_str(), key.key.as_str()] {
        parts.push(name.as_bytes());
    }
    parts.extend(aad.iter().map(|text| text.as_bytes()));
    context(&parts)
}

/// The key that encrypts, out of material of any length.
fn cipher_key(material: &[u8]) -> Result<DataKey, KmsError> {
    let refused = |_| KmsError::CannotSeal { what: WHAT };
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"ectype customer root key 1");
    let secret = salt.extract(material);
    let mut out = Zeroizing::new([0; DataKey::LEN]);
    let filled = secret.expand(&[b"wrap"], hkdf::HKDF_SHA256).map_err(refused)?;
    filled.fill(&mut *out).map_err(refused)?;
    Ok(DataKey::from_bytes(&out))
}

fn random(entropy: &dyn Entropy) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; DataKey::LEN]);
    entropy.fill(&mut bytes);
    bytes
}

fn root_checked(material: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, KmsError> {
    if ROOT_LENGTHS.contains(&material.len()) {
        return Ok(material);
    }
    Err(KmsError::Damaged { what: "the key material", why: "it has not 16, 24 or 32 bytes" })
}

impl Opened {
    /// A new key.
    pub(crate) fn new(
        material: KeyMaterial,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, KmsError> {
        let (root, material) = match material {
            KeyMaterial::Root(bytes) => {
                (true, bytes.map_or_else(|| Ok(random(entropy)), root_checked)?)
            }
            KeyMaterial::Standard(bytes) => (false, bytes.unwrap_or_else(|| random(entropy))),
        };
        if !(1..=STANDARD_LEN_MAX).contains(&material.len()) {
            let (len, max) = (material.len(), STANDARD_LEN_MAX);
            return Err(KmsError::SecretTooLong { len, max });
        }
        let versions = vec![Version { version: FIRST, since: now, material }];
        Ok(Self { root, used: KeyUse::Active, versions })
    }

    /// Reads the body of a file.
    pub(crate) fn read(
        master: &DataKey,
        key: &CustomerKey,
        sealed: &[u8],
    ) -> Result<Self, KmsError> {
        let body = aead::open(master, &binding(key), sealed, WHAT)?;
        Self::of(&body).ok_or(KmsError::Damaged { what: WHAT, why: "it is no list of versions" })
    }

    fn of(body: &[u8]) -> Option<Self> {
        let (head, mut rest) = body.split_first_chunk::<HEAD_LEN>()?;
        let root = match head[0] {
            0 => true,
            1 => false,
            _ => return None,
        };
        let used = match head[1] {
            1 => KeyUse::Active,
            2 => KeyUse::Suspended,
            5 => KeyUse::Destroyed,
            _ => return None,
        };
        let count = u32::from_be_bytes([head[2], head[3], head[4], head[5]]) as usize;
        if !(1..=CUSTOMER_VERSIONS_MAX).contains(&count) {
            return None;
        }
        let mut versions: Vec<Version> = Vec::with_capacity(count);
        for _ in 0..count {
            let (entry, after) = rest.split_first_chunk::<ENTRY_HEAD_LEN>()?;
            let version = u32::from_be_bytes(entry[..4].try_into().ok()?);
            let since = Timestamp::from_micros(i64::from_be_bytes(entry[4..12].try_into().ok()?));
            let len = usize::from(u16::from_be_bytes(entry[12..].try_into().ok()?));
            let (material, after) = after.split_at_checked(len)?;
            if versions.last().is_some_and(|last| last.version >= version) {
                return None;
            }
            versions.push(Version { version, since, material: Zeroizing::new(material.to_vec()) });
            rest = after;
        }
        rest.is_empty().then_some(Self { root, used, versions })
    }

    /// The body of a file.
    pub(crate) fn to_body(
        &self,
        master: &DataKey,
        key: &CustomerKey,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, KmsError> {
        let each = |one: &Version| ENTRY_HEAD_LEN + one.material.len();
        let len = HEAD_LEN + self.versions.iter().map(each).sum::<usize>();
        // With its full size from the start, so that growing leaves no copy behind.
        let mut body = Zeroizing::new(Vec::with_capacity(len));
        body.push(u8::from(!self.root));
        body.push(match self.used {
            KeyUse::Active => 1,
            KeyUse::Suspended => 2,
            KeyUse::Destroyed => 5,
        });
        body.extend_from_slice(&u32::try_from(self.versions.len()).unwrap_or(0).to_be_bytes());
        for one in &self.versions {
            body.extend_from_slice(&one.version.to_be_bytes());
            body.extend_from_slice(&one.since.micros().to_be_bytes());
            body.extend_from_slice(&u16::try_from(one.material.len()).unwrap_or(0).to_be_bytes());
            body.extend_from_slice(&one.material);
        }
        aead::seal(master, entropy, &binding(key), &body, WHAT)
    }

    fn copied(&self) -> Self {
        let copy = |one: &Version| Version {
            version: one.version,
            since: one.since,
            material: one.material.clone(),
        };
        Self {
            root: self.root,
            used: self.used,
            versions: self.versions.iter().map(copy).collect(),
        }
    }

    /// With another use; none when it has that one.
    pub(crate) fn with_use(&self, to: KeyUse) -> Option<Self> {
        (self.used != to).then(|| Self { used: to, ..self.copied() })
    }

    /// With a new version after `from`; none when `from` is not the current one.
    pub(crate) fn rotated(
        &self,
        key: &CustomerKey,
        from: u32,
        material: Option<Zeroizing<Vec<u8>>>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Option<Self>, KmsError> {
        self.root_needed(key)?;
        if self.current().version != from {
            return Ok(None);
        }
        if self.versions.len() >= CUSTOMER_VERSIONS_MAX {
            return Err(KmsError::TooManyVersions { max: CUSTOMER_VERSIONS_MAX });
        }
        let material = material.map_or_else(|| Ok(random(entropy)), root_checked)?;
        let mut next = self.copied();
        next.versions.push(Version { version: from.saturating_add(1), since: now, material });
        Ok(Some(next))
    }

    fn current(&self) -> &Version {
        // INVARIANT: a key has a version from its beginning, and none is ever taken away.
        self.versions.last().expect("a key has a version")
    }

    fn root_needed(&self, key: &CustomerKey) -> Result<(), KmsError> {
        if self.root {
            return Ok(());
        }
        Err(KmsError::WrongKind { key: key.key.clone(), wanted: "root" })
    }

    fn usable(&self, key: &CustomerKey) -> Result<(), KmsError> {
        let state = match self.used {
            KeyUse::Active => return Ok(()),
            KeyUse::Suspended => "disabled",
            KeyUse::Destroyed => "deleted",
        };
        Err(KmsError::KeyUnusable { key: key.key.clone(), state })
    }

    /// What wraps now: its number and the key.
    pub(crate) fn wrapping(&self, key: &CustomerKey) -> Result<(u32, DataKey), KmsError> {
        self.root_needed(key)?;
        self.usable(key)?;
        let current = self.current();
        Ok((current.version, cipher_key(&current.material)?))
    }

    /// What opens what that version wrapped.
    pub(crate) fn opening(&self, key: &CustomerKey, version: u32) -> Result<DataKey, KmsError> {
        self.root_needed(key)?;
        self.usable(key)?;
        let found = self.versions.iter().find(|one| one.version == version);
        let missing = || KmsError::NoVersion { key: key.key.clone(), version };
        cipher_key(&found.ok_or_else(missing)?.material)
    }

    /// The bytes of a standard key.
    pub(crate) fn material(&self, key: &CustomerKey) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        if self.root {
            return Err(KmsError::WrongKind { key: key.key.clone(), wanted: "standard" });
        }
        if self.used == KeyUse::Destroyed {
            self.usable(key)?;
        }
        Ok(self.current().material.clone())
    }

    /// Wraps bytes for a caller.
    pub(crate) fn wrap(
        &self,
        key: &CustomerKey,
        aad: &[String],
        plaintext: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<(u32, Vec<u8>), KmsError> {
        let (version, cipher) = self.wrapping(key)?;
        let context = wrapped_binding(key, version, aad);
        let sealed = aead::seal(&cipher, entropy, &context, plaintext, WRAPPED)?;
        Ok((version, [&WRAPPED_HEADER[..], &version.to_be_bytes(), &sealed].concat()))
    }

    /// Opens what [`Self::wrap`] made.
    pub(crate) fn unwrap(
        &self,
        key: &CustomerKey,
        aad: &[String],
        ciphertext: &[u8],
    ) -> Result<Unwrapped, KmsError> {
        let damaged = |why| KmsError::Damaged { what: WRAPPED, why };
        self.root_needed(key)?;
        self.usable(key)?;
        let rest = ciphertext
            .strip_prefix(&WRAPPED_HEADER)
            .ok_or_else(|| damaged("it does not begin as one of this service"))?;
        let (version, sealed) =
            rest.split_first_chunk::<4>().ok_or_else(|| damaged("it is too short"))?;
        let version = u32::from_be_bytes(*version);
        let cipher = match self.opening(key, version) {
            Err(KmsError::NoVersion { .. }) => return Err(KmsError::DoesNotOpen { what: WRAPPED }),
            other => other?,
        };
        let plaintext = aead::open(&cipher, &wrapped_binding(key, version, aad), sealed, WRAPPED)?;
        Ok(Unwrapped { version, plaintext })
    }

    /// What is told of the versions.
    pub(crate) fn told(&self) -> KeyVersions {
        let told = |v: &Version| KeyVersion { version: v.version, since: Some(v.since) };
        KeyVersions(self.versions.iter().map(told).collect())
    }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, KmsKeyId, SeededEntropy, ServiceInstanceId};

    use super::*;

    #[test]
    fn versions_at_both_sides_of_their_limit_and_the_longest_list_fits_the_file() {
        let entropy = SeededEntropy::new(4);
        let key = CustomerKey {
            account: AccountId::mint("", &entropy),
            instance: ServiceInstanceId::mint("", &entropy),
            key: KmsKeyId::mint("", &entropy),
        };
        let now = Timestamp::from_micros(1);
        let mut opened = Opened::new(KeyMaterial::Root(None), now, &entropy).unwrap();
        for from in 1..u32::try_from(CUSTOMER_VERSIONS_MAX).unwrap() {
            opened = opened.rotated(&key, from, None, now, &entropy).unwrap().unwrap();
        }
        let last = u32::try_from(CUSTOMER_VERSIONS_MAX).unwrap();
        let over = opened.rotated(&key, last, None, now, &entropy);
        assert!(matches!(over, Err(KmsError::TooManyVersions { .. })));
        let master = DataKey::mint(&entropy);
        let body = opened.to_body(&master, &key, &entropy).unwrap();
        assert!(body.len() as u64 + 8 <= FILE_LEN_MAX);
        assert_eq!(Opened::read(&master, &key, &body).unwrap().told(), opened.told());
    }
}
