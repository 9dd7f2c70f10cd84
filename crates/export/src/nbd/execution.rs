//! What each command does to the device, and its reply.
//!
//! INVARIANT: the reply is sent after the device has returned, and only a failed send is an
//! error here; a failed device is an answer.

use std::io;
use std::sync::atomic::Ordering;

use blocks::{BlockDevice, Error, Extent};

use super::connection::{Body, Connection, Desk, Job, room};
use super::protocol::{Errno, errno_of};
use super::reply;
use super::request::{Command, Request};

/// A long read is sent in pieces of this many bytes, cut at their multiples: few enough that a
/// piece is still in the processor's cache when it is sent, and that the client takes in one
/// while the next is read.
pub const READ_PIECE_BYTES: usize = 128 * 1024;
/// Most extents in one answer.
pub const STATUS_EXTENTS_MAX: usize = 4096;
/// So many bytes of the device are looked at in one go for an answer.
const STATUS_SPAN_BYTES: u64 = 256 * 1024 * 1024;
/// Memory that a status request may take: one extent for each block of a span.
pub const STATUS_BYTES_HELD: usize =
    (STATUS_SPAN_BYTES / blocks::BLOCK_SIZE) as usize * size_of::<Extent>();
/// So many failures of the device are logged each; after that the 2^n-th ones.
const FAILURES_LOGGED_ALL: u64 = 16;
/// Zeros that are written out are written in pieces of this many bytes.
const ZEROES_PIECE_BYTES: u64 = 32 * 1024 * 1024;

impl Connection {
    /// Carries a request out and answers it. Fails when the client cannot be reached.
    pub fn execute(&self, job: &Job<'_>, desk: &mut Desk) -> io::Result<()> {
        let request = &job.request;
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let done = match job.command {
            Err(errno) => Err(errno),
            Ok(Command::Read { whole: false }) => return self.read_in_pieces(request, desk),
            Ok(Command::Read { whole: true }) => return self.read_whole(request, desk),
            Ok(Command::BlockStatus { one }) => return self.block_status(request, one, desk),
            Ok(Command::Flush) => {
                self.counters.flushes.fetch_add(1, Ordering::Relaxed);
                self.device.flush().map_err(|error| self.note(request, &error))
            }
            Ok(command) => self.change(request, command, &desk.buffer),
        };
        match done {
            Ok(()) => self.answer(desk, &reply::simple(request.cookie, None), Body(0)),
            Err(errno) => self.refuse(request, errno, desk),
        }
    }

    fn refuse(&self, request: &Request, errno: Errno, desk: &mut Desk) -> io::Result<()> {
        self.counters.errors.fetch_add(1, Ordering::Relaxed);
        // Only reads and status requests must be answered in the structured form.
        let read = matches!(
            request.code,
            super::protocol::command::READ | super::protocol::command::BLOCK_STATUS
        );
        if self.agreed.structured && read {
            self.answer(desk, &reply::error(request.cookie, errno), Body(0))
        } else {
            self.answer(desk, &reply::simple(request.cookie, Some(errno)), Body(0))
        }
    }

    /// Logs a failure of the device: the client is only told a number. A guest that tries a
    /// damaged disk again and again does not fill the log.
    fn note(&self, request: &Request, error: &Error) -> Errno {
        let failures = self.counters.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures > FAILURES_LOGGED_ALL && !failures.is_power_of_two() {
            return errno_of(error);
        }
        tracing::warn!(
            failures,
            code = request.code,
            offset = request.offset,
            length = request.length,
            error = error as &dyn std::error::Error,
            "a request failed"
        );
        errno_of(error)
    }

    /// Writes, trims and zeroes.
    fn change(&self, request: &Request, command: Command, buffer: &[u8]) -> Result<(), Errno> {
        let Some(device) = self.device.writable() else { return Err(Errno::Perm) };
        let Request { offset, length, .. } = *request;
        match command {
            Command::Write { fua } => {
                let data = buffer.get(..length as usize).ok_or(Errno::Inval)?;
                self.counters.written_bytes.fetch_add(u64::from(length), Ordering::Relaxed);
                device.write_at(offset, data, fua)
            }
            Command::Trim { fua: false } => device.discard(offset, u64::from(length)),
            Command::Trim { fua: true } => {
                device.write_zeroes(offset, u64::from(length), false, true)
            }
            Command::WriteZeroes { fua, no_hole: false } => {
                device.write_zeroes(offset, u64::from(length), false, fua)
            }
            Command::WriteZeroes { fua, no_hole: true } => {
                write_out_zeroes(device, offset, u64::from(length), fua)
            }
            Command::Read { .. }
            | Command::Disconnect
            | Command::Flush
            | Command::BlockStatus { .. } => return Err(Errno::Inval),
        }
        .map_err(|error| self.note(request, &error))
    }

    fn read_in_pieces(&self, request: &Request, desk: &mut Desk) -> io::Result<()> {
        let Request { cookie, mut offset, .. } = *request;
        let end = offset + u64::from(request.length);
        if offset == end {
            return self.answer(desk, &reply::none(cookie), Body(0));
        }
        while offset < end {
            let piece_bytes = READ_PIECE_BYTES as u64;
            let cut = (offset / piece_bytes + 1) * piece_bytes;
            // INVARIANT: a piece is no longer than that.
            let length = (cut.min(end) - offset) as u32;
            let piece = room(&mut desk.buffer, length as usize);
            if let Err(error) = self.device.read_at(offset, piece) {
                self.counters.errors.fetch_add(1, Ordering::Relaxed);
                let errno = self.note(request, &error);
                return self.answer(desk, &reply::error_at(cookie, errno, offset), Body(0));
            }
            let next = offset + u64::from(length);
            let head = reply::data(cookie, next == end, offset, length);
            self.answer(desk, &head, Body(length as usize))?;
            offset = next;
        }
        self.counters.read_bytes.fetch_add(u64::from(request.length), Ordering::Relaxed);
        Ok(())
    }

    fn read_whole(&self, request: &Request, desk: &mut Desk) -> io::Result<()> {
        let Request { cookie, offset, length, .. } = *request;
        let bytes = room(&mut desk.buffer, length as usize);
        if let Err(error) = self.device.read_at(offset, bytes) {
            let errno = self.note(request, &error);
            return self.refuse(request, errno, desk);
        }
        self.counters.read_bytes.fetch_add(u64::from(length), Ordering::Relaxed);
        if !self.agreed.structured {
            return self.answer(desk, &reply::simple(cookie, None), Body(length as usize));
        }
        if length == 0 {
            return self.answer(desk, &reply::none(cookie), Body(0));
        }
        self.answer(desk, &reply::data(cookie, true, offset, length), Body(length as usize))
    }

    fn block_status(&self, request: &Request, one: bool, desk: &mut Desk) -> io::Result<()> {
        let most = if one { 1 } else { STATUS_EXTENTS_MAX };
        let end = request.offset + u64::from(request.length);
        let mut merged: Vec<Extent> = Vec::new();
        let mut offset = request.offset;
        while offset < end {
            let span = STATUS_SPAN_BYTES.min(end - offset);
            let extents = match self.device.extents(offset, span) {
                Ok(extents) => extents,
                Err(error) => {
                    let errno = self.note(request, &error);
                    return self.refuse(request, errno, desk);
                }
            };
            if !merge(&mut merged, &extents, most) {
                break;
            }
            offset += span;
        }
        self.answer(desk, &reply::block_status(request.cookie, &merged), Body(0))
    }
}

/// Appends `more`, joining equal neighbours. False when `most` extents were not enough.
fn merge(merged: &mut Vec<Extent>, more: &[Extent], most: usize) -> bool {
    for extent in more {
        let full = merged.len() == most;
        match merged.last_mut() {
            Some(last) if (last.zero, last.hole) == (extent.zero, extent.hole) => {
                last.length += extent.length;
            }
            _ if full => return false,
            _ => merged.push(*extent),
        }
    }
    true
}

fn write_out_zeroes(
    device: &dyn BlockDevice,
    mut offset: u64,
    length: u64,
    fua: bool,
) -> Result<(), Error> {
    let end = offset + length;
    while offset < end {
        let piece = ZEROES_PIECE_BYTES.min(end - offset);
        offset += piece;
        // One sync at the end covers the pieces before it.
        device.write_zeroes(offset - piece, piece, true, fua && offset == end)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_become_one_extent_and_the_number_is_bounded() {
        let data = Extent { length: 4096, zero: false, hole: false };
        let hole = Extent { length: 8192, zero: true, hole: true };
        let mut merged = Vec::new();
        assert!(merge(&mut merged, &[data, data, hole], 2));
        assert!(merge(&mut merged, &[hole], 2));
        assert_eq!(merged.iter().map(|e| e.length).collect::<Vec<_>>(), [8192, 16384]);
        assert!(!merge(&mut merged, &[hole, data], 2));
        assert_eq!(merged[1].length, 24576);
    }
}
