//! The NBD server against our own client, clients that nobody here wrote, and hostile ones; the
//! processes of exports.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

// The workspace's name for it, which a crate's own tests do not get by themselves.
extern crate ectype_export as export;

mod client;
mod corpus;
mod figures;
mod hostile;
mod processes;
mod protocol;
mod support;
mod tools;
mod volumes;

/// Not a test: supervisors and engines of the other tests are this program, started again with
/// a hidden command as its last argument.
#[test]
fn process_entry() {
    let code = match std::env::args().next_back().as_deref() {
        Some(export::supervisor::SUPERVISOR_COMMAND) => export::supervisor::main(),
        Some(export::engine::ENGINE_COMMAND) => export::engine::main(),
        _ => return,
    };
    std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
}
