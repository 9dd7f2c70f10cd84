//! What is written here, QEMU checks and reads.

use std::ops::ControlFlow;

use base::Timestamp;
use ectype_formats::{Error, Format, Memory, OutputFormat, Stamp, write};

use crate::qemu::{Qemu, bytes_of, disk_of, noise, pattern, written};

const MB: usize = 1 << 20;

fn qemu_word(form: OutputFormat) -> &'static str {
    match form.format() {
        Format::Raw => "raw",
        Format::Qcow2 => "qcow2",
        Format::Vhd => "vpc",
    }
}

#[test]
fn every_form_is_read_by_qemu_and_by_us() {
    let Some(qemu) = Qemu::new() else { return };
    let text = b"all the same line\n".repeat(6 * MB / 18);
    let disks = [
        ("mixed", pattern(12 * MB)),
        ("odd tail", pattern(9 * MB + 512)),
        ("no whole sector", pattern(5 * MB + 3)),
        ("noise", noise(5 * MB, 3)),
        ("text", text),
        ("zeros", vec![0; 3 * MB]),
    ];
    for (name, disk) in disks {
        let whole = disk.len().next_multiple_of(512);
        for form in OutputFormat::ALL {
            let file = written(form, &disk);
            let ours = bytes_of(&*disk_of(form.format(), file.clone()).unwrap());
            assert!(ours[..disk.len()] == disk, "{name} {form}");
            assert!(ours[disk.len()..].iter().all(|byte| *byte == 0), "{name} {form}");
            qemu.put("out", &file);
            let mut padded = disk.clone();
            padded.resize(whole, 0);
            qemu.put("raw", &padded);
            if form != OutputFormat::Raw {
                assert_eq!(ours.len(), whole, "{name} {form}");
                let info = qemu.img(&format!("info -f {} --output=json out", qemu_word(form)));
                let size = format!("\"virtual-size\": {whole},");
                assert!(info.contains(&size), "{name} {form}: {info}");
            }
            let word = qemu_word(form);
            if form.format() == Format::Qcow2 {
                qemu.img("check -f qcow2 out");
            }
            qemu.img(&format!("compare -f raw -F {word} raw out"));
        }
    }
}

#[test]
fn a_disk_of_many_l2_tables_passes_qemus_check() {
    let Some(qemu) = Qemu::new() else { return };
    // Two bytes at far ends of a sparse disk, and a dense piece between: three L2 tables.
    let file = std::fs::File::create(qemu.path("raw")).unwrap();
    file.set_len(3 << 30).unwrap();
    drop(file);
    let words = ["-f", "raw", "-c", "write -P 1 600M 12M", "-c", "write -P 2 3221225000 472"];
    qemu.run("qemu-io", &[&words[..], &["raw"]].concat());
    for compress in ["", "-c -o compression_type=zstd "] {
        qemu.img(&format!("convert -f raw -O qcow2 {compress}raw theirs"));
        let theirs = qemu.read("theirs");
        let source = disk_of(Format::Qcow2, theirs).unwrap();
        for form in [OutputFormat::Qcow2, OutputFormat::Qcow2Plain, OutputFormat::Vhd] {
            let mut out = Memory::default();
            let stamp = Stamp { id: [1; 16], at: Timestamp::from_micros(0) };
            let mut go = |_| ControlFlow::Continue(());
            write(form, &*source, &mut out, &stamp, &mut go).unwrap();
            qemu.put("out", &out.0);
            if form != OutputFormat::Vhd {
                qemu.img("check -f qcow2 out");
            }
            qemu.img(&format!("compare -f raw -F {} raw out", qemu_word(form)));
        }
    }
}

#[test]
fn compressed_files_are_about_as_small_as_qemus() {
    let Some(qemu) = Qemu::new() else { return };
    let disk = pattern(24 * MB);
    qemu.put("raw", &disk);
    qemu.img("convert -f raw -O qcow2 -c -o compression_type=zstd raw theirs");
    let theirs = qemu.read("theirs").len();
    let ours = written(OutputFormat::Qcow2, &disk).len();
    assert!(ours < theirs + theirs / 10 + (1 << 18), "{ours} by us, {theirs} by QEMU");
}

#[test]
fn a_watcher_ends_the_work() {
    let source = disk_of(Format::Raw, pattern(4 * MB)).unwrap();
    let stamp = Stamp { id: [1; 16], at: Timestamp::from_micros(0) };
    for form in OutputFormat::ALL {
        let mut out = Memory::default();
        let mut calls = 0;
        let ended = write(form, &*source, &mut out, &stamp, &mut |_| {
            calls += 1;
            if calls == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(ended, Err(Error::Stopped)), "{form}");
        assert_eq!(calls, 2);
        // What is there is no file of its format.
        assert!(form == OutputFormat::Raw || disk_of(form.format(), out.0).is_err(), "{form}");
    }
}
