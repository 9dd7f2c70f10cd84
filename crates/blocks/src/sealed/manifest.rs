//! Manifests: what a rebuild of a lost database needs of an image, kept beside the packs.
//!
//! It refuses to know what the payload says. Its invariant: a payload comes out only when its
//! code was made with the same key, for the same name, in the same store.
//!
//! Object `manifest/<name>`:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `ECTMANIF` |
//! | 8 | 2 | format version, 1 |
//! | 10 | 2 | 0 |
//! | 12 | 4 | length n of the payload |
//! | 16 | 16 | store id |
//! | 32 | n | payload |
//! | 32 + n | 32 | keyed BLAKE3 of all before, then the name |

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{fields::Fields, id::StoreId, store::ChunkStore};
use crate::Error;

const MANIFEST_MAGIC: &[u8; 8] = b"ECTMANIF";
const MANIFEST_VERSION: u16 = 1;
const HEAD_BYTES: usize = 32;
const CODE_BYTES: usize = 32;

/// Where manifests lie.
pub(super) const MANIFEST_PREFIX: &str = "manifest";

/// Longest payload of a manifest, in bytes.
pub const MANIFEST_PAYLOAD_MAX_BYTES: usize = 1024 * 1024;

/// Longest name of a manifest.
const NAME_LENGTH_MAX: usize = 64;

/// The key that authenticates manifests.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ManifestKey([u8; 32]);

impl ManifestKey {
    /// From stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for ManifestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ManifestKey(secret)")
    }
}

fn object_key(name: &str) -> Result<String, Error> {
    let ok = (1..=NAME_LENGTH_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if ok {
        Ok(format!("{MANIFEST_PREFIX}/{name}"))
    } else {
        Err(Error::Invalid { what: "a manifest's name is letters, digits, - and _".to_owned() })
    }
}

fn code(key: &ManifestKey, before: &[u8], name: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(&key.0);
    hasher.update(before).update(name.as_bytes());
    hasher.finalize()
}

fn to_bytes(store: StoreId, name: &str, key: &ManifestKey, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD_BYTES + payload.len() + CODE_BYTES);
    out.extend_from_slice(MANIFEST_MAGIC);
    out.extend_from_slice(&MANIFEST_VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&store.0);
    out.extend_from_slice(payload);
    let code = code(key, &out, name);
    out.extend_from_slice(code.as_bytes());
    out
}

pub(super) fn parse(
    store: StoreId,
    name: &str,
    key: &ManifestKey,
    bytes: &[u8],
) -> Result<Vec<u8>, Error> {
    let named = || name.to_owned();
    let mut fields = Fields::new(bytes, "manifest", &named);
    fields.head(MANIFEST_MAGIC, MANIFEST_VERSION)?;
    fields.reserved(2)?;
    let length = fields.u32()? as usize;
    let in_store = StoreId(fields.array()?);
    let payload = fields.take(length)?;
    let stated = blake3::Hash::from_bytes(fields.array()?);
    if !fields.rest().is_empty() || in_store != store {
        return Err(fields.refuse("its length or store is wrong"));
    }
    // Comparing hashes takes the same time whatever they are.
    if code(key, &bytes[..HEAD_BYTES + length], name) != stated {
        return Err(fields.refuse("its code does not match"));
    }
    Ok(payload.to_vec())
}

impl ChunkStore {
    /// Stores a manifest, replacing the one of that name.
    ///
    /// # Errors
    /// `Invalid` for an illegal name or a payload over [`MANIFEST_PAYLOAD_MAX_BYTES`]; `Io`,
    /// `NoSpace`.
    pub fn put_manifest(&self, name: &str, key: &ManifestKey, payload: &[u8]) -> Result<(), Error> {
        let object = object_key(name)?;
        if payload.len() > MANIFEST_PAYLOAD_MAX_BYTES {
            return Err(Error::Invalid { what: "a manifest's payload is too long".to_owned() });
        }
        self.backend.replace(&object, to_bytes(self.id(), name, key, payload))
    }

    /// The payload of a manifest.
    ///
    /// # Errors
    /// `Missing`; `Corrupt` when it was changed, moved or made with another key;
    /// `UnknownFormat`, `Io`.
    pub fn manifest(&self, name: &str, key: &ManifestKey) -> Result<Vec<u8>, Error> {
        let object = object_key(name)?;
        let size = self.backend.size(&object)?;
        if size > (HEAD_BYTES + MANIFEST_PAYLOAD_MAX_BYTES + CODE_BYTES) as u64 {
            return Err(Error::Corrupt {
                what: "manifest",
                name: name.to_owned(),
                why: "it is too long",
            });
        }
        // Manifests are replaced, so a file that is kept open may be the one before.
        self.backend.forget(&object);
        let bytes = self.backend.read(&object, 0, size as usize)?;
        parse(self.id(), name, key, &bytes)
    }

    /// Deletes a manifest; one that is not there is no error.
    ///
    /// # Errors
    /// `Invalid` for an illegal name, `Io`.
    pub fn delete_manifest(&self, name: &str) -> Result<(), Error> {
        self.backend.delete(&object_key(name)?)
    }

    /// Names of all manifests, ordered.
    ///
    /// # Errors
    /// `Io`.
    pub fn manifests(&self) -> Result<Vec<String>, Error> {
        let mut names: Vec<_> = self
            .backend
            .list(MANIFEST_PREFIX)?
            .into_iter()
            .filter_map(|one| Some(one.key.strip_prefix("manifest/")?.to_owned()))
            .filter(|name| object_key(name).is_ok())
            .collect();
        names.sort_unstable();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn manifests_are_stored_replaced_listed_and_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let store = ChunkStore::create(dir.path(), &SeededEntropy::new(1)).unwrap();
        let key = ManifestKey::from_bytes([1; 32]);
        assert!(matches!(store.manifest("r006-1", &key), Err(Error::Missing { .. })));
        store.put_manifest("r006-1", &key, b"one").unwrap();
        store.put_manifest("r006-2", &key, b"two").unwrap();
        assert_eq!(store.manifest("r006-1", &key).unwrap(), b"one");
        store.put_manifest("r006-1", &key, b"three").unwrap();
        assert_eq!(store.manifest("r006-1", &key).unwrap(), b"three");
        assert_eq!(store.manifests().unwrap(), ["r006-1", "r006-2"]);
        store.delete_manifest("r006-1").unwrap();
        store.delete_manifest("r006-1").unwrap();
        assert_eq!(store.manifests().unwrap(), ["r006-2"]);
        for bad in ["", "../x", "a/b", "a.b", &"a".repeat(65)] {
            assert!(store.put_manifest(bad, &key, b"").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_payload_at_the_limit_is_stored_and_one_byte_more_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let store = ChunkStore::create(dir.path(), &SeededEntropy::new(1)).unwrap();
        let key = ManifestKey::from_bytes([1; 32]);
        let mut payload = vec![1; MANIFEST_PAYLOAD_MAX_BYTES];
        store.put_manifest("x", &key, &payload).unwrap();
        assert_eq!(store.manifest("x", &key).unwrap(), payload);
        payload.push(1);
        assert!(store.put_manifest("x", &key, &payload).is_err());
    }

    /// Invariant 18, for manifests.
    #[test]
    fn a_changed_renamed_or_foreign_manifest_is_refused() {
        let (store, key) = (StoreId([1; 16]), ManifestKey::from_bytes([1; 32]));
        let good = to_bytes(store, "name", &key, b"payload");
        assert_eq!(parse(store, "name", &key, &good).unwrap(), b"payload");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 4;
            assert!(parse(store, "name", &key, &bad).is_err(), "{at}");
            assert!(parse(store, "name", &key, &good[..at]).is_err(), "{at}");
        }
        assert!(parse(store, "mane", &key, &good).is_err());
        assert!(parse(StoreId([2; 16]), "name", &key, &good).is_err());
        assert!(parse(store, "name", &ManifestKey::from_bytes([2; 32]), &good).is_err());
    }
}
