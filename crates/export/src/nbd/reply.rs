//! Headers of replies. Pure functions; the bytes of a read follow them unchanged.

use blocks::Extent;

use super::negotiation::ALLOCATION_CONTEXT;
use super::protocol::{Errno, SIMPLE_REPLY_MAGIC, STRUCTURED_REPLY_MAGIC, chunk, status};

/// A simple reply: success when there is no error.
pub fn simple(cookie: u64, error: Option<Errno>) -> [u8; 16] {
    let mut out = [0; 16];
    out[..4].copy_from_slice(&SIMPLE_REPLY_MAGIC.to_be_bytes());
    out[4..8].copy_from_slice(&error.map_or(0, Errno::code).to_be_bytes());
    out[8..].copy_from_slice(&cookie.to_be_bytes());
    out
}

fn chunk_header(cookie: u64, done: bool, kind: u16, length: u32) -> [u8; 20] {
    let flags = if done { chunk::FLAG_DONE } else { 0 };
    let mut out = [0; 20];
    out[..4].copy_from_slice(&STRUCTURED_REPLY_MAGIC.to_be_bytes());
    out[4..6].copy_from_slice(&flags.to_be_bytes());
    out[6..8].copy_from_slice(&kind.to_be_bytes());
    out[8..16].copy_from_slice(&cookie.to_be_bytes());
    out[16..].copy_from_slice(&length.to_be_bytes());
    out
}

/// The last chunk of a reply without data.
pub fn none(cookie: u64) -> [u8; 20] {
    chunk_header(cookie, true, chunk::NONE, 0)
}

/// What goes before `length` bytes read from `offset`.
pub fn data(cookie: u64, done: bool, offset: u64, length: u32) -> [u8; 28] {
    let mut out = [0; 28];
    let header = chunk_header(cookie, done, chunk::OFFSET_DATA, length.saturating_add(8));
    out[..20].copy_from_slice(&header);
    out[20..].copy_from_slice(&offset.to_be_bytes());
    out
}

/// The last chunk of a reply that failed.
pub fn error(cookie: u64, errno: Errno) -> [u8; 26] {
    let mut out = [0; 26];
    out[..20].copy_from_slice(&chunk_header(cookie, true, chunk::ERROR, 6));
    out[20..24].copy_from_slice(&errno.code().to_be_bytes());
    out
}

/// The last chunk of a read that failed at `offset`.
pub fn error_at(cookie: u64, errno: Errno, offset: u64) -> [u8; 34] {
    let mut out = [0; 34];
    out[..20].copy_from_slice(&chunk_header(cookie, true, chunk::ERROR_OFFSET, 14));
    out[20..24].copy_from_slice(&errno.code().to_be_bytes());
    out[26..].copy_from_slice(&offset.to_be_bytes());
    out
}

/// The whole reply to `BLOCK_STATUS`. INVARIANT: each extent is shorter than 4 GiB.
pub fn block_status(cookie: u64, extents: &[Extent]) -> Vec<u8> {
    let length = u32::try_from(4 + extents.len() * 8).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(24 + extents.len() * 8);
    out.extend_from_slice(&chunk_header(cookie, true, chunk::BLOCK_STATUS, length));
    out.extend_from_slice(&ALLOCATION_CONTEXT.to_be_bytes());
    for extent in extents {
        let length = u32::try_from(extent.length).unwrap_or(u32::MAX);
        let hole = if extent.hole { status::HOLE } else { 0 };
        let zero = if extent.zero { status::ZERO } else { 0 };
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&(hole | zero).to_be_bytes());
    }
    out
}
