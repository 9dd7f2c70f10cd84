//! `cargo xtask tidy`.

mod deps;
mod layers;
mod manifests;
mod names;
mod promises;
mod ratchet;
mod sizes;

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use cargo_metadata::MetadataCommand;

use crate::files;

/// What one check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What must be mended.
    pub wrong: Vec<String>,
    /// What is over a soft limit.
    pub notes: Vec<String>,
    /// One line on what was looked at.
    pub seen: String,
}

/// Runs every check and prints what each found.
pub fn run(root: &Path, show_notes: bool) -> anyhow::Result<ExitCode> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .other_options(vec!["--locked".into()])
        .exec()
        .context("cargo metadata")?;
    let sources = files::ours(root)?;
    let ratchet = ratchet::Ratchet::read(&root.join("xtask/ratchet.toml"))?;
    let checks = [
        ("layers", layers::check(&metadata)),
        ("manifests", manifests::check(&metadata)?),
        ("dependencies", deps::check(&metadata, &ratchet)),
        ("lengths", sizes::check(&sources, &ratchet)),
        ("names", names::check(&sources)),
        ("promises", promises::check(root, &sources)?),
    ];
    let mut failed = false;
    for (name, found) in checks {
        let verdict = if found.wrong.is_empty() { "ok" } else { "WRONG" };
        println!("{name:<13} {verdict:<6} {}", found.seen);
        for wrong in &found.wrong {
            println!("  {wrong}");
        }
        if show_notes {
            for note in &found.notes {
                println!("  note: {note}");
            }
        }
        failed |= !found.wrong.is_empty();
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
