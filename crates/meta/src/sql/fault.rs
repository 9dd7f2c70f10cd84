//! Rows of forced statuses.

use async_trait::async_trait;
use base::{AccountId, ImageId, Timestamp, VolumeId};
use model::{
    ForceStatus, Forced, ImageStatus, ImageStatusReason, Limit, Refusal, VolumeStatus, apply_due,
    check_force_image, check_force_volume,
};
use policy::SystemPermit;

use super::{
    SqlStore,
    head::{limit_check, not_found},
    image, outbox,
    retry::writing,
    session::Session,
    value::{Row, binds, joined},
    volume, volume_change,
};
use crate::{Change, FaultStore, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

const SELECT: &str = "SELECT id, kind, status, reason, was_status, forced_at, was_reasons
  FROM forced_statuses";

struct Found {
    forced: Forced,
    was_reasons: Vec<ImageStatusReason>,
}

fn read(row: Row) -> Result<Found> {
    let mut row = row.of("forced_statuses");
    let id = row.text()?;
    let kind = row.word(|text| match text {
        "image" => Some("image"),
        "volume" => Some("volume"),
        _ => None,
    })?;
    let forced = Forced {
        kind,
        id,
        status: row.text()?,
        reason: row.opt_text()?,
        was: row.text()?,
        since: row.time()?,
    };
    Ok(Found { forced, was_reasons: row.words(ImageStatusReason::parse)? })
}

async fn all(session: &mut Session) -> Result<Vec<Found>> {
    let rows = session.all(format!("{SELECT} ORDER BY forced_at DESC, id DESC"), binds![]).await?;
    rows.into_iter().map(read).collect()
}

async fn force(
    tx: &mut Session,
    want: &ForceStatus,
    now: Timestamp,
    change: &Change,
) -> Result<Forced> {
    let (kind, id) = want.target();
    let there = all(tx).await?;
    if there.iter().any(|found| found.forced.id == id) {
        let why = "a status is forced onto it already; take that back first";
        return Err(Refusal::StatusNotForced { kind, id, why }.into());
    }
    limit_check(there.len() as u64 + 1, Limit::FORCED_STATUSES_MAX)?;
    let (forced, was_reasons, account) = match want {
        ForceStatus::Image { id, status, reasons } => {
            force_image(tx, id, *status, reasons, now).await?
        }
        ForceStatus::Volume { id, status } => force_volume(tx, id, *status, now).await?,
    };
    tx.run(
        "INSERT INTO forced_statuses (id, kind, account_id, status, reason, was_status,
           was_reasons, forced_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        binds![
            &forced.id,
            forced.kind,
            &account,
            &forced.status,
            forced.reason.as_deref(),
            &forced.was,
            was_reasons,
            now,
        ],
    )
    .await?;
    outbox::write(tx, change).await?;
    Ok(forced)
}

async fn force_image(
    tx: &mut Session,
    id: &ImageId,
    status: ImageStatus,
    reasons: &[ImageStatusReason],
    now: Timestamp,
) -> Result<(Forced, String, AccountId)> {
    let mut image = image::any(tx, id).await?.image;
    check_force_image(&image)?;
    let forced = Forced {
        kind: "image",
        id: id.to_string(),
        status: status.to_string(),
        reason: reasons.first().map(ToString::to_string),
        was: image.status.to_string(),
        since: now,
    };
    let was_reasons = joined(&image.status_reasons, ImageStatusReason::as_str);
    image.status = status;
    image.status_reasons = reasons.to_vec();
    image::write(tx, &mut image).await?;
    Ok((forced, was_reasons, image.head.account))
}

async fn force_volume(
    tx: &mut Session,
    id: &VolumeId,
    status: VolumeStatus,
    now: Timestamp,
) -> Result<(Forced, String, AccountId)> {
    let volume = volume::get(tx, None, id).await?.volume;
    check_force_volume(&volume)?;
    let forced = Forced {
        kind: "volume",
        id: id.to_string(),
        status: status.to_string(),
        reason: None,
        was: volume.status.to_string(),
        since: now,
    };
    volume_change::status_set(tx, id, volume.status, status).await?;
    Ok((forced, String::new(), volume.head.account))
}

async fn restore(tx: &mut Session, id: &str, now: Timestamp, change: &Change) -> Result<()> {
    let row = tx.one(format!("{SELECT} WHERE id = $1"), binds![id]).await?;
    let Found { forced, was_reasons } = read(row.ok_or_else(|| not_found("fault", id))?)?;
    let damaged = || StoreError::Damaged {
        table: "forced_statuses",
        why: format!("the row of {id} cannot be read"),
    };
    if forced.kind == "image" {
        let id = ImageId::parse(id).map_err(|_| damaged())?;
        let mut image = image::any(tx, &id).await?.image;
        if image.status.as_str() == forced.status {
            image.status = ImageStatus::parse(&forced.was).ok_or_else(damaged)?;
            image.status_reasons = was_reasons;
            apply_due(&mut image, now);
            image::write(tx, &mut image).await?;
        }
    } else {
        let id = VolumeId::parse(id).map_err(|_| damaged())?;
        let volume = volume::get(tx, None, &id).await?.volume;
        if volume.status.as_str() == forced.status {
            let was = VolumeStatus::parse(&forced.was).ok_or_else(damaged)?;
            volume_change::status_set(tx, &id, volume.status, was).await?;
        }
    }
    forget(tx, id).await?;
    outbox::write(tx, change).await
}

/// What is gone has no forced status.
pub(crate) async fn forget(tx: &mut Session, id: &str) -> Result<()> {
    tx.run("DELETE FROM forced_statuses WHERE id = $1", binds![id]).await?;
    Ok(())
}

#[async_trait]
impl FaultStore for SqlStore {
    async fn status_force(
        &self,
        _permit: SystemPermit,
        want: ForceStatus,
        now: Timestamp,
        change: Change,
    ) -> Result<Forced> {
        writing!(self, |tx| force(tx, &want, now, &change))
    }

    async fn statuses_forced(&self, _permit: SystemPermit) -> Result<Vec<Forced>> {
        let found = all(&mut self.engine.glance().await?).await?;
        Ok(found.into_iter().map(|found| found.forced).collect())
    }

    async fn status_restore(
        &self,
        _permit: SystemPermit,
        id: &str,
        now: Timestamp,
        change: Change,
    ) -> Result<()> {
        writing!(self, |tx| restore(tx, id, now, &change))
    }
}
