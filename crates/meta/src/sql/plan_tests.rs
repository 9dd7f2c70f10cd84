//! How SQLite finds the pages of each list: the plans are a golden file, and none of an
//! unfiltered list may sort or walk a table.

use std::{cell::RefCell, fmt::Write as _, fs, path::PathBuf, sync::Arc};

use base::{AccountId, OsEntropy, PrincipalId, SystemClock, VpcId};
use model::{AccessPolicy, Attribute, PolicyKind, PolicyState, PolicyTerms};
use policy::{Action, Caller, InternalActor, Scope, SystemPermit};

use super::{SqlStore, session::Sql, value::Binds};
use crate::{
    FirewallStore as _, FloatingIpFilter, FloatingIpStore as _, ImageFilter, ImageStore as _,
    InstanceFilter, InstanceStore as _, JobStore as _, NetworkStore as _, OutboxStore as _, Page,
    PageKey, ReservedIpFilter, SecurityGroupFilter, SubnetFilter, TagStore as _, VniFilter,
    VniStore as _, VolumeFilter, VolumeStore as _, VpcFilter,
};

/// With this variable set to 1, the golden file is written instead of compared.
const UPDATE: &str = "ECTYPE_UPDATE_GOLDEN";

thread_local! {
    static SEEN: RefCell<Option<Vec<(String, Binds)>>> = const { RefCell::new(None) };
}

/// Remembers a statement while a test listens.
pub(super) fn record(sql: &Sql, binds: &Binds) {
    SEEN.with_borrow_mut(|seen| {
        if let Some(seen) = seen {
            seen.push((sql.to_string(), binds.clone()));
        }
    });
}

async fn store() -> (tempfile::TempDir, SqlStore) {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("meta.db").display());
    let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(OsEntropy));
    (dir, SqlStore::open_volatile(&url, clock, entropy).await.unwrap())
}

fn account() -> AccountId {
    AccountId::parse("0123456789abcdef0123456789abcdef").unwrap()
}

fn scope() -> Scope {
    let principal = PrincipalId::parse("IBMid-1").unwrap();
    let caller = Caller { principal, account: account(), owner: true };
    policy::scope(&caller, Action::ImageList).unwrap()
}

fn scopes() -> policy::Scopes {
    let principal = PrincipalId::parse("IBMid-1").unwrap();
    let caller = Caller { principal, account: account(), owner: true };
    policy::Access::of_owner(&caller).scopes(base::Timestamp::default())
}

/// What a Viewer of one resource group sees.
fn scope_of_group(action: Action) -> Scope {
    let principal = PrincipalId::parse("IBMid-2").unwrap();
    let caller = Caller { principal: principal.clone(), account: account(), owner: false };
    let now = base::Timestamp::default();
    let policy = AccessPolicy {
        id: base::PolicyId::parse("p").unwrap(),
        account: account(),
        kind: PolicyKind::Access,
        terms: PolicyTerms {
            roles: vec![policy::Role::Viewer.crn()],
            resource: vec![
                Attribute::equals("serviceName", "is"),
                Attribute::equals("resourceGroupId", "g"),
            ],
            ..PolicyTerms::default()
        },
        state: PolicyState::Active,
        created_at: now,
        created_by: principal.clone(),
        modified_at: now,
        modified_by: principal,
        revision: 1,
    };
    let region = base::RegionName::parse("us-south").unwrap();
    policy::Access::of(&caller, &region, &[policy], &[]).scope(action, now).unwrap()
}

/// A VPC and a subnet, so that the lists inside them have a parent.
async fn parents(store: &SqlStore) {
    let mut tx = store.engine.write().await.unwrap();
    tx.script(
        "INSERT INTO accounts VALUES ('0123456789abcdef0123456789abcdef', 'a', 0, NULL, 0);
         INSERT INTO resource_groups VALUES ('g', '0123456789abcdef0123456789abcdef', 'g', 1, 0, 0);
         INSERT INTO vpcs VALUES ('v', '0123456789abcdef0123456789abcdef', 'g', 'v', 0, 1, 'a',
           's', 't');
         INSERT INTO acls VALUES ('a', '0123456789abcdef0123456789abcdef', 'g', 'a', 0, 1, 'v');
         INSERT INTO security_groups VALUES ('s', '0123456789abcdef0123456789abcdef', 'g', 's', 0,
           1, 'v');
         INSERT INTO routing_tables VALUES ('t', '0123456789abcdef0123456789abcdef', 'g', 't', 0,
           1, 'v', 1);
         INSERT INTO subnets VALUES ('n', '0123456789abcdef0123456789abcdef', 'g', 'n', 0, 1, 'v',
           'z', 0, 7, 'a', 't', NULL);"
            .to_owned(),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// Runs every list, the first page and one behind it.
async fn run_lists(store: &SqlStore) {
    let (scope, vpc) = (scope(), VpcId::parse("v").unwrap());
    let subnet = base::SubnetId::parse("n").unwrap();
    let system = SystemPermit::of(InternalActor::Job);
    let after = Some(PageKey { created_at: 5, id: "x".to_owned() });
    for page in [Page { limit: 50, after: None }, Page { limit: 50, after }] {
        store.images(&scope, &ImageFilter::default(), &page).await.unwrap();
        store.volumes(&scope, &VolumeFilter::default(), &page).await.unwrap();
        store.instances(&scope, &InstanceFilter::default(), &page).await.unwrap();
        store.vpcs(&scope, &VpcFilter::default(), &page).await.unwrap();
        store.subnets(&scope, &SubnetFilter::default(), &page).await.unwrap();
        store.prefixes(&scope, &vpc, &page).await.unwrap();
        let all = ReservedIpFilter::default();
        store.reserved_ips(&scope, &subnet, &all, &page).await.unwrap();
        let all = SecurityGroupFilter::default();
        store.security_groups(&scope, &all, &page).await.unwrap();
        store.acls(&scope, None, &page).await.unwrap();
        let all = FloatingIpFilter::default();
        store.floating_ips(&scope, &all, &page).await.unwrap();
        store.public_gateways(&scope, None, &page).await.unwrap();
        store.routing_tables(&scope, &vpc, None, &page).await.unwrap();
        store.keys(&scope, None, &page).await.unwrap();
        store.vnis(&scope, &VniFilter::default(), &page).await.unwrap();
        for by in model::IpOrder::ALL {
            let sort = model::IpSort { by: *by, descending: true };
            let sorted = ReservedIpFilter { sort, ..ReservedIpFilter::default() };
            store.reserved_ips(&scope, &subnet, &sorted, &page).await.unwrap();
        }
    }
    // A part of the account is found by its own index, as the whole is.
    let page = Page { limit: 50, after: None };
    let images = scope_of_group(Action::ImageList);
    store.images(&images, &ImageFilter::default(), &page).await.unwrap();
    let volumes = scope_of_group(Action::VolumeList);
    store.volumes(&volumes, &VolumeFilter::default(), &page).await.unwrap();
    let instances = scope_of_group(Action::InstanceList);
    store.instances(&instances, &InstanceFilter::default(), &page).await.unwrap();
    store.events(system, &account(), 5, 10).await.unwrap();
    store.usage(system, &account()).await.unwrap();
    store.jobs_open(system, 10).await.unwrap();
    store.job_of(system, "subject", "kind").await.unwrap();
    store.image_due_next(system).await.unwrap();
}

/// The plan of each distinct statement, as SQLite tells it.
async fn plans(store: &SqlStore, seen: Vec<(String, Binds)>) -> Vec<(String, Vec<String>)> {
    let mut session = store.engine.glance().await.unwrap();
    let mut plans: Vec<(String, Vec<String>)> = Vec::new();
    for (sql, values) in seen {
        let shown = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        if plans.iter().any(|(other, _)| other == &shown) {
            continue;
        }
        let rows = session.all(format!("EXPLAIN QUERY PLAN {sql}"), values).await.unwrap();
        let steps = rows.into_iter().map(|mut row| {
            for _ in 0..3 {
                row.int().unwrap();
            }
            row.text().unwrap()
        });
        plans.push((shown, steps.collect()));
    }
    plans
}

#[tokio::test]
async fn pages_are_found_by_index() {
    let (_dir, store) = store().await;
    parents(&store).await;
    SEEN.set(Some(Vec::new()));
    run_lists(&store).await;
    let seen = SEEN.take().unwrap();
    let mut text = String::new();
    for (sql, steps) in plans(&store, seen).await {
        writeln!(text, "{sql}").unwrap();
        for step in steps {
            writeln!(text, "    {step}").unwrap();
            assert!(!step.contains("TEMP B-TREE"), "{sql}: {step}");
            let walks = step.starts_with("SCAN ") && !step.contains("USING");
            assert!(!walks, "{sql}: {step}");
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/plans.txt");
    if std::env::var(UPDATE).as_deref() == Ok("1") {
        fs::write(&path, &text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "the plans changed; {UPDATE}=1 writes them:\n{text}");
}

/// S24: a list by status is found by the index of the status.
#[tokio::test]
async fn images_of_a_status_are_found_by_index() {
    let (_dir, store) = store().await;
    SEEN.set(Some(Vec::new()));
    let statuses = Some(vec![model::ImageStatus::Deprecated]);
    let filter = ImageFilter { statuses, ..ImageFilter::default() };
    let page = Page { limit: 50, after: None };
    store.images(&scope(), &filter, &page).await.unwrap();
    let plans = plans(&store, SEEN.take().unwrap()).await;
    let page =
        plans.iter().find(|(sql, _)| sql.contains("i.account_id = $1") && sql.contains("LIMIT"));
    let steps = page.unwrap().1.join("\n");
    assert!(steps.contains("images_status"), "{steps}");
    assert!(!steps.contains("TEMP B-TREE"), "{steps}");
}

/// Every statement of a search, with its plan.
async fn search_plans(store: &SqlStore, text: &str) -> Vec<(String, Vec<String>)> {
    SEEN.set(Some(Vec::new()));
    let region = base::RegionName::parse("us-south").unwrap();
    let query = model::SearchQuery::parse(text).unwrap();
    store.search(&scopes(), &region, &query, None, 50).await.unwrap();
    plans(store, SEEN.take().unwrap()).await
}

/// S4: what Terraform polls for, a resource by its CRN, is one look-up by primary key.
#[tokio::test]
async fn a_crn_is_searched_by_primary_key() {
    let (_dir, store) = store().await;
    let crn = base::Crn::vpc("us-south", &account(), "image", "r006-1");
    let plans = search_plans(&store, &format!("crn:\"{crn}\"")).await;
    let [(sql, steps)] = &plans[..] else { panic!("{plans:?}") };
    assert_eq!(steps[..], ["SEARCH r USING INDEX sqlite_autoindex_images_1 (id=?)"], "{sql}");
}

/// A search of everything walks the indexes of the lists; one by tag, the index of tags.
#[tokio::test]
async fn searches_are_found_by_index() {
    let (_dir, store) = store().await;
    parents(&store).await;
    for (text, index) in [
        ("", "_list"),
        ("type:image AND name:*x*", "images_list"),
        ("type:image AND tags:\"env:dev\"", "tags_find"),
        ("type:image AND tags:*", "tags_find"),
        ("type:image AND name:golden", "sqlite_autoindex_images_2"),
    ] {
        for (sql, steps) in search_plans(&store, text).await {
            // A VPC has one ACL and one routing table or few; an account has few groups.
            let few = ["FROM acls", "FROM routing_tables", "FROM resource_groups"];
            let large = sql.contains(" r ") && !few.iter().any(|from| sql.contains(from));
            if large {
                let steps = steps.join("\n");
                assert!(steps.contains(index), "{text}: {sql}: {steps}");
                let walks = steps.lines().any(|s| s.starts_with("SCAN ") && !s.contains("USING"));
                assert!(!walks, "{text}: {sql}: {steps}");
            }
        }
    }
}
