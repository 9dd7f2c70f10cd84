//! Resource groups.

use base::{ResourceGroupId, Timestamp};
use model::{Limit, Refusal, ResourceGroup};
use policy::{Action, Permit, Scope};

use super::{
    counter,
    head::{limit_check, not_found},
    list::Conditions,
    outbox, permit,
    session::Session,
    sight::{self, Columns},
    source::SOURCES,
    tag,
    value::{Row, binds},
};
use crate::{Change, GroupFilter, StoreError};

pub(crate) const SELECT: &str =
    "SELECT id, account_id, name, is_default, created_at, updated_at FROM resource_groups";

/// Tables with a resource group whose rows are parts of other resources, and what those are.
const PARTS: [(&str, &str); 4] = [
    ("address_prefixes", "address prefixes"),
    ("nics", "network interfaces"),
    ("reserved_ips", "reserved IPs"),
    ("service_instances", "instances of Key Protect"),
];

pub(crate) fn group(row: Row) -> Result<ResourceGroup, StoreError> {
    let mut row = row.of("resource_groups");
    Ok(ResourceGroup {
        id: row.id()?,
        account: row.id()?,
        name: row.text()?,
        default: row.bool()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

pub(crate) async fn insert(tx: &mut Session, group: &ResourceGroup) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO resource_groups (id, account_id, name, is_default, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        binds![
            &group.id,
            &group.account,
            &group.name,
            group.default,
            group.created_at,
            group.updated_at,
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn get(
    session: &mut Session,
    scope: &Scope,
    id: &ResourceGroupId,
) -> Result<ResourceGroup, StoreError> {
    sight::check(session, scope, "resource_groups", "resource_group", id).await?;
    let row = session
        .one(format!("{SELECT} WHERE id = $1 AND account_id = $2"), binds![id, scope.account()])
        .await?;
    group(row.ok_or_else(|| not_found("resource_group", id))?)
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &GroupFilter,
) -> Result<Vec<ResourceGroup>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("account_id = ?", binds![scope.account()])
        .and_seen(scope, Columns { group: "id", id: "id" })
        .and_eq("name", filter.name.as_deref())
        .and_eq("is_default", filter.default);
    let rows = conditions.all(session, SELECT, "name").await?;
    rows.into_iter().map(group).collect()
}

/// Refuses a name that a group other than `own` has; letters of either case are one.
async fn name_check(
    tx: &mut Session,
    permit: &Permit,
    name: &str,
    own: &str,
) -> Result<(), StoreError> {
    let taken = tx
        .any(
            "SELECT 1 FROM resource_groups
             WHERE account_id = $1 AND LOWER(name) = $2 AND id <> $3",
            binds![permit.account(), name.to_ascii_lowercase(), own],
        )
        .await?;
    if taken {
        let name = name.to_owned();
        return Err(Refusal::NameTaken { kind: "resource group", name }.into());
    }
    Ok(())
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    group: &ResourceGroup,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_of(permit, Action::ResourceGroupCreate, &group.account)?;
    if group.default {
        return Err(StoreError::PermitMismatch);
    }
    name_check(tx, permit, &group.name, "").await?;
    let mut own = Conditions::default();
    own.and("account_id = ?", binds![&group.account]);
    limit_check(own.count(tx, "resource_groups").await? + 1, Limit::RESOURCE_GROUPS_MAX)?;
    insert(tx, group).await?;
    outbox::write(tx, change).await
}

async fn own(
    tx: &mut Session,
    permit: &Permit,
    id: &ResourceGroupId,
) -> Result<ResourceGroup, StoreError> {
    let row = tx
        .one(format!("{SELECT} WHERE id = $1 AND account_id = $2"), binds![id, permit.account()])
        .await?;
    group(row.ok_or_else(|| not_found("resource_group", id))?)
}

pub(crate) async fn rename(
    tx: &mut Session,
    permit: &Permit,
    id: &ResourceGroupId,
    name: &str,
    now: Timestamp,
    change: &Change,
) -> Result<ResourceGroup, StoreError> {
    permit::covers(permit, &[Action::ResourceGroupUpdate], id.as_str())?;
    own(tx, permit, id).await?;
    name_check(tx, permit, name, id.as_str()).await?;
    tx.run(
        "UPDATE resource_groups SET name = $2, updated_at = $3 WHERE id = $1",
        binds![id, name, now],
    )
    .await?;
    outbox::write(tx, change).await?;
    own(tx, permit, id).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &ResourceGroupId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::ResourceGroupDelete], id.as_str())?;
    let ResourceGroup { name, default, .. } = own(tx, permit, id).await?;
    if default {
        return Err(Refusal::DefaultGroup { name }.into());
    }
    for (table, what) in tables() {
        let sql = format!("SELECT 1 FROM {table} WHERE group_id = $1 LIMIT 1");
        if tx.any(sql, binds![id]).await? {
            return Err(Refusal::GroupNotEmpty { name, what }.into());
        }
    }
    tag::forget(tx, id.as_str()).await?;
    counter::forget_group(tx, permit.account(), id).await?;
    tx.run("DELETE FROM resource_groups WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}

/// Every table whose rows are in a group.
fn tables() -> impl Iterator<Item = (&'static str, &'static str)> {
    let resources = SOURCES.iter().filter(|source| source.group == "group_id");
    resources.map(|source| (source.table, source.plural)).chain(PARTS)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use base::{OsEntropy, SystemClock};

    use super::*;
    use crate::SqlStore;

    #[tokio::test]
    async fn every_table_with_a_group_is_asked_before_a_group_goes() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("meta.db").display());
        let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(OsEntropy));
        let store = SqlStore::open_volatile(&url, clock, entropy).await.unwrap();
        let mut session = store.engine.glance().await.unwrap();
        let rows = session
            .all(
                "SELECT m.name FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
                 WHERE m.type = 'table' AND f.\"table\" = 'resource_groups'",
                binds![],
            )
            .await
            .unwrap();
        let found: BTreeSet<String> = rows.into_iter().map(|mut r| r.text().unwrap()).collect();
        assert_eq!(found, tables().map(|(table, _)| table.to_owned()).collect());
    }
}
