//! Root keys in files of one machine: a master key, and under it one key per account.
//!
//! For one node. The folder belongs outside ordinary backups: who has it and the database opens
//! every disk of the region. Erasing a key here is best effort, since file systems and drives
//! keep old blocks. The files are tiny and read once, so the port's methods read them directly.
//!
//! | file | bytes, version 1 |
//! |---|---|
//! | `master.key` | magic `EKMK`, version, 3 zeros, 32 key bytes, first 8 bytes of their SHA-256 |
//! | `provider-<account>.key` | as `provider_file` says |
//! | `customer-<key>.key` | as `customer_file` says |

mod customer;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use aws_lc_rs::digest;
use base::{AccountId, Crn, Entropy, Timestamp};
use zeroize::Zeroizing;

use crate::{
    CustomerKey, DataKey, KeyRef, KeyStore, KeyVersions, KmsError, SECRET_LEN_MAX, WrappedKey,
    aead::{self, context},
    customer_file::Opened,
    file_io,
    provider_file::{self, Refused, RootKey},
    wrapped::{WHAT, binding},
};

const MASTER_FILE: &str = "master.key";
const MASTER_MAGIC: [u8; 4] = *b"EKMK";
const PROVIDER_MAGIC: [u8; 4] = *b"EKPK";
const SECRET_MAGIC: [u8; 4] = *b"EKSS";
const FORMAT_VERSION: u8 = 1;
const CHECK_LEN: usize = 8;
const SECRET_WHAT: &str = "the sealed secret";
/// Formats of a provider root key's file.
const PROVIDER_FORMATS: std::ops::RangeInclusive<u8> = 1..=2;

/// Root keys in files.
pub struct FileKeyStore {
    dir: PathBuf,
    master: DataKey,
    entropy: Arc<dyn Entropy>,
    opened: Mutex<BTreeMap<AccountId, Arc<RootKey>>>,
    customers: Mutex<BTreeMap<CustomerKey, Arc<Opened>>>,
    /// One change of a file at a time.
    changing: Mutex<()>,
}

impl FileKeyStore {
    /// Makes the folder (0700) and a new master key (0600) in it, and opens them.
    ///
    /// # Errors
    /// When there is a master key already, or the files cannot be written.
    pub fn create(dir: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, KmsError> {
        file_io::make_dir(dir)?;
        let path = dir.join(MASTER_FILE);
        let master = DataKey::mint(&*entropy);
        let mut bytes = Zeroizing::new(Vec::with_capacity(64));
        bytes.extend_from_slice(&header(MASTER_MAGIC));
        bytes.extend_from_slice(master.expose());
        bytes.extend_from_slice(&check_of(&master));
        if !file_io::create(&path, &bytes, &*entropy)? {
            return Err(KmsError::MasterExists { path });
        }
        Self::open(dir, entropy)
    }

    /// Opens the folder.
    ///
    /// # Errors
    /// When there is no master key, it is damaged, or others than its owner may read it.
    pub fn open(dir: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, KmsError> {
        let path = dir.join(MASTER_FILE);
        if !dir.exists() {
            return Err(KmsError::MasterMissing { path });
        }
        file_io::check_dir(dir)?;
        file_io::remove_temps(dir)?;
        let Some(bytes) = file_io::read(&path)? else {
            return Err(KmsError::MasterMissing { path });
        };
        let body = body_of(&path, &bytes, MASTER_MAGIC, "the master key")?;
        let master = body
            .split_at_checked(DataKey::LEN)
            .and_then(|(key, check)| {
                DataKey::from_slice(key).filter(|key| check == check_of(key).as_slice())
            })
            .ok_or_else(|| damaged(&path, "its check sum does not fit"))?;
        Ok(Self {
            dir: dir.to_owned(),
            master,
            entropy,
            opened: Mutex::default(),
            customers: Mutex::default(),
            changing: Mutex::default(),
        })
    }

    /// Opens the folder, and makes it first when there is none with a master key.
    ///
    /// # Errors
    /// As [`Self::create`] and [`Self::open`].
    pub fn open_or_create(dir: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, KmsError> {
        match Self::open(dir, entropy.clone()) {
            Err(KmsError::MasterMissing { .. }) => match Self::create(dir, entropy.clone()) {
                Err(KmsError::MasterExists { .. }) => Self::open(dir, entropy),
                other => other,
            },
            other => other,
        }
    }

    fn provider_path(&self, account: &AccountId) -> PathBuf {
        self.dir.join(format!("provider-{account}.key"))
    }

    fn cached(&self, account: &AccountId) -> Option<Arc<RootKey>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(account).cloned()
    }

    /// The account's provider root key; none when it has none yet.
    fn provider_key(&self, account: &AccountId) -> Result<Option<Arc<RootKey>>, KmsError> {
        if let Some(key) = self.cached(account) {
            return Ok(Some(key));
        }
        let path = self.provider_path(account);
        let Some(bytes) = file_io::read(&path)? else { return Ok(None) };
        let refused = |refused| match refused {
            Header::Missing(why) => damaged(&path, why),
            Header::Version(version) => {
                KmsError::UnknownVersion { what: provider_file::WHAT, version }
            }
        };
        let (format, body) = formatted(&bytes, PROVIDER_MAGIC).map_err(refused)?;
        if !PROVIDER_FORMATS.contains(&format) {
            return Err(refused(Header::Version(format)));
        }
        let key = RootKey::read(&self.master, account, format, body).map_err(|why| match why {
            Refused::Why(why) => damaged(&path, why),
            Refused::Keys(error) => error,
        })?;
        let key = Arc::new(key);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(opened.entry(account.clone()).or_insert(key).clone()))
    }

    /// The file of a provider root key.
    fn provider_bytes(&self, account: &AccountId, key: &RootKey) -> Result<Vec<u8>, KmsError> {
        let (format, body) = key.to_body(&self.master, account, &*self.entropy)?;
        let [a, b, c, d] = PROVIDER_MAGIC;
        Ok([&[a, b, c, d, format, 0, 0, 0], body.as_slice()].concat())
    }

    /// Changes a root key's file, and what is known of it.
    fn change(
        &self,
        key: &KeyRef,
        how: impl FnOnce(&RootKey) -> Result<Option<RootKey>, KmsError>,
    ) -> Result<KeyVersions, KmsError> {
        let account = match key {
            KeyRef::Provider(account) => account,
            // Versions of a customer's key stay for as long as the key.
            KeyRef::Customer(key) => return Ok(self.customer(key)?.told()),
        };
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self
            .provider_key(account)?
            .ok_or_else(|| KmsError::RootKeyMissing { account: account.clone() })?;
        let Some(next) = how(&before)? else { return Ok(before.told()) };
        let bytes = self.provider_bytes(account, &next)?;
        file_io::replace(&self.provider_path(account), &bytes, &*self.entropy)?;
        let next = Arc::new(next);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(account.clone(), Arc::clone(&next));
        Ok(next.told())
    }

    /// The version that wraps now, and its key.
    fn wrapping(&self, key: &KeyRef) -> Result<(u32, DataKey), KmsError> {
        match key {
            KeyRef::Provider(account) => {
                let root = self.provider_key_or_new(account)?;
                let current = root.current();
                Ok((current.version, DataKey::from_bytes(current.key.expose())))
            }
            KeyRef::Customer(key) => self.customer(key)?.wrapping(key),
        }
    }

    /// The key of the version that wrapped something.
    fn opening(&self, key: &KeyRef, version: u32) -> Result<DataKey, KmsError> {
        let account = match key {
            KeyRef::Provider(account) => account,
            KeyRef::Customer(key) => return self.customer(key)?.opening(key, version),
        };
        let missing = || KmsError::RootKeyMissing { account: account.clone() };
        let root = self.provider_key(account)?.ok_or_else(missing)?;
        let root = if root.of(version).is_some() {
            root
        } else {
            // Another process may have rotated the key since this one read its file.
            self.opened.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
            self.provider_key(account)?.ok_or_else(missing)?
        };
        if version > root.current().version {
            return Err(KmsError::DoesNotOpen { what: WHAT });
        }
        let found = root
            .of(version)
            .ok_or_else(|| KmsError::VersionRetired { account: account.clone(), version })?;
        Ok(DataKey::from_bytes(found.key.expose()))
    }

    fn provider_key_or_new(&self, account: &AccountId) -> Result<Arc<RootKey>, KmsError> {
        if let Some(key) = self.provider_key(account)? {
            return Ok(key);
        }
        let bytes = self.provider_bytes(account, &RootKey::mint(&*self.entropy))?;
        // Whoever was first, the file decides: it is read back, never the key in hand.
        file_io::create(&self.provider_path(account), &bytes, &*self.entropy)?;
        self.provider_key(account)?
            .ok_or_else(|| KmsError::RootKeyMissing { account: account.clone() })
    }
}

#[async_trait]
impl KeyStore for FileKeyStore {
    async fn wrap(
        &self,
        key: &KeyRef,
        subject: &Crn,
        data_key: &DataKey,
    ) -> Result<WrappedKey, KmsError> {
        let (version, root) = self.wrapping(key)?;
        let aad = binding(subject, key, version);
        let sealed = aead::seal(&root, &*self.entropy, &aad, data_key.expose(), WHAT)?;
        let sealed =
            sealed.as_slice().try_into().map_err(|_| KmsError::CannotSeal { what: WHAT })?;
        Ok(WrappedKey { key: key.clone(), key_version: version, sealed })
    }

    async fn unwrap(&self, subject: &Crn, wrapped: &WrappedKey) -> Result<DataKey, KmsError> {
        let root = self.opening(wrapped.key(), wrapped.key_version())?;
        let aad = binding(subject, wrapped.key(), wrapped.key_version());
        let plain = aead::open(&root, &aad, &wrapped.sealed, WHAT)?;
        let wrong = KmsError::Damaged { what: WHAT, why: "its length is wrong" };
        DataKey::from_slice(&plain).ok_or(wrong)
    }

    async fn versions(&self, key: &KeyRef) -> Result<KeyVersions, KmsError> {
        match key {
            KeyRef::Provider(account) => {
                Ok(self.provider_key(account)?.map(|root| root.told()).unwrap_or_default())
            }
            KeyRef::Customer(key) => match self.customer(key) {
                Ok(opened) => Ok(opened.told()),
                Err(KmsError::KeyMissing { .. }) => Ok(KeyVersions::default()),
                Err(error) => Err(error),
            },
        }
    }

    async fn rotate(
        &self,
        key: &KeyRef,
        from: u32,
        now: Timestamp,
    ) -> Result<KeyVersions, KmsError> {
        self.change(key, |root| root.rotated(from, now, &*self.entropy))
    }

    async fn retire(&self, key: &KeyRef, below: u32) -> Result<KeyVersions, KmsError> {
        self.change(key, |root| {
            let kept = root.kept(below);
            Ok((kept.told() != root.told()).then_some(kept))
        })
    }

    async fn destroy(&self, key: &KeyRef) -> Result<(), KmsError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        match key {
            KeyRef::Provider(account) => {
                self.opened.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
                file_io::erase(&self.provider_path(account))
            }
            KeyRef::Customer(key) => {
                self.customers.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
                file_io::erase(&self.customer_path(&key.key))
            }
        }
    }

    async fn seal_secret(&self, purpose: &str, secret: &[u8]) -> Result<Vec<u8>, KmsError> {
        if secret.len() > SECRET_LEN_MAX {
            return Err(KmsError::SecretTooLong { len: secret.len(), max: SECRET_LEN_MAX });
        }
        let aad = secret_context(purpose);
        let sealed = aead::seal(&self.master, &*self.entropy, &aad, secret, SECRET_WHAT)?;
        Ok([&header(SECRET_MAGIC), sealed.as_slice()].concat())
    }

    async fn open_secret(
        &self,
        purpose: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let body = checked_body(sealed, SECRET_MAGIC).map_err(|refused| match refused {
            Header::Missing(why) => KmsError::Damaged { what: SECRET_WHAT, why },
            Header::Version(version) => KmsError::UnknownVersion { what: SECRET_WHAT, version },
        })?;
        aead::open(&self.master, &secret_context(purpose), body, SECRET_WHAT)
    }
}

fn header(magic: [u8; 4]) -> [u8; 8] {
    let [a, b, c, d] = magic;
    [a, b, c, d, FORMAT_VERSION, 0, 0, 0]
}

/// Why a header is refused.
enum Header {
    Missing(&'static str),
    Version(u8),
}

/// The format and the body.
fn formatted(bytes: &[u8], magic: [u8; 4]) -> Result<(u8, &[u8]), Header> {
    let (head, body) = bytes.split_first_chunk::<8>().ok_or(Header::Missing("it is too short"))?;
    if head[..4] != magic {
        return Err(Header::Missing("it has no magic"));
    }
    if head[5..] != [0, 0, 0] {
        return Err(Header::Version(head[4]));
    }
    Ok((head[4], body))
}

fn checked_body(bytes: &[u8], magic: [u8; 4]) -> Result<&[u8], Header> {
    match formatted(bytes, magic)? {
        (FORMAT_VERSION, body) => Ok(body),
        (other, _) => Err(Header::Version(other)),
    }
}

fn body_of<'a>(
    path: &Path,
    bytes: &'a [u8],
    magic: [u8; 4],
    what: &'static str,
) -> Result<&'a [u8], KmsError> {
    checked_body(bytes, magic).map_err(|refused| match refused {
        Header::Missing(why) => damaged(path, why),
        Header::Version(version) => KmsError::UnknownVersion { what, version },
    })
}

fn damaged(path: &Path, what: &'static str) -> KmsError {
    KmsError::DamagedFile { path: path.to_owned(), what }
}

fn check_of(key: &DataKey) -> [u8; CHECK_LEN] {
    let mut check = [0; CHECK_LEN];
    check.copy_from_slice(&digest::digest(&digest::SHA256, key.expose()).as_ref()[..CHECK_LEN]);
    check
}

fn secret_context(purpose: &str) -> Vec<u8> {
    context(&[b"ectype sealed secret 1", purpose.as_bytes()])
}
