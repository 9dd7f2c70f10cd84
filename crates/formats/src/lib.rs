//! Disk files: raw, qcow2 and vhd, read and written.
//!
//! It refuses to know paths, images, accounts and whoever calls: bytes come in and go out by two
//! ports, [`Medium`] and [`Target`]. Nothing is guessed from content: the caller says which format
//! a file has, because a guest can write any header it likes into a raw disk.
//!
//! Its invariants: every number of a file is checked before it is used; work and memory follow
//! the bytes that are there, never what a header claims; a range is right or an error, never
//! zeros in place of damage; what refers to another file is refused.
//!
//! ```text
//! Medium --> open(format) --> DiskFile --> write(format) --> Target
//! ```
//!
//! Next to read: `disk` for the traits, `limits` for every bound, then `qcow2` or `vhd`.

mod disk;
mod error;
mod fields;
mod format;
pub mod fuzz;
pub mod limits;
mod medium;
mod qcow2;
mod raw;
mod stream;
mod vhd;
mod write;

pub use disk::{DiskFile, Ranges, open};
pub use error::{Error, Feature};
pub use format::{Format, OutputFormat};
pub use medium::{Medium, Memory, Target};
pub use write::{Progress, Stamp, write};
