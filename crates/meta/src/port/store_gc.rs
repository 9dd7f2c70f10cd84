//! The chunk store's garbage collection and scrub, as rows.
//!
//! # Why it is safe to delete
//!
//! Trees share records by lineage only: a new tree points into packs of its own operation, or at
//! subtrees of the base that it was captured over, and that base was a root when its operation
//! began. So *unreachable is stable*: what no root reaches, no root will ever reach again. What is
//! left to exclude are operations whose root is not a row yet:
//!
//! - Every operation that writes packs is begun here first, and gets its number here. Packs carry
//!   that number in their names.
//! - [`StoreGcStore::gc_snapshot`] reads, in one transaction, a new epoch, the oldest open
//!   operation and all roots. A pack whose number is not below both is not judged: its root may
//!   come into being after the snapshot. An operation that is closed in the snapshot has its root
//!   in it, or will never have one.
//! - A dead pack is only *condemned*. It is deleted when a later complete mark, under a later
//!   epoch, finds it dead too and a grace period has passed (24 hours by default, none in tests):
//!   a reader that began before is not hurt, and a mistake has a day to be seen.
//! - Numbers are never given twice. A store with numbers that the database never gave is newer
//!   than the database, which then does not know all roots: the collection goes off until the
//!   operator confirms them.

use std::time::Duration;

use async_trait::async_trait;
use base::{AccountId, JobId, ResourceGroupId, Timestamp};
use jobs::{Fence, NewJob};
use model::Image;
use policy::SystemPermit;

use crate::{Change, StoreError};

/// What the collection knows of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcSnapshot {
    /// The number of this run; larger than that of every operation begun before it.
    pub epoch: u64,
    /// The oldest operation that may still commit a root.
    pub oldest_open: Option<u64>,
    /// Ids of every root and pinned root, each once.
    pub roots: Vec<String>,
    /// False while the operator has to confirm the roots.
    pub enabled: bool,
}

impl GcSnapshot {
    /// Packs of operations below this may be judged.
    #[must_use]
    pub fn below(&self) -> u64 {
        self.oldest_open.map_or(self.epoch, |oldest| oldest.min(self.epoch))
    }
}

/// A pack that waits for its deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condemned {
    /// Key of its object.
    pub pack: String,
    /// The run that found it dead.
    pub epoch: u64,
    /// Its length, in bytes.
    pub bytes: u64,
    /// When; wall time.
    pub at: Timestamp,
}

/// Damage that a scrub found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Key of the pack's object.
    pub pack: String,
    /// The record; none when it is the pack itself.
    pub record: Option<String>,
    /// What is wrong.
    pub why: String,
    /// When it was found first; wall time. Set by the store.
    pub found_at: Timestamp,
}

/// What is known of the store's upkeep. All times are wall time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreUpkeep {
    /// False while the operator has to confirm the roots.
    pub gc_enabled: bool,
    /// End of the last complete run.
    pub gc_finished_at: Option<Timestamp>,
    /// Key of the last pack that the scrub under way has read; none between two.
    pub scrub_cursor: Option<String>,
    /// When the scrub under way began, or the last one.
    pub scrub_begun_at: Option<Timestamp>,
    /// End of the last complete scrub: everything was verified after its begin.
    pub scrub_finished_at: Option<Timestamp>,
}

/// What has a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HolderKind {
    /// An image.
    Image,
    /// A volume that is based on it.
    Volume,
    /// A view that is open.
    View,
}

/// Who needs a root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RootHolder {
    /// The root.
    pub root: String,
    /// What it is.
    pub kind: HolderKind,
    /// Its id.
    pub id: String,
    /// Its name; the id of a view.
    pub name: String,
    /// Its account; empty for a view.
    pub account: String,
}

/// One part of a scrub.
#[derive(Clone, Debug, Default)]
pub struct ScrubPart {
    /// Keys of the packs that were read: what was known of them is replaced.
    pub seen: Vec<String>,
    /// What is wrong in them.
    pub findings: Vec<Quarantined>,
    /// Where to go on; none when this was the last part.
    pub cursor: Option<String>,
}

/// Upkeep of the chunk store.
///
/// A `fence` is none where the caller holds the whole data directory: the offline commands.
#[async_trait]
pub trait StoreGcStore: Send + Sync {
    /// Begins an operation that writes packs; its number. It is open until the job settles, or
    /// without a job until [`Self::operation_end`]. `owner` names the process.
    async fn operation_begin(
        &self,
        permit: SystemPermit,
        owner: &str,
        job: Option<&JobId>,
    ) -> Result<u64, StoreError>;
    /// Ends an operation: its root is a row, or never will be. Harmless to repeat.
    async fn operation_end(&self, permit: SystemPermit, sequence: u64) -> Result<(), StoreError>;
    /// Ends the operations without a job's row that processes whose name begins with `owners` but
    /// not with `but` began: they are known to be dead.
    async fn operations_forget(
        &self,
        permit: SystemPermit,
        owners: &str,
        but: &str,
    ) -> Result<u64, StoreError>;
    /// Lets the region's sequence go on above `used`. True when it was not so: the store has seen
    /// operations that this database does not know, so the collection is switched off.
    async fn sequence_above(&self, permit: SystemPermit, used: u64) -> Result<bool, StoreError>;

    /// A new epoch, the oldest open operation and all roots, of one moment.
    async fn gc_snapshot(&self, permit: SystemPermit) -> Result<GcSnapshot, StoreError>;
    /// Condemns `dead` under `epoch` and acquits what is not among them any more. Gives what may
    /// be deleted now: condemned under an earlier epoch, longer than `grace` ago.
    async fn gc_condemn(
        &self,
        permit: SystemPermit,
        fence: Option<&Fence>,
        epoch: u64,
        dead: &[(String, u64)],
        grace: Duration,
    ) -> Result<Vec<Condemned>, StoreError>;
    /// Condemns more packs under the same epoch: those that were repacked.
    async fn gc_condemn_more(
        &self,
        permit: SystemPermit,
        fence: Option<&Fence>,
        epoch: u64,
        dead: &[(String, u64)],
    ) -> Result<(), StoreError>;
    /// The packs are deleted: their rows go, with what was known of damage in them.
    async fn gc_deleted(
        &self,
        permit: SystemPermit,
        fence: Option<&Fence>,
        packs: &[String],
    ) -> Result<(), StoreError>;
    /// A run is complete.
    async fn gc_finished(
        &self,
        permit: SystemPermit,
        fence: Option<&Fence>,
    ) -> Result<(), StoreError>;
    /// Switches the collection off, or on again: the operator confirms that all roots are rows.
    async fn gc_enable(&self, permit: SystemPermit, on: bool) -> Result<(), StoreError>;
    /// Packs that wait for their deletion, ordered.
    async fn gc_condemned(&self, permit: SystemPermit) -> Result<Vec<Condemned>, StoreError>;

    /// Keeps a root alive for `holder`, which has one at most. Refuses a root that nothing holds
    /// any more: it may be half deleted.
    async fn pin(&self, permit: SystemPermit, holder: &str, root: &str) -> Result<(), StoreError>;
    /// Lets it go; harmless to repeat.
    async fn unpin(&self, permit: SystemPermit, holder: &str) -> Result<(), StoreError>;
    /// Who pins which root, by holder.
    async fn pins(&self, permit: SystemPermit) -> Result<Vec<(String, String)>, StoreError>;
    /// Who needs a root, ordered.
    async fn root_holders(
        &self,
        permit: SystemPermit,
        root: &str,
    ) -> Result<Vec<RootHolder>, StoreError>;

    /// Queues a job of the region, unless one of its kind about its subject is open; the id of
    /// that one or of the new one.
    async fn region_job(&self, permit: SystemPermit, job: NewJob) -> Result<JobId, StoreError>;
    /// What a part of a scrub found.
    async fn scrub_part(
        &self,
        permit: SystemPermit,
        fence: Option<&Fence>,
        part: &ScrubPart,
    ) -> Result<(), StoreError>;
    /// Replaces what is known of the packs `seen` by `findings`, apart from any scrub.
    async fn quarantine(
        &self,
        permit: SystemPermit,
        fence: Option<&Fence>,
        seen: &[String],
        findings: &[Quarantined],
    ) -> Result<(), StoreError>;
    /// Damage that is known, by pack and record.
    async fn quarantined(&self, permit: SystemPermit) -> Result<Vec<Quarantined>, StoreError>;
    /// What is known of the upkeep.
    async fn store_upkeep(&self, permit: SystemPermit) -> Result<StoreUpkeep, StoreError>;
    /// The default resource group of an account.
    async fn default_group(
        &self,
        permit: SystemPermit,
        account: &AccountId,
    ) -> Result<ResourceGroupId, StoreError>;
    /// Writes an image that was found by its manifest. Its account and group must be there.
    async fn image_adopt(
        &self,
        permit: SystemPermit,
        image: Image,
        change: Change,
    ) -> Result<(), StoreError>;
}
