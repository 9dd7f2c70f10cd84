//! Big-endian numbers at fixed places of a header.

/// A number at `at`.
///
/// # Panics
/// When the header is shorter: headers are arrays of known lengths.
pub(crate) fn be16(header: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(array(header, at))
}

pub(crate) fn be32(header: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array(header, at))
}

pub(crate) fn be64(header: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(array(header, at))
}

fn array<const N: usize>(header: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&header[at..at + N]);
    out
}

/// Writes `bytes` at `at`.
pub(crate) fn put(header: &mut [u8], at: usize, bytes: &[u8]) {
    header[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Numbers of a table that was read whole.
pub(crate) fn table64(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|entry| u64::from_be_bytes(*entry)).collect()
}

/// Likewise.
pub(crate) fn table32(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|entry| u32::from_be_bytes(*entry)).collect()
}

/// A table as it is written.
pub(crate) fn bytes64(table: &[u64]) -> Vec<u8> {
    table.iter().flat_map(|entry| entry.to_be_bytes()).collect()
}
