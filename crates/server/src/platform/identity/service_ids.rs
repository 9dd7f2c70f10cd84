//! `/v1/serviceids/`.

use control::{NewPrincipal, PrincipalPatch};
use model::PrincipalKind;
use wire::{Fields, request, response};

use super::{new_key, principals::Principals, says_true};
use crate::{
    call::Call,
    reply::{Answer, Reply},
};

const SERVICE_IDS: Principals =
    Principals { kind: PrincipalKind::ServiceId, path: "/v1/serviceids/", items: "serviceids" };

pub(crate) async fn list(call: Call) -> Answer {
    SERVICE_IDS.list(call).await
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
    let (made, key) = call.control().principal_create(&call.ctx, SERVICE_IDS.kind, want).await?;
    let key = key.as_ref().map(|key| (&key.api_key, key.value.as_str()));
    let reply = Reply::created(&response::identity(&made, None, key))?;
    Ok(reply.with_etag(made.entity_tag()))
}

pub(crate) async fn get(call: Call) -> Answer {
    SERVICE_IDS.get(call).await
}

pub(crate) async fn update(call: Call) -> Answer {
    SERVICE_IDS.update(call).await
}

pub(crate) async fn delete(call: Call) -> Answer {
    SERVICE_IDS.delete(call).await
}

pub(crate) async fn lock(call: Call) -> Answer {
    locked(call, true).await
}

pub(crate) async fn unlock(call: Call) -> Answer {
    locked(call, false).await
}

async fn locked(call: Call, locked: bool) -> Answer {
    let patch = PrincipalPatch { locked: Some(locked), ..PrincipalPatch::default() };
    let id = SERVICE_IDS.id(&call)?;
    SERVICE_IDS.change(&call, &id, None, patch).await
}
