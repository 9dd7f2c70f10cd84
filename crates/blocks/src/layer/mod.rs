//! The writable side of a volume: write layers over an immutable base.
//!
//! It refuses to know accounts, images and how a base is stored: it is handed a key, folders and
//! a [`BlockSource`](crate::BlockSource). Its invariants are numbers 1-6, 8, 9, 24 and 26 of the
//! engine: what was flushed survives any crash, what was acknowledged survives the process's
//! death, zeroed blocks never show the base again.
//!
//! ```text
//!   Volume ── Core ─┬─ BlockMap ── LiveMap ──────────── run folder (tmpfs): <volume>.g<n>.live
//!                   ├─ Xts ─────── g<n>.data
//!                   ├─ Log ─────── g<n>.map.journal, g<n>.map.A, g<n>.map.B
//!                   ├─ SumsFile ── g<n>.sums
//!                   └─ HeaderFile  g<n>.header (locked)
//! ```
//!
//! All files are little-endian, 0600, and carry a format version; each module that owns a file
//! has its byte table.
//!
//! Next to read: `volume`, then `engine`, `write`, `flush`, `recover`.

mod checkpoint;
mod disk;
mod engine;
mod fields;
mod files;
mod flush;
pub mod fuzz;
mod header;
mod host;
mod journal;
mod keys;
mod live;
mod map;
mod read;
mod recover;
pub mod sim;
mod space;
mod spec;
mod sums;
mod tidy;
mod volume;
mod write;
mod xts;

pub use disk::{DiskDir, DiskFile, Room, RunDir, SharedMap};
pub use engine::Host;
pub use fields::FORMAT;
pub use keys::{VOLUME_KEY_BYTES, VolumeKey};
pub use space::Reserve;
pub use spec::{CAPACITY_MAX, LayerInfo, NoBase, OpenedBy, VOLUME_ID_MAX, VolumeSpec, VolumeStats};
pub use volume::{
    FrozenLayer, SUM_REGION_BYTES, Volume, drop_generation, drop_generation_on, generations,
    inspect, inspect_on, provision, provision_on,
};
