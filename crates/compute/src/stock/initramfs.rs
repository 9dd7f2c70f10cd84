//! The initramfs: busybox, the modules that reach the disk, and one script, in cpio's `newc`
//! format. It is not compressed: unpacking would cost an emulated guest more than reading does.

use std::{fs, path::PathBuf};

use super::{
    error::{StockError, at},
    packages::Unpacked,
    script,
};

/// Applets that the script uses.
const APPLETS: &[&str] = &["sh", "mount", "insmod", "findfs", "sleep", "switch_root"];
/// Directories.
const DIRS: &[&str] = &["bin", "dev", "proc", "sys", "root", "modules"];
const DIR: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

/// The bytes of the initramfs.
pub(super) fn build(from: &Unpacked, modules: &[PathBuf]) -> Result<Vec<u8>, StockError> {
    let read = |path: &PathBuf| fs::read(path).map_err(at("read", path));
    let mut archive = Archive::default();
    for dir in DIRS {
        archive.add(dir, DIR, b"");
    }
    let busybox = ["bin/busybox", "usr/bin/busybox"].map(|name| from.root.join(name));
    let busybox = busybox.iter().find(|path| path.is_file());
    let busybox = busybox.ok_or_else(|| StockError::Content { what: "busybox".to_owned() })?;
    archive.add("bin/busybox", PROGRAM, &read(busybox)?);
    for applet in APPLETS {
        archive.add(&format!("bin/{applet}"), LINK, b"busybox");
    }
    let mut order = String::new();
    for module in modules {
        let name = module.file_name().unwrap_or_default().to_string_lossy();
        archive.add(&format!("modules/{name}"), FILE, &read(module)?);
        order.push_str(&name);
        order.push('\n');
    }
    archive.add("modules.order", FILE, order.as_bytes());
    archive.add("init", PROGRAM, script::INITRAMFS_INIT.as_bytes());
    Ok(archive.finish())
}

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: usize,
}

impl Archive {
    /// Adds an entry that belongs to root and has no date.
    fn add(&mut self, name: &str, mode: u32, data: &[u8]) {
        self.entries += 1;
        let mode = usize::try_from(mode).unwrap_or_default();
        // inode, mode, uid, gid, links, mtime, size, device (4 fields), name's size, checksum
        let fields = [self.entries, mode, 0, 0, 1, 0, data.len(), 0, 0, 0, 0, name.len() + 1, 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08X}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(data);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.add("TRAILER!!!", 0, b"");
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_its_entries_aligned_and_ends() {
        let mut archive = Archive::default();
        archive.add("init", PROGRAM, b"hello");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(&bytes[..14], b"07070100000001");
        assert_eq!(&bytes[14..22], b"000081ED");
        // 110 bytes of header, the name with its zero, then a multiple of four.
        assert_eq!(&bytes[110..121], b"init\0\0hello");
        assert_eq!(&bytes[124..130], b"070701");
        assert!(bytes.windows(11).any(|window| window == b"TRAILER!!!\0"));
    }
}
