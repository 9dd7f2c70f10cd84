//! Ectype's own API under `/_ectype/v1`: what IBM's has no place for. A token is needed; `version`
//! and `generation` are not. Documented in `docs/extensions.md`.

use axum::http::StatusCode;
use base::{ImageId, InstanceId};
use wire::{ApiError, ErrorCode, Query, response};

use crate::{
    call::Call,
    limits::{CONSOLE_BYTES_DEFAULT, CONSOLE_BYTES_MAX},
    reply::{Answer, Reply},
};

/// How far an image's creation is, in true bytes (B6).
pub(crate) async fn image_progress(call: Call) -> Answer {
    let id: ImageId = call.id("id", "image")?;
    let p = call.control().image_progress(&call.ctx, &id).await?;
    let figures = response::ProgressFigures {
        step: p.step,
        chunks_total: p.chunks_total,
        chunks_done: p.chunks_done,
        bytes_read: p.bytes_read,
        bytes_stored: p.bytes_stored,
        started_at: p.started_at,
        bytes_per_second: p.bytes_per_second,
        eta_seconds: p.eta_seconds,
    };
    Reply::ok(&figures.of(id.as_str()))
}

/// What an image takes in the store.
pub(crate) async fn image_storage(call: Call) -> Answer {
    let id: ImageId = call.id("id", "image")?;
    let measure = match call.query.get("measure") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            let message = "measure must be one of: true, false.";
            return Err(ApiError::parameter(ErrorCode::ValidationEnum, "measure", message).into());
        }
    };
    let storage = call.control().image_storage(&call.ctx, &id, measure).await?;
    Reply::ok(&response::StorageFigures {
        image_id: id.to_string(),
        capacity_bytes: storage.capacity.0,
        logical_bytes: storage.logical.map(|bytes| bytes.0),
        stored_bytes: storage.stored.map(|bytes| bytes.0),
        root_id: storage.root_id,
        unique_bytes: storage.alone.map(|alone| alone.unique.0),
        reclaimable_bytes: storage.alone.map(|alone| alone.reclaimable.0),
    })
}

/// Begins the full re-encryption of an image.
pub(crate) async fn image_isolate(call: Call) -> Answer {
    let id: ImageId = call.id("id", "image")?;
    let told = call.control().image_isolate(&call.ctx, &id).await?;
    Reply::json(StatusCode::ACCEPTED, &isolation(&id, told))
}

/// Where the re-encryption of an image stands.
pub(crate) async fn image_isolation(call: Call) -> Answer {
    let id: ImageId = call.id("id", "image")?;
    let told = call.control().image_isolation(&call.ctx, &id).await?;
    Reply::ok(&isolation(&id, told))
}

fn isolation(id: &ImageId, told: control::ImageIsolation) -> response::Isolation {
    response::Isolation {
        image_id: id.to_string(),
        step: told.step.to_owned(),
        failure: told.failure,
        from_root_id: told.from_root_id,
        root_id: told.root_id,
        stored_bytes: told.stored.map(|bytes| bytes.0),
    }
}

/// Most things of each kind in a lineage.
const LINEAGE_ITEMS_MAX: u32 = 100;

/// What an image was made of, and what of the caller's was made of it.
pub(crate) async fn image_lineage(call: Call) -> Answer {
    let id: ImageId = call.id("id", "image")?;
    let found = call.control().image_lineage(&call.ctx, &id, LINEAGE_ITEMS_MAX).await?;
    Reply::ok(&response::lineage(&call.render(), id.as_str(), found))
}

/// The tables by which images and instances change.
pub(crate) async fn transitions(_: Call) -> Answer {
    Reply::ok(&response::transitions())
}

/// What the console of an instance wrote, from `offset` on, at most `limit` bytes.
pub(crate) async fn instance_console_log(call: Call) -> Answer {
    let id: InstanceId = call.id("id", "instance")?;
    let offset = number(&call.query, "offset", 0, u64::MAX)?.unwrap_or(0);
    let limit = number(&call.query, "limit", 1, CONSOLE_BYTES_MAX as u64)?;
    let limit = limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(CONSOLE_BYTES_DEFAULT);
    let part = call.control().console_log(&call.ctx, &id, offset, limit).await?;
    Reply::ok(&response::console_log(id.as_str(), part.offset, &part.bytes, part.total))
}

fn number(query: &Query, name: &str, min: u64, max: u64) -> Result<Option<u64>, ApiError> {
    let Some(text) = query.get(name) else { return Ok(None) };
    match text.parse::<u64>() {
        Ok(n) if (min..=max).contains(&n) => Ok(Some(n)),
        _ => {
            let message = format!("{name} must be an integer of {min} to {max}.");
            Err(ApiError::parameter(ErrorCode::InvalidValue, name, message))
        }
    }
}
