//! The first image of a volume, on which everything in use is new: beside a compressed and an
//! encrypted copy, and on a small beside a large volume. Its stored bytes and the most memory.

use anyhow::Context;
use base::ByteCount;

use super::{Job, LARGE_GB, Raw, SEED, SMALL_GB, bytes_below, capture, volume_make, volume_write};
use crate::bench::{
    figure::{Figure, Goal, ms},
    peer,
    rig::{self, Rig},
};

const MIB: f64 = 1_048_576.0;
/// How many times as long each peer takes.
const GOAL: Goal = Goal::TimesPeer(4.0);
/// At most 1.05 times the bytes.
const GOAL_BYTES: Goal = Goal::TimesPeer(1.0 / 1.05);
/// In MiB.
const GOAL_MEMORY: Goal = Goal::AtMost(512.0);
/// Within 10 %.
const GOAL_CAPACITY: Goal = Goal::TimesPeer(0.9);

/// What one first image took.
struct First {
    ms: f64,
    stored_mib: f64,
    peak_mib: f64,
}

/// Writes everything to a new volume and makes its image.
async fn first(rig: &Rig, raw: &Raw, gb: u64) -> anyhow::Result<First> {
    let made = volume_make(rig, gb).await?;
    volume_write(rig, &made, raw, &raw.places).await?;
    let before = bytes_below(&rig.store())?;
    peak_forget();
    let ms = capture(rig, &made).await?;
    let peak_mib = peak_mib()?;
    let stored_mib = (bytes_below(&rig.store())? - before) as f64 / MIB;
    Ok(First { ms, stored_mib, peak_mib })
}

fn data_set(folder: &std::path::Path, job: &Job<'_>) -> anyhow::Result<Raw> {
    let mut raw = Raw::new(folder.join("disk.raw"), ByteCount::from_gb(SMALL_GB), SEED)?;
    raw.grow(job.size)?;
    Ok(raw)
}

fn in_use(job: &Job<'_>) -> String {
    format!("{:.1} GB in use", job.size as f64 / 1e9)
}

/// Measures beside copies.
pub fn run(job: &Job<'_>) -> anyhow::Result<Vec<Figure>> {
    let copiers: Vec<_> = peer::PACKED.iter().filter(|copier| copier.found()).collect();
    rig::with_folder(job.dir, async |folder| {
        let rig = Rig::new(folder).await?;
        let raw = data_set(folder, job)?;
        let mut ours = Vec::new();
        let mut theirs = vec![(Vec::new(), Vec::new()); copiers.len()];
        for _ in 0..job.runs {
            ours.push(first(&rig, &raw, SMALL_GB).await?);
            for (copier, (took, bytes)) in copiers.iter().zip(&mut theirs) {
                let copied = copier.copy(&raw.path, &folder.join("copy"), &rig.clock)?;
                took.push(ms(copied.took));
                bytes.push(copied.bytes as f64 / MIB);
            }
        }
        rig.end().await?;
        let samples = |of: fn(&First) -> f64| ours.iter().map(of).collect::<Vec<_>>();
        let name = format!("first image of {SMALL_GB} GB, {}", in_use(job));
        let figure = || Figure::of(name.as_str(), "ms", &samples(|f| f.ms), GOAL);
        let bytes = Figure::of("its stored bytes", "MiB", &samples(|f| f.stored_mib), GOAL_BYTES);
        let mut bytes = bytes.context("nothing was measured")?;
        let mut figures = Vec::new();
        for (copier, (took, stored)) in copiers.iter().zip(&theirs) {
            figures.extend(figure().map(|figure| figure.beside(copier.name, took)));
            if copier.compresses {
                bytes = bytes.beside(copier.name, stored);
            }
        }
        if figures.is_empty() {
            figures.extend(figure());
        }
        figures.push(bytes);
        let memory = samples(|f| f.peak_mib);
        figures.extend(Figure::of("most memory meanwhile", "MiB", &memory, GOAL_MEMORY));
        Ok(figures)
    })
}

/// Measures on a large beside a small volume.
pub fn capacity(job: &Job<'_>) -> anyhow::Result<Vec<Figure>> {
    rig::with_folder(job.dir, async |folder| {
        let rig = Rig::new(folder).await?;
        let raw = data_set(folder, job)?;
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for _ in 0..job.runs {
            small.push(first(&rig, &raw, SMALL_GB).await?.ms);
            large.push(first(&rig, &raw, LARGE_GB).await?.ms);
        }
        rig.end().await?;
        let name = format!("first image of {LARGE_GB} GB, {}", in_use(job));
        let figure = Figure::of(name, "ms", &large, GOAL_CAPACITY);
        let other = format!("ectype, of {SMALL_GB} GB");
        Ok(figure.map(|figure| figure.beside(&other, &small)).into_iter().collect())
    })
}

/// Lets the kernel forget the most memory that this process had, where it does.
fn peak_forget() {
    if let Err(error) = std::fs::write("/proc/self/clear_refs", "5") {
        eprintln!("ectype: the most memory is that since the start of this program: {error}");
    }
}

/// The most memory that this process had.
fn peak_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("/proc/self/status says no VmHWM")?.parse::<f64>()? / 1024.0)
}
