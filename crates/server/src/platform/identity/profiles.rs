//! `/v1/profiles` with their rules, links and identities.

use control::{NewPart, NewPrincipal};
use model::{PrincipalKind, ProfilePartKind};
use serde_json::json;
use wire::{Fields, request, request::PartPrototype, response};

use super::{if_match, principals::Principals};
use crate::{
    call::Call,
    reply::{Answer, Reply},
};

const KIND: PrincipalKind = PrincipalKind::Profile;
const PROFILES: Principals = Principals { kind: KIND, path: "/v1/profiles", items: "profiles" };

pub(crate) async fn list(call: Call) -> Answer {
    PROFILES.list(call).await
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::profile_prototype(&Fields::root(&body))?;
    call.check_account(want.account.as_deref())?;
    let want = NewPrincipal {
        name: want.name,
        description: want.description,
        email: want.email,
        ..NewPrincipal::default()
    };
    let (made, _) = call.control().principal_create(&call.ctx, KIND, want).await?;
    let reply = Reply::created(&response::identity(&made, None, None))?;
    Ok(reply.with_etag(made.entity_tag()))
}

pub(crate) async fn get(call: Call) -> Answer {
    PROFILES.get(call).await
}

pub(crate) async fn update(call: Call) -> Answer {
    PROFILES.update(call).await
}

pub(crate) async fn delete(call: Call) -> Answer {
    PROFILES.delete(call).await
}

pub(crate) async fn rule_list(call: Call) -> Answer {
    parts(call, ProfilePartKind::Rule, "rules").await
}

pub(crate) async fn rule_create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::claim_rule(&Fields::root(&body))?;
    add(call, ProfilePartKind::Rule, want).await
}

pub(crate) async fn rule_get(call: Call) -> Answer {
    part(call, ProfilePartKind::Rule, "rule_id").await
}

pub(crate) async fn rule_update(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::claim_rule(&Fields::root(&body))?;
    let (id, tag) = (PROFILES.id(&call)?, if_match(&call)?);
    let want = NewPart {
        kind: ProfilePartKind::Rule,
        id: Some(call.param("rule_id").to_owned()),
        body: want.body,
    };
    let part = call.control().profile_part_update(&call.ctx, &id, tag, want).await?;
    Reply::ok(&response::profile_part(&part))
}

pub(crate) async fn rule_delete(call: Call) -> Answer {
    let part = call.param("rule_id").to_owned();
    remove(call, ProfilePartKind::Rule, &part).await
}

pub(crate) async fn link_list(call: Call) -> Answer {
    parts(call, ProfilePartKind::Link, "links").await
}

pub(crate) async fn link_create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::profile_link(&Fields::root(&body))?;
    add(call, ProfilePartKind::Link, want).await
}

pub(crate) async fn link_get(call: Call) -> Answer {
    part(call, ProfilePartKind::Link, "link_id").await
}

pub(crate) async fn link_delete(call: Call) -> Answer {
    let part = call.param("link_id").to_owned();
    remove(call, ProfilePartKind::Link, &part).await
}

pub(crate) async fn identity_list(call: Call) -> Answer {
    let id = PROFILES.id(&call)?;
    let profile = call.control().principal(&call.ctx, KIND, &id).await?;
    let kind = ProfilePartKind::Identity;
    let parts = call.control().profile_parts(&call.ctx, &id, kind).await?;
    let tag = profile.entity_tag();
    Ok(Reply::ok(&response::profile_identities(&tag, &parts))?.with_etag(tag))
}

pub(crate) async fn identities_replace(call: Call) -> Answer {
    let body = call.json()?;
    let wants = request::profile_identities(&Fields::root(&body))?;
    let (id, tag) = (PROFILES.id(&call)?, if_match(&call)?);
    let wants = wants.into_iter().map(|want| new_part(ProfilePartKind::Identity, want)).collect();
    let (tag, parts) =
        call.control().profile_identities_replace(&call.ctx, &id, tag, wants).await?;
    Ok(Reply::ok(&response::profile_identities(&tag, &parts))?.with_etag(tag))
}

pub(crate) async fn identity_add(call: Call) -> Answer {
    let body = call.json()?;
    let kind = call.param("identity_type").to_owned();
    let want = request::profile_identity(&Fields::root(&body), Some(&kind))?;
    let (id, want) = (PROFILES.id(&call)?, new_part(ProfilePartKind::Identity, want));
    let part = call.control().profile_part_add(&call.ctx, &id, want).await?;
    Reply::ok(&response::profile_identity(&part))
}

pub(crate) async fn identity_get(call: Call) -> Answer {
    let (id, named) = (PROFILES.id(&call)?, identity_named(&call));
    let kind = ProfilePartKind::Identity;
    let part = call.control().profile_part(&call.ctx, &id, kind, &named).await?;
    Reply::ok(&response::profile_identity(&part))
}

pub(crate) async fn identity_delete(call: Call) -> Answer {
    let named = identity_named(&call);
    remove(call, ProfilePartKind::Identity, &named).await
}

fn identity_named(call: &Call) -> String {
    format!("{}/{}", call.param("identity_type"), call.param("identifier"))
}

fn new_part(kind: ProfilePartKind, want: PartPrototype) -> NewPart {
    NewPart { kind, id: want.id, body: want.body }
}

async fn parts(call: Call, kind: ProfilePartKind, name: &str) -> Answer {
    let parts = call.control().profile_parts(&call.ctx, &PROFILES.id(&call)?, kind).await?;
    let shown: Vec<_> = parts.iter().map(response::profile_part).collect();
    Reply::ok(&json!({ name: shown }))
}

async fn part(call: Call, kind: ProfilePartKind, name: &str) -> Answer {
    let (id, named) = (PROFILES.id(&call)?, call.param(name));
    let part = call.control().profile_part(&call.ctx, &id, kind, named).await?;
    Reply::ok(&response::profile_part(&part))
}

async fn add(call: Call, kind: ProfilePartKind, want: PartPrototype) -> Answer {
    let (id, want) = (PROFILES.id(&call)?, new_part(kind, want));
    let part = call.control().profile_part_add(&call.ctx, &id, want).await?;
    Reply::created(&response::profile_part(&part))
}

async fn remove(call: Call, kind: ProfilePartKind, part: &str) -> Answer {
    call.control().profile_part_delete(&call.ctx, &PROFILES.id(&call)?, kind, part).await?;
    Ok(Reply::empty())
}
