//! `/v2/roles`: those of the platform, of a service, and of the account.

use axum::http::StatusCode;
use base::RoleId;
use control::RoleWrite;
use model::CustomRole;
use policy::Role;
use wire::{
    Fields,
    request::{self, RoleBody},
    response::{self, RoleFacts},
};

use super::etag;
use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

fn facts(role: Role, service: &str) -> RoleFacts {
    RoleFacts {
        crn: role.crn(),
        display_name: role.display_name().to_owned(),
        description: role.description().to_owned(),
        actions: role.actions_on(service).into_iter().map(str::to_owned).collect(),
    }
}

/// What is shown of the role of a CRN, on a service.
pub(super) fn facts_of(crn: &str, service: &str, custom: &[CustomRole]) -> Option<RoleFacts> {
    if let Some(role) = Role::parse(crn) {
        return Some(facts(role, service));
    }
    let role = custom.iter().find(|role| role.crn() == crn)?;
    Some(RoleFacts {
        crn: role.crn(),
        display_name: role.display_name.clone(),
        description: role.description.clone(),
        actions: role.actions.clone(),
    })
}

/// Roles of the platform and of a service for anyone; those of the account, when it is named,
/// for whoever may see them.
pub(crate) async fn list(call: Call) -> Answer {
    let service = call.query.get("service_name").unwrap_or_default();
    let mut custom = Vec::new();
    if let Some(account) = call.query.get("account_id") {
        call.iam_account(account)?;
        custom = call.control().custom_roles(&call.ctx).await?;
        custom.retain(|role| service.is_empty() || role.service == service);
    }
    let own: Vec<RoleFacts> = Role::of_service(service).map(|r| facts(r, service)).collect();
    let system = Role::PLATFORM.map(|role| facts(role, service));
    Reply::ok(&response::roles(&custom, &own, &system, &call.base_url))
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::role_prototype(&Fields::root(&body))?;
    call.iam_account(&want.account)?;
    let (name, service, write) = (want.name, want.service, write(want.body));
    let role = call.control().custom_role_create(&call.ctx, name, service, write).await?;
    render(&call, StatusCode::CREATED, &role)
}

pub(crate) async fn get(call: Call) -> Answer {
    let role = call.control().custom_role(&call.ctx, &id(&call)?).await?;
    render(&call, StatusCode::OK, &role)
}

pub(crate) async fn replace(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::role_body(&Fields::root(&body))?;
    let old = call.control().custom_role(&call.ctx, &id(&call)?).await?;
    let revision = call.iam_if_match(old.revision, old.id.as_str())?;
    let done = call.control().custom_role_replace(&call.ctx, &old.id, revision, write(want));
    render(&call, StatusCode::OK, &done.await?)
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().custom_role_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

fn id(call: &Call) -> Result<RoleId, Failure> {
    Ok(call.id("id", "role")?)
}

fn write(body: RoleBody) -> RoleWrite {
    RoleWrite {
        display_name: body.display_name,
        description: body.description,
        actions: body.actions,
    }
}

fn render(call: &Call, status: StatusCode, role: &CustomRole) -> Answer {
    let etag = etag(role.revision, role.id.as_str());
    Ok(Reply::json(status, &response::custom_role(role, &call.base_url))?.with_etag(etag))
}
