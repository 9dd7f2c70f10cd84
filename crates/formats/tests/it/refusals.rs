//! What is not read is refused by name: by its header alone, before any other file is touched.

use ectype_formats::{Format, OutputFormat};

use crate::{
    craft::Craft,
    qemu::{Qemu, disk_of, pattern, written},
};

fn refused(format: Format, bytes: Vec<u8>, word: &str) {
    match disk_of(format, bytes) {
        Ok(_) => panic!("opened, for all its {word}"),
        Err(said) => assert!(said.contains(word), "no `{word}` in: {said}"),
    }
}

fn changed(bytes: &[u8], at: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

#[test]
fn features_of_qemus_own_files_are_refused_by_name() {
    let Some(qemu) = Qemu::new() else { return };
    qemu.img("create -q -f raw base 4M");
    qemu.img("create -q -f qcow2 -b base -F raw backing");
    qemu.img("create -q -f qcow2 -o data_file=data external 4M");
    qemu.img("create -q -f qcow2 -o extended_l2=on extended 4M");
    let secret = ["create", "-q", "-f", "qcow2", "--object", "secret,id=s,data=abc"];
    for kind in ["luks,encrypt.iter-time=10", "aes"] {
        let options = format!("encrypt.format={kind},encrypt.key-secret=s");
        qemu.run("qemu-img", &[&secret[..], &["-o", &options, &kind[..3], "4M"]].concat());
    }
    for (file, word) in [
        ("backing", "a backing file"),
        ("external", "an external data file"),
        ("extended", "extended L2 entries"),
        ("luk", "encryption"),
        ("aes", "encryption"),
    ] {
        refused(Format::Qcow2, qemu.read(file), word);
    }
    // A vhd over a parent, by its type; the checksum is set right.
    qemu.img("create -q -f vpc child.vhd 4M");
    let mut bytes = qemu.read("child.vhd");
    let footer = bytes.len() - 512;
    bytes[footer + 63] = 4;
    let sum = u32::from_be_bytes(bytes[footer + 64..footer + 68].try_into().unwrap()) - 1;
    refused(Format::Vhd, changed(&bytes, footer + 64, &sum.to_be_bytes()), "differencing");
}

/// Invariant 26: unknown versions and feature bits refuse.
#[test]
fn unknown_versions_bits_and_types_are_refused_by_name() {
    let good = Craft::new(16, 1 << 20).bytes();
    assert!(disk_of(Format::Qcow2, good.clone()).is_ok());
    for (at, with, word) in [
        (4, &4_u32.to_be_bytes()[..], "version 4"),
        (4, &1_u32.to_be_bytes()[..], "version 1"),
        (72, &2_u64.to_be_bytes()[..], "corrupt bit"),
        (72, &(1_u64 << 5).to_be_bytes()[..], "incompatible feature bit 5"),
        (72, &(1_u64 << 63).to_be_bytes()[..], "incompatible feature bit 63"),
        (104, &[1][..], "without its feature bit"),
        (100, &96_u32.to_be_bytes()[..], "its length"),
        (100, &107_u32.to_be_bytes()[..], "its length"),
        (0, b"QFI\0", "not a qcow2 file"),
    ] {
        refused(Format::Qcow2, changed(&good, at, with), word);
    }
    // Compatible and autoclear bits ask for nothing, and a dirty file is read.
    for (at, with) in [(72, 1_u64), (80, u64::MAX), (88, u64::MAX)] {
        assert!(disk_of(Format::Qcow2, changed(&good, at, &with.to_be_bytes())).is_ok(), "{at}");
    }
    let mut unknown = Craft::new(16, 1 << 20);
    (unknown.incompatible, unknown.compression) = (8, 2);
    refused(Format::Qcow2, unknown.bytes(), "compression type 2");
}

#[test]
fn a_format_is_never_guessed() {
    let disk = pattern(1 << 20);
    for form in OutputFormat::ALL {
        let file = written(form, &disk);
        for format in Format::ALL {
            let opened = disk_of(format, file.clone());
            // Anything is a raw disk: that is why the word of the caller counts.
            let expected = format == Format::Raw || format == form.format();
            assert_eq!(opened.is_ok(), expected, "{form} as {format}");
        }
        for format in [Format::Qcow2, Format::Vhd] {
            for length in [0, 3, 4, 71, 72, 103, 511] {
                assert!(disk_of(format, file[..length].to_vec()).is_err(), "{form} {length}");
            }
        }
    }
}

/// Invariant 27: tables that lead out of the file, onto each other or back.
#[test]
fn tables_that_lead_nowhere_or_in_circles_are_refused() {
    let plain = |entry: u64| {
        let mut craft = Craft::new(16, 1 << 20);
        craft.tables = vec![vec![(3, entry)]];
        craft.data = vec![1; 65_536];
        craft
    };
    let data_at = plain(0).data_at();
    assert!(disk_of(Format::Qcow2, plain(data_at).bytes()).is_ok());
    for (entry, word) in [
        (data_at + 65_536, "not inside the file"),
        (data_at + 512, "does not begin at a cluster"),
        (data_at | 2, "reserved bits"),
        (data_at | 1 << 60, "reserved bits"),
        (0x00ff_ffff_ffff_0000, "not inside the file"),
        (1 << 62, "compressed data is not inside the file"),
        (1 << 62 | (data_at + 65_536), "compressed data is not inside the file"),
    ] {
        refused(Format::Qcow2, plain(entry).bytes(), word);
    }
    // Version 2 has no zero clusters.
    let mut old = plain(1);
    assert!(disk_of(Format::Qcow2, old.bytes()).is_ok());
    old.version = 2;
    refused(Format::Qcow2, old.bytes(), "version 2");

    let mut two = Craft::new(9, 64 << 10);
    two.tables = vec![Vec::new(), Vec::new()];
    let l1_at = two.l1_at() as usize;
    let good = two.bytes();
    assert!(disk_of(Format::Qcow2, good.clone()).is_ok());
    let l1 = |entry: u64| changed(&good, l1_at, &entry.to_be_bytes());
    refused(Format::Qcow2, l1(two.l2_at(1)), "two entries of L1");
    refused(Format::Qcow2, l1(two.l2_at(2)), "not inside the file");
    refused(Format::Qcow2, l1(two.l2_at(0) + 8), "reserved bits");
    refused(Format::Qcow2, changed(&good, 40, &520_u64.to_be_bytes()), "L1 table");
    refused(Format::Qcow2, changed(&good, 39, &[1]), "too short");
}

#[test]
fn a_file_that_was_cut_is_refused_or_reads_as_an_error() {
    let disk = pattern(3 << 20);
    for form in [OutputFormat::Qcow2, OutputFormat::Qcow2Plain, OutputFormat::Vhd] {
        let file = written(form, &disk);
        for part in 1..40 {
            let cut = file[..file.len() * part / 40].to_vec();
            if let Ok(opened) = disk_of(form.format(), cut) {
                let mut bytes = vec![0; disk.len()];
                let read = opened.read_at(0, &mut bytes);
                assert!(read.is_err() || bytes == disk, "{form} {part}");
            }
        }
    }
}

#[test]
fn damaged_compressed_data_is_an_error() {
    let disk = pattern(3 << 20);
    let mut file = written(OutputFormat::Qcow2, &disk);
    // The magic of every zstd frame.
    let magic = 0xfd2f_b528_u32.to_le_bytes();
    let places: Vec<_> = (0..file.len() - 4).filter(|at| file[*at..at + 4] == magic).collect();
    assert!(places.len() > 3);
    for at in places {
        file[at] ^= 0xff;
    }
    let opened = disk_of(Format::Qcow2, file).unwrap();
    let error = opened.read_at(0, &mut [0; 1]).unwrap_err().to_string();
    assert!(error.contains("damaged qcow2 file: compressed cluster at byte"), "{error}");
}

#[test]
fn vhd_tables_that_cannot_be_are_refused() {
    let file = written(OutputFormat::Vhd, &pattern(8 << 20));
    let bat = 1536;
    let entry = |index: usize| {
        u32::from_be_bytes(file[bat + 4 * index..bat + 4 * index + 4].try_into().unwrap())
    };
    let with = |sector: u32| changed(&file, bat, &sector.to_be_bytes());
    refused(Format::Vhd, with(entry(1)), "overlap");
    refused(Format::Vhd, with(entry(1) + 8), "overlap");
    refused(Format::Vhd, with(u32::MAX - 1), "not inside the file");
    refused(Format::Vhd, changed(&file, 512, b"x"), "cookie");
    refused(Format::Vhd, changed(&file, 540, &[9]), "checksum");
    // A footer that was flipped, and one that was cut away.
    let end = file.len();
    refused(Format::Vhd, changed(&file, end - 460, &[9]), "checksum");
    refused(Format::Vhd, file[..end - 1].to_vec(), "not a vhd file");
    // A bitmap without bits: its sectors are zeros, whatever lies there.
    let block = entry(0) as usize * 512;
    let cleared = disk_of(Format::Vhd, changed(&file, block, &[0xbf])).unwrap();
    let (mut ours, mut theirs) = (vec![0; 1536], vec![0; 1536]);
    cleared.read_at(65_024, &mut ours).unwrap();
    cleared.read_at(0, &mut theirs).unwrap();
    assert!(theirs[512..1024].iter().all(|byte| *byte == 0));
}
