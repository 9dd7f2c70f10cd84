//! What every resource's row begins with, and the rules about names and groups.

use std::fmt::Display;

use base::{AccountId, ResourceGroupId};
use model::{Head, Limit, Refusal, ResourceName};

use super::{
    session::Session,
    value::{Row, Value, binds},
};
use crate::StoreError;

/// Reads `id, account_id, group_id, name, created_at, revision`.
pub(crate) fn head<Id: TryFrom<String>>(row: &mut Row) -> Result<Head<Id>, StoreError> {
    Ok(Head {
        id: row.id()?,
        account: row.id()?,
        group: row.id()?,
        name: row.name()?,
        created_at: row.time()?,
        revision: row.count()?,
    })
}

/// The same columns as parameters.
pub(crate) fn head_binds<'a, Id>(head: &'a Head<Id>) -> Vec<Value>
where
    &'a Id: Into<Value>,
{
    let mut values = vec![(&head.id).into()];
    values.extend(binds![&head.account, &head.group, &head.name, head.created_at, head.revision,]);
    values
}

/// The error for a row that is not there, or not for this caller.
pub(crate) fn not_found(kind: &'static str, id: impl ToString) -> StoreError {
    StoreError::NotFound { kind, id: id.to_string() }
}

/// The error for a row that another wrote.
pub(crate) fn changed(kind: &'static str, id: impl ToString) -> StoreError {
    StoreError::Changed { kind, id: id.to_string() }
}

/// One row was written, or another wrote it first.
pub(crate) fn written(rows: u64, kind: &'static str, id: impl ToString) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(changed(kind, id)) }
}

/// Where a name must be unique.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameSpace {
    /// What users call the thing.
    pub(crate) kind: &'static str,
    /// Its table.
    pub(crate) table: &'static str,
    /// The column that names the parent.
    pub(crate) parent: &'static str,
}

impl NameSpace {
    pub(crate) const fn new(kind: &'static str, table: &'static str, parent: &'static str) -> Self {
        Self { kind, table, parent }
    }

    /// Refuses a name that a row other than `own` has.
    pub(crate) async fn check(
        self,
        tx: &mut Session,
        parent: &str,
        name: &(impl Display + Sync),
        own: Option<&str>,
    ) -> Result<(), StoreError> {
        let Self { table, parent: column, kind } = self;
        let taken = tx
            .any(
                format!("SELECT 1 FROM {table} WHERE {column} = $1 AND name = $2 AND id <> $3"),
                binds![parent, name.to_string(), own.unwrap_or_default()],
            )
            .await?;
        if taken {
            return Err(Refusal::NameTaken { kind, name: name.to_string() }.into());
        }
        Ok(())
    }

    /// Gives a row another name, if no other has it.
    pub(crate) async fn rename(
        self,
        tx: &mut Session,
        parent: &str,
        id: &str,
        name: &ResourceName,
    ) -> Result<(), StoreError> {
        self.check(tx, parent, name, Some(id)).await?;
        let table = self.table;
        tx.run(
            format!("UPDATE {table} SET name = $2, revision = revision + 1 WHERE id = $1"),
            binds![id, name],
        )
        .await?;
        Ok(())
    }
}

/// Raises the revision of a row of `table`, if it still is what the caller read.
pub(crate) async fn touch(
    tx: &mut Session,
    (table, kind): (&'static str, &'static str),
    id: &str,
    revision: u64,
) -> Result<(), StoreError> {
    let rows = tx
        .run(
            format!("UPDATE {table} SET revision = revision + 1 WHERE id = $1 AND revision = $2"),
            binds![id, revision],
        )
        .await?;
    written(rows, kind, id)
}

/// Refuses a resource group that is not the account's.
pub(crate) async fn group_check(
    tx: &mut Session,
    account: &AccountId,
    group: &ResourceGroupId,
) -> Result<(), StoreError> {
    let there = tx
        .any(
            "SELECT 1 FROM resource_groups WHERE id = $1 AND account_id = $2",
            binds![group, account],
        )
        .await?;
    if there { Ok(()) } else { Err(not_found("resource_group", group)) }
}

/// Refuses when `count` things would be more than the limit.
pub(crate) fn limit_check(count: u64, limit: Limit) -> Result<(), StoreError> {
    if count > limit.max { Err(Refusal::OverLimit { limit }.into()) } else { Ok(()) }
}
