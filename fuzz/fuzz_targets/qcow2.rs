//! qcow2 files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    formats::fuzz::qcow2(bytes);
});
