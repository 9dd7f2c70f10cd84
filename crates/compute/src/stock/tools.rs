//! The programs that build the image, and how they are run.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
};

use super::error::StockError;

/// Programs and the Debian packages that have them.
const PROGRAMS: [(&str, &str); 7] = [
    ("apt-get", "apt"),
    ("apt-cache", "apt"),
    ("apt-config", "apt"),
    ("dpkg-deb", "dpkg"),
    ("syslinux", "syslinux"),
    ("mke2fs", "e2fsprogs"),
    ("depmod", "kmod"),
];
/// Programs that the others run.
const INDIRECT: [(&str, &str); 2] = [("mcopy", "mtools"), ("debugfs", "e2fsprogs")];
/// The boot code of the disk's first sector.
pub(super) const MBR_CODE: &str = "/usr/lib/syslinux/mbr/mbr.bin";
/// Where administrators' programs are, which is not in every user's path.
const SBIN: &str = "/usr/sbin:/sbin";
/// How much of a program's last words goes into an error, in bytes.
const SAID_MAX: usize = 2000;

/// All programs are there.
pub(super) struct Tools {
    path: OsString,
}

impl Tools {
    /// Looks for all of them, so that the error names all that are missing.
    pub(super) fn find(path: &OsStr) -> Result<Self, StockError> {
        if std::env::consts::ARCH != "x86_64" {
            return Err(StockError::Architecture);
        }
        let mut path = path.to_owned();
        path.push(":");
        path.push(SBIN);
        let is_there =
            |name: &str| std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
        let mut missing: Vec<(&str, &str)> =
            PROGRAMS.iter().chain(&INDIRECT).filter(|(name, _)| !is_there(name)).copied().collect();
        if !Path::new(MBR_CODE).is_file() {
            missing.push((MBR_CODE, "syslinux-common"));
        }
        if missing.is_empty() {
            return Ok(Self { path });
        }
        let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
        packages.sort_unstable();
        packages.dedup();
        let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
        Err(StockError::ToolsMissing { missing: names.join(", "), packages: packages.join(" ") })
    }

    /// A program to run: in the C locale, in the world's time.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("PATH", &self.path).env("LC_ALL", "C").env("TZ", "UTC");
        command
    }
}

/// Runs a program to its end and returns what it wrote.
pub(super) fn run(command: &mut Command) -> Result<String, StockError> {
    let tool = PathBuf::from(command.get_program());
    let tool = tool.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| StockError::Tool { tool: tool.clone(), said: error.to_string() })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut said = output.stdout;
    said.extend(output.stderr);
    let last = &said[said.len().saturating_sub(SAID_MAX)..];
    let said = format!("{} ({})", String::from_utf8_lossy(last).trim(), output.status);
    Err(StockError::Tool { tool, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_packages() {
        let nowhere = Tools { path: "/nowhere".into() };
        let error = run(&mut nowhere.command("/nowhere/mke2fs")).unwrap_err();
        assert!(error.to_string().starts_with("`mke2fs` failed"), "{error}");
        if let Err(error) = Tools::find(OsStr::new("/nowhere")) {
            let text = error.to_string();
            assert!(text.contains("apt-get install") && text.contains("syslinux"), "{text}");
        }
    }

    #[test]
    fn a_failure_brings_the_last_words() {
        let tools = Tools { path: "/usr/bin:/bin".into() };
        let error = run(tools.command("sh").args(["-c", "echo out; echo err >&2; exit 3"]));
        let text = error.unwrap_err().to_string();
        assert!(text.contains("out") && text.contains("err") && text.contains('3'), "{text}");
    }
}
