//! Accounts, sign-in, token keys, resource groups.

use base::{PrincipalId, ResourceGroupId, TokenKeyId};
use meta::GroupFilter;
use model::TokenKey;

use super::{
    FreshStore,
    world::{World, system},
};
use crate::not_found;

/// The first rows are written once; a second start changes nothing.
pub async fn bootstrap_writes_once(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    assert!(!w.store.bootstrap(system(), w.first_rows()).await.unwrap());
    let (provider, group) = w.store.provider(system()).await.unwrap();
    assert_eq!(provider.id, w.provider.account);
    assert!(provider.provider && provider.owner.is_none());
    assert_eq!(group.id, w.provider.group);
    let account = w.store.account(system(), &w.a.account).await.unwrap();
    assert_eq!(account.owner, Some(w.a.caller.principal.clone()));
    not_found!(w.store.account(system(), &base::AccountId::mint("", &*w.entropy)).await);
}

/// An API key is found by its hash, with its principal and account; no other hash finds one.
pub async fn sign_in_by_hash(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (account, mut owner, group, key) = w.account_rows(&w.provider, "third");
    let id = base::AccountId::mint("", &*w.entropy);
    let account = model::Account { id: id.clone(), ..account };
    owner.account = id.clone();
    let group = model::ResourceGroup {
        id: ResourceGroupId::mint("", &*w.entropy),
        account: id.clone(),
        ..group
    };
    let key = model::ApiKey { account: id, ..key };
    let wanted = (key.clone(), owner.clone(), account.clone());
    w.store.account_create(system(), account, owner.clone(), group, key.clone()).await.unwrap();
    let found = w.store.sign_in(system(), &key.hash).await.unwrap().unwrap();
    assert_eq!((found.api_key, found.principal, found.account), wanted);
    assert_eq!(w.store.sign_in(system(), &[0; 32]).await.unwrap(), None);
    let (principal, account) = w.store.principal(system(), &owner.id).await.unwrap().unwrap();
    assert_eq!((principal, account), (wanted.1, wanted.2));
    let nobody = PrincipalId::mint("IBMid-", &*w.entropy);
    assert_eq!(w.store.principal(system(), &nobody).await.unwrap(), None);
}

/// Keys that sign tokens come newest first, with every byte.
pub async fn token_keys_newest_first(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let newer = TokenKey {
        id: TokenKeyId::mint("kid-", &*w.entropy),
        sealed_private: (0..=255).collect(),
        public_der: Vec::new(),
        created_at: w.tick(),
    };
    w.store.token_key_add(system(), newer.clone()).await.unwrap();
    let keys = w.store.token_keys(system()).await.unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], newer);
    assert_eq!(keys[1].sealed_private, [1, 0, 255]);
}

/// An account sees its own resource groups and no other's.
pub async fn groups_are_an_accounts_own(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let own = w.store.resource_group(&w.a.sees(), &w.a.group).await.unwrap();
    assert!(own.default && own.name == "Default");
    not_found!(w.store.resource_group(&w.a.sees(), &w.b.group).await);
    let find = |filter: GroupFilter| {
        let (store, scope) = (w.store.clone(), w.b.sees());
        async move { store.resource_groups(&scope, &filter).await.unwrap() }
    };
    assert_eq!(find(GroupFilter::default()).await.len(), 1);
    let named = GroupFilter { name: Some("Default".to_owned()), default: Some(true) };
    assert_eq!(find(named).await[0].id, w.b.group);
    assert!(find(GroupFilter { name: None, default: Some(false) }).await.is_empty());
    assert!(find(GroupFilter { name: Some("x".to_owned()), default: None }).await.is_empty());
}
