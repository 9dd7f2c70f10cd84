//! A guest's directory: private files, written whole or not at all, and sockets of any path length.
//!
//! INVARIANT: the directory is 0700 and its files 0600, because seeds hold user data.

use std::{
    fs,
    io::{self, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use base::InstanceId;
use tokio::net::UnixStream;

use crate::port::ComputeError;

/// Ids may be `..`; with this in front no name leaves the directory.
const PREFIX: &str = "i-";

/// The directory of one instance.
#[derive(Clone, Debug)]
pub(crate) struct GuestDir {
    path: PathBuf,
}

impl GuestDir {
    /// The directory of `instance` below `root`; it need not exist.
    pub(crate) fn of(root: &Path, instance: &InstanceId) -> Self {
        Self { path: root.join(format!("{PREFIX}{instance}")) }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes the directory when it is not there.
    pub(crate) fn create(&self) -> Result<(), ComputeError> {
        private_dir(&self.path)
    }

    /// Writes a file so that a crash leaves the old one or the new one.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ComputeError> {
        let (path, draft) = (self.file(name), self.file(&format!("{name}.new")));
        let written = (|| {
            let mut file = fs::File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        })();
        written.map_err(|source| ComputeError::File { what: "write", path, source })
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), ComputeError> {
        match fs::remove_file(self.file(name)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ComputeError::File { what: "remove", path: self.file(name), source })
            }
            _ => Ok(()),
        }
    }

    /// Removes the directory and all in it, if it is there.
    pub(crate) fn remove_all(&self) -> Result<(), ComputeError> {
        match fs::remove_dir_all(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ComputeError::File { what: "remove", path: self.path.clone(), source })
            }
            _ => Ok(()),
        }
    }

    /// Connects to a socket in it. The path goes through a descriptor of the directory, so that
    /// the system's limit of 107 bytes never matters.
    pub(crate) async fn connect(&self, socket: &str) -> io::Result<UnixStream> {
        let dir = fs::File::open(&self.path)?;
        UnixStream::connect(format!("/proc/self/fd/{}/{socket}", dir.as_raw_fd())).await
    }
}

/// Makes a directory for its owner alone, with those above it, when it is not there.
pub(crate) fn private_dir(path: &Path) -> Result<(), ComputeError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| {
        ComputeError::File { what: "create directory", path: path.to_owned(), source }
    })
}

/// The instances that have a directory below `root`.
pub(crate) fn instances(root: &Path) -> Result<Vec<InstanceId>, ComputeError> {
    let failed =
        |source| ComputeError::File { what: "read directory", path: root.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(root).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if let Some(id) = id.and_then(|id| InstanceId::parse(id).ok()) {
            found.push(id);
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_are_for_their_owner_alone() {
        let root = tempfile::tempdir().unwrap();
        let dir = GuestDir::of(&root.path().join("guests"), &InstanceId::parse("a").unwrap());
        dir.create().unwrap();
        dir.write("seed", b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(dir.path()), 0o700);
        assert_eq!(mode(&dir.file("seed")), 0o600);
        assert_eq!(instances(&root.path().join("guests")).unwrap().len(), 1);
    }

    #[test]
    fn no_id_leaves_the_directory() {
        let dir = GuestDir::of(Path::new("/guests"), &InstanceId::parse("..").unwrap());
        assert_eq!(dir.path(), Path::new("/guests/i-.."));
    }

    #[tokio::test]
    async fn a_socket_deep_down_is_reached() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("d".repeat(120));
        let dir = GuestDir::of(&deep, &InstanceId::parse("a").unwrap());
        dir.create().unwrap();
        let fd = fs::File::open(dir.path()).unwrap();
        let at = format!("/proc/self/fd/{}/s", fd.as_raw_fd());
        let _listener = std::os::unix::net::UnixListener::bind(at).unwrap();
        assert!(dir.connect("s").await.is_ok());
        assert!(dir.connect("t").await.is_err());
    }
}
