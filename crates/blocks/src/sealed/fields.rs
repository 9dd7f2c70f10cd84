//! Little-endian fields of the stored formats.
//!
//! It refuses to know any format. Its invariant: a read past the end is an error of the named
//! record, never a panic.

use crate::Error;

/// Reads fields one after another from stored bytes.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    what: &'static str,
    name: &'a dyn Fn() -> String,
}

impl<'a> Fields<'a> {
    /// Fields of `bytes`; errors say `what` and `name`.
    pub(super) fn new(bytes: &'a [u8], what: &'static str, name: &'a dyn Fn() -> String) -> Self {
        Self { rest: bytes, what, name }
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        if self.rest.len() < length {
            return Err(self.refuse("it ends too early"));
        }
        let (head, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    /// `length` bytes that this version keeps zero.
    pub(super) fn reserved(&mut self, length: usize) -> Result<(), Error> {
        if self.take(length)?.iter().all(|b| *b == 0) {
            Ok(())
        } else {
            Err(self.refuse("a reserved field is not zero"))
        }
    }

    /// A magic and a version; the version must be `known`.
    pub(super) fn head(&mut self, magic: &[u8; 8], known: u16) -> Result<(), Error> {
        if self.take(8)? != magic {
            return Err(self.refuse("its magic is wrong"));
        }
        let found = self.u16()?;
        if found != known {
            return Err(Error::UnknownFormat {
                name: format!("{} {}", self.what, (self.name)()),
                found: found.into(),
                known: known.into(),
            });
        }
        Ok(())
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The error of this record.
    pub(super) fn refuse(&self, why: &'static str) -> Error {
        Error::Corrupt { what: self.what, name: (self.name)(), why }
    }
}
