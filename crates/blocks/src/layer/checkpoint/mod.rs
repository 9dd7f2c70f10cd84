//! Checkpoints: the map on disk, so that the journal may begin anew.
//!
//! It refuses to know the journal. Its invariants: a checkpoint holds only states whose data was
//! synced before; the newest one stays whole while the next is written; what is written follows
//! what changed, never the size of the map.
//!
//! A map is stored as a tree of pages of 4 KiB, each with a place in both of two files. A
//! checkpoint writes the changed pages, and the nodes above them, to the place that the newest
//! checkpoint does not use, and a new root to the older of the two roots. A root is as good as
//! what it names: one whose pages are not all there was never finished, and the other root is
//! the checkpoint.
//!
//! Next to read: `tree` for the format, `files` for reading and writing.

mod files;
mod tree;
mod whole;

pub(super) use files::CheckpointFiles;
pub(super) use tree::{ROOT, put_sums};

use crate::Error;
use crate::layer::fields::{Reader, SUM_BYTES};
use crate::layer::map::PAGE_WORDS;

/// The first bytes of both files, in every format.
const MAGIC: [u8; 8] = *b"ECTMAPC1";

/// The words of one page of the map.
pub(super) type PageWords = Box<[u64; PAGE_WORDS]>;

/// A map as a checkpoint has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// Higher than every journal record in it.
    pub(super) sequence: u64,
    pub(super) pages: Vec<(u64, PageWords)>,
    /// It is of format 1: the next one has to write all its pages.
    pub(super) whole: bool,
}

/// What the head of a file says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    /// Never written.
    Empty,
    /// Format 1.
    Whole,
    /// The format that is written.
    Tree,
}

/// Refuses a format that this program does not know. A torn write never makes one: the first
/// sector is written whole.
fn head_of(name: &str, bytes: &[u8]) -> Result<Head, Error> {
    let mut fields = Reader(bytes);
    if fields.bytes() != Some(MAGIC) {
        return Ok(Head::Empty);
    }
    match fields.u32().unwrap_or(0) {
        whole::FORMAT => Ok(Head::Whole),
        tree::FORMAT => Ok(Head::Tree),
        found => {
            let name = name.to_owned();
            Err(Error::UnknownFormat { name, found, known: tree::FORMAT })
        }
    }
}

/// Reads `bytes` as the only file of a layer with so many pages.
pub(super) fn parse(
    name: &str,
    bytes: &[u8],
    identity: &[u8; SUM_BYTES],
    pages: u64,
) -> Result<Option<Checkpoint>, Error> {
    match head_of(name, bytes)? {
        Head::Empty => Ok(None),
        Head::Whole => Checkpoint::parse(name, bytes, identity, pages),
        Head::Tree => files::parse_alone(name, bytes, identity, pages),
    }
}
