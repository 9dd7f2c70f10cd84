//! Versions of a provider root key: made, kept, retired, destroyed.

use std::{fs, path::PathBuf, sync::Arc};

use base::{AccountId, Crn, ErrorKind, SeededEntropy, Timestamp};
use kms::{
    DataKey, FileKeyStore, KEY_VERSIONS_MAX, KeyRef, KeyStore, KeyVersion, KmsError, WrappedKey,
};

struct Bench {
    dir: PathBuf,
    entropy: Arc<SeededEntropy>,
    _root: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("keys");
        let entropy = Arc::new(SeededEntropy::new(12));
        FileKeyStore::create(&dir, entropy.clone()).unwrap();
        Self { dir, entropy, _root: root }
    }

    fn open(&self) -> FileKeyStore {
        FileKeyStore::open(&self.dir, self.entropy.clone()).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.dir.join(format!("provider-{}.key", "a".repeat(32)))
    }
}

fn account() -> AccountId {
    AccountId::parse(&"a".repeat(32)).unwrap()
}

fn provider() -> KeyRef {
    KeyRef::Provider(account())
}

fn image() -> Crn {
    Crn::vpc("us-south", &account(), "image", "i")
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn data_key() -> DataKey {
    DataKey::from_bytes(&[9; DataKey::LEN])
}

async fn opens(store: &FileKeyStore, wrapped: &WrappedKey) -> Result<(), KmsError> {
    let opened = store.unwrap(&image(), wrapped).await?;
    assert_eq!(opened.expose(), data_key().expose());
    Ok(())
}

/// Invariant 21: a rotation changes what wraps, not what is wrapped: the old and the new version
/// both open until the old one is retired. A wrap anew writes less than 200 bytes.
#[tokio::test]
async fn old_and_new_version_both_unwrap_until_retirement() {
    let bench = Bench::new();
    let store = bench.open();
    assert!(store.versions(&provider()).await.unwrap().current().is_none());
    assert!(store.rotate(&provider(), 1, at(5)).await.is_err(), "there is no key yet");
    let old = store.wrap(&provider(), &image(), &data_key()).await.unwrap();
    let versions = store.rotate(&provider(), 1, at(5)).await.unwrap();
    assert_eq!(versions.current(), Some(KeyVersion { version: 2, since: Some(at(5)) }));
    assert_eq!(store.rotate(&provider(), 1, at(6)).await.unwrap(), versions, "a repeat");
    let new = store.rewrap(&image(), &old, &provider()).await.unwrap();
    assert_eq!((old.key_version(), new.key_version()), (1, 2));
    assert!(new.to_bytes().len() < 200);
    for store in [&store, &bench.open()] {
        opens(store, &old).await.unwrap();
        opens(store, &new).await.unwrap();
    }
    assert_eq!(store.retire(&provider(), 1).await.unwrap(), versions, "there is none below");
    let left = store.retire(&provider(), 9).await.unwrap();
    assert_eq!(left.0, [KeyVersion { version: 2, since: Some(at(5)) }]);
    for store in [&store, &bench.open()] {
        let gone = opens(store, &old).await.unwrap_err();
        assert!(matches!(gone, KmsError::VersionRetired { version: 1, .. }), "{gone}");
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        opens(store, &new).await.unwrap();
    }
    // The binding names the version: a wrap cannot pass for one of another.
    let mut forged = old.to_bytes();
    forged[47..51].copy_from_slice(&2_u32.to_be_bytes());
    let forged = WrappedKey::from_bytes(&forged).unwrap();
    assert_eq!(forged.key_version(), 2);
    assert!(matches!(opens(&store, &forged).await, Err(KmsError::DoesNotOpen { .. })));
}

/// A process that read the file before another rotated the key opens what the other wrapped.
#[tokio::test]
async fn a_version_of_another_process_is_found() {
    let bench = Bench::new();
    let (one, two) = (bench.open(), bench.open());
    let old = one.wrap(&provider(), &image(), &data_key()).await.unwrap();
    opens(&two, &old).await.unwrap();
    one.rotate(&provider(), 1, at(1)).await.unwrap();
    opens(&two, &one.wrap(&provider(), &image(), &data_key()).await.unwrap()).await.unwrap();
    let mut unknown = old.to_bytes();
    unknown[47..51].copy_from_slice(&9_u32.to_be_bytes());
    let unknown = WrappedKey::from_bytes(&unknown).unwrap();
    assert!(matches!(opens(&two, &unknown).await, Err(KmsError::DoesNotOpen { .. })));
}

/// Invariant 22, of the keys: a destroyed root key opens nothing, and its file keeps none of it.
#[tokio::test]
async fn a_destroyed_root_key_opens_nothing() {
    let bench = Bench::new();
    let store = bench.open();
    let old = store.wrap(&provider(), &image(), &data_key()).await.unwrap();
    store.rotate(&provider(), 1, at(1)).await.unwrap();
    let new = store.wrap(&provider(), &image(), &data_key()).await.unwrap();
    let master = fs::read(bench.dir.join("master.key")).unwrap();
    store.destroy(&provider()).await.unwrap();
    store.destroy(&provider()).await.unwrap();
    assert!(!bench.file().exists());
    assert_eq!(fs::read(bench.dir.join("master.key")).unwrap(), master, "others live on");
    for store in [&store, &bench.open()] {
        for wrapped in [&old, &new] {
            let gone = opens(store, wrapped).await.unwrap_err();
            assert!(matches!(gone, KmsError::RootKeyMissing { .. }), "{gone}");
        }
    }
    // A new key of the account is another one, and old wraps are not its own.
    store.wrap(&provider(), &image(), &data_key()).await.unwrap();
    assert!(matches!(opens(&store, &old).await, Err(KmsError::DoesNotOpen { .. })));
}

/// Old versions are kept up to a limit; one more is refused until some are retired.
#[tokio::test]
async fn versions_at_the_limit() {
    let bench = Bench::new();
    let store = bench.open();
    store.wrap(&provider(), &image(), &data_key()).await.unwrap();
    for version in 1..KEY_VERSIONS_MAX as u32 {
        store.rotate(&provider(), version, at(version.into())).await.unwrap();
    }
    let full = KEY_VERSIONS_MAX as u32;
    assert_eq!(bench.open().versions(&provider()).await.unwrap().0.len(), KEY_VERSIONS_MAX);
    let refused = store.rotate(&provider(), full, at(1)).await.unwrap_err();
    assert!(matches!(refused, KmsError::TooManyVersions { .. }), "{refused}");
    assert_eq!(refused.kind(), ErrorKind::Limit);
    store.retire(&provider(), full).await.unwrap();
    store.rotate(&provider(), full, at(1)).await.unwrap();
}

/// Invariants 18 and 26: a file of the first format is read, one of a newer is refused, and so is
/// every changed byte of a rotated one.
#[tokio::test]
async fn files_of_both_formats_are_read_and_damage_is_seen() {
    let bench = Bench::new();
    let store = bench.open();
    let old = store.wrap(&provider(), &image(), &data_key()).await.unwrap();
    let first = fs::read(bench.file()).unwrap();
    assert_eq!((&first[..5], first.len()), (&b"EKPK\x01"[..], 72));
    store.rotate(&provider(), 1, at(1)).await.unwrap();
    let good = fs::read(bench.file()).unwrap();
    assert_eq!((&good[..5], good.len()), (&b"EKPK\x02"[..], 12 + 2 * 72));
    for byte in 0..good.len() {
        let mut bad = good.clone();
        bad[byte] ^= 4;
        fs::write(bench.file(), &bad).unwrap();
        let store = bench.open();
        // The time since when a version wraps is only told.
        let told = (12..good.len()).contains(&byte) && (4..12).contains(&((byte - 12) % 72));
        match opens(&store, &old).await {
            Ok(()) => assert!(told, "byte {byte}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {byte}: {error}"),
        }
        fs::write(bench.file(), &good[..byte]).unwrap();
        assert!(opens(&bench.open(), &old).await.is_err(), "cut at {byte}");
    }
    let mut newer = good.clone();
    newer[4] = 3;
    fs::write(bench.file(), &newer).unwrap();
    let refused = opens(&bench.open(), &old).await.unwrap_err();
    assert!(matches!(refused, KmsError::UnknownVersion { version: 3, .. }), "{refused}");
    fs::write(bench.file(), &good).unwrap();
    opens(&bench.open(), &old).await.unwrap();
}
