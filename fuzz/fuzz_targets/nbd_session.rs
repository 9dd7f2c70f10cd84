//! Whole NBD sessions, served over a socket.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    export::fuzz::session(bytes);
});
