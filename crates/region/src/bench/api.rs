//! Requests by HTTP: a page of a list among few and among many images, a mix of reads, and many
//! images asked for at once. The client is on the same machine and takes its share of it.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use base::{ByteCount, Clock};
use tokio::task::JoinSet;

use super::{
    Job,
    client::{self, Client},
    crowd::{self, Crowd},
    figure::{Figure, Goal, Report, ms},
    rig::{self, Rig},
    server::Server,
};

/// Images of the small and of the large region.
const IMAGES: [u32; 2] = [1_000, 100_000];
/// Images on a page that is measured.
const PAGE: usize = 50;
/// Pages asked for in each turn; the 99th of a hundred is what counts.
const PAGES: usize = 500;
/// Connections that ask at once.
const CONNECTIONS: usize = 8;
/// Of ten requests of the mix, how many read one image; the others list ten.
const READS_OF_TEN: usize = 9;
/// Images that are asked for at once.
const CREATES: usize = 200;
/// Slowest page in a hundred, in milliseconds.
const PAGE_GOAL: Goal = Goal::Below(10.0);
/// A page among many is at most 1.2 times as slow as among few.
const PAGE_RATIO: Goal = Goal::TimesPeer(1.0 / 1.2);
/// Requests of the mix a second.
const MIX_GOAL: Goal = Goal::AtLeast(5_000.0);
/// How much the memory may grow while many images are made, in MiB.
const GROWTH_GOAL: Goal = Goal::AtMost(64.0);

/// Measures.
pub fn run(job: &Job<'_>) -> anyhow::Result<Report> {
    let mut figures = Vec::new();
    if job.only.is_none_or(|only| only != "creates") {
        figures.extend(reads(job)?);
    }
    if job.only.is_none_or(|only| only == "creates") {
        figures.extend(creates(job)?);
    }
    Ok(Report { name: "api", figures })
}

/// A region that answers, and the pages of it that are measured.
struct Region {
    server: Server,
    api_key: String,
    ids: Vec<String>,
    /// The first page, and one in the middle.
    pages: [String; 2],
}

impl Region {
    fn open(crowd: Crowd, images: u32) -> anyhow::Result<Self> {
        let (server, _) = Server::start(&crowd.data)?;
        let mut client = Client::new(server.address(), &crowd.api_key)?;
        let (mut ids, mut start) = (Vec::new(), None);
        while ids.len() < (images / 2) as usize {
            let from = start.map_or_else(String::new, |token| format!("&start={token}"));
            let page = client.json(&client.get(&format!("/images?limit=100{from}")))?;
            let items = page["images"].as_array().context("a page without images")?;
            let id = |item: &serde_json::Value| item["id"].as_str().map(str::to_owned);
            ids.extend(items.iter().filter_map(id));
            start = page["next"]["href"].as_str().and_then(start_of);
            anyhow::ensure!(start.is_some(), "the list ends after {}", ids.len());
        }
        let middle = format!("/images?limit={PAGE}&start={}", start.unwrap_or_default());
        let pages = [format!("/images?limit={PAGE}"), middle];
        Ok(Self { server, api_key: crowd.api_key, ids, pages })
    }

    /// How long the slowest of a hundred pages takes, in milliseconds.
    fn page(&self, page: usize) -> anyhow::Result<f64> {
        let mut client = Client::new(self.server.address(), &self.api_key)?;
        let request = client.get(&self.pages[page]);
        client.p99(&request, PAGES)
    }

    /// Requests of the mix a second.
    fn mix(&self, window: Duration) -> anyhow::Result<f64> {
        client::rate(CONNECTIONS, window, |first, running| self.ask_while(first, running))
    }

    /// Asks on one connection for as long as that; how often.
    fn ask_while(&self, first: usize, running: &dyn Fn() -> bool) -> anyhow::Result<u64> {
        let mut client = Client::new(self.server.address(), &self.api_key)?;
        let list = client.get("/images?limit=10");
        let mut asked = 0_u64;
        for n in 0_usize.. {
            if !running() {
                break;
            }
            if n % 10 < READS_OF_TEN {
                // A stride that is no divisor of the number walks over all of them.
                let id = &self.ids[(first * 7919 + n * 31) % self.ids.len()];
                let request = client.get(&format!("/images/{id}"));
                client.ask(&request)?;
            } else {
                client.ask(&list)?;
            }
            asked += 1;
        }
        Ok(asked)
    }
}

/// The `start` of a link to the next page.
fn start_of(href: &str) -> Option<String> {
    let (_, query) = href.split_once('?')?;
    query.split('&').find_map(|part| part.strip_prefix("start=")).map(str::to_owned)
}

fn reads(job: &Job<'_>) -> anyhow::Result<Vec<Figure>> {
    rig::with_folder(job.dir, async |folder| {
        let mut regions = Vec::new();
        for images in IMAGES {
            let crowd = crowd::gather(&folder.join(images.to_string()), images, 0).await?;
            regions.push((crowd, images));
        }
        let job = (job.runs, Duration::from_secs(job.seconds));
        tokio::task::spawn_blocking(move || reads_of(regions, job)).await?
    })
}

fn reads_of(
    regions: Vec<(Crowd, u32)>,
    (runs, window): (u32, Duration),
) -> anyhow::Result<Vec<Figure>> {
    let open = |(crowd, images)| Region::open(crowd, images);
    let regions = regions.into_iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
    let [few, many] = regions.as_slice() else { anyhow::bail!("two regions are compared") };
    let mut pages = [const { [const { Vec::new() }; 2] }; 2];
    let mut mix = Vec::new();
    // The first is not counted: it fills caches that a running region has.
    for run in 0..=runs {
        for (page, samples) in pages.iter_mut().enumerate() {
            for (region, samples) in [few, many].into_iter().zip(samples) {
                let took = region.page(page)?;
                if run > 0 {
                    samples.push(took);
                }
            }
        }
        let rate = many.mix(window)?;
        if run > 0 {
            mix.push(rate);
        }
    }
    let among = format!("among {} images", IMAGES[1]);
    let mut figures = Vec::new();
    for (what, [few, many]) in ["the first page", "a page in the middle"].iter().zip(&pages) {
        let name = format!("{what} of {PAGE} {among}, p99");
        figures.extend(Figure::of(&name, "ms", many, PAGE_GOAL));
        let beside = Figure::of(format!("{name}, beside few"), "ms", many, PAGE_RATIO);
        figures.extend(beside.map(|figure| figure.beside(&format!("{} images", IMAGES[0]), few)));
    }
    let name = format!("90 % reads by id and 10 % lists of 10, {among}");
    figures.extend(Figure::rate(name, "requests/s", &mix, MIX_GOAL));
    Ok(figures)
}

/// Asks for many images at once, each of a volume of its own, and waits for all.
fn creates(job: &Job<'_>) -> anyhow::Result<Vec<Figure>> {
    rig::with_folder(job.dir, async |folder| {
        let rig = Arc::new(Rig::new(folder).await?);
        // One account has vCPUs for half of them.
        let rigs = [Arc::new(rig.neighbour().await?), Arc::clone(&rig)];
        let mut sources = Vec::with_capacity(CREATES);
        for n in 0..CREATES {
            let rig = &rigs[n % rigs.len()];
            let made = rig.instance_create(ByteCount::from_gb(100)).await?;
            rig.instance_is(&made.instance, model::InstanceStatus::Running).await?;
            rig.stop(&made.instance).await?;
            sources.push((Arc::clone(rig), made.volume));
        }
        let before = resident_mib()?;
        let began = rig.clock.monotonic();
        let mut all = JoinSet::new();
        for (rig, source) in sources {
            all.spawn(async move { rig.image_make(&source).await });
        }
        let (mut made, mut most) = (0_usize, before);
        while let Some(ended) = all.join_next().await {
            ended??;
            made += 1;
            most = most.max(resident_mib()?);
        }
        let took = ms(rig.clock.monotonic() - began);
        drop(rigs);
        let rig = Arc::into_inner(rig).context("the region is still used")?;
        rig.end().await?;
        let name = format!("{CREATES} images asked for at once");
        let lost = (CREATES - made) as f64;
        let figures = [
            Figure::of(format!("{name}, lost"), "images", &[lost], Goal::AtMost(0.0)),
            Figure::of(format!("{name}, all available"), "ms", &[took], Goal::Below(60_000.0)),
            Figure::of(format!("{name}, memory grown"), "MiB", &[most - before], GROWTH_GOAL),
        ];
        Ok(figures.into_iter().flatten().collect())
    })
}

/// Memory that this process has now, in MiB.
fn resident_mib() -> anyhow::Result<f64> {
    super::server::resident_mib(std::process::id())
}
