//! The recovery manifest of an image: what finds it again in the store when the database is lost.
//! It holds wrapped keys and sealed root keys only, and a code made with a key of the region.

use base::ImageId;
use blocks::sealed::ManifestKey;
use model::{Image, SealedRef};
use serde::Serialize;

use crate::{Control, StorageError};

/// Version of the payload.
const PAYLOAD_VERSION: u32 = 1;

#[derive(Serialize)]
struct Payload<'a> {
    version: u32,
    image: &'a str,
    account: &'a str,
    group: &'a str,
    name: &'a str,
    operating_system: &'a str,
    capacity_bytes: u64,
    created_at: i64,
    root_id: &'a str,
    sealed_root_key: &'a [u8],
    wrapped_data_key: &'a [u8],
}

/// Writes the manifest of `image`; harmless to repeat.
pub(super) async fn put(
    region: &Control,
    image: &Image,
    sealed: &SealedRef,
) -> Result<(), StorageError> {
    let payload = serde_json::to_vec(&Payload {
        version: PAYLOAD_VERSION,
        image: image.head.id.as_str(),
        account: image.head.account.as_str(),
        group: image.head.group.as_str(),
        name: image.head.name.as_str(),
        operating_system: &image.operating_system,
        capacity_bytes: image.capacity.0,
        created_at: image.head.created_at.micros(),
        root_id: &sealed.root_id,
        sealed_root_key: &sealed.sealed_root_key,
        wrapped_data_key: &image.wrapped_data_key,
    })
    .map_err(|_| StorageError::Record { what: "a manifest does not encode" })?;
    let key = region.manifest_key().await?;
    let (chunks, name) = (region.parts.storage.chunks().clone(), image.head.id.to_string());
    tokio::task::spawn_blocking(move || chunks.put_manifest(&name, &key, &payload)).await??;
    Ok(())
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

impl Control {
    /// The key of the codes in manifests: sealed by the region's master key, kept in the store's
    /// folder beside the data that it speaks of.
    async fn manifest_key(&self) -> Result<ManifestKey, StorageError> {
        Ok(ManifestKey::from_bytes(self.parts.storage.manifest_secret().await?))
    }
}
