//! The immutable side: records in packs, trees of nodes over them, images read from trees, and
//! captures that make new trees.
//!
//! It refuses to know accounts, images as resources, and who wraps keys: it is handed root ids
//! and root keys. Its invariants: an object is never changed after it was stored; every byte that
//! comes out was checked against the id and key that its parent holds; everything that keeps the
//! store in order (index, marks, checks of packs) works without any key.
//!
//! ```text
//! RootId + RootKey --> root node --> nodes --> chunks      (node.rs, tree.rs, image.rs)
//!                        |             |         |
//!                        '--- node packs        data packs (pack.rs, index.rs)
//!                                  '------ objects --'     (backend.rs, store.rs)
//! ```
//!
//! All numbers of the stored formats are little-endian. Each format's byte table stands in its
//! file: store layout in `store`, packs in `pack`, nodes in `node`, data records in `record`,
//! recorded packs of a capture in `capture::log`, manifests in `manifest`. Unknown versions are
//! refused.
//!
//! Next to read: `record` from the bottom, `image` and `capture` from the top, `maintain` for what
//! keeps a store in order.

mod ahead;
#[cfg(test)]
mod attack;
mod backend;
mod cache;
mod capture;
mod codec;
mod fields;
pub mod fuzz;
mod id;
mod image;
mod index;
mod key;
pub mod maintain;
mod manifest;
mod node;
mod pack;
mod record;
mod store;
mod streams;
mod tree;

pub use cache::{CACHE_BYTES_DEFAULT, ReadCache};
pub use capture::{
    CaptureLog, CaptureOptions, CaptureStep, NoLog, Progress, RecordedPack, Sealed, WORKERS_MAX,
    seal, verify,
};
pub use id::{HexError, PackName, RecordId, RootId, StoreId};
pub use image::SealedImage;
pub use index::IndexEntry;
pub use key::RootKey;
pub use manifest::{MANIFEST_PAYLOAD_MAX_BYTES, ManifestKey};
pub use pack::{PACK_SIZE_BYTES, PackKind, PackRef};
pub use store::ChunkStore;
pub use tree::RootStats;

/// Smallest chunk size of a tree, in bytes.
pub const CHUNK_SIZE_MIN_BYTES: u64 = 4096;

/// Largest chunk size of a tree, in bytes.
pub const CHUNK_SIZE_MAX_BYTES: u64 = 4 * 1024 * 1024;
