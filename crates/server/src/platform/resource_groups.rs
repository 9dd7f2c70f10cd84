//! `/v2/resource_groups`, and the one quota definition that they name.

use base::ResourceGroupId;
use control::GroupFilter;
use wire::{ApiError, ErrorCode, Fields, request, response};

use crate::{
    call::Call,
    reply::{Answer, Failure, Reply},
};

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::resource_group_list(&call.query)?;
    if call.is_elsewhere(want.account.as_deref()) {
        return Reply::ok(&response::resource_groups(&[]));
    }
    let filter = GroupFilter { name: want.name, default: want.default };
    let found = call.control().resource_groups(&call.ctx, filter).await?;
    Reply::ok(&response::resource_groups(&found))
}

pub(crate) async fn create(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::group_prototype(&Fields::root(&body))?;
    call.check_account(want.account.as_deref())?;
    let group = call.control().resource_group_create(&call.ctx, want.name).await?;
    Reply::created(&response::created_group(&group))
}

pub(crate) async fn get(call: Call) -> Answer {
    let group = call.control().resource_group(&call.ctx, &id(&call)?).await?;
    Reply::ok(&response::resource_group(&group))
}

pub(crate) async fn update(call: Call) -> Answer {
    let body = call.json()?;
    let want = request::group_patch(&Fields::root(&body))?;
    let group = call.control().resource_group_rename(&call.ctx, &id(&call)?, want.name).await?;
    Reply::ok(&response::resource_group(&group))
}

pub(crate) async fn delete(call: Call) -> Answer {
    call.control().resource_group_delete(&call.ctx, &id(&call)?).await?;
    Ok(Reply::empty())
}

pub(crate) async fn quota_list(_: Call) -> Answer {
    Reply::ok(&response::quota_definitions())
}

pub(crate) async fn quota_get(call: Call) -> Answer {
    let id = call.param("id");
    let found = response::quota_definition(id);
    found.map_or_else(
        || Err(wire::error::not_found("quota definition", id, None).into()),
        |quota| Reply::ok(&quota),
    )
}

fn id(call: &Call) -> Result<ResourceGroupId, Failure> {
    Ok(call.id("id", "resource group")?)
}

impl Call {
    /// Whether a request is about another account than the caller's: there is nothing to see.
    pub(super) fn is_elsewhere(&self, account: Option<&str>) -> bool {
        account.is_some_and(|id| id != self.ctx.caller.account.as_str())
    }

    /// Refuses to change another account.
    pub(super) fn check_account(&self, account: Option<&str>) -> Result<(), ApiError> {
        if self.is_elsewhere(account) {
            let message = "The token is not authorized in that account.";
            return Err(ApiError::new(ErrorCode::NotAuthorized, message));
        }
        Ok(())
    }
}
