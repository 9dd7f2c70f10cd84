//! What access costs: a decision among many policies, tokens, and a list that shows a part.

use std::{hint::black_box, path::Path, time::Duration};

use anyhow::Context;
use base::{AccountId, Clock, PolicyId, PrincipalId, RegionName, ResourceGroupId, SystemClock};
use model::{AccessPolicy, Attribute, PolicyKind, PolicyState, PolicyTerms};
use policy::{Access, Action, Ask, Caller, Resource, Role};
use serde_json::json;

use super::{
    Job,
    client::{self, Client, token_request},
    crowd::{self, Crowd},
    figure::{Figure, Goal, Report},
    rig,
    server::Server,
};

/// Policies that a decision is made of, all of them the caller's own.
const POLICIES: usize = 1_000;
/// Decisions in each turn.
const DECISIONS: u32 = 10_000;
/// Images of the region.
const IMAGES: u32 = 100_000;
/// Resource groups that they are in, in turn; the reader sees one.
const GROUPS: u32 = 100;
/// Images on a page that is measured.
const PAGE: usize = 50;
/// Pages asked for in each turn.
const PAGES: usize = 500;
/// Connections that ask for tokens at once.
const CONNECTIONS: usize = 4;
/// In microseconds.
const DECISION_GOAL: Goal = Goal::Below(50.0);
/// Tokens a second.
const TOKEN_GOAL: Goal = Goal::AtLeast(500.0);
/// Slowest page in a hundred, in milliseconds.
const PAGE_GOAL: Goal = Goal::Below(10.0);

/// Measures.
pub fn run(job: &Job<'_>) -> anyhow::Result<Report> {
    let wanted = |part: &str| job.only.is_none_or(|only| only == part);
    let mut figures = Vec::new();
    if wanted("decide") {
        figures.extend(decide(job.runs)?);
    }
    if wanted("tokens") {
        figures.extend(tokens(job)?);
    }
    if wanted("list") {
        figures.extend(list(job)?);
    }
    Ok(Report { name: "iam", figures })
}

/// A policy for one resource group.
fn policy(
    caller: &Caller,
    group: &ResourceGroupId,
    now: base::Timestamp,
) -> anyhow::Result<AccessPolicy> {
    Ok(AccessPolicy {
        id: PolicyId::parse(group.as_str())?,
        account: caller.account.clone(),
        kind: PolicyKind::Access,
        terms: PolicyTerms {
            subject: vec![Attribute::equals("iam_id", caller.principal.as_str())],
            roles: vec![Role::Editor.crn()],
            resource: vec![
                Attribute::equals("accountId", caller.account.as_str()),
                Attribute::equals("serviceName", "is"),
                Attribute::equals("resourceGroupId", group.as_str()),
            ],
            ..PolicyTerms::default()
        },
        state: PolicyState::Active,
        created_at: now,
        created_by: caller.principal.clone(),
        modified_at: now,
        modified_by: caller.principal.clone(),
        revision: 1,
    })
}

/// One decision, where only the last policy allows, and where none does.
fn decide(runs: u32) -> anyhow::Result<Vec<Figure>> {
    let clock = SystemClock::new();
    let caller = Caller {
        principal: PrincipalId::parse("iam-ServiceId-bench")?,
        account: AccountId::parse(&"0123456789abcdef".repeat(2))?,
        owner: false,
    };
    let group = |n: usize| ResourceGroupId::parse(&format!("{n:032x}"));
    let policies = (0..POLICIES)
        .map(|n| policy(&caller, &group(n)?, clock.wall()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let access = Access::of(&caller, &RegionName::parse("us-south")?, &policies, &[]);
    let now = clock.wall();
    let mut figures = Vec::new();
    for (what, place, allowed) in
        [("allowed by the last", POLICIES - 1, true), ("denied", POLICIES, false)]
    {
        let resource = Resource::One {
            account: caller.account.clone(),
            group: group(place)?,
            id: "r006-bench".to_owned(),
        };
        let mut samples = Vec::new();
        // The first is not counted: it fills caches that a running region has.
        for run in 0..=runs {
            let began = clock.monotonic();
            for _ in 0..DECISIONS {
                let ask = Ask::about(Action::ImageDelete, black_box(resource.clone()));
                let decided = access.permit(ask, now).is_ok();
                anyhow::ensure!(decided == allowed, "a wrong decision: {what}");
            }
            let took = (clock.monotonic() - began) / DECISIONS;
            if run > 0 {
                samples.push(took.as_secs_f64() * 1e6);
            }
        }
        let name = format!("a decision among {POLICIES} policies, {what}");
        figures.extend(Figure::of(name, "us", &samples, DECISION_GOAL));
    }
    Ok(figures)
}

/// A region that answers, with so many images in so many groups.
fn with_region(
    job: &Job<'_>,
    (images, groups): (u32, u32),
    measure: fn(&Server, &Crowd, u32, Duration) -> anyhow::Result<Vec<Figure>>,
) -> anyhow::Result<Vec<Figure>> {
    let (runs, window) = (job.runs, Duration::from_secs(job.seconds));
    rig::with_folder(job.dir, async |folder: &Path| {
        let crowd = crowd::gather(&folder.join("data"), images, groups).await?;
        let measured = tokio::task::spawn_blocking(move || {
            let (server, _) = Server::start(&crowd.data)?;
            measure(&server, &crowd, runs, window)
        });
        measured.await?
    })
}

/// Tokens a second, by API key, on connections that are kept.
fn tokens(job: &Job<'_>) -> anyhow::Result<Vec<Figure>> {
    with_region(job, (0, 0), |server, crowd, runs, window| {
        let mut rates = Vec::new();
        for run in 0..=runs {
            let rate = client::rate(CONNECTIONS, window, |_, running| {
                tokens_while(server, &crowd.api_key, running)
            })?;
            if run > 0 {
                rates.push(rate);
            }
        }
        let name = format!("tokens by API key, {CONNECTIONS} connections");
        Ok(Figure::rate(name, "tokens/s", &rates, TOKEN_GOAL).into_iter().collect())
    })
}

/// Asks on one connection for as long as that; how often.
fn tokens_while(server: &Server, api_key: &str, running: &dyn Fn() -> bool) -> anyhow::Result<u64> {
    let mut client = Client::new(server.address(), api_key)?;
    let request = token_request(server.address(), api_key);
    let mut made = 0;
    while running() {
        client.ask(&request)?;
        made += 1;
    }
    Ok(made)
}

/// A page for a Viewer of one resource group among many.
fn list(job: &Job<'_>) -> anyhow::Result<Vec<Figure>> {
    with_region(job, (IMAGES, GROUPS), |server, crowd, runs, _| {
        let key = viewer(server, crowd)?;
        let mut client = Client::new(server.address(), &key)?;
        let first = client.get(&format!("/images?limit={PAGE}&visibility=private"));
        let page = client.json(&first)?;
        let seen = (page["total_count"].as_u64(), page["images"].as_array().map(Vec::len));
        let whole = (Some(u64::from(IMAGES / GROUPS)), Some(PAGE));
        anyhow::ensure!(seen == whole, "the Viewer sees {seen:?} instead of {whole:?}");
        let both = client.get(&format!("/images?limit={PAGE}"));
        let mut samples = [const { Vec::new() }; 2];
        for run in 0..=runs {
            for (request, samples) in [&both, &first].into_iter().zip(&mut samples) {
                let took = client.p99(request, PAGES)?;
                if run > 0 {
                    samples.push(took);
                }
            }
        }
        let figures = ["", ", private ones"].iter().zip(&samples).map(|(what, samples)| {
            let name = format!(
                "{PAGE} of {IMAGES} images{what}, by a Viewer of one group of {GROUPS}, p99"
            );
            Figure::of(name, "ms", samples, PAGE_GOAL)
        });
        Ok(figures.flatten().collect())
    })
}

/// Makes a service ID that is a Viewer of the first resource group; its API key.
fn viewer(server: &Server, crowd: &Crowd) -> anyhow::Result<String> {
    let mut owner = Client::new(server.address(), &crowd.api_key)?;
    let want = json!({
        "account_id": crowd.account, "name": "reader", "apikey": {"name": "reader"}});
    let made = owner.post("/v1/serviceids/", &want)?;
    let group = crowd.groups.first().context("no resource group")?;
    let want = json!({
        "type": "access",
        "subjects": [{"attributes": [{"name": "iam_id", "value": made["iam_id"]}]}],
        "roles": [{"role_id": Role::Viewer.crn()}],
        "resources": [{"attributes": [
            {"name": "accountId", "value": crowd.account},
            {"name": "serviceName", "value": "is"},
            {"name": "resourceGroupId", "value": group},
        ]}],
    });
    owner.post("/v1/policies", &want)?;
    made["apikey"]["apikey"].as_str().map(str::to_owned).context("a service ID without key")
}
