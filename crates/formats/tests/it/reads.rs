//! What QEMU writes is read, byte by byte.

use std::process::Command;

use ectype_formats::Format;

use crate::qemu::{Qemu, bytes_of, opened, pattern};

const MB: usize = 1 << 20;

/// Sizes: whole clusters, and a last cluster of one sector.
const SIZES: [usize; 2] = [12 * MB, 9 * MB + 512];

#[test]
fn qcow2_of_every_kind_is_read() {
    let Some(qemu) = Qemu::new() else { return };
    let variants = [
        "",
        "-o compat=0.10",
        "-o compat=1.1,lazy_refcounts=on",
        "-o cluster_size=512",
        "-o cluster_size=4096,refcount_bits=1",
        "-o cluster_size=2M",
        "-o refcount_bits=64",
        "-o preallocation=metadata",
        "-o preallocation=full",
        "-c",
        "-c -o compat=0.10",
        "-c -o compression_type=zstd",
        "-c -o cluster_size=512",
        "-c -o cluster_size=512,compression_type=zstd",
        "-c -o cluster_size=2M",
        "-c -o cluster_size=2M,compression_type=zstd",
    ];
    for size in SIZES {
        let disk = pattern(size);
        qemu.put("raw", &disk);
        for variant in variants {
            let variant = if variant.is_empty() { String::new() } else { format!("{variant} ") };
            qemu.img(&format!("convert -f raw -O qcow2 {variant}raw q"));
            let ours = bytes_of(&*opened(Format::Qcow2, &qemu.path("q")));
            assert!(ours == disk, "{size} {variant}");
        }
    }
}

#[test]
fn zero_clusters_discards_and_snapshots_are_read_as_qemu_reads_them() {
    let Some(qemu) = Qemu::new() else { return };
    for options in ["compat=1.1", "compat=0.10", "compat=1.1,cluster_size=4096"] {
        qemu.put("raw", &pattern(12 * MB));
        qemu.img(&format!("convert -f raw -O qcow2 -o {options} raw q"));
        qemu.img("snapshot -c first q");
        let commands = [
            "write -P 17 3M 1M",
            "write -z 3200k 100k",
            "write -z -u 2M 300k",
            "discard 5M 2M",
            "write -P 18 5300k 3k",
            "write -P 19 12582400 512",
        ];
        let words: Vec<&str> = commands.iter().flat_map(|command| ["-c", command]).collect();
        qemu.run("qemu-io", &[&["-f", "qcow2", "-d", "unmap"], &words[..], &["q"]].concat());
        qemu.img("convert -f qcow2 -O raw q back");
        let ours = bytes_of(&*opened(Format::Qcow2, &qemu.path("q")));
        assert!(ours == qemu.read("back"), "{options}");
        assert_eq!((ours[3 * MB], ours[5300 << 10]), (17, 18));
    }
}

#[test]
fn a_file_whose_writer_died_is_read() {
    let Some(qemu) = Qemu::new() else { return };
    qemu.img("create -q -f qcow2 -o lazy_refcounts=on q 8M");
    let words = ["-f", "qcow2", "-c", "write -P 3 1M 1M", "-c", "flush", "-c", "abort", "q"];
    let mut command = Command::new("qemu-io");
    let output = command.args(words).current_dir(qemu.path("")).output().unwrap();
    assert!(!output.status.success(), "it was to abort");
    assert_eq!(qemu.read("q")[79] & 1, 1, "the dirty bit");
    let ours = bytes_of(&*opened(Format::Qcow2, &qemu.path("q")));
    assert_eq!(ours.iter().filter(|byte| **byte == 3).count(), MB);
}

#[test]
fn a_thin_file_of_a_large_disk_costs_little() {
    let Some(qemu) = Qemu::new() else { return };
    qemu.img("create -q -f qcow2 q 250G");
    let end = (250_u64 << 30) - 4096;
    let write = format!("write -P 5 {end} 4096");
    qemu.run("qemu-io", &["-f", "qcow2", "-c", "write -P 4 100G 1M", "-c", &write, "q"]);
    let disk = opened(Format::Qcow2, &qemu.path("q"));
    assert_eq!(disk.size(), 250 << 30);
    let first = disk.data_after(0).unwrap().unwrap();
    assert_eq!(first, (100 << 30)..(100 << 30) + (1 << 20));
    let last = disk.data_after(first.end).unwrap().unwrap();
    assert_eq!(last, (250 << 30) - (64 << 10)..250 << 30);
    assert_eq!(disk.data_after(last.end).unwrap(), None);
    let mut bytes = [0; 2];
    disk.read_at(end - 1, &mut bytes).unwrap();
    assert_eq!(bytes, [0, 5]);
}

#[test]
fn vhd_of_every_kind_is_read() {
    let Some(qemu) = Qemu::new() else { return };
    for size in SIZES {
        let disk = pattern(size);
        qemu.put("raw", &disk);
        for subformat in ["dynamic", "fixed"] {
            for force_size in ["on", "off"] {
                let options = format!("subformat={subformat},force_size={force_size}");
                qemu.img(&format!("convert -f raw -O vpc -o {options} raw v"));
                qemu.img("convert -f vpc -O raw v back");
                let ours = bytes_of(&*opened(Format::Vhd, &qemu.path("v")));
                // Without force_size the disk is rounded up to a geometry.
                assert!(ours == qemu.read("back"), "{size} {options}");
                assert!(ours[..size] == disk, "{size} {options}");
            }
        }
    }
}

#[test]
fn a_vhd_written_in_pieces_is_read() {
    let Some(qemu) = Qemu::new() else { return };
    qemu.img("create -q -f vpc -o force_size=on v 64M");
    let commands = ["write -P 1 3M 512", "write -P 2 33M 5M", "write -P 3 67108352 512"];
    let words: Vec<&str> = commands.iter().flat_map(|command| ["-c", command]).collect();
    qemu.run("qemu-io", &[&["-f", "vpc"], &words[..], &["v"]].concat());
    qemu.img("convert -f vpc -O raw v back");
    let disk = opened(Format::Vhd, &qemu.path("v"));
    assert!(bytes_of(&*disk) == qemu.read("back"));
    let mega = |range: std::ops::Range<u64>| range.start >> 20..range.end >> 20;
    assert_eq!(disk.data_after(0).unwrap().map(mega), Some(2..4));
    assert_eq!(disk.data_after(4 << 20).unwrap().map(mega), Some(32..38));
}
