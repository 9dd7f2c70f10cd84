//! The seam under a layer: files, the folder that holds them, and the run folder on tmpfs.
//!
//! It refuses to know what the bytes mean. Its invariant: everything the layer does to the host
//! goes through these traits, so `sim` can record it, break it and replay any legal crash.
//!
//! Next to read: `host` for the real one, `sim` for the simulated one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::Error;

/// One open file.
pub trait DiskFile: Send + Sync {
    /// Reads at `offset`; fewer bytes than asked for are legal, 0 is the end.
    ///
    /// # Errors
    /// As pread.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize>;

    /// Writes at `offset`; fewer bytes than given are legal, 0 is not.
    ///
    /// # Errors
    /// As pwrite.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize>;

    /// Makes content and length durable (fdatasync).
    ///
    /// # Errors
    /// After one, what was written since the last sync may be lost without a further error.
    fn sync(&self) -> io::Result<()>;

    /// Cuts or extends the file; a new tail reads as zeros.
    ///
    /// # Errors
    /// As ftruncate.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// Length in bytes.
    ///
    /// # Errors
    /// As fstat.
    fn length(&self) -> io::Result<u64>;

    /// Gives the range's space back; it reads as zeros.
    ///
    /// # Errors
    /// As fallocate; a file system that cannot is no harm.
    fn punch(&self, offset: u64, length: u64) -> io::Result<()>;

    /// Bytes taken on the disk.
    ///
    /// # Errors
    /// As fstat.
    fn allocated(&self) -> io::Result<u64>;

    /// Forgets what the host cached and holds to be written, so that reads see the disk.
    ///
    /// # Errors
    /// As posix_fadvise.
    fn forget_cache(&self) -> io::Result<()>;

    /// Locks the file for this open, without waiting; false when another open holds it.
    ///
    /// # Errors
    /// As flock.
    fn try_lock(&self) -> io::Result<bool>;
}

/// The folder of one volume.
pub trait DiskDir: Send + Sync {
    /// Its name, for errors.
    fn name(&self) -> String;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes an empty file.
    ///
    /// # Errors
    /// `AlreadyExists` when it is there.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Removes a file.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names of its files, in no order.
    ///
    /// # Errors
    /// As readdir.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes creations and removals durable.
    ///
    /// # Errors
    /// As fsync.
    fn sync(&self) -> io::Result<()>;

    /// The room on its file system, as far as this user may take it.
    ///
    /// # Errors
    /// As statvfs.
    fn room(&self) -> io::Result<Room> {
        Ok(Room { free: u64::MAX, total: u64::MAX })
    }
}

/// Room on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that may still be taken.
    pub free: u64,
    /// Bytes that it has.
    pub total: u64,
}

/// Memory that outlives this process but not the host.
pub trait SharedMap: Send + Sync {
    /// All of it.
    fn words(&self) -> &[AtomicU64];

    /// Makes sure that the byte range can be stored to; call it before the first store.
    ///
    /// # Errors
    /// `StorageFull` when there is no memory for it.
    fn reserve(&self, offset: u64, length: u64) -> io::Result<()>;
}

/// The folder, private to its owner, that holds live maps.
pub trait RunDir: Send + Sync {
    /// Its name, for errors and for telling run folders apart.
    fn name(&self) -> String;

    /// The id of this boot of the host.
    ///
    /// # Errors
    /// When the host does not say.
    fn boot_id(&self) -> io::Result<[u8; 16]>;

    /// Makes a zeroed map of `bytes`, replacing any of that name.
    ///
    /// # Errors
    /// As open and mmap.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn SharedMap>>;

    /// Opens a map, extended to `bytes` if it is shorter; `None` when there is none or it is
    /// not this user's alone.
    ///
    /// # Errors
    /// As open and mmap.
    fn open(&self, name: &str, bytes: u64) -> io::Result<Option<Arc<dyn SharedMap>>>;

    /// Memory that dies with this process.
    ///
    /// # Errors
    /// As mmap.
    fn anonymous(&self, bytes: u64) -> io::Result<Arc<dyn SharedMap>>;

    /// Removes a map; none of that name is no error.
    ///
    /// # Errors
    /// As unlink.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// Names a host's error: a full disk is told apart from a broken one.
pub(super) fn named(doing: &'static str, name: &str, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::NoSpace { doing },
        _ => Error::Io { doing, name: name.to_owned(), source },
    }
}

/// A file with its name, so that errors say which.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) name: Arc<str>,
}

impl Named {
    pub(super) fn open(dir: &dyn DiskDir, name: &str) -> Result<Self, Error> {
        match dir.open(name) {
            Ok(file) => Ok(Self { file, name: name.into() }),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                let name = format!("{}/{name}", dir.name());
                Err(Error::Missing { what: "write layer file", name })
            }
            Err(source) => Err(named("open", name, source)),
        }
    }

    pub(super) fn create(dir: &dyn DiskDir, name: &str) -> Result<Self, Error> {
        let file = dir.create(name).map_err(|source| named("create", name, source))?;
        Ok(Self { file, name: name.into() })
    }

    fn error(&self, doing: &'static str, source: io::Error) -> Error {
        named(doing, &self.name, source)
    }

    /// Fills `out`; returns how much the file had, the rest is zeroed.
    pub(super) fn read_up_to(&self, offset: u64, out: &mut [u8]) -> Result<usize, Error> {
        let mut done = 0;
        while done < out.len() {
            match self.file.read_at(offset + done as u64, &mut out[done..]) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.error("read", source)),
            }
        }
        out[done..].fill(0);
        Ok(done)
    }

    /// Fills `out` or says that the file is too short.
    pub(super) fn read_exact(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        if self.read_up_to(offset, out)? == out.len() {
            return Ok(());
        }
        let name = self.name.to_string();
        Err(Error::Corrupt { what: "write layer file", name, why: "it is cut short" })
    }

    /// Reads all of a file that may not be larger than `limit`.
    pub(super) fn read_all(&self, limit: u64) -> Result<Vec<u8>, Error> {
        let length = self.len()?;
        if length > limit {
            let name = self.name.to_string();
            return Err(Error::Corrupt { what: "write layer file", name, why: "it is too large" });
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        let got = self.read_up_to(0, &mut bytes)?;
        bytes.truncate(got);
        Ok(bytes)
    }

    /// Writes all of `data`, however short the single writes are.
    pub(super) fn write_all(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        let mut done = 0;
        while done < data.len() {
            match self.file.write_at(offset + done as u64, &data[done..]) {
                Ok(0) => return Err(self.error("write", io::ErrorKind::WriteZero.into())),
                Ok(n) => done += n,
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.error("write", source)),
            }
        }
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), Error> {
        // Not retried, whatever the error: after a failed sync the kernel forgets what failed.
        self.file.sync().map_err(|source| Error::Io {
            doing: "sync",
            name: self.name.to_string(),
            source,
        })
    }

    pub(super) fn set_len(&self, length: u64) -> Result<(), Error> {
        self.file.set_len(length).map_err(|source| self.error("resize", source))
    }

    /// Gives a file in `dir` the size of a device, which its file system may not be able to hold.
    pub(super) fn set_capacity(&self, dir: &dyn DiskDir, length: u64) -> Result<(), Error> {
        self.file.set_len(length).map_err(|source| match source.kind() {
            io::ErrorKind::FileTooLarge => {
                Error::TooLarge { name: format!("{}/{}", dir.name(), self.name), size: length }
            }
            _ => self.error("resize", source),
        })
    }

    pub(super) fn len(&self) -> Result<u64, Error> {
        self.file.length().map_err(|source| self.error("look at", source))
    }

    pub(super) fn allocated(&self) -> Result<u64, Error> {
        self.file.allocated().map_err(|source| self.error("look at", source))
    }

    pub(super) fn forget_cache(&self) -> Result<(), Error> {
        self.file.forget_cache().map_err(|source| self.error("re-read", source))
    }

    pub(super) fn try_lock(&self) -> Result<bool, Error> {
        self.file.try_lock().map_err(|source| self.error("lock", source))
    }
}

pub(super) fn sync_dir(dir: &dyn DiskDir) -> Result<(), Error> {
    dir.sync().map_err(|source| Error::Io { doing: "sync", name: dir.name(), source })
}
