//! Servers with fake guests, and commands that must fail.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use base::{Clock, SystemClock};

use crate::process::{Home, Server};

/// How long a command may take to refuse.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(15);

/// How a server with fake guests is started.
fn fake(home: &Home, more: &[&str]) -> Command {
    let fake = ["serve", "--listen", "127.0.0.1:0", "--compute", "fake"];
    home.command(&[&fake[..], more].concat())
}

/// Starts a server with fake guests on `home` and waits until it is ready.
pub fn serve(home: &Home, more: &[&str]) -> Server {
    home.serve_as(fake(home, more))
}

/// What a server that must not start on `home` says on standard error.
pub fn refused(home: &Home, more: &[&str]) -> String {
    refusal(&mut fake(home, more))
}

/// What a command that must fail says on standard error; it prints nothing else.
pub fn refusal(command: &mut Command) -> String {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let clock = SystemClock::new();
    while child.try_wait().unwrap().is_none() {
        if clock.monotonic() > REFUSAL_DEADLINE {
            // It serves: what it said is what counts below.
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{said}");
    said
}
