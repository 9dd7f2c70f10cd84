//! Key files: private, whole or absent, durable before they are used.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io::{ErrorKind as IoKind, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base::{Entropy, hex_of};
use zeroize::Zeroizing;

use crate::KmsError;

/// Longest file of a master or provider key that is read, in bytes.
const FILE_LEN_MAX: u64 = 4096;
/// Most bytes that are overwritten of a file that goes.
const OVERWRITE_MAX: u64 = 64 << 10;
const OTHERS: u32 = 0o077;
const TEMP: &str = "tmp-";

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> KmsError {
    let path = path.to_owned();
    move |source| KmsError::Io { doing, path, source }
}

fn check_private(path: &Path, meta: &std::fs::Metadata) -> Result<(), KmsError> {
    let mode = meta.mode() & 0o7777;
    if mode & OTHERS == 0 { Ok(()) } else { Err(KmsError::Exposed { path: path.to_owned(), mode }) }
}

/// Makes the folder, private, with its parents as they come. Durable.
pub(crate) fn make_dir(dir: &Path) -> Result<(), KmsError> {
    let doing = "create key folder";
    if let Some(parent) = dir.parent() {
        std::fs::create_dir_all(parent).map_err(io(doing, parent))?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == IoKind::AlreadyExists => {}
        Err(error) => return Err(io(doing, dir)(error)),
    }
    check_dir(dir)?;
    sync_dir(dir.parent().unwrap_or(Path::new("/")))
}

/// Refuses a folder that others may look into.
pub(crate) fn check_dir(dir: &Path) -> Result<(), KmsError> {
    let meta = std::fs::metadata(dir).map_err(io("look at key folder", dir))?;
    check_private(dir, &meta)
}

fn sync_dir(dir: &Path) -> Result<(), KmsError> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    File::open(dir).and_then(|d| d.sync_all()).map_err(io("sync key folder", dir))
}

/// Removes what a crash left half written.
pub(crate) fn remove_temps(dir: &Path) -> Result<(), KmsError> {
    for entry in std::fs::read_dir(dir).map_err(io("read key folder", dir))? {
        let entry = entry.map_err(io("read key folder", dir))?;
        if entry.file_name().to_string_lossy().starts_with(TEMP) {
            let path = entry.path();
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != IoKind::NotFound => {
                    return Err(io("remove half-written key file", &path)(error));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The file's bytes; none when there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KmsError> {
    read_up_to(path, FILE_LEN_MAX)
}

/// As [`read`], for a file of at most `max` bytes.
pub(crate) fn read_up_to(path: &Path, max: u64) -> Result<Option<Zeroizing<Vec<u8>>>, KmsError> {
    let doing = "read key file";
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let file = match OpenOptions::new().read(true).custom_flags(no_follow).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(None),
        Err(error) => return Err(io(doing, path)(error)),
    };
    let meta = file.metadata().map_err(io(doing, path))?;
    check_private(path, &meta)?;
    if !meta.is_file() || meta.len() > max {
        let what = "it is not a small regular file";
        return Err(KmsError::DamagedFile { path: path.to_owned(), what });
    }
    // Sized from the start, so that growing leaves no copy of key bytes behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(meta.len() as usize + 64));
    file.take(meta.len()).read_to_end(&mut bytes).map_err(io(doing, path))?;
    Ok(Some(bytes))
}

/// Puts a new file in place, whole and durable. False when another was there first; that one
/// stays as it is.
pub(crate) fn create(path: &Path, bytes: &[u8], entropy: &dyn Entropy) -> Result<bool, KmsError> {
    let doing = "write key file";
    let dir = path.parent().unwrap_or(Path::new("."));
    let temp: PathBuf = dir.join(format!("{TEMP}{}", hex_of(entropy)));
    let placed = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // A link, unlike a rename, never replaces what is there.
        match std::fs::hard_link(&temp, path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == IoKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    })();
    // Best effort: a left-over is removed at the next start.
    let _ = std::fs::remove_file(&temp);
    let placed = placed.map_err(io(doing, path))?;
    sync_dir(dir)?;
    Ok(placed)
}

/// Replaces a file, whole and durable; what it held before is overwritten first, as far as the
/// file system does that.
pub(crate) fn replace(path: &Path, bytes: &[u8], entropy: &dyn Entropy) -> Result<(), KmsError> {
    let doing = "write key file";
    let dir = path.parent().unwrap_or(Path::new("."));
    let temp: PathBuf = dir.join(format!("{TEMP}{}", hex_of(entropy)));
    let placed = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // Held open, so that its blocks can still be overwritten once the new file has its name.
        let old = OpenOptions::new().write(true).open(path);
        std::fs::rename(&temp, path)?;
        File::open(dir)?.sync_all()?;
        match old {
            Ok(old) => overwrite(old),
            Err(error) if error.kind() == IoKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    })();
    if placed.is_err() {
        // Best effort: a left-over is removed at the next start.
        let _ = std::fs::remove_file(&temp);
    }
    placed.map_err(io(doing, path))
}

/// Overwrites a file and removes it, durably; one that is not there is no error.
pub(crate) fn erase(path: &Path) -> Result<(), KmsError> {
    let erased = match OpenOptions::new().write(true).open(path) {
        Ok(file) => overwrite(file).and_then(|()| std::fs::remove_file(path)),
        Err(error) if error.kind() == IoKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    erased.map_err(io("erase key file", path))?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

fn overwrite(mut file: File) -> std::io::Result<()> {
    let length = file.metadata()?.len().min(OVERWRITE_MAX);
    file.write_all(&vec![0; length as usize])?;
    file.sync_all()
}
