//! Customers' keys: made, brought, used, suspended, destroyed.

use std::{fs, path::PathBuf, sync::Arc};

use base::{AccountId, Crn, KmsKeyId, SeededEntropy, ServiceInstanceId, Timestamp};
use kms::{
    CustomerKey, CustomerKeys, DataKey, FileKeyStore, KeyMaterial, KeyRef, KeyStore, KeyUse,
    KmsError, ROOT_LENGTHS, STANDARD_LEN_MAX, WrappedKey,
};
use zeroize::Zeroizing;

struct Bench {
    dir: PathBuf,
    entropy: Arc<SeededEntropy>,
    _root: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("keys");
        let entropy = Arc::new(SeededEntropy::new(7));
        FileKeyStore::create(&dir, entropy.clone()).unwrap();
        Self { dir, entropy, _root: root }
    }

    fn open(&self) -> FileKeyStore {
        FileKeyStore::open(&self.dir, self.entropy.clone()).unwrap()
    }

    fn file(&self, key: &CustomerKey) -> PathBuf {
        self.dir.join(format!("customer-{}.key", key.key))
    }
}

fn key(name: &str) -> CustomerKey {
    CustomerKey {
        account: AccountId::parse(&"a".repeat(32)).unwrap(),
        instance: ServiceInstanceId::parse("instance").unwrap(),
        key: KmsKeyId::parse(name).unwrap(),
    }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn bytes(of: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    Some(Zeroizing::new(of.to_vec()))
}

async fn root(store: &FileKeyStore, name: &str) -> CustomerKey {
    let key = key(name);
    store.customer_create(&key, KeyMaterial::Root(None), at(1)).await.unwrap();
    key
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}

/// B7: what a root key wrapped opens by that key with that context alone, also after a restart,
/// and any change of it is seen.
#[tokio::test]
async fn what_is_wrapped_opens_only_by_its_key_with_its_context_and_unchanged() {
    let bench = Bench::new();
    let store = bench.open();
    let (one, other) = (root(&store, "one").await, root(&store, "other").await);
    let aad = texts(&["a", "bc"]);
    let (version, wrapped) = store.customer_wrap(&one, &aad, b"secret").await.unwrap();
    assert_eq!(version, 1);
    let again = bench.open();
    let opened = again.customer_unwrap(&one, &aad, &wrapped).await.unwrap();
    assert_eq!((opened.version, opened.plaintext.as_slice()), (1, b"secret".as_slice()));
    for wrong in [texts(&[]), texts(&["ab", "c"]), texts(&["a"]), texts(&["a", "bc", ""])] {
        assert!(store.customer_unwrap(&one, &wrong, &wrapped).await.is_err(), "{wrong:?}");
    }
    assert!(store.customer_unwrap(&other, &aad, &wrapped).await.is_err());
    for place in 0..wrapped.len() {
        let mut bad = wrapped.clone();
        bad[place] ^= 1;
        assert!(store.customer_unwrap(&one, &aad, &bad).await.is_err(), "byte {place}");
        assert!(store.customer_unwrap(&one, &aad, &wrapped[..place]).await.is_err());
    }
}

/// S21: every version opens what it wrapped; the newest wraps.
#[tokio::test]
async fn a_rotated_key_opens_what_its_older_versions_wrapped() {
    let bench = Bench::new();
    let store = bench.open();
    let key = root(&store, "k").await;
    let (_, old) = store.customer_wrap(&key, &[], b"secret").await.unwrap();
    let versions = store.customer_rotate(&key, 1, None, at(2)).await.unwrap();
    assert_eq!(versions.0.iter().map(|v| v.version).collect::<Vec<_>>(), [1, 2]);
    // A repeat changes nothing.
    assert_eq!(store.customer_rotate(&key, 1, None, at(3)).await.unwrap(), versions);
    let (version, new) = store.customer_wrap(&key, &[], b"secret").await.unwrap();
    assert_eq!(version, 2);
    for (wrapped, version) in [(old, 1), (new, 2)] {
        let opened = bench.open().customer_unwrap(&key, &[], &wrapped).await.unwrap();
        assert_eq!((opened.version, opened.plaintext.as_slice()), (version, b"secret".as_slice()));
    }
}

/// Invariant 22: a suspended or destroyed key wraps and opens nothing, data keys neither, by
/// whatever reference; enabling it brings all back; erasing it ends it.
#[tokio::test]
async fn a_key_out_of_use_opens_nothing_until_it_is_back() {
    let bench = Bench::new();
    let store = bench.open();
    let key = root(&store, "k").await;
    let reference = KeyRef::Customer(key.clone());
    let image = Crn::vpc("us-south", &key.account, "image", "i");
    let data_key = DataKey::from_bytes(&[9; DataKey::LEN]);
    let wrapped = store.wrap(&reference, &image, &data_key).await.unwrap();
    let wrapped = WrappedKey::from_bytes(&wrapped.to_bytes()).unwrap();
    let (_, text) = store.customer_wrap(&key, &[], b"x").await.unwrap();
    for state in [KeyUse::Suspended, KeyUse::Destroyed] {
        store.customer_use(&key, state).await.unwrap();
        for store in [&store, &bench.open()] {
            let refused = |error| matches!(error, KmsError::KeyUnusable { .. });
            assert!(refused(store.unwrap(&image, &wrapped).await.unwrap_err()));
            assert!(refused(store.wrap(&reference, &image, &data_key).await.unwrap_err()));
            assert!(refused(store.customer_wrap(&key, &[], b"x").await.unwrap_err()));
            assert!(refused(store.customer_unwrap(&key, &[], &text).await.err().unwrap()));
        }
    }
    store.customer_use(&key, KeyUse::Active).await.unwrap();
    assert_eq!(store.unwrap(&image, &wrapped).await.unwrap().expose(), data_key.expose());
    store.destroy(&reference).await.unwrap();
    store.destroy(&reference).await.unwrap();
    assert!(!bench.file(&key).exists());
    assert!(matches!(store.unwrap(&image, &wrapped).await, Err(KmsError::KeyMissing { .. })));
    assert_eq!(store.versions(&reference).await.unwrap().0.len(), 0);
}

#[tokio::test]
async fn a_standard_key_gives_its_bytes_and_wraps_nothing_and_a_root_key_gives_none() {
    let bench = Bench::new();
    let store = bench.open();
    let (standard, root) = (key("s"), root(&store, "r").await);
    let material = KeyMaterial::Standard(bytes(b"any bytes"));
    store.customer_create(&standard, material, at(1)).await.unwrap();
    assert_eq!(store.customer_material(&standard).await.unwrap().as_slice(), b"any bytes");
    let wrong = |error: KmsError| matches!(error, KmsError::WrongKind { .. });
    assert!(wrong(store.customer_wrap(&standard, &[], b"x").await.unwrap_err()));
    assert!(wrong(store.customer_rotate(&standard, 1, None, at(2)).await.unwrap_err()));
    assert!(wrong(store.customer_material(&root).await.unwrap_err()));
    let again = store.customer_create(&root, KeyMaterial::Root(None), at(1)).await;
    assert!(matches!(again, Err(KmsError::KeyExists { .. })));
}

#[tokio::test]
async fn lengths_at_both_sides_of_their_limits() {
    let bench = Bench::new();
    let store = bench.open();
    for len in 0..=40 {
        let made = KeyMaterial::Root(bytes(&vec![1; len]));
        let made = store.customer_create(&key(&format!("r{len}")), made, at(1)).await;
        assert_eq!(made.is_ok(), ROOT_LENGTHS.contains(&len), "{len}");
    }
    for len in [0, 1, STANDARD_LEN_MAX, STANDARD_LEN_MAX + 1] {
        let made = KeyMaterial::Standard(bytes(&vec![1; len]));
        let made = store.customer_create(&key(&format!("s{len}")), made, at(1)).await;
        assert_eq!(made.is_ok(), (1..=STANDARD_LEN_MAX).contains(&len), "{len}");
    }
}

/// Invariant 27: files that were cut, changed or put in another's place are refused.
#[tokio::test]
async fn a_file_that_was_changed_or_moved_is_refused() {
    let bench = Bench::new();
    let store = bench.open();
    let (one, other) = (root(&store, "one").await, root(&store, "other").await);
    let good = fs::read(bench.file(&one)).unwrap();
    let refused = async || {
        let opened = bench.open().customer_wrap(&one, &[], b"x").await;
        matches!(opened, Err(KmsError::DamagedFile { .. } | KmsError::UnknownVersion { .. }))
    };
    fs::copy(bench.file(&other), bench.file(&one)).unwrap();
    assert!(refused().await);
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        fs::write(bench.file(&one), &bad).unwrap();
        assert!(refused().await, "byte {place}");
    }
    for len in [0, 7, 8, good.len() - 1] {
        fs::write(bench.file(&one), &good[..len]).unwrap();
        assert!(refused().await, "cut at {len}");
    }
    fs::write(bench.file(&one), &good).unwrap();
    let elsewhere =
        CustomerKey { instance: ServiceInstanceId::parse("another").unwrap(), ..one.clone() };
    assert!(bench.open().customer_wrap(&elsewhere, &[], b"x").await.is_err());
    // Also when the right one was opened before.
    let store = bench.open();
    assert!(store.customer_wrap(&one, &[], b"x").await.is_ok());
    assert!(store.customer_wrap(&elsewhere, &[], b"x").await.is_err());
}
