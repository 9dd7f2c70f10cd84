//! The stock image: a small Linux made of Debian packages, which boots from its own disk.
//!
//! ```text
//!  apt (private state) -> debs -> unpacked -> root tree, initramfs -> disk image
//!   packages.rs                    tree.rs      initramfs.rs           disk.rs
//! ```
//! Everything runs as any user, without loop devices, and installs nothing. The disk: an MBR, a
//! FAT file system with SYSLINUX, kernel and initramfs, and an ext4 root that spans the rest.
//! What happens within the guest is in the scripts of the crate's `guest` directory.
//!
//! INVARIANT: the finished image appears under its name whole or not at all, and beside it a
//! record whose fingerprint says what it was made from.
//!
//! Next to read: `packages.rs`.

mod disk;
mod error;
mod initramfs;
mod packages;
mod script;
mod tools;
mod tree;

use std::{
    fs,
    path::{Path, PathBuf},
};

use base::ByteCount;
use serde::{Deserialize, Serialize};

pub use error::StockError;

/// The version of the recipe; the guest's scripts are part of the fingerprint besides.
pub const VERSION: u32 = 1;
/// Name of the operating system, as the catalogue lists it.
pub const OS_NAME: &str = "ectype-linux-1-amd64";
/// Its family.
pub const OS_FAMILY: &str = "Ectype Linux";
/// Its vendor.
pub const OS_VENDOR: &str = "Ectype";
/// Its version.
pub const OS_VERSION: &str = "1 (Debian 12 kernel and userland)";
/// Its name for people.
pub const OS_DISPLAY_NAME: &str = "Ectype Linux 1 (amd64)";
/// Its architecture.
pub const OS_ARCHITECTURE: &str = "amd64";
/// A name for the public image.
pub const IMAGE_NAME: &str = "ectype-linux-1-minimal-amd64-1";
/// The usual size of the disk.
pub const CAPACITY: ByteCount = ByteCount::from_gb(100);
/// The smallest disk that the system fits on, with room to work.
pub const CAPACITY_MIN: ByteCount = ByteCount::from_gb(1);
/// The largest disk: what an MBR can describe.
pub const CAPACITY_MAX: ByteCount = ByteCount::from_gb(2047);

/// What to build, and where.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// A directory for downloads and drafts (about 250 MB). What is in it may be removed at any
    /// time; what is kept spares the next build the download.
    pub work: PathBuf,
    /// The disk image to make, a sparse raw file.
    pub out: PathBuf,
    /// The size of the disk.
    pub capacity: ByteCount,
}

/// A finished image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockImage {
    /// The disk image, a sparse raw file.
    pub path: PathBuf,
    /// What it was made from.
    pub record: StockRecord,
}

/// What is known of a finished image; kept beside it as `<image>.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRecord {
    /// See [`fingerprint`].
    pub fingerprint: String,
    /// Name of the operating system, [`OS_NAME`].
    pub os: String,
    /// The size of the disk.
    pub capacity: ByteCount,
    /// What the file takes on its file system.
    pub used: ByteCount,
    /// The packages it was made from, as `name_version_architecture`, sorted.
    pub packages: Vec<String>,
}

/// Names what an image of this size is made from: the recipe, the guest's scripts and the
/// packages' names. Two builds of one fingerprint differ at most in the packages' versions.
#[must_use]
pub fn fingerprint(capacity: ByteCount) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(&VERSION.to_le_bytes()).update(&capacity.0.to_le_bytes());
    let texts = script::ALL.iter().flat_map(|(name, text)| [*name, *text]);
    for text in texts.chain(packages::ROOTS.iter().copied()).chain(tree::MODULES.iter().copied()) {
        hash.update(&text.len().to_le_bytes()).update(text.as_bytes());
    }
    hash.finalize().to_hex().to_string()
}

/// The image at `out` when it is there, whole, and what this program would build.
#[must_use]
pub fn cached(out: &Path, capacity: ByteCount) -> Option<StockImage> {
    let record = fs::read(record_path(out)).ok()?;
    let record: StockRecord = serde_json::from_slice(&record).ok()?;
    let same = record.fingerprint == fingerprint(capacity)
        && fs::metadata(out).is_ok_and(|meta| meta.len() == capacity.0);
    same.then(|| StockImage { path: out.to_owned(), record })
}

/// Builds the image, or returns the one that is there. Blocks for some ten seconds, most of them
/// for the download.
///
/// # Errors
/// When programs are missing (all are named with their packages), a download fails, or a file
/// cannot be written. An image that was there before is replaced by a whole one or not at all.
pub fn build(options: &BuildOptions) -> Result<StockImage, StockError> {
    if let Some(image) = cached(&options.out, options.capacity) {
        return Ok(image);
    }
    if !(CAPACITY_MIN..=CAPACITY_MAX).contains(&options.capacity) {
        return Err(StockError::Capacity { capacity: options.capacity });
    }
    let tools = tools::Tools::find(&std::env::var_os("PATH").unwrap_or_default())?;
    fs::create_dir_all(&options.work).map_err(error::at("create", &options.work))?;
    let work = fs::canonicalize(&options.work).map_err(error::at("resolve", &options.work))?;
    // Another process may be at the same work; then its image is as good as ours.
    let lock = work.join("lock");
    let held = fs::File::create(&lock).map_err(error::at("create", &lock))?;
    held.lock().map_err(error::at("lock", &lock))?;
    if let Some(image) = cached(&options.out, options.capacity) {
        return Ok(image);
    }

    let unpacked = packages::fetch(&tools, &work)?;
    let root = tree::build(&tools, &work, &unpacked)?;
    let initramfs = initramfs::build(&unpacked, &root.boot_modules)?;
    let parts = disk::Parts { kernel: &root.kernel, initramfs: &initramfs, root: &root.path };
    let path = record_path(&options.out);
    // A record never stands beside an image that it does not describe.
    if path.exists() {
        fs::remove_file(&path).map_err(error::at("remove", &path))?;
    }
    let used = disk::build(&tools, &work, &options.out, options.capacity, &parts)?;

    let record = StockRecord {
        fingerprint: fingerprint(options.capacity),
        os: OS_NAME.to_owned(),
        capacity: options.capacity,
        used,
        packages: unpacked.packages,
    };
    let text = serde_json::to_vec_pretty(&record).unwrap_or_default();
    fs::write(&path, text).map_err(error::at("write", &path))?;
    Ok(StockImage { path: options.out.clone(), record })
}

fn record_path(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_recipe_and_size_is_taken_from_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("stock.raw");
        let capacity = ByteCount::from_gb(1);
        assert_eq!(cached(&out, capacity), None);
        let mut record = StockRecord {
            fingerprint: fingerprint(capacity),
            os: OS_NAME.into(),
            capacity,
            used: ByteCount(0),
            packages: vec![],
        };
        let put = |record: &StockRecord| {
            fs::write(record_path(&out), serde_json::to_vec(record).unwrap()).unwrap();
        };
        put(&record);
        assert_eq!(cached(&out, capacity), None, "there is no image");
        fs::File::create(&out).unwrap().set_len(capacity.0).unwrap();
        assert_eq!(cached(&out, capacity).unwrap().record, record);
        assert_eq!(cached(&out, ByteCount::from_gb(2)), None);
        record.fingerprint.push('0');
        put(&record);
        assert_eq!(cached(&out, capacity), None);
    }

    #[test]
    fn sizes_at_the_limits() {
        let dir = tempfile::tempdir().unwrap();
        for capacity in [ByteCount(CAPACITY_MIN.0 - 1), ByteCount(CAPACITY_MAX.0 + 1)] {
            let out = dir.path().join("stock.raw");
            let options = BuildOptions { work: dir.path().join("work"), out, capacity };
            assert!(matches!(build(&options), Err(StockError::Capacity { .. })), "{capacity}");
        }
        assert!((CAPACITY_MIN..=CAPACITY_MAX).contains(&CAPACITY));
    }
}
