//! An image of a volume of which a little changed since its last image: beside copies of the
//! whole disk, and beside the same change on a fuller volume.

use base::ByteCount;

use super::{Job, Raw, SEED, SMALL_GB, capture, volume_make, volume_write};
use crate::bench::{
    figure::{Figure, Goal, ms},
    peer,
    rig::{self, Made, Rig},
};

/// How many times as long the faster copier takes.
const GOAL: Goal = Goal::TimesPeer(10.0);
/// Beside the emptier volume: at most 1.2 times as long.
const GOAL_FULLER: Goal = Goal::TimesPeer(1.0 / 1.2);
/// How many times as much the fuller volume holds: 12 GB beside 3.4 GB.
const FULLER: (u64, u64) = (120, 34);
const MIB: u64 = 1 << 20;

/// A volume with an image of all that it holds, and the same bytes in a file.
struct Captured {
    raw: Raw,
    made: Made,
}

impl Captured {
    async fn new(rig: &Rig, raw: &str, seed: u64, bytes: u64) -> anyhow::Result<Self> {
        let path = rig.store().with_file_name(raw);
        let mut raw = Raw::new(path, ByteCount::from_gb(SMALL_GB), seed)?;
        raw.grow(bytes)?;
        let made = volume_make(rig, SMALL_GB).await?;
        volume_write(rig, &made, &raw, &raw.places).await?;
        capture(rig, &made).await?;
        Ok(Self { raw, made })
    }

    /// Changes some of it; how long its image takes, in milliseconds.
    async fn again(&mut self, rig: &Rig, job: &Job<'_>) -> anyhow::Result<f64> {
        let places = self.raw.change(job.mib * MIB)?;
        volume_write(rig, &self.made, &self.raw, &places).await?;
        capture(rig, &self.made).await
    }
}

fn name(job: &Job<'_>, bytes: u64) -> String {
    let gb = bytes as f64 / 1e9;
    format!("image of {SMALL_GB} GB, {gb:.1} GB in use, {} MiB changed", job.mib)
}

/// Measures beside copies.
pub fn run(job: &Job<'_>) -> anyhow::Result<Vec<Figure>> {
    let copiers: Vec<_> = peer::WHOLE.iter().filter(|copier| copier.found()).collect();
    rig::with_folder(job.dir, async |folder| {
        let rig = Rig::new(folder).await?;
        let mut disk = Captured::new(&rig, "disk.raw", SEED, job.size).await?;
        let mut ours = Vec::new();
        let mut theirs = vec![Vec::new(); copiers.len()];
        for _ in 0..job.runs {
            ours.push(disk.again(&rig, job).await?);
            for (copier, took) in copiers.iter().zip(&mut theirs) {
                let copied = copier.copy(&disk.raw.path, &folder.join("copy"), &rig.clock)?;
                took.push(ms(copied.took));
            }
        }
        rig.end().await?;
        let figure = || Figure::of(name(job, job.size), "ms", &ours, GOAL);
        let beside = copiers.iter().zip(&theirs);
        let mut out: Vec<_> =
            beside.filter_map(|(copier, took)| Some(figure()?.beside(copier.name, took))).collect();
        if out.is_empty() {
            out.extend(figure());
        }
        Ok(out)
    })
}

/// Measures beside the same change on a volume that holds more. Takes room for seven times the
/// size.
pub fn fuller(job: &Job<'_>) -> anyhow::Result<Vec<Figure>> {
    rig::with_folder(job.dir, async |folder| {
        let rig = Rig::new(folder).await?;
        let more = job.size * FULLER.0 / FULLER.1;
        let mut full = Captured::new(&rig, "full.raw", SEED + 1, more).await?;
        // Nobody copies this one, and it is large; what changes is written to it again.
        full.raw.forget()?;
        let mut disk = Captured::new(&rig, "disk.raw", SEED, job.size).await?;
        let (mut ours, mut fullers) = (Vec::new(), Vec::new());
        for _ in 0..job.runs {
            ours.push(disk.again(&rig, job).await?);
            fullers.push(full.again(&rig, job).await?);
        }
        rig.end().await?;
        let other = format!("ectype, {:.1} GB in use", job.size as f64 / 1e9);
        let figure = Figure::of(name(job, more), "ms", &fullers, GOAL_FULLER);
        Ok(figure.map(|figure| figure.beside(&other, &ours)).into_iter().collect())
    })
}
