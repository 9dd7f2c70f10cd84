//! The program `ectype`.
fn main() {}
