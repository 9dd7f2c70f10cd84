//! Rows of the chunk store's upkeep.

use std::{collections::HashSet, time::Duration};

use async_trait::async_trait;
use base::{AccountId, JobId, ResourceGroupId, Timestamp};
use jobs::{Fence, NewJob};
use model::Image;
use policy::SystemPermit;

use super::{
    SqlStore, counter, head::not_found, image_capture, job, outbox, retry::writing,
    session::Session, store_scrub, value::binds,
};
use crate::{
    Change, Condemned, GcSnapshot, Quarantined, RootHolder, ScrubPart, StoreError, StoreGcStore,
    StoreUpkeep,
};

type Result<T> = std::result::Result<T, StoreError>;

/// An operation is closed by its settled job.
const SETTLED: &str = "SELECT id FROM jobs WHERE id = store_operations.job_id
  AND status NOT IN ('queued', 'running')";

async fn fenced(tx: &mut Session, fence: Option<&Fence>) -> Result<()> {
    match fence {
        Some(fence) => job::fence(tx, fence).await,
        None => Ok(()),
    }
}

async fn operation_begin(
    tx: &mut Session,
    owner: &str,
    job: Option<&JobId>,
    now: Timestamp,
) -> Result<u64> {
    let sequence = counter::sequence(tx).await?;
    tx.run(
        "INSERT INTO store_operations (sequence, owner, job_id, begun_at) VALUES ($1, $2, $3, $4)",
        binds![sequence, owner, job, now],
    )
    .await?;
    Ok(sequence.unsigned_abs())
}

async fn sequence_above(tx: &mut Session, used: u64) -> Result<bool> {
    let rows = tx
        .run(
            "INSERT INTO region_counters (name, value) VALUES ('sequence', $1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value
             WHERE region_counters.value < excluded.value",
            binds![used],
        )
        .await?;
    // A sequence of which nothing was used yet is not behind an empty store.
    let raised = rows > 0 && used > 0;
    if raised {
        enable(tx, false).await?;
    }
    Ok(raised)
}

async fn enable(tx: &mut Session, on: bool) -> Result<()> {
    tx.run("UPDATE store_state SET gc_enabled = $1 WHERE name = 'store'", binds![on]).await?;
    Ok(())
}

async fn snapshot(tx: &mut Session) -> Result<GcSnapshot> {
    let epoch = counter::sequence(tx).await?.unsigned_abs();
    tx.run(format!("DELETE FROM store_operations WHERE EXISTS ({SETTLED})"), binds![]).await?;
    let oldest =
        tx.one("SELECT sequence FROM store_operations ORDER BY sequence LIMIT 1", binds![]).await?;
    let oldest_open = oldest.map(|row| row.of("store_operations").count()).transpose()?;
    let mut roots: HashSet<_> = image_capture::roots(tx).await?.into_iter().collect();
    roots.extend(pins(tx).await?.into_iter().map(|(_, root)| root));
    let mut roots: Vec<_> = roots.into_iter().collect();
    roots.sort_unstable();
    let enabled = store_scrub::upkeep(tx).await?.gc_enabled;
    Ok(GcSnapshot { epoch, oldest_open, roots, enabled })
}

async fn condemn_more(
    tx: &mut Session,
    epoch: u64,
    dead: &[(String, u64)],
    now: Timestamp,
) -> Result<()> {
    for (pack, bytes) in dead {
        tx.run(
            "INSERT INTO store_condemned (pack, epoch, stored_bytes, condemned_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT (pack) DO NOTHING",
            binds![pack, epoch, *bytes, now],
        )
        .await?;
    }
    Ok(())
}

async fn condemn(
    tx: &mut Session,
    epoch: u64,
    dead: &[(String, u64)],
    grace: Duration,
    now: Timestamp,
) -> Result<Vec<Condemned>> {
    let names: HashSet<_> = dead.iter().map(|(pack, _)| pack.as_str()).collect();
    let mut due = Vec::new();
    for old in condemned(tx).await? {
        if !names.contains(old.pack.as_str()) {
            let gone = "DELETE FROM store_condemned WHERE pack = $1";
            tx.run(gone, binds![&old.pack]).await?;
        } else if old.epoch < epoch && old.at.plus(grace) <= now {
            due.push(old);
        }
    }
    condemn_more(tx, epoch, dead, now).await?;
    Ok(due)
}

async fn condemned(session: &mut Session) -> Result<Vec<Condemned>> {
    let rows = session
        .all(
            "SELECT pack, epoch, stored_bytes, condemned_at FROM store_condemned ORDER BY pack",
            binds![],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.of("store_condemned");
            Ok(Condemned {
                pack: row.text()?,
                epoch: row.count()?,
                bytes: row.count()?,
                at: row.time()?,
            })
        })
        .collect()
}

async fn deleted(tx: &mut Session, packs: &[String]) -> Result<()> {
    for pack in packs {
        tx.run("DELETE FROM store_condemned WHERE pack = $1", binds![pack]).await?;
        tx.run("DELETE FROM store_quarantine WHERE pack = $1", binds![pack]).await?;
    }
    Ok(())
}

async fn pin(tx: &mut Session, holder: &str, root: &str, now: Timestamp) -> Result<()> {
    let held = image_capture::roots(tx).await?.iter().any(|held| held == root)
        || pins(tx).await?.iter().any(|(_, held)| held == root);
    if !held {
        return Err(not_found("root", root));
    }
    tx.run(
        "INSERT INTO store_pins (holder, root_id, pinned_at) VALUES ($1, $2, $3)
         ON CONFLICT (holder) DO UPDATE SET root_id = excluded.root_id",
        binds![holder, root, now],
    )
    .await?;
    Ok(())
}

async fn pins(session: &mut Session) -> Result<Vec<(String, String)>> {
    let rows =
        session.all("SELECT holder, root_id FROM store_pins ORDER BY holder", binds![]).await?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.of("store_pins");
            Ok((row.text()?, row.text()?))
        })
        .collect()
}

async fn region_job(tx: &mut Session, new: &NewJob, now: Timestamp) -> Result<JobId> {
    let open = tx
        .one(
            "SELECT id FROM jobs WHERE status IN ('queued', 'running') AND kind = $1
               AND subject = $2 ORDER BY created_at, id LIMIT 1",
            binds![&new.kind, &new.subject],
        )
        .await?;
    if let Some(row) = open {
        return row.of("jobs").id();
    }
    job::insert(tx, new, now, now).await?;
    Ok(new.id.clone())
}

async fn adopt(tx: &mut Session, image: &Image, change: &Change) -> Result<()> {
    image_capture::insert(tx, image, None).await?;
    outbox::write(tx, change).await
}

#[async_trait]
impl StoreGcStore for SqlStore {
    async fn operation_begin(
        &self,
        _permit: SystemPermit,
        owner: &str,
        job: Option<&JobId>,
    ) -> Result<u64> {
        let now = self.clock.wall();
        writing!(self, |tx| operation_begin(tx, owner, job, now))
    }

    async fn operation_end(&self, _permit: SystemPermit, sequence: u64) -> Result<()> {
        writing!(self, |tx| tx
            .run("DELETE FROM store_operations WHERE sequence = $1", binds![sequence],))
        .map(drop)
    }

    async fn operations_forget(
        &self,
        _permit: SystemPermit,
        owners: &str,
        but: &str,
    ) -> Result<u64> {
        // Names of processes have no wildcard in them: hosts and ids.
        let (owners, but) = (format!("{owners}%"), format!("{but}%"));
        writing!(self, |tx| tx.run(
            "DELETE FROM store_operations WHERE owner LIKE $1 AND owner NOT LIKE $2
               AND NOT EXISTS (SELECT id FROM jobs WHERE id = store_operations.job_id)",
            binds![owners.clone(), but.clone()],
        ))
    }

    async fn sequence_above(&self, _permit: SystemPermit, used: u64) -> Result<bool> {
        writing!(self, |tx| sequence_above(tx, used))
    }

    async fn gc_snapshot(&self, _permit: SystemPermit) -> Result<GcSnapshot> {
        writing!(self, |tx| snapshot(tx))
    }

    async fn gc_condemn(
        &self,
        _permit: SystemPermit,
        fence: Option<&Fence>,
        epoch: u64,
        dead: &[(String, u64)],
        grace: Duration,
    ) -> Result<Vec<Condemned>> {
        let now = self.clock.wall();
        writing!(self, |tx| async {
            fenced(tx, fence).await?;
            condemn(tx, epoch, dead, grace, now).await
        })
    }

    async fn gc_condemn_more(
        &self,
        _permit: SystemPermit,
        fence: Option<&Fence>,
        epoch: u64,
        dead: &[(String, u64)],
    ) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| async {
            fenced(tx, fence).await?;
            condemn_more(tx, epoch, dead, now).await
        })
    }

    async fn gc_deleted(
        &self,
        _permit: SystemPermit,
        fence: Option<&Fence>,
        packs: &[String],
    ) -> Result<()> {
        writing!(self, |tx| async {
            fenced(tx, fence).await?;
            deleted(tx, packs).await
        })
    }

    async fn gc_finished(&self, _permit: SystemPermit, fence: Option<&Fence>) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| async {
            fenced(tx, fence).await?;
            tx.run("UPDATE store_state SET gc_finished_at = $1 WHERE name = 'store'", binds![now])
                .await
                .map(drop)
        })
    }

    async fn gc_enable(&self, _permit: SystemPermit, on: bool) -> Result<()> {
        writing!(self, |tx| enable(tx, on))
    }

    async fn gc_condemned(&self, _permit: SystemPermit) -> Result<Vec<Condemned>> {
        condemned(&mut self.engine.glance().await?).await
    }

    async fn pin(&self, _permit: SystemPermit, holder: &str, root: &str) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| pin(tx, holder, root, now))
    }

    async fn unpin(&self, _permit: SystemPermit, holder: &str) -> Result<()> {
        writing!(self, |tx| tx.run("DELETE FROM store_pins WHERE holder = $1", binds![holder]))
            .map(drop)
    }

    async fn pins(&self, _permit: SystemPermit) -> Result<Vec<(String, String)>> {
        pins(&mut self.engine.glance().await?).await
    }

    async fn root_holders(&self, _permit: SystemPermit, root: &str) -> Result<Vec<RootHolder>> {
        store_scrub::holders(&mut self.engine.glance().await?, root).await
    }

    async fn region_job(&self, _permit: SystemPermit, job: NewJob) -> Result<JobId> {
        let now = self.clock.wall();
        writing!(self, |tx| region_job(tx, &job, now))
    }

    async fn scrub_part(
        &self,
        _permit: SystemPermit,
        fence: Option<&Fence>,
        part: &ScrubPart,
    ) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| async {
            fenced(tx, fence).await?;
            store_scrub::part(tx, part, now).await
        })
    }

    async fn quarantine(
        &self,
        _permit: SystemPermit,
        fence: Option<&Fence>,
        seen: &[String],
        findings: &[Quarantined],
    ) -> Result<()> {
        let now = self.clock.wall();
        writing!(self, |tx| async {
            fenced(tx, fence).await?;
            store_scrub::replace(tx, seen, findings, now).await
        })
    }

    async fn quarantined(&self, _permit: SystemPermit) -> Result<Vec<Quarantined>> {
        store_scrub::quarantined(&mut self.engine.glance().await?).await
    }

    async fn store_upkeep(&self, _permit: SystemPermit) -> Result<StoreUpkeep> {
        store_scrub::upkeep(&mut self.engine.glance().await?).await
    }

    async fn default_group(
        &self,
        _permit: SystemPermit,
        account: &AccountId,
    ) -> Result<ResourceGroupId> {
        let mut session = self.engine.glance().await?;
        let row = session
            .one(
                "SELECT id FROM resource_groups WHERE account_id = $1 AND is_default = 1",
                binds![account],
            )
            .await?;
        row.ok_or_else(|| not_found("account", account))?.of("resource_groups").id()
    }

    async fn image_adopt(&self, _permit: SystemPermit, image: Image, change: Change) -> Result<()> {
        writing!(self, |tx| adopt(tx, &image, &change))
    }
}
