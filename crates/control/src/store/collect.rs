//! One collection: what is dead is condemned, what was condemned is deleted, what is sparse is
//! repacked.

use std::collections::HashSet;

use blocks::sealed::{
    PackRef,
    maintain::{Live, PackUse, Usage},
};
use jobs::Fence;
use meta::{Condemned, GcSnapshot};

use super::{
    Errand, GcOptions, GcPlan, GcReport, OFFLINE, Upkeep, UpkeepError,
    errand::{UPKEEP, parse},
    report::NAMED_MAX,
};

/// Packs deleted between two looks at the fence.
const DELETE_BATCH: usize = 32;

/// A complete mark of one snapshot.
struct Marked {
    snapshot: GcSnapshot,
    live: Live,
    usage: Usage,
}

fn named(packs: &[PackUse]) -> Vec<(String, u64)> {
    packs.iter().map(|one| (one.pack.object_key(), one.bytes)).collect()
}

fn keys(packs: &[PackUse]) -> Vec<String> {
    packs.iter().take(NAMED_MAX).map(|one| one.pack.object_key()).collect()
}

impl Upkeep {
    /// Compares the store's operations with the database's, which must know the newest: else the
    /// collection goes off.
    ///
    /// # Errors
    /// When store or database are away.
    pub async fn sequence_check(&self) -> Result<bool, UpkeepError> {
        let packs = self.work(&Errand::quiet(None), "list", |chunks, _| chunks.packs()).await?;
        let newest = packs.iter().map(|(pack, _)| pack.op_sequence).max().unwrap_or(0);
        let behind = self.store.sequence_above(UPKEEP, newest).await?;
        if behind {
            tracing::error!(
                newest,
                "the chunk store is newer than the database: the garbage collection is off until \
                 the operator confirms the roots with `ectype store gc --confirm-roots`"
            );
        }
        Ok(behind)
    }

    async fn marked(&self, errand: &Errand) -> Result<Marked, UpkeepError> {
        self.sequence_check().await?;
        let snapshot = self.store.gc_snapshot(UPKEEP).await?;
        let roots = parse(&snapshot.roots)?;
        let (live, usage) = self
            .work(errand, "mark", move |chunks, watch| {
                let live = chunks.mark(&roots, watch)?;
                let usage = chunks.usage(&live)?;
                Ok((live, usage))
            })
            .await?;
        if !usage.missing.is_empty() {
            tracing::error!(
                records = usage.missing.len(),
                "records that images need are missing: run `ectype store verify`"
            );
        }
        Ok(Marked { snapshot, live, usage })
    }

    /// What a collection would do now; nothing is changed.
    ///
    /// # Errors
    /// A node that cannot be read; when store or database are away.
    pub async fn gc_plan(
        &self,
        options: &GcOptions,
        errand: &Errand,
    ) -> Result<GcPlan, UpkeepError> {
        let marked = self.marked(errand).await?;
        let below = marked.snapshot.below();
        let mut plan = GcPlan {
            enabled: marked.snapshot.enabled,
            report: report_of(&marked),
            ..GcPlan::default()
        };
        if options.sweep {
            let dead = marked.usage.dead(below);
            let known = self.store.gc_condemned(UPKEEP).await?;
            let now = self.wall();
            let due: HashSet<_> = known
                .iter()
                .filter(|one| one.at.plus(options.grace()) <= now)
                .map(|one| one.pack.as_str())
                .collect();
            let condemned: HashSet<_> = known.iter().map(|one| one.pack.as_str()).collect();
            for (pack, _) in named(&dead) {
                let list = if due.contains(pack.as_str()) {
                    &mut plan.delete
                } else if condemned.contains(pack.as_str()) {
                    continue;
                } else {
                    &mut plan.condemn
                };
                if list.len() < NAMED_MAX {
                    list.push(pack);
                }
            }
            plan.report.dead_packs = dead.len() as u64;
        }
        plan.repack = keys(&marked.usage.sparse(below, options.repack_below_percent));
        Ok(plan)
    }

    /// Condemns what is dead, and deletes what an earlier run condemned long enough ago. Harmless
    /// to repeat.
    ///
    /// # Errors
    /// `Off`; a node that cannot be read, and then nothing is deleted (invariant 14); a stale
    /// fence; when store or database are away.
    pub async fn sweep(
        &self,
        fence: Option<&Fence>,
        options: &GcOptions,
        errand: &Errand,
    ) -> Result<GcReport, UpkeepError> {
        let marked = self.marked(errand).await?;
        if !marked.snapshot.enabled {
            return Err(UpkeepError::Off);
        }
        let dead = marked.usage.dead(marked.snapshot.below());
        let due = self
            .store
            .gc_condemn(UPKEEP, fence, marked.snapshot.epoch, &named(&dead), options.grace())
            .await?;
        let mut report = report_of(&marked);
        report.dead_packs = dead.len() as u64;
        for batch in due.chunks(DELETE_BATCH) {
            self.delete(fence, errand, batch).await?;
            report.deleted_packs += batch.len() as u64;
            report.deleted_bytes += batch.iter().map(|one| one.bytes).sum::<u64>();
        }
        report.unreachable_bytes = report.unreachable_bytes.saturating_sub(report.deleted_bytes);
        Ok(report)
    }

    /// Objects first, then their rows: a crash between leaves rows that the next run acquits.
    async fn delete(
        &self,
        fence: Option<&Fence>,
        errand: &Errand,
        batch: &[Condemned],
    ) -> Result<(), UpkeepError> {
        let keys: Vec<_> = batch.iter().map(|one| one.pack.clone()).collect();
        let packs: Vec<_> = keys.iter().filter_map(|key| PackRef::of_object_key(key)).collect();
        self.work(errand, "delete", move |chunks, watch| {
            (watch.pace)(0)?;
            chunks.delete_packs(&packs)
        })
        .await?;
        Ok(self.store.gc_deleted(UPKEEP, fence, &keys).await?)
    }

    /// Copies what is needed out of sparse packs into packs of `operation`, which was begun before,
    /// and condemns the old ones. A crash leaves copies; the next run sees the originals as dead.
    ///
    /// # Errors
    /// As [`Self::sweep`]; `NoSpace`.
    pub async fn repack(
        &self,
        fence: Option<&Fence>,
        operation: u64,
        options: &GcOptions,
        errand: &Errand,
    ) -> Result<GcReport, UpkeepError> {
        let marked = self.marked(errand).await?;
        if !marked.snapshot.enabled {
            return Err(UpkeepError::Off);
        }
        let mut report = report_of(&marked);
        let below = marked.snapshot.below().min(operation);
        let sparse = marked.usage.sparse(below, options.repack_below_percent);
        if sparse.is_empty() {
            return Ok(report);
        }
        let lengths: Vec<_> = sparse.iter().map(|one| (one.pack, one.bytes)).collect();
        let sources: Vec<_> = sparse.iter().map(|one| one.pack).collect();
        let live = marked.live;
        let done = self
            .work(errand, "repack", move |chunks, watch| {
                chunks.repack(&sources, &live, operation, watch)
            })
            .await?;
        let emptied: Vec<_> = lengths
            .iter()
            .filter(|(pack, _)| done.emptied.contains(pack))
            .map(|(pack, bytes)| (pack.object_key(), *bytes))
            .collect();
        let epoch = marked.snapshot.epoch;
        self.store.gc_condemn_more(UPKEEP, fence, epoch, &emptied).await?;
        report.repacked_packs = emptied.len() as u64;
        report.written_packs = done.written.len() as u64;
        report.copied_bytes = done.copied_bytes;
        report.damage = done.findings.into_iter().take(NAMED_MAX).map(Into::into).collect();
        Ok(report)
    }

    /// A whole collection for whoever holds the data directory alone: sweep, repack, done.
    ///
    /// # Errors
    /// As [`Self::sweep`] and [`Self::repack`].
    pub async fn gc(&self, options: &GcOptions, errand: &Errand) -> Result<GcReport, UpkeepError> {
        let mut report = GcReport::default();
        self.sequence_check().await?;
        if options.sweep {
            report = self.sweep(None, options, errand).await?;
        }
        if options.repack_below_percent > 0 {
            // One that was cut off would bound every later run.
            self.store.operations_forget(UPKEEP, OFFLINE, "-").await?;
            let operation = self.store.operation_begin(UPKEEP, OFFLINE, None).await?;
            let repacked = self.repack(None, operation, options, errand).await;
            self.store.operation_end(UPKEEP, operation).await?;
            report = report.with_repack(repacked?, options.sweep);
        }
        self.store.gc_finished(UPKEEP, None).await?;
        Ok(report)
    }
}

impl GcReport {
    /// This sweep's report with what the repack after it did.
    pub(super) fn with_repack(self, repack: Self, swept: bool) -> Self {
        if !swept {
            return repack;
        }
        Self {
            repacked_packs: repack.repacked_packs,
            written_packs: repack.written_packs,
            copied_bytes: repack.copied_bytes,
            damage: repack.damage,
            ..self
        }
    }
}

fn report_of(marked: &Marked) -> GcReport {
    GcReport {
        roots: marked.snapshot.roots.len() as u64,
        live_records: marked.live.records(),
        live_bytes: marked.live.stored_bytes(),
        unreachable_bytes: marked.usage.unreachable_bytes(),
        missing_records: marked.usage.missing.len() as u64,
        ..GcReport::default()
    }
}
