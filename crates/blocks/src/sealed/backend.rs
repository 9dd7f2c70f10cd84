//! Objects for synchronous callers, over any `object_store`.
//!
//! It refuses to know formats. Its invariants: a put that returned is durable; reads give the
//! whole range or an error; nothing here relies on compare-and-swap.
//!
//! The engine's threads are plain threads, so every call blocks. A local store is read with
//! positioned reads on files that stay open, without the store's asynchronous layer. Everything
//! else is polled on the calling thread, inside the runtime that the store was given: network
//! stores need one for their sockets, the local and in-memory stores need none. Call from a
//! thread that may block, never from an asynchronous task.

use std::{
    fs::File,
    io,
    os::unix::fs::{DirBuilderExt, FileExt, PermissionsExt},
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{
    ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, local::LocalFileSystem,
};
use quick_cache::sync::Cache;

use crate::Error;

/// Files of a local store that stay open.
const OPEN_FILES_MAX: usize = 64;

/// Mode of the store's files.
const FILE_MODE: u32 = 0o600;

/// Mode of the store's folders.
const DIR_MODE: u32 = 0o700;

/// A listed object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) size: u64,
}

pub(super) struct Backend {
    store: Arc<dyn ObjectStore>,
    runtime: Option<tokio::runtime::Handle>,
    local: Option<Local>,
}

/// A local directory, read directly.
struct Local {
    root: PathBuf,
    files: Cache<String, Arc<File>>,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Backend {
    /// Over any store.
    pub(super) fn over(
        store: Arc<dyn ObjectStore>,
        runtime: Option<tokio::runtime::Handle>,
    ) -> Self {
        Self { store, runtime, local: None }
    }

    /// Over a local directory, which must exist.
    pub(super) fn local(root: &Path) -> Result<Self, Error> {
        let name = root.display().to_string();
        // The local store syncs nothing unless it is told to; told to, it syncs the file, the
        // folder that names it, and folders that it makes.
        let store = LocalFileSystem::new_with_prefix(root)
            .map_err(|e| failed("open", &name, e))?
            .with_fsync(true);
        let local = Local { root: root.to_owned(), files: Cache::new(OPEN_FILES_MAX) };
        Ok(Self { store: Arc::new(store), runtime: None, local: Some(local) })
    }

    /// Runs one future of the store to its end on this thread.
    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let _inside = self.runtime.as_ref().map(tokio::runtime::Handle::enter);
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(out) => return out,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    /// Stores an object that must not exist. One that exists is left as it is: names of packs
    /// are hashes, so it has the same bytes.
    pub(super) fn create(&self, key: &str, parts: Vec<Bytes>) -> Result<(), Error> {
        match self.put(key, parts, PutMode::Create) {
            Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            other => other.map_err(|e| failed("write", key, e)),
        }
    }

    /// Stores an object, replacing what was there.
    pub(super) fn replace(&self, key: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.put(key, vec![Bytes::from(bytes)], PutMode::Overwrite)
            .map_err(|e| failed("write", key, e))
    }

    fn put(&self, key: &str, parts: Vec<Bytes>, mode: PutMode) -> object_store::Result<()> {
        if let Some(local) = &self.local {
            local.make_parents(key).map_err(generic)?;
        }
        let payload = PutPayload::from_iter(parts);
        let options = PutOptions { mode, ..PutOptions::default() };
        self.wait(self.store.put_opts(&key.into(), payload, options))?;
        if let Some(local) = &self.local {
            let mode = std::fs::Permissions::from_mode(FILE_MODE);
            std::fs::set_permissions(local.root.join(key), mode).map_err(generic)?;
        }
        Ok(())
    }

    /// Bytes `offset..offset + length` of an object.
    pub(super) fn read(&self, key: &str, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        if let Some(local) = &self.local {
            return local.read(key, offset, length);
        }
        let range = offset..offset.saturating_add(length as u64);
        let bytes = self
            .wait(self.store.get_range(&key.into(), range))
            .map_err(|e| failed("read", key, e))?;
        if bytes.len() == length { Ok(bytes.into()) } else { Err(short(key)) }
    }

    /// Length of an object, in bytes.
    pub(super) fn size(&self, key: &str) -> Result<u64, Error> {
        let meta =
            self.wait(self.store.head(&key.into())).map_err(|e| failed("look up", key, e))?;
        Ok(meta.size)
    }

    /// Every object under `prefix`, in no order.
    pub(super) fn list(&self, prefix: &str) -> Result<Vec<Listed>, Error> {
        let path = object_store::path::Path::from(prefix);
        let found = self.wait(self.store.list(Some(&path)).try_collect::<Vec<_>>());
        match found {
            Ok(found) => Ok(found
                .into_iter()
                .map(|meta| Listed { key: meta.location.to_string(), size: meta.size })
                .collect()),
            Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
            Err(e) => Err(failed("list", prefix, e)),
        }
    }

    /// Deletes an object; one that is not there is no error.
    pub(super) fn delete(&self, key: &str) -> Result<(), Error> {
        self.forget(key);
        match self.wait(self.store.delete(&key.into())) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(failed("delete", key, e)),
        }
    }

    /// Deletes what interrupted writes left under `prefix`. Only a local store has such files.
    pub(super) fn delete_temporary(&self, prefix: &str) -> Result<u64, Error> {
        match &self.local {
            Some(local) => remove_temporary(&local.root.join(prefix))
                .map_err(|e| io_failed("clean", prefix, e)),
            None => Ok(0),
        }
    }

    /// Drops what is kept open of an object.
    pub(super) fn forget(&self, key: &str) {
        if let Some(local) = &self.local {
            local.files.remove(key);
        }
    }
}

impl Local {
    fn read(&self, key: &str, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        let file = self
            .files
            .get_or_insert_with(key, || open_for_ranges(&self.root.join(key)).map(Arc::new))
            .map_err(|e| io_failed("read", key, e))?;
        let mut out = vec![0; length];
        match file.read_exact_at(&mut out, offset) {
            Ok(()) => Ok(out),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(short(key)),
            Err(e) => Err(io_failed("read", key, e)),
        }
    }

    /// Makes the folders of an object, private and durable.
    fn make_parents(&self, key: &str) -> io::Result<()> {
        let Some((folders, _)) = key.rsplit_once('/') else { return Ok(()) };
        if self.root.join(folders).is_dir() {
            return Ok(());
        }
        let mut at = self.root.clone();
        for folder in folders.split('/') {
            let next = at.join(folder);
            match std::fs::DirBuilder::new().mode(DIR_MODE).create(&next) {
                Ok(()) => File::open(&at)?.sync_all()?,
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
            at = next;
        }
        Ok(())
    }
}

/// Opens a file of which whole records are read, here and there: the host is to read what is
/// asked for in one go, and not more.
fn open_for_ranges(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    // A file system that knows no such advice reads all the same.
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random);
    Ok(file)
}

/// Makes the folder of a local store, private and durable.
pub(super) fn make_root(root: &Path) -> Result<(), Error> {
    let failed = |e| io_failed("create", &root.display().to_string(), e);
    std::fs::DirBuilder::new().recursive(true).mode(DIR_MODE).create(root).map_err(failed)?;
    match root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed),
        None => Ok(()),
    }
}

/// Files named `<object>#<number>` are writes that never ended.
fn remove_temporary(folder: &Path) -> io::Result<u64> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(e),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += remove_temporary(&entry.path())?;
        } else if entry.file_name().to_string_lossy().contains('#') {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn generic(source: io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "local", source: Box::new(source) }
}

fn short(key: &str) -> Error {
    Error::Corrupt { what: "object", name: key.to_owned(), why: "it ends too early" }
}

fn io_failed(doing: &'static str, key: &str, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::NotFound => Error::Missing { what: "object", name: key.to_owned() },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::NoSpace { doing: "writing an object" }
        }
        _ => Error::Io { doing, name: key.to_owned(), source },
    }
}

fn failed(doing: &'static str, key: &str, error: object_store::Error) -> Error {
    if matches!(error, object_store::Error::NotFound { .. }) {
        return Error::Missing { what: "object", name: key.to_owned() };
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(at) = cause {
        if let Some(e) = at.downcast_ref::<io::Error>()
            && matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            return Error::NoSpace { doing: "writing an object" };
        }
        cause = at.source();
    }
    Error::Io { doing, name: key.to_owned(), source: io::Error::other(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_store_keeps_its_files_private() {
        let dir = tempfile::tempdir().unwrap();
        let backend = Backend::local(dir.path()).unwrap();
        backend.create("packs/data/0/x", vec![Bytes::from_static(b"hello")]).unwrap();
        let mode = |path: &str| {
            std::fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777
        };
        assert_eq!(mode("packs/data/0/x"), 0o600);
        for folder in ["packs", "packs/data", "packs/data/0"] {
            assert_eq!(mode(folder), 0o700, "{folder}");
        }
    }

    #[test]
    fn objects_of_a_local_store_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let backend = Backend::local(dir.path()).unwrap();
        backend.create("a/x", vec![Bytes::from_static(b"he"), Bytes::from_static(b"llo")]).unwrap();
        backend.create("a/x", vec![Bytes::from_static(b"hello")]).unwrap();
        assert_eq!(backend.read("a/x", 1, 3).unwrap(), b"ell");
        assert!(matches!(backend.read("a/x", 3, 3), Err(Error::Corrupt { .. })));
        assert!(matches!(backend.read("a/y", 0, 1), Err(Error::Missing { .. })));
        assert_eq!(backend.size("a/x").unwrap(), 5);
        std::fs::write(dir.path().join("a/y#1"), b"half").unwrap();
        assert_eq!(backend.list("a").unwrap(), [Listed { key: "a/x".into(), size: 5 }]);
        assert_eq!(backend.delete_temporary("a").unwrap(), 1);
        backend.delete("a/x").unwrap();
        backend.delete("a/x").unwrap();
        assert!(backend.list("a").unwrap().is_empty());
        assert!(backend.list("nothing").unwrap().is_empty());
    }
}
