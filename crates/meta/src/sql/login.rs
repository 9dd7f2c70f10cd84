//! Sessions: what a login with a refresh token leaves, and how it ends.

use base::{AccountId, PrincipalId, Timestamp};
use model::{ApiKey, Session as Login};

use super::{
    api_key,
    head::not_found,
    identity, outbox,
    session::Session,
    value::{Value, binds},
};
use crate::{Change, Refreshed, StoreError};

/// Sessions that are over and forgotten at a time.
const OVER_BATCH: u32 = 100;

pub(crate) async fn create(
    tx: &mut Session,
    login: &Login,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(
        format!(
            "DELETE FROM sessions WHERE id IN
               (SELECT id FROM sessions WHERE expires_at <= $1 LIMIT {OVER_BATCH})"
        ),
        binds![now],
    )
    .await?;
    tx.run(
        "INSERT INTO sessions (id, principal_id, api_key_id, refresh_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        binds![
            login.id.as_str(),
            &login.principal,
            &login.api_key,
            login.refresh_hash.as_slice(),
            login.created_at,
            login.expires_at,
        ],
    )
    .await?;
    Ok(())
}

/// The times of a refresh.
#[derive(Clone, Copy)]
pub(crate) struct RefreshAt {
    /// Wall time.
    pub(crate) now: Timestamp,
    /// Until when the session goes on; wall time.
    pub(crate) expires_at: Timestamp,
    /// Region time, by which API keys end.
    pub(crate) region: Timestamp,
}

/// The session's key must still sign in: a key that is disabled or over ends what it began.
pub(crate) async fn refresh(
    tx: &mut Session,
    id: &str,
    used: &[u8; 32],
    next: &[u8; 32],
    at: RefreshAt,
) -> Result<Refreshed, StoreError> {
    let row = tx
        .one(
            "SELECT s.principal_id, s.refresh_hash FROM sessions s
             JOIN api_keys k ON k.id = s.api_key_id
             WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND k.disabled = 0
               AND (k.expires_at IS NULL OR k.expires_at > $3)",
            binds![id, at.now, at.region],
        )
        .await?;
    let Some(row) = row else { return Ok(Refreshed::Ended) };
    let mut row = row.of("sessions");
    let (who, good): (PrincipalId, Vec<u8>) = (row.id()?, row.blob()?);
    if good.as_slice() != used {
        tx.run("UPDATE sessions SET ended_at = $2 WHERE id = $1", binds![id, at.now]).await?;
        return Ok(Refreshed::Replayed);
    }
    tx.run(
        "UPDATE sessions SET refresh_hash = $2, expires_at = $3 WHERE id = $1",
        binds![id, next.as_slice(), at.expires_at],
    )
    .await?;
    Ok(match identity::principal_with_account(tx, &who).await? {
        Some((principal, account)) => Refreshed::Yes { principal: Box::new(principal), account },
        None => Refreshed::Ended,
    })
}

pub(crate) async fn sign_out(
    tx: &mut Session,
    account: &AccountId,
    id: Option<&PrincipalId>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let (one, values) = match id {
        Some(id) => (" AND id = $3", binds![account, now, id]),
        None => ("", binds![account, now]),
    };
    let count = tx
        .run(
            format!("UPDATE principals SET signed_out_at = $2 WHERE account_id = $1{one}"),
            values.clone(),
        )
        .await?;
    if let Some(id) = id.filter(|_| count == 0) {
        return Err(not_found("principal", id));
    }
    end(tx, one, values).await?;
    Ok(count)
}

/// Ends the sessions of principals of account `$1` at `$2`.
async fn end(tx: &mut Session, one: &str, values: Vec<Value>) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE sessions SET ended_at = $2 WHERE ended_at IS NULL AND principal_id IN
           (SELECT id FROM principals WHERE account_id = $1{one})"
    );
    tx.run(sql, values).await?;
    Ok(())
}

pub(crate) async fn reset(
    tx: &mut Session,
    id: &PrincipalId,
    key: &ApiKey,
    now: Timestamp,
    change: &Change,
) -> Result<(), StoreError> {
    if &key.principal != id {
        return Err(StoreError::PermitMismatch);
    }
    for sql in [
        "DELETE FROM sessions WHERE principal_id = $1",
        "DELETE FROM identity_history
           WHERE subject_id IN (SELECT id FROM api_keys WHERE principal_id = $1)",
        "DELETE FROM api_keys WHERE principal_id = $1",
    ] {
        tx.run(sql, binds![id]).await?;
    }
    let rows =
        tx.run("UPDATE principals SET signed_out_at = $2 WHERE id = $1", binds![id, now]).await?;
    if rows != 1 {
        return Err(not_found("principal", id));
    }
    api_key::insert(tx, key).await?;
    outbox::write(tx, change).await
}
