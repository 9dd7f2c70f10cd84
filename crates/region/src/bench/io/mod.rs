//! Reads and writes through NBD: a write layer beside a raw file and a LUKS disk file, a sealed
//! image beside a raw file (in cache) and a compressed disk file (cold), and the memory of idle
//! engines.
//!
//! All servers are processes that one client, fio, talks to over a unix socket with one
//! connection. All go through the host's page cache (qemu-nbd's `writeback`) and nobody flushes
//! while it is measured: what a flush costs is the host's disk. Each turn measures every server
//! once, and the order of the turn is turned round each time.
//!
//! Next to read: `load` (the client), `served` (the servers), `disks` (what they serve).

mod content;
mod disks;
mod load;
mod memory;
mod served;

use std::path::Path;

use super::{
    Job,
    figure::{Figure, Goal, Report},
    rig,
};
use disks::{Disks, Kind};
use load::{Load, Rw};
use served::Servers;

/// Measured in the write layer, at these numbers of requests at a time.
const LAYER_LOADS: [Load; 8] = [
    Load::random(Rw::Read, 1),
    Load::random(Rw::Read, 16),
    Load::random(Rw::Write, 1),
    Load::random(Rw::Write, 16),
    Load::sequential(Rw::Read, 1),
    Load::sequential(Rw::Read, 4),
    Load::sequential(Rw::Write, 1),
    Load::sequential(Rw::Write, 4),
];

/// Measured in a sealed image, in cache and cold.
const SEALED_LOADS: [Load; 4] = [
    Load::random(Rw::Read, 1),
    Load::random(Rw::Read, 16),
    Load::sequential(Rw::Read, 1),
    Load::sequential(Rw::Read, 4),
];

/// Beside a raw file nothing is encrypted, checked or compressed by the peer.
const BESIDE_RAW: Goal = Goal::TimesPeer(0.6);
/// Beside what does comparable work.
const BESIDE_EQUAL: Goal = Goal::TimesPeer(1.0);

/// Measures.
pub fn run(job: &Job<'_>) -> anyhow::Result<Report> {
    load::check()?;
    let figures = rig::with_folder(job.dir, async |folder| {
        let servers = Servers::new(folder)?;
        let disks = Disks::make(folder)?;
        let mut figures = Vec::new();
        let wanted = |name: &str| job.only.is_none_or(|only| only == name);
        if wanted("layer") {
            let kinds = [Kind::Layer, Kind::Raw, Kind::Luks];
            let goals = [BESIDE_RAW, BESIDE_EQUAL];
            for load in &LAYER_LOADS {
                let seen = measure(job, &servers, &disks, &kinds, load, "write layer").await?;
                figures.extend(beside(load, "write layer", &seen, &goals));
            }
        }
        if wanted("cached") {
            let kinds = [Kind::ImageInCache, Kind::SmallRaw];
            for load in &SEALED_LOADS {
                let name = "image in cache";
                let seen = measure(job, &servers, &disks, &kinds, load, name).await?;
                figures.extend(beside(load, name, &seen, &[BESIDE_RAW]));
            }
        }
        if wanted("cold") {
            if disks::can_forget() {
                let kinds = [Kind::Image, Kind::Compressed];
                for load in &SEALED_LOADS {
                    let load = &load.cold();
                    let name = "image, cold";
                    let seen = measure(job, &servers, &disks, &kinds, load, name).await?;
                    figures.extend(beside(load, name, &seen, &[BESIDE_EQUAL]));
                }
            } else {
                eprintln!(
                    "ectype: reads of a cold image are left out: only root may empty the host's \
                     page cache (/proc/sys/vm/drop_caches)"
                );
            }
        }
        if wanted("memory") {
            figures.extend(memory::figures(&servers, &disks).await?);
        }
        servers.end().await?;
        Ok(figures)
    })?;
    Ok(Report { name: "io", figures })
}

/// What each server did, by the order of `kinds`; peers that are not installed did nothing.
struct Seen {
    names: Vec<&'static str>,
    rates: Vec<Vec<f64>>,
}

async fn measure(
    job: &Job<'_>,
    servers: &Servers,
    disks: &Disks,
    kinds: &[Kind],
    load: &Load,
    what: &str,
) -> anyhow::Result<Seen> {
    eprintln!("ectype: {what}, {}", load.name());
    let mut rates = vec![Vec::new(); kinds.len()];
    for run in 0..job.runs {
        let mut turn: Vec<usize> = (0..kinds.len()).collect();
        if run % 2 == 1 {
            turn.reverse();
        }
        for place in turn {
            let kind = kinds[place];
            if !kind.found() {
                continue;
            }
            let served = servers.serve(disks, kind).await?;
            if load.is_cold() {
                disks::forget_cache()?;
            } else {
                // Once through, so that every server has in memory what it may have there.
                load::warm(served.uri(), disks.bytes(kind))?;
            }
            let rate =
                load.measure(served.uri(), disks.bytes(kind), job.seconds, u64::from(run))?;
            rates[place].push(rate);
            servers.end_one(served).await?;
        }
    }
    Ok(Seen { names: kinds.iter().map(|kind| kind.name()).collect(), rates })
}

fn beside(load: &Load, what: &str, seen: &Seen, goals: &[Goal]) -> Vec<Figure> {
    let figure =
        |goal| Figure::rate(format!("{what}, {}", load.name()), load.unit(), &seen.rates[0], goal);
    let peers = seen.names.iter().zip(&seen.rates).skip(1).zip(goals);
    peers.filter_map(|((name, rates), goal)| Some(figure(*goal)?.beside(name, rates))).collect()
}

/// Whether a program is in the search path.
fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| Path::new(&dir).join(program).is_file())
}
