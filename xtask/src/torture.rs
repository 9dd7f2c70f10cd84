//! `cargo xtask torture`: builds and starts the program that attacks the block engine.
//!
//! A program of its own, so that what this one checks never waits for the engine to be built.

use std::{
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::Context;

pub fn run(root: &Path, seeds: u64, first_seed: u64, only: &[String]) -> anyhow::Result<ExitCode> {
    let mut program = Command::new("cargo");
    program.current_dir(root).args(["run", "--quiet", "--locked", "--package", "ectype-torture"]);
    program.args(["--", "--seeds", &seeds.to_string(), "--first-seed", &first_seed.to_string()]);
    program.args(only.iter().flat_map(|name| ["--attack", name]));
    let status = program.status().context("start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
