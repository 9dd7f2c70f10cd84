//! The console log of an instance: one file that only grows, whose oldest bytes are given back.
//!
//! QEMU appends to the file by itself, also while no server runs. Offsets are file offsets and
//! never change: what is too old is punched out of the file as a hole, so that it takes no room
//! and its place is kept. INVARIANT: the last [`CONSOLE_LOG_MAX`] bytes are always readable.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
};

use rustix::fs::FallocateFlags;

use crate::{
    dir::GuestDir,
    port::{CONSOLE_LOG_MAX, CONSOLE_READ_MAX, ComputeError, ConsolePart},
};

/// The name of the log in a guest's directory.
pub(crate) const CONSOLE_LOG: &str = "console.log";
/// How much more than [`CONSOLE_LOG_MAX`] the file may take before it is trimmed.
const TRIM_SLACK: u64 = 1 << 20;

fn failed(dir: &GuestDir, what: &'static str, source: io::Error) -> ComputeError {
    ComputeError::File { what, path: dir.file(CONSOLE_LOG), source }
}

/// Makes an empty log when there is none.
pub(crate) fn create(dir: &GuestDir) -> Result<(), ComputeError> {
    append(dir, b"")
}

/// Adds to the log.
pub(crate) fn append(dir: &GuestDir, bytes: &[u8]) -> Result<(), ComputeError> {
    fs::File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(dir.file(CONSOLE_LOG))
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|source| failed(dir, "write", source))
}

/// Reads from `offset`, or from the oldest byte that is kept.
pub(crate) fn read(dir: &GuestDir, offset: u64, limit: usize) -> Result<ConsolePart, ComputeError> {
    let file = match fs::File::open(dir.file(CONSOLE_LOG)) {
        Ok(file) => file,
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => return Ok(ConsolePart::default()),
        Err(source) => return Err(failed(dir, "open", source)),
    };
    let read = || -> io::Result<ConsolePart> {
        let total = file.metadata()?.len();
        let offset = offset.max(total.saturating_sub(CONSOLE_LOG_MAX.0)).min(total);
        let rest = usize::try_from(total - offset).unwrap_or(usize::MAX);
        let mut bytes = vec![0; rest.min(limit).min(CONSOLE_READ_MAX)];
        file.read_exact_at(&mut bytes, offset)?;
        Ok(ConsolePart { offset, bytes, total })
    };
    read().map_err(|source| failed(dir, "read", source))
}

/// Gives back the room of what is too old. Cheap when there is nothing to do.
pub(crate) fn trim(dir: &GuestDir) -> Result<(), ComputeError> {
    let trimmed = || -> io::Result<()> {
        let path = dir.file(CONSOLE_LOG);
        let meta = fs::metadata(&path)?;
        if meta.blocks() * 512 <= CONSOLE_LOG_MAX.0 + TRIM_SLACK {
            return Ok(());
        }
        let old = meta.len().saturating_sub(CONSOLE_LOG_MAX.0);
        if old == 0 {
            return Ok(());
        }
        let file = fs::File::options().write(true).open(&path)?;
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(rustix::fs::fallocate(&file, flags, 0, old)?)
    };
    trimmed().map_err(|source| failed(dir, "trim", source))
}

#[cfg(test)]
mod tests {
    use base::InstanceId;

    use super::*;

    fn dir() -> (tempfile::TempDir, GuestDir) {
        let root = tempfile::tempdir().unwrap();
        let dir = GuestDir::of(root.path(), &InstanceId::parse("a").unwrap());
        dir.create().unwrap();
        (root, dir)
    }

    #[test]
    fn an_instance_that_never_started_has_an_empty_log() {
        let (_root, dir) = dir();
        assert_eq!(read(&dir, 7, 10).unwrap(), ConsolePart::default());
    }

    #[test]
    fn parts_join_to_the_whole() {
        let (_root, dir) = dir();
        append(&dir, b"one ").unwrap();
        append(&dir, b"two").unwrap();
        let first = read(&dir, 0, 4).unwrap();
        assert_eq!((first.bytes.as_slice(), first.total), (&b"one "[..], 7));
        assert_eq!(read(&dir, 4, 100).unwrap().bytes, b"two");
        let beyond = read(&dir, 99, 100).unwrap();
        assert_eq!((beyond.offset, beyond.bytes.len()), (7, 0));
    }

    #[test]
    fn the_log_at_its_limit_and_beyond() {
        let (_root, dir) = dir();
        let max = usize::try_from(CONSOLE_LOG_MAX.0).unwrap();
        append(&dir, &vec![b'a'; max]).unwrap();
        trim(&dir).unwrap();
        assert_eq!(read(&dir, 0, 1).unwrap().offset, 0);

        append(&dir, &vec![b'b'; 3 << 20]).unwrap();
        trim(&dir).unwrap();
        let oldest = read(&dir, 0, 1).unwrap();
        assert_eq!((oldest.offset, oldest.bytes.as_slice()), (3 << 20, &b"a"[..]));
        assert_eq!(oldest.total, CONSOLE_LOG_MAX.0 + (3 << 20));
        let blocks = fs::metadata(dir.file(CONSOLE_LOG)).unwrap().blocks();
        assert!(blocks * 512 <= CONSOLE_LOG_MAX.0 + TRIM_SLACK, "{blocks}");
        append(&dir, b"c").unwrap();
        assert_eq!(read(&dir, oldest.total, 9).unwrap().bytes, b"c");
    }

    #[test]
    fn a_read_at_its_limit() {
        let (_root, dir) = dir();
        append(&dir, &vec![b'a'; CONSOLE_READ_MAX + 1]).unwrap();
        assert_eq!(read(&dir, 0, CONSOLE_READ_MAX).unwrap().bytes.len(), CONSOLE_READ_MAX);
        assert_eq!(read(&dir, 0, CONSOLE_READ_MAX + 1).unwrap().bytes.len(), CONSOLE_READ_MAX);
    }
}
