//! QEMU's tools, and disks to try them with.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::Command,
};

use base::Timestamp;
use ectype_formats::{DiskFile, Format, Memory, OutputFormat, Ranges, Stamp, open, write};

/// How often a tool is run that could not measure its own speed.
const ATTEMPTS: u32 = 10;

/// A folder, with QEMU's tools.
pub struct Qemu {
    folder: tempfile::TempDir,
}

impl Qemu {
    /// None, and said so, where they are not installed.
    pub fn new() -> Option<Self> {
        for tool in ["qemu-img", "qemu-io"] {
            if Command::new(tool).arg("--version").output().is_err() {
                eprintln!("SKIPPED: {tool} is not installed (Debian: qemu-utils)");
                return None;
            }
        }
        // In memory where that can be: nothing here needs a disk.
        let memory = tempfile::Builder::new().prefix("ectype-formats-").tempdir_in("/dev/shm");
        Some(Self { folder: memory.or_else(|_| tempfile::tempdir()).unwrap() })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a tool in the folder; what it prints.
    pub fn run(&self, tool: &str, words: &[&str]) -> String {
        let run =
            || Command::new(tool).args(words).current_dir(self.folder.path()).output().unwrap();
        let mut output = run();
        for _ in 1..ATTEMPTS {
            // For LUKS, qemu-img measures how fast it derives a key, and gives up on some machines
            // now and then.
            if String::from_utf8_lossy(&output.stderr).contains("accurate CPU usage") {
                output = run();
            }
        }
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{tool} {words:?}: {out}{err}");
        out
    }

    /// `qemu-img` with the words of a line.
    pub fn img(&self, line: &str) -> String {
        self.run("qemu-img", &line.split(' ').collect::<Vec<_>>())
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }
}

/// Opens bytes as a file of a format.
pub fn disk_of(format: Format, bytes: Vec<u8>) -> Result<Box<dyn DiskFile>, String> {
    open(format, Box::new(Memory(bytes))).map_err(|error| error.to_string())
}

pub fn opened(format: Format, path: &Path) -> Box<dyn DiskFile> {
    let bytes = std::fs::read(path).unwrap();
    disk_of(format, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every byte of a disk: read whole, by its ranges, and in odd pieces, which must agree.
pub fn bytes_of(disk: &dyn DiskFile) -> Vec<u8> {
    let mut whole = vec![0xaa; disk.size() as usize];
    disk.read_at(0, &mut whole).unwrap();
    let mut by_ranges = vec![0; whole.len()];
    let mut last = 0;
    for range in Ranges::of(disk) {
        let range = range.unwrap();
        assert!(last <= range.start && range.start < range.end, "{range:?} after {last}");
        last = range.end;
        let part = range.start as usize..range.end as usize;
        disk.read_at(range.start, &mut by_ranges[part]).unwrap();
    }
    assert!(whole == by_ranges, "a range that holds data is missing");
    let mut at = 0;
    let mut step = 1;
    while at < whole.len() {
        let length = step.min(whole.len() - at);
        let mut part = vec![0; length];
        disk.read_at(at as u64, &mut part).unwrap();
        assert!(part == whole[at..at + length], "{at}+{length}");
        at += length;
        step = step * 3 + 1;
        if step > 700_000 {
            step = 511;
        }
    }
    whole
}

/// Bytes that do not compress, the same for each seed.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend(state.to_le_bytes());
    }
    out.truncate(length);
    out
}

/// A disk with noise, text, one byte here and there, zeros, and something in its last sector.
pub fn pattern(size: usize) -> Vec<u8> {
    let mut disk = vec![0; size];
    let noise = noise(size / 9, 7);
    disk[size / 5..size / 5 + noise.len()].copy_from_slice(&noise);
    for (line, at) in (size / 2..size / 2 + size / 8).step_by(64).enumerate() {
        let text = format!("{line:>8} the disk says the same thing again and again\n");
        let length = text.len().min(size - at);
        disk[at..at + length].copy_from_slice(&text.as_bytes()[..length]);
    }
    for at in [0, 65_535, 65_536, size / 3, size - 700_000, size - 1] {
        disk[at] = 0x5a;
    }
    disk
}

/// Writes a disk by our own means.
pub fn written(form: OutputFormat, disk: &[u8]) -> Vec<u8> {
    let source = disk_of(Format::Raw, disk.to_vec()).unwrap();
    let mut target = Memory::default();
    let stamp = Stamp { id: [9; 16], at: Timestamp::from_micros(1_800_000_000_000_000) };
    let mut last = 0;
    write(form, &*source, &mut target, &stamp, &mut |progress| {
        assert!(last <= progress.position && progress.position <= progress.size);
        last = progress.position;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(last, disk.len() as u64);
    target.0
}
