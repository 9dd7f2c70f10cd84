//! How far a capture is: true bytes, kept in memory while it runs.

use std::{collections::HashMap, sync::Mutex};

use base::{ByteCount, ImageId, Timestamp};
use blocks::sealed::Progress;
use model::ImageStatus;
use policy::InternalActor;

use crate::{Control, Error, RequestContext};

/// Captures that are remembered; the oldest make way.
const BOARD_MAX: usize = 1_024;

/// Progress of an image's creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageProgress {
    /// `queued`, `freezing`, `sealing`, `committing`, `done`, `failed`.
    pub step: &'static str,
    /// Chunks that the capture reads.
    pub chunks_total: u64,
    /// Chunks read so far.
    pub chunks_done: u64,
    /// Bytes read so far.
    pub bytes_read: ByteCount,
    /// Bytes written to the store so far.
    pub bytes_stored: ByteCount,
    /// When it began, in region time.
    pub started_at: Option<Timestamp>,
    /// Bytes read in a second, on average since it began.
    pub bytes_per_second: u64,
    /// Seconds that remain, if the rate stays.
    pub eta_seconds: Option<u64>,
}

/// What an image takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageStorage {
    /// Size of the disk.
    pub capacity: ByteCount,
    /// Bytes that are not holes.
    pub logical: Option<ByteCount>,
    /// Bytes that its capture added to the store.
    pub stored: Option<ByteCount>,
    /// Public id of its root.
    pub root_id: Option<String>,
    /// What it alone needs; only when it was measured.
    pub alone: Option<ImageAlone>,
}

/// Bytes of the store that an image alone needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageAlone {
    /// No other image needs them.
    pub unique: ByteCount,
    /// Nothing else needs them: its deletion, and the collection after it, give them back.
    pub reclaimable: ByteCount,
}

#[derive(Clone, Debug)]
struct Entry {
    step: &'static str,
    started_at: Option<Timestamp>,
    /// Monotonic microseconds at which it began.
    began_us: u128,
    chunks_total: u64,
    chunks_done: u64,
    bytes_read: u64,
    bytes_stored: u64,
}

/// The captures that this process knows of. Only a display: the truth is in rows and jobs.
#[derive(Default)]
pub(crate) struct ProgressBoard {
    entries: Mutex<HashMap<ImageId, Entry>>,
}

impl ProgressBoard {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<ImageId, Entry>) -> T) -> T {
        let mut entries = self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        act(&mut entries)
    }

    pub(crate) fn queued(&self, image: &ImageId) {
        self.with(|entries| {
            if entries.len() >= BOARD_MAX {
                entries.retain(|_, e| e.step != "done" && e.step != "failed");
            }
            let entry = Entry {
                step: "queued",
                started_at: None,
                began_us: 0,
                chunks_total: 0,
                chunks_done: 0,
                bytes_read: 0,
                bytes_stored: 0,
            };
            if entries.len() < BOARD_MAX {
                entries.insert(image.clone(), entry);
            }
        });
    }

    pub(crate) fn step(&self, image: &ImageId, step: &'static str, clock: &dyn base::Clock) {
        self.with(|entries| {
            if let Some(entry) = entries.get_mut(image) {
                entry.step = step;
                if entry.started_at.is_none() {
                    entry.started_at = Some(clock.region());
                    entry.began_us = clock.monotonic().as_micros();
                }
            }
        });
    }

    pub(crate) fn bytes(&self, image: &ImageId, progress: &Progress) {
        self.with(|entries| {
            if let Some(entry) = entries.get_mut(image) {
                // Told from several threads: an older report must not win.
                entry.chunks_total = progress.chunks_total;
                entry.chunks_done = entry.chunks_done.max(progress.chunks_done);
                entry.bytes_read = entry.bytes_read.max(progress.logical_bytes_read);
                entry.bytes_stored = entry.bytes_stored.max(progress.stored_bytes_written);
            }
        });
    }

    fn read(&self, image: &ImageId, now_us: u128) -> Option<ImageProgress> {
        let entry = self.with(|entries| entries.get(image).cloned())?;
        let elapsed_us = now_us.saturating_sub(entry.began_us).max(1);
        let rate = u128::from(entry.bytes_read) * 1_000_000 / elapsed_us;
        let per_chunk = elapsed_us / u128::from(entry.chunks_done.max(1));
        let left = entry.chunks_total.saturating_sub(entry.chunks_done);
        let eta = (entry.chunks_done > 0)
            .then(|| u64::try_from(per_chunk * u128::from(left) / 1_000_000).unwrap_or(u64::MAX));
        Some(ImageProgress {
            step: entry.step,
            chunks_total: entry.chunks_total,
            chunks_done: entry.chunks_done,
            bytes_read: ByteCount(entry.bytes_read),
            bytes_stored: ByteCount(entry.bytes_stored),
            started_at: entry.started_at,
            bytes_per_second: u64::try_from(rate).unwrap_or(u64::MAX),
            eta_seconds: eta,
        })
    }
}

impl Control {
    /// How far an image's creation is.
    ///
    /// # Errors
    /// When there is no such image, or the caller may not.
    pub async fn image_progress(
        &self,
        ctx: &RequestContext,
        id: &ImageId,
    ) -> Result<ImageProgress, Error> {
        let view = self.image(ctx, id).await?;
        let now_us = self.parts.clock.monotonic().as_micros();
        let step = match view.image.status {
            ImageStatus::Pending => None,
            ImageStatus::Failed => Some("failed"),
            ImageStatus::Available
            | ImageStatus::Deleting
            | ImageStatus::Deprecated
            | ImageStatus::Obsolete
            | ImageStatus::PartiallyAvailable
            | ImageStatus::Unusable => Some("done"),
        };
        // A server that was started since knows nothing of the bytes: the row speaks then.
        let mut progress = self.progress.read(id, now_us).unwrap_or(ImageProgress {
            step: "queued",
            chunks_total: 0,
            chunks_done: 0,
            bytes_read: ByteCount(0),
            bytes_stored: view.image.stored.unwrap_or_default(),
            started_at: None,
            bytes_per_second: 0,
            eta_seconds: None,
        });
        if let Some(step) = step {
            progress.step = step;
            progress.eta_seconds = None;
        }
        Ok(progress)
    }

    /// What an image takes. To `measure` what it alone needs, the trees of all images are walked:
    /// one at a time in a region.
    ///
    /// # Errors
    /// When there is no such image, or the caller may not.
    pub async fn image_storage(
        &self,
        ctx: &RequestContext,
        id: &ImageId,
        measure: bool,
    ) -> Result<ImageStorage, Error> {
        let image = self.image(ctx, id).await?.image;
        let alone = match (&image.sealed, measure) {
            (Some(sealed), true) => Some(self.image_alone(id, &sealed.root_id).await?),
            (Some(_) | None, _) => None,
        };
        Ok(ImageStorage {
            alone,
            capacity: image.capacity,
            logical: image.logical,
            stored: image.stored,
            root_id: image.sealed.map(|sealed| sealed.root_id),
        })
    }
    async fn image_alone(&self, id: &ImageId, root: &str) -> Result<ImageAlone, Error> {
        let _turn = self.measuring.lock().await;
        let permit = Self::system(InternalActor::Operator);
        let (images, volumes) = self.store().roots_beside(permit, id).await?;
        let measured = self.upkeep().root_bytes(root, &images, &volumes).await;
        let (unique, reclaimable) = measured.map_err(Error::unavailable)?;
        Ok(ImageAlone { unique: ByteCount(unique), reclaimable: ByteCount(reclaimable) })
    }
}
