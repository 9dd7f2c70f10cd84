//! Write layers of this host: provision, export to a guest, remove.

use std::{path::PathBuf, sync::Arc};

use base::{AccountId, Crn, VolumeId, ZoneName};
use blocks::{
    BlockSource,
    layer::{self, NoBase, VolumeKey, VolumeSpec},
    sealed::{RootId, RootKey, SealedImage},
};
use export::{ExportConfig, SealedRoot, Secret, Subject, VolumeSubject};
use model::Volume;

use super::{Storage, StorageError, keys::Holder};

/// What whoever connects to an export may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// A guest: read and write.
    ReadWrite,
    /// A view: read.
    ReadOnly,
}

/// CRN of a volume; its zone is the location.
pub(crate) fn volume_crn(volume: &Volume) -> Crn {
    volume_crn_of(&volume.zone, &volume.head.account, &volume.head.id)
}

/// CRN of the volume `id` of an account.
pub(crate) fn volume_crn_of(zone: &ZoneName, account: &AccountId, id: &VolumeId) -> Crn {
    Crn::vpc(zone.as_str(), account, "volume", id.as_str())
}

impl Storage {
    pub(super) fn volume_dir(&self, id: &VolumeId) -> PathBuf {
        self.config.volumes_dir.join(id.as_str())
    }

    pub(super) fn live_dir(&self) -> PathBuf {
        self.config.run_dir.join("live")
    }

    /// What the engine is told of a volume.
    pub(super) async fn volume_spec(
        &self,
        volume: &Volume,
        epoch: u64,
    ) -> Result<(VolumeSpec, Option<(RootId, RootKey)>), StorageError> {
        let crn = volume_crn(volume);
        let holder = Holder { crn: &crn, wrapped: &volume.storage.wrapped_data_key };
        let key = self.data_key(holder).await?;
        let base = match &volume.storage.base {
            Some(sealed) => Some(self.root_open(holder, sealed).await?),
            None => None,
        };
        let spec = VolumeSpec {
            dir: self.volume_dir(&volume.head.id),
            run_dir: self.live_dir(),
            volume: volume.head.id.to_string(),
            capacity: volume.capacity.0,
            generation: volume.storage.generation,
            base_root: base.as_ref().map(|(id, _)| id.0),
            key: VolumeKey::new(*key.expose()),
            epoch,
        };
        Ok((spec, base))
    }

    /// The base of a volume, opened for reading.
    pub(super) fn base_open(
        &self,
        base: Option<&(RootId, RootKey)>,
    ) -> Result<Arc<dyn BlockSource>, StorageError> {
        match base {
            None => Ok(Arc::new(NoBase)),
            Some((id, key)) => Ok(Arc::new(SealedImage::open(
                Arc::clone(&self.chunks),
                *id,
                key,
                Arc::clone(&self.cache),
            )?)),
        }
    }

    /// Makes the empty write layer of a new volume. O(1), whatever its size; harmless when it is
    /// there already.
    pub(crate) async fn volume_provision(&self, volume: &Volume) -> Result<(), StorageError> {
        let (spec, base) = self.volume_spec(volume, volume.storage.epoch).await?;
        let base = self.base_open(base.as_ref())?;
        tokio::task::spawn_blocking(move || {
            if layer::inspect(&spec.dir, spec.generation).is_ok() {
                return Ok(());
            }
            layer::provision(&spec, base.size())
        })
        .await??;
        Ok(())
    }

    /// Serves a volume; the socket of its NBD server.
    pub(crate) async fn volume_export(
        &self,
        volume: &Volume,
        epoch: u64,
        access: Access,
    ) -> Result<PathBuf, StorageError> {
        let (spec, base) = self.volume_spec(volume, epoch).await?;
        let crn = volume_crn(volume);
        let holder = Holder { crn: &crn, wrapped: &volume.storage.wrapped_data_key };
        let key = self.data_key(holder).await?;
        let config = ExportConfig {
            id: spec.volume.clone(),
            store_dir: self.config.store_dir.clone(),
            // The host grants it.
            cache_bytes: 0,
            subject: Subject::Volume(VolumeSubject {
                layer_dir: spec.dir,
                run_dir: spec.run_dir,
                capacity_bytes: spec.capacity,
                generation: spec.generation,
                epoch,
                base: base.map(|(id, key)| SealedRoot {
                    root_id: id,
                    root_key: Secret::new(*key.expose()),
                }),
                volume_key: Secret::new(*key.expose()),
                read_only: access == Access::ReadOnly,
            }),
        };
        Ok(self.host.start(&config).await?.socket)
    }

    /// Serves a sealed root read-only; the socket of its NBD server. `id` names the export.
    pub(crate) async fn root_export(
        &self,
        id: &str,
        root: &(RootId, RootKey),
    ) -> Result<PathBuf, StorageError> {
        let config = ExportConfig {
            id: id.to_owned(),
            store_dir: self.config.store_dir.clone(),
            // The host grants it.
            cache_bytes: 0,
            subject: Subject::Image(SealedRoot {
                root_id: root.0,
                root_key: Secret::new(*root.1.expose()),
            }),
        };
        Ok(self.host.start(&config).await?.socket)
    }

    /// Whether an export of that id runs.
    pub(crate) async fn export_running(&self, id: &str) -> Result<bool, StorageError> {
        let status = self.host.status(id).await?;
        Ok(status.is_some_and(|status| status.state == export::ExportState::Running))
    }

    /// Makes a volume that is served as large as its row says. Its guest is still to be told.
    pub(crate) async fn export_grow(&self, volume: &Volume) -> Result<(), StorageError> {
        Ok(self.host.grow(volume.head.id.as_str(), volume.capacity.0).await?)
    }

    /// Whether a volume fell back to an older state under its guest: after a failed sync of the
    /// host's disk, what the guest had written and not flushed may be gone.
    pub(crate) async fn export_fell_back(&self, id: &str) -> Result<bool, StorageError> {
        let status = self.host.status(id).await?;
        Ok(status.is_some_and(|status| status.guest_must_reset))
    }

    /// Ends an export, cleanly closed when this returns. Nothing happens when there is none.
    pub(crate) async fn unexport(&self, id: &str) -> Result<(), StorageError> {
        Ok(self.host.stop(id).await?)
    }

    /// The exports that run on this host, by id.
    pub(crate) async fn exports(&self) -> Result<Vec<String>, StorageError> {
        Ok(self.host.adopt().await?.into_iter().map(|status| status.id).collect())
    }

    /// Removes the write layer of a volume for good.
    pub(crate) async fn volume_remove(&self, id: &VolumeId) -> Result<(), StorageError> {
        let (dir, live, volume) = (self.volume_dir(id), self.live_dir(), id.to_string());
        tokio::task::spawn_blocking(move || {
            if !dir.exists() {
                return Ok(());
            }
            for generation in layer::generations(&dir)? {
                layer::drop_generation(&dir, &live, &volume, generation)?;
            }
            let removed = std::fs::remove_dir_all(&dir);
            removed.map_err(|source| blocks::Error::Io {
                doing: "remove",
                name: dir.display().to_string(),
                source,
            })
        })
        .await??;
        Ok(())
    }
}
