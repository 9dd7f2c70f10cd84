//! A sparse file as the source of a first capture.
//!
//! It refuses to know image formats. Its invariant: chunks in the file's holes are not listed;
//! when the file system cannot tell holes, all are.

use std::{fs::File, os::unix::fs::FileExt, path::Path};

use rustix::fs::{SeekFrom, seek};

use crate::{CaptureSource, Error};

/// A raw disk file; past its end it reads as zeros up to the capacity.
#[derive(Debug)]
pub struct RawSource {
    file: File,
    name: String,
    length: u64,
    capacity: u64,
}

impl RawSource {
    /// Opens a raw file as a disk of `capacity` bytes, by default of the file's length.
    ///
    /// # Errors
    /// `Invalid` when the file is longer than the capacity, `Io`.
    pub fn open(path: &Path, capacity: Option<u64>) -> Result<Self, Error> {
        let name = path.display().to_string();
        let io = |source| Error::Io { doing: "open", name: name.clone(), source };
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let capacity = capacity.unwrap_or(length);
        if capacity < length {
            return Err(Error::Invalid {
                what: format!("{name} has {length} bytes, more than the disk's {capacity}"),
            });
        }
        Ok(Self { file, name, length, capacity })
    }

    /// Ranges of the file that are not holes, ascending.
    fn data_ranges(&self) -> Vec<std::ops::Range<u64>> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < self.length {
            let from = match seek(&self.file, SeekFrom::Data(at)) {
                Ok(from) => from,
                // No data from here to the end.
                Err(rustix::io::Errno::NXIO) => break,
                Err(_) => {
                    out.push(at..self.length);
                    break;
                }
            };
            let to = seek(&self.file, SeekFrom::Hole(from)).unwrap_or(self.length);
            let to = to.clamp(from + 1, self.length.max(from + 1));
            out.push(from..to);
            at = to;
        }
        out
    }
}

impl CaptureSource for RawSource {
    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn dirty_chunks(&self, chunk_size: u64) -> Vec<u64> {
        let mut out: Vec<u64> = Vec::new();
        for range in self.data_ranges() {
            let first = range.start / chunk_size;
            let from = out.last().map_or(first, |last| first.max(last + 1));
            out.extend(from..=(range.end - 1) / chunk_size);
        }
        out
    }

    fn read_chunk(&self, index: u64, chunk_size: u64, out: &mut [u8]) -> Result<(), Error> {
        let offset = index.saturating_mul(chunk_size);
        let in_file = self.length.saturating_sub(offset).min(out.len() as u64) as usize;
        let (data, past_end) = out.split_at_mut(in_file);
        self.file.read_exact_at(data, offset).map_err(|source| Error::Io {
            doing: "read",
            name: self.name.clone(),
            source,
        })?;
        past_end.fill(0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_of_a_sparse_file_are_not_listed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 30).unwrap();
        file.write_all_at(b"x", 5 << 19).unwrap();
        file.write_all_at(&[1; 4096], (9 << 19) - 2048).unwrap();
        let source = RawSource::open(&path, Some(2 << 30)).unwrap();
        assert_eq!(source.dirty_chunks(1 << 19), [5, 8, 9]);
        let mut out = vec![9; 1 << 19];
        source.read_chunk(5, 1 << 19, &mut out).unwrap();
        assert_eq!((out[0], out[1]), (b'x', 0));
        source.read_chunk(3000, 1 << 19, &mut out).unwrap();
        assert!(out.iter().all(|b| *b == 0));
        assert!(RawSource::open(&path, Some(1)).is_err());
    }
}
