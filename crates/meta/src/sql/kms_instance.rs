//! Instances of Key Protect, their rings and policies.

use base::{AccountId, ServiceInstanceId};
use model::{
    DEFAULT_RING, InstancePolicy, InstancePolicyKind, KmsKeyState, KmsRefusal, KmsRing, Limit,
    Refusal, ServiceInstance,
};
use policy::{Action, Permit};

use super::{
    head::{group_check, limit_check, not_found, written},
    list::Conditions,
    outbox, permit,
    session::Session,
    value::{Row, binds},
};
use crate::{Change, StoreError};

const KIND: &str = "resource instance";
const SELECT: &str = "SELECT id, account_id, group_id, name, created_by, created_at, updated_at, \
     revision FROM service_instances";

fn instance(row: Row) -> Result<ServiceInstance, StoreError> {
    let mut row = row.of("service_instances");
    Ok(ServiceInstance {
        id: row.id()?,
        account: row.id()?,
        group: row.id()?,
        name: row.text()?,
        created_by: row.text()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        revision: row.count()?,
    })
}

pub(crate) async fn create(
    tx: &mut Session,
    permit: &Permit,
    one: &ServiceInstance,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers_new(permit, Action::ResourceInstanceCreate, &one.account, &one.group)?;
    group_check(tx, &one.account, &one.group).await?;
    let mut own = Conditions::default();
    own.and("account_id = ?", binds![&one.account]);
    limit_check(own.count(tx, "service_instances").await? + 1, Limit::SERVICE_INSTANCES_MAX)?;
    tx.run(
        "INSERT INTO service_instances
           (id, account_id, group_id, name, created_by, created_at, updated_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        binds![
            &one.id,
            &one.account,
            &one.group,
            &one.name,
            &one.created_by,
            one.created_at,
            one.updated_at,
            one.revision,
        ],
    )
    .await?;
    outbox::write(tx, change).await
}

pub(crate) async fn all(
    session: &mut Session,
    account: &AccountId,
) -> Result<Vec<ServiceInstance>, StoreError> {
    let sql = format!("{SELECT} WHERE account_id = $1 ORDER BY created_at, id");
    session.all(sql, binds![account]).await?.into_iter().map(instance).collect()
}

pub(crate) async fn get(
    session: &mut Session,
    account: &AccountId,
    id: &ServiceInstanceId,
) -> Result<ServiceInstance, StoreError> {
    let sql = format!("{SELECT} WHERE id = $1 AND account_id = $2");
    let row = session.one(sql, binds![id, account]).await?;
    instance(row.ok_or_else(|| not_found(KIND, id))?)
}

pub(crate) async fn save(
    tx: &mut Session,
    permit: &Permit,
    one: &ServiceInstance,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::ResourceInstanceUpdate], one.id.as_str())?;
    let rows = tx
        .run(
            "UPDATE service_instances SET name = $4, updated_at = $5, revision = $3
             WHERE id = $1 AND account_id = $2 AND revision = $3 - 1",
            binds![&one.id, permit.account(), one.revision, &one.name, one.updated_at],
        )
        .await?;
    written(rows, KIND, &one.id)?;
    outbox::write(tx, change).await
}

pub(crate) async fn delete(
    tx: &mut Session,
    permit: &Permit,
    id: &ServiceInstanceId,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::ResourceInstanceDelete], id.as_str())?;
    get(tx, permit.account(), id).await?;
    let mut living = Conditions::default();
    living
        .and("instance_id = ?", binds![id])
        .and("state <> ?", binds![KmsKeyState::Destroyed.number()]);
    let count = living.count(tx, "kms_keys").await?;
    if count > 0 {
        return Err(Refusal::from(KmsRefusal::InstanceNotEmpty { count }).into());
    }
    for sql in [
        "DELETE FROM kms_aliases WHERE instance_id = $1",
        "DELETE FROM kms_keys WHERE instance_id = $1",
        "DELETE FROM kms_rings WHERE instance_id = $1",
        "DELETE FROM kms_instance_policies WHERE instance_id = $1",
        "DELETE FROM service_instances WHERE id = $1",
    ] {
        tx.run(sql, binds![id]).await?;
    }
    outbox::write(tx, change).await
}

fn ring(row: Row) -> Result<KmsRing, StoreError> {
    let mut row = row.of("kms_rings");
    Ok(KmsRing { id: row.text()?, created_by: row.text()?, created_at: row.time()? })
}

pub(crate) async fn rings(
    session: &mut Session,
    account: &AccountId,
    instance: &ServiceInstanceId,
) -> Result<Vec<KmsRing>, StoreError> {
    get(session, account, instance).await?;
    let sql = "SELECT id, created_by, created_at FROM kms_rings WHERE instance_id = $1 ORDER BY id";
    session.all(sql, binds![instance]).await?.into_iter().map(ring).collect()
}

/// Whether a ring is there; the default one always is.
pub(crate) async fn ring_check(
    tx: &mut Session,
    instance: &ServiceInstanceId,
    ring: &str,
) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM kms_rings WHERE instance_id = $1 AND id = $2";
    if ring == DEFAULT_RING || tx.any(sql, binds![instance, ring]).await? {
        return Ok(());
    }
    Err(not_found("key ring", ring))
}

pub(crate) async fn ring_create(
    tx: &mut Session,
    permit: &Permit,
    instance: &ServiceInstanceId,
    ring: &KmsRing,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::KmsRingCreate], instance.as_str())?;
    let have = rings(tx, permit.account(), instance).await?;
    if ring.id == DEFAULT_RING || have.iter().any(|one| one.id == ring.id) {
        return Err(Refusal::from(KmsRefusal::RingTaken { ring: ring.id.clone() }).into());
    }
    // The default ring counts, too.
    limit_check(have.len() as u64 + 2, Limit::KEY_RINGS_MAX)?;
    tx.run(
        "INSERT INTO kms_rings (instance_id, id, created_by, created_at) VALUES ($1, $2, $3, $4)",
        binds![instance, &ring.id, &ring.created_by, ring.created_at],
    )
    .await?;
    outbox::write(tx, change).await
}

pub(crate) async fn ring_delete(
    tx: &mut Session,
    permit: &Permit,
    instance: &ServiceInstanceId,
    ring: &str,
    force: bool,
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::KmsRingDelete], instance.as_str())?;
    get(tx, permit.account(), instance).await?;
    ring_check(tx, instance, ring).await?;
    let mut keys = Conditions::default();
    keys.and("instance_id = ?", binds![instance]).and("ring = ?", binds![ring]);
    if force {
        keys.and("state <> ?", binds![KmsKeyState::Destroyed.number()]);
    }
    let count = keys.count(tx, "kms_keys").await?;
    if count > 0 || ring == DEFAULT_RING {
        let ring = ring.to_owned();
        return Err(Refusal::from(KmsRefusal::RingNotEmpty { ring, count }).into());
    }
    tx.run(
        "UPDATE kms_keys SET ring = $3, revision = revision + 1
         WHERE instance_id = $1 AND ring = $2",
        binds![instance, ring, DEFAULT_RING],
    )
    .await?;
    tx.run("DELETE FROM kms_rings WHERE instance_id = $1 AND id = $2", binds![instance, ring])
        .await?;
    outbox::write(tx, change).await
}

fn policy(row: Row) -> Result<InstancePolicy, StoreError> {
    let mut row = row.of("kms_instance_policies");
    Ok(InstancePolicy {
        kind: row.word(InstancePolicyKind::parse)?,
        enabled: row.bool()?,
        detail: row.count()?,
        created_by: row.text()?,
        created_at: row.time()?,
        updated_by: row.text()?,
        updated_at: row.time()?,
    })
}

pub(crate) async fn policies(
    session: &mut Session,
    account: &AccountId,
    instance: &ServiceInstanceId,
) -> Result<Vec<InstancePolicy>, StoreError> {
    get(session, account, instance).await?;
    let sql = "SELECT kind, enabled, detail, created_by, created_at, updated_by, updated_at
         FROM kms_instance_policies WHERE instance_id = $1 ORDER BY kind";
    session.all(sql, binds![instance]).await?.into_iter().map(policy).collect()
}

pub(crate) async fn policies_save(
    tx: &mut Session,
    permit: &Permit,
    instance: &ServiceInstanceId,
    policies: &[InstancePolicy],
    change: &Change,
) -> Result<(), StoreError> {
    permit::covers(permit, &[Action::KmsInstancePolicyWrite], instance.as_str())?;
    get(tx, permit.account(), instance).await?;
    for one in policies {
        tx.run(
            "INSERT INTO kms_instance_policies (instance_id, kind, enabled, detail, created_by,
               created_at, updated_by, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (instance_id, kind) DO UPDATE SET enabled = excluded.enabled,
               detail = excluded.detail, updated_by = excluded.updated_by,
               updated_at = excluded.updated_at",
            binds![
                instance,
                one.kind.as_str(),
                one.enabled,
                one.detail,
                &one.created_by,
                one.created_at,
                &one.updated_by,
                one.updated_at,
            ],
        )
        .await?;
    }
    outbox::write(tx, change).await
}
