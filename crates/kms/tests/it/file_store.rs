use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use base::{AccountId, Crn, ErrorKind, SeededEntropy};
use kms::{DataKey, FileKeyStore, KeyRef, KeyStore, KmsError, SECRET_LEN_MAX, WrappedKey};

struct Bench {
    dir: PathBuf,
    entropy: Arc<SeededEntropy>,
    _root: tempfile::TempDir,
}

fn bench() -> Bench {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("keys");
    Bench { dir, entropy: Arc::new(SeededEntropy::new(11)), _root: root }
}

impl Bench {
    fn create(&self) -> FileKeyStore {
        FileKeyStore::create(&self.dir, self.entropy.clone()).unwrap()
    }
    fn open(&self) -> Result<FileKeyStore, KmsError> {
        FileKeyStore::open(&self.dir, self.entropy.clone())
    }
    fn master(&self) -> PathBuf {
        self.dir.join("master.key")
    }
    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(&self.dir).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        files
    }
}

fn account(letter: &str) -> AccountId {
    AccountId::parse(&letter.repeat(32)).unwrap()
}

fn provider(letter: &str) -> KeyRef {
    KeyRef::Provider(account(letter))
}

fn image(id: &str) -> Crn {
    Crn::vpc("us-south", &account("a"), "image", id)
}

fn key(byte: u8) -> DataKey {
    DataKey::from_bytes(&[byte; DataKey::LEN])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn refused<T>(result: Result<T, KmsError>) -> KmsError {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_data_key_comes_back_also_after_a_restart() {
    let bench = bench();
    let wrapped = {
        let store = bench.create();
        store.wrap(&provider("a"), &image("i"), &key(1)).await.unwrap().to_bytes()
    };
    let store = bench.open().unwrap();
    let wrapped = WrappedKey::from_bytes(&wrapped).unwrap();
    assert_eq!((wrapped.key(), wrapped.key_version()), (&provider("a"), 1));
    assert_eq!(store.unwrap(&image("i"), &wrapped).await.unwrap().expose(), key(1).expose());
}

#[tokio::test]
async fn a_data_key_opens_for_its_own_resource_only() {
    let bench = bench();
    let store = bench.create();
    let wrapped = store.wrap(&provider("a"), &image("i"), &key(1)).await.unwrap();
    let volume = Crn::vpc("us-south", &account("a"), "volume", "i");
    for other in [image("j"), volume] {
        let error = refused(store.unwrap(&other, &wrapped).await);
        assert!(matches!(error, KmsError::DoesNotOpen { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn a_data_key_opens_under_its_own_root_key_only() {
    let bench = bench();
    let store = bench.create();
    let wrapped = store.wrap(&provider("a"), &image("i"), &key(1)).await.unwrap();
    store.wrap(&provider("b"), &image("i"), &key(1)).await.unwrap();
    let mut bytes = wrapped.to_bytes();
    bytes[15..47].fill(b'b');
    let swapped = WrappedKey::from_bytes(&bytes).unwrap();
    assert_eq!(swapped.key(), &provider("b"));
    assert!(store.unwrap(&image("i"), &swapped).await.is_err());
    bytes[15..47].fill(b'c');
    let nobody = WrappedKey::from_bytes(&bytes).unwrap();
    let error = refused(store.unwrap(&image("i"), &nobody).await);
    assert!(matches!(error, KmsError::RootKeyMissing { .. }), "{error}");
}

/// Invariant 18: any single changed byte of a wrapped key is an error, never another key.
#[tokio::test]
async fn every_changed_byte_of_a_wrapped_key_is_seen() {
    let bench = bench();
    let store = bench.create();
    let bytes = store.wrap(&provider("a"), &image("i"), &key(1)).await.unwrap().to_bytes();
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        if let Ok(wrapped) = WrappedKey::from_bytes(&bad) {
            assert!(store.unwrap(&image("i"), &wrapped).await.is_err(), "byte {at}");
        }
    }
}

/// Invariant 19: no nonce comes twice under one key.
#[tokio::test]
async fn wrapping_twice_gives_different_bytes() {
    let bench = bench();
    let store = bench.create();
    let mut nonces = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let bytes = store.wrap(&provider("a"), &image("i"), &key(1)).await.unwrap().to_bytes();
        assert!(nonces.insert(bytes[51..63].to_vec()));
    }
}

#[tokio::test]
async fn files_and_folder_are_for_their_owner_only() {
    let bench = bench();
    let store = bench.create();
    store.wrap(&provider("a"), &image("i"), &key(1)).await.unwrap();
    assert_eq!(mode(&bench.dir), 0o700);
    assert_eq!(bench.files().len(), 2, "{:?}", bench.files());
    for file in bench.files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

/// Invariant 20: no key appears in what is stored, except the master in its own file.
#[tokio::test]
async fn no_key_lies_open_in_a_file() {
    let bench = bench();
    let store = bench.create();
    let wrapped = store.wrap(&provider("a"), &image("i"), &key(0x5a)).await.unwrap().to_bytes();
    let secret = store.seal_secret("token", b"canary-canary").await.unwrap();
    let master = fs::read(bench.master()).unwrap()[8..40].to_vec();
    let holds = |hay: &[u8], needle: &[u8]| hay.windows(needle.len()).any(|w| w == needle);
    assert!(!holds(&wrapped, &[0x5a; 8]));
    assert!(!holds(&secret, b"canary"));
    for file in bench.files().into_iter().filter(|f| *f != bench.master()) {
        assert!(!holds(&fs::read(file).unwrap(), &master[..8]));
    }
    assert_eq!(format!("{:?}", key(0x5a)), "DataKey(..)");
}

#[tokio::test]
async fn what_others_can_read_is_refused() {
    for bits in [0o640, 0o604, 0o620, 0o601] {
        let bench = bench();
        bench.create();
        fs::set_permissions(bench.master(), fs::Permissions::from_mode(bits)).unwrap();
        let error = refused(bench.open());
        assert!(matches!(error, KmsError::Exposed { mode, .. } if mode == bits), "{error}");
    }
    let bench = bench();
    let store = bench.create();
    store.wrap(&provider("a"), &image("i"), &key(1)).await.unwrap();
    let file = bench.files().pop().unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = refused(bench.open().unwrap().wrap(&provider("a"), &image("i"), &key(1)).await);
    assert!(matches!(error, KmsError::Exposed { .. }), "{error}");
    fs::set_permissions(&bench.dir, fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(refused(bench.open()), KmsError::Exposed { .. }));
}

#[test]
fn a_link_in_place_of_the_master_key_is_refused() {
    let bench = bench();
    bench.create();
    let elsewhere = bench.dir.join("elsewhere");
    fs::rename(bench.master(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, bench.master()).unwrap();
    assert!(matches!(refused(bench.open()), KmsError::Io { .. }));
}

#[test]
fn a_second_master_key_is_never_made() {
    let bench = bench();
    bench.create();
    let before = fs::read(bench.master()).unwrap();
    let again = FileKeyStore::create(&bench.dir, bench.entropy.clone());
    assert!(matches!(refused(again), KmsError::MasterExists { .. }));
    FileKeyStore::open_or_create(&bench.dir, bench.entropy.clone()).unwrap();
    assert_eq!(fs::read(bench.master()).unwrap(), before);
    assert_eq!(bench.files(), [bench.master()], "no temporary file is left");
}

#[test]
fn a_missing_master_key_has_a_clear_error() {
    let bench = bench();
    let error = refused(bench.open());
    assert!(error.to_string().contains("there is no master key at"), "{error}");
    bench.create();
    fs::remove_file(bench.master()).unwrap();
    assert!(matches!(refused(bench.open()), KmsError::MasterMissing { .. }));
}

#[test]
fn every_changed_byte_of_the_master_key_is_seen() {
    let bench = bench();
    bench.create();
    let good = fs::read(bench.master()).unwrap();
    assert_eq!(good.len(), 48);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(bench.master(), &bad).unwrap();
        let error = refused(bench.open());
        assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
        fs::write(bench.master(), &good[..at]).unwrap();
        assert_eq!(refused(bench.open()).kind(), ErrorKind::Corrupt, "cut at {at}");
    }
    fs::write(bench.master(), [good.as_slice(), b"x"].concat()).unwrap();
    assert_eq!(refused(bench.open()).kind(), ErrorKind::Corrupt);
    fs::write(bench.master(), vec![0; 5000]).unwrap();
    assert_eq!(refused(bench.open()).kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_damaged_provider_key_has_a_clear_error() {
    let bench = bench();
    let wrapped = bench.create().wrap(&provider("a"), &image("i"), &key(1)).await.unwrap();
    let file = bench.files().pop().unwrap();
    let good = fs::read(&file).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&file, &bad).unwrap();
        let store = bench.open().unwrap();
        let error = refused(store.unwrap(&image("i"), &wrapped).await);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
        // A damaged key is never replaced by a new one.
        assert!(store.wrap(&provider("a"), &image("i"), &key(1)).await.is_err());
    }
    fs::write(&file, &good).unwrap();
    assert!(bench.open().unwrap().unwrap(&image("i"), &wrapped).await.is_ok());
}

#[tokio::test]
async fn two_stores_agree_on_a_new_provider_key() {
    let bench = bench();
    bench.create();
    let (one, two) = (bench.open().unwrap(), bench.open().unwrap());
    let by_one = one.wrap(&provider("a"), &image("i"), &key(1)).await.unwrap();
    let by_two = two.wrap(&provider("a"), &image("i"), &key(2)).await.unwrap();
    assert_eq!(one.unwrap(&image("i"), &by_two).await.unwrap().expose(), key(2).expose());
    assert_eq!(two.unwrap(&image("i"), &by_one).await.unwrap().expose(), key(1).expose());
}

#[test]
fn threads_racing_for_a_new_provider_key_agree() {
    let bench = bench();
    bench.create();
    let stores: Vec<_> = (0..8).map(|_| bench.open().unwrap()).collect();
    let wrapped: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = stores
            .iter()
            .map(|store| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(store.wrap(&provider("a"), &image("i"), &key(7))).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let fresh = bench.open().unwrap();
    for one in wrapped {
        let opened = runtime.block_on(fresh.unwrap(&image("i"), &one)).unwrap();
        assert_eq!(opened.expose(), key(7).expose());
    }
    assert_eq!(bench.files().len(), 2);
}

#[test]
fn half_written_files_of_a_crash_are_removed() {
    let bench = bench();
    bench.create();
    let half = bench.dir.join("tmp-0123");
    fs::write(&half, b"half").unwrap();
    bench.open().unwrap();
    assert!(!half.exists());
}

#[tokio::test]
async fn a_secret_opens_for_its_purpose_only() {
    let bench = bench();
    let store = bench.create();
    let sealed = store.seal_secret("token-key", b"pkcs8").await.unwrap();
    assert_eq!(store.open_secret("token-key", &sealed).await.unwrap().as_slice(), b"pkcs8");
    assert!(store.open_secret("token-kez", &sealed).await.is_err());
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        assert!(store.open_secret("token-key", &bad).await.is_err(), "byte {at}");
        assert!(store.open_secret("token-key", &sealed[..at]).await.is_err(), "cut at {at}");
    }
}

#[tokio::test]
async fn secrets_at_the_length_limit() {
    let bench = bench();
    let store = bench.create();
    assert!(store.seal_secret("p", &vec![1; SECRET_LEN_MAX]).await.is_ok());
    let error = refused(store.seal_secret("p", &vec![1; SECRET_LEN_MAX + 1]).await);
    assert_eq!(error.kind(), ErrorKind::Limit);
}
