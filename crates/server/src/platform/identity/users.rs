//! `/v2/accounts/{account_id}/users`.
//!
//! There is no mail: whoever is invited is a user at once, and gets an API key from the region's
//! operator.

use axum::http::StatusCode;
use control::{NewPrincipal, PrincipalFilter};
use model::PrincipalKind;
use wire::{ApiError, Fields, PageToken, request, response};

use super::{principal_id, principal_patch};
use crate::{
    call::{Call, page_of},
    reply::{Answer, Reply},
};

const KIND: PrincipalKind = PrincipalKind::User;

/// Another account is not there.
fn check(call: &Call) -> Result<(), ApiError> {
    let account = call.param("account_id");
    if call.is_elsewhere(Some(account)) {
        return Err(wire::error::not_found("account", account, None));
    }
    Ok(())
}

pub(crate) async fn list(call: Call) -> Answer {
    check(&call)?;
    let (page, email) = request::user_list("users", &call.query)?;
    let filter = PrincipalFilter { kind: KIND, name: None, email };
    let found = call.control().principals(&call.ctx, &filter, &page_of(&page)).await?;
    let next = found.next.map(|key| PageToken { created_at: key.created_at, id: key.id });
    let path = format!("/v2/accounts/{}/users", call.ctx.caller.account);
    let size = (found.total, page.limit);
    Reply::ok(&response::users(&path, &found.items, size, next.as_ref()))
}

pub(crate) async fn invite(call: Call) -> Answer {
    check(&call)?;
    let body = call.json()?;
    let mut invited = Vec::new();
    for email in request::user_invitations(&Fields::root(&body))? {
        let name = email.split('@').next().unwrap_or_default().to_owned();
        let want = NewPrincipal { name, email, ..NewPrincipal::default() };
        invited.push(call.control().principal_create(&call.ctx, KIND, want).await?.0);
    }
    Reply::json(StatusCode::ACCEPTED, &response::invited(&invited))
}

pub(crate) async fn get(call: Call) -> Answer {
    check(&call)?;
    let id = principal_id(&call, "iam_id", KIND)?;
    let user = call.control().principal(&call.ctx, KIND, &id).await?;
    Reply::ok(&response::user(&user))
}

pub(crate) async fn update(call: Call) -> Answer {
    check(&call)?;
    let body = call.json()?;
    let id = principal_id(&call, "iam_id", KIND)?;
    let now = call.control().principal(&call.ctx, KIND, &id).await?;
    let want = request::user_change(&Fields::root(&body), &now.name)?;
    let tag = now.entity_tag();
    let patch = principal_patch(want);
    call.control().principal_update(&call.ctx, (KIND, &id), Some(&tag), patch).await?;
    Ok(Reply::empty())
}

pub(crate) async fn remove(call: Call) -> Answer {
    check(&call)?;
    let id = principal_id(&call, "iam_id", KIND)?;
    call.control().principal_delete(&call.ctx, KIND, &id).await?;
    Ok(Reply::empty())
}
