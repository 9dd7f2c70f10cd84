//! Every limit, from both sides.

use std::{io, ops::Range};

use ectype_formats::{
    Format, Medium, OutputFormat,
    limits::{
        CLUSTER_BITS, DISK_BYTES_MAX, L1_BYTES_MAX, L2_TABLES_CACHED, RATIO_FILE_BYTES_MIN,
        RATIO_MAX, VHD_BLOCK_BYTES, VHD_DISK_BYTES_MAX,
    },
    open,
};

use crate::{
    craft::Craft,
    qemu::{bytes_of, disk_of, written},
};

/// A file of any length that begins with `head`, holds `tail` at its end, and zeros between.
struct Long {
    head: Vec<u8>,
    tail: Vec<u8>,
    length: u64,
}

impl Medium for Long {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let tail_at = self.length - self.tail.len() as u64;
        for (place, byte) in out.iter_mut().enumerate() {
            let at = offset + place as u64;
            *byte = match at.checked_sub(tail_at) {
                Some(after) => {
                    *self.tail.get(after as usize).ok_or(io::ErrorKind::UnexpectedEof)?
                }
                None => self.head.get(at as usize).copied().unwrap_or(0),
            };
        }
        Ok(())
    }

    fn data_after(&self, _offset: u64) -> io::Result<Option<Range<u64>>> {
        Ok(None)
    }
}

fn long(format: Format, head: Vec<u8>, tail: Vec<u8>, length: u64) -> Result<u64, String> {
    let opened = open(format, Box::new(Long { head, tail, length }));
    opened.map(|disk| disk.size()).map_err(|error| error.to_string())
}

#[test]
fn a_disk_may_be_as_large_as_the_limit_and_no_larger() {
    let raw = |length| long(Format::Raw, Vec::new(), Vec::new(), length);
    assert_eq!(raw(DISK_BYTES_MAX), Ok(DISK_BYTES_MAX));
    assert!(raw(DISK_BYTES_MAX + 1).unwrap_err().contains("the disk's size in bytes"));

    let qcow2 = |size| {
        let mut craft = Craft::new(21, size);
        craft.tables = Vec::new();
        let mut head = craft.bytes();
        // L1 entries that all say: nothing.
        head[36..40].copy_from_slice(&1000_u32.to_be_bytes());
        long(Format::Qcow2, head, Vec::new(), 8 << 20)
    };
    assert_eq!(qcow2(DISK_BYTES_MAX), Ok(DISK_BYTES_MAX));
    assert!(qcow2(DISK_BYTES_MAX + 512).unwrap_err().contains("the disk's size in bytes"));
}

#[test]
fn clusters_are_as_small_and_as_large_as_qemus() {
    for bits in [*CLUSTER_BITS.start(), *CLUSTER_BITS.end()] {
        assert!(disk_of(Format::Qcow2, Craft::new(bits, 4096).bytes()).is_ok(), "{bits}");
    }
    for bits in [CLUSTER_BITS.start() - 1, CLUSTER_BITS.end() + 1, 0, 31, 63, 200] {
        let mut bytes = Craft::new(16, 4096).bytes();
        bytes[20..24].copy_from_slice(&bits.to_be_bytes());
        let said = disk_of(Format::Qcow2, bytes).err().unwrap();
        assert!(said.contains("cluster size"), "{bits}: {said}");
    }
}

#[test]
fn an_l1_table_may_be_as_long_as_the_limit_and_no_longer() {
    let with = |entries: u64| {
        let mut head = Craft::new(9, 1 << 20).bytes();
        head.truncate(512);
        head[36..40].copy_from_slice(&(entries as u32).to_be_bytes());
        long(Format::Qcow2, head, Vec::new(), 64 << 20)
    };
    assert_eq!(with(L1_BYTES_MAX / 8), Ok(1 << 20));
    assert!(with(L1_BYTES_MAX / 8 + 1).unwrap_err().contains("the L1 table's length"));
    assert!(with(u32::MAX.into()).unwrap_err().contains("the L1 table's length"));
}

/// Every cluster of the disk is one and the same compressed cluster: a bomb.
#[test]
fn a_file_may_hold_as_much_more_than_it_has_as_the_limit_says_and_no_more() {
    let bomb = |clusters: u64| {
        let mut craft = Craft::new(21, clusters << 21);
        craft.data = miniz_oxide::deflate::compress_to_vec(&vec![0; 2 << 20], 6);
        craft.data.resize(4096, 0);
        let entry = 1 << 62 | 7 << 49 | (craft.l2_at(0) + (1 << 21));
        craft.tables = vec![(0..clusters as usize).map(|place| (place, entry)).collect()];
        craft.bytes()
    };
    let length = bomb(1).len() as u64;
    assert!(length > RATIO_FILE_BYTES_MIN);
    let most = (length * RATIO_MAX) >> 21;
    let opened = disk_of(Format::Qcow2, bomb(most)).unwrap();
    let mut bytes = [9; 4096];
    opened.read_at(opened.size() - 4096, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 4096]);
    let said = disk_of(Format::Qcow2, bomb(most + 1)).err().unwrap();
    assert!(said.contains("for a file this small"), "{said}");

    // The smallest files count for larger ones: one of 20 KiB may map as much as one of 1 MiB.
    let small = |clusters: u64| {
        let mut craft = Craft::new(12, clusters << 12);
        let tables = clusters.div_ceil(512) as usize;
        craft.tables = vec![Vec::new(); tables];
        let entry = 1 << 62 | craft.data_at();
        for (index, table) in craft.tables.iter_mut().enumerate() {
            table.extend(
                (0..512).filter(|p| ((index * 512 + p) as u64) < clusters).map(|p| (p, entry)),
            );
        }
        craft.data = vec![1; 512];
        craft.bytes()
    };
    let most = (RATIO_FILE_BYTES_MIN * RATIO_MAX) >> 12;
    assert!((small(1).len() as u64) < RATIO_FILE_BYTES_MIN);
    if (small(most).len() as u64) < RATIO_FILE_BYTES_MIN {
        assert!(disk_of(Format::Qcow2, small(most)).is_ok());
        assert!(disk_of(Format::Qcow2, small(most + 1)).is_err());
    }
}

#[test]
fn more_tables_than_are_kept_are_read_all_the_same() {
    // 32 KiB of disk for each table.
    let tables = L2_TABLES_CACHED + 1;
    let mut craft = Craft::new(9, tables as u64 * (32 << 10));
    craft.tables = vec![Vec::new(); tables];
    let data_at = craft.data_at();
    for (index, table) in craft.tables.iter_mut().enumerate() {
        table.push((1, data_at + 512 * index as u64));
        craft.data.extend([index as u8 + 1; 512]);
    }
    let bytes = bytes_of(&*disk_of(Format::Qcow2, craft.bytes()).unwrap());
    for index in 0..tables {
        assert_eq!(bytes[index * (32 << 10) + 512], index as u8 + 1);
    }
}

/// A footer, or header, with one number changed and its checksum right.
fn resummed(mut bytes: Vec<u8>, sum_at: usize, at: usize, with: &[u8]) -> Vec<u8> {
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes[sum_at..sum_at + 4].fill(0);
    let sum = !bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    bytes[sum_at..sum_at + 4].copy_from_slice(&sum.to_be_bytes());
    bytes
}

#[test]
fn a_vhd_may_be_as_large_as_its_specification_says_and_no_larger() {
    let file = written(OutputFormat::VhdFixed, &[1; 512]);
    let fixed = |size: u64| {
        let footer = resummed(file[512..].to_vec(), 64, 48, &size.to_be_bytes());
        long(Format::Vhd, Vec::new(), footer, size + 512)
    };
    assert_eq!(fixed(VHD_DISK_BYTES_MAX), Ok(VHD_DISK_BYTES_MAX));
    assert!(fixed(VHD_DISK_BYTES_MAX + 512).unwrap_err().contains("the disk's size"));
    let larger = resummed(file[512..].to_vec(), 64, 48, &1024_u64.to_be_bytes());
    let said = long(Format::Vhd, Vec::new(), larger, 1024).unwrap_err();
    assert!(said.contains("larger than the file"), "{said}");
}

#[test]
fn blocks_of_a_vhd_are_as_small_and_as_large_as_the_limits() {
    let file = written(OutputFormat::Vhd, &[0; 4096]);
    let with = |block: u32| {
        let header = resummed(file[512..1536].to_vec(), 36, 32, &block.to_be_bytes());
        disk_of(Format::Vhd, [&file[..512], &header, &file[1536..]].concat()).map(|_| ())
    };
    let (least, most) = (*VHD_BLOCK_BYTES.start(), *VHD_BLOCK_BYTES.end());
    assert_eq!((with(least), with(most)), (Ok(()), Ok(())));
    assert!(with(least / 2).unwrap_err().contains("block size"));
    assert!(with(3 << 20).unwrap_err().contains("block size"));
    assert!(with(most * 2).unwrap_err().contains("a block's size in bytes"));
}
