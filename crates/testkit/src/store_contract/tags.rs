//! Tags: attach, detach, names of an account, limits.

use base::Crn;
use meta::{Change, InstanceEnd, StoreError, TagFilter};
use model::{Limit, Refusal, SearchQuery, Tag, TagKind, TagMode, TagPattern, VolumePatch};
use policy::Action;

use super::{
    FreshStore,
    world::{Made, Tenant, World, system},
};
use crate::{not_found, refused};

/// A tag.
fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

fn tags(texts: &[&str]) -> Vec<Tag> {
    texts.iter().map(|text| tag(text)).collect()
}

fn many(count: u64, word: &str) -> Vec<Tag> {
    (0..count).map(|n| tag(&format!("{word}:{n}"))).collect()
}

impl World {
    /// Attaches to a resource.
    pub(super) async fn attach(
        &self,
        tenant: &Tenant,
        crn: &Crn,
        kind: TagKind,
        new: &[Tag],
        mode: TagMode,
    ) -> Result<(), StoreError> {
        let action = match kind {
            TagKind::User | TagKind::Service => Action::TagAttachUser,
            TagKind::Access => Action::TagAttachAccess,
        };
        let permit = tenant.may(action, &crn.resource);
        let change = self.change(tenant, "is.tag.attach", crn);
        self.store.tags_attach(&permit, &self.region, crn, kind, new, mode, change).await
    }

    /// Attaches user tags.
    pub(super) async fn tagged(&self, tenant: &Tenant, crn: &Crn, new: &[&str]) {
        self.attach(tenant, crn, TagKind::User, &tags(new), TagMode::Add).await.unwrap();
    }

    async fn detach(
        &self,
        tenant: &Tenant,
        crn: &Crn,
        kind: TagKind,
        pattern: &str,
    ) -> Result<(), StoreError> {
        let action = match kind {
            TagKind::User | TagKind::Service => Action::TagDetachUser,
            TagKind::Access => Action::TagDetachAccess,
        };
        let permit = tenant.may(action, &crn.resource);
        let change = self.change(tenant, "is.tag.detach", crn);
        let patterns = [TagPattern::parse(pattern).unwrap()];
        self.store.tags_detach(&permit, &self.region, crn, kind, &patterns, change).await
    }

    /// User, access and service tags as search shows them.
    async fn tags_of(&self, tenant: &Tenant, crn: &Crn) -> (Vec<String>, Vec<String>) {
        let query = SearchQuery::crn(crn);
        let found = self.store.search(&tenant.sees_each(), &self.region, &query, None, 10).await;
        let mut items = found.unwrap().0;
        assert_eq!(items.len(), 1, "{crn}");
        let item = items.remove(0);
        assert!(item.service_tags.is_empty());
        (item.user_tags, item.access_tags)
    }

    async fn access_create(&self, tenant: &Tenant, new: &[Tag]) -> Result<Vec<bool>, StoreError> {
        let permit = tenant.may_here(Action::TagCreateAccess);
        let change = |tag| self.change(tenant, "global-search-tagging.tag.create", tag);
        let new = new.iter().map(|tag| (tag.clone(), change(tag))).collect();
        self.store.access_tags_create(&permit, new).await
    }

    /// A new SSH key's CRN.
    pub(super) async fn key_crn(&self, tenant: &Tenant, name: &str) -> Crn {
        let key = self.key(tenant, name).await;
        Crn::vpc(self.region.as_str(), &tenant.account, "key", key.head.id.as_str())
    }

    /// A finished image's CRN, with all that it was made of.
    pub(super) async fn image_crn(&self, tenant: &Tenant, name: &str) -> Crn {
        let net = self.net(tenant).await;
        let made = self.stopped(tenant, &net, "source").await;
        let image = self.image(tenant, &made.volume, name).await;
        Crn::vpc(self.region.as_str(), &tenant.account, "image", image.as_str())
    }

    /// Deletes an instance with its boot volume, to the end.
    async fn instance_gone(&self, tenant: &Tenant, made: &Made) {
        let (s, c) = (&self.store, Change::default);
        let job = self.job(tenant, "instance-delete", &made.id);
        let (id, permit) = (job.id.clone(), tenant.may(Action::InstanceDelete, &made.id));
        s.instance_delete(&permit, &made.id, job, c()).await.unwrap();
        let fence = self.claim_of(&id).await;
        let job = self.job(tenant, "volume-delete", &made.volume);
        let (id, jobs) = (job.id.clone(), vec![(made.volume.clone(), job)]);
        s.instance_gone(
            system(),
            &fence,
            &made.id,
            InstanceEnd { volumes: jobs, vnis: Vec::new() },
            c(),
        )
        .await
        .unwrap();
        self.finish(&fence).await;
        let fence = self.claim_of(&id).await;
        s.volume_gone(system(), &fence, &made.volume, c()).await.unwrap();
    }

    async fn names(&self, tenant: &Tenant, filter: TagFilter) -> Vec<String> {
        let (found, total) = self.store.tags(&tenant.sees(), &filter).await.unwrap();
        assert!(total >= found.len() as u64);
        found.iter().map(Tag::to_string).collect()
    }
}

/// Every tag of a kind.
fn all(kind: TagKind) -> TagFilter {
    TagFilter {
        kind,
        attached_to: None,
        attached_only: false,
        descending: false,
        offset: 0,
        limit: 1_000,
    }
}

/// S4: tags are attached to an image and other resources, in order and each once, and detached
/// by pattern; each with its event. Whoever reads next sees it.
pub async fn tags_are_attached_and_detached(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let key = w.key_crn(&w.a, "key").await;
    let image = w.image_crn(&w.a, "image").await;
    let events = w.events(&w.a).await;
    for crn in [&image, &key] {
        w.tagged(&w.a, crn, &["b", "env:dev"]).await;
        w.tagged(&w.a, crn, &["a", "b"]).await;
        assert_eq!(w.tags_of(&w.a, crn).await.0, ["b", "env:dev", "a"]);
        let new = tags(&["env:prod"]);
        w.attach(&w.a, crn, TagKind::User, &new, TagMode::Update).await.unwrap();
        assert_eq!(w.tags_of(&w.a, crn).await.0, ["b", "a", "env:prod"]);
        w.detach(&w.a, crn, TagKind::User, "env:*").await.unwrap();
        w.detach(&w.a, crn, TagKind::User, "nothing").await.unwrap();
        assert_eq!(w.tags_of(&w.a, crn).await.0, ["b", "a"]);
        let new = tags(&["z", "b"]);
        w.attach(&w.a, crn, TagKind::User, &new, TagMode::Replace).await.unwrap();
        assert_eq!(w.tags_of(&w.a, crn).await.0, ["b", "z"]);
        w.detach(&w.a, crn, TagKind::User, "*").await.unwrap();
        assert_eq!(w.tags_of(&w.a, crn).await, (Vec::new(), Vec::new()));
    }
    assert_eq!(w.events(&w.a).await, events + 14);
}

/// A volume's user tags are the same tags, whichever way they come; a revision that was read
/// before is an old one then.
pub async fn user_tags_of_volumes_are_tags(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let mut volume = w.new_volume(&w.a, "boot");
    volume.user_tags = vec!["one".to_owned(), "two".to_owned()];
    let id = w.volume_put(&w.a, volume).await;
    let read = || async { w.store.volume(&w.a.sees(), &id).await.unwrap().volume };
    let old = read().await;
    let crn = Crn::vpc(old.zone.as_str(), &w.a.account, "volume", id.as_str());
    assert_eq!(w.tags_of(&w.a, &crn).await.0, ["one", "two"]);
    w.tagged(&w.a, &crn, &["three"]).await;
    assert_eq!(read().await.user_tags, ["one", "two", "three"]);
    let permit = w.a.may(Action::VolumeUpdate, &id);
    let patch = |new: &[&str]| VolumePatch {
        user_tags: Some(new.iter().map(|t| (*t).to_owned()).collect()),
        ..VolumePatch::default()
    };
    let update = |revision, patch| {
        let (job, none) = (w.job(&w.a, "volume-grow", &id), Change::default());
        w.store.volume_update(&permit, &id, revision, patch, job, none)
    };
    refused!(update(old.head.revision, patch(&["x"])).await, StoreError::Changed { .. });
    let now = read().await.head.revision;
    update(now, patch(&["three", "one", "new"])).await.unwrap();
    assert_eq!(read().await.user_tags, ["three", "one", "new"]);
    w.detach(&w.a, &crn, TagKind::User, "t*").await.unwrap();
    assert_eq!(w.tags_of(&w.a, &crn).await.0, ["one", "new"]);
    let filter = meta::VolumeFilter { tag: Some("new".to_owned()), ..Default::default() };
    let page = super::world::page(10);
    let found = w.store.volumes(&w.a.sees(), &filter, &page).await.unwrap();
    assert_eq!((found.total, found.items.len()), (1, 1));
    assert_eq!(w.names(&w.a, all(TagKind::User)).await, ["new", "one", "three", "two"]);
}

/// A resource that is not there, elsewhere, or another account's takes no tag.
pub async fn only_own_resources_are_tagged(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let crn = w.key_crn(&w.a, "key").await;
    let parts = |change: fn(&mut Crn)| {
        let mut other = crn.clone();
        change(&mut other);
        other
    };
    for wrong in [
        parts(|c| c.resource = "r006-nothing".to_owned()),
        parts(|c| c.location = "eu-de".to_owned()),
        parts(|c| c.kind = "image".to_owned()),
        parts(|c| c.service = "kms".to_owned()),
        parts(|c| c.instance = "x".to_owned()),
        parts(|c| c.account = None),
    ] {
        not_found!(w.attach(&w.a, &wrong, TagKind::User, &tags(&["a"]), TagMode::Add).await);
        not_found!(w.detach(&w.a, &wrong, TagKind::User, "*").await);
        not_found!(w.store.tag_target(&w.a.sees(), &w.region, &wrong).await);
    }
    not_found!(w.attach(&w.b, &crn, TagKind::User, &tags(&["a"]), TagMode::Add).await);
    not_found!(w.store.tag_target(&w.b.sees(), &w.region, &crn).await);
    w.tagged(&w.a, &crn, &["a"]).await;
    not_found!(w.detach(&w.b, &crn, TagKind::User, "*").await);
    assert_eq!(w.names(&w.b, all(TagKind::User)).await, [] as [&str; 0]);
    let filter = TagFilter { attached_to: Some(crn.to_string()), ..all(TagKind::User) };
    assert_eq!(w.names(&w.b, filter.clone()).await, [] as [&str; 0]);
    assert_eq!(w.names(&w.a, filter).await, ["a"]);
    let wrong = w.a.may(Action::TagDetachUser, &crn.resource);
    let (kind, mode) = (TagKind::User, TagMode::Add);
    let change = Change::default;
    let attached =
        w.store.tags_attach(&wrong, &w.region, &crn, kind, &tags(&["b"]), mode, change()).await;
    refused!(attached, StoreError::PermitMismatch);
    let detached = w.store.tags_detach(&wrong, &w.region, &crn, TagKind::Access, &[], change());
    refused!(detached.await, StoreError::PermitMismatch);
}

/// An access tag is made before it is attached, and an account has 250 at most.
pub async fn access_tags_come_first(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let crn = w.key_crn(&w.a, "key").await;
    let one = tags(&["project:x"]);
    let missing = w.attach(&w.a, &crn, TagKind::Access, &one, TagMode::Add).await;
    refused!(missing, StoreError::Refused(Refusal::AccessTagUnknown { .. }));
    let most = many(Limit::ACCESS_TAGS_MAX.max, "n");
    assert_eq!(w.access_create(&w.a, &most[1..]).await.unwrap(), vec![true; 249]);
    let over = w.access_create(&w.a, &[tag("project:x"), tag("project:y")]).await;
    refused!(over, StoreError::Refused(Refusal::OverLimit { limit: Limit::ACCESS_TAGS_MAX }));
    let missing = w.attach(&w.a, &crn, TagKind::Access, &one, TagMode::Add).await;
    refused!(missing, StoreError::Refused(_));
    assert_eq!(w.access_create(&w.a, &[one[0].clone(), tag("n:1")]).await.unwrap(), [true, false]);
    refused!(w.access_create(&w.a, &tags(&["a:b"])).await, StoreError::Refused(_));
    assert_eq!(w.access_create(&w.b, &one).await.unwrap(), [true]);
    w.attach(&w.a, &crn, TagKind::Access, &one, TagMode::Add).await.unwrap();
    w.tagged(&w.a, &crn, &["project:x"]).await;
    let x = vec!["project:x".to_owned()];
    assert_eq!(w.tags_of(&w.a, &crn).await, (x.clone(), x));
    w.attach(&w.a, &crn, TagKind::Access, &most[1..], TagMode::Add).await.unwrap();
    assert_eq!(w.tags_of(&w.a, &crn).await.1.len(), 250);
    let wrong = w.a.may_here(Action::TagDeleteUser);
    let made = w.store.access_tags_create(&wrong, Vec::new()).await;
    refused!(made, StoreError::PermitMismatch);
}

/// A resource has 1000 user tags at most; one that has them all can still lose and swap some.
pub async fn user_tags_at_both_sides_of_their_limit(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let crn = w.key_crn(&w.a, "key").await;
    let most = many(Limit::USER_TAGS_MAX.max, "n");
    let one = tags(&["one"]);
    let over = [&most[..], &one[..]].concat();
    for (new, fits) in [(&over, false), (&most, true), (&one, false)] {
        let done = w.attach(&w.a, &crn, TagKind::User, new, TagMode::Add).await;
        if fits {
            done.unwrap();
        } else {
            let limit = Limit::USER_TAGS_MAX;
            assert!(
                matches!(&done, Err(StoreError::Refused(Refusal::OverLimit { limit: l })) if *l == limit),
                "{done:?}"
            );
        }
    }
    w.attach(&w.a, &crn, TagKind::User, &most, TagMode::Add).await.unwrap();
    assert_eq!(w.tags_of(&w.a, &crn).await.0.len(), 1_000);
    w.attach(&w.a, &crn, TagKind::User, &one, TagMode::Replace).await.unwrap();
    assert_eq!(w.tags_of(&w.a, &crn).await.0, ["one"]);
}

/// Names stay when the last resource loses the tag, and are deleted one by one or all unused.
pub async fn names_of_tags_stay_until_deleted(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let crn = w.key_crn(&w.a, "key").await;
    w.tagged(&w.a, &crn, &["c", "a", "b", "d"]).await;
    for pattern in ["a", "b", "d"] {
        w.detach(&w.a, &crn, TagKind::User, pattern).await.unwrap();
    }
    let list = |filter| w.names(&w.a, filter);
    let every = all(TagKind::User);
    assert_eq!(list(every.clone()).await, ["a", "b", "c", "d"]);
    assert_eq!(list(TagFilter { descending: true, ..every.clone() }).await, ["d", "c", "b", "a"]);
    assert_eq!(list(TagFilter { offset: 1, limit: 2, ..every.clone() }).await, ["b", "c"]);
    assert_eq!(list(TagFilter { attached_only: true, ..every.clone() }).await, ["c"]);
    let permit = w.a.may_here(Action::TagDeleteUser);
    let change = || w.change(&w.a, "global-search-tagging.tag.delete", "x");
    let delete = |text: &str| {
        let (store, permit, change) = (w.store.clone(), permit.clone(), change());
        let tag = tag(text);
        async move { store.tag_delete(&permit, TagKind::User, &tag, change).await }
    };
    refused!(delete("c").await, StoreError::Refused(Refusal::TagInUse { .. }));
    delete("a").await.unwrap();
    not_found!(delete("a").await);
    w.tagged(&w.b, &w.key_crn(&w.b, "key").await, &["b"]).await;
    let gone = w.store.tags_delete_unused(&permit, TagKind::User, change()).await.unwrap();
    assert_eq!(gone, tags(&["b", "d"]));
    assert_eq!(list(every.clone()).await, ["c"]);
    assert_eq!(w.names(&w.b, every).await, ["b"]);
    let access = w.store.tags_delete_unused(&permit, TagKind::Access, change()).await;
    refused!(access, StoreError::PermitMismatch);
    let access = w.store.tag_delete(&permit, TagKind::Access, &tag("a:b"), change()).await;
    refused!(access, StoreError::PermitMismatch);
    let service = w.store.tag_delete(&permit, TagKind::Service, &tag("a"), change()).await;
    refused!(service, StoreError::Refused(Refusal::ServiceTags));
    let service = w.attach(&w.a, &crn, TagKind::Service, &tags(&["a"]), TagMode::Add).await;
    refused!(service, StoreError::Refused(Refusal::ServiceTags));
    let service = w.detach(&w.a, &crn, TagKind::Service, "*").await;
    refused!(service, StoreError::Refused(Refusal::ServiceTags));
}

/// A resource that goes takes its tags along: the account keeps only their names.
pub async fn tags_go_with_their_resource(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let net = w.net(&w.a).await;
    let made = w.stopped(&w.a, &net, "vm").await;
    let vpc = &net.vpc;
    let crn = |location: &str, kind, id: &str| Crn::vpc(location, &w.a.account, kind, id);
    let (region, zone) = (w.region.as_str(), w.zone());
    let key = w.key_crn(&w.a, "key").await;
    let all_of = [
        crn(zone.as_str(), "instance", made.id.as_str()),
        crn(zone.as_str(), "subnet", net.subnet.head.id.as_str()),
        crn(region, "vpc", vpc.head.id.as_str()),
        crn(region, "security-group", vpc.default_security_group.as_str()),
        crn(region, "network-acl", vpc.default_acl.as_str()),
        crn(region, "routing-table", vpc.default_routing_table.as_str()),
        crn(zone.as_str(), "volume", made.volume.as_str()),
        key.clone(),
    ];
    for crn in &all_of {
        w.tagged(&w.a, crn, &["here"]).await;
    }
    w.instance_gone(&w.a, &made).await;
    let c = Change::default;
    let subnet = &net.subnet.head.id;
    w.store.subnet_delete(&w.a.may(Action::SubnetDelete, subnet), subnet, c()).await.unwrap();
    let id = &vpc.head.id;
    w.store.vpc_delete(&w.a.may(Action::VpcDelete, id), id, c()).await.unwrap();
    let id = base::KeyId::parse(&key.resource).unwrap();
    w.store.key_delete(&w.a.may(Action::KeyDelete, &id), &id, c()).await.unwrap();
    for crn in &all_of {
        let filter = TagFilter { attached_to: Some(crn.to_string()), ..all(TagKind::User) };
        assert_eq!(w.names(&w.a, filter).await, [] as [&str; 0], "{crn}");
    }
    let attached = TagFilter { attached_only: true, ..all(TagKind::User) };
    assert_eq!(w.names(&w.a, attached).await, [] as [&str; 0]);
    assert_eq!(w.names(&w.a, all(TagKind::User)).await, ["env:test", "here"]);
}
