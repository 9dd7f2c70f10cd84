//! What a crash of the host may leave of a simulated disk.
//!
//! Between two syncs a disk may take any subset of the writes in any order, so each sector of 512
//! bytes that was written several times may hold any of the versions, on its own; the length of
//! a file may be any that it had; and each creation or removal of a name may be missing.

use std::collections::BTreeMap;

use crate::layer::sim::SimRng;
use crate::layer::sim::disk::{Disk, Inode, Op, SimDir, apply};

/// The unit that a disk writes whole.
const SECTOR: usize = 512;

/// One file as the replay of the log sees it.
#[derive(Default)]
struct Replay {
    durable: Vec<u8>,
    pending: Vec<usize>,
}

impl SimDir {
    /// Operations logged so far: the places where [`Self::crash_image`] may cut.
    #[must_use]
    pub fn logged(&self) -> usize {
        self.disk.lock().log.len()
    }

    /// A disk that a crash after the first `at` logged operations could have left.
    #[must_use]
    pub fn crash_image(&self, at: usize, rng: &mut SimRng) -> Self {
        let disk = self.disk.lock();
        let log = &disk.log[..at.min(disk.log.len())];
        let mut files: Vec<Replay> = Vec::new();
        for bytes in &disk.origin.1 {
            files.push(Replay { durable: bytes.clone(), pending: Vec::new() });
        }
        let mut names = disk.origin.0.clone();
        let mut names_pending: Vec<usize> = Vec::new();
        for (place, op) in log.iter().enumerate() {
            replay(op, place, log, &mut files, &mut names, &mut names_pending);
        }
        for place in names_pending {
            // Half of the images keep most names, so that they get past the first look.
            if rng.below(4) > 0 {
                rename(&mut names, &log[place]);
            }
        }
        let inodes: Vec<Vec<u8>> = files.iter().map(|file| torn(file, log, rng)).collect();
        Self::of(disk_of(names, inodes, rng.next()))
    }

    /// The disk as it is after all operations reached it, as a new folder.
    #[must_use]
    pub fn settled(&self) -> Self {
        let disk = self.disk.lock();
        let inodes = disk.inodes.iter().map(|inode| inode.cache.clone()).collect();
        Self::of(disk_of(disk.names.clone(), inodes, 1))
    }
}

fn disk_of(names: BTreeMap<String, usize>, inodes: Vec<Vec<u8>>, seed: u64) -> Disk {
    let restored = |bytes: &Vec<u8>| {
        let mut inode = Inode::default();
        inode.cache.clone_from(bytes);
        inode.platter.clone_from(bytes);
        inode
    };
    let files = inodes.iter().map(restored).collect();
    let mut disk = Disk::default();
    disk.names.clone_from(&names);
    disk.inodes = files;
    disk.origin = (names, inodes);
    disk.seed(seed);
    disk
}

fn replay(
    op: &Op,
    place: usize,
    log: &[Op],
    files: &mut Vec<Replay>,
    names: &mut BTreeMap<String, usize>,
    names_pending: &mut Vec<usize>,
) {
    match op {
        Op::Create { inode, .. } => {
            files.resize_with(files.len().max(inode + 1), Replay::default);
            names_pending.push(place);
        }
        Op::Remove { .. } => names_pending.push(place),
        Op::Write { inode, .. } | Op::SetLen { inode, .. } | Op::Punch { inode, .. } => {
            files[*inode].pending.push(place);
        }
        Op::Sync { inode } => {
            let file = &mut files[*inode];
            for at in std::mem::take(&mut file.pending) {
                apply(&mut file.durable, &log[at]);
            }
        }
        Op::FailedSync { inode, kept } => {
            let file = &mut files[*inode];
            for (at, keep) in std::mem::take(&mut file.pending).into_iter().zip(kept) {
                if *keep {
                    apply(&mut file.durable, &log[at]);
                }
            }
        }
        Op::DirSync => {
            for at in std::mem::take(names_pending) {
                rename(names, &log[at]);
            }
        }
    }
}

fn rename(names: &mut BTreeMap<String, usize>, op: &Op) {
    match op {
        Op::Create { inode, name } => {
            names.insert(name.clone(), *inode);
        }
        Op::Remove { name } => {
            names.remove(name);
        }
        Op::Write { .. }
        | Op::SetLen { .. }
        | Op::Punch { .. }
        | Op::Sync { .. }
        | Op::FailedSync { .. }
        | Op::DirSync => {}
    }
}

/// One legal outcome for a file.
fn torn(file: &Replay, log: &[Op], rng: &mut SimRng) -> Vec<u8> {
    let mut versions = vec![file.durable.clone()];
    for at in &file.pending {
        let mut next = versions[versions.len() - 1].clone();
        apply(&mut next, &log[*at]);
        versions.push(next);
    }
    // Some images take the same version for all: nothing, or everything, reached the disk.
    let style = rng.below(8);
    let pick = |rng: &mut SimRng| match style {
        0 => 0,
        1 => versions.len() - 1,
        _ => rng.below(versions.len() as u64) as usize,
    };
    let length = versions[pick(rng)].len();
    let mut out = vec![0; length];
    for (sector, part) in out.chunks_mut(SECTOR).enumerate() {
        let from = &versions[pick(rng)];
        let start = (sector * SECTOR).min(from.len());
        let stop = (start + part.len()).min(from.len());
        part[..stop - start].copy_from_slice(&from[start..stop]);
    }
    out
}
