//! Compressed clusters: decoded into exactly one cluster, or an error. Nothing is allocated by
//! what the compressed bytes claim.

use std::{
    cell::RefCell,
    sync::{Mutex, PoisonError},
};

use miniz_oxide::inflate::{
    TINFLStatus,
    core::{DecompressorOxide, decompress, inflate_flags},
};
use zstd::{bulk::Decompressor, zstd_safe::find_frame_compressed_size};

use super::Compression;

/// Decoders at rest, at most one for each thread that reads at the same time.
#[derive(Default)]
pub(super) struct Decoders {
    zstd: Mutex<Vec<Decompressor<'static>>>,
}

/// Decoders that are kept; more are made and dropped.
const DECODERS_KEPT: usize = 64;

thread_local! {
    static INFLATE: RefCell<Box<DecompressorOxide>> = RefCell::default();
}

impl Decoders {
    /// Fills `out` from what `packed` begins with; none when it cannot be.
    pub(super) fn decode(
        &self,
        compression: Compression,
        packed: &[u8],
        out: &mut [u8],
    ) -> Option<()> {
        match compression {
            Compression::Deflate => inflate(packed, out),
            Compression::Zstd => {
                let pool = || self.zstd.lock().unwrap_or_else(PoisonError::into_inner);
                let kept = pool().pop();
                let mut decoder = kept.map_or_else(Decompressor::new, Ok).ok()?;
                let done = unzstd(&mut decoder, packed, out);
                let mut pool = pool();
                if pool.len() < DECODERS_KEPT {
                    pool.push(decoder);
                }
                done
            }
        }
    }
}

/// Deflate without a zlib header. The stream may be followed by anything.
fn inflate(packed: &[u8], out: &mut [u8]) -> Option<()> {
    INFLATE.with_borrow_mut(|decoder| {
        decoder.init();
        let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, _, written) = decompress(decoder, packed, out, 0, flags);
        let full = matches!(status, TINFLStatus::Done | TINFLStatus::HasMoreOutput);
        (full && written == out.len()).then_some(())
    })
}

/// One frame after another, until the cluster is full. Each is decoded straight into it, so no
/// window is allocated.
fn unzstd(decoder: &mut Decompressor<'_>, mut packed: &[u8], mut out: &mut [u8]) -> Option<()> {
    while !out.is_empty() {
        // Takes at least the bytes of a frame's header, so this ends.
        let frame = find_frame_compressed_size(packed).ok().filter(|length| *length > 0)?;
        let (this, after) = packed.split_at_checked(frame)?;
        let written = decoder.decompress_to_buffer(this, out).ok()?;
        packed = after;
        out = &mut out[written..];
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decodes_to_less_or_more_than_a_cluster_is_refused() {
        let decoders = Decoders::default();
        let data = vec![7; 4096];
        let deflate = miniz_oxide::deflate::compress_to_vec(&data, 6);
        let zstd = zstd::bulk::compress(&data, 1).unwrap();
        for (compression, mut packed) in
            [(Compression::Deflate, deflate), (Compression::Zstd, zstd)]
        {
            packed.extend([0xff; 40]);
            let mut out = vec![0; 4096];
            assert!(decoders.decode(compression, &packed, &mut out).is_some());
            assert_eq!(out, data);
            assert!(decoders.decode(compression, &packed, &mut [0; 4097]).is_none());
            assert!(decoders.decode(compression, &packed[..4], &mut out).is_none());
            assert!(decoders.decode(compression, &[], &mut out).is_none());
        }
        // zstd knows its end; deflate goes on only as long as there is room.
        let packed = zstd::bulk::compress(&data, 1).unwrap();
        assert!(decoders.decode(Compression::Zstd, &packed, &mut [0; 4095]).is_none());
    }

    #[test]
    fn several_frames_make_one_cluster() {
        let mut packed = zstd::bulk::compress(&[1; 100], 1).unwrap();
        packed.extend(zstd::bulk::compress(&[], 1).unwrap());
        packed.extend(zstd::bulk::compress(&[2; 412], 1).unwrap());
        let mut out = [0; 512];
        assert!(Decoders::default().decode(Compression::Zstd, &packed, &mut out).is_some());
        assert_eq!((out[99], out[100], out[511]), (1, 2, 2));
    }
}
