//! SSH keys.

use base::KeyId;
use model::{Limit, Refusal, ResourceName, SshKey, SshKeyType};
use policy::{Action, Permit, Scope};

use super::{
    head::{NameSpace, group_check, head, head_binds, limit_check, not_found, written},
    list::{Conditions, paged, place},
    outbox, permit,
    session::Session,
    sight::{self, columns},
    tag,
    value::{Row, binds},
};
use crate::{Change, Page, Paged, StoreError};

const NAMES: NameSpace = NameSpace::new("key", "ssh_keys", "account_id");

const SELECT: &str =
    "SELECT k.id, k.account_id, k.group_id, k.name, k.created_at, k.revision, k.kind, k.length,
       k.fingerprint, k.public_key, g.name
     FROM ssh_keys k LEFT JOIN resource_groups g ON g.id = k.group_id";

fn key(row: Row) -> Result<(SshKey, String), StoreError> {
    let mut row = row.of("ssh_keys");
    let key = SshKey {
        head: head(&mut row)?,
        kind: row.word(SshKeyType::parse)?,
        length: row.count()?,
        fingerprint: row.text()?,
        public_key: row.text()?,
    };
    Ok((key, row.text()?))
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    key: &SshKey,
    change: &Change,
) -> Result<(), StoreError> {
    let account = &key.head.account;
    permit::covers_new(permit, Action::KeyCreate, account, &key.head.group)?;
    group_check(tx, account, &key.head.group).await?;
    NAMES.check(tx, account.as_str(), &key.head.name, None).await?;
    let same = tx
        .one(
            "SELECT id FROM ssh_keys WHERE account_id = $1 AND fingerprint = $2",
            binds![account, &key.fingerprint],
        )
        .await?;
    if let Some(same) = same {
        return Err(Refusal::KeyContentExists { key: same.of("ssh_keys").id()? }.into());
    }
    let mut own = Conditions::default();
    own.and("account_id = ?", binds![account]);
    limit_check(own.count(tx, "ssh_keys").await? + 1, Limit::KEYS_MAX)?;
    let mut values = head_binds(&key.head);
    values.extend(binds![key.kind.as_str(), key.length, &key.fingerprint, &key.public_key]);
    tx.run(
        "INSERT INTO ssh_keys (id, account_id, group_id, name, created_at, revision, kind, length,
           fingerprint, public_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        values,
    )
    .await?;
    outbox::write(tx, change).await
}

pub(crate) async fn get(
    session: &mut Session,
    scope: &Scope,
    id: &KeyId,
) -> Result<(SshKey, String), StoreError> {
    sight::check(session, scope, "ssh_keys", "key", id).await?;
    let row = session
        .one(format!("{SELECT} WHERE k.id = $1 AND k.account_id = $2"), binds![id, scope.account()])
        .await?;
    key(row.ok_or_else(|| not_found("key", id))?)
}

pub(crate) async fn by_fingerprint(
    session: &mut Session,
    scope: &Scope,
    fingerprint: &str,
) -> Result<SshKey, StoreError> {
    let row = session
        .one(
            format!("{SELECT} WHERE k.fingerprint = $1 AND k.account_id = $2"),
            binds![fingerprint, scope.account()],
        )
        .await?;
    let found = key(row.ok_or_else(|| not_found("key", fingerprint))?)?.0;
    match sight::check(session, scope, "ssh_keys", "key", &found.head.id).await {
        Err(StoreError::NotFound { .. }) => Err(not_found("key", fingerprint)),
        seen => seen.map(|()| found),
    }
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    name: Option<&str>,
    page: &Page,
) -> Result<Paged<(SshKey, String)>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("k.account_id = ?", binds![scope.account()])
        .and_seen(scope, columns!("k"))
        .and_eq("k.name", name);
    let total = conditions.count(session, "ssh_keys k").await?;
    let rows = conditions.page(session, SELECT, "k", page).await?;
    let keys = rows.into_iter().map(key).collect::<Result<Vec<_>, _>>()?;
    Ok(paged(keys, page, total, |(key, _)| place(&key.head)))
}

pub(crate) async fn rename(
    tx: &mut Session,
    permit: &Permit,
    id: &KeyId,
    revision: u64,
    name: &ResourceName,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::KeyUpdate], id.as_str())?;
    own(tx, permit, id).await?;
    NAMES.check(tx, permit.account().as_str(), name, Some(id.as_str())).await?;
    let rows = tx
        .run(
            "UPDATE ssh_keys SET name = $4, revision = revision + 1
             WHERE id = $1 AND account_id = $2 AND revision = $3",
            binds![id, permit.account(), revision, name],
        )
        .await?;
    written(rows, "key", id)?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &KeyId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::KeyDelete], id.as_str())?;
    own(tx, permit, id).await?;
    tag::forget(tx, id.as_str()).await?;
    tx.run("DELETE FROM ssh_keys WHERE id = $1", binds![id]).await?;
    outbox::write(tx, change).await
}

async fn own(tx: &mut Session, permit: &Permit, id: &KeyId) -> Result<(), StoreError> {
    let there = tx
        .any(
            "SELECT 1 FROM ssh_keys WHERE id = $1 AND account_id = $2",
            binds![id, permit.account()],
        )
        .await?;
    if there { Ok(()) } else { Err(not_found("key", id)) }
}
