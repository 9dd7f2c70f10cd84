//! Ectype's own extensions, under `/_ectype/v1/`.

use base::{ByteCount, Timestamp};
use serde::{Deserialize, Serialize};

/// Figures of an image's creation, as `control` gives them.
#[derive(Clone, Copy, Debug)]
pub struct ProgressFigures {
    /// `queued`, `freezing`, `sealing`, `committing`, `done`, `failed`.
    pub step: &'static str,
    /// Chunks to read.
    pub chunks_total: u64,
    /// Chunks read.
    pub chunks_done: u64,
    /// Bytes read.
    pub bytes_read: ByteCount,
    /// Bytes written to the store.
    pub bytes_stored: ByteCount,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// Bytes read in a second.
    pub bytes_per_second: u64,
    /// Seconds that remain.
    pub eta_seconds: Option<u64>,
}

/// `GET /_ectype/v1/images/{id}/progress`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The image.
    pub image_id: String,
    /// `queued`, `freezing`, `sealing`, `committing`, `done`, `failed`.
    pub step: String,
    /// Chunks to read.
    pub chunks_total: u64,
    /// Chunks read.
    pub chunks_done: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written to the store.
    pub bytes_stored: u64,
    /// Bytes read in a second, on average.
    pub bytes_per_second: u64,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// Seconds that remain, if the rate stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<u64>,
}

impl ProgressFigures {
    /// As JSON has it.
    #[must_use]
    pub fn of(&self, image: &str) -> Progress {
        Progress {
            image_id: image.to_owned(),
            step: self.step.to_owned(),
            chunks_total: self.chunks_total,
            chunks_done: self.chunks_done,
            bytes_read: self.bytes_read.0,
            bytes_stored: self.bytes_stored.0,
            bytes_per_second: self.bytes_per_second,
            started_at: self.started_at.map(|at| at.to_string()),
            eta_seconds: self.eta_seconds,
        }
    }
}

/// `GET /_ectype/v1/images/{id}/storage`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageFigures {
    /// The image.
    pub image_id: String,
    /// Size of the disk, in bytes.
    pub capacity_bytes: u64,
    /// Bytes that are not holes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logical_bytes: Option<u64>,
    /// Bytes that the capture added to the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
    /// Public id of the sealed root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_id: Option<String>,
    /// Bytes of the store that no other image needs; when it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique_bytes: Option<u64>,
    /// Bytes of the store that nothing else needs; when it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reclaimable_bytes: Option<u64>,
}

/// `POST` and `GET /_ectype/v1/images/{id}/isolate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// The image.
    pub image_id: String,
    /// `running`, `done` or `failed`.
    pub step: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Public id of the root that the image had before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_root_id: Option<String>,
    /// Public id of the root that it has since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_id: Option<String>,
    /// Bytes that the store took for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
}

/// `GET /_ectype/v1/instances/{id}/console_log?offset=&limit=`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleLog {
    /// The instance.
    pub instance_id: String,
    /// Where `text` begins, in bytes.
    pub offset: u64,
    /// Where the next read begins.
    pub next_offset: u64,
    /// Bytes of the whole log.
    pub total_bytes: u64,
    /// What the guest wrote; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// A part of a console log.
#[must_use]
pub fn console_log(instance: &str, offset: u64, bytes: &[u8], total: u64) -> ConsoleLog {
    ConsoleLog {
        instance_id: instance.to_owned(),
        offset,
        next_offset: offset.saturating_add(bytes.len() as u64),
        total_bytes: total,
        text: String::from_utf8_lossy(bytes).into_owned(),
    }
}
