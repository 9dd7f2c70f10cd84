//! API keys and their use.

use base::ApiKeyId;
use model::{ApiKey, HistoryRecord, Limit, Refusal, WhenLeaked};
use policy::{Action, Permit, Scope};

use super::{
    head::{changed, limit_check, not_found},
    list::{Conditions, limit, paged},
    outbox, permit, principal,
    session::Session,
    value::{Row, binds},
};
use crate::{ApiKeyFilter, Change, KeyUse, Page, PageKey, Paged, StoreError};

pub(crate) const COLUMNS: &str = "k.id, k.account_id, k.principal_id, k.name, k.hash, \
     k.created_at, k.description, k.created_by, k.modified_at, k.revision, k.locked, k.disabled, \
     k.expires_at, k.when_leaked, k.support_sessions, k.last_used_at, k.uses";

pub(crate) fn api_key(row: &mut Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.id()?,
        account: row.id()?,
        principal: row.id()?,
        name: row.text()?,
        hash: row.blob()?.try_into().map_err(|_| row.damaged("a hash is not 32 bytes"))?,
        created_at: row.time()?,
        description: row.text()?,
        created_by: row.id()?,
        modified_at: row.time()?,
        revision: row.count()?,
        locked: row.bool()?,
        disabled: row.bool()?,
        expires_at: row.opt_time()?,
        when_leaked: row.word(WhenLeaked::parse)?,
        support_sessions: row.bool()?,
        last_used_at: row.opt_time()?,
        uses: row.count()?,
    })
}

pub(crate) async fn insert(tx: &mut Session, k: &ApiKey) -> Result<(), StoreError> {
    hash_check(tx, k).await?;
    tx.run(
        "INSERT INTO api_keys (id, account_id, principal_id, name, hash, created_at, description,
           created_by, modified_at, revision, locked, disabled, expires_at, when_leaked,
           support_sessions, uses)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0)",
        binds![
            &k.id,
            &k.account,
            &k.principal,
            &k.name,
            k.hash.as_slice(),
            k.created_at,
            &k.description,
            &k.created_by,
            k.modified_at,
            k.revision,
            k.locked,
            k.disabled,
            k.expires_at,
            k.when_leaked.as_str(),
            k.support_sessions,
        ],
    )
    .await?;
    Ok(())
}

/// A key that was chosen may be another's.
async fn hash_check(tx: &mut Session, k: &ApiKey) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM api_keys WHERE hash = $1 AND id <> $2";
    if tx.any(sql, binds![k.hash.as_slice(), &k.id]).await? {
        return Err(Refusal::ApiKeyTaken.into());
    }
    Ok(())
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    k: &ApiKey,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_of(permit, Action::ApiKeyCreate, &k.account)?;
    principal::get(tx, &k.account, &k.principal).await?;
    let mut own = Conditions::default();
    own.and("principal_id = ?", binds![&k.principal]);
    limit_check(own.count(tx, "api_keys").await? + 1, Limit::API_KEYS_MAX)?;
    insert(tx, k).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn get(
    session: &mut Session,
    scope: &Scope,
    id: &ApiKeyId,
) -> Result<ApiKey, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys k WHERE k.id = $1 AND k.account_id = $2");
    let row = session.one(sql, binds![id, scope.account()]).await?;
    api_key(&mut row.ok_or_else(|| not_found("API key", id))?.of("api_keys"))
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &ApiKeyFilter,
    page: &Page,
) -> Result<Paged<ApiKey>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("k.account_id = ?", binds![scope.account()])
        .and_eq("k.principal_id", filter.principal.as_ref());
    if let Some(kind) = filter.kind {
        // The ids of one kind begin alike, and `~` comes after all that may follow.
        let prefix = kind.iam_prefix();
        conditions.and(
            "k.principal_id >= ? AND k.principal_id < ?",
            binds![prefix, format!("{prefix}~")],
        );
    }
    let total = conditions.count(session, "api_keys k").await?;
    if let Some(after) = &page.after {
        conditions
            .and("(k.created_at, k.id) > (?, ?)", binds![after.created_at, after.id.as_str()]);
    }
    let select = format!("SELECT {COLUMNS} FROM api_keys k");
    let order = format!("k.created_at, k.id LIMIT {}", limit(page) + 1);
    let rows = conditions.all(session, &select, &order).await?;
    let items = rows.into_iter().map(|row| api_key(&mut row.of("api_keys")));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    Ok(paged(items, page, total, |k| PageKey {
        created_at: k.created_at.micros(),
        id: k.id.to_string(),
    }))
}

pub(crate) async fn save(
    tx: &mut Session,
    permit: &Permit,
    k: &ApiKey,
    record: &HistoryRecord,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_of(permit, Action::ApiKeyUpdate, &k.account)?;
    hash_check(tx, k).await?;
    let rows = tx
        .run(
            "UPDATE api_keys SET name = $4, hash = $5, description = $6, modified_at = $7,
               locked = $8, disabled = $9, expires_at = $10, when_leaked = $11,
               support_sessions = $12, revision = $3
             WHERE id = $1 AND account_id = $2 AND revision = $3 - 1",
            binds![
                &k.id,
                &k.account,
                k.revision,
                &k.name,
                k.hash.as_slice(),
                &k.description,
                k.modified_at,
                k.locked,
                k.disabled,
                k.expires_at,
                k.when_leaked.as_str(),
                k.support_sessions,
            ],
        )
        .await?;
    if rows != 1 {
        return Err(changed("API key", &k.id));
    }
    principal::history_add(tx, k.id.as_str(), record).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &ApiKeyId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_account(permit, &[Action::ApiKeyDelete])?;
    let row = tx
        .one(
            "SELECT locked FROM api_keys WHERE id = $1 AND account_id = $2",
            binds![id, permit.account()],
        )
        .await?;
    if row.ok_or_else(|| not_found("API key", id))?.bool()? {
        return Err(Refusal::IdentityLocked { kind: "API key" }.into());
    }
    for sql in [
        "DELETE FROM sessions WHERE api_key_id = $1",
        "DELETE FROM identity_history WHERE subject_id = $1",
        "DELETE FROM api_keys WHERE id = $1",
    ] {
        tx.run(sql, binds![id]).await?;
    }
    outbox::write(tx, change).await
}

pub(crate) async fn uses(tx: &mut Session, uses: &[KeyUse]) -> Result<(), StoreError> {
    for one in uses {
        tx.run(
            "UPDATE api_keys SET uses = uses + $2, last_used_at = $3 WHERE id = $1",
            binds![&one.api_key, one.uses, one.last],
        )
        .await?;
        tx.run(
            "UPDATE principals SET uses = uses + $2, last_used_at = $3 WHERE id = $1",
            binds![&one.principal, one.uses, one.last],
        )
        .await?;
    }
    Ok(())
}
