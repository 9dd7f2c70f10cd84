//! What only looks: statistics, verification, scrub, the index made anew.

use base::Timestamp;
use blocks::sealed::{
    PackKind, PackRef, RootId,
    maintain::{Finding, Hurt, Scrubbed, Watch},
};
use jobs::Fence;
use meta::{Quarantined, ScrubPart};

use super::{
    Errand, HurtRoot, IndexState, ScrubReport, StoreStats, Upkeep, UpkeepError, VerifyReport,
    errand::{UPKEEP, parse},
    report::{Damage, NAMED_MAX},
};

/// Bytes read in one part of a scrub: what a crash makes it read again at most.
const SCRUB_PART_BYTES: u64 = 256 << 20;

impl Upkeep {
    /// Wall time.
    pub(super) fn wall(&self) -> Timestamp {
        self.clock().wall()
    }

    /// Bytes of the store that `root` alone needs: beside the roots `images`, and beside those
    /// and everything else that needs some. Marks.
    ///
    /// # Errors
    /// A node that cannot be read; when store or database are away.
    pub(crate) async fn root_bytes(
        &self,
        root: &str,
        images: &[String],
        others: &[String],
    ) -> Result<(u64, u64), UpkeepError> {
        let pins = self.store.pins(UPKEEP).await?.into_iter().map(|(_, root)| root);
        let all: Vec<String> = images.iter().chain(others).cloned().chain(pins).collect();
        let (own, images, all) = (parse(&[root.to_owned()])?, parse(images)?, parse(&all)?);
        let work = move |chunks: &blocks::sealed::ChunkStore, watch: &Watch<'_>| {
            let beside = |others: &[RootId]| {
                let without = chunks.mark(others, watch)?.stored_bytes();
                let with: Vec<_> = others.iter().chain(&own).copied().collect();
                Ok::<_, blocks::Error>(chunks.mark(&with, watch)?.stored_bytes() - without)
            };
            Ok((beside(&images)?, beside(&all)?))
        };
        self.work(&Errand::quiet(None), "mark", work).await
    }

    /// What is in the store and how it is. Marks, so it fails where a collection would.
    ///
    /// # Errors
    /// A node that cannot be read; when store or database are away.
    pub async fn stats(&self, errand: &Errand) -> Result<StoreStats, UpkeepError> {
        let roots = self.roots().await?;
        let count = roots.len() as u64;
        let (live, usage, manifests) = self
            .work(errand, "mark", move |chunks, watch| {
                let live = chunks.mark(&roots, watch)?;
                let usage = chunks.usage(&live)?;
                Ok((live, usage, chunks.manifests()?.len()))
            })
            .await?;
        let upkeep = self.store.store_upkeep(UPKEEP).await?;
        let condemned = self.store.gc_condemned(UPKEEP).await?;
        let of = |kind| usage.packs.iter().filter(|one| one.pack.kind == kind).count() as u64;
        let date = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Ok(StoreStats {
            store: self.chunks.id().to_string(),
            data_packs: of(PackKind::Data),
            node_packs: of(PackKind::Node),
            bytes: usage.packs.iter().map(|one| one.bytes).sum(),
            records: usage.packs.iter().map(|one| one.records).sum(),
            roots: count,
            live_records: live.records(),
            unreachable_bytes: usage.unreachable_bytes(),
            missing_records: usage.missing.len() as u64,
            condemned_packs: condemned.len() as u64,
            condemned_bytes: condemned.iter().map(|one| one.bytes).sum(),
            manifests: manifests as u64,
            quarantined: self.store.quarantined(UPKEEP).await?.len() as u64,
            gc_enabled: upkeep.gc_enabled,
            gc_finished_at: date(upkeep.gc_finished_at),
            scrub_under_way: upkeep.scrub_cursor.is_some(),
            scrub_begun_at: date(upkeep.scrub_begun_at),
            scrub_finished_at: date(upkeep.scrub_finished_at),
        })
    }

    /// Reads every byte of every pack and walks every root: names each bad record, and the
    /// images and volumes that it hurts. What is bad is remembered, for a repair.
    ///
    /// # Errors
    /// When the list of packs or the database cannot be read; damage is no error.
    pub async fn verify(&self, errand: &Errand) -> Result<VerifyReport, UpkeepError> {
        let roots = self.roots().await?;
        let walked = roots.len() as u64;
        let read = self.work(errand, "read", |chunks, watch| chunks.scrub(None, u64::MAX, watch));
        let read = read.await?;
        // So that a repair knows it too.
        let part = part_of(&read, self.wall());
        self.store.quarantine(UPKEEP, None, &part.seen, &part.findings).await?;
        let hurt = self.hurt(roots, read.findings.clone(), errand).await?;
        Ok(VerifyReport {
            packs: read.packs,
            bytes: read.bytes,
            records: read.records,
            roots: walked,
            damage_total: read.findings.len() as u64,
            damage: read.findings.into_iter().take(NAMED_MAX).map(Damage::from).collect(),
            hurt,
        })
    }

    pub(super) async fn hurt(
        &self,
        roots: Vec<RootId>,
        findings: Vec<Finding>,
        errand: &Errand,
    ) -> Result<Vec<HurtRoot>, UpkeepError> {
        let hurt = self
            .work(errand, "walk", move |chunks, watch| chunks.hurt(&roots, &findings, watch))
            .await?;
        let mut out = Vec::with_capacity(hurt.len());
        for Hurt { root, records } in hurt {
            let root = root.to_string();
            let holders = self.store.root_holders(UPKEEP, &root).await?;
            out.push(HurtRoot {
                root,
                holders: holders.into_iter().map(Into::into).collect(),
                records_total: records.len() as u64,
                records: records.iter().take(NAMED_MAX).map(ToString::to_string).collect(),
            });
        }
        Ok(out)
    }

    /// Reads the next part of the store and remembers what it found; a scrub that was cut off
    /// goes on where it was. Damage is told in the log with whom it hurts.
    ///
    /// # Errors
    /// A stale fence; when the list of packs or the database cannot be read.
    pub async fn scrub_part(
        &self,
        fence: Option<&Fence>,
        errand: &Errand,
    ) -> Result<ScrubReport, UpkeepError> {
        let cursor = self.store.store_upkeep(UPKEEP).await?.scrub_cursor;
        let after = cursor.as_deref().and_then(PackRef::of_object_key);
        let read = self
            .work(errand, "read", move |chunks, watch| chunks.scrub(after, SCRUB_PART_BYTES, watch))
            .await?;
        self.store.scrub_part(UPKEEP, fence, &part_of(&read, self.wall())).await?;
        if !read.findings.is_empty() {
            self.alarm(read.findings.clone(), errand).await?;
        }
        Ok(ScrubReport {
            packs: read.packs,
            bytes: read.bytes,
            records: read.records,
            findings: read.findings.len() as u64,
            complete: read.cursor.is_none(),
        })
    }

    async fn alarm(&self, findings: Vec<Finding>, errand: &Errand) -> Result<(), UpkeepError> {
        for found in findings.iter().take(NAMED_MAX) {
            let record = found.record.map(|id| id.to_string()).unwrap_or_default();
            tracing::error!(pack = %found.pack.name, record, why = found.why, "damage in the store");
        }
        let roots = self.roots().await?;
        for hurt in self.hurt(roots, findings, errand).await? {
            for holder in hurt.holders {
                tracing::error!(
                    kind = holder.kind,
                    id = holder.id,
                    name = holder.name,
                    records = hurt.records_total,
                    "is hurt by the damage"
                );
            }
        }
        Ok(())
    }

    /// A whole scrub, or the rest of one, for whoever holds the data directory alone.
    ///
    /// # Errors
    /// As [`Self::scrub_part`].
    pub async fn scrub(&self, errand: &Errand) -> Result<ScrubReport, UpkeepError> {
        let mut report = ScrubReport::default();
        while !report.complete {
            report.add(&self.scrub_part(None, errand).await?);
        }
        Ok(report)
    }

    /// Makes the index anew from the packs and compares its two ways.
    ///
    /// # Errors
    /// When a pack cannot be read at all.
    pub async fn rebuild_index(&self, errand: &Errand) -> Result<IndexState, UpkeepError> {
        let made = self.work(errand, "scan", |chunks, watch| chunks.rebuild_index(watch)).await?;
        let damage = made.damaged.into_iter().map(|(pack, why)| Damage {
            pack: pack.object_key(),
            record: None,
            why,
        });
        Ok(IndexState {
            packs: made.packs,
            records: made.records,
            scanned: made.scanned,
            differing: made.differing.iter().take(NAMED_MAX).map(ToString::to_string).collect(),
            damage: damage.collect(),
        })
    }

    /// What scrubs have found, and whom it hurts now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn known_damage(&self) -> Result<Vec<Damage>, UpkeepError> {
        Ok(self.store.quarantined(UPKEEP).await?.into_iter().map(Into::into).collect())
    }
}

impl ScrubReport {
    pub(super) fn add(&mut self, part: &Self) {
        self.packs += part.packs;
        self.bytes += part.bytes;
        self.records += part.records;
        self.findings += part.findings;
        self.complete = part.complete;
    }
}

fn part_of(read: &Scrubbed, now: Timestamp) -> ScrubPart {
    let findings = read.findings.iter().map(|found| Quarantined {
        pack: found.pack.object_key(),
        record: found.record.map(|id| id.to_string()),
        why: found.why.to_owned(),
        found_at: now,
    });
    ScrubPart {
        seen: read.seen.iter().map(PackRef::object_key).collect(),
        findings: findings.collect(),
        cursor: read.cursor.map(|pack| pack.object_key()),
    }
}
