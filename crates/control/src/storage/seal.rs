//! A frozen volume, or a disk file, becomes a sealed root.

use std::sync::{Arc, atomic::AtomicBool};

use base::ByteCount;
use blocks::{
    CaptureSource, FileSource,
    layer::{self, FrozenLayer, Volume as LayerVolume},
    sealed::{self, CaptureLog, CaptureOptions, Progress, RootId, RootKey, seal, verify},
};
use model::{SealedRef, Volume};

use super::{Storage, StorageError, keys::Holder};

/// Records read back of each finished capture.
const VERIFY_SAMPLES: usize = 32;

/// Told of a capture's progress, from several threads.
pub(crate) type SealProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// A capture that is asked for.
pub(crate) struct SealRequest {
    /// Its sequence number; in the name of every pack.
    pub(crate) op_sequence: u64,
    /// Where finished packs are recorded.
    pub(crate) log: Arc<dyn CaptureLog>,
    /// Who is told of progress.
    pub(crate) progress: SealProgress,
    /// Ends it when set.
    pub(crate) cancel: Arc<AtomicBool>,
}

/// A finished capture. The key in it must be sealed at once.
pub(crate) struct SealedImage {
    pub(crate) root: (RootId, RootKey),
    pub(crate) logical: ByteCount,
    pub(crate) stored: ByteCount,
}

impl Storage {
    /// Freezes the write layer of a stopped volume; harmless when it is frozen already.
    pub(crate) async fn volume_freeze(
        &self,
        volume: &Volume,
        epoch: u64,
    ) -> Result<(), StorageError> {
        let (spec, base) = self.volume_spec(volume, epoch).await?;
        let base = self.base_open(base.as_ref())?;
        tokio::task::spawn_blocking(move || {
            let info = match layer::inspect(&spec.dir, spec.generation) {
                Ok(info) => info,
                Err(blocks::Error::Missing { .. }) => {
                    layer::provision(&spec, base.size())?;
                    layer::inspect(&spec.dir, spec.generation)?
                }
                Err(error) => return Err(error),
            };
            if !info.frozen {
                // Sealing compares every written block with its close sum: once is enough.
                LayerVolume::open(spec, base)?.freeze_unchecked()?;
            }
            Ok(())
        })
        .await??;
        Ok(())
    }

    /// Takes writes again, for a capture that was given up; harmless when it is not frozen.
    pub(crate) async fn volume_thaw(
        &self,
        volume: &Volume,
        epoch: u64,
    ) -> Result<(), StorageError> {
        let (spec, base) = self.volume_spec(volume, epoch).await?;
        let base = self.base_open(base.as_ref())?;
        tokio::task::spawn_blocking(move || match layer::inspect(&spec.dir, spec.generation) {
            Ok(info) if info.frozen => FrozenLayer::open(spec, base)?.thaw()?.close(),
            Ok(_) | Err(blocks::Error::Missing { .. }) => Ok(()),
            Err(error) => Err(error),
        })
        .await??;
        Ok(())
    }

    /// Seals what a frozen volume holds, sharing the rest with its base, and reads it back.
    pub(crate) async fn volume_seal(
        &self,
        volume: &Volume,
        epoch: u64,
        request: SealRequest,
    ) -> Result<SealedImage, StorageError> {
        let (spec, base) = self.volume_spec(volume, epoch).await?;
        let source = self.base_open(base.as_ref())?;
        let frozen = tokio::task::spawn_blocking(move || FrozenLayer::open(spec, source)).await??;
        self.seal_source(Box::new(frozen), base, request).await
    }

    /// Seals a disk file.
    pub(crate) async fn file_seal(
        &self,
        source: FileSource,
        request: SealRequest,
    ) -> Result<SealedImage, StorageError> {
        self.seal_source(Box::new(source), None, request).await
    }

    /// Seals a whole image again, with fresh keys for every chunk and node and no base.
    pub(crate) async fn image_seal_alone(
        &self,
        holder: Holder<'_>,
        sealed: &SealedRef,
        request: SealRequest,
    ) -> Result<SealedImage, StorageError> {
        let (id, key) = self.root_open(holder, sealed).await?;
        let (chunks, cache) = (Arc::clone(&self.chunks), Arc::clone(&self.cache));
        let open = move || sealed::SealedImage::open(chunks, id, &key, cache);
        let source = tokio::task::spawn_blocking(open).await??;
        self.seal_source(Box::new(source), None, request).await
    }

    async fn seal_source(
        &self,
        source: Box<dyn CaptureSource>,
        base: Option<(RootId, RootKey)>,
        request: SealRequest,
    ) -> Result<SealedImage, StorageError> {
        let (chunks, entropy) = (Arc::clone(&self.chunks), Arc::clone(&self.entropy));
        let sealed = tokio::task::spawn_blocking(move || {
            let tell = |progress| (request.progress)(progress);
            let mut options = CaptureOptions::new(request.op_sequence, &*entropy);
            options.log = &*request.log;
            options.progress = &tell;
            options.cancel = &request.cancel;
            let base = base.as_ref().map(|(id, key)| (*id, key));
            let sealed = seal(&chunks, base, &*source, &options)?;
            verify(&chunks, &sealed, VERIFY_SAMPLES, &*entropy)?;
            // What an attempt before this one left and this one did not take over.
            chunks.delete_operation(request.op_sequence, &sealed.packs)?;
            Ok::<sealed::Sealed, blocks::Error>(sealed)
        })
        .await??;
        Ok(SealedImage {
            logical: ByteCount(sealed.logical_bytes),
            stored: ByteCount(sealed.stored_bytes),
            root: (sealed.root_id, sealed.root_key),
        })
    }

    /// Starts the next generation of a captured volume over its new root; its number.
    pub(crate) async fn volume_next_generation(
        &self,
        volume: &Volume,
        epoch: u64,
        root: RootId,
    ) -> Result<u64, StorageError> {
        let (spec, base) = self.volume_spec(volume, epoch).await?;
        let base = self.base_open(base.as_ref())?;
        let next = tokio::task::spawn_blocking(move || {
            FrozenLayer::open(spec, base)?.create_next_generation(root.0)
        })
        .await??;
        Ok(next)
    }

    /// Drops every generation of a volume older than the one its row names.
    pub(crate) async fn volume_drop_old(&self, volume: &Volume) -> Result<(), StorageError> {
        let current = volume.storage.generation;
        self.volume_drop(volume, move |generation| generation < current).await
    }

    async fn volume_drop(
        &self,
        volume: &Volume,
        which: impl Fn(u64) -> bool + Send + 'static,
    ) -> Result<(), StorageError> {
        let (dir, live) = (self.volume_dir(&volume.head.id), self.live_dir());
        let id = volume.head.id.to_string();
        tokio::task::spawn_blocking(move || {
            if !dir.exists() {
                return Ok(());
            }
            for generation in layer::generations(&dir)?.into_iter().filter(|g| which(*g)) {
                layer::drop_generation(&dir, &live, &id, generation)?;
            }
            Ok::<(), blocks::Error>(())
        })
        .await??;
        Ok(())
    }

    /// Drops every generation of a volume newer than the one its row names: what was prepared for
    /// a capture that was given up.
    pub(crate) async fn volume_drop_newer(&self, volume: &Volume) -> Result<(), StorageError> {
        let current = volume.storage.generation;
        self.volume_drop(volume, move |generation| generation > current).await
    }

    /// Deletes what a capture that was given up has stored.
    pub(crate) async fn seal_discard(&self, op_sequence: u64) -> Result<u64, StorageError> {
        let chunks = Arc::clone(&self.chunks);
        Ok(tokio::task::spawn_blocking(move || chunks.delete_operation(op_sequence, &[])).await??)
    }

    /// The sealed root of a finished capture for its holder.
    pub(crate) async fn root_keep(
        &self,
        holder: Holder<'_>,
        sealed: &SealedImage,
    ) -> Result<SealedRef, StorageError> {
        self.root_seal(holder, sealed.root.0, &sealed.root.1).await
    }
}
