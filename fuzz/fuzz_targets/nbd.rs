//! What an NBD client sends, read by the parsers alone.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    export::fuzz::options(bytes);
    export::fuzz::request(bytes);
});
