//! Manifests, the layout of a store, recorded packs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    blocks::sealed::fuzz::small(bytes);
});
