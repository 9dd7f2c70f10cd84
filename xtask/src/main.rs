//! The project's own checks.
//!
//! `cargo xtask tidy` holds the layers, the lengths, the names and the dependencies;
//! `cargo xtask trace` says which requirement is covered by which test. It refuses to know what
//! the product does: it reads manifests and source text only.
//!
//! Next to read: `source.rs`, how source text is read; then `tidy` and `trace`.

mod files;
mod shape;
mod source;
mod tidy;
mod trace;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

#[derive(Parser)]
#[command(about = "The project's own checks")]
enum Command {
    /// Layers, lengths, names, dependencies.
    Tidy {
        /// Also list what is over a soft limit.
        #[arg(long)]
        notes: bool,
    },
    /// Writes docs/coverage.md: each requirement and the tests that name it.
    Trace {
        /// Only fail when the file is not what it would be now.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let root = root();
    match Command::parse() {
        Command::Tidy { notes } => tidy::run(&root, notes),
        Command::Trace { check } => trace::run(&root, check),
    }
}

/// The top of the checkout: this crate lies right below it.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}
