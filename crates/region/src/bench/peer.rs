//! Other programs that do the same work.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use base::Clock;

/// A program that makes a whole copy of a sparse disk file.
pub struct Copier {
    /// As the figure names it.
    pub name: &'static str,
    program: &'static str,
    package: &'static str,
    arguments: &'static [&'static str],
}

/// The copiers that a capture is measured beside.
pub const COPIERS: [Copier; 2] = [
    Copier {
        name: "qemu-img convert -O qcow2",
        program: "qemu-img",
        package: "qemu-utils",
        arguments: &["convert", "-f", "raw", "-O", "qcow2"],
    },
    Copier {
        name: "cp --sparse=always",
        program: "cp",
        package: "coreutils",
        arguments: &["--sparse=always"],
    },
];

impl Copier {
    /// Whether it is installed; says so when it is not.
    pub fn found(&self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).any(|dir| dir.join(self.program).is_file());
        if !found {
            eprintln!(
                "ectype: {} is left out: `{}` is not installed; on Debian: apt-get install {}",
                self.name, self.program, self.package
            );
        }
        found
    }

    /// Copies `from` to `to` and removes the copy; how long it took until the copy was durable.
    pub fn copy(&self, from: &Path, to: &Path, clock: &dyn Clock) -> anyhow::Result<Duration> {
        let doing = || format!("{} {}", self.program, from.display());
        let began = clock.monotonic();
        let mut command = Command::new(self.program);
        command.args(self.arguments).args([from, to]).stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.status().with_context(doing)?;
        anyhow::ensure!(status.success(), "{}: {status}", doing());
        File::open(to).and_then(|copy| copy.sync_all()).with_context(doing)?;
        let took = clock.monotonic().saturating_sub(began);
        std::fs::remove_file(PathBuf::from(to)).with_context(doing)?;
        Ok(took)
    }
}
