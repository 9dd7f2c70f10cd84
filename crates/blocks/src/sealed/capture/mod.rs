//! Captures: from what a volume's layer holds to a new sealed tree.
//!
//! It refuses to know leases, jobs and databases: steps 2 to 5 of the create protocol happen
//! here, the commit elsewhere. Its invariants: work follows the dirty chunks, never the capacity;
//! every subtree without a dirty chunk is the base's own, by id and key, and is not read; data
//! packs are stored before the node packs that point at them, the root last; until the caller
//! commits the root id, everything written is garbage of this operation.
//!
//! ```text
//! chunks of the source --> workers: zero test, encode, encrypt --> packs --> store, log
//!                                                                              |
//!                                          nodes, leaves to root <-------------'
//! ```
//!
//! Memory is bounded: one chunk per worker twice over, a short queue of records, one pack being
//! filled, one waiting and two being stored; and about 100 bytes per dirty chunk.
//!
//! Next to read: `pipeline`, `tree`, `log`, `verify`.

mod log;
mod pipeline;
mod tree;
mod verify;

use std::sync::atomic::{AtomicBool, Ordering};

use base::Entropy;

pub use self::log::{CaptureLog, NoLog, RecordedPack};
pub use self::verify::verify;
use self::{log::recover, pipeline::Pipeline, tree::TreeWriter};
use super::{
    id::RootId,
    key::{RecordKey, RootKey},
    node::{Child, Entry, Totals, chunk_size_is_legal, level_of},
    pack::{PACK_SIZE_BYTES, PackRef},
    store::ChunkStore,
    tree::open_root,
};
use crate::{CHUNK_SIZE, CaptureSource, Error};

/// Most threads of one capture.
pub const WORKERS_MAX: usize = 64;

/// What a capture is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureStep {
    /// Reading, encoding and storing chunks.
    Chunks,
    /// Storing nodes.
    Nodes,
    /// Nothing more to store.
    Done,
}

/// How far a capture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub step: CaptureStep,
    /// Chunks that need no more work.
    pub chunks_done: u64,
    /// Dirty chunks.
    pub chunks_total: u64,
    /// Bytes read from the source.
    pub logical_bytes_read: u64,
    /// Length of this operation's packs in the store, an earlier attempt's included, in bytes.
    pub stored_bytes_written: u64,
}

/// How to capture.
pub struct CaptureOptions<'a> {
    /// Sequence number of the operation; in the name of every pack.
    pub op_sequence: u64,
    /// Where keys come from.
    pub entropy: &'a dyn Entropy,
    /// Where stored packs are recorded, for a retry.
    pub log: &'a dyn CaptureLog,
    /// Told after each pack and about every chunk; called from several threads.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Set it to stop the capture at the next chunk or pack.
    pub cancel: &'a AtomicBool,
    /// Threads that read and encode; at least one, at most [`WORKERS_MAX`].
    pub workers: usize,
    /// Chunk size when there is no base, in bytes: a power of two.
    pub chunk_size: u64,
    /// A pack is closed before it is longer than this, in bytes.
    pub pack_size: u64,
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl<'a> CaptureOptions<'a> {
    /// All cores, no log, nobody watching.
    #[must_use]
    pub fn new(op_sequence: u64, entropy: &'a dyn Entropy) -> Self {
        Self {
            op_sequence,
            entropy,
            log: &NoLog,
            progress: &|_| {},
            cancel: &NEVER,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            chunk_size: CHUNK_SIZE,
            pack_size: PACK_SIZE_BYTES,
        }
    }

    fn check_cancel(&self) -> Result<(), Error> {
        if self.cancel.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// A new sealed tree; nothing points at it until its root id is committed.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The tree.
    pub root_id: RootId,
    /// What opens it; to be wrapped at once.
    pub root_key: RootKey,
    /// Size of the image, in bytes.
    pub capacity: u64,
    /// Size of its chunks, in bytes.
    pub chunk_size: u64,
    /// Bytes of the whole image that are not holes, in whole chunks.
    pub logical_bytes: u64,
    /// Stored bytes that the whole tree reaches, shared ones included.
    pub reachable_bytes: u64,
    /// Length of the packs that this operation added, in bytes.
    pub stored_bytes: u64,
    /// Those packs, ordered; an earlier attempt's that this one took over included.
    pub packs: Vec<PackRef>,
    /// Chunks that the source listed as dirty.
    pub dirty_chunks: u64,
}

/// A chunk that lies in a stored pack.
#[derive(Clone, Debug)]
pub(super) struct StoredChunk {
    pub(super) index: u64,
    /// Its entry but for the place, which is the index's low byte.
    pub(super) child: Child,
}

impl StoredChunk {
    fn new(
        index: u64,
        id: super::RecordId,
        key: RecordKey,
        codec: super::codec::Codec,
        stored: u32,
    ) -> Self {
        let totals = Totals { chunks: 1, nodes: 0, stored_bytes: stored.into() };
        let entry = Entry { place: index as u8, codec, stored, id, totals };
        Self { index, child: Child { entry, key } }
    }
}

/// What became of a dirty chunk: stored, or nothing when it is all zero.
pub(super) type Outcome = (u64, Option<Child>);

/// What a capture will do.
pub(super) struct Plan {
    pub(super) chunk_size: u64,
    pub(super) capacity: u64,
    pub(super) level: u8,
    pub(super) base: Option<(RootId, std::sync::Arc<super::node::Node>)>,
    /// Dirty chunks, ascending.
    pub(super) dirty: Vec<u64>,
}

fn invalid(what: &str) -> Error {
    Error::Invalid { what: what.to_owned() }
}

fn plan(
    store: &ChunkStore,
    base: Option<(RootId, &RootKey)>,
    source: &dyn CaptureSource,
    options: &CaptureOptions<'_>,
) -> Result<Plan, Error> {
    let capacity = source.capacity();
    let mut chunk_size = options.chunk_size;
    let mut opened = None;
    if let Some((id, key)) = base {
        let (node, fields) = open_root(store, id, key)?;
        if fields.capacity > capacity {
            return Err(invalid("a capture cannot be smaller than its base"));
        }
        chunk_size = fields.chunk_size.into();
        opened = Some((id, node));
    }
    if !chunk_size_is_legal(chunk_size) {
        return Err(invalid("a chunk size is a power of two from 4 KiB to 4 MiB"));
    }
    let level = level_of(capacity, chunk_size)
        .filter(|_| capacity > 0)
        .ok_or_else(|| invalid("a capture is not empty, and not larger than the largest tree"))?;
    let dirty = source.dirty_chunks(chunk_size);
    let ascending = dirty.windows(2).all(|pair| pair[0] < pair[1]);
    if !ascending || dirty.last().is_some_and(|last| *last >= capacity.div_ceil(chunk_size)) {
        return Err(invalid("the dirty chunks are not ascending or past the capacity"));
    }
    Ok(Plan { chunk_size, capacity, level, base: opened, dirty })
}

/// Makes a sealed tree of `source` over `base`, its packs durable when it returns.
///
/// A capture without a base makes the tree of what the source lists; all else is a hole. A retry
/// with the same log takes over the packs that were recorded and still are in the store; its
/// source must be the same frozen content.
///
/// # Errors
/// What the source, the store or the log give; `Cancelled`; `Invalid` for a source that does not
/// fit its base. After an error the packs of this operation are garbage, except for what the log
/// recorded for a retry.
pub fn seal(
    store: &ChunkStore,
    base: Option<(RootId, &RootKey)>,
    source: &dyn CaptureSource,
    options: &CaptureOptions<'_>,
) -> Result<Sealed, Error> {
    options.check_cancel()?;
    let plan = plan(store, base, source, options)?;
    let recovered = recover(store, options, &plan.dirty)?;
    let chunks = Pipeline::new(store, source, options, &plan).run(recovered)?;
    let so_far = Progress {
        step: CaptureStep::Nodes,
        chunks_done: plan.dirty.len() as u64,
        chunks_total: plan.dirty.len() as u64,
        logical_bytes_read: chunks.logical_bytes_read,
        stored_bytes_written: chunks.packs.iter().map(|(_, length)| length).sum(),
    };
    let mut writer = TreeWriter::new(store, options, &plan, so_far);
    let (root_id, root_key, totals) = writer.write(&chunks.outcomes)?;
    let nodes = writer.finish()?;

    let mut packs = chunks.packs;
    packs.extend(nodes);
    packs.sort_unstable();
    packs.dedup();
    let stored_bytes = packs.iter().map(|(_, length)| length).sum();
    let done = Progress { step: CaptureStep::Done, stored_bytes_written: stored_bytes, ..so_far };
    (options.progress)(done);
    Ok(Sealed {
        root_id,
        root_key,
        capacity: plan.capacity,
        chunk_size: plan.chunk_size,
        logical_bytes: (u64::from(totals.chunks) * plan.chunk_size).min(plan.capacity),
        reachable_bytes: totals.stored_bytes,
        stored_bytes,
        packs: packs.into_iter().map(|(pack, _)| pack).collect(),
        dirty_chunks: plan.dirty.len() as u64,
    })
}
