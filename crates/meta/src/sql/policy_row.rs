//! Rows of policies and of an account's own roles.

use base::{AccountId, PolicyId, PrincipalId, RoleId};
use model::{AccessPolicy, CustomRole, Limit, PolicyKind, PolicyState, PolicyTerms, Refusal};
use policy::{Action, Permit};

use super::{
    counter::{self, Counter},
    head::{limit_check, not_found, written},
    list::Conditions,
    outbox, permit,
    session::Session,
    value::{Row, Value, binds},
};
use crate::{AccessRows, Change, PolicyFilter, StoreError};

const SELECT: &str = "SELECT p.id, p.account_id, p.kind, p.state, p.terms, p.created_at,
   p.created_by, p.modified_at, p.modified_by, p.revision FROM policies p";

const ROLE: &str = "SELECT r.id, r.account_id, r.name, r.service, r.display_name, r.description,
   r.actions, r.created_at, r.created_by, r.modified_at, r.modified_by, r.revision
 FROM custom_roles r";

/// Raises the account's generation: decisions are made anew.
pub(crate) async fn raise(tx: &mut Session, account: &AccountId) -> Result<(), StoreError> {
    counter::add(tx, account, Counter::Access, 1).await.map(drop)
}

fn policy(row: Row) -> Result<AccessPolicy, StoreError> {
    let mut row = row.of("policies");
    let (id, account) = (row.id()?, row.id()?);
    let (kind, state) = (row.word(PolicyKind::parse)?, row.word(PolicyState::parse)?);
    let terms = row.text()?;
    let terms: PolicyTerms =
        serde_json::from_str(&terms).map_err(|error| row.damaged(error.to_string()))?;
    Ok(AccessPolicy {
        id,
        account,
        kind,
        terms,
        state,
        created_at: row.time()?,
        created_by: row.id()?,
        modified_at: row.time()?,
        modified_by: row.id()?,
        revision: row.count()?,
    })
}

fn role(row: Row) -> Result<CustomRole, StoreError> {
    let mut row = row.of("custom_roles");
    Ok(CustomRole {
        id: row.id()?,
        account: row.id()?,
        name: row.text()?,
        service: row.text()?,
        display_name: row.text()?,
        description: row.text()?,
        actions: row.words(|word| Some(word.to_owned()))?,
        created_at: row.time()?,
        created_by: row.id()?,
        modified_at: row.time()?,
        modified_by: row.id()?,
        revision: row.count()?,
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    let why = |error: serde_json::Error| StoreError::Damaged {
        table: "policies",
        why: error.to_string(),
    };
    serde_json::to_string(value).map_err(why)
}

/// The columns that find a policy by its subject.
fn subject(policy: &AccessPolicy) -> (String, String) {
    let found = match policy.kind {
        PolicyKind::Access => policy.terms.subject_id(),
        PolicyKind::Authorization => {
            Some(("serviceName", policy.terms.subject_text("serviceName").unwrap_or_default()))
        }
    };
    let (key, id) = found.unwrap_or_default();
    (key.to_owned(), id.to_owned())
}

/// What decides for a principal: its own policies and those of its groups.
pub(crate) async fn rows_of(
    session: &mut Session,
    account: &AccountId,
    principal: &PrincipalId,
) -> Result<AccessRows, StoreError> {
    let generation = counter::get(session, account, Counter::Access).await?;
    let rows = session
        .all(
            format!(
                "{SELECT} WHERE p.account_id = $1 AND p.kind = 'access' AND p.state = 'active'
                   AND ((p.subject_key = 'iam_id' AND p.subject_id = $2)
                     OR (p.subject_key = 'access_group_id' AND p.subject_id IN
                       (SELECT m.access_group_id FROM access_group_members m
                        WHERE m.account_id = $1 AND m.iam_id = $2)))
                 ORDER BY p.id"
            ),
            binds![account, principal],
        )
        .await?;
    let policies = rows.into_iter().map(policy).collect::<Result<_, _>>()?;
    Ok(AccessRows { generation, policies, roles: roles_of(session, account).await? })
}

pub(crate) async fn authorizations(
    session: &mut Session,
    account: &AccountId,
) -> Result<Vec<AccessPolicy>, StoreError> {
    let rows = session
        .all(
            format!(
                "{SELECT} WHERE p.account_id = $1 AND p.subject_key = 'serviceName'
                   AND p.kind = 'authorization' AND p.state = 'active' ORDER BY p.id"
            ),
            binds![account],
        )
        .await?;
    rows.into_iter().map(policy).collect()
}

pub(crate) async fn list(
    session: &mut Session,
    permit: &Permit,
    filter: &PolicyFilter,
) -> Result<Vec<AccessPolicy>, StoreError> {
    permit::covers_account(permit, &[Action::PolicyRead])?;
    let mut conditions = Conditions::default();
    let state = filter.state.unwrap_or(PolicyState::Active);
    conditions
        .and("p.account_id = ?", binds![permit.account()])
        .and("p.state = ?", binds![state.as_str()])
        .and_eq("p.kind", filter.kind.map(PolicyKind::as_str));
    for (key, id) in [("iam_id", &filter.iam_id), ("access_group_id", &filter.access_group)] {
        if let Some(id) = id {
            conditions.and("p.subject_key = ? AND p.subject_id = ?", binds![key, id]);
        }
    }
    let rows = conditions.all(session, SELECT, "p.created_at, p.id").await?;
    rows.into_iter().map(policy).collect()
}

pub(crate) async fn any(
    session: &mut Session,
    account: &AccountId,
    id: &PolicyId,
) -> Result<AccessPolicy, StoreError> {
    let row = session
        .one(format!("{SELECT} WHERE p.id = $1 AND p.account_id = $2"), binds![id, account])
        .await?;
    policy(row.ok_or_else(|| not_found("policy", id))?)
}

/// The group of a policy's subject is there, and no other policy says the same.
async fn check(tx: &mut Session, policy: &AccessPolicy) -> Result<(), StoreError> {
    let (key, id) = subject(policy);
    if key == "access_group_id" {
        let there = tx
            .any(
                "SELECT 1 FROM access_groups WHERE id = $1 AND account_id = $2",
                binds![&id, &policy.account],
            )
            .await?;
        if !there {
            return Err(not_found("access_group", id));
        }
    }
    let mut same = policy.terms.clone();
    same.description.clear();
    let rows = tx
        .all(
            format!(
                "{SELECT} WHERE p.account_id = $1 AND p.subject_key = $2 AND p.subject_id = $3
                   AND p.state = 'active' AND p.id <> $4 ORDER BY p.id"
            ),
            binds![&policy.account, key, id, &policy.id],
        )
        .await?;
    for row in rows {
        let mut other = self::policy(row)?;
        other.terms.description.clear();
        if other.kind == policy.kind && other.terms == same {
            return Err(Refusal::PolicyExists { policy: other.id }.into());
        }
    }
    Ok(())
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    policy: &AccessPolicy,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_of(permit, Action::PolicyCreate, &policy.account)?;
    check(tx, policy).await?;
    let mut own = Conditions::default();
    own.and("account_id = ? AND state = 'active'", binds![&policy.account]);
    limit_check(own.count(tx, "policies").await? + 1, Limit::POLICIES_MAX)?;
    let (key, id) = subject(policy);
    tx.run(
        "INSERT INTO policies (id, account_id, kind, subject_key, subject_id, state, terms,
           created_at, created_by, modified_at, modified_by, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        binds![
            &policy.id,
            &policy.account,
            policy.kind.as_str(),
            key,
            id,
            policy.state.as_str(),
            json(&policy.terms)?,
            policy.created_at,
            &policy.created_by,
            policy.modified_at,
            &policy.modified_by,
            policy.revision,
        ],
    )
    .await?;
    raise(tx, &policy.account).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn write(
    tx: &mut Session,
    permit: &Permit,
    policy: &AccessPolicy,
    change: &Change,
) -> Result<(), StoreError> {
    let action = match policy.state {
        PolicyState::Active => Action::PolicyUpdate,
        PolicyState::Deleted => Action::PolicyDelete,
    };
    permit::covers_account(permit, &[action])?;
    any(tx, permit.account(), &policy.id).await?;
    if policy.state == PolicyState::Active {
        check(tx, policy).await?;
    }
    let (key, id) = subject(policy);
    let rows = tx
        .run(
            "UPDATE policies SET kind = $4, subject_key = $5, subject_id = $6, state = $7,
               terms = $8, modified_at = $9, modified_by = $10, revision = revision + 1
             WHERE id = $1 AND account_id = $2 AND revision = $3",
            binds![
                &policy.id,
                permit.account(),
                policy.revision.saturating_sub(1),
                policy.kind.as_str(),
                key,
                id,
                policy.state.as_str(),
                json(&policy.terms)?,
                policy.modified_at,
                &policy.modified_by,
            ],
        )
        .await?;
    written(rows, "policy", &policy.id)?;
    raise(tx, permit.account()).await?;
    outbox::write(tx, change).await
}

/// Policies of a subject that goes.
pub(crate) async fn forget(
    tx: &mut Session,
    account: &AccountId,
    key: &str,
    id: &str,
) -> Result<(), StoreError> {
    tx.run(
        "DELETE FROM policies WHERE account_id = $1 AND subject_key = $2 AND subject_id = $3",
        binds![account, key, id],
    )
    .await?;
    raise(tx, account).await
}

pub(crate) async fn roles_of(
    session: &mut Session,
    account: &AccountId,
) -> Result<Vec<CustomRole>, StoreError> {
    let rows = session
        .all(format!("{ROLE} WHERE r.account_id = $1 ORDER BY r.name"), binds![account])
        .await?;
    rows.into_iter().map(role).collect()
}

fn role_values(role: &CustomRole) -> Result<Vec<Value>, StoreError> {
    if role.actions.iter().any(|action| action.contains(',')) {
        return Err(StoreError::Damaged { table: "custom_roles", why: "an action".to_owned() });
    }
    Ok(binds![
        &role.display_name,
        &role.description,
        role.actions.join(","),
        role.modified_at,
        &role.modified_by,
    ])
}

pub(crate) async fn role_create(
    tx: &mut Session,
    permit: &Permit,
    role: &CustomRole,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_of(permit, Action::RoleCreate, &role.account)?;
    let have = roles_of(tx, &role.account).await?;
    if have.iter().any(|other| other.name == role.name) {
        let name = role.name.clone();
        return Err(Refusal::NameTaken { kind: "custom role", name }.into());
    }
    limit_check(have.len() as u64 + 1, Limit::CUSTOM_ROLES_MAX)?;
    let mut values = binds![
        &role.id,
        &role.account,
        &role.name,
        &role.service,
        role.created_at,
        &role.created_by,
        role.revision,
    ];
    values.extend(role_values(role)?);
    tx.run(
        "INSERT INTO custom_roles (id, account_id, name, service, created_at, created_by, revision,
           display_name, description, actions, modified_at, modified_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        values,
    )
    .await?;
    raise(tx, &role.account).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn role_write(
    tx: &mut Session,
    permit: &Permit,
    role: &CustomRole,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_account(permit, &[Action::RoleUpdate])?;
    let mut values = binds![&role.id, permit.account(), role.revision.saturating_sub(1)];
    values.extend(role_values(role)?);
    let rows = tx
        .run(
            "UPDATE custom_roles SET display_name = $4, description = $5, actions = $6,
               modified_at = $7, modified_by = $8, revision = revision + 1
             WHERE id = $1 AND account_id = $2 AND revision = $3",
            values,
        )
        .await?;
    written(rows, "role", &role.id)?;
    raise(tx, permit.account()).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn role_delete(
    tx: &mut Session,
    permit: &Permit,
    id: &RoleId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_account(permit, &[Action::RoleDelete])?;
    let account = permit.account();
    let roles = roles_of(tx, account).await?;
    let role = roles.into_iter().find(|role| &role.id == id);
    let role = role.ok_or_else(|| not_found("role", id))?;
    let rows = tx
        .all(
            format!("{SELECT} WHERE p.account_id = $1 AND p.state = 'active' ORDER BY p.id"),
            binds![account],
        )
        .await?;
    let crn = role.crn();
    for row in rows {
        let policy = policy(row)?;
        if policy.terms.roles.contains(&crn) {
            return Err(Refusal::RoleInUse { name: role.name, policy: policy.id }.into());
        }
    }
    tx.run("DELETE FROM custom_roles WHERE id = $1", binds![id]).await?;
    raise(tx, account).await?;
    outbox::write(tx, change).await
}
