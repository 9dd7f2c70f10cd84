//! How a chunk's bytes are made smaller: not at all, or zstd.
//!
//! It refuses to know keys and packs. Its invariant: decoding never writes more than the
//! logical length it is given, and gives exactly that length or nothing.

use zstd::zstd_safe::CParameter;

/// The zstd level of new records, and what differs from it: a table of matches that stays in the
/// first cache of a core. Chosen by measurement: docs/decisions/0007-codec.md.
const ZSTD_LEVEL: i32 = 1;
const ZSTD_HASH_LOG: u32 = 12;

/// Compression must save at least one part in this many, or the chunk is stored raw (5 %).
const SAVING_PART: usize = 20;

/// Places of a chunk that the entropy sample looks at.
const SAMPLE_PLACES: usize = 32;

/// Bytes read at each place.
const SAMPLE_BYTES: usize = 256;

/// Encoding of a stored chunk; the number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// As it is.
    Raw = 0,
    /// One zstd frame.
    Zstd = 1,
}

impl Codec {
    /// The codec of a stored number.
    #[must_use]
    pub const fn of(stored: u8) -> Option<Self> {
        match stored {
            0 => Some(Self::Raw),
            1 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// True when every byte is zero.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    // Wide steps let the compiler use vector registers.
    let mut parts = bytes.chunks_exact(64);
    parts.by_ref().all(|part| part.iter().fold(0, |a, b| a | b) == 0)
        && parts.remainder().iter().all(|b| *b == 0)
}

/// True when a sample of the bytes looks like noise, so that compressing is a waste of time.
///
/// Counts how often two sampled bytes are equal: noise is close to one in 256.
fn looks_random(bytes: &[u8]) -> bool {
    if bytes.len() < SAMPLE_PLACES * SAMPLE_BYTES * 2 {
        return false;
    }
    let mut counts = [0_u64; 256];
    let stride = bytes.len() / SAMPLE_PLACES;
    for place in bytes.chunks_exact(stride).take(SAMPLE_PLACES) {
        for byte in &place[..SAMPLE_BYTES] {
            counts[usize::from(*byte)] += 1;
        }
    }
    let n = (SAMPLE_PLACES * SAMPLE_BYTES) as u64;
    let equal: u64 = counts.iter().map(|c| c * c).sum();
    let noise = n + n * (n - 1) / 256;
    equal < noise + noise / 16
}

/// Makes chunks smaller; one per thread.
pub(super) struct Encoder {
    zstd: Option<zstd::bulk::Compressor<'static>>,
    /// Kept between chunks, so that a record takes no more memory than it stores.
    scratch: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Self {
        // Without a compressor every chunk is stored raw: bigger, not wrong.
        Self { zstd: compressor().ok(), scratch: Vec::new() }
    }

    /// The encoded form of `plain`.
    pub(super) fn encode<'a>(&'a mut self, plain: &'a [u8]) -> (Codec, &'a [u8]) {
        if let Some(zstd) = &mut self.zstd
            && !looks_random(plain)
        {
            let limit = plain.len() - plain.len() / SAVING_PART;
            if self.scratch.len() < limit {
                self.scratch.resize(limit, 0);
            }
            // The bound makes zstd give up as soon as the saving is too small.
            if let Ok(length) = zstd.compress_to_buffer(plain, &mut self.scratch[..limit]) {
                return (Codec::Zstd, &self.scratch[..length]);
            }
        }
        (Codec::Raw, plain)
    }
}

fn compressor() -> std::io::Result<zstd::bulk::Compressor<'static>> {
    let mut zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    zstd.set_parameter(CParameter::HashLog(ZSTD_HASH_LOG))?;
    Ok(zstd)
}

/// Decodes into exactly `logical` bytes; `None` when the bytes do not give that.
pub(super) fn decode(codec: Codec, encoded: &[u8], logical: usize) -> Option<Vec<u8>> {
    match codec {
        Codec::Raw => (encoded.len() == logical).then(|| encoded.to_vec()),
        // The capacity is the hard limit: zstd refuses to write past it.
        Codec::Zstd => {
            zstd::bulk::decompress(encoded, logical).ok().filter(|out| out.len() == logical)
        }
    }
}

#[cfg(test)]
mod tests {
    use base::{Entropy, SeededEntropy};

    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        SeededEntropy::new(3).fill(&mut out);
        out
    }

    #[test]
    fn the_zero_test_sees_every_byte() {
        for length in [0, 1, 63, 64, 65, 1000] {
            let mut bytes = vec![0; length];
            assert!(is_zero(&bytes), "{length}");
            for at in 0..length {
                bytes[at] = 1;
                assert!(!is_zero(&bytes), "{length} {at}");
                bytes[at] = 0;
            }
        }
    }

    #[test]
    fn noise_is_stored_raw_and_text_is_compressed() {
        let mut encoder = Encoder::new();
        assert_eq!(encoder.encode(&noise(1 << 19)).0, Codec::Raw);
        let text = b"what is repeated is small ".repeat(20_000);
        let (codec, encoded) = encoder.encode(&text);
        assert_eq!(codec, Codec::Zstd);
        assert!(encoded.len() < text.len() / 20);
        assert_eq!(decode(Codec::Zstd, encoded, text.len()).unwrap(), text);
    }

    /// Invariant 27: a frame that would decode to more than it may is refused.
    #[test]
    fn decoding_stops_at_the_logical_length() {
        let mut encoder = Encoder::new();
        let plain = vec![7; 1 << 19];
        let (codec, encoded) = encoder.encode(&plain);
        assert!(decode(codec, encoded, 1 << 19).is_some());
        assert!(decode(codec, encoded, (1 << 19) - 1).is_none());
        assert!(decode(codec, encoded, (1 << 19) + 1).is_none());
        assert!(decode(Codec::Raw, encoded, 1 << 19).is_none());
    }
}
