//! Key Protect: instances, keys, aliases, rings, policies, and what keys protect.

use std::time::Duration;

use base::{Clock as _, KmsKeyId, ServiceInstanceId};
use meta::{Change, KmsKeyFilter, Slice, StoreError};
use model::{
    DeletionSet, InstancePolicy, InstancePolicyKind, KmsKey, KmsKeyState, KmsPolicy, KmsRefusal,
    KmsRing, Limit, PURGE_AT_AGE, Refusal, ServiceInstance, VolumeEncryption, key_protect_crn,
};
use policy::Action;

use super::{
    FreshStore,
    world::{World, system},
};
use crate::{not_found, refused};

const PAGE: Slice = Slice { limit: 100, offset: 0 };

async fn instance(w: &World) -> ServiceInstance {
    let now = w.clock.region();
    let one = ServiceInstance {
        id: ServiceInstanceId::parse(&base::uuid_of(&*w.entropy)).unwrap(),
        account: w.a.account.clone(),
        group: w.a.group.clone(),
        name: "keys".to_owned(),
        created_by: "me".to_owned(),
        created_at: now,
        updated_at: now,
        revision: 1,
    };
    let permit = w.a.may_make(Action::ResourceInstanceCreate);
    w.store.service_instance_create(&permit, one.clone(), Change::default()).await.unwrap();
    one
}

fn key(w: &World, of: &ServiceInstance, name: &str) -> KmsKey {
    w.clock.advance(Duration::from_secs(1));
    let now = w.clock.region();
    KmsKey {
        id: KmsKeyId::parse(&base::uuid_of(&*w.entropy)).unwrap(),
        account: of.account.clone(),
        instance: of.id.clone(),
        group: of.group.clone(),
        ring: "default".to_owned(),
        name: name.to_owned(),
        description: String::new(),
        extractable: false,
        imported: false,
        state: KmsKeyState::Active,
        state_since: now,
        version: 1,
        created_at: now,
        created_by: "me".to_owned(),
        updated_at: now,
        rotated_at: None,
        expires_at: None,
        deleted: None,
        dual_auth: None,
        deletion_set: None,
        rotation: None,
        aliases: Vec::new(),
        revision: 1,
    }
}

async fn put(w: &World, key: &KmsKey) {
    let permit = w.a.may_make(Action::KmsKeyCreate);
    w.store.kms_key_create(&permit, key, Change::default()).await.unwrap();
}

async fn save(w: &World, action: Action, key: &KmsKey) -> Result<(), StoreError> {
    w.store.kms_key_save(&w.a.may(action, &key.id), key, Change::default()).await
}

/// B7: a key reads back with all that it has, by id and by alias, in its own instance alone; a
/// write goes by the revision that was read.
pub async fn keys_are_kept_whole(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (one, other) = (instance(&w).await, instance(&w).await);
    let mut made = key(&w, &one, "first");
    made.aliases = vec!["gold".to_owned(), "silver".to_owned()];
    put(&w, &made).await;
    for name in [made.id.as_str(), "gold", "silver"] {
        let mut seen = w.store.kms_key(&w.a.sees(), &one.id, name).await.unwrap();
        seen.aliases.sort();
        assert_eq!(seen, made, "{name}");
        not_found!(w.store.kms_key(&w.a.sees(), &other.id, name).await);
        not_found!(w.store.kms_key(&w.b.sees(), &one.id, name).await);
    }
    let now = w.clock.region();
    let by = || "you".to_owned();
    let next = KmsKey {
        state: KmsKeyState::Destroyed,
        version: 7,
        rotated_at: Some(now),
        deleted: Some((now, by())),
        dual_auth: Some(KmsPolicy { value: true, by: by(), at: now }),
        deletion_set: Some(DeletionSet { by: by(), until: now }),
        rotation: Some(KmsPolicy { value: (false, 12), by: by(), at: now }),
        revision: 2,
        ..made.clone()
    };
    save(&w, Action::KmsKeyDelete, &next).await.unwrap();
    let mut seen = w.store.kms_key_any(system(), &made.id).await.unwrap();
    seen.aliases.sort();
    assert_eq!(seen, next);
    refused!(save(&w, Action::KmsKeyDelete, &next).await, StoreError::Changed { .. });
    let lost = KmsKey { ring: "lost".to_owned(), revision: 3, ..next.clone() };
    not_found!(save(&w, Action::KmsKeyUpdate, &lost).await);
    refused!(save(&w, Action::ImageUpdate, &lost).await, StoreError::PermitMismatch);
    let taken = KmsKey { aliases: vec!["gold".to_owned()], ..key(&w, &one, "second") };
    let permit = w.a.may_make(Action::KmsKeyCreate);
    let refusal = w.store.kms_key_create(&permit, &taken, Change::default()).await;
    refused!(refusal, StoreError::Refused(Refusal::Kms(KmsRefusal::AliasTaken { .. })));
    let purge = w.a.may(Action::KmsKeyPurge, &made.id);
    w.store.kms_key_purge(&purge, &made.id, Change::default()).await.unwrap();
    not_found!(w.store.kms_key_any(system(), &made.id).await);
    refused!(
        w.store.kms_key_purge(&purge, &made.id, Change::default()).await,
        StoreError::Changed { .. }
    );
}

/// B7: keys are listed oldest first, by state, kind and ring, with their total; an expired key
/// counts as such.
pub async fn keys_are_listed_by_state_kind_and_ring(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let one = instance(&w).await;
    let ring = KmsRing {
        id: "team".to_owned(),
        created_by: "me".to_owned(),
        created_at: w.clock.region(),
    };
    let permit = w.a.may(Action::KmsRingCreate, &one.id);
    w.store.kms_ring_create(&permit, &one.id, ring.clone(), Change::default()).await.unwrap();
    let again = w.store.kms_ring_create(&permit, &one.id, ring.clone(), Change::default()).await;
    refused!(again, StoreError::Refused(Refusal::Kms(KmsRefusal::RingTaken { .. })));
    assert_eq!(w.store.kms_rings(&w.a.sees(), &one.id).await.unwrap(), [ring]);
    let mut made = Vec::new();
    for at in 0..4_u64 {
        let mut key = key(&w, &one, "k");
        key.extractable = at == 1;
        key.expires_at = (at == 2).then(|| w.clock.region());
        if at == 3 {
            key.ring = "team".to_owned();
        }
        put(&w, &key).await;
        made.push(key);
    }
    let now = w.clock.region();
    let all = KmsKeyFilter {
        states: vec![KmsKeyState::Active, KmsKeyState::Deactivated],
        extractable: None,
        ring: None,
        now,
    };
    let list = async |filter: KmsKeyFilter, page: Slice| {
        let keys = w.store.kms_keys(&w.a.sees(), &one.id, &filter, page).await.unwrap();
        let total = w.store.kms_keys_count(&w.a.sees(), &one.id, &filter).await.unwrap();
        let ids: Vec<_> = keys.into_iter().map(|key| key.id).collect();
        (ids, total)
    };
    let ids = |of: &[usize]| of.iter().map(|at| made[*at].id.clone()).collect::<Vec<_>>();
    assert_eq!(list(all.clone(), PAGE).await, (ids(&[0, 1, 2, 3]), 4));
    let second = Slice { limit: 2, offset: 1 };
    assert_eq!(list(all.clone(), second).await, (ids(&[1, 2]), 4));
    let expired = KmsKeyFilter { states: vec![KmsKeyState::Deactivated], ..all.clone() };
    assert_eq!(list(expired, PAGE).await, (ids(&[2]), 1));
    let standard = KmsKeyFilter { extractable: Some(true), ..all.clone() };
    assert_eq!(list(standard, PAGE).await, (ids(&[1]), 1));
    let team = KmsKeyFilter { ring: Some("team".to_owned()), ..all };
    assert_eq!(list(team, PAGE).await, (ids(&[3]), 1));
    let permit = w.a.may(Action::KmsRingDelete, &one.id);
    let full = w.store.kms_ring_delete(&permit, &one.id, "team", true, Change::default()).await;
    refused!(full, StoreError::Refused(Refusal::Kms(KmsRefusal::RingNotEmpty { count: 1, .. })));
    let gone = KmsKey {
        state: KmsKeyState::Destroyed,
        deleted: Some((now, "me".to_owned())),
        revision: 2,
        ..made[3].clone()
    };
    save(&w, Action::KmsKeyDelete, &gone).await.unwrap();
    w.store.kms_ring_delete(&permit, &one.id, "team", true, Change::default()).await.unwrap();
    assert_eq!(w.store.kms_key_any(system(), &gone.id).await.unwrap().ring, "default");
    // What is due: the deleted one, when its time has come.
    let due = async |at| w.store.kms_keys_due(system(), at, 10).await.unwrap().len();
    assert_eq!((due(now).await, due(now.plus(PURGE_AT_AGE)).await), (0, 1));
}

/// B7: aliases and policies, an instance that goes, and what a key protects.
pub async fn an_instance_goes_when_its_keys_are_deleted(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let one = instance(&w).await;
    let made = key(&w, &one, "k");
    put(&w, &made).await;
    let now = w.clock.region();
    let alias = w.a.may(Action::KmsAliasCreate, &made.id);
    let most = usize::try_from(Limit::KEY_ALIASES_MAX.max).unwrap();
    for at in 0..=most {
        let name = format!("alias-{at}");
        let done = w.store.kms_alias_create(&alias, &made, &name, now, Change::default()).await;
        assert_eq!(done.is_ok(), at < most, "{at}");
    }
    let take = w.a.may(Action::KmsAliasDelete, &made.id);
    w.store.kms_alias_delete(&take, &made, "alias-0", Change::default()).await.unwrap();
    not_found!(w.store.kms_alias_delete(&take, &made, "alias-0", Change::default()).await);

    let policy = |enabled| InstancePolicy {
        kind: InstancePolicyKind::Rotation,
        enabled,
        detail: 3,
        created_by: "me".to_owned(),
        created_at: now,
        updated_by: "me".to_owned(),
        updated_at: now,
    };
    let write = w.a.may(Action::KmsInstancePolicyWrite, &one.id);
    for enabled in [true, false] {
        let policies = vec![policy(enabled)];
        let saved =
            w.store.kms_instance_policies_save(&write, &one.id, policies, Change::default());
        saved.await.unwrap();
        let seen = w.store.kms_instance_policies(&w.a.sees(), &one.id).await.unwrap();
        assert_eq!(seen, [policy(enabled)]);
    }

    let crn = key_protect_crn(&w.region, &one.account, &one.id, "key", made.id.as_str());
    let mut volume = w.new_volume(&w.a, "secret");
    volume.encryption = VolumeEncryption::UserManaged { key_crn: crn.to_string() };
    let id = w.volume_put(&w.a, volume).await;
    w.volume_put(&w.a, w.new_volume(&w.a, "plain")).await;
    let whole = key_protect_crn(&w.region, &one.account, &one.id, "key", "");
    for crn in [crn, whole] {
        let crn = crn.to_string();
        let found = w.store.kms_registrations(system(), &crn, PAGE).await.unwrap();
        let total = w.store.kms_registrations_count(system(), &crn).await.unwrap();
        assert_eq!((found.len(), total), (1, 1));
        assert_eq!((&found[0].key, found[0].key_name.as_str()), (&made.id, "k"));
        assert_eq!(found[0].resource.resource, id.as_str());
    }

    let delete = w.a.may(Action::ResourceInstanceDelete, &one.id);
    let full = w.store.service_instance_delete(&delete, &one.id, Change::default()).await;
    refused!(full, StoreError::Refused(Refusal::Kms(KmsRefusal::InstanceNotEmpty { count: 1 })));
    let renamed = ServiceInstance { name: "ours".to_owned(), revision: 2, ..one.clone() };
    let update = w.a.may(Action::ResourceInstanceUpdate, &one.id);
    w.store.service_instance_save(&update, &renamed, Change::default()).await.unwrap();
    assert_eq!(w.store.service_instances(&w.a.sees()).await.unwrap(), [renamed]);
    assert_eq!(w.store.service_instances(&w.b.sees()).await.unwrap(), []);
    let gone = KmsKey {
        state: KmsKeyState::Destroyed,
        deleted: Some((now, "me".to_owned())),
        revision: 2,
        ..made
    };
    save(&w, Action::KmsKeyDelete, &gone).await.unwrap();
    w.store.service_instance_delete(&delete, &one.id, Change::default()).await.unwrap();
    not_found!(w.store.service_instance(&w.a.sees(), &one.id).await);
}
