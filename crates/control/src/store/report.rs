//! What upkeep says, for people and programs.

use std::time::Duration;

use meta::{Quarantined, RootHolder};
use serde::{Deserialize, Serialize};

use super::{GC_GRACE, REPACK_BELOW_PERCENT};

/// Packs, records or findings named in one list of a report; more are only counted.
pub(super) const NAMED_MAX: usize = 1000;

/// How to collect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcOptions {
    /// Condemn what is dead and delete what was condemned.
    pub sweep: bool,
    /// Repack packs of which less than this is needed, in percent; 0 repacks nothing, 100 all
    /// that hold anything unneeded.
    pub repack_below_percent: u64,
    /// How long a condemned pack waits, in seconds.
    pub grace_seconds: u64,
    /// At most so many bytes a second.
    pub bytes_per_second: Option<u64>,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self {
            sweep: true,
            repack_below_percent: REPACK_BELOW_PERCENT,
            grace_seconds: GC_GRACE.as_secs(),
            bytes_per_second: None,
        }
    }
}

impl GcOptions {
    pub(super) const fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds)
    }
}

/// What a collection did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GcReport {
    /// Roots that count.
    pub roots: u64,
    /// Records that they reach.
    pub live_records: u64,
    /// Their stored bytes.
    pub live_bytes: u64,
    /// Packs that this run found dead, those that are deleted included.
    pub dead_packs: u64,
    /// Packs deleted.
    pub deleted_packs: u64,
    /// Their length, in bytes.
    pub deleted_bytes: u64,
    /// Packs whose live records went into new ones.
    pub repacked_packs: u64,
    /// New packs.
    pub written_packs: u64,
    /// Bytes of records copied.
    pub copied_bytes: u64,
    /// Bytes that nothing needs and that are still there: in dead packs that wait, and among
    /// live records.
    pub unreachable_bytes: u64,
    /// Records that are needed and that no pack has: damage. `verify` says more.
    pub missing_records: u64,
    /// Records that could not be copied because they are damaged.
    pub damage: Vec<Damage>,
}

/// What a collection would do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GcPlan {
    /// False while the operator has to confirm the roots.
    pub enabled: bool,
    /// What it would find.
    pub report: GcReport,
    /// Packs that would be deleted now, at most 1000.
    pub delete: Vec<String>,
    /// Packs that would be condemned, at most 1000.
    pub condemn: Vec<String>,
    /// Packs that would be repacked, at most 1000.
    pub repack: Vec<String>,
}

/// Something damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Key of the pack's object.
    pub pack: String,
    /// The record; none when it is the pack itself.
    pub record: Option<String>,
    /// What is wrong.
    pub why: String,
}

impl From<blocks::sealed::maintain::Finding> for Damage {
    fn from(found: blocks::sealed::maintain::Finding) -> Self {
        Self {
            pack: found.pack.object_key(),
            record: found.record.map(|id| id.to_string()),
            why: found.why.to_owned(),
        }
    }
}

impl From<Quarantined> for Damage {
    fn from(known: Quarantined) -> Self {
        Self { pack: known.pack, record: known.record, why: known.why }
    }
}

/// Who needs a root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// `image`, `volume` or `view`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its account.
    pub account: String,
}

impl From<RootHolder> for Holder {
    fn from(holder: RootHolder) -> Self {
        let kind = match holder.kind {
            meta::HolderKind::Image => "image",
            meta::HolderKind::Volume => "volume",
            meta::HolderKind::View => "view",
        };
        Self { kind: kind.to_owned(), id: holder.id, name: holder.name, account: holder.account }
    }
}

/// A root that cannot be read whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HurtRoot {
    /// Its id.
    pub root: String,
    /// Who needs it.
    pub holders: Vec<Holder>,
    /// Its damaged or missing records, at most 1000.
    pub records: Vec<String>,
    /// How many there are.
    pub records_total: u64,
}

/// What a verification found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Packs read.
    pub packs: u64,
    /// Their length, in bytes.
    pub bytes: u64,
    /// Records found whole.
    pub records: u64,
    /// Roots walked.
    pub roots: u64,
    /// What is damaged, at most 1000.
    pub damage: Vec<Damage>,
    /// How much there is.
    pub damage_total: u64,
    /// The images and volumes that it hurts.
    pub hurt: Vec<HurtRoot>,
}

impl VerifyReport {
    /// True when nothing is wrong.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.damage_total == 0 && self.hurt.is_empty()
    }
}

/// What a scrub, or a part of one, found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ScrubReport {
    /// Packs read.
    pub packs: u64,
    /// Their length, in bytes.
    pub bytes: u64,
    /// Records found whole.
    pub records: u64,
    /// Things found wrong.
    pub findings: u64,
    /// True when the last pack was read.
    pub complete: bool,
}

/// The index made anew.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct IndexState {
    /// Packs.
    pub packs: u64,
    /// Records by the packs' footers.
    pub records: u64,
    /// Records found by scanning.
    pub scanned: u64,
    /// Records that only one of the two ways finds, at most 1000.
    pub differing: Vec<String>,
    /// Packs whose footer cannot be used.
    pub damage: Vec<Damage>,
}

impl IndexState {
    /// True when both ways found the same.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.differing.is_empty() && self.damage.is_empty()
    }
}

/// What is in the store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StoreStats {
    /// The store's id.
    pub store: String,
    /// Packs of chunks.
    pub data_packs: u64,
    /// Packs of nodes.
    pub node_packs: u64,
    /// Length of all packs, in bytes.
    pub bytes: u64,
    /// Records that readers find.
    pub records: u64,
    /// Roots of images, volumes and views.
    pub roots: u64,
    /// Records that they reach.
    pub live_records: u64,
    /// Bytes of packs that nothing reaches.
    pub unreachable_bytes: u64,
    /// Needed records that no pack has: damage.
    pub missing_records: u64,
    /// Packs that wait for their deletion.
    pub condemned_packs: u64,
    /// Their length, in bytes.
    pub condemned_bytes: u64,
    /// Recovery manifests.
    pub manifests: u64,
    /// Damaged records and packs that are known.
    pub quarantined: u64,
    /// False while the operator has to confirm the roots.
    pub gc_enabled: bool,
    /// End of the last collection, RFC 3339.
    pub gc_finished_at: Option<String>,
    /// Whether a scrub is between its first and last part.
    pub scrub_under_way: bool,
    /// Begin of the last scrub, or of the one under way.
    pub scrub_begun_at: Option<String>,
    /// End of the last complete scrub.
    pub scrub_finished_at: Option<String>,
}
