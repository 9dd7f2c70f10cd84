//! The data directory: where everything of a region is, and who may use it now.
//!
//! | path | what |
//! |---|---|
//! | `lock` | held by the one server (or offline command) that uses the directory |
//! | `database.sqlite` | records |
//! | `keys/` | the master key and root keys; not part of ordinary backups |
//! | `manifest.key` | key of the codes in recovery manifests, sealed |
//! | `store/` | sealed chunks of images |
//! | `volumes/` | write layers of volumes, one folder each |
//! | `guests/` | control files and consoles of guests, one folder each |
//! | `tls/` | the region's own CA and its server's certificate |
//! | `credentials.json` | the first account's API key, for `ectype env` |
//! | `endpoint` | URL of the running server |
//! | `operator.sock` | where operator commands reach the running server |

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::Write,
    os::{
        fd::AsRawFd,
        unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// What a region's user signs in with.
#[derive(Serialize, Deserialize)]
pub struct StoredCredentials {
    /// The account.
    pub account_id: String,
    /// Its owner.
    pub iam_id: String,
    /// The owner's API key.
    pub api_key: String,
    /// The region.
    pub region: String,
}

/// A data directory.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

/// The right to use a data directory; ends when dropped.
#[derive(Debug)]
pub struct Locked {
    _file: File,
}

impl DataDir {
    /// `$XDG_DATA_HOME/ectype`, or the same below the home directory.
    pub fn default_path() -> anyhow::Result<PathBuf> {
        if let Some(base) = std::env::var_os("XDG_DATA_HOME").filter(|v| !v.is_empty()) {
            return Ok(PathBuf::from(base).join("ectype"));
        }
        let home = std::env::var_os("HOME").filter(|v| !v.is_empty());
        let home = home.context("neither XDG_DATA_HOME nor HOME is set: give --data DIR")?;
        Ok(PathBuf::from(home).join(".local/share/ectype"))
    }

    /// A directory that is there.
    pub fn find(data: Option<PathBuf>) -> anyhow::Result<Self> {
        let root = match data {
            Some(data) => data,
            None => Self::default_path()?,
        };
        let canonical = fs::canonicalize(&root).with_context(|| {
            format!("no region at {}: run `ectype serve --data {0}`", root.display())
        })?;
        Ok(Self { root: canonical })
    }

    /// A directory that is there, or is made now (mode 0700).
    pub fn make(root: &Path) -> anyhow::Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(root);
        made.with_context(|| format!("make data directory {}", root.display()))?;
        let root = fs::canonicalize(root)
            .with_context(|| format!("read data directory {}", root.display()))?;
        let mode = fs::metadata(&root)?.permissions().mode();
        if mode & 0o077 != 0 {
            let own = fs::Permissions::from_mode(0o700);
            fs::set_permissions(&root, own)
                .with_context(|| format!("close data directory {} to others", root.display()))?;
        }
        Ok(Self { root })
    }

    /// Takes the directory for this process.
    pub fn lock(&self) -> anyhow::Result<Locked> {
        let path = self.path("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("open {}", path.display()))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Locked { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => anyhow::bail!(
                "another server uses the data directory {}: stop it with `ectype stop --data {0}`, \
                 or give this one another --data",
                self.root.display()
            ),
            Err(error) => Err(error).with_context(|| format!("lock {}", path.display())),
        }
    }

    /// The path of something in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The private folder on tmpfs that belongs to this directory. Short, because it holds unix
    /// sockets; named by the directory's own identity, so that a copy of it has another.
    pub fn run_dir(&self) -> anyhow::Result<PathBuf> {
        let uid = rustix::process::getuid().as_raw();
        let parent = PathBuf::from(format!("/dev/shm/ectype-{uid}"));
        private_dir(&parent, uid)?;
        let meta = fs::metadata(&self.root)?;
        let own = parent.join(format!("{:x}-{:x}", meta.dev(), meta.ino()));
        private_dir(&own, uid)?;
        Ok(own)
    }

    /// Removes that folder when nothing in it is needed: no volume is open, and nobody listens.
    /// A volume's live map outlives the server that opened it, so one that is there stays.
    pub fn run_dir_remove(&self) -> anyhow::Result<()> {
        let own = self.run_dir()?;
        for part in fs::read_dir(&own)? {
            for entry in fs::read_dir(part?.path())? {
                let path = entry?.path();
                if !matches!(path.extension().and_then(|e| e.to_str()), Some("lock" | "log")) {
                    return Ok(());
                }
            }
        }
        fs::remove_dir_all(&own).with_context(|| format!("remove {}", own.display()))
    }

    /// Writes a file whole, durable and for its owner only.
    pub fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        write_atomic(&self.path(name), bytes)
    }

    /// The credentials of the first account.
    pub fn credentials(&self) -> anyhow::Result<StoredCredentials> {
        let path = self.path("credentials.json");
        let text =
            fs::read(&path).with_context(|| format!("read credentials {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("read credentials {}", path.display()))
    }

    /// URL of the running server.
    pub fn endpoint(&self) -> anyhow::Result<String> {
        let path = self.path("endpoint");
        let text = fs::read_to_string(&path).with_context(|| {
            format!("no server runs on {}: start one with `ectype serve`", self.root.display())
        })?;
        Ok(text.trim().to_owned())
    }

    /// A path to the operator's socket that is short whatever the directory is called: through a
    /// descriptor of the directory, which must stay open as long as the path is used.
    pub fn operator_socket(&self) -> anyhow::Result<(File, PathBuf)> {
        let dir = File::open(&self.root)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/operator.sock", dir.as_raw_fd()));
        Ok((dir, path))
    }
}

fn private_dir(path: &Path, uid: u32) -> anyhow::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("make {}", path.display())),
    }
    let meta = fs::symlink_metadata(path)?;
    anyhow::ensure!(
        meta.is_dir() && meta.uid() == uid && meta.permissions().mode() & 0o077 == 0,
        "{} is not a private directory of this user: remove it",
        path.display()
    );
    Ok(())
}

/// Writes a file whole or not at all, mode 0600.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let doing = || format!("write {}", path.display());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let name = path.file_name().with_context(doing)?.to_string_lossy().into_owned();
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&draft)
        .with_context(doing)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(doing)?;
    fs::rename(&draft, path).with_context(doing)?;
    File::open(folder).and_then(|dir| dir.sync_all()).with_context(doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_user_of_the_directory_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::make(&temp.path().join("data")).unwrap();
        let held = dir.lock().unwrap();
        let error = dir.lock().unwrap_err().to_string();
        assert!(error.contains("another server uses"), "{error}");
        drop(held);
        assert!(dir.lock().is_ok());
    }

    #[test]
    fn the_directory_and_its_files_are_closed_to_others() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("data");
        fs::create_dir(&root).unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        let dir = DataDir::make(&root).unwrap();
        dir.write("x", b"secret").unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&root), 0o700);
        assert_eq!(mode(&dir.path("x")), 0o600);
        assert_eq!(fs::read(dir.path("x")).unwrap(), b"secret");
    }

    #[test]
    fn the_folder_on_tmpfs_goes_with_the_last_open_volume() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::make(&temp.path().join("data")).unwrap();
        let own = dir.run_dir().unwrap();
        fs::create_dir(own.join("live")).unwrap();
        fs::create_dir(own.join("x")).unwrap();
        fs::write(own.join("x/1.lock"), b"").unwrap();
        for needed in ["live/map", "x/1.sock"] {
            fs::write(own.join(needed), b"").unwrap();
            dir.run_dir_remove().unwrap();
            assert!(own.join(needed).exists(), "{needed}");
            fs::remove_file(own.join(needed)).unwrap();
        }
        dir.run_dir_remove().unwrap();
        assert!(!own.exists());
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let error = DataDir::find(Some("/nowhere/at/all".into())).unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all"), "{error}");
    }
}
