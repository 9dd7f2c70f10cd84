//! `/v2/resource_groups`: the account's groups, to read.

use control::GroupFilter;
use wire::{request, response};

use crate::{
    call::Call,
    reply::{Answer, Reply},
};

pub(crate) async fn list(call: Call) -> Answer {
    let want = request::resource_group_list(&call.query)?;
    let other = want.account.is_some_and(|id| id != call.ctx.caller.account.as_str());
    if other {
        return Reply::ok(&response::resource_groups(&[]));
    }
    let filter = GroupFilter { name: want.name, default: want.default };
    let found = call.control().resource_groups(&call.ctx, filter).await?;
    Reply::ok(&response::resource_groups(&found))
}

pub(crate) async fn get(call: Call) -> Answer {
    let id = call.id("id", "resource group")?;
    let group = call.control().resource_group(&call.ctx, &id).await?;
    Reply::ok(&response::resource_group(&group))
}
