//! Entry points for fuzzers: the parsers of this crate, fed with any bytes.
//!
//! They return nothing and must never panic, loop or take memory by what the bytes claim.

use crate::{Format, Memory, Ranges, open};

/// Ranges that are looked at; more are only more of the same.
const RANGES_MAX: usize = 64;
/// Bytes that are read of each.
const READ_BYTES: u64 = 4096;

/// A qcow2 file.
///
/// # Panics
/// When an invariant of the parser is broken.
pub fn qcow2(bytes: &[u8]) {
    read(Format::Qcow2, bytes);
}

/// A vhd file.
///
/// # Panics
/// When an invariant of the parser is broken.
pub fn vhd(bytes: &[u8]) {
    read(Format::Vhd, bytes);
}

fn read(format: Format, bytes: &[u8]) {
    let Ok(disk) = open(format, Box::new(Memory(bytes.to_vec()))) else { return };
    let mut buffer = vec![0; READ_BYTES as usize];
    let mut at = 0;
    for range in Ranges::of(&*disk).take(RANGES_MAX) {
        let Ok(range) = range else { return };
        assert!(at <= range.start && range.start < range.end && range.end <= disk.size());
        at = range.end;
        for from in [range.start, range.end.saturating_sub(READ_BYTES)] {
            let length = READ_BYTES.min(disk.size() - from) as usize;
            // Damaged data is an error; nothing else is asked of it.
            let _ = disk.read_at(from, &mut buffer[..length]);
        }
    }
    assert!(disk.read_at(disk.size(), &mut [0]).is_err());
    assert!(disk.read_at(u64::MAX, &mut [0]).is_err());
}
