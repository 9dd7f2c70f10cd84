//! Other programs that do the same work.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use base::Clock;

/// On a busy machine QEMU sometimes gives up when it measures how fast it derives a key.
const ATTEMPTS: u32 = 4;

/// Has the disk finish what was done before: nobody's time holds the writes, or the removed copy,
/// of who had the turn before.
pub fn settle() {
    rustix::fs::sync();
}

/// A program that makes a whole copy of a sparse disk file.
pub struct Copier {
    /// As the figure names it.
    pub name: &'static str,
    /// Whether its copy is compressed.
    pub compresses: bool,
    program: &'static str,
    package: &'static str,
    arguments: &'static [&'static str],
}

/// What a copy took and is.
pub struct Copied {
    /// Until it was durable.
    pub took: Duration,
    /// Length of the copy.
    pub bytes: u64,
}

const fn qemu_img(name: &'static str, arguments: &'static [&'static str]) -> Copier {
    let (program, package) = ("qemu-img", "qemu-utils");
    Copier { name, compresses: false, program, package, arguments }
}

/// The fastest ways to copy a whole disk.
pub const WHOLE: [Copier; 2] = [
    qemu_img("qemu-img convert -O qcow2", &["convert", "-f", "raw", "-O", "qcow2"]),
    Copier {
        name: "cp --sparse=always",
        compresses: false,
        program: "cp",
        package: "coreutils",
        arguments: &["--sparse=always"],
    },
];

/// Copies that are compressed or encrypted.
pub const PACKED: [Copier; 2] = [
    Copier {
        compresses: true,
        ..qemu_img(
            "qemu-img convert -c, zstd",
            &["convert", "-f", "raw", "-O", "qcow2", "-c", "-o", "compression_type=zstd"],
        )
    },
    qemu_img(
        "qemu-img convert, LUKS",
        &[
            "convert",
            "-f",
            "raw",
            "-O",
            "qcow2",
            // Of a benchmark's copy, which is removed at once.
            "--object",
            "secret,id=bench,data=not-a-secret",
            "-o",
            "encrypt.format=luks,encrypt.key-secret=bench,encrypt.iter-time=10",
        ],
    ),
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

    /// Copies `from` to `to`, until the copy is durable, and removes the copy.
    pub fn copy(&self, from: &Path, to: &Path, clock: &dyn Clock) -> anyhow::Result<Copied> {
        let doing = || format!("{} {}", self.program, from.display());
        let mut command = Command::new(self.program);
        command.args(self.arguments).args([from, to]).stdin(Stdio::null()).stdout(Stdio::null());
        settle();
        let mut began = clock.monotonic();
        let mut status = command.status().with_context(doing)?;
        for _ in 1..ATTEMPTS {
            if !status.success() {
                settle();
                began = clock.monotonic();
                status = command.status().with_context(doing)?;
            }
        }
        anyhow::ensure!(status.success(), "{}: {status}", doing());
        File::open(to).and_then(|copy| copy.sync_all()).with_context(doing)?;
        let took = clock.monotonic().saturating_sub(began);
        let bytes = std::fs::metadata(to).with_context(doing)?.len();
        std::fs::remove_file(to).with_context(doing)?;
        Ok(Copied { took, bytes })
    }
}
