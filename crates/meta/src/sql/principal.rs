//! Users, service IDs and trusted profiles.

use base::{AccountId, PrincipalId};
use model::{HistoryRecord, Limit, Principal, PrincipalKind, Refusal};
use policy::{Action, Permit, Scope};

use super::{
    access_group, api_key,
    head::{changed, limit_check, not_found},
    list::{Conditions, limit, paged},
    outbox, permit,
    session::Session,
    value::{Row, binds},
};
use crate::{Change, Page, PageKey, Paged, PrincipalFilter, StoreError};

/// Most records of one history; older ones go.
const HISTORY_MAX: i64 = 100;

pub(crate) const COLUMNS: &str = "p.id, p.account_id, p.kind, p.name, p.email, p.description, \
     p.locked, p.created_at, p.modified_at, p.revision, p.instance_crns, p.signed_out_at, \
     p.last_used_at, p.uses";

pub(crate) fn principal(row: &mut Row) -> Result<Principal, StoreError> {
    Ok(Principal {
        id: row.id()?,
        account: row.id()?,
        kind: row.word(PrincipalKind::parse)?,
        name: row.text()?,
        email: row.text()?,
        description: row.text()?,
        locked: row.bool()?,
        created_at: row.time()?,
        modified_at: row.time()?,
        revision: row.count()?,
        instance_crns: row.text()?.split_whitespace().map(str::to_owned).collect(),
        signed_out_at: row.opt_time()?,
        last_used_at: row.opt_time()?,
        uses: row.count()?,
    })
}

/// What must be allowed to make, change and delete a principal of this kind.
fn actions(kind: PrincipalKind) -> [Action; 3] {
    match kind {
        PrincipalKind::User => [Action::UserCreate, Action::UserUpdate, Action::UserDelete],
        PrincipalKind::ServiceId => {
            [Action::ServiceIdCreate, Action::ServiceIdUpdate, Action::ServiceIdDelete]
        }
        PrincipalKind::Profile => {
            [Action::ProfileCreate, Action::ProfileUpdate, Action::ProfileDelete]
        }
    }
}

pub(crate) const fn kind_name(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "user",
        PrincipalKind::ServiceId => "service ID",
        PrincipalKind::Profile => "trusted profile",
    }
}

const fn limit_of(kind: PrincipalKind) -> Limit {
    match kind {
        PrincipalKind::User => Limit::USERS_MAX,
        PrincipalKind::ServiceId => Limit::SERVICE_IDS_MAX,
        PrincipalKind::Profile => Limit::PROFILES_MAX,
    }
}

pub(crate) async fn insert(tx: &mut Session, p: &Principal) -> Result<(), StoreError> {
    tx.run(
        "INSERT INTO principals (id, account_id, kind, name, email, description, locked,
           created_at, modified_at, revision, instance_crns, uses)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)",
        binds![
            &p.id,
            &p.account,
            p.kind.as_str(),
            &p.name,
            &p.email,
            &p.description,
            p.locked,
            p.created_at,
            p.modified_at,
            p.revision,
            p.instance_crns.join(" "),
        ],
    )
    .await?;
    Ok(())
}

/// Refuses what must be there once and is there already.
async fn unique_check(tx: &mut Session, p: &Principal) -> Result<(), StoreError> {
    let (column, value) = match p.kind {
        PrincipalKind::ServiceId => return Ok(()),
        PrincipalKind::Profile => ("name", &p.name),
        PrincipalKind::User => ("email", &p.email),
    };
    let sql = format!(
        "SELECT 1 FROM principals WHERE account_id = $1 AND kind = $2 AND {column} = $3 AND id <> $4"
    );
    if tx.any(sql, binds![&p.account, p.kind.as_str(), value, &p.id]).await? {
        let name = value.clone();
        return Err(Refusal::NameTaken { kind: kind_name(p.kind), name }.into());
    }
    Ok(())
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    p: &Principal,
    key: Option<&model::ApiKey>,
    change: &Change,
) -> Result<(), StoreError> {
    let [create, ..] = actions(p.kind);
    permit::covers_of(permit, create, &p.account)?;
    unique_check(tx, p).await?;
    let mut own = Conditions::default();
    own.and("account_id = ?", binds![&p.account]).and("kind = ?", binds![p.kind.as_str()]);
    limit_check(own.count(tx, "principals").await? + 1, limit_of(p.kind))?;
    insert(tx, p).await?;
    if let Some(key) = key {
        if key.principal != p.id || key.account != p.account {
            return Err(StoreError::PermitMismatch);
        }
        api_key::insert(tx, key).await?;
    }
    outbox::write(tx, change).await
}

pub(crate) async fn get(
    session: &mut Session,
    account: &AccountId,
    id: &PrincipalId,
) -> Result<Principal, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM principals p WHERE p.id = $1 AND p.account_id = $2");
    let kind = kind_name(PrincipalKind::of(id));
    let row = session.one(sql, binds![id, account]).await?;
    principal(&mut row.ok_or_else(|| not_found(kind, id))?.of("principals"))
}

pub(crate) async fn list(
    session: &mut Session,
    scope: &Scope,
    filter: &PrincipalFilter,
    page: &Page,
) -> Result<Paged<Principal>, StoreError> {
    let mut conditions = Conditions::default();
    conditions
        .and("p.account_id = ?", binds![scope.account()])
        .and("p.kind = ?", binds![filter.kind.as_str()])
        .and_eq("p.name", filter.name.as_deref())
        .and_eq("p.email", filter.email.as_deref());
    let total = conditions.count(session, "principals p").await?;
    if let Some(after) = &page.after {
        conditions
            .and("(p.created_at, p.id) > (?, ?)", binds![after.created_at, after.id.as_str()]);
    }
    let select = format!("SELECT {COLUMNS} FROM principals p");
    let order = format!("p.created_at, p.id LIMIT {}", limit(page) + 1);
    let rows = conditions.all(session, &select, &order).await?;
    let items = rows.into_iter().map(|row| principal(&mut row.of("principals")));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    Ok(paged(items, page, total, |p| PageKey {
        created_at: p.created_at.micros(),
        id: p.id.to_string(),
    }))
}

pub(crate) async fn save(
    tx: &mut Session,
    permit: &Permit,
    p: &Principal,
    record: &HistoryRecord,
    change: &Change,
) -> Result<(), StoreError> {
    let [_, update, _] = actions(p.kind);
    permit::covers_of(permit, update, &p.account)?;
    unique_check(tx, p).await?;
    let rows = tx
        .run(
            "UPDATE principals SET name = $4, email = $5, description = $6, locked = $7,
               modified_at = $8, instance_crns = $9, revision = $3
             WHERE id = $1 AND account_id = $2 AND revision = $3 - 1",
            binds![
                &p.id,
                &p.account,
                p.revision,
                &p.name,
                &p.email,
                &p.description,
                p.locked,
                p.modified_at,
                p.instance_crns.join(" "),
            ],
        )
        .await?;
    if rows != 1 {
        return Err(changed(kind_name(p.kind), &p.id));
    }
    history_add(tx, p.id.as_str(), record).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &PrincipalId,
    change: &Change,
) -> Result<(), StoreError> {
    let p = get(tx, permit.account(), id).await?;
    let [_, _, delete] = actions(p.kind);
    permit::covers_of(permit, delete, &p.account)?;
    if p.locked {
        return Err(Refusal::IdentityLocked { kind: kind_name(p.kind) }.into());
    }
    if tx.any("SELECT 1 FROM accounts WHERE owner_id = $1", binds![id]).await? {
        return Err(Refusal::AccountOwner.into());
    }
    let locked = "SELECT 1 FROM api_keys WHERE principal_id = $1 AND locked = 1 LIMIT 1";
    if tx.any(locked, binds![id]).await? {
        return Err(Refusal::IdentityLocked { kind: "API key of it" }.into());
    }
    for sql in [
        "DELETE FROM sessions WHERE principal_id = $1",
        "DELETE FROM identity_history WHERE subject_id = $1
           OR subject_id IN (SELECT id FROM api_keys WHERE principal_id = $1)",
        "DELETE FROM api_keys WHERE principal_id = $1",
        "DELETE FROM profile_parts WHERE profile_id = $1",
        "DELETE FROM principals WHERE id = $1",
    ] {
        tx.run(sql, binds![id]).await?;
    }
    access_group::principal_forget(tx, &p.account, id).await?;
    outbox::write(tx, change).await
}

/// Adds a record to the history of `subject`.
pub(crate) async fn history_add(
    tx: &mut Session,
    subject: &str,
    record: &HistoryRecord,
) -> Result<(), StoreError> {
    let last = tx
        .number(
            "SELECT COALESCE(MAX(number), 0) FROM identity_history WHERE subject_id = $1",
            binds![subject],
        )
        .await?;
    tx.run(
        "INSERT INTO identity_history (subject_id, number, at, by_id, by_account, action)
         VALUES ($1, $2, $3, $4, $5, $6)",
        binds![
            subject,
            last + 1,
            record.at,
            &record.by,
            &record.by_account,
            record.action.as_str()
        ],
    )
    .await?;
    tx.run(
        "DELETE FROM identity_history WHERE subject_id = $1 AND number <= $2",
        binds![subject, last + 1 - HISTORY_MAX],
    )
    .await?;
    Ok(())
}

/// The history of `subject`, which is an API key or a principal of the account.
pub(crate) async fn history(
    session: &mut Session,
    scope: &Scope,
    subject: &str,
) -> Result<Vec<HistoryRecord>, StoreError> {
    let rows = session
        .all(
            "SELECT h.at, h.by_id, h.by_account, h.action FROM identity_history h
             WHERE h.subject_id = $1 AND (
               EXISTS (SELECT 1 FROM api_keys k WHERE k.id = $1 AND k.account_id = $2)
               OR EXISTS (SELECT 1 FROM principals p WHERE p.id = $1 AND p.account_id = $2))
             ORDER BY h.number",
            binds![subject, scope.account()],
        )
        .await?;
    let record = |row: Row| {
        let mut row = row.of("identity_history");
        Ok(HistoryRecord {
            at: row.time()?,
            by: row.id()?,
            by_account: row.id()?,
            action: row.text()?,
        })
    };
    rows.into_iter().map(record).collect()
}
