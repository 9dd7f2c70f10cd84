//! Customers' keys, one file each.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use async_trait::async_trait;
use base::{KmsKeyId, Timestamp};
use zeroize::Zeroizing;

use super::{FileKeyStore, body_of, damaged, header};
use crate::{
    CustomerKey, CustomerKeys, KeyMaterial, KeyUse, KeyVersions, KmsError, Unwrapped,
    customer_file::{self, Opened},
    file_io,
};

const CUSTOMER_MAGIC: [u8; 4] = *b"EKCK";
/// Most customers' keys that are kept open.
const CUSTOMERS_OPEN_MAX: usize = 10_000;

impl FileKeyStore {
    pub(super) fn customer_path(&self, key: &KmsKeyId) -> PathBuf {
        self.dir.join(format!("customer-{key}.key"))
    }

    /// A customer's key.
    pub(super) fn customer(&self, key: &CustomerKey) -> Result<Arc<Opened>, KmsError> {
        let known = self.customers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = known.get(key) {
            return Ok(Arc::clone(opened));
        }
        drop(known);
        let path = self.customer_path(&key.key);
        let bytes = file_io::read_up_to(&path, customer_file::FILE_LEN_MAX)?
            .ok_or_else(|| KmsError::KeyMissing { key: key.key.clone() })?;
        let body = body_of(&path, &bytes, CUSTOMER_MAGIC, customer_file::WHAT)?;
        let opened = Opened::read(&self.master, key, body);
        let opened = Arc::new(opened.map_err(|error| match error {
            KmsError::DoesNotOpen { .. } => {
                damaged(&path, "it does not open: it was changed, or is another key's")
            }
            KmsError::Damaged { why, .. } => damaged(&path, why),
            other => other,
        })?);
        self.customer_known(key, Arc::clone(&opened));
        Ok(opened)
    }

    fn customer_known(&self, key: &CustomerKey, opened: Arc<Opened>) {
        let mut known = self.customers.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CUSTOMERS_OPEN_MAX {
            known.clear();
        }
        known.insert(key.clone(), opened);
    }

    fn customer_bytes(&self, key: &CustomerKey, opened: &Opened) -> Result<Vec<u8>, KmsError> {
        let body = opened.to_body(&self.master, key, &*self.entropy)?;
        Ok([&header(CUSTOMER_MAGIC), body.as_slice()].concat())
    }

    /// Changes the file of a customer's key, and what is known of it.
    fn customer_change(
        &self,
        key: &CustomerKey,
        how: impl FnOnce(&Opened) -> Result<Option<Opened>, KmsError>,
    ) -> Result<KeyVersions, KmsError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.customer(key)?;
        let Some(next) = how(&before)? else { return Ok(before.told()) };
        let bytes = self.customer_bytes(key, &next)?;
        file_io::replace(&self.customer_path(&key.key), &bytes, &*self.entropy)?;
        let told = next.told();
        self.customer_known(key, Arc::new(next));
        Ok(told)
    }
}

#[async_trait]
impl CustomerKeys for FileKeyStore {
    async fn customer_create(
        &self,
        key: &CustomerKey,
        material: KeyMaterial,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        let opened = Opened::new(material, now, &*self.entropy)?;
        let bytes = self.customer_bytes(key, &opened)?;
        if !file_io::create(&self.customer_path(&key.key), &bytes, &*self.entropy)? {
            return Err(KmsError::KeyExists { key: key.key.clone() });
        }
        self.customer_known(key, Arc::new(opened));
        Ok(())
    }

    async fn customer_rotate(
        &self,
        key: &CustomerKey,
        from: u32,
        material: Option<Zeroizing<Vec<u8>>>,
        now: Timestamp,
    ) -> Result<KeyVersions, KmsError> {
        self.customer_change(key, |before| before.rotated(key, from, material, now, &*self.entropy))
    }

    async fn customer_use(&self, key: &CustomerKey, to: KeyUse) -> Result<(), KmsError> {
        self.customer_change(key, |before| Ok(before.with_use(to))).map(drop)
    }

    async fn customer_wrap(
        &self,
        key: &CustomerKey,
        aad: &[String],
        plaintext: &[u8],
    ) -> Result<(u32, Vec<u8>), KmsError> {
        self.customer(key)?.wrap(key, aad, plaintext, &*self.entropy)
    }

    async fn customer_unwrap(
        &self,
        key: &CustomerKey,
        aad: &[String],
        ciphertext: &[u8],
    ) -> Result<Unwrapped, KmsError> {
        self.customer(key)?.unwrap(key, aad, ciphertext)
    }

    async fn customer_material(&self, key: &CustomerKey) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        self.customer(key)?.material(key)
    }
}
