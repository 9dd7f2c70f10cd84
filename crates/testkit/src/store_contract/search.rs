//! Search: what a store finds is what the evaluator of `model` says.

use base::{Crn, SeededEntropy};
use meta::{PageKey, StoreError};
use model::{Found, SearchQuery, TagKind, TagMode};
use policy::Action;

use super::{
    FreshStore,
    world::{Tenant, World},
};

impl World {
    async fn find(&self, tenant: &Tenant, text: &str, limit: u32) -> Vec<Found> {
        let query = SearchQuery::parse(text).unwrap();
        self.find_by(tenant, &query, None, limit).await.unwrap().0
    }

    async fn find_by(
        &self,
        tenant: &Tenant,
        query: &SearchQuery,
        after: Option<&PageKey>,
        limit: u32,
    ) -> Result<(Vec<Found>, Option<PageKey>), StoreError> {
        self.store.search(&tenant.sees_each(), &self.region, query, after, limit).await
    }

    /// One resource of every type at least, some of them tagged.
    async fn furnished(&self) -> Vec<Found> {
        let image = self.image_crn(&self.a, "golden").await;
        let key = self.key_crn(&self.a, "my-key").await;
        self.key_crn(&self.a, "my-other-key").await;
        self.group_put(&self.a, "Team One").await;
        let mut volume = self.new_data_volume(&self.a, "data");
        volume.user_tags = vec!["env:dev".to_owned(), "a_b".to_owned()];
        self.volume_put(&self.a, volume).await;
        self.tagged(&self.a, &image, &["env:prod", "my tag"]).await;
        self.tagged(&self.a, &key, &["env:dev"]).await;
        let access = model::Tag::parse("project:x").unwrap();
        let new = vec![(access.clone(), meta::Change::default())];
        let permit = self.a.may_here(Action::TagCreateAccess);
        self.store.access_tags_create(&permit, new).await.unwrap();
        self.attach(&self.a, &image, TagKind::Access, &[access], TagMode::Add).await.unwrap();
        let all = self.find(&self.a, "", 1_000).await;
        let kinds: std::collections::BTreeSet<_> =
            all.iter().map(|f| f.crn.kind.as_str()).collect();
        assert_eq!(kinds.len(), 10, "{kinds:?}");
        all
    }

    async fn agrees(&self, all: &[Found], text: &str) -> usize {
        let query = SearchQuery::parse(text).unwrap();
        let found = self.find_by(&self.a, &query, None, 1_000).await.unwrap().0;
        let wanted: Vec<_> = all.iter().filter(|f| query.matches(f)).cloned().collect();
        assert_eq!(found, wanted, "{text}");
        found.len()
    }
}

/// Each way to ask finds what fits, with all tags.
pub async fn a_query_finds_what_fits_it(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let all = w.furnished().await;
    let image = all.iter().find(|f| f.crn.kind == "image").unwrap();
    assert_eq!(image.user_tags, ["env:prod", "my tag"]);
    assert_eq!(image.access_tags, ["project:x"]);
    assert_eq!(image.service_tags, [] as [&str; 0]);
    let instance = all.iter().find(|f| f.crn.kind == "instance").unwrap();
    let crn = |f: &Found| format!("crn:\"{}\"", f.crn);
    let either = format!("crn:(\"{}\" OR \"{}\")", image.crn, instance.crn);
    let upper = crn(instance).to_uppercase().replace("CRN:\"", "crn:\"");
    let group = format!("resource_group_id:{} AND type:image", image.group);
    for (text, count) in [
        ("", all.len()),
        (&crn(image), 1),
        (&crn(instance), 1),
        (&upper, 1),
        (&either, 2),
        (&crn(instance).replace("us-south-1", "us-south-2"), 0),
        (&crn(image).replace("us-south", "eu-de"), 0),
        (&format!("resource_id:{}", image.crn.resource), 1),
        (&group, 1),
        ("name:golden", 1),
        ("name:\"Team One\"", 1),
        ("name:team*", 1),
        ("name:my-*", 2),
        ("name:my-*key AND NOT tags:*", 1),
        ("name:my_key", 0),
        ("tags:\"env:dev\"", 2),
        ("tags:env*", 4),
        ("tags:a_?", 1),
        ("tags:a__", 0),
        ("tags:*", 4),
        ("access_tags:\"project:x\" AND tags:\"my tag\"", 1),
        ("service_tags:*", 0),
        ("type:key OR type:image", 3),
        ("family:resource_controller", 2),
        ("service_name:is AND type:image AND tags:\"env:prod\"", 1),
        ("location:us-south-1 AND type:volume", 2),
        ("region:us-south", all.len()),
        ("crn:*image*", 1),
        ("crn:*us-south-1*volume*", 2),
        ("golden", 1),
        ("NOT (type:image OR type:key) AND tags:*", 2),
        ("creation_date:2026", 0),
    ] {
        assert_eq!(w.agrees(&all, text).await, count, "{text}");
    }
}

/// Queries of random words find what fits them.
pub async fn any_query_finds_what_fits_it(fresh: &dyn FreshStore) {
    const TERMS: [&str; 16] = [
        "type:image",
        "type:key",
        "name:my-*",
        "name:golden",
        "tags:env*",
        "tags:\"env:dev\"",
        "access_tags:*",
        "family:is",
        "location:us-south-1",
        "crn:*key*",
        "golden",
        "name:?ata",
        "service_tags:x",
        "team*",
        "resource_id:r006*",
        "NOT tags:*",
    ];
    let w = World::new(fresh).await;
    let all = w.furnished().await;
    let entropy = SeededEntropy::new(21);
    let pick = |n: u64| usize::try_from(entropy.next_u64() % n).unwrap();
    for _ in 0..150 {
        let mut text = TERMS[pick(16)].to_owned();
        for _ in 0..pick(4) {
            let word = [" AND ", " OR ", " AND NOT ", " ", " -"][pick(5)];
            let next = TERMS[pick(16)];
            text = match pick(3) {
                0 => format!("({text}){word}{next}"),
                1 => format!("NOT ({text}) OR {next}"),
                _ if next.starts_with("NOT") => format!("{text} AND {next}"),
                _ => format!("{text}{word}{next}"),
            };
        }
        w.agrees(&all, &text).await;
    }
}

/// Pages follow each other without gap or repeat, whatever comes between.
pub async fn search_is_paged(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let all = w.furnished().await;
    for limit in [1, 3, 100] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = w.find_by(&w.a, &SearchQuery::All, after.as_ref(), limit).await.unwrap();
            assert!(page.0.len() <= limit as usize);
            seen.extend(page.0);
            after = page.1;
            if after.is_none() {
                break;
            }
            w.key_crn(&w.a, &format!("late-{limit}-{}", seen.len())).await;
        }
        let late = |f: &Found| f.name.starts_with("late-");
        seen.retain(|f| !late(f));
        assert_eq!(seen, all);
    }
}

/// Another account finds nothing of it, nor do stock images count as anyone's.
pub async fn search_stays_in_the_account(fresh: &dyn FreshStore) {
    let w = World::new(fresh).await;
    let all = w.furnished().await;
    w.stock_put(w.new_stock("ibm-stock", "debian-12-amd64")).await;
    let theirs = w.find(&w.b, "", 1_000).await;
    assert_eq!(theirs.len(), 1, "its default group");
    assert_eq!(w.find(&w.a, "", 1_000).await, all);
    let find = |crn: &Crn| SearchQuery::crn(crn);
    for found in &all {
        let (seen, _) = w.find_by(&w.b, &find(&found.crn), None, 10).await.unwrap();
        assert!(seen.is_empty(), "{}", found.crn);
    }
    assert!(w.find(&w.b, "tags:*", 10).await.is_empty());
}
