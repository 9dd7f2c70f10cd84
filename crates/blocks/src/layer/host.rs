//! The real files, folders and shared maps.
//!
//! It refuses to know formats. Its invariant: files are 0600 in folders of 0700, and nothing is
//! opened through a symbolic link in its last component.
//!
//! Next to read: `header`.

#![expect(unsafe_code, reason = "a shared mapping is memory that the compiler cannot see into")]

use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use memmap2::{MmapMut, MmapRaw};
use rustix::fs::{Advice, FallocateFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::layer::disk::{DiskDir, DiskFile, Room, RunDir, SharedMap};

/// Mode of every file: its owner alone.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

struct HostFile(File);

impl DiskFile for HostFile {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::pread(&self.0, out, offset)?)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::pwrite(&self.0, data, offset)?)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(&self.0)?)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        Ok(rustix::fs::ftruncate(&self.0, length)?)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn punch(&self, offset: u64, length: u64) -> io::Result<()> {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(rustix::fs::fallocate(&self.0, flags, offset, length)?)
    }

    fn allocated(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.blocks() * 512)
    }

    fn forget_cache(&self) -> io::Result<()> {
        Ok(rustix::fs::fadvise(&self.0, 0, None::<NonZeroU64>, Advice::DontNeed)?)
    }

    fn try_lock(&self) -> io::Result<bool> {
        match rustix::fs::flock(&self.0, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn open_file(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(rustix::fs::open(path, flags, FILE_MODE)?.into())
}

fn make_private(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A folder on the host's disk.
pub(super) struct HostDir {
    path: PathBuf,
    handle: File,
}

impl HostDir {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), handle: File::open(path)? })
    }

    /// Opens the folder, making it first; a new folder's own entry is made durable.
    pub(super) fn open_or_create(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            make_private(path)?;
            if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
                File::open(parent)?.sync_all()?;
            }
        }
        Self::open(path)
    }
}

impl DiskDir for HostDir {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(HostFile(open_file(&self.path.join(name), OFlags::empty())?)))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let flags = OFlags::CREATE | OFlags::EXCL;
        Ok(Arc::new(HostFile(open_file(&self.path.join(name), flags)?)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let entries = std::fs::read_dir(&self.path)?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn sync(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn room(&self) -> io::Result<Room> {
        let found = rustix::fs::fstatvfs(&self.handle)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Room { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
    }
}

struct HostMap {
    memory: MmapRaw,
    /// The file behind it; none for memory of this process alone.
    file: Option<File>,
}

impl SharedMap for HostMap {
    fn words(&self) -> &[AtomicU64] {
        let words = self.memory.len() / size_of::<AtomicU64>();
        // SAFETY: the mapping is `words * 8` readable and writable bytes, page-aligned and so
        // aligned for u64, and lives as long as `self`. Any bit pattern is a u64. Every access in
        // this process is through these atomics (the raw pointer is handed to nobody else), and
        // no other process has the file open for as long as the layer's lock is held, so there
        // is no non-atomic access. The file is never cut while mapped: only `open` resizes it,
        // and only upwards.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast::<AtomicU64>(), words) }
    }

    fn reserve(&self, offset: u64, length: u64) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        // Without this a full tmpfs would be a SIGBUS at the first store.
        match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, offset, length) {
            // A folder that is not on tmpfs may not know the call; then there is no promise.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The folder of live maps, on tmpfs.
pub(super) struct HostRunDir {
    path: PathBuf,
}

impl HostRunDir {
    pub(super) fn open_or_create(path: &Path) -> io::Result<Self> {
        make_private(path)?;
        Ok(Self { path: std::fs::canonicalize(path)? })
    }
}

fn map_file(file: File) -> io::Result<Arc<dyn SharedMap>> {
    let memory = MmapRaw::map_raw(&file)?;
    Ok(Arc::new(HostMap { memory, file: Some(file) }))
}

impl RunDir for HostRunDir {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn boot_id(&self) -> io::Result<[u8; 16]> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        let digits = text.trim().replace('-', "");
        let id = u128::from_str_radix(&digits, 16).map_err(io::Error::other)?;
        Ok(id.to_be_bytes())
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn SharedMap>> {
        self.remove(name)?;
        let file = open_file(&self.path.join(name), OFlags::CREATE | OFlags::EXCL)?;
        rustix::fs::ftruncate(&file, bytes)?;
        map_file(file)
    }

    fn open(&self, name: &str, bytes: u64) -> io::Result<Option<Arc<dyn SharedMap>>> {
        let file = match open_file(&self.path.join(name), OFlags::empty()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let found = file.metadata()?;
        let ours = found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o77 == 0;
        if !ours || !found.is_file() {
            return Ok(None);
        }
        if found.len() < bytes {
            rustix::fs::ftruncate(&file, bytes)?;
        }
        map_file(file).map(Some)
    }

    fn anonymous(&self, bytes: u64) -> io::Result<Arc<dyn SharedMap>> {
        let bytes = usize::try_from(bytes).map_err(io::Error::other)?;
        Ok(Arc::new(HostMap { memory: MmapMut::map_anon(bytes)?.into(), file: None }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match std::fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn a_shared_map_is_seen_by_the_next_open_and_grows() {
        let dir = tempfile::tempdir().unwrap();
        let run = HostRunDir::open_or_create(&dir.path().join("run")).unwrap();
        assert!(run.open("m", 4096).unwrap().is_none());
        let map = run.create("m", 4096).unwrap();
        map.reserve(0, 4096).unwrap();
        map.words()[3].store(77, Ordering::SeqCst);
        drop(map);
        let again = run.open("m", 8192).unwrap().unwrap();
        assert_eq!(again.words().len(), 1024);
        assert_eq!(again.words()[3].load(Ordering::SeqCst), 77);
        assert_eq!(run.create("m", 4096).unwrap().words()[3].load(Ordering::SeqCst), 0);
        run.remove("m").unwrap();
        run.remove("m").unwrap();
        assert_eq!(run.anonymous(4096).unwrap().words().len(), 512);
    }

    #[test]
    fn a_map_that_others_may_read_or_that_is_a_link_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let run = HostRunDir::open_or_create(dir.path()).unwrap();
        drop(run.create("m", 4096).unwrap());
        let path = dir.path().join("m");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(run.open("m", 4096).unwrap().is_none());
        std::os::unix::fs::symlink(&path, dir.path().join("l")).unwrap();
        assert!(run.open("l", 4096).is_err());
    }
}
