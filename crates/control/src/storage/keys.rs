//! Data keys and root keys: minted, wrapped, opened, sealed for another owner.

use base::{AccountId, Crn};
use blocks::sealed::{RootId, RootKey};
use kms::{DataKey, KeyRef, WrappedKey};
use model::SealedRef;

use super::{Storage, StorageError};

/// Who holds a sealed root: an image or a volume, by CRN, with its wrapped data key.
#[derive(Clone, Copy)]
pub(crate) struct Holder<'a> {
    /// Its CRN.
    pub(crate) crn: &'a Crn,
    /// Its data key, wrapped.
    pub(crate) wrapped: &'a [u8],
}

impl Storage {
    /// A new data key for the resource `crn`, wrapped by the provider's key of its account.
    pub(crate) async fn data_key_mint(
        &self,
        crn: &Crn,
        account: &AccountId,
    ) -> Result<Vec<u8>, StorageError> {
        let key = DataKey::mint(&*self.entropy);
        let wrapped = self.keys.wrap(&KeyRef::Provider(account.clone()), crn, &key).await?;
        Ok(wrapped.to_bytes())
    }

    /// The data key of `holder` wrapped by the current version of `to`. What the data key
    /// encrypts is not touched.
    pub(crate) async fn data_key_rewrap(
        &self,
        holder: Holder<'_>,
        to: &KeyRef,
    ) -> Result<Vec<u8>, StorageError> {
        let wrapped = WrappedKey::from_bytes(holder.wrapped)?;
        Ok(self.keys.rewrap(holder.crn, &wrapped, to).await?.to_bytes())
    }

    /// Opens a data key.
    pub(crate) async fn data_key(&self, holder: Holder<'_>) -> Result<DataKey, StorageError> {
        let wrapped = WrappedKey::from_bytes(holder.wrapped)?;
        Ok(self.keys.unwrap(holder.crn, &wrapped).await?)
    }

    /// Opens the root key that `holder` keeps.
    pub(crate) async fn root_open(
        &self,
        holder: Holder<'_>,
        sealed: &SealedRef,
    ) -> Result<(RootId, RootKey), StorageError> {
        let id = RootId::parse(&sealed.root_id)
            .map_err(|_| StorageError::Record { what: "a root id is not one" })?;
        let key = self.data_key(holder).await?;
        let binding = ["root key", &holder.crn.to_string(), &sealed.root_id];
        let bytes = key.open(&binding, &sealed.sealed_root_key)?;
        let bytes: &[u8; 32] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| StorageError::Record { what: "a root key has not 32 bytes" })?;
        Ok((id, RootKey::from_bytes(*bytes)))
    }

    /// Seals a root key for `holder`.
    pub(crate) async fn root_seal(
        &self,
        holder: Holder<'_>,
        id: RootId,
        key: &RootKey,
    ) -> Result<SealedRef, StorageError> {
        let root_id = id.to_string();
        let data_key = self.data_key(holder).await?;
        let binding = ["root key", &holder.crn.to_string(), &root_id];
        let sealed_root_key = data_key.seal(&*self.entropy, &binding, key.expose())?;
        Ok(SealedRef { root_id, sealed_root_key })
    }

    /// The same root for another holder: what makes image and volume independent of each other.
    pub(crate) async fn root_share(
        &self,
        from: Holder<'_>,
        sealed: &SealedRef,
        to: Holder<'_>,
    ) -> Result<SealedRef, StorageError> {
        let (id, key) = self.root_open(from, sealed).await?;
        self.root_seal(to, id, &key).await
    }
}
