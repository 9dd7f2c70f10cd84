//! Users, service IDs, profiles, API keys and sessions.

use std::time::Duration;

use base::{ApiKeyId, PrincipalId};
use meta::{ApiKeyFilter, Change, KeyUse, Page, PrincipalFilter, Refreshed};
use model::{
    ApiKey, HistoryRecord, Principal, PrincipalKind, ProfilePart, ProfilePartKind, Refusal, Session,
};
use policy::{Action, Permit, Scope};

use super::{
    FreshStore,
    world::{Tenant, World, page, system},
};
use crate::not_found;

impl World {
    fn may(&self, tenant: &Tenant, action: Action) -> Permit {
        tenant.may_here(action)
    }

    fn may_see(&self, tenant: &Tenant, action: Action) -> Scope {
        policy::scope(&tenant.caller, action).unwrap()
    }

    fn principal_row(&self, tenant: &Tenant, kind: PrincipalKind, name: &str) -> Principal {
        let id = PrincipalId::mint(kind.iam_prefix(), &*self.entropy);
        let (account, now) = (tenant.account.clone(), self.tick());
        let made = Principal::new(id, account, kind, name.to_owned(), now);
        Principal { email: format!("{name}@example.com"), ..made }
    }

    fn key_row(&self, of: &Principal, first: u8) -> ApiKey {
        let id = ApiKeyId::mint("ApiKey-", &*self.entropy);
        let (account, now) = (of.account.clone(), self.tick());
        ApiKey::new(id, account, of.id.clone(), "k".to_owned(), [first; 32], now)
    }

    async fn service_id(&self, name: &str) -> Principal {
        let made = self.principal_row(&self.a, PrincipalKind::ServiceId, name);
        let permit = self.may(&self.a, Action::ServiceIdCreate);
        self.store.principal_create(&permit, made.clone(), None, Change::default()).await.unwrap();
        made
    }

    fn record(&self, action: Action) -> HistoryRecord {
        HistoryRecord {
            at: self.tick(),
            by: self.a.caller.principal.clone(),
            by_account: self.a.account.clone(),
            action: action.as_str().to_owned(),
        }
    }
}

/// A principal is read back as it was written, by its own account alone, and saved once for each
/// revision.
pub async fn principals_are_an_accounts_own(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let made = w.principal_row(&w.a, PrincipalKind::ServiceId, "robot");
    let made = Principal { instance_crns: vec!["a".to_owned(), "b".to_owned()], ..made };
    let key = w.key_row(&made, 1);
    let create = w.may(&w.a, Action::ServiceIdCreate);
    let wrong = w.may(&w.a, Action::ProfileCreate);
    let refused = w.store.principal_create(&wrong, made.clone(), None, Change::default()).await;
    assert!(matches!(refused, Err(meta::StoreError::PermitMismatch)));
    w.store
        .principal_create(&create, made.clone(), Some(key.clone()), Change::default())
        .await
        .unwrap();
    let read = w.may_see(&w.a, Action::ServiceIdRead);
    assert_eq!(w.store.principal_get(&read, &made.id).await.unwrap(), made);
    assert_eq!(w.store.api_key(&read, &key.id).await.unwrap(), key);
    let others = w.may_see(&w.b, Action::ServiceIdRead);
    not_found!(w.store.principal_get(&others, &made.id).await);
    not_found!(w.store.api_key(&others, &key.id).await);
    not_found!(w.store.profile_parts(&others, &made.id).await);

    let update = w.may(&w.a, Action::ServiceIdUpdate);
    let next = Principal { description: "x".to_owned(), locked: true, revision: 2, ..made.clone() };
    let record = w.record(Action::ServiceIdUpdate);
    w.store.principal_save(&update, &next, record.clone(), Change::default()).await.unwrap();
    assert_eq!(w.store.principal_get(&read, &made.id).await.unwrap(), next);
    let again = w.store.principal_save(&update, &next, record.clone(), Change::default()).await;
    assert!(matches!(again, Err(meta::StoreError::Changed { .. })));
    let history = w.store.identity_history(&read, made.id.as_str()).await.unwrap();
    assert_eq!(history, [record]);
    assert!(w.store.identity_history(&others, made.id.as_str()).await.unwrap().is_empty());

    let delete = w.may(&w.a, Action::ServiceIdDelete);
    let locked = w.store.principal_delete(&delete, &made.id, Change::default()).await;
    assert!(matches!(locked, Err(meta::StoreError::Refused(Refusal::IdentityLocked { .. }))));
    let open = Principal { locked: false, revision: 3, ..next };
    let record = w.record(Action::ServiceIdUpdate);
    w.store.principal_save(&update, &open, record, Change::default()).await.unwrap();
    w.store.principal_delete(&delete, &made.id, Change::default()).await.unwrap();
    not_found!(w.store.principal_get(&read, &made.id).await);
    assert_eq!(w.store.sign_in(system(), &key.hash).await.unwrap(), None);
}

/// Names of profiles and mail addresses of users are unique in an account; service IDs may share
/// one. An owner stays.
pub async fn names_of_profiles_and_mail_of_users_are_unique(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    for (kind, action, unique) in [
        (PrincipalKind::ServiceId, Action::ServiceIdCreate, false),
        (PrincipalKind::Profile, Action::ProfileCreate, true),
        (PrincipalKind::User, Action::UserCreate, true),
    ] {
        for (tenant, taken) in [(&w.a, false), (&w.a, unique), (&w.b, false)] {
            let row = w.principal_row(tenant, kind, "same");
            let permit = w.may(tenant, action);
            let made = w.store.principal_create(&permit, row, None, Change::default()).await;
            match made {
                Ok(()) => assert!(!taken, "{kind}"),
                Err(meta::StoreError::Refused(Refusal::NameTaken { .. })) => assert!(taken),
                Err(other) => panic!("{kind}: {other}"),
            }
        }
    }
    let delete = w.may(&w.a, Action::UserDelete);
    let owner = w.a.caller.principal.clone();
    let refused = w.store.principal_delete(&delete, &owner, Change::default()).await;
    assert!(matches!(refused, Err(meta::StoreError::Refused(Refusal::AccountOwner))));
    assert_eq!(w.store.accounts(system()).await.unwrap().len(), 3);
}

/// Pages go from the oldest on, of one kind and one account.
pub async fn principals_and_keys_in_pages(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(w.service_id(&format!("s{n}")).await);
    }
    let scope = w.may_see(&w.a, Action::ServiceIdList);
    let filter = PrincipalFilter { kind: PrincipalKind::ServiceId, name: None, email: None };
    let (mut seen, mut next) = (Vec::new(), page(2));
    loop {
        let found = w.store.principals(&scope, &filter, &next).await.unwrap();
        assert_eq!(found.total, 5);
        seen.extend(found.items);
        let Some(after) = found.next else { break };
        next.after = Some(after);
    }
    assert_eq!(seen, made);
    let named = PrincipalFilter { name: Some("s3".to_owned()), ..filter.clone() };
    assert_eq!(
        w.store.principals(&scope, &named, &page(9)).await.unwrap().items,
        [made[3].clone()]
    );
    let others = w.may_see(&w.b, Action::ServiceIdList);
    assert_eq!(w.store.principals(&others, &filter, &page(9)).await.unwrap().total, 0);

    let create = w.may(&w.a, Action::ApiKeyCreate);
    let mut keys = Vec::new();
    for n in 0..3 {
        let key = w.key_row(&made[0], 10 + n);
        w.store.api_key_create(&create, key.clone(), Change::default()).await.unwrap();
        keys.push(key);
    }
    let own = ApiKeyFilter { principal: Some(made[0].id.clone()), kind: None };
    let first = w.store.api_keys(&scope, &own, &page(2)).await.unwrap();
    assert_eq!((first.total, &first.items[..]), (3, &keys[..2]));
    let rest = Page { limit: 2, after: first.next };
    assert_eq!(w.store.api_keys(&scope, &own, &rest).await.unwrap().items, keys[2..]);
    let of = |kind| ApiKeyFilter { principal: None, kind: Some(kind) };
    let services = of(PrincipalKind::ServiceId);
    assert_eq!(w.store.api_keys(&scope, &services, &page(9)).await.unwrap().total, 3);
    let users = of(PrincipalKind::User);
    assert_eq!(w.store.api_keys(&scope, &users, &page(9)).await.unwrap().total, 1);
}

/// A key is saved once for each revision, keeps others' hashes apart, counts its uses, and a
/// locked one stays.
pub async fn api_keys_are_saved_used_and_deleted(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let robot = w.service_id("robot").await;
    let create = w.may(&w.a, Action::ApiKeyCreate);
    let (one, two) = (w.key_row(&robot, 1), w.key_row(&robot, 2));
    for key in [&one, &two] {
        w.store.api_key_create(&create, key.clone(), Change::default()).await.unwrap();
    }
    let update = w.may(&w.a, Action::ApiKeyUpdate);
    let save = |key: ApiKey| {
        let (store, permit, record) =
            (w.store.clone(), update.clone(), w.record(Action::ApiKeyUpdate));
        async move { store.api_key_save(&permit, &key, record, Change::default()).await }
    };
    let taken = ApiKey { hash: two.hash, revision: 2, ..one.clone() };
    assert!(matches!(save(taken).await, Err(meta::StoreError::Refused(Refusal::ApiKeyTaken))));
    let end = w.tick();
    let next = ApiKey {
        hash: [3; 32],
        locked: true,
        disabled: true,
        expires_at: Some(end),
        revision: 2,
        ..one.clone()
    };
    save(next.clone()).await.unwrap();
    assert!(matches!(save(next.clone()).await, Err(meta::StoreError::Changed { .. })));
    assert_eq!(w.store.sign_in(system(), &one.hash).await.unwrap(), None);
    let found = w.store.sign_in(system(), &next.hash).await.unwrap().unwrap();
    assert_eq!((&found.api_key, &found.principal), (&next, &robot));

    let used =
        |uses, last| KeyUse { api_key: one.id.clone(), principal: robot.id.clone(), uses, last };
    let last = w.tick();
    w.store.key_uses(system(), vec![used(2, end), used(3, last)]).await.unwrap();
    let scope = w.may_see(&w.a, Action::ApiKeyRead);
    let seen = w.store.api_key(&scope, &one.id).await.unwrap();
    assert_eq!((seen.uses, seen.last_used_at), (5, Some(last)));
    assert_eq!(w.store.principal_get(&scope, &robot.id).await.unwrap().uses, 5);

    let delete = w.may(&w.a, Action::ApiKeyDelete);
    let refused = w.store.api_key_delete(&delete, &one.id, Change::default()).await;
    assert!(matches!(refused, Err(meta::StoreError::Refused(Refusal::IdentityLocked { .. }))));
    let others = w.may(&w.b, Action::ApiKeyDelete);
    not_found!(w.store.api_key_delete(&others, &two.id, Change::default()).await);
    w.store.api_key_delete(&delete, &two.id, Change::default()).await.unwrap();
    not_found!(w.store.api_key(&scope, &two.id).await);
}

/// Parts of a profile are added, replaced once for each revision, and go.
pub async fn parts_of_profiles(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let made = w.principal_row(&w.a, PrincipalKind::Profile, "p");
    let create = w.may(&w.a, Action::ProfileCreate);
    w.store.principal_create(&create, made.clone(), None, Change::default()).await.unwrap();
    let permit = w.may(&w.a, Action::ProfileUpdate);
    let part = |kind, id: &str| {
        let now = w.tick();
        let (id, body) = (id.to_owned(), "{}".to_owned());
        ProfilePart { kind, id, body, created_at: now, modified_at: now, revision: 1 }
    };
    let rule = part(ProfilePartKind::Rule, "r");
    let identity = part(ProfilePartKind::Identity, "user/x");
    for one in [&rule, &identity] {
        w.store.profile_part_save(&permit, &made.id, one.clone(), Change::default()).await.unwrap();
    }
    let scope = w.may_see(&w.a, Action::ProfileRead);
    let seen = w.store.profile_parts(&scope, &made.id).await.unwrap();
    assert_eq!(seen, [rule.clone(), identity]);
    let next = ProfilePart { body: "{\"a\":1}".to_owned(), revision: 2, ..rule.clone() };
    for fits in [true, false] {
        let saved =
            w.store.profile_part_save(&permit, &made.id, next.clone(), Change::default()).await;
        assert_eq!(saved.is_ok(), fits);
    }
    let all = vec![part(ProfilePartKind::Identity, "user/y")];
    for fits in [true, false] {
        let saved = w
            .store
            .profile_identities_replace(&permit, &made.id, 2, all.clone(), Change::default())
            .await;
        assert_eq!(saved.is_ok(), fits);
    }
    let (found, account, parts) = w.store.profile_any(system(), &made.id).await.unwrap().unwrap();
    assert_eq!((found.revision, account.id), (2, w.a.account.clone()));
    assert_eq!(parts, [next, all[0].clone()]);
    let named = w.store.profile_by_name(system(), &w.a.account, "p").await.unwrap();
    assert_eq!(named, Some(made.id.clone()));
    assert_eq!(w.store.profile_by_name(system(), &w.b.account, "p").await.unwrap(), None);
    let gone = |id: &'static str| {
        let (store, permit, profile) = (w.store.clone(), permit.clone(), made.id.clone());
        async move {
            let kind = ProfilePartKind::Rule;
            store.profile_part_delete(&permit, &profile, kind, id, Change::default()).await
        }
    };
    gone("r").await.unwrap();
    not_found!(gone("r").await);
}

/// A refresh token is good once; a second use ends the session, and so do its key's end and a
/// sign-out.
pub async fn sessions_are_refreshed_once_a_token(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let robot = w.service_id("robot").await;
    let key = w.key_row(&robot, 1);
    let create = w.may(&w.a, Action::ApiKeyCreate);
    w.store.api_key_create(&create, key.clone(), Change::default()).await.unwrap();
    let day = Duration::from_secs(86_400);
    let begin = |id: &'static str| {
        let now = w.tick();
        let session = Session {
            id: id.to_owned(),
            principal: robot.id.clone(),
            api_key: key.id.clone(),
            refresh_hash: [1; 32],
            created_at: now,
            expires_at: now.plus(day),
        };
        let store = w.store.clone();
        async move { store.session_create(system(), session, now).await.unwrap() }
    };
    let refresh = |id: &'static str, used: u8, next: u8| {
        let (store, now) = (w.store.clone(), w.tick());
        async move {
            let hashes = (&[used; 32], &[next; 32]);
            store.session_refresh(system(), id, hashes, now, now.plus(day)).await.unwrap()
        }
    };
    let went_on = |refreshed: Refreshed| match refreshed {
        Refreshed::Yes { principal, account } => {
            assert_eq!((principal.id, account.id), (robot.id.clone(), w.a.account.clone()));
            true
        }
        Refreshed::Ended | Refreshed::Replayed => false,
    };
    begin("one").await;
    assert!(went_on(refresh("one", 1, 2).await) && went_on(refresh("one", 2, 3).await));
    assert_eq!(refresh("one", 1, 9).await, Refreshed::Replayed);
    assert_eq!(refresh("one", 3, 4).await, Refreshed::Ended);
    assert_eq!(refresh("none", 1, 2).await, Refreshed::Ended);

    begin("two").await;
    let now = w.tick();
    assert_eq!(w.store.sign_out(system(), &w.a.account, Some(&robot.id), now).await.unwrap(), 1);
    assert_eq!(refresh("two", 1, 2).await, Refreshed::Ended);
    let (seen, _) = w.store.principal(system(), &robot.id).await.unwrap().unwrap();
    assert_eq!(seen.signed_out_at, Some(now));
    not_found!(w.store.sign_out(system(), &w.b.account, Some(&robot.id), now).await);
    assert_eq!(w.store.sign_out(system(), &w.b.account, None, now).await.unwrap(), 1);

    begin("three").await;
    let off = ApiKey { disabled: true, revision: 2, ..key.clone() };
    let (update, record) = (w.may(&w.a, Action::ApiKeyUpdate), w.record(Action::ApiKeyUpdate));
    w.store.api_key_save(&update, &off, record, Change::default()).await.unwrap();
    assert_eq!(refresh("three", 1, 2).await, Refreshed::Ended);

    let fresh_key = w.key_row(&robot, 7);
    let now = w.tick();
    w.store
        .api_keys_reset(system(), &robot.id, fresh_key.clone(), now, Change::default())
        .await
        .unwrap();
    assert_eq!(w.store.sign_in(system(), &key.hash).await.unwrap(), None);
    assert!(w.store.sign_in(system(), &fresh_key.hash).await.unwrap().is_some());
}
