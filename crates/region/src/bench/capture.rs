//! An image of a 100 GB volume on which some MiB changed: from the request to `available`, which
//! is durable. In turns with programs that copy the same bytes, from a sparse file, also until
//! they are durable. All read from the page cache.

use std::{fs::File, os::unix::fs::FileExt, path::Path};

use anyhow::Context;
use base::{ByteCount, Clock, Entropy, SeededEntropy};
use blocks::BlockDevice;
use model::InstanceStatus;

use super::{
    Job,
    figure::{Figure, Goal, Report, ms},
    peer::COPIERS,
    rig::{self, Rig},
};

const CAPACITY: ByteCount = ByteCount::from_gb(100);
/// In milliseconds.
const GOAL: Goal = Goal::AtMost(1500.0);
const MIB: usize = 1 << 20;
const GIB: u64 = 1 << 30;
/// Places on the disk that are written to, a GiB apart.
const PLACES: u64 = 90;

/// Measures.
pub fn run(job: &Job<'_>) -> anyhow::Result<Report> {
    let copiers: Vec<_> = COPIERS.iter().filter(|copier| copier.found()).collect();
    rig::with_folder(job.dir, async |folder| {
        let rig = Rig::new(folder).await?;
        let mut ours = Vec::new();
        let mut peers = vec![Vec::new(); copiers.len()];
        let raw = folder.join("disk.raw");
        let copy = folder.join("copy");
        for run in 0..job.runs {
            let made = rig.instance_create(CAPACITY).await?;
            rig.instance_is(&made.instance, InstanceStatus::Running).await?;
            rig.stop(&made.instance).await?;
            let volume = rig.region().volume_open(&made.volume).await?;
            let (mib, path) = (job.mib, raw.clone());
            let write = move || {
                write_both(&volume, &path, mib, u64::from(run))?;
                volume.close().context("close the volume")
            };
            tokio::task::spawn_blocking(write).await??;
            let began = rig.clock.monotonic();
            rig.image_make(&made.volume).await?;
            ours.push(ms(rig.clock.monotonic() - began));
            for (copier, took) in copiers.iter().zip(&mut peers) {
                took.push(ms(copier.copy(&raw, &copy, &rig.clock)?));
            }
        }
        rig.end().await?;
        let name = format!("image of 100 GB with {} MiB changed", job.mib);
        let figure = || Figure::of(name.as_str(), "ms", &ours, GOAL);
        let mut figures: Vec<_> = copiers
            .iter()
            .zip(&peers)
            .filter_map(|(copier, took)| Some(figure()?.beside(copier.name, took)))
            .collect();
        if figures.is_empty() {
            figures.extend(figure());
        }
        Ok(Report { name: "capture", figures })
    })
}

/// Writes the same bytes, half noise and half text, to a volume and to a new sparse file. Both
/// are durable when this returns.
fn write_both(volume: &dyn BlockDevice, raw: &Path, mib: u64, seed: u64) -> anyhow::Result<()> {
    let random = SeededEntropy::new(seed);
    let file = File::create(raw).with_context(|| format!("write {}", raw.display()))?;
    file.set_len(CAPACITY.0)?;
    let each = mib.div_ceil(PLACES).max(8);
    for piece in 0..mib {
        let offset = (1 + piece / each) * GIB + (piece % each) * MIB as u64;
        let bytes = if piece % 2 == 0 { noise(&random) } else { text(&random) };
        volume.write_at(offset, &bytes, false).context("write to the volume")?;
        file.write_all_at(&bytes, offset)?;
    }
    volume.flush().context("write to the volume")?;
    file.sync_all()?;
    Ok(())
}

fn noise(random: &SeededEntropy) -> Vec<u8> {
    let mut bytes = vec![0; MIB];
    random.fill(&mut bytes);
    bytes
}

/// Lines as a log has them.
fn text(random: &SeededEntropy) -> Vec<u8> {
    const WORDS: [&str; 8] =
        ["started", "session", "of user", "root", "unit", "finished", "with status", "timer"];
    let mut bytes = Vec::with_capacity(MIB + 64);
    let mut line = [0_u8; 8];
    while bytes.len() < MIB {
        random.fill(&mut line);
        let number = u64::from_le_bytes(line);
        bytes.extend_from_slice(format!("{number:016x}").as_bytes());
        for word in line {
            bytes.push(b' ');
            bytes.extend_from_slice(WORDS[usize::from(word) % WORDS.len()].as_bytes());
        }
        bytes.push(b'\n');
    }
    bytes.truncate(MIB);
    bytes
}
