//! Nodes and data records.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    blocks::sealed::fuzz::node(bytes);
    blocks::sealed::fuzz::record(bytes);
});
