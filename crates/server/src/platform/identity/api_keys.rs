//! `/v1/apikeys`, and the rotation of a key, which IBM's API does not have.

use base::ApiKeyId;
use control::{ApiKeyFilter, ApiKeySwitch};
use model::ApiKey;
use wire::{ApiError, ErrorCode, Fields, request, response};

use super::{if_match, key_patch, new_key, page, says_true, wants};
use crate::{
    call::{Call, page_of},
    rates::Asker,
    reply::{Answer, Failure, Reply},
};

const PATH: &str = "/v1/apikeys";
/// The header that has the key which is asked about.
const KEY_HEADER: &str = "iam-apikey";

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::api_key_list(&call.query)?;
    let list = want.list;
    if call.is_elsewhere(list.account.as_deref()) {
        return page::<()>(&call, PATH, "apikeys", &list.page, (&[], None));
    }
    let own = || call.ctx.caller.principal.clone();
    let filter = ApiKeyFilter {
        principal: want.iam_id.or_else(|| (!want.whole_account).then(own)),
        kind: want.kind,
    };
    let found = call.control().api_keys(&call.ctx, &filter, &page_of(&list.page)).await?;
    let items: Vec<_> = found.items.iter().map(|key| response::api_key(key, "", None)).collect();
    page(&call, PATH, "apikeys", &list.page, (&items, found.next.as_ref()))
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let mut want = request::api_key_prototype(&Fields::root(&body))?;
    call.check_account(want.account.as_deref())?;
    let of = want.iam_id.take().unwrap_or_else(|| call.ctx.caller.principal.clone());
    let want = new_key(want, says_true(&call, "entity-lock"), says_true(&call, "entity-disable"));
    let made = call.control().api_key_create(&call.ctx, &of, want).await?;
    let reply = Reply::created(&response::api_key(&made.api_key, &made.value, None))?;
    Ok(reply.with_etag(made.api_key.entity_tag()))
}

pub(crate) async fn get(call: Call) -> Answer {
    let key = call.control().api_key(&call.ctx, &id(&call)?).await?;
    shown(&call, &key).await
}

/// Whose the key in a header is. A guess counts as a failure to sign in.
pub(crate) async fn details(call: Call) -> Answer {
    let value = call.headers.get(KEY_HEADER).and_then(|value| value.to_str().ok());
    let value = value.ok_or_else(|| {
        ApiError::header(ErrorCode::BadRequest, "IAM-ApiKey", "The header IAM-ApiKey is required.")
    })?;
    let caller = &call.ctx.caller;
    let asker = Asker::of_principal(&caller.account, &caller.principal);
    let (rates, now) = (&call.app.rates, call.app.config.clock.monotonic());
    rates.sign_in(&asker, now).map_err(Failure::too_many)?;
    match call.control().api_key_by_value(&call.ctx, value).await {
        Ok(key) => shown(&call, &key).await,
        Err(error) => {
            if error.kind() == base::ErrorKind::NotFound {
                rates.sign_in_failed(&asker, now);
            }
            Err(error.into())
        }
    }
}

async fn shown(call: &Call, key: &ApiKey) -> Answer {
    let records = if wants(call, "include_history") {
        Some(call.control().api_key_history(&call.ctx, key).await?)
    } else {
        None
    };
    let reply = Reply::ok(&response::api_key(key, "", records.as_deref()))?;
    Ok(reply.with_etag(key.entity_tag()))
}

pub(crate) async fn update(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::api_key_change(&Fields::root(&body))?;
    let (id, tag) = (id(&call)?, if_match(&call)?);
    let key = call.control().api_key_update(&call.ctx, &id, tag, key_patch(want)).await?;
    let reply = Reply::ok(&response::api_key(&key, "", None))?;
    Ok(reply.with_etag(key.entity_tag()))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().api_key_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

pub(crate) async fn lock(call: Call) -> Answer {
    switch(call, ApiKeySwitch::Lock).await
}

pub(crate) async fn unlock(call: Call) -> Answer {
    switch(call, ApiKeySwitch::Unlock).await
}

pub(crate) async fn disable(call: Call) -> Answer {
    switch(call, ApiKeySwitch::Disable).await
}

pub(crate) async fn enable(call: Call) -> Answer {
    switch(call, ApiKeySwitch::Enable).await
}

async fn switch(call: Call, to: ApiKeySwitch) -> Answer {
    call.control().api_key_switch(&call.ctx, &id(&call)?, to).await?;
    Ok(Reply::empty())
}

/// `POST /_ectype/v1/apikeys/{id}/rotate`.
pub(crate) async fn rotate(call: Call) -> Answer {
    let made = call.control().api_key_rotate(&call.ctx, &id(&call)?).await?;
    let reply = Reply::ok(&response::api_key(&made.api_key, &made.value, None))?;
    Ok(reply.with_etag(made.api_key.entity_tag()))
}

fn id(call: &Call) -> Result<ApiKeyId, ApiError> {
    call.id("id", "API key")
}
