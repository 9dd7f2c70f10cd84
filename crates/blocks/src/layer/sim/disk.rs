//! The simulated folder and its files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::layer::disk::{DiskDir, DiskFile, Room};
use crate::layer::sim::SimRng;

/// Unit of space on the simulated disk.
pub(super) const PAGE: u64 = 4096;

/// What an injected fault does to one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails with EIO and does nothing.
    Eio,
    /// A write is cut short at a random place, or fails with ENOSPC if there is nothing to cut.
    NoSpace,
    /// A resize fails with EFBIG: the file system has no files so large.
    TooLarge,
    /// A sync fails; what it should have made durable is durable or lost, one by one.
    SyncLost,
    /// The process dies here; half a write may have happened. Unwinds with [`Killed`].
    Kill,
}

/// What [`Fault::Kill`] unwinds with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

/// What was done to the disk, in order.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Create {
        inode: usize,
        name: String,
    },
    Remove {
        name: String,
    },
    Write {
        inode: usize,
        offset: u64,
        data: Arc<[u8]>,
    },
    SetLen {
        inode: usize,
        length: u64,
    },
    Punch {
        inode: usize,
        offset: u64,
        length: u64,
    },
    Sync {
        inode: usize,
    },
    /// With, for each change since the last sync, whether the disk got it.
    FailedSync {
        inode: usize,
        kept: Vec<bool>,
    },
    DirSync,
}

#[derive(Clone, Default)]
pub(super) struct Inode {
    /// What reads see.
    pub(super) cache: Vec<u8>,
    /// What the disk has.
    pub(super) platter: Vec<u8>,
    /// Changes since the last sync: places in the log.
    pending: Vec<usize>,
    /// Pages that take space.
    pages: BTreeSet<u64>,
    locked: bool,
}

#[derive(Default)]
pub(super) struct Disk {
    pub(super) names: BTreeMap<String, usize>,
    pub(super) inodes: Vec<Inode>,
    pub(super) log: Vec<Op>,
    /// What the disk held before the log began.
    pub(super) origin: (BTreeMap<String, usize>, Vec<Vec<u8>>),
    /// Changing operations so far.
    count: u64,
    faults: BTreeMap<u64, Fault>,
    space_pages: Option<usize>,
    rng: Option<SimRng>,
    short_reads: bool,
    read_only: bool,
}

/// Applies one logged change to a file's bytes.
pub(super) fn apply(bytes: &mut Vec<u8>, op: &Op) {
    match op {
        Op::Write { offset, data, .. } => {
            let end = *offset as usize + data.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset as usize..end].copy_from_slice(data);
        }
        Op::SetLen { length, .. } => bytes.resize(*length as usize, 0),
        Op::Punch { offset, length, .. } => {
            let end = ((offset + length) as usize).min(bytes.len());
            let start = (*offset as usize).min(end);
            bytes[start..end].fill(0);
        }
        Op::Create { .. }
        | Op::Remove { .. }
        | Op::Sync { .. }
        | Op::FailedSync { .. }
        | Op::DirSync => {}
    }
}

impl Disk {
    pub(super) fn seed(&mut self, seed: u64) {
        self.rng = Some(SimRng::new(seed));
    }

    fn random(&mut self, limit: u64) -> u64 {
        self.rng.get_or_insert_with(|| SimRng::new(1)).below(limit)
    }

    /// Counts a changing operation and says what is to happen to it.
    fn step(&mut self) -> Option<Fault> {
        self.count += 1;
        self.faults.remove(&self.count)
    }

    fn change(&mut self, inode: usize, op: Op) {
        apply(&mut self.inodes[inode].cache, &op);
        self.inodes[inode].pending.push(self.log.len());
        self.log.push(op);
    }

    fn used_pages(&self) -> usize {
        self.inodes.iter().map(|inode| inode.pages.len()).sum()
    }

    /// How many of the bytes there is room for; takes the room.
    fn take_space(&mut self, inode: usize, offset: u64, length: usize) -> usize {
        let mut used = self.used_pages();
        let end = offset + length as u64;
        let mut at = offset;
        while at < end {
            let page = at / PAGE;
            if !self.inodes[inode].pages.contains(&page) {
                if self.space_pages.is_some_and(|space| used >= space) {
                    break;
                }
                self.inodes[inode].pages.insert(page);
                used += 1;
            }
            at = (page + 1) * PAGE;
        }
        (at.min(end) - offset) as usize
    }

    fn may_change(&self) -> io::Result<()> {
        if self.read_only { Err(io::ErrorKind::ReadOnlyFilesystem.into()) } else { Ok(()) }
    }

    fn write(&mut self, inode: usize, offset: u64, data: &[u8]) -> io::Result<usize> {
        self.may_change()?;
        let fault = self.step();
        let mut length = data.len();
        match fault {
            Some(Fault::Eio) => return Err(io::Error::from_raw_os_error(5)),
            // Cut between sectors: a failed sync later keeps or loses each part on its own.
            Some(Fault::NoSpace | Fault::Kill) => {
                let cut = offset + self.random(data.len() as u64);
                length = (cut / 512 * 512).saturating_sub(offset) as usize;
            }
            Some(Fault::SyncLost | Fault::TooLarge) | None => {}
        }
        length = self.take_space(inode, offset, length);
        if length > 0 {
            self.change(inode, Op::Write { inode, offset, data: data[..length].into() });
        }
        match fault {
            Some(Fault::Kill) => std::panic::resume_unwind(Box::new(Killed)),
            _ if length == 0 => Err(io::Error::from_raw_os_error(28)),
            _ => Ok(length),
        }
    }

    fn sync(&mut self, inode: usize) -> io::Result<()> {
        let fault = self.step();
        if fault == Some(Fault::Kill) {
            std::panic::resume_unwind(Box::new(Killed));
        }
        let pending = std::mem::take(&mut self.inodes[inode].pending);
        let lost = matches!(fault, Some(Fault::SyncLost | Fault::Eio | Fault::NoSpace));
        let mut kept = Vec::with_capacity(pending.len());
        for at in pending {
            let keep = !lost || self.random(2) == 0;
            kept.push(keep);
            if keep {
                apply(&mut self.inodes[inode].platter, &self.log[at]);
            }
        }
        if lost {
            self.log.push(Op::FailedSync { inode, kept });
            return Err(io::Error::from_raw_os_error(5));
        }
        self.log.push(Op::Sync { inode });
        Ok(())
    }

    /// For the other changing operations: they happen or they do not.
    fn happens(&mut self) -> io::Result<()> {
        self.may_change()?;
        match self.step() {
            Some(Fault::Kill) => std::panic::resume_unwind(Box::new(Killed)),
            Some(Fault::Eio | Fault::SyncLost) => Err(io::Error::from_raw_os_error(5)),
            Some(Fault::NoSpace) => Err(io::Error::from_raw_os_error(28)),
            Some(Fault::TooLarge) => Err(io::Error::from_raw_os_error(27)),
            None => Ok(()),
        }
    }
}

type Hook = Box<dyn FnMut(&str) + Send>;

/// A simulated folder. Clones are the same folder.
#[derive(Clone)]
pub struct SimDir {
    pub(super) disk: Arc<Mutex<Disk>>,
    hook: Arc<Mutex<Option<Hook>>>,
}

impl Default for SimDir {
    fn default() -> Self {
        Self::new(0)
    }
}

impl SimDir {
    /// An empty folder; `seed` decides where faults cut.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::of(Disk { rng: Some(SimRng::new(seed)), ..Disk::default() })
    }

    pub(super) fn of(disk: Disk) -> Self {
        Self { disk: Arc::new(Mutex::new(disk)), hook: Arc::default() }
    }

    /// Changing operations so far: writes, syncs, resizes, punches, creations, removals.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.disk.lock().count
    }

    /// Breaks operation number `at`, counted from 1.
    pub fn break_at(&self, at: u64, fault: Fault) {
        self.disk.lock().faults.insert(at, fault);
    }

    /// Takes back every fault that has not happened.
    pub fn heal(&self) {
        let mut disk = self.disk.lock();
        disk.faults.clear();
        disk.space_pages = None;
    }

    /// Leaves room for `pages` more pages of 4 KiB.
    pub fn leave_space(&self, pages: usize) {
        let mut disk = self.disk.lock();
        disk.space_pages = Some(disk.used_pages() + pages);
    }

    /// Calls `hook` with a file's name in the middle of each of its syncs: nothing that the hook
    /// writes is covered by that sync.
    pub fn on_sync(&self, hook: impl FnMut(&str) + Send + 'static) {
        *self.hook.lock() = Some(Box::new(hook));
    }

    /// Stops calling the hook.
    pub fn no_hook(&self) {
        *self.hook.lock() = None;
    }

    /// The process that had files open is gone: locks are free again.
    pub fn release_locks(&self) {
        self.disk.lock().inodes.iter_mut().for_each(|inode| inode.locked = false);
    }

    /// Changes stored bytes as rot does; the file must be that long.
    pub fn rot(&self, name: &str, offset: u64, change: impl FnOnce(&mut u8)) {
        let mut disk = self.disk.lock();
        let Some(inode) = disk.names.get(name).copied() else { return };
        let Some(byte) = disk.inodes[inode].cache.get_mut(offset as usize) else { return };
        change(byte);
        let value = *byte;
        if let Some(stored) = disk.inodes[inode].platter.get_mut(offset as usize) {
            *stored = value;
        }
    }

    /// Replaces what is stored of a file, as damage does; the file must be there.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut disk = self.disk.lock();
        let Some(inode) = disk.names.get(name).copied() else { return };
        disk.inodes[inode].cache.clone_from(&bytes);
        disk.inodes[inode].platter = bytes;
    }

    /// Makes the disk read-only, as a kernel does with one that failed, or writable again.
    pub fn make_read_only(&self, read_only: bool) {
        self.disk.lock().read_only = read_only;
    }

    /// Lets reads give fewer bytes than were asked for, as a host may.
    pub fn shorten_reads(&self, shorten: bool) {
        self.disk.lock().short_reads = shorten;
    }

    /// What a file holds now; empty when it is not there.
    #[must_use]
    pub fn content(&self, name: &str) -> Vec<u8> {
        let disk = self.disk.lock();
        disk.names.get(name).map(|inode| disk.inodes[*inode].cache.clone()).unwrap_or_default()
    }

    /// The syncs of a file so far.
    #[must_use]
    pub fn syncs_of(&self, name: &str) -> usize {
        let disk = self.disk.lock();
        let Some(wanted) = disk.names.get(name).copied() else { return 0 };
        let is_sync = |op: &&Op| matches!(op, Op::Sync { inode } if *inode == wanted);
        disk.log.iter().filter(is_sync).count()
    }

    fn call_hook(&self, name: &str) {
        // Taken out for the call, so that a sync inside it does not call it again.
        let taken = self.hook.lock().take();
        let Some(mut hook) = taken else { return };
        hook(name);
        self.hook.lock().get_or_insert(hook);
    }
}

struct SimFile {
    dir: SimDir,
    inode: usize,
    name: String,
    /// This open holds the lock.
    holder: Mutex<bool>,
}

impl Drop for SimFile {
    fn drop(&mut self) {
        if *self.holder.lock() {
            self.dir.disk.lock().inodes[self.inode].locked = false;
        }
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let mut disk = self.dir.disk.lock();
        let wanted = match out.len() {
            0 | 1 => out.len(),
            longest if disk.short_reads => 1 + disk.random(longest as u64) as usize,
            longest => longest,
        };
        let bytes = &disk.inodes[self.inode].cache;
        let start = (offset as usize).min(bytes.len());
        let length = wanted.min(bytes.len() - start);
        out[..length].copy_from_slice(&bytes[start..start + length]);
        Ok(length)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        self.dir.disk.lock().write(self.inode, offset, data)
    }

    fn sync(&self) -> io::Result<()> {
        let result = self.dir.disk.lock().sync(self.inode);
        self.dir.call_hook(&self.name);
        result
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut disk = self.dir.disk.lock();
        disk.happens()?;
        let inode = self.inode;
        disk.inodes[inode].pages.retain(|page| page * PAGE < length);
        disk.change(inode, Op::SetLen { inode, length });
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.dir.disk.lock().inodes[self.inode].cache.len() as u64)
    }

    fn punch(&self, offset: u64, length: u64) -> io::Result<()> {
        let mut disk = self.dir.disk.lock();
        disk.happens()?;
        let inode = self.inode;
        let (first, end) = (offset.div_ceil(PAGE), (offset + length) / PAGE);
        disk.inodes[inode].pages.retain(|page| !(first..end).contains(page));
        disk.change(inode, Op::Punch { inode, offset, length });
        Ok(())
    }

    fn allocated(&self) -> io::Result<u64> {
        Ok(self.dir.disk.lock().inodes[self.inode].pages.len() as u64 * PAGE)
    }

    fn forget_cache(&self) -> io::Result<()> {
        let mut disk = self.dir.disk.lock();
        let mut seen = disk.inodes[self.inode].platter.clone();
        for at in &disk.inodes[self.inode].pending {
            apply(&mut seen, &disk.log[*at]);
        }
        disk.inodes[self.inode].cache = seen;
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut disk = self.dir.disk.lock();
        let mut holder = self.holder.lock();
        if !*holder && disk.inodes[self.inode].locked {
            return Ok(false);
        }
        disk.inodes[self.inode].locked = true;
        *holder = true;
        Ok(true)
    }
}

impl DiskDir for SimDir {
    fn name(&self) -> String {
        "sim".to_owned()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.disk.lock().names.get(name).copied();
        let inode = inode.ok_or(io::ErrorKind::NotFound)?;
        let (dir, name) = (self.clone(), name.to_owned());
        Ok(Arc::new(SimFile { dir, inode, name, holder: Mutex::new(false) }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        {
            let mut disk = self.disk.lock();
            disk.happens()?;
            if disk.names.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let inode = disk.inodes.len();
            disk.inodes.push(Inode::default());
            disk.names.insert(name.to_owned(), inode);
            disk.log.push(Op::Create { inode, name: name.to_owned() });
        }
        self.open(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk.lock();
        if !disk.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        disk.happens()?;
        disk.names.remove(name);
        disk.log.push(Op::Remove { name: name.to_owned() });
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.disk.lock().names.keys().cloned().collect())
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.happens()?;
        disk.log.push(Op::DirSync);
        Ok(())
    }

    fn room(&self) -> io::Result<Room> {
        let disk = self.disk.lock();
        let bytes = |pages: usize| pages as u64 * PAGE;
        Ok(disk.space_pages.map_or(Room { free: u64::MAX, total: u64::MAX }, |space| Room {
            free: bytes(space.saturating_sub(disk.used_pages())),
            total: bytes(space),
        }))
    }
}
