//! The recovery manifest of an image: what finds it again in the store when the database is lost.
//! It holds wrapped keys and sealed root keys only, and a code made with a key of the region.

use base::ImageId;
use blocks::sealed::ManifestKey;
use meta::StoreError;
use model::{Image, ImageStatus, SealedRef, Visibility};
use serde::{Deserialize, Serialize};

use crate::{
    Control, StorageError,
    storage::{Storage, StoredManifest},
    worker::JOB,
};

/// Version of the payload that is written. Version 1 had no `region` and no `public`.
const PAYLOAD_VERSION: u32 = 2;

/// What a manifest says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Payload {
    version: u32,
    pub(crate) image: String,
    pub(crate) account: String,
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) operating_system: String,
    pub(crate) capacity_bytes: u64,
    pub(crate) created_at: i64,
    pub(crate) root_id: String,
    pub(crate) sealed_root_key: Vec<u8>,
    pub(crate) wrapped_data_key: Vec<u8>,
    /// The region that made it; none in version 1.
    #[serde(default)]
    pub(crate) region: Option<String>,
    /// Whether it is a stock image; none in version 1.
    #[serde(default)]
    pub(crate) public: Option<bool>,
}

/// Reads what a manifest says.
///
/// # Errors
/// A version that this program does not know, or a payload that is none.
pub(crate) fn read(payload: &[u8]) -> Result<Payload, StorageError> {
    let read: Payload = serde_json::from_slice(payload)
        .map_err(|_| StorageError::Record { what: "a manifest does not decode" })?;
    if (1..=PAYLOAD_VERSION).contains(&read.version) {
        return Ok(read);
    }
    Err(StorageError::Record { what: "a manifest is of a newer program" })
}

/// Writes the manifest of `image`; harmless to repeat.
pub(crate) async fn put(
    region: &Control,
    image: &Image,
    sealed: &SealedRef,
) -> Result<(), StorageError> {
    let payload = serde_json::to_vec(&Payload {
        version: PAYLOAD_VERSION,
        image: image.head.id.to_string(),
        account: image.head.account.to_string(),
        group: image.head.group.to_string(),
        name: image.head.name.to_string(),
        operating_system: image.operating_system.clone(),
        capacity_bytes: image.capacity.0,
        created_at: image.head.created_at.micros(),
        root_id: sealed.root_id.clone(),
        sealed_root_key: sealed.sealed_root_key.clone(),
        wrapped_data_key: image.wrapped_data_key.clone(),
        region: Some(region.region().to_string()),
        public: Some(image.visibility == Visibility::Public),
    })
    .map_err(|_| StorageError::Record { what: "a manifest does not encode" })?;
    let key = region.manifest_key().await?;
    let (chunks, name) = (region.parts.storage.chunks().clone(), image.head.id.to_string());
    tokio::task::spawn_blocking(move || chunks.put_manifest(&name, &key, &payload)).await??;
    Ok(())
}

/// What the manifest of an image says; none when there is none.
pub(crate) async fn said(
    region: &Control,
    image: &ImageId,
) -> Result<Option<Payload>, StorageError> {
    let key = region.manifest_key().await?;
    let (chunks, name) = (region.parts.storage.chunks().clone(), image.to_string());
    let found = tokio::task::spawn_blocking(move || match chunks.manifest(&name, &key) {
        Err(blocks::Error::Missing { .. }) => Ok(None),
        other => other.map(Some),
    });
    found.await??.map(|payload| read(&payload)).transpose()
}

/// Lets the manifest of an image say what its row says: after a wrap or a root was replaced.
/// True when it was written. An image without bytes, or one that goes away, has none.
pub(crate) async fn follow(region: &Control, id: &ImageId) -> Result<bool, StorageError> {
    let Some((image, sealed)) = kept(region, id).await? else { return Ok(false) };
    let same = said(region, id).await?.is_some_and(|said| {
        said.wrapped_data_key == image.wrapped_data_key && said.root_id == sealed.root_id
    });
    if same {
        return Ok(false);
    }
    put(region, &image, &sealed).await?;
    // Its deletion removes the manifest after the row says so: one that began since may have
    // removed it before this put.
    if kept(region, id).await?.is_none() {
        remove(region, id).await?;
    }
    Ok(true)
}

/// An image that keeps a manifest, with its root.
async fn kept(region: &Control, id: &ImageId) -> Result<Option<(Image, SealedRef)>, StorageError> {
    let image = match region.store().image_any(JOB, id).await {
        Ok(view) => view.image,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(StorageError::Rows(error)),
    };
    let sealed = image.sealed.clone().filter(|_| image.status != ImageStatus::Deleting);
    Ok(sealed.map(|sealed| (image, sealed)))
}

/// Removes the manifest of an image; harmless when there is none.
pub(super) async fn remove(region: &Control, image: &ImageId) -> Result<(), StorageError> {
    let (chunks, name) = (region.parts.storage.chunks().clone(), image.to_string());
    tokio::task::spawn_blocking(move || match chunks.delete_manifest(&name) {
        Err(blocks::Error::Missing { .. }) => Ok(()),
        other => other,
    })
    .await??;
    Ok(())
}

/// Every manifest in the store, by name: what it says, or why it cannot be trusted. Never makes
/// the key of their codes.
pub(crate) async fn all(storage: &Storage) -> Result<Vec<StoredManifest<Payload>>, StorageError> {
    let Some(secret) = storage.manifest_secret_kept().await? else {
        return Err(StorageError::Record {
            what: "manifest.key is missing beside the store: without it no manifest can be \
                   trusted; put it back from a backup",
        });
    };
    let (chunks, key) = (storage.chunks().clone(), ManifestKey::from_bytes(secret));
    let read_one = move || {
        let names = chunks.manifests()?;
        let read = names.into_iter().map(|name| {
            let said = chunks.manifest(&name, &key).map_err(StorageError::from);
            let said = said.and_then(|bytes| read(&bytes)).map_err(|error| error.chain());
            StoredManifest { name, said }
        });
        Ok::<_, blocks::Error>(read.collect())
    };
    Ok(tokio::task::spawn_blocking(read_one).await??)
}

impl Control {
    /// The key of the codes in manifests: sealed by the region's master key, kept in the store's
    /// folder beside the data that it speaks of.
    async fn manifest_key(&self) -> Result<ManifestKey, StorageError> {
        Ok(ManifestKey::from_bytes(self.parts.storage.manifest_secret().await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Invariant 26: manifests of version 1 are read, newer ones are refused.
    #[test]
    fn manifests_of_the_first_version_are_read_and_newer_ones_are_not() {
        let text = |version| {
            format!(
                r#"{{"version":{version},"image":"r006-1","account":"a","group":"g","name":"n",
                "operating_system":"os","capacity_bytes":1,"created_at":2,"root_id":"r",
                "sealed_root_key":[1],"wrapped_data_key":[2]}}"#
            )
        };
        let old = read(text(1).as_bytes()).unwrap();
        assert_eq!((old.public, old.region, old.name.as_str()), (None, None, "n"));
        assert!(read(text(PAYLOAD_VERSION).as_bytes()).is_ok());
        assert!(read(text(PAYLOAD_VERSION + 1).as_bytes()).is_err());
        assert!(read(b"{}").is_err());
    }
}
