//! The block engine: write layers, sealed trees, packs and captures.
//!
//! It refuses to know accounts, CRNs, roles and HTTP: it is handed keys and paths. Its
//! invariants are numbered in the project's durability page; tests name the number.
//!
//! Next to read: `device` for the seams, then `layer` or `sealed`.

mod device;
mod disk_file;
mod error;
pub mod layer;
pub mod sealed;

pub use device::{BLOCK_SIZE, BlockDevice, BlockSource, CHUNK_SIZE, CaptureSource, Extent};
pub use disk_file::{FileSource, HostFile, NewFile, SourceDisk};
pub use error::Error;
pub use formats::Format;
