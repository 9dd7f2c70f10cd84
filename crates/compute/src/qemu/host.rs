//! What this host has: programs, CPUs, memory; and the figures that guests are run with.

use std::{
    ffi::OsStr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use base::ByteCount;

use crate::port::{ComputeError, HostLimits};

/// Least memory that a guest gets whatever the limits say; the stock image boots with it.
pub const MEMORY_MIN: ByteCount = ByteCount(256 << 20);
/// How long QEMU waits for a disk's server that went away, in seconds; then the guest pauses.
/// QEMU tries again after about 1, 3, 7, 15 and 31 s, so a server that is back after 40 s is
/// found in time.
pub const RECONNECT_DELAY_S: u32 = 60;
/// How long a disk's server may take to answer at the start, in seconds.
pub(super) const OPEN_TIMEOUT_S: u32 = 5;
/// How long a start may take until QEMU answers; much more than [`OPEN_TIMEOUT_S`].
pub(super) const START_DEADLINE: Duration = Duration::from_secs(30);
/// How long a process may take to go once it was told to, or once its control socket closed;
/// then it is killed.
pub(super) const EXIT_DEADLINE: Duration = Duration::from_secs(10);
/// How often the console log is looked at for trimming.
pub(super) const TRIM_EVERY: Duration = Duration::from_secs(5);
/// How often a paused guest is told to go on before that counts as failed.
pub(super) const RESUME_TRIES: u32 = 5;
/// How long a resumed guest must run to count as running.
pub(super) const RESUME_PROOF: Duration = Duration::from_millis(250);

/// Finds a program in the directories of `path`.
pub(super) fn find(
    path: &OsStr,
    (tool, package): (&'static str, &'static str),
) -> Result<PathBuf, ComputeError> {
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(tool))
        .find(|file| is_program(file))
        .ok_or(ComputeError::ToolMissing { tool, package })
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// All cores, and half of the memory that is available now.
pub(super) fn limits() -> HostLimits {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    HostLimits {
        vcpus: u32::try_from(cores).unwrap_or(u32::MAX),
        memory: ByteCount(available(&meminfo).map_or(MEMORY_MIN.0, |bytes| bytes / 2)),
    }
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"), Some(2 << 20));
        assert_eq!(available("MemAvailable: many kB"), None);
        assert_eq!(available(""), None);
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let error =
            find(OsStr::new("/nowhere:relative"), ("qemu-system-x86_64", "qemu-system-x86"))
                .unwrap_err()
                .to_string();
        assert!(error.contains("apt-get install qemu-system-x86"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_run_is_no_program() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("qemu");
        std::fs::write(&file, "").unwrap();
        assert!(find(dir.path().as_os_str(), ("qemu", "q")).is_err());
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(find(dir.path().as_os_str(), ("qemu", "q")).unwrap(), file);
    }
}
