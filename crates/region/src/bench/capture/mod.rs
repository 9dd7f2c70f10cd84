//! Images of volumes: from the request to `available`, which is durable. In turns with programs
//! that copy the same bytes from a sparse file, also until they are durable. All read from the
//! page cache.
//!
//! It refuses to know what the bytes are: that is `data`. Its invariant: what a peer copies is
//! what the volume holds, byte for byte.
//!
//! Next to read: `change`, `first`, `mark`.

mod change;
mod first;
mod mark;

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use base::{ByteCount, Clock};
use blocks::BlockDevice;
use model::InstanceStatus;

use super::{
    Job,
    data::{Disk, Place},
    figure::{Figure, Report, ms},
    peer,
    rig::{Made, Rig},
};

/// The smallest boot volume and the largest, in GB.
const SMALL_GB: u64 = 100;
const LARGE_GB: u64 = 250;
/// Of every data set.
const SEED: u64 = 0x00EC_791E;
/// Longest piece that is copied into a volume.
const PIECE: usize = 1 << 20;

/// Measures.
pub fn run(job: &Job<'_>) -> anyhow::Result<Report> {
    let mut figures = Vec::new();
    for (name, part) in PARTS {
        if job.only.is_none_or(|only| only == name) {
            figures.extend(part(job)?);
        }
    }
    let parts = PARTS.map(|(name, _)| name).join(", ");
    anyhow::ensure!(!figures.is_empty(), "the parts of this benchmark are {parts}");
    Ok(Report { name: "capture", figures })
}

type Part = fn(&Job<'_>) -> anyhow::Result<Vec<Figure>>;

/// What can be asked for alone.
const PARTS: [(&str, Part); 5] = [
    ("change", change::run),
    ("fuller", change::fuller),
    ("first", first::run),
    ("capacity", first::capacity),
    ("mark", mark::run),
];

/// A sparse file with the bytes of a disk, and which of them were written.
struct Raw {
    path: PathBuf,
    file: File,
    disk: Disk,
    /// In the order of writing.
    places: Vec<Place>,
}

impl Raw {
    /// An empty one.
    fn new(path: PathBuf, capacity: ByteCount, seed: u64) -> anyhow::Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        let file = file.with_context(|| format!("write {}", path.display()))?;
        file.set_len(capacity.0)?;
        Ok(Self { path, file, disk: Disk::new(capacity.0, seed), places: Vec::new() })
    }

    /// Fills it with files of `bytes` in all, durably.
    fn grow(&mut self, bytes: u64) -> anyhow::Result<()> {
        let (file, places) = (&self.file, &mut self.places);
        self.disk.grow(bytes, &mut |offset, part| note(file, places, offset, part))?;
        Ok(self.file.sync_all()?)
    }

    /// Changes `bytes` of it, durably; what was written.
    fn change(&mut self, bytes: u64) -> anyhow::Result<Vec<Place>> {
        let before = self.places.len();
        let (file, places) = (&self.file, &mut self.places);
        self.disk.change(bytes, &mut |offset, part| note(file, places, offset, part))?;
        self.file.sync_all()?;
        Ok(self.places.split_off(before))
    }

    /// Gives its room back; it reads as zeros.
    fn forget(&self) -> anyhow::Result<()> {
        let length = self.file.metadata()?.len();
        self.file.set_len(0)?;
        Ok(self.file.set_len(length)?)
    }

    /// Writes `places` as they are now to a stopped volume, and closes it.
    fn write_to(&self, volume: &blocks::layer::Volume, places: &[Place]) -> anyhow::Result<()> {
        let mut buffer = vec![0; PIECE];
        for Place { offset, length } in places {
            let piece = &mut buffer[..*length];
            self.file.read_exact_at(piece, *offset)?;
            volume.write_at(*offset, piece, false).context("write to the volume")?;
        }
        volume.close().context("close the volume")
    }
}

fn note(file: &File, places: &mut Vec<Place>, offset: u64, part: &[u8]) -> anyhow::Result<()> {
    places.push(Place { offset, length: part.len() });
    Ok(file.write_all_at(part, offset)?)
}

/// A stopped volume of `gb`.
async fn volume_make(rig: &Rig, gb: u64) -> anyhow::Result<Made> {
    let made = rig.instance_create(ByteCount::from_gb(gb)).await?;
    rig.instance_is(&made.instance, InstanceStatus::Running).await?;
    rig.stop(&made.instance).await?;
    Ok(made)
}

/// Writes what `raw` holds at `places` to a stopped volume.
async fn volume_write(rig: &Rig, made: &Made, raw: &Raw, places: &[Place]) -> anyhow::Result<()> {
    let volume = rig.region().volume_open(&made.volume).await?;
    tokio::task::block_in_place(|| raw.write_to(&volume, places))
}

/// Makes an image of a volume; in milliseconds.
async fn capture(rig: &Rig, made: &Made) -> anyhow::Result<f64> {
    tokio::task::block_in_place(peer::settle);
    let began = rig.clock.monotonic();
    rig.image_make(&made.volume).await?;
    Ok(ms(rig.clock.monotonic() - began))
}

/// Length of all files below a folder.
fn bytes_below(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.metadata()?;
        bytes += if kind.is_dir() { bytes_below(&entry.path())? } else { kind.len() };
    }
    Ok(bytes)
}
