//! Rows of scrubs: how far one is, what it found, and whom damage hurts.

use std::collections::HashMap;

use base::Timestamp;

use super::{session::Session, value::binds};
use crate::{HolderKind, Quarantined, RootHolder, ScrubPart, StoreError, StoreUpkeep};

pub(crate) async fn upkeep(session: &mut Session) -> Result<StoreUpkeep, StoreError> {
    let row = session
        .one(
            "SELECT gc_enabled, gc_finished_at, scrub_cursor, scrub_begun_at, scrub_finished_at
             FROM store_state WHERE name = 'store'",
            binds![],
        )
        .await?;
    let missing =
        || StoreError::Damaged { table: "store_state", why: "its row is missing".to_owned() };
    let mut row = row.ok_or_else(missing)?.of("store_state");
    Ok(StoreUpkeep {
        gc_enabled: row.bool()?,
        gc_finished_at: row.opt_time()?,
        scrub_cursor: row.opt_text()?,
        scrub_begun_at: row.opt_time()?,
        scrub_finished_at: row.opt_time()?,
    })
}

/// Replaces what is known of packs.
pub(crate) async fn replace(
    tx: &mut Session,
    seen: &[String],
    findings: &[Quarantined],
    now: Timestamp,
) -> Result<(), StoreError> {
    let before: HashMap<_, _> = quarantined(tx)
        .await?
        .into_iter()
        .map(|old| ((old.pack, old.record), old.found_at))
        .collect();
    for pack in seen {
        tx.run("DELETE FROM store_quarantine WHERE pack = $1", binds![pack]).await?;
    }
    for found in findings {
        let first = before.get(&(found.pack.clone(), found.record.clone()));
        tx.run(
            "INSERT INTO store_quarantine (pack, record, why, found_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (pack, record) DO NOTHING",
            binds![
                &found.pack,
                found.record.as_deref().unwrap_or_default(),
                &found.why,
                first.copied().unwrap_or(now),
            ],
        )
        .await?;
    }
    Ok(())
}

/// Replaces what is known of the packs that were read, and moves the cursor.
pub(crate) async fn part(
    tx: &mut Session,
    part: &ScrubPart,
    now: Timestamp,
) -> Result<(), StoreError> {
    replace(tx, &part.seen, &part.findings, now).await?;
    // The first part of a scrub is one that no cursor was before.
    tx.run(
        "UPDATE store_state SET scrub_begun_at = $1 WHERE name = 'store' AND scrub_cursor IS NULL",
        binds![now],
    )
    .await?;
    tx.run(
        "UPDATE store_state SET scrub_cursor = $1 WHERE name = 'store'",
        binds![part.cursor.as_deref()],
    )
    .await?;
    if part.cursor.is_none() {
        tx.run("UPDATE store_state SET scrub_finished_at = $1 WHERE name = 'store'", binds![now])
            .await?;
    }
    Ok(())
}

pub(crate) async fn quarantined(session: &mut Session) -> Result<Vec<Quarantined>, StoreError> {
    let rows = session
        .all(
            "SELECT pack, record, why, found_at FROM store_quarantine ORDER BY pack, record",
            binds![],
        )
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.of("store_quarantine");
            Ok(Quarantined {
                pack: row.text()?,
                record: Some(row.text()?).filter(|record| !record.is_empty()),
                why: row.text()?,
                found_at: row.time()?,
            })
        })
        .collect()
}

/// Who needs a root.
pub(crate) async fn holders(
    session: &mut Session,
    root: &str,
) -> Result<Vec<RootHolder>, StoreError> {
    let queries = [
        (
            HolderKind::Image,
            "SELECT id, name, account_id FROM images
             WHERE root_id = $1 AND status <> 'deleting' ORDER BY id",
        ),
        (
            HolderKind::Volume,
            "SELECT id, name, account_id FROM volumes WHERE base_root_id = $1 ORDER BY id",
        ),
        (
            HolderKind::View,
            "SELECT holder, holder, '' FROM store_pins WHERE root_id = $1 ORDER BY holder",
        ),
    ];
    let mut out = Vec::new();
    for (kind, sql) in queries {
        for row in session.all(sql, binds![root]).await? {
            let mut row = row.of("holders of roots");
            out.push(RootHolder {
                root: root.to_owned(),
                kind,
                id: row.text()?,
                name: row.text()?,
                account: row.text()?,
            });
        }
    }
    Ok(out)
}
