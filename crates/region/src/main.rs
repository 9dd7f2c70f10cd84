//! The program `ectype`: one binary that is a region, its operator's tool, and the engine
//! processes of its volumes.
//!
//! It refuses to know any use case: it reads settings, wires the ports and passes on. Next to
//! read: `cli` for the commands, `serve` for the region,
//! `wiring` for what it is made of.

mod admin;
mod bench;
mod catalog;
mod cli;
mod client;
mod clock;
mod data_dir;
mod disk;
mod env;
mod fault;
mod keys;
mod openapi;
mod operator;
mod serve;
mod settings;
mod standing;
mod store;
mod tls;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    if let Some(code) = client::run() {
        return code;
    }
    let command = cli::Cli::parse().command;
    // Engines and supervisors have runtimes, or none, of their own.
    match command {
        cli::Command::VolumeSupervisor => return export::supervisor::main(),
        cli::Command::VolumeEngine => return export::engine::main(),
        _ => {}
    }
    match cli::run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ectype: {error:#}");
            ExitCode::FAILURE
        }
    }
}
