//! The ports: where a file's bytes come from, and where they go.

use std::{io, ops::Range};

/// The bytes of a file; calls may come from several threads.
pub trait Medium: Send + Sync {
    /// Length in bytes.
    fn length(&self) -> u64;

    /// Fills `out` from `offset`.
    ///
    /// # Errors
    /// When the file ends before, or cannot be read.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// The first range at or after `offset` that may hold data, not empty and inside the file;
    /// none when there are only holes to its end.
    ///
    /// # Errors
    /// When the file cannot be asked.
    fn data_after(&self, offset: u64) -> io::Result<Option<Range<u64>>>;
}

/// A new file. What is not written reads as zeros.
pub trait Target {
    /// Writes `bytes` at `offset`.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Gives the file its length.
    ///
    /// # Errors
    /// As [`Self::write_at`].
    fn set_length(&mut self, length: u64) -> io::Result<()>;
}

/// A file in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory(pub Vec<u8>);

impl Medium for Memory {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset).ok();
        let end = from.and_then(|from| from.checked_add(out.len()));
        let bytes = from.zip(end).and_then(|(from, end)| self.0.get(from..end));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn data_after(&self, offset: u64) -> io::Result<Option<Range<u64>>> {
        Ok((offset < self.length()).then(|| offset..self.length()))
    }
}

impl Target for Memory {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let end = from + bytes.len();
        if self.0.len() < end {
            self.0.resize(end, 0);
        }
        self.0[from..end].copy_from_slice(bytes);
        Ok(())
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.0.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        Ok(())
    }
}
