//! Clients that nobody here wrote: QEMU's tools and libnbd's.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use blocks::BlockSource;
use export::nbd::Device;

use crate::support::{MemoryDisk, Running, pattern};

const MIB: usize = 1 << 20;

/// Whether a tool is there; says so loudly when it is not.
pub fn have(tool: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()));
    if !found {
        eprintln!("SKIPPED: {tool} is not installed; what it would show is not shown");
    }
    found
}

/// Runs a tool and returns what it printed.
pub fn run<A: AsRef<OsStr>>(tool: &str, arguments: impl IntoIterator<Item = A>) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} failed: {text}{errors}");
    text
}

fn sparse_file(path: &Path, size: usize, seed: u64) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::create(path).unwrap();
    file.set_len(size as u64).unwrap();
    for (n, at) in [0, 3 * MIB + 512, 9 * MIB + 4096, size - 5_000].into_iter().enumerate() {
        file.write_all_at(&pattern(seed + n as u64, 5_000), at as u64).unwrap();
    }
}

#[test]
fn qemu_img_sees_the_size_copies_both_ways_and_finds_both_equal() {
    if !have("qemu-img") {
        return;
    }
    let disk = MemoryDisk::new(16 * MIB);
    let running = Running::writable(&disk);
    let dir = tempfile::tempdir().unwrap();
    let (raw, back) = (dir.path().join("raw"), dir.path().join("back.qcow2"));
    sparse_file(&raw, 16 * MIB, 40);
    let url = running.url();
    let (raw, back) = (raw.to_str().unwrap(), back.to_str().unwrap());

    let info = run("qemu-img", ["info", "--output=json", &url]);
    assert!(info.contains(&format!("\"virtual-size\": {}", 16 * MIB)), "{info}");
    run("qemu-img", ["convert", "-n", "-f", "raw", "-O", "raw", raw, &url]);
    run("qemu-img", ["compare", "-f", "raw", "-F", "raw", raw, &url]);
    run("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", &url, back]);
    run("qemu-img", ["compare", "-f", "raw", "-F", "qcow2", &url, back]);
    let map = run("qemu-img", ["map", "--output=json", "-f", "raw", &url]);
    assert!(map.contains("\"zero\": true") && map.contains("\"zero\": false"), "{map}");
    assert!(disk.content(0, 16 * MIB) == std::fs::read(raw).unwrap());
}

#[test]
fn qemu_io_reads_back_what_it_wrote_zeroed_and_discarded() {
    if !have("qemu-io") {
        return;
    }
    let disk = MemoryDisk::new(64 * MIB);
    let running = Running::writable(&disk);
    let url = running.url();
    let commands = [
        "write -P 0x11 0 8M",
        "write -P 0x22 4k 512",
        "write -f -P 0x33 1M 64k",
        "write -z 2M 1M",
        "write -z -u 3M 1M",
        "discard 4M 1M",
        "aio_write -P 0x44 16M 4M",
        "aio_write -P 0x55 20M 4M",
        "aio_write -P 0x66 24M 32M",
        "aio_flush",
        "flush",
        "read -P 0x11 0 4k",
        "read -P 0x22 4k 512",
        "read -P 0x11 4608 1043968",
        "read -P 0x33 1M 64k",
        "read -P 0 2M 3M",
        "read -P 0x11 5M 3M",
        "read -P 0x44 16M 4M",
        "read -P 0x55 20M 4M",
        "read -P 0x66 24M 32M",
    ];
    let mut arguments = vec!["-f", "raw", "-t", "none", "-d", "unmap"];
    commands.iter().for_each(|command| arguments.extend(["-c", command]));
    arguments.push(&url);
    let text = run("qemu-io", arguments);
    assert!(!text.contains("failed"), "{text}");
    assert!(disk.content(4096, 512).iter().all(|byte| *byte == 0x22));
}

#[test]
fn nbdinfo_is_told_what_the_server_can_do() {
    if !have("nbdinfo") {
        return;
    }
    let disk = MemoryDisk::new(16 * MIB);
    let running = Running::writable(&disk);
    let info = run("nbdinfo", ["--json", &running.url()]);
    for line in [
        "\"structured\": true",
        "\"export-size\": 16777216",
        "\"description\": \"in memory\"",
        "\"base:allocation\"",
        "\"can_multi_conn\": true",
        "\"can_flush\": true",
        "\"can_fua\": true",
        "\"can_trim\": true",
        "\"can_zero\": true",
        "\"can_fast_zero\": true",
        "\"can_df\": true",
        "\"can_cache\": false",
        "\"is_read_only\": false",
        "\"block_size_minimum\": 1",
        "\"block_size_preferred\": 4096",
        "\"block_size_maximum\": 33554432",
    ] {
        assert!(info.contains(line), "{line} is missing from {info}");
    }
    let list = run("nbdinfo", ["--list", &running.url()]);
    assert!(list.contains("export=\"disk\""), "{list}");
    let read_only = Running::new(Device::ReadOnly(disk as Arc<dyn BlockSource>));
    let info = run("nbdinfo", ["--json", &read_only.url()]);
    assert!(info.contains("\"is_read_only\": true"), "{info}");
}

#[test]
fn nbdcopy_moves_a_disk_over_several_connections() {
    if !have("nbdcopy") {
        return;
    }
    let (disk, other) = (MemoryDisk::new(16 * MIB), MemoryDisk::new(16 * MIB));
    let (running, target) = (Running::writable(&disk), Running::writable(&other));
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("raw");
    sparse_file(&raw, 16 * MIB, 50);
    run("nbdcopy", [raw.to_str().unwrap(), &running.url()]);
    run("nbdcopy", ["--connections=4", "--flush", &running.url(), &target.url()]);
    assert!(other.content(0, 16 * MIB) == std::fs::read(&raw).unwrap());
}
