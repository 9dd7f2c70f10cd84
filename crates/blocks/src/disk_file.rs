//! Disk files at the engine's edge: files of this host as the bytes of `formats`, an opened one as
//! the source of a capture, and a sealed image as a disk to be written to a file.
//!
//! It refuses to know formats: those are `formats`'. Its invariants: only regular files are opened;
//! a new one is for its owner alone, and is there whole or not at all; chunks that a file does not map are not listed, so holes
//! cost nothing.

use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use base::Entropy;
use formats::{DiskFile, Format, Medium, Ranges, Target};
use rustix::{
    fs::{CWD, Mode, OFlags, RenameFlags, SeekFrom, renameat_with, seek},
    io::Errno,
};

use crate::{BlockSource, CaptureSource, Error};

/// A block source is asked for its extents in pieces of this size, in bytes: what one lowest node
/// of a sealed tree covers.
const EXTENTS_BYTES: u64 = 128 << 20;

/// A regular file of this host.
#[derive(Debug)]
pub struct HostFile {
    file: File,
    length: u64,
}

impl HostFile {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// What the system says; `InvalidInput` when it is not a regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Not to wait for the other end of a pipe.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(Self { file, length: meta.len() })
    }
}

impl Medium for HostFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(out, offset)
    }

    fn data_after(&self, offset: u64) -> io::Result<Option<Range<u64>>> {
        if offset >= self.length {
            return Ok(None);
        }
        let from = match seek(&self.file, SeekFrom::Data(offset)) {
            Ok(from) => from,
            // No data from here to the end.
            Err(Errno::NXIO) => return Ok(None),
            // A file system that cannot tell holes.
            Err(_) => return Ok(Some(offset..self.length)),
        };
        let to = seek(&self.file, SeekFrom::Hole(from)).unwrap_or(self.length).min(self.length);
        Ok((from < to).then_some(from..to))
    }
}

/// A file that is being written, under another name until it is finished; removed when dropped
/// before. Mode 0600.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    draft: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl NewFile {
    /// Begins a file.
    ///
    /// # Errors
    /// `AlreadyExists` when something of that name is there; what the system says.
    pub fn begin(path: &Path, entropy: &dyn Entropy) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        if path.symlink_metadata().is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let draft = path.with_file_name(format!(".{name}.{}", base::uuid_of(entropy)));
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::CREATE | OFlags::EXCL;
        let file = File::from(rustix::fs::open(&draft, flags, Mode::RUSR | Mode::WUSR)?);
        Ok(Self { file, draft, path: path.to_owned(), finished: false })
    }

    /// Makes it durable and gives it its name.
    ///
    /// # Errors
    /// As [`Self::begin`]; nothing is left then.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let (from, to) = (&self.draft, &self.path);
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // A file system that cannot tell whether the name is taken.
            Err(Errno::INVAL | Errno::NOSYS) => std::fs::rename(from, to)?,
            other => other?,
        }
        self.finished = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            // Whatever ended the work is told by its own error.
            let _ = std::fs::remove_file(&self.draft);
        }
    }
}

impl Target for NewFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }
}

/// An open disk file as the source of a first capture.
pub struct FileSource {
    disk: Box<dyn DiskFile>,
    path: PathBuf,
    capacity: u64,
}

impl std::fmt::Debug for FileSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileSource({})", self.path.display())
    }
}

impl FileSource {
    /// Opens a file of that format as a disk of its own size.
    ///
    /// # Errors
    /// `Io`, `DiskFile`.
    pub fn open(path: &Path, format: Format) -> Result<Self, Error> {
        let name = || path.display().to_string();
        let file = HostFile::open(path).map_err(|source| Error::Io {
            doing: "open",
            name: name(),
            source,
        })?;
        let disk = formats::open(format, Box::new(file))
            .map_err(|source| Error::DiskFile { name: name(), source })?;
        let capacity = disk.size();
        Ok(Self { disk, path: path.to_owned(), capacity })
    }

    /// The disk's size in the file, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.disk.size()
    }

    /// The same with zeros after its end, up to `capacity` bytes.
    ///
    /// # Errors
    /// `Invalid` when the disk in the file is larger.
    pub fn grown(self, capacity: u64) -> Result<Self, Error> {
        if capacity < self.size() {
            let (name, size) = (self.path.display(), self.size());
            let what = format!("{name} holds {size} bytes, more than the disk's {capacity}");
            return Err(Error::Invalid { what });
        }
        Ok(Self { capacity, ..self })
    }
}

impl CaptureSource for FileSource {
    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn dirty_chunks(&self, chunk_size: u64) -> Vec<u64> {
        let mut out: Vec<u64> = Vec::new();
        for range in Ranges::of(&*self.disk) {
            let Ok(range) = range else {
                // Reading the chunks will say what is wrong.
                return (0..self.size().div_ceil(chunk_size)).collect();
            };
            let first = range.start / chunk_size;
            let from = out.last().map_or(first, |last| first.max(last + 1));
            out.extend(from..=(range.end - 1) / chunk_size);
        }
        out
    }

    fn read_chunk(&self, index: u64, chunk_size: u64, out: &mut [u8]) -> Result<(), Error> {
        let offset = index.saturating_mul(chunk_size);
        let inside = self.size().saturating_sub(offset).min(out.len() as u64) as usize;
        let (data, past_end) = out.split_at_mut(inside);
        past_end.fill(0);
        if data.is_empty() {
            return Ok(());
        }
        let name = || self.path.display().to_string();
        let read = self.disk.read_at(offset, data);
        read.map_err(|source| Error::DiskFile { name: name(), source })
    }
}

/// A source of blocks as a disk that `formats` writes to a file.
pub struct SourceDisk<'a>(pub &'a dyn BlockSource);

fn of_source(error: Error) -> formats::Error {
    formats::Error::Source { source: Box::new(error) }
}

impl DiskFile for SourceDisk<'_> {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), formats::Error> {
        self.0.read_at(offset, out).map_err(of_source)
    }

    fn data_after(&self, offset: u64) -> Result<Option<Range<u64>>, formats::Error> {
        let mut at = offset;
        while at < self.size() {
            let end = ((at / EXTENTS_BYTES + 1) * EXTENTS_BYTES).min(self.size());
            for extent in self.0.extents(at, end - at).map_err(of_source)? {
                if !extent.zero {
                    return Ok(Some(at..at + extent.length));
                }
                at += extent.length;
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn holes_of_a_sparse_file_are_not_listed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 30).unwrap();
        file.write_all_at(b"x", 5 << 19).unwrap();
        file.write_all_at(&[1; 4096], (9 << 19) - 2048).unwrap();
        let source = FileSource::open(&path, Format::Raw).unwrap().grown(2 << 30).unwrap();
        assert_eq!(source.dirty_chunks(1 << 19), [5, 8, 9]);
        let mut out = vec![9; 1 << 19];
        source.read_chunk(5, 1 << 19, &mut out).unwrap();
        assert_eq!((out[0], out[1]), (b'x', 0));
        source.read_chunk(3000, 1 << 19, &mut out).unwrap();
        assert!(out.iter().all(|b| *b == 0));
        assert!(FileSource::open(&path, Format::Raw).unwrap().grown(1).is_err());
    }

    #[test]
    fn what_is_not_a_regular_file_is_refused_and_never_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, Mode::RUSR, 0).unwrap();
        for path in [&pipe, Path::new("/dev/zero"), dir.path()] {
            assert!(FileSource::open(path, Format::Raw).is_err(), "{}", path.display());
        }
        let error = FileSource::open(&dir.path().join("none"), Format::Raw).unwrap_err();
        assert!(matches!(error, Error::Io { doing: "open", .. }), "{error}");
    }

    #[test]
    fn a_new_file_is_for_its_owner_alone_and_takes_the_place_of_none() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new");
        let names = || std::fs::read_dir(dir.path()).unwrap().count();
        let (entropy, mut lost) = (SeededEntropy::new(1), Vec::new());
        for _ in 0..2 {
            let mut file = NewFile::begin(&path, &entropy).unwrap();
            file.write_at(3, b"x").unwrap();
            lost.push(file);
        }
        assert!(!path.exists());
        lost.pop().unwrap().finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"\0\0\0x");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        // The second came too late; a third does not begin.
        let late = lost.pop().unwrap().finish().unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::AlreadyExists);
        assert!(NewFile::begin(&path, &entropy).is_err());
        assert_eq!(names(), 1);
    }
}
