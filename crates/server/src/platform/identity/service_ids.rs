//! `/v1/serviceids/`.

use control::{NewPrincipal, PrincipalFilter, PrincipalPatch};
use model::PrincipalKind;
use wire::{Fields, request, response};

use super::{if_match, new_key, page, principal_id, principal_patch, says_true, wants};
use crate::{
    call::{Call, page_of},
    reply::{Answer, Reply},
};

const PATH: &str = "/v1/serviceids/";
const KIND: PrincipalKind = PrincipalKind::ServiceId;

pub(crate) async fn list(call: Call) -> Answer {
    let (want, name) = request::named_list("serviceids", &call.query)?;
    if call.is_elsewhere(want.account.as_deref()) {
        return page::<()>(&call, PATH, "serviceids", &want.page, (&[], None));
    }
    let filter = PrincipalFilter { kind: KIND, name, email: None };
    let found = call.control().principals(&call.ctx, &filter, &page_of(&want.page)).await?;
    let items: Vec<_> = found.items.iter().map(|p| response::identity(p, None, None)).collect();
    page(&call, PATH, "serviceids", &want.page, (&items, found.next.as_ref()))
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::service_id_prototype(&Fields::root(&body))?;
    call.check_account(want.account.as_deref())?;
    let want = NewPrincipal {
        name: want.name,
        description: want.description,
        email: String::new(),
        instance_crns: want.instance_crns,
        locked: says_true(&call, "entity-lock"),
        api_key: want.api_key.map(|key| new_key(key, false, false)),
    };
    let (made, key) = call.control().principal_create(&call.ctx, KIND, want).await?;
    let key = key.as_ref().map(|key| (&key.api_key, key.value.as_str()));
    let reply = Reply::created(&response::identity(&made, None, key))?;
    Ok(reply.with_etag(made.entity_tag()))
}

pub(crate) async fn get(call: Call) -> Answer {
    let id = principal_id(&call, "id", KIND)?;
    let found = call.control().principal(&call.ctx, KIND, &id).await?;
    let records = if wants(&call, "include_history") {
        Some(call.control().principal_history(&call.ctx, &found).await?)
    } else {
        None
    };
    let reply = Reply::ok(&response::identity(&found, records.as_deref(), None))?;
    Ok(reply.with_etag(found.entity_tag()))
}

pub(crate) async fn update(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::principal_change(&Fields::root(&body))?;
    let (id, tag) = (principal_id(&call, "id", KIND)?, if_match(&call)?);
    change(&call, (KIND, &id), tag, principal_patch(want)).await
}

async fn change(
    call: &Call,
    of: (PrincipalKind, &base::PrincipalId),
    tag: Option<&str>,
    patch: PrincipalPatch,
) -> Answer {
    let found = call.control().principal_update(&call.ctx, of, tag, patch).await?;
    let reply = Reply::ok(&response::identity(&found, None, None))?;
    Ok(reply.with_etag(found.entity_tag()))
}

pub(crate) async fn delete(call: Call) -> Answer {
    let id = principal_id(&call, "id", KIND)?;
    call.control().principal_delete(&call.ctx, KIND, &id).await?;
    Ok(Reply::empty())
}

pub(crate) async fn lock(call: Call) -> Answer {
    locked(call, true).await
}

pub(crate) async fn unlock(call: Call) -> Answer {
    locked(call, false).await
}

async fn locked(call: Call, locked: bool) -> Answer {
    let id = principal_id(&call, "id", KIND)?;
    let patch = PrincipalPatch { locked: Some(locked), ..PrincipalPatch::default() };
    change(&call, (KIND, &id), None, patch).await
}
