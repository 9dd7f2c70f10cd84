//! What the server serves.

use std::sync::Arc;

use blocks::{BlockDevice, BlockSource, Error, Extent};

/// A disk to serve, with or without the right to write.
#[derive(Clone)]
pub enum Device {
    /// Guests may only read.
    ReadOnly(Arc<dyn BlockSource>),
    /// Guests may write.
    Writable(Arc<dyn BlockDevice>),
}

impl Device {
    /// Whether guests may only read.
    #[must_use]
    pub const fn read_only(&self) -> bool {
        matches!(self, Self::ReadOnly(_))
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            Self::ReadOnly(source) => source.size(),
            Self::Writable(device) => device.size(),
        }
    }

    pub(crate) fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        match self {
            Self::ReadOnly(source) => source.read_at(offset, out),
            Self::Writable(device) => device.read_at(offset, out),
        }
    }

    pub(crate) fn extents(&self, offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        match self {
            Self::ReadOnly(source) => source.extents(offset, length),
            Self::Writable(device) => device.extents(offset, length),
        }
    }

    /// Makes all that was acknowledged durable; nothing to do when nothing may be written.
    ///
    /// # Errors
    /// As [`BlockDevice::flush`].
    pub fn flush(&self) -> Result<(), Error> {
        match self {
            Self::ReadOnly(_) => Ok(()),
            Self::Writable(device) => device.flush(),
        }
    }

    /// The writable side. Requests that write are refused earlier when there is none.
    pub(crate) fn writable(&self) -> Option<&dyn BlockDevice> {
        match self {
            Self::ReadOnly(_) => None,
            Self::Writable(device) => Some(&**device),
        }
    }
}

/// One disk under a name. Clients may ask for it by the name or by the empty name.
#[derive(Clone)]
pub struct Export {
    /// Its name, such as the volume's id; at most [`super::NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// A sentence for people; may be empty.
    pub description: String,
    /// The disk.
    pub device: Device,
}
