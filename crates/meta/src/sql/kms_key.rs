//! Keys of Key Protect and their aliases.

use std::collections::HashMap;

use base::{AccountId, KmsKeyId, ServiceInstanceId, Timestamp};
use model::{
    DeletionSet, KmsKey, KmsKeyState, KmsPolicy, KmsRefusal, Limit, PURGE_AT_AGE, Refusal,
};
use policy::{Action, Permit};

use super::{
    head::{limit_check, not_found, written},
    kms_instance::{self, ring_check},
    list::Conditions,
    outbox, permit,
    session::Session,
    value::{Binds, Row, binds},
};
use crate::{Change, KmsKeyFilter, Slice, StoreError};

const KIND: &str = "key";

const SELECT: &str = "SELECT k.id, k.account_id, k.instance_id, s.group_id, k.ring, k.name, \
     k.description, k.extractable, k.imported, k.state, k.state_since, k.version, k.created_at, \
     k.created_by, k.updated_at, k.rotated_at, k.expires_at, k.deleted_at, k.deleted_by, \
     k.dual_auth, k.dual_auth_by, k.dual_auth_at, k.deletion_set_by, k.deletion_set_until, \
     k.rotation, k.rotation_months, k.rotation_by, k.rotation_at, k.revision
     FROM kms_keys k JOIN service_instances s ON s.id = k.instance_id";

/// What may be done to a key by saving it.
const SAVING: [Action; 9] = [
    Action::KmsKeyUpdate,
    Action::KmsKeyDelete,
    Action::KmsKeyRestore,
    Action::KmsKeyRotate,
    Action::KmsKeyDisable,
    Action::KmsKeyEnable,
    Action::KmsKeySetForDeletion,
    Action::KmsKeyUnsetForDeletion,
    Action::KmsPolicyWrite,
];

fn policy_of<T>(
    value: Option<T>,
    by: Option<String>,
    at: Option<Timestamp>,
) -> Option<KmsPolicy<T>> {
    Some(KmsPolicy { value: value?, by: by?, at: at? })
}

fn key(row: Row) -> Result<KmsKey, StoreError> {
    let mut row = row.of("kms_keys");
    let mut key = KmsKey {
        id: row.id()?,
        account: row.id()?,
        instance: row.id()?,
        group: row.id()?,
        ring: row.text()?,
        name: row.text()?,
        description: row.text()?,
        extractable: row.bool()?,
        imported: row.bool()?,
        state: {
            let number = row.count()?;
            KmsKeyState::of(number).ok_or_else(|| row.damaged("a state is not known"))?
        },
        state_since: row.time()?,
        version: row.count()?,
        created_at: row.time()?,
        created_by: row.text()?,
        updated_at: row.time()?,
        rotated_at: row.opt_time()?,
        expires_at: row.opt_time()?,
        deleted: row.opt_time()?.zip(row.opt_text()?),
        dual_auth: None,
        deletion_set: None,
        rotation: None,
        aliases: Vec::new(),
        revision: 0,
    };
    let dual = row.opt_int()?.map(|n| n != 0);
    key.dual_auth = policy_of(dual, row.opt_text()?, row.opt_time()?);
    let set = row.opt_text()?.zip(row.opt_time()?);
    key.deletion_set = set.map(|(by, until)| DeletionSet { by, until });
    let (on, months) = (row.opt_int()?.map(|n| n != 0), row.opt_int()?);
    let months = months.and_then(|n| u32::try_from(n).ok());
    key.rotation = policy_of(on.zip(months), row.opt_text()?, row.opt_time()?);
    key.revision = row.count()?;
    Ok(key)
}

/// When a key rotates or purges itself.
fn due(key: &KmsKey) -> Option<Timestamp> {
    match &key.deleted {
        Some((at, _)) => Some(at.plus(PURGE_AT_AGE)),
        None => key.rotates_at(),
    }
}

/// What changes of a key, in the order of the columns from `ring` on.
fn changing(key: &KmsKey) -> Binds {
    let (deleted_at, deleted_by) = key.deleted.clone().unzip();
    let set = key.deletion_set.as_ref();
    let (dual, rotation) = (key.dual_auth.as_ref(), key.rotation.as_ref());
    binds![
        &key.ring,
        key.state.number(),
        key.state_since,
        key.version,
        key.updated_at,
        key.rotated_at,
        deleted_at,
        deleted_by,
        dual.map(|p| p.value),
        dual.map(|p| p.by.clone()),
        dual.map(|p| p.at),
        set.map(|s| s.by.clone()),
        set.map(|s| s.until),
        rotation.map(|p| p.value.0),
        rotation.map(|p| p.value.1),
        rotation.map(|p| p.by.clone()),
        rotation.map(|p| p.at),
        due(key),
        key.revision,
    ]
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    key: &KmsKey,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_new(permit, Action::KmsKeyCreate, &key.account, &key.group)?;
    kms_instance::get(tx, &key.account, &key.instance).await?;
    ring_check(tx, &key.instance, &key.ring).await?;
    let mut own = Conditions::default();
    own.and("instance_id = ?", binds![&key.instance]);
    limit_check(own.count(tx, "kms_keys").await? + 1, Limit::KMS_KEYS_MAX)?;
    let mut values = changing(key);
    values.extend(binds![
        &key.id,
        &key.account,
        &key.instance,
        &key.name,
        &key.description,
        key.extractable,
        key.imported,
        key.created_at,
        &key.created_by,
        key.expires_at,
    ]);
    tx.run(
        "INSERT INTO kms_keys (ring, state, state_since, version, updated_at, rotated_at,
           deleted_at, deleted_by, dual_auth, dual_auth_by, dual_auth_at, deletion_set_by,
           deletion_set_until, rotation, rotation_months, rotation_by, rotation_at, due_at,
           revision, id, account_id, instance_id, name, description, extractable, imported,
           created_at, created_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
           $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)",
        values,
    )
    .await?;
    limit_check(key.aliases.len() as u64, Limit::KEY_ALIASES_MAX)?;
    for alias in &key.aliases {
        alias_insert(tx, key, alias, key.created_at).await?;
    }
    outbox::write(tx, change).await
}

async fn aliases(session: &mut Session, mut keys: Vec<KmsKey>) -> Result<Vec<KmsKey>, StoreError> {
    // Few keys have any: one statement for each key of a page would be most of the page's cost.
    for part in keys.chunks_mut(500) {
        let mut conditions = Conditions::default();
        let ids = part.iter().map(|key| (&key.id).into()).collect();
        conditions.and_in("key_id", ids);
        let select = "SELECT key_id, alias FROM kms_aliases";
        let mut into: HashMap<KmsKeyId, &mut Vec<String>> =
            part.iter_mut().map(|key| (key.id.clone(), &mut key.aliases)).collect();
        for row in conditions.all(session, select, "key_id, created_at, alias").await? {
            let mut row = row.of("kms_aliases");
            let (of, alias): (KmsKeyId, _) = (row.id()?, row.text()?);
            if let Some(aliases) = into.get_mut(&of) {
                aliases.push(alias);
            }
        }
    }
    Ok(keys)
}

async fn one(session: &mut Session, row: Option<Row>, id: &str) -> Result<KmsKey, StoreError> {
    let found = key(row.ok_or_else(|| not_found(KIND, id))?)?;
    let mut found = aliases(session, vec![found]).await?;
    found.pop().ok_or_else(|| not_found(KIND, id))
}

pub(crate) async fn get(
    session: &mut Session,
    account: &AccountId,
    instance: &ServiceInstanceId,
    name: &str,
) -> Result<KmsKey, StoreError> {
    let sql = format!("{SELECT} WHERE k.id = $1 AND k.instance_id = $2 AND k.account_id = $3");
    let mut row = session.one(sql, binds![name, instance, account]).await?;
    if row.is_none() {
        let sql = format!(
            "{SELECT} JOIN kms_aliases a ON a.key_id = k.id
             WHERE a.alias = $1 AND a.instance_id = $2 AND k.account_id = $3"
        );
        row = session.one(sql, binds![name, instance, account]).await?;
    }
    if row.is_none() {
        // Without its instance, that is what is missing.
        kms_instance::get(session, account, instance).await?;
    }
    one(session, row, name).await
}

pub(crate) async fn any(session: &mut Session, id: &KmsKeyId) -> Result<KmsKey, StoreError> {
    let row = session.one(format!("{SELECT} WHERE k.id = $1"), binds![id]).await?;
    one(session, row, id.as_str()).await
}

fn fitting(instance: &ServiceInstanceId, filter: &KmsKeyFilter) -> Conditions {
    let mut conditions = Conditions::default();
    let states: Vec<u32> = filter.states.iter().map(|state| state.number()).collect();
    let marks = vec!["?"; states.len()].join(", ");
    let mut values = binds![filter.now];
    values.extend(states.iter().map(|state| (*state).into()));
    conditions
        .and("k.instance_id = ?", binds![instance])
        .and(
            &format!(
                "CASE WHEN k.state = 1 AND k.expires_at <= ? THEN 3 ELSE k.state END IN ({marks})"
            ),
            values,
        )
        .and_eq("k.extractable", filter.extractable)
        .and_eq("k.ring", filter.ring.as_deref());
    conditions
}

pub(crate) async fn list(
    session: &mut Session,
    account: &AccountId,
    instance: &ServiceInstanceId,
    filter: &KmsKeyFilter,
    page: Slice,
) -> Result<Vec<KmsKey>, StoreError> {
    kms_instance::get(session, account, instance).await?;
    let order = format!("k.created_at, k.id LIMIT {} OFFSET {}", page.limit, page.offset);
    let rows = fitting(instance, filter).all(session, SELECT, &order).await?;
    let keys = rows.into_iter().map(key).collect::<Result<Vec<_>, _>>()?;
    aliases(session, keys).await
}

pub(crate) async fn count(
    session: &mut Session,
    account: &AccountId,
    instance: &ServiceInstanceId,
    filter: &KmsKeyFilter,
) -> Result<u64, StoreError> {
    kms_instance::get(session, account, instance).await?;
    fitting(instance, filter).count(session, "kms_keys k").await
}

pub(crate) async fn due_at(
    session: &mut Session,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<KmsKey>, StoreError> {
    let sql = format!("{SELECT} WHERE k.due_at <= $1 ORDER BY k.due_at LIMIT {limit}");
    session.all(sql, binds![now]).await?.into_iter().map(key).collect()
}

pub(crate) fn covers(permit: &Permit, key: &KmsKey) -> Result<(), StoreError> {
    if permit.account() != &key.account {
        return Err(StoreError::PermitMismatch);
    }
    permit::covers(permit, &SAVING, key.id.as_str())
}

pub(crate) async fn save(
    tx: &mut Session,
    key: &KmsKey,
    change: &Change,
) -> Result<(), StoreError> {
    ring_check(tx, &key.instance, &key.ring).await?;
    let mut values = changing(key);
    values.extend(binds![&key.id, &key.account]);
    let rows = tx
        .run(
            "UPDATE kms_keys SET ring = $1, state = $2, state_since = $3, version = $4,
               updated_at = $5, rotated_at = $6, deleted_at = $7, deleted_by = $8, dual_auth = $9,
               dual_auth_by = $10, dual_auth_at = $11, deletion_set_by = $12,
               deletion_set_until = $13, rotation = $14, rotation_months = $15, rotation_by = $16,
               rotation_at = $17, due_at = $18, revision = $19
             WHERE id = $20 AND account_id = $21 AND revision = $19 - 1",
            values,
        )
        .await?;
    written(rows, KIND, &key.id)?;
    outbox::write(tx, change).await
}

pub(crate) async fn purge(
    tx: &mut Session,
    id: &KmsKeyId,
    change: &Change,
) -> Result<(), StoreError> {
    tx.run("DELETE FROM kms_aliases WHERE key_id = $1", binds![id]).await?;
    let destroyed = KmsKeyState::Destroyed.number();
    let sql = "DELETE FROM kms_keys WHERE id = $1 AND state = $2";
    let rows = tx.run(sql, binds![id, destroyed]).await?;
    written(rows, KIND, id)?;
    outbox::write(tx, change).await
}

async fn alias_insert(
    tx: &mut Session,
    key: &KmsKey,
    alias: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM kms_aliases WHERE instance_id = $1 AND alias = $2";
    if tx.any(sql, binds![&key.instance, alias]).await? {
        return Err(Refusal::from(KmsRefusal::AliasTaken { alias: alias.to_owned() }).into());
    }
    tx.run(
        "INSERT INTO kms_aliases (instance_id, alias, key_id, created_at) VALUES ($1, $2, $3, $4)",
        binds![&key.instance, alias, &key.id, at],
    )
    .await?;
    Ok(())
}

pub(crate) async fn alias_create(
    tx: &mut Session,
    permit: &Permit,
    key: &KmsKey,
    alias: &str,
    at: Timestamp,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::KmsAliasCreate], key.id.as_str())?;
    get(tx, permit.account(), &key.instance, key.id.as_str()).await?;
    let mut own = Conditions::default();
    own.and("key_id = ?", binds![&key.id]);
    limit_check(own.count(tx, "kms_aliases").await? + 1, Limit::KEY_ALIASES_MAX)?;
    alias_insert(tx, key, alias, at).await?;
    outbox::write(tx, change).await
}

pub(crate) async fn alias_delete(
    tx: &mut Session,
    permit: &Permit,
    key: &KmsKey,
    alias: &str,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::KmsAliasDelete], key.id.as_str())?;
    get(tx, permit.account(), &key.instance, key.id.as_str()).await?;
    let sql = "DELETE FROM kms_aliases WHERE instance_id = $1 AND alias = $2 AND key_id = $3";
    let rows = tx.run(sql, binds![&key.instance, alias, &key.id]).await?;
    if rows == 0 {
        return Err(not_found("alias", alias));
    }
    outbox::write(tx, change).await
}
