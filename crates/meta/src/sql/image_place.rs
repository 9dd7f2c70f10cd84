//! Where an image that is not captured from a volume goes.

use base::{AccountId, ResourceGroupId};
use model::ResourceName;

use super::{
    head::{group_check, not_found},
    image::NAMES,
    session::Session,
    value::binds,
};
use crate::StoreError;

pub(crate) async fn place(
    tx: &mut Session,
    account: &AccountId,
    group: Option<&ResourceGroupId>,
    name: &ResourceName,
) -> Result<ResourceGroupId, StoreError> {
    let row = tx
        .one(
            "SELECT g.id FROM accounts a JOIN resource_groups g ON g.account_id = a.id
             WHERE a.id = $1 AND a.provider = 0 AND g.is_default = 1",
            binds![account],
        )
        .await?;
    let mut row = row.ok_or_else(|| not_found("account", account))?.of("resource_groups");
    let group = match group {
        Some(group) => {
            group_check(tx, account, group).await?;
            group.clone()
        }
        None => row.id()?,
    };
    NAMES.check(tx, account.as_str(), name, None).await?;
    Ok(group)
}
