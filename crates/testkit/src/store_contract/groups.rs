//! Resource groups: names, the default one, and what keeps a group.

use base::ResourceGroupId;
use meta::{Change, GroupFilter, StoreError};
use model::{Limit, Refusal, ResourceGroup};
use policy::{Action, Permit, Resource};

use super::{
    FreshStore,
    world::{Tenant, World},
};
use crate::{not_found, refused};

impl Tenant {
    /// Leave for what is the account's own.
    pub(super) fn may_here(&self, action: Action) -> Permit {
        let account = self.account.clone();
        policy::permit(&self.caller, action, Resource::Account { account }).unwrap()
    }
}

impl World {
    /// A group that is not the default one.
    pub(super) fn new_group(&self, tenant: &Tenant, name: &str) -> ResourceGroup {
        let now = self.tick();
        ResourceGroup {
            id: ResourceGroupId::mint("", &*self.entropy),
            account: tenant.account.clone(),
            name: name.to_owned(),
            default: false,
            created_at: now,
            updated_at: now,
        }
    }

    /// Adds a group.
    pub(super) async fn group_put(&self, tenant: &Tenant, name: &str) -> ResourceGroup {
        let group = self.new_group(tenant, name);
        let permit = tenant.may_here(Action::ResourceGroupCreate);
        let change = self.change(tenant, "resource-controller.group.create", &group.id);
        self.store.resource_group_create(&permit, group.clone(), change).await.unwrap();
        group
    }
}

/// A group reads back as it was written, is renamed, and goes; each with its event.
pub async fn a_group_is_made_renamed_and_deleted(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let events = w.events(&w.a).await;
    let group = w.group_put(&w.a, "team one").await;
    let sees = w.a.sees();
    assert_eq!(w.store.resource_group(&sees, &group.id).await.unwrap(), group);
    not_found!(w.store.resource_group(&w.b.sees(), &group.id).await);
    let all = w.store.resource_groups(&sees, &GroupFilter::default()).await.unwrap();
    assert_eq!(all.len(), 2);
    let rename = w.a.may(Action::ResourceGroupUpdate, &group.id);
    let (now, change) = (w.tick(), || w.change(&w.a, "resource-controller.group.update", "x"));
    let renamed =
        w.store.resource_group_rename(&rename, &group.id, "Team", now, change()).await.unwrap();
    let wanted = ResourceGroup { name: "Team".to_owned(), updated_at: now, ..group.clone() };
    assert_eq!(renamed, wanted);
    let delete = w.a.may(Action::ResourceGroupDelete, &group.id);
    w.store.resource_group_delete(&delete, &group.id, change()).await.unwrap();
    not_found!(w.store.resource_group(&sees, &group.id).await);
    not_found!(w.store.resource_group_delete(&delete, &group.id, change()).await);
    assert_eq!(w.events(&w.a).await, events + 3);
}

/// A name is taken once in an account, in letters of either case.
pub async fn group_names_are_an_accounts_own(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    for tenant in [&w.a, &w.b] {
        let one = w.group_put(tenant, "One").await;
        let two = w.group_put(tenant, "two").await;
        let permit = tenant.may_here(Action::ResourceGroupCreate);
        let twin = w.new_group(tenant, "ONE");
        let twin = w.store.resource_group_create(&permit, twin, Change::default()).await;
        refused!(twin, StoreError::Refused(Refusal::NameTaken { kind: "resource group", .. }));
        let rename = |id: &ResourceGroupId, name: &'static str| {
            let (store, id) = (w.store.clone(), id.clone());
            let (permit, now) = (tenant.may(Action::ResourceGroupUpdate, &id), w.tick());
            async move {
                let change = Change::default();
                store.resource_group_rename(&permit, &id, name, now, change).await
            }
        };
        refused!(rename(&two.id, "default").await, StoreError::Refused(_));
        assert_eq!(rename(&one.id, "one").await.unwrap().name, "one");
    }
}

/// The default group stays, and so does one with anything in it.
pub async fn a_group_with_something_in_it_stays(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let delete = |id: &ResourceGroupId| {
        let (store, id) = (w.store.clone(), id.clone());
        let permit = w.a.may(Action::ResourceGroupDelete, &id);
        async move { store.resource_group_delete(&permit, &id, Change::default()).await }
    };
    refused!(delete(&w.a.group).await, StoreError::Refused(Refusal::DefaultGroup { .. }));
    let group = w.group_put(&w.a, "team").await;
    let tenant = Tenant { group: group.id.clone(), ..w.a.clone() };
    let key = w.new_key(&tenant, "key");
    let id = key.head.id.clone();
    let permit = tenant.may_make(Action::KeyCreate);
    w.store.key_create(&permit, key, Change::default()).await.unwrap();
    refused!(
        delete(&group.id).await,
        StoreError::Refused(Refusal::GroupNotEmpty { what: "SSH keys", .. })
    );
    w.store.key_delete(&tenant.may(Action::KeyDelete, &id), &id, Change::default()).await.unwrap();
    delete(&group.id).await.unwrap();
    let permit = tenant.may_make(Action::KeyCreate);
    let late = w.store.key_create(&permit, w.new_key(&tenant, "late"), Change::default()).await;
    not_found!(late);
}

/// The limit holds for one account alone, at both sides, and permits must fit.
pub async fn group_limits_and_permits(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    for n in 1..Limit::RESOURCE_GROUPS_MAX.max {
        w.group_put(&w.a, &format!("group-{n}")).await;
    }
    let permit = w.a.may_here(Action::ResourceGroupCreate);
    let more = w.new_group(&w.a, "more");
    let more = w.store.resource_group_create(&permit, more, Change::default()).await;
    refused!(more, StoreError::Refused(Refusal::OverLimit { .. }));
    w.group_put(&w.b, "theirs").await;
    let wrong = w.a.may_here(Action::TagCreateAccess);
    let elsewhere = w.b.may_here(Action::ResourceGroupCreate);
    for permit in [wrong, elsewhere] {
        let group = w.new_group(&w.a, "x");
        let made = w.store.resource_group_create(&permit, group, Change::default()).await;
        refused!(made, StoreError::PermitMismatch);
    }
    let read = w.a.may(Action::ResourceGroupRead, &w.a.group);
    let (id, now) = (&w.a.group, w.tick());
    let renamed = w.store.resource_group_rename(&read, id, "x", now, Change::default()).await;
    refused!(renamed, StoreError::PermitMismatch);
    let gone = w.store.resource_group_delete(&read, id, Change::default()).await;
    refused!(gone, StoreError::PermitMismatch);
    let theirs = w.a.may(Action::ResourceGroupDelete, &w.b.group);
    not_found!(w.store.resource_group_delete(&theirs, &w.b.group, Change::default()).await);
}
