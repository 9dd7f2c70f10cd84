//! What every process that holds keys does to itself first.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::error::Error;

/// No core dump and no debugger of another process: memory holds keys.
///
/// # Errors
/// `Io` when the system refuses.
pub fn protect_memory() -> Result<(), Error> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|fault| Error::io("protect", "this process")(fault.into()))?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .map_err(|fault| Error::io("forbid core dumps of", "this process")(fault.into()))
}

/// Logs go to standard error, which is the export's log file. A subscriber that the program has
/// set already stays.
pub fn log_to_stderr() {
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .try_init();
}

/// A thread that panics takes the process along: half a process is not worth keeping when its
/// successor serves within a second.
pub fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
}
