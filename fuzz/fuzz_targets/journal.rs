//! A write layer's journal, checkpoints and header.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    blocks::layer::fuzz::files(bytes);
});
