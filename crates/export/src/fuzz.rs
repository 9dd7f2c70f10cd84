//! Entry points for fuzzers: the parsers of this crate, fed with any bytes.
//!
//! They return nothing and must never panic, loop or take memory by what the bytes claim.

use std::io::Read;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use base::SystemClock;
use blocks::{BlockDevice, BlockSource, Error, Extent};
use parking_lot::Mutex;
use rustix::net::{SendFlags, send};

use crate::nbd::negotiation::{Negotiation, OPTION_BYTES_MAX, Offer, Step};
use crate::nbd::protocol::OPTION_MAGIC;
use crate::nbd::request::{HEADER_BYTES, Request};
use crate::nbd::{Device, Export, Server};

/// Size of the disk that sessions are about.
const DISK_BYTES: usize = 128 * 1024;

/// A client's side of a handshake: four bytes of flags, then options.
///
/// # Panics
/// When an invariant of the parser is broken.
pub fn options(bytes: &[u8]) {
    let offer = Offer { name: "volume", description: "a disk", size: 1 << 30, read_only: false };
    let Some((flags, mut rest)) = bytes.split_first_chunk::<4>() else { return };
    let mut negotiation = Negotiation::new(flags[3] & 2 != 0);
    while let Some((head, after)) = rest.split_first_chunk::<16>() {
        let (magic, numbers) = head.split_at(8);
        if magic != OPTION_MAGIC.to_be_bytes() {
            return;
        }
        let (code, length) = numbers.split_at(4);
        let code = code.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
        let length = length.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
        let mut out = Vec::new();
        let step = if length > OPTION_BYTES_MAX {
            negotiation.too_long(code, &mut out)
        } else {
            let Some((data, after)) = after.split_at_checked(length as usize) else { return };
            rest = after;
            negotiation.apply(code, data, &offer, &mut out)
        };
        assert!(out.len() <= 1024, "replies are bounded by our own texts");
        if step != Step::Continue || length > OPTION_BYTES_MAX {
            return;
        }
    }
}

/// Requests one after another, without their payloads.
///
/// # Panics
/// When an invariant of the parser is broken.
pub fn request(bytes: &[u8]) {
    const SIZE: u64 = 1 << 30;
    for header in bytes.chunks(HEADER_BYTES) {
        let Some(request) = header.first_chunk().and_then(Request::parse) else { return };
        for read_only in [false, true] {
            for (structured, allocation) in [(false, false), (true, false), (true, true)] {
                let agreed = crate::nbd::negotiation::Agreed { structured, allocation };
                use crate::nbd::request::Command;
                match request.check(SIZE, read_only, agreed) {
                    Ok(Command::Flush | Command::Disconnect) | Err(_) => {}
                    Ok(_) => {
                        let end = request.offset.checked_add(u64::from(request.length));
                        assert!(end.is_some_and(|end| end <= SIZE), "{request:?}");
                    }
                }
            }
        }
    }
}

/// All that a client sends: a handshake, then requests with their payloads, to a server with
/// a disk in memory. Returns when the server has hung up; how many bytes it answered.
///
/// # Panics
/// When the server panics, or the host is out of sockets or threads.
pub fn session(bytes: &[u8]) -> usize {
    let device = Device::Writable(Arc::new(MemoryDisk(Mutex::new(vec![7; DISK_BYTES]))));
    let export = Export { name: "volume".to_owned(), description: "a disk".to_owned(), device };
    let server = Server::new(export, Arc::new(SystemClock::new())).expect("a short name");
    let (mut ours, theirs) = UnixStream::pair().expect("a pair of sockets");
    std::thread::scope(|scope| {
        scope.spawn(|| server.attend(theirs));
        let client = ours.try_clone().expect("a socket");
        scope.spawn(move || {
            let mut rest = bytes;
            while !rest.is_empty() {
                // A server that has hung up is no reason for a signal.
                let Ok(sent) = send(&client, rest, SendFlags::NOSIGNAL) else { return };
                rest = &rest[sent..];
            }
            let _ = client.shutdown(Shutdown::Write);
        });
        let mut answered = Vec::new();
        // A reset instead of an end says the same.
        let _ = ours.read_to_end(&mut answered);
        answered.len()
    })
}

/// A disk that is a vector.
struct MemoryDisk(Mutex<Vec<u8>>);

impl MemoryDisk {
    fn with<T>(
        &self,
        offset: u64,
        length: u64,
        what: impl FnOnce(&mut [u8]) -> T,
    ) -> Result<T, Error> {
        let mut bytes = self.0.lock();
        let end = offset.checked_add(length).and_then(|end| usize::try_from(end).ok());
        let range = end.and_then(|end| bytes.get_mut(offset as usize..end));
        range.map(what).ok_or_else(|| Error::Invalid { what: "a range past the end".to_owned() })
    }
}

impl BlockSource for MemoryDisk {
    fn size(&self) -> u64 {
        DISK_BYTES as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.with(offset, out.len() as u64, |bytes| out.copy_from_slice(bytes))
    }

    fn extents(&self, offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        self.with(offset, length, |bytes| {
            let part = |bytes: &[u8]| {
                let zero = bytes.iter().all(|byte| *byte == 0);
                Extent { length: bytes.len() as u64, zero, hole: zero }
            };
            bytes.chunks(512).map(part).collect()
        })
    }
}

impl BlockDevice for MemoryDisk {
    fn write_at(&self, offset: u64, data: &[u8], _fua: bool) -> Result<(), Error> {
        self.with(offset, data.len() as u64, |bytes| bytes.copy_from_slice(data))
    }

    fn flush(&self) -> Result<(), Error> {
        Ok(())
    }

    fn write_zeroes(
        &self,
        offset: u64,
        length: u64,
        _keep_allocated: bool,
        _fua: bool,
    ) -> Result<(), Error> {
        self.with(offset, length, |bytes| bytes.fill(0))
    }
}
