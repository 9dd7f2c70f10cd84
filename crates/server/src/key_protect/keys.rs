//! `/api/v2/keys`: made, listed, read, moved, deleted, restored, purged.

use control::{KmsKeyCreate, KmsKeyList};
use serde_json::json;
use wire::{
    ApiError, Fields,
    request::{self, KEY_TYPE, KmsKeyQuery},
    response,
};
use zeroize::Zeroizing;

use super::{Prefer, body, created, listed, place, prefer, shown, slice, total};
use crate::{
    call::Call,
    reply::{Answer, Reply},
};

pub(crate) async fn count(call: Call) -> Answer {
    let want = request::kms_key_count(&call.query)?;
    let (at, control) = (place(&call)?, call.control());
    Ok(total(control.kms_keys_count(&call.ctx, &at, &want.states, want.extractable).await?))
}

pub(crate) async fn list(call: Call) -> Answer {
    let (want, asked) = request::kms_key_list(&call.query)?;
    let KmsKeyQuery { states, extractable, search, sort } = want;
    let want = KmsKeyList { states, extractable, search, sort, page: slice(asked) };
    let keys = call.control().kms_keys(&call.ctx, &place(&call)?, &want).await?;
    let (region, now) = (&call.app.config.region, call.control().now());
    let each = keys.iter().map(|key| response::kms_key(key, region, now, None));
    listed(KEY_TYPE, None, each.collect())
}

pub(crate) async fn create(call: Call) -> Answer {
    make(call, false).await
}

pub(crate) async fn create_with_policies(call: Call) -> Answer {
    make(call, true).await
}

async fn make(call: Call, policies: bool) -> Answer {
    let at = place(&call)?;
    let body = body(&call)?;
    let want = request::kms_key_prototype(&Fields::root(&body), policies)?;
    let want = KmsKeyCreate {
        name: want.name,
        description: want.description,
        extractable: want.extractable,
        payload: want.payload.map(Zeroizing::new),
        expires_at: want.expires_at,
        aliases: want.aliases,
        dual_auth: want.dual_auth,
        rotation: want.rotation,
    };
    let key = call.control().kms_key_create(&call.ctx, &at, want).await?;
    let reply = match prefer(&call) {
        Prefer::Minimal => {
            listed(KEY_TYPE, None, vec![json!({"id": key.id.as_str(), "type": KEY_TYPE})])?
        }
        Prefer::Representation if key.extractable => {
            let (key, payload) = call.control().kms_key(&call.ctx, &at, key.id.as_str()).await?;
            shown(&call, &key, payload.as_ref().map(|bytes| bytes.as_slice()))?
        }
        Prefer::Representation | Prefer::Nothing => shown(&call, &key, None)?,
    };
    Ok(created(reply))
}

pub(crate) async fn get(call: Call) -> Answer {
    let found = call.control().kms_key(&call.ctx, &place(&call)?, call.param("id")).await;
    let (key, payload) = found?;
    shown(&call, &key, payload.as_ref().map(|bytes| bytes.as_slice()))
}

pub(crate) async fn metadata(call: Call) -> Answer {
    let at = place(&call)?;
    let key = call.control().kms_key_metadata(&call.ctx, &at, call.param("id")).await?;
    shown(&call, &key, None)
}

pub(crate) async fn versions(call: Call) -> Answer {
    let at = place(&call)?;
    let (asked, deleted_too) = request::kms_versions(&call.query)?;
    let control = call.control();
    let (key, versions) =
        control.kms_versions(&call.ctx, &at, call.param("id"), deleted_too).await?;
    let total = asked.total.then_some(versions.0.len() as u64);
    let each = versions
        .0
        .iter()
        .map(|one| response::kms_version(&key, one.version, one.since.unwrap_or(key.created_at)));
    let each = each.skip(asked.part.offset as usize).take(asked.part.limit as usize);
    listed(KEY_TYPE, total, each.collect())
}

pub(crate) async fn update(call: Call) -> Answer {
    let at = place(&call)?;
    let body = body(&call)?;
    let ring = request::kms_key_patch(&Fields::root(&body))?;
    let key = call.control().kms_move(&call.ctx, &at, call.param("id"), &ring).await?;
    shown(&call, &key, None)
}

pub(crate) async fn delete(call: Call) -> Answer {
    let at = place(&call)?;
    let force = request::kms_flag(&call.query, "force")?;
    let key = call.control().kms_delete(&call.ctx, &at, call.param("id"), force).await?;
    gone(&call, &key)
}

pub(crate) async fn purge(call: Call) -> Answer {
    let key = call.control().kms_purge(&call.ctx, &place(&call)?, call.param("id")).await?;
    gone(&call, &key)
}

fn gone(call: &Call, key: &model::KmsKey) -> Answer {
    match prefer(call) {
        Prefer::Representation => shown(call, key, None),
        Prefer::Minimal | Prefer::Nothing => Ok(Reply::empty()),
    }
}

pub(crate) async fn restore(call: Call) -> Answer {
    let key = call.control().kms_restore(&call.ctx, &place(&call)?, call.param("id")).await?;
    Ok(created(shown(&call, &key, None)?))
}

pub(crate) async fn policies(call: Call) -> Answer {
    let at = place(&call)?;
    let only = only(&call)?;
    let key = call.control().kms_policies(&call.ctx, &at, call.param("id")).await?;
    let found = response::kms_key_policies(&key, &call.app.config.region, only.as_deref());
    listed(request::POLICY_TYPE, None, found)
}

pub(crate) async fn policies_set(call: Call) -> Answer {
    let at = place(&call)?;
    let only = only(&call)?;
    let body = body(&call)?;
    let want = request::kms_key_policies(&Fields::root(&body))?;
    if only.as_ref().is_some_and(|only| want.iter().any(|one| one.kind().as_str() != only)) {
        let message = "Data in body does not match data required by query parameter";
        return Err(ApiError::new(wire::ErrorCode::BodyQueryParamMismatch, message).into());
    }
    let key = call.control().kms_policies_set(&call.ctx, &at, call.param("id"), &want).await?;
    let found = response::kms_key_policies(&key, &call.app.config.region, only.as_deref());
    listed(request::POLICY_TYPE, None, found)
}

fn only(call: &Call) -> Result<Option<String>, ApiError> {
    match call.query.get("policy") {
        None => Ok(None),
        Some(text @ ("dualAuthDelete" | "rotation")) => Ok(Some(text.to_owned())),
        Some(_) => {
            let what = "policy must be dualAuthDelete or rotation.";
            Err(ApiError::parameter(wire::ErrorCode::InvalidValue, "policy", what))
        }
    }
}
