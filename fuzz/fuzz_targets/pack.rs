//! Packs.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    blocks::sealed::fuzz::pack(bytes);
});
