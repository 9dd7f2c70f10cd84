//! Entry points for fuzzers: the parsers of this crate, fed with any bytes.
//!
//! They return nothing and must never panic, loop or take memory by what the bytes claim.

use crate::nbd::negotiation::{Negotiation, OPTION_BYTES_MAX, Offer, Step};
use crate::nbd::protocol::OPTION_MAGIC;
use crate::nbd::request::{HEADER_BYTES, Request};

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
