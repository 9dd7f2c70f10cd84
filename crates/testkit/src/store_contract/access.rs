//! Policies, roles and access groups, and what readers of a part of an account see.

use base::{
    AccessGroupId, Crn, PolicyId, PrincipalId, RegionName, ResourceGroupId, RoleId, VolumeId,
};
use meta::{AccessGroupFilter, GroupFilter, PolicyFilter, Slice, StoreError, VolumeFilter};
use model::{
    AccessGroup, AccessPolicy, Attribute, CustomRole, GroupMember, MemberKind, Operator,
    PolicyKind, PolicyState, PolicyTerms, Principal, PrincipalKind, Refusal, SearchQuery, TagKind,
    TagMode,
};
use policy::{Access, Action, Caller, Resource, Role, Scope};

use super::{
    FreshStore,
    world::{Tenant, World, page, system},
};
use crate::{not_found, refused};

const ALL: Slice = Slice { offset: 0, limit: 100 };

fn user() -> PrincipalId {
    PrincipalId::parse("iam-ServiceId-1").unwrap()
}

fn policy_of(w: &World, tenant: &Tenant, subject: (&str, &str), role: Role) -> AccessPolicy {
    let (now, by) = (w.tick(), tenant.caller.principal.clone());
    AccessPolicy {
        id: PolicyId::mint("p-", &*w.entropy),
        account: tenant.account.clone(),
        kind: PolicyKind::Access,
        terms: PolicyTerms {
            subject: vec![Attribute::equals(subject.0, subject.1)],
            roles: vec![role.crn()],
            resource: vec![
                Attribute::equals("accountId", tenant.account.as_str()),
                Attribute::equals("serviceName", "is"),
            ],
            ..PolicyTerms::default()
        },
        state: PolicyState::Active,
        created_at: now,
        created_by: by.clone(),
        modified_at: now,
        modified_by: by,
        revision: 1,
    }
}

async fn policy_put(w: &World, tenant: &Tenant, policy: &AccessPolicy) -> Result<(), StoreError> {
    let permit = tenant.may_here(Action::PolicyCreate);
    let change = w.change(tenant, "iam-am.policy.create", &policy.id);
    w.store.policy_create(&permit, policy.clone(), change).await
}

async fn group_put(w: &World, tenant: &Tenant, name: &str) -> AccessGroup {
    let (now, by) = (w.tick(), tenant.caller.principal.clone());
    let group = AccessGroup {
        id: AccessGroupId::mint("AccessGroupId-", &*w.entropy),
        account: tenant.account.clone(),
        name: name.to_owned(),
        description: String::new(),
        created_at: now,
        created_by: by.clone(),
        modified_at: now,
        modified_by: by,
        revision: 1,
    };
    let permit = tenant.may_here(Action::AccessGroupCreate);
    let change = w.change(tenant, "iam-groups.group.create", &group.id);
    w.store.access_group_create(&permit, group.clone(), change).await.unwrap();
    group
}

fn member(w: &World, tenant: &Tenant) -> GroupMember {
    let by = tenant.caller.principal.clone();
    GroupMember { iam_id: user(), kind: MemberKind::Service, added_at: w.tick(), added_by: by }
}

/// A policy reads back, is written over by revision, is deleted and restored; each with its event
/// and a new generation.
pub async fn a_policy_lives(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (s, a) = (&w.store, &w.a);
    let (events, first) = (w.events(a).await, s.access_generation(system(), &a.account).await);
    let mut policy = policy_of(&w, a, ("iam_id", "iam-ServiceId-1"), Role::Viewer);
    policy_put(&w, a, &policy).await.unwrap();
    assert_eq!(w.events(a).await, events + 1);
    let read = a.may_here(Action::PolicyRead);
    assert_eq!(s.policy(&read, &policy.id).await.unwrap(), policy);
    let rows = s.access_rows(system(), &a.account, &user()).await.unwrap();
    assert_eq!(rows.policies, [policy.clone()]);
    assert!(rows.generation > first.unwrap());
    let other = PrincipalId::parse("iam-ServiceId-2").unwrap();
    assert!(s.access_rows(system(), &a.account, &other).await.unwrap().policies.is_empty());
    assert!(s.access_rows(system(), &w.b.account, &user()).await.unwrap().policies.is_empty());

    policy.terms.roles = vec![Role::Editor.crn()];
    policy.revision = 2;
    let update = a.may_here(Action::PolicyUpdate);
    let change = || w.change(a, "iam-am.policy.update", &policy.id);
    s.policy_write(&update, policy.clone(), change()).await.unwrap();
    let stale = s.policy_write(&update, policy.clone(), change()).await;
    refused!(stale, StoreError::Changed { .. });

    let gone = AccessPolicy { state: PolicyState::Deleted, revision: 3, ..policy.clone() };
    refused!(s.policy_write(&update, gone.clone(), change()).await, StoreError::PermitMismatch);
    let delete = a.may_here(Action::PolicyDelete);
    s.policy_write(&delete, gone, change()).await.unwrap();
    assert!(s.access_rows(system(), &a.account, &user()).await.unwrap().policies.is_empty());
    assert!(s.policies(&read, &PolicyFilter::default()).await.unwrap().is_empty());
    let deleted = PolicyFilter { state: Some(PolicyState::Deleted), ..PolicyFilter::default() };
    assert_eq!(s.policies(&read, &deleted).await.unwrap().len(), 1);
}

/// One policy says it once; a policy of another account is not there.
pub async fn policies_are_said_once_and_are_an_accounts_own(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (s, a, b) = (&w.store, &w.a, &w.b);
    let policy = policy_of(&w, a, ("iam_id", "iam-ServiceId-1"), Role::Viewer);
    policy_put(&w, a, &policy).await.unwrap();
    let mut again = policy_of(&w, a, ("iam_id", "iam-ServiceId-1"), Role::Viewer);
    again.terms.description = "in other words".to_owned();
    refused!(policy_put(&w, a, &again).await, StoreError::Refused(Refusal::PolicyExists { .. }));
    refused!(policy_put(&w, b, &again).await, StoreError::PermitMismatch);
    let read = b.may_here(Action::PolicyRead);
    not_found!(s.policy(&read, &policy.id).await);
    not_found!(s.policy_any(system(), &b.account, &policy.id).await);
    assert!(s.policies(&read, &PolicyFilter::default()).await.unwrap().is_empty());
    let mine = AccessPolicy { account: b.account.clone(), revision: 2, ..policy };
    let permit = b.may_here(Action::PolicyUpdate);
    not_found!(s.policy_write(&permit, mine, meta::Change::default()).await);
    let nowhere = policy_of(&w, a, ("access_group_id", "AccessGroupId-x"), Role::Viewer);
    not_found!(policy_put(&w, a, &nowhere).await);
}

/// Policies of a group count for its members, while they are members and the group is there.
pub async fn policies_of_a_group_count_for_its_members(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (s, a) = (&w.store, &w.a);
    let group = group_put(&w, a, "team").await;
    let policy = policy_of(&w, a, ("access_group_id", group.id.as_str()), Role::Editor);
    policy_put(&w, a, &policy).await.unwrap();
    let count = async || s.access_rows(system(), &a.account, &user()).await.unwrap().policies.len();
    assert_eq!(count().await, 0);
    let add = a.may_here(Action::MemberAdd);
    let change = || w.change(a, "iam-groups.member.add", &group.id);
    let one = vec![member(&w, a)];
    let added = s.members_add(&add, &group.id, one.clone(), change()).await.unwrap();
    assert_eq!(added, [true]);
    assert_eq!(s.members_add(&add, &group.id, one, change()).await.unwrap(), [false]);
    assert_eq!(count().await, 1);
    let read = a.may_here(Action::MemberRead);
    assert_eq!(s.members(&read, &group.id, None, ALL).await.unwrap().1, 1);
    let users = s.members(&read, &group.id, Some(MemberKind::User), ALL).await.unwrap();
    assert_eq!(users.1, 0);
    assert!(s.is_member(&read, &group.id, &user()).await.unwrap());

    let delete = a.may_here(Action::AccessGroupDelete);
    let full = s.access_group_delete(&delete, &group.id, false, change()).await;
    refused!(full, StoreError::Refused(Refusal::AccessGroupNotEmpty { .. }));
    s.access_group_delete(&delete, &group.id, true, change()).await.unwrap();
    assert_eq!(count().await, 0);
    let list = a.may_here(Action::PolicyRead);
    assert!(s.policies(&list, &PolicyFilter::default()).await.unwrap().is_empty());
}

/// Groups are listed by name, part or member; another account's are not there.
pub async fn access_groups_are_an_accounts_own(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (s, a, b) = (&w.store, &w.a, &w.b);
    let group = group_put(&w, a, "team one").await;
    group_put(&w, a, "100% others").await;
    group_put(&w, b, "team one").await;
    let list = a.may_here(Action::AccessGroupList);
    let found = async |filter: AccessGroupFilter| {
        let (groups, total) = s.access_groups(&list, &filter, ALL).await.unwrap();
        assert_eq!(groups.len() as u64, total);
        groups.into_iter().map(|g| g.name).collect::<Vec<_>>()
    };
    assert_eq!(found(AccessGroupFilter::default()).await, ["100% others", "team one"]);
    let search = |text: &str| AccessGroupFilter {
        search: Some(text.to_owned()),
        ..AccessGroupFilter::default()
    };
    assert_eq!(found(search("TEAM")).await, ["team one"]);
    assert_eq!(found(search("0%")).await, ["100% others"]);
    assert!(found(search("*")).await.is_empty(), "a star stands for itself");
    let of = AccessGroupFilter { iam_id: Some(user().to_string()), ..search("") };
    assert!(found(of).await.is_empty());
    not_found!(s.access_group(&b.may_here(Action::AccessGroupRead), &group.id).await);
    let add = b.may_here(Action::MemberAdd);
    let one = vec![member(&w, b)];
    not_found!(s.members_add(&add, &group.id, one, meta::Change::default()).await);
    let taken = AccessGroup { name: "100% others".to_owned(), revision: 2, ..group };
    let update = a.may_here(Action::AccessGroupUpdate);
    refused!(
        s.access_group_write(&update, taken, meta::Change::default()).await,
        StoreError::Refused(Refusal::NameTaken { .. })
    );
}

/// A role is made, written over, kept while a policy gives it, and deleted.
pub async fn a_custom_role_lives(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (s, a) = (&w.store, &w.a);
    let (now, by) = (w.tick(), a.caller.principal.clone());
    let role = CustomRole {
        id: RoleId::mint("r-", &*w.entropy),
        account: a.account.clone(),
        name: "Curator".to_owned(),
        service: "is".to_owned(),
        display_name: "Curator".to_owned(),
        description: "cares".to_owned(),
        actions: vec!["is.image.image.read".to_owned(), "is.image.image.update".to_owned()],
        created_at: now,
        created_by: by.clone(),
        modified_at: now,
        modified_by: by,
        revision: 1,
    };
    let change = || w.change(a, "iam-am.role.create", &role.id);
    let create = a.may_here(Action::RoleCreate);
    s.role_create(&create, role.clone(), change()).await.unwrap();
    let twin = CustomRole { id: RoleId::mint("r-", &*w.entropy), ..role.clone() };
    refused!(
        s.role_create(&create, twin, change()).await,
        StoreError::Refused(Refusal::NameTaken { .. })
    );
    let read = a.may_here(Action::RoleRead);
    assert_eq!(s.roles(&read).await.unwrap(), std::slice::from_ref(&role));
    assert!(s.roles(&w.b.may_here(Action::RoleRead)).await.unwrap().is_empty());
    let mut policy = policy_of(&w, a, ("iam_id", "iam-ServiceId-1"), Role::Viewer);
    policy.terms.roles = vec![role.crn()];
    policy_put(&w, a, &policy).await.unwrap();
    let delete = a.may_here(Action::RoleDelete);
    refused!(
        s.role_delete(&delete, &role.id, change()).await,
        StoreError::Refused(Refusal::RoleInUse { .. })
    );
    // A principal that goes takes the policies for it along.
    let (account, kind) = (a.account.clone(), PrincipalKind::ServiceId);
    let robot = Principal::new(user(), account, kind, "robot".to_owned(), w.tick());
    let make = a.may_here(Action::ServiceIdCreate);
    s.principal_create(&make, robot, None, meta::Change::default()).await.unwrap();
    let before = s.access_generation(system(), &a.account).await.unwrap();
    let go = a.may_here(Action::ServiceIdDelete);
    s.principal_delete(&go, &user(), meta::Change::default()).await.unwrap();
    assert!(s.access_generation(system(), &a.account).await.unwrap() > before);
    s.role_delete(&delete, &role.id, change()).await.unwrap();
    not_found!(s.role_delete(&delete, &role.id, change()).await);
}

/// What a reader sees whose one policy is this.
fn seen_by(w: &World, narrow: impl FnOnce(&mut PolicyTerms)) -> (Access, Scope) {
    let mut policy = policy_of(w, &w.a, ("iam_id", "iam-ServiceId-1"), Role::Viewer);
    narrow(&mut policy.terms);
    let caller = Caller { principal: user(), account: w.a.account.clone(), owner: false };
    let region = RegionName::parse("us-south").unwrap();
    let access = Access::of(&caller, &region, &[policy], &[]);
    let scope = access.scope(Action::VolumeRead, w.tick()).unwrap();
    (access, scope)
}

/// Six volumes of the first account: two in a group of their own, the last one with a tag.
async fn six_volumes(w: &World, team: &ResourceGroupId) -> Vec<VolumeId> {
    let (s, a) = (&w.store, &w.a);
    let mut ids = Vec::new();
    for n in 0..6 {
        let mut volume = w.new_data_volume(a, &format!("volume-{n}"));
        if n < 2 {
            volume.head.group = team.clone();
        }
        ids.push(volume.head.id.clone());
        let (account, group) = (a.account.clone(), volume.head.group.clone());
        let new = Resource::New { account, group };
        let permit = policy::permit(&a.caller, Action::VolumeCreate, new).unwrap();
        let change = w.change(a, "is.volume.volume.create", &volume.head.id);
        s.volume_create(&permit, volume, change).await.unwrap();
    }
    let volume = s.volume(&a.sees(), &ids[5]).await.unwrap().volume;
    let crn = Crn::vpc(volume.zone.as_str(), &a.account, "volume", ids[5].as_str());
    let permit = a.may_here(Action::TagCreateAccess);
    let tag = model::Tag::parse("env:dev").unwrap();
    let made = vec![(tag.clone(), meta::Change::default())];
    s.access_tags_create(&permit, made).await.unwrap();
    w.attach(a, &crn, TagKind::Access, &[tag], TagMode::Add).await.unwrap();
    ids
}

/// Lists, totals and reads show what the policies speak of: groups, ids, patterns, tags.
pub async fn readers_of_a_part_see_that_part(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let (s, a) = (&w.store, &w.a);
    let team = w.group_put(a, "team").await;
    let ids = six_volumes(&w, &team.id).await;
    let check = async |scope: Scope, wanted: &[usize]| {
        let mut found = Vec::new();
        let mut next = page(1);
        loop {
            let got = s.volumes(&scope, &VolumeFilter::default(), &next).await.unwrap();
            assert_eq!(got.total, wanted.len() as u64);
            found.extend(got.items.into_iter().map(|v| v.volume.head.id));
            match got.next {
                Some(after) => next.after = Some(after),
                None => break,
            }
        }
        found.sort();
        let mut wanted_ids: Vec<_> = wanted.iter().map(|n| ids[*n].clone()).collect();
        wanted_ids.sort();
        assert_eq!(found, wanted_ids);
        for (n, id) in ids.iter().enumerate() {
            let read = s.volume(&scope, id).await;
            assert_eq!(read.is_ok(), wanted.contains(&n), "{n}");
        }
    };
    let equals = Attribute::equals;
    let group = equals("resourceGroupId", team.id.as_str());
    check(seen_by(&w, |t| t.resource.push(group.clone())).1, &[0, 1]).await;
    let id = equals("volumeId", ids[3].as_str());
    check(seen_by(&w, |t| t.resource.push(id)).1, &[3]).await;
    check(seen_by(&w, |t| t.tags.push(equals("env", "dev"))).1, &[5]).await;
    let pattern = Attribute {
        operator: Operator::StringMatch,
        ..equals("resource", &format!("{}*", &ids[2].as_str()[..20]))
    };
    check(seen_by(&w, |t| t.resource.push(pattern)).1, &[2]).await;
    let shouting = Attribute {
        operator: Operator::StringMatch,
        ..equals("resource", &format!("{}*", ids[2].as_str()[..20].to_uppercase()))
    };
    check(seen_by(&w, |t| t.resource.push(shouting)).1, &[]).await;
    check(seen_by(&w, |_| ()).1, &[0, 1, 2, 3, 4, 5]).await;

    let (access, _) = seen_by(&w, |t| t.resource.push(group));
    let query = SearchQuery::All;
    let scopes = access.scopes(w.tick());
    let (found, _) = s.search(&scopes, &w.region, &query, None, 50).await.unwrap();
    let kinds: Vec<_> = found.iter().map(|f| f.crn.kind.as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "volume").count(), 2);
    assert_eq!(kinds.iter().filter(|kind| **kind == "resource-group").count(), 1);
    let groups = scopes.of("resource-group").unwrap();
    let all = s.resource_groups(groups, &GroupFilter::default()).await.unwrap();
    assert_eq!(all.into_iter().map(|g| g.id).collect::<Vec<ResourceGroupId>>(), [team.id]);
    not_found!(s.resource_group(groups, &a.group).await);
}
