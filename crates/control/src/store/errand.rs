//! Engine work in the background of an asynchronous caller: paced, watched, and ended when nobody
//! waits for it any more.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use base::Clock;
use blocks::sealed::{
    ChunkStore, RootId,
    maintain::{Done, Throttle, Watch},
};
use meta::{Store, StoreError};
use policy::{InternalActor, SystemPermit};

/// Told what is being done and how far it is, from any thread.
type Tell = Arc<dyn Fn(&'static str, Done) + Send + Sync>;

/// How a piece of work is done.
#[derive(Clone)]
pub struct Errand {
    /// Ends it when set.
    pub cancel: Arc<AtomicBool>,
    /// At most so many bytes a second; none without a limit.
    pub bytes_per_second: Option<u64>,
    /// Told how far it is.
    pub tell: Tell,
}

impl Errand {
    /// Work that nobody watches.
    #[must_use]
    pub fn quiet(bytes_per_second: Option<u64>) -> Self {
        Self { cancel: Arc::default(), bytes_per_second, tell: Arc::new(|_, _| {}) }
    }
}

/// Why upkeep did not happen.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The engine.
    #[error("chunk store")]
    Blocks(#[from] blocks::Error),
    /// The database.
    #[error("database")]
    Store(#[from] StoreError),
    /// Roots may be missing from the database.
    #[error(
        "the garbage collection is off: the database was recovered or is older than the store, so \
         it may not know every image. Look at `ectype store recover`, then switch the collection \
         on with `ectype store gc --confirm-roots`"
    )]
    Off,
    /// A row names something that cannot be.
    #[error("damaged record: {what}")]
    Record {
        /// What is wrong.
        what: &'static str,
    },
    /// Work in the background ended without an answer.
    #[error("background work ended early")]
    Task(#[from] tokio::task::JoinError),
}

impl UpkeepError {
    /// What callers tell apart.
    #[must_use]
    pub fn kind(&self) -> base::ErrorKind {
        match self {
            Self::Blocks(e) => e.kind(),
            Self::Store(e) => e.kind(),
            Self::Off => base::ErrorKind::Conflict,
            Self::Record { .. } => base::ErrorKind::Corrupt,
            Self::Task(_) => base::ErrorKind::Internal,
        }
    }
}

/// A chunk store and the database that knows its roots; no keys.
#[derive(Clone)]
pub struct Upkeep {
    pub(super) store: Arc<dyn Store>,
    pub(super) chunks: Arc<ChunkStore>,
    clock: Arc<dyn Clock>,
}

/// Leave for upkeep.
pub(super) const UPKEEP: SystemPermit = SystemPermit::of(InternalActor::Operator);

/// Ends the work when its caller is gone.
struct EndOnDrop(Arc<AtomicBool>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Upkeep {
    /// Over parts that are open already.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, chunks: Arc<ChunkStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, chunks, clock }
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Runs engine work on a thread that may block.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        errand: &Errand,
        what: &'static str,
        work: impl FnOnce(&ChunkStore, &Watch<'_>) -> Result<T, blocks::Error> + Send + 'static,
    ) -> Result<T, UpkeepError> {
        let (chunks, clock, errand) = (self.chunks.clone(), self.clock.clone(), errand.clone());
        // Its own: that the errand goes on after this piece must stay possible.
        let ended = Arc::new(AtomicBool::new(false));
        let guard = EndOnDrop(Arc::clone(&ended));
        let done = tokio::task::spawn_blocking(move || {
            let throttle =
                Throttle::new(errand.bytes_per_second, clock, Arc::clone(&errand.cancel));
            let pace = |bytes| {
                if ended.load(Ordering::Relaxed) {
                    return Err(blocks::Error::Cancelled);
                }
                throttle.pace(bytes)
            };
            let progress = |done| (errand.tell)(what, done);
            work(&chunks, &Watch { pace: &pace, progress: &progress })
        })
        .await?;
        drop(guard);
        Ok(done?)
    }

    /// Switches the collection on: the operator says that every image that must stay is a row.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn roots_confirm(&self) -> Result<(), UpkeepError> {
        Ok(self.store.gc_enable(UPKEEP, true).await?)
    }

    /// Every root and pinned root, as of about now: for reports, not for deletion.
    pub(super) async fn roots(&self) -> Result<Vec<RootId>, UpkeepError> {
        let mut roots = self.store.roots(UPKEEP).await?;
        roots.extend(self.store.pins(UPKEEP).await?.into_iter().map(|(_, root)| root));
        roots.sort_unstable();
        roots.dedup();
        parse(&roots)
    }
}

/// Root ids out of rows.
pub(super) fn parse(roots: &[String]) -> Result<Vec<RootId>, UpkeepError> {
    let parse = |root: &String| {
        RootId::parse(root).map_err(|_| UpkeepError::Record { what: "a root id is not one" })
    };
    roots.iter().map(parse).collect()
}
