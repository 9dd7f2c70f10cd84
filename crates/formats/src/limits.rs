//! Every bound of this crate, by name.

/// Largest disk, in bytes: 16 TiB.
pub const DISK_BYTES_MAX: u64 = 16 << 40;

/// Largest disk in a vhd file, in bytes: 2040 GiB, by its specification.
pub const VHD_DISK_BYTES_MAX: u64 = 2040 << 30;

/// Smallest and largest `cluster_bits` of a qcow2 file, as QEMU has them.
pub const CLUSTER_BITS: std::ops::RangeInclusive<u32> = 9..=21;

/// Largest L1 table of a qcow2 file, in bytes, as QEMU has it.
pub const L1_BYTES_MAX: u64 = 32 << 20;

/// L2 tables of an open qcow2 file that are kept in memory; one is as large as a cluster.
pub const L2_TABLES_CACHED: usize = 16;

/// Smallest and largest block of a dynamic vhd file, in bytes.
pub const VHD_BLOCK_BYTES: std::ops::RangeInclusive<u32> = (512 << 10)..=(16 << 20);

/// A file maps at most so many bytes of disk for each byte that it has ...
pub const RATIO_MAX: u64 = 1000;

/// ... or is taken to have at least so many bytes.
pub const RATIO_FILE_BYTES_MIN: u64 = 1 << 20;
