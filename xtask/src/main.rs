//! The project's own checks.
//!
//! `cargo xtask tidy` holds the layers, the lengths, the names and the dependencies;
//! `cargo xtask trace` says which requirement is covered by which test. It refuses to know what
//! the product does: it reads manifests and source text only, and starts the programs that attack
//! it (`torture`, `fuzz`).
//!
//! Next to read: `source.rs`, how source text is read; then `tidy` and `trace`.

mod files;
mod fuzz;
mod shape;
mod source;
mod tidy;
mod torture;
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
    /// Attacks the block engine: crash points and damaged bytes by seed; fails at a loss.
    Torture {
        /// How many seeds; each is about 80 crash points and 40 damaged bytes.
        #[arg(long, default_value_t = 200)]
        seeds: u64,
        /// The first of them.
        #[arg(long, default_value_t = 0)]
        first_seed: u64,
        /// Only this attack; may be given several times.
        #[arg(long)]
        attack: Vec<String>,
    },
    /// Runs the fuzz targets one after another.
    Fuzz {
        /// How long each, in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Only this target; may be given several times.
        #[arg(long)]
        target: Vec<String>,
        /// Runs nothing: adds to the kept corpora what was found and covers more than they do.
        #[arg(long)]
        keep: bool,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let root = root();
    match Command::parse() {
        Command::Tidy { notes } => tidy::run(&root, notes),
        Command::Trace { check } => trace::run(&root, check),
        Command::Torture { seeds, first_seed, attack } => {
            torture::run(&root, seeds, first_seed, &attack)
        }
        Command::Fuzz { seconds, target, keep } => {
            fuzz::run(&root, &fuzz::Options { seconds, only: target, keep })
        }
    }
}

/// The top of the checkout: this crate lies right below it.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}
