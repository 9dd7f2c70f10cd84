//! The file of an account's provider root key, with the versions that are kept.
//!
//! Its invariant: each version is sealed for its account and number, so none can take another's
//! place.
//!
//! After the header of every key file (magic `EKPK`, format version, 3 zeros), all big-endian:
//!
//! | format | bytes | what |
//! |---|---|---|
//! | 1 | 4 | version of the key |
//! | 1 | 60 | nonce, ciphertext and tag of the key under the master |
//! | 2 | 4 | versions n |
//! | 2 | n x 72 | version 4, wall time since when in microseconds 8, nonce, ciphertext and tag 60 |
//!
//! Format 1 has one version, and is rewritten as format 2 by the first rotation.

use base::{AccountId, Entropy, Timestamp};

use crate::{
    DataKey, KEY_VERSIONS_MAX, KeyVersion, KeyVersions, KmsError,
    aead::{self, NONCE_LEN, TAG_LEN, context},
};

/// Names a provider root key in errors.
pub(crate) const WHAT: &str = "the provider root key";

/// The version that a provider root key begins with.
const FIRST: u32 = 1;
const SEALED_LEN: usize = NONCE_LEN + DataKey::LEN + TAG_LEN;
const ENTRY_LEN: usize = 4 + 8 + SEALED_LEN;

/// One version, opened.
pub(crate) struct Version {
    pub(crate) version: u32,
    pub(crate) key: DataKey,
    since: Option<Timestamp>,
}

/// A provider root key, opened: its versions, oldest first; never empty.
pub(crate) struct RootKey {
    versions: Vec<Version>,
}

/// Why a file is refused.
pub(crate) enum Refused {
    Why(&'static str),
    Keys(KmsError),
}

impl From<KmsError> for Refused {
    fn from(error: KmsError) -> Self {
        match error {
            KmsError::DoesNotOpen { .. } => {
                Self::Why("it does not open: it was changed, or sealed under another master key")
            }
            KmsError::Damaged { why, .. } => Self::Why(why),
            other => Self::Keys(other),
        }
    }
}

fn binding(account: &AccountId, version: u32) -> Vec<u8> {
    let version = version.to_be_bytes();
    context(&[b"ectype provider root key 1", account.as_str().as_bytes(), &version])
}

fn open(
    master: &DataKey,
    account: &AccountId,
    version: u32,
    sealed: &[u8],
) -> Result<DataKey, Refused> {
    let plain = aead::open(master, &binding(account, version), sealed, WHAT)?;
    DataKey::from_slice(&plain).ok_or(Refused::Why("its length is wrong"))
}

impl RootKey {
    /// A new key.
    pub(crate) fn mint(entropy: &dyn Entropy) -> Self {
        let key = DataKey::mint(entropy);
        Self { versions: vec![Version { version: FIRST, key, since: None }] }
    }

    /// Reads the body of a file of format 1 or 2.
    pub(crate) fn read(
        master: &DataKey,
        account: &AccountId,
        format: u8,
        body: &[u8],
    ) -> Result<Self, Refused> {
        let (number, rest) = body.split_first_chunk().ok_or(Refused::Why("it is too short"))?;
        let number = u32::from_be_bytes(*number);
        if format == 1 {
            let key = open(master, account, number, rest)?;
            return Ok(Self { versions: vec![Version { version: number, key, since: None }] });
        }
        let whole = (1..=KEY_VERSIONS_MAX).contains(&(number as usize));
        if !whole || rest.len() != number as usize * ENTRY_LEN {
            return Err(Refused::Why("its length does not fit its versions"));
        }
        let mut versions: Vec<Version> = Vec::with_capacity(number as usize);
        for entry in rest.chunks_exact(ENTRY_LEN) {
            let (head, sealed) = entry.split_at(12);
            let (version, since) = head.split_at(4);
            let version = u32::from_be_bytes(version.try_into().unwrap_or_default());
            let since = i64::from_be_bytes(since.try_into().unwrap_or_default());
            if versions.last().is_some_and(|last| last.version >= version) {
                return Err(Refused::Why("its versions are out of order"));
            }
            let key = open(master, account, version, sealed)?;
            let since = (since != 0).then(|| Timestamp::from_micros(since));
            versions.push(Version { version, key, since });
        }
        Ok(Self { versions })
    }

    /// The body of a file, and its format: 1 for a key that was never rotated.
    pub(crate) fn to_body(
        &self,
        master: &DataKey,
        account: &AccountId,
        entropy: &dyn Entropy,
    ) -> Result<(u8, Vec<u8>), KmsError> {
        let seal = |one: &Version| {
            let aad = binding(account, one.version);
            aead::seal(master, entropy, &aad, one.key.expose(), WHAT)
        };
        if let [only] = self.versions.as_slice()
            && only.since.is_none()
        {
            return Ok((1, [&only.version.to_be_bytes(), seal(only)?.as_slice()].concat()));
        }
        let count = u32::try_from(self.versions.len()).unwrap_or(u32::MAX);
        let mut body = count.to_be_bytes().to_vec();
        for one in &self.versions {
            body.extend_from_slice(&one.version.to_be_bytes());
            body.extend_from_slice(&one.since.map_or(0, Timestamp::micros).to_be_bytes());
            body.extend_from_slice(&seal(one)?);
        }
        Ok((2, body))
    }

    /// The version that wraps.
    pub(crate) fn current(&self) -> &Version {
        // INVARIANT: a root key has a version from its beginning, and the last is never retired.
        self.versions.last().expect("a root key has a version")
    }

    /// The version of that number.
    pub(crate) fn of(&self, version: u32) -> Option<&Version> {
        self.versions.iter().find(|one| one.version == version)
    }

    /// With a new version after `from`; none when `from` is not the current one.
    pub(crate) fn rotated(
        &self,
        from: u32,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Option<Self>, KmsError> {
        if self.current().version != from {
            return Ok(None);
        }
        if self.versions.len() >= KEY_VERSIONS_MAX {
            return Err(KmsError::TooManyVersions { max: KEY_VERSIONS_MAX });
        }
        let mut next = self.kept(0);
        let key = DataKey::mint(entropy);
        next.versions.push(Version { version: from.saturating_add(1), key, since: Some(now) });
        Ok(Some(next))
    }

    /// Without the versions below `below`; the current one stays.
    pub(crate) fn kept(&self, below: u32) -> Self {
        let current = self.current().version;
        let kept = self.versions.iter().filter(|v| v.version >= below || v.version == current);
        let copy = |v: &Version| Version {
            version: v.version,
            key: DataKey::from_bytes(v.key.expose()),
            since: v.since,
        };
        Self { versions: kept.map(copy).collect() }
    }

    /// What is told of the versions.
    pub(crate) fn told(&self) -> KeyVersions {
        let told = |v: &Version| KeyVersion { version: v.version, since: v.since };
        KeyVersions(self.versions.iter().map(told).collect())
    }
}
