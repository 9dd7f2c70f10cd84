//! What engines of idle volumes hold in memory.

use anyhow::Context;

use super::{disks::Disks, served::Servers};
use crate::bench::figure::{Figure, Goal};

/// Volumes that are served at the same time.
const VOLUMES: u64 = 20;
/// In MiB, for each volume.
const GOAL: Goal = Goal::AtMost(15.0);

/// Serves volumes over an image, reads each a little as a client does that attaches it, and reads
/// the memory of the engines.
pub async fn figures(servers: &Servers, disks: &Disks) -> anyhow::Result<Vec<Figure>> {
    eprintln!("ectype: memory of {VOLUMES} idle volumes");
    let mut served = Vec::new();
    let mut engines = Vec::new();
    let mut shares = Vec::new();
    for n in 0..VOLUMES {
        let config = disks.idle_volume(n)?;
        served.push(servers.serve_ours(&config).await?);
    }
    for n in 0..VOLUMES {
        let (supervisor, engine) = servers.processes(&Disks::idle_id(n)).await?;
        engines.push(of_process(engine, "Rss:")?);
        shares.push(of_process(engine, "Pss:")? + of_process(supervisor, "Pss:")?);
    }
    for one in served {
        servers.end_one(one).await?;
    }
    let name = format!("engine of one of {VOLUMES} idle volumes, resident");
    let share = format!("engine and supervisor of one of {VOLUMES}, their share");
    Ok([Figure::of(name, "MiB", &engines, GOAL), Figure::of(share, "MiB", &shares, GOAL)]
        .into_iter()
        .flatten()
        .collect())
}

fn of_process(pid: u32, field: &str) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: f64 = kib.with_context(|| format!("{path} says no {field}"))?.parse()?;
    Ok(kib / 1024.0)
}
