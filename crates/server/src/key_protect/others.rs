//! Aliases, key rings, policies of the instance, registrations.

use axum::http::StatusCode;
use control::InstancePolicyWant;
use wire::{
    ApiError, ErrorCode, Fields, request,
    request::KmsPage,
    response::{self, ALIAS_TYPE, REGISTRATION_TYPE, RING_TYPE},
};

use super::{body, created, listed, place, slice};
use crate::{
    call::Call,
    reply::{Answer, Reply},
};

fn alias(call: &Call) -> Result<&str, ApiError> {
    let what = "An alias has 2 to 90 letters, digits, - and _, at least one letter, and is no id.";
    request::kms_alias(call.param("alias"))
        .ok_or_else(|| ApiError::parameter(ErrorCode::InvalidValue, "alias", what))
}

pub(crate) async fn alias_create(call: Call) -> Answer {
    let (at, alias) = (place(&call)?, alias(&call)?);
    let (control, ctx) = (call.control(), &call.ctx);
    let key = control.kms_alias_create(ctx, &at, call.param("id"), alias).await?;
    let by = ctx.caller.principal.as_str();
    let body = response::kms_alias_body(&key, alias, by, control.now());
    Ok(created(listed(ALIAS_TYPE, None, vec![body])?))
}

pub(crate) async fn alias_delete(call: Call) -> Answer {
    let (at, alias) = (place(&call)?, alias(&call)?);
    call.control().kms_alias_delete(&call.ctx, &at, call.param("id"), alias).await?;
    Ok(Reply::empty())
}

pub(crate) async fn ring_list(call: Call) -> Answer {
    let asked = request::kms_page(&call.query)?;
    let rings = call.control().kms_rings(&call.ctx, &place(&call)?).await?;
    let total = asked.total.then_some(rings.len() as u64);
    let each = rings.iter().map(response::kms_ring_body);
    let each = each.skip(asked.part.offset as usize).take(asked.part.limit as usize);
    listed(RING_TYPE, total, each.collect())
}

fn ring(call: &Call) -> Result<&str, ApiError> {
    let what = "A key ring has 2 to 100 letters, digits and -.";
    request::kms_ring(call.param("ring"))
        .ok_or_else(|| ApiError::parameter(ErrorCode::InvalidValue, "ring", what))
}

pub(crate) async fn ring_create(call: Call) -> Answer {
    let (at, ring) = (place(&call)?, ring(&call)?);
    call.control().kms_ring_create(&call.ctx, &at, ring).await?;
    Ok(Reply { status: StatusCode::CREATED, ..Reply::empty() })
}

pub(crate) async fn ring_delete(call: Call) -> Answer {
    let (at, ring) = (place(&call)?, ring(&call)?);
    let force = request::kms_flag(&call.query, "force")?;
    call.control().kms_ring_delete(&call.ctx, &at, ring, force).await?;
    Ok(Reply::empty())
}

fn only(call: &Call) -> Result<Option<&str>, ApiError> {
    let known = request::INSTANCE_POLICIES;
    match call.query.get("policy") {
        Some(text) if !known.contains(&text) => {
            let what = format!("policy must be one of {}.", known.join(", "));
            Err(ApiError::parameter(ErrorCode::InvalidValue, "policy", what))
        }
        other => Ok(other),
    }
}

pub(crate) async fn instance_policies(call: Call) -> Answer {
    let at = place(&call)?;
    let only = only(&call)?;
    let found = call.control().kms_instance_policies(&call.ctx, &at).await?;
    let wanted = found.iter().filter(|one| only.is_none_or(|only| only == one.kind.as_str()));
    listed(request::POLICY_TYPE, None, wanted.map(response::kms_instance_policy).collect())
}

pub(crate) async fn instance_policies_set(call: Call) -> Answer {
    let at = place(&call)?;
    let only = only(&call)?;
    let body = body(&call)?;
    let want = request::kms_instance_policies(&Fields::root(&body), only)?;
    let want: Vec<_> = want
        .into_iter()
        .filter_map(|one| {
            let kind = one.kind?;
            Some(InstancePolicyWant { kind, enabled: one.enabled, detail: one.detail })
        })
        .collect();
    call.control().kms_instance_policies_set(&call.ctx, &at, &want).await?;
    Ok(Reply::empty())
}

pub(crate) async fn registrations(call: Call) -> Answer {
    let asked = request::kms_registrations(&call.query)?;
    registered(&call, Some(call.param("id")), asked).await
}

pub(crate) async fn registrations_all(call: Call) -> Answer {
    let asked = request::kms_registrations(&call.query)?;
    registered(&call, None, asked).await
}

async fn registered(call: &Call, key: Option<&str>, asked: KmsPage) -> Answer {
    let at = place(call)?;
    let control = call.control();
    let (found, total) =
        control.kms_registrations(&call.ctx, &at, key, slice(asked.part), asked.total).await?;
    let each = found.iter().map(|one| response::kms_registration(&one.registration, one.version));
    listed(REGISTRATION_TYPE, total, each.collect())
}
