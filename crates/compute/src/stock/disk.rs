//! The disk: MBR, boot file system, root file system, in a sparse file.

use std::{
    fs,
    io::{Cursor, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use base::ByteCount;
use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};

use super::{
    error::{StockError, at},
    script,
    tools::{MBR_CODE, Tools, run},
};

const SECTOR: u64 = 512;
/// Where the boot file system begins, in sectors: 1 MiB.
const BOOT_START: u64 = 2048;
/// Its length, in sectors: 64 MiB.
const BOOT_SECTORS: u64 = 131_072;
const ROOT_START: u64 = BOOT_START + BOOT_SECTORS;
const EXT4_BLOCK: u64 = 4096;
/// One inode for so many bytes. Fewer than usual: 100 GB have 400,000.
const BYTES_PER_INODE: u64 = 256 << 10;
const ROOT_LABEL: &str = "ectype-root";
/// Fixed, so that the same packages give nearly the same bytes.
const ROOT_UUID: &str = "3c1d7a52-6f0e-4c57-9a0e-ec7f9e000001";
const DISK_ID: [u8; 4] = *b"ECT1";
const BOOT_ID: u32 = 0x4543_0001;

/// What goes onto the disk.
pub(super) struct Parts<'a> {
    pub(super) kernel: &'a Path,
    pub(super) initramfs: &'a [u8],
    /// The directory that becomes the root file system.
    pub(super) root: &'a Path,
}

/// Makes the disk and returns what the file takes.
pub(super) fn build(
    tools: &Tools,
    work: &Path,
    out: &Path,
    capacity: ByteCount,
    parts: &Parts<'_>,
) -> Result<ByteCount, StockError> {
    let mut draft = out.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    if let Some(dir) = out.parent() {
        fs::create_dir_all(dir).map_err(at("create", dir))?;
    }
    let file = fs::File::create(&draft).map_err(at("create", &draft))?;
    file.set_len(capacity.0).map_err(at("extend", &draft))?;
    root_file_system(tools, work, &draft, capacity, parts.root)?;
    let boot = boot_file_system(tools, work, parts)?;
    let code = fs::read(MBR_CODE).map_err(at("read", Path::new(MBR_CODE)))?;
    let written = (|| {
        write_sparse(&file, BOOT_START * SECTOR, &boot)?;
        file.write_all_at(&mbr(&code, capacity.0 / SECTOR), 0)?;
        file.sync_all()?;
        fs::rename(&draft, out)?;
        Ok(ByteCount(file.metadata()?.blocks() * 512))
    })();
    written.map_err(at("write", &draft))
}

/// Makes the ext4 file system in place. Little is written: tables are left for the kernel to see
/// as empty, and nothing is kept back for root.
fn root_file_system(
    tools: &Tools,
    work: &Path,
    disk: &Path,
    capacity: ByteCount,
    tree: &Path,
) -> Result<(), StockError> {
    let blocks = (capacity.0 - ROOT_START * SECTOR) / EXT4_BLOCK;
    let extended = format!(
        "offset={},lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0,nodiscard,\
         hash_seed={ROOT_UUID}",
        ROOT_START * SECTOR
    );
    run(tools
        .command("mke2fs")
        .args(["-q", "-F", "-t", "ext4", "-m", "0", "-J", "size=64", "-L", ROOT_LABEL])
        .args(["-U", ROOT_UUID, "-b", &EXT4_BLOCK.to_string()])
        .args(["-i", &BYTES_PER_INODE.to_string(), "-E", &extended, "-d"])
        .arg(tree)
        .arg(disk)
        .arg(blocks.to_string()))?;
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    give_to_root(tools, work, disk, tree)
}

/// mke2fs keeps the owners of the files, which are the builder.
fn give_to_root(tools: &Tools, work: &Path, disk: &Path, tree: &Path) -> Result<(), StockError> {
    let mut commands = String::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(dir) = dirs.pop() {
        let path = tree.join(&dir);
        for entry in fs::read_dir(&path).map_err(at("read", &path))? {
            let entry = entry.map_err(at("read", &path))?;
            let name = dir.join(entry.file_name());
            for field in ["uid", "gid"] {
                commands.push_str(&format!("sif \"/{}\" {field} 0\n", name.display()));
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                dirs.push(name);
            }
        }
    }
    let script = work.join("owners");
    fs::write(&script, commands).map_err(at("write", &script))?;
    let target = format!("{}?offset={}", disk.display(), ROOT_START * SECTOR);
    run(tools.command("debugfs").arg("-w").arg("-f").arg(&script).arg(target)).map(drop)
}

/// The FAT file system with boot loader, kernel and initramfs.
fn boot_file_system(tools: &Tools, work: &Path, parts: &Parts<'_>) -> Result<Vec<u8>, StockError> {
    let path = work.join("boot.fat");
    let kernel = fs::read(parts.kernel).map_err(at("read", parts.kernel))?;
    let made = boot_files(&kernel, parts.initramfs).map_err(at("fill", &path))?;
    fs::write(&path, made).map_err(at("write", &path))?;
    run(tools.command("syslinux").arg("--install").arg(&path))?;
    fs::read(&path).map_err(at("read", &path))
}

fn boot_files(kernel: &[u8], initramfs: &[u8]) -> std::io::Result<Vec<u8>> {
    let size = usize::try_from(BOOT_SECTORS * SECTOR).unwrap_or_default();
    let mut disk = Cursor::new(vec![0; size]);
    let options = FormatVolumeOptions::new()
        .fat_type(FatType::Fat32)
        .bytes_per_cluster(512)
        .volume_label(*b"ECTYPE-BOOT")
        .volume_id(BOOT_ID);
    fatfs::format_volume(&mut disk, options)?;
    {
        let fs = FileSystem::new(&mut disk, FsOptions::new())?;
        let files = [
            ("syslinux.cfg", script::SYSLINUX_CFG.as_bytes()),
            ("vmlinuz", kernel),
            ("initrd.img", initramfs),
        ];
        for (name, bytes) in files {
            let mut file = fs.root_dir().create_file(name)?;
            file.write_all(bytes)?;
            file.flush()?;
        }
    }
    let mut disk = disk.into_inner();
    // The boot loader reads by disk sectors: it must know how many come before the partition.
    // The same in the boot sector's copy, which is sector 6.
    let hidden = u32::try_from(BOOT_START).unwrap_or_default().to_le_bytes();
    for sector in [0, 6] {
        disk[sector * 512 + 0x1C..][..4].copy_from_slice(&hidden);
    }
    Ok(disk)
}

/// Writes what is not zero.
fn write_sparse(file: &fs::File, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
    let mut at = offset;
    for part in bytes.chunks(4096) {
        if part.iter().any(|byte| *byte != 0) {
            file.write_all_at(part, at)?;
        }
        at += 4096;
    }
    Ok(())
}

/// The first sector: boot code and two partitions.
fn mbr(code: &[u8], sectors: u64) -> [u8; 512] {
    let mut mbr = [0; 512];
    let code = &code[..code.len().min(440)];
    mbr[..code.len()].copy_from_slice(code);
    mbr[440..444].copy_from_slice(&DISK_ID);
    let mut entry = |n: usize, active: u8, kind: u8, start: u64, length: u64| {
        let word = |sectors: u64| u32::try_from(sectors).unwrap_or(u32::MAX).to_le_bytes();
        let at = 446 + n * 16;
        // Cylinders and heads: beyond what they can say.
        mbr[at..at + 8].copy_from_slice(&[active, 0xFE, 0xFF, 0xFF, kind, 0xFE, 0xFF, 0xFF]);
        mbr[at + 8..at + 12].copy_from_slice(&word(start));
        mbr[at + 12..at + 16].copy_from_slice(&word(length));
    };
    entry(0, 0x80, 0xEF, BOOT_START, BOOT_SECTORS);
    entry(1, 0, 0x83, ROOT_START, sectors - ROOT_START);
    mbr[510..].copy_from_slice(&[0x55, 0xAA]);
    mbr
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_partitions_fill_the_disk() {
        let sectors = ByteCount::from_gb(100).0 / SECTOR;
        let mbr = mbr(&[0x33; 440], sectors);
        let word = |at: usize| u64::from(u32::from_le_bytes(mbr[at..at + 4].try_into().unwrap()));
        assert_eq!((mbr[446], mbr[450], word(454), word(458)), (0x80, 0xEF, 2048, 131_072));
        assert_eq!((mbr[466], word(470)), (0x83, 133_120));
        assert_eq!(word(470) + word(474), sectors);
        assert_eq!(mbr[510..], [0x55, 0xAA]);
        let largest = super::super::CAPACITY_MAX.0 / SECTOR;
        assert!(u32::try_from(largest).is_ok());
    }

    #[test]
    fn the_boot_file_system_reads_back() {
        let disk = boot_files(&[7; 5000], b"initramfs").unwrap();
        assert_eq!(disk[0x1C..0x20], [0, 8, 0, 0]);
        let fs = FileSystem::new(Cursor::new(disk), FsOptions::new()).unwrap();
        assert_eq!(fs.fat_type(), FatType::Fat32);
        let mut kernel = Vec::new();
        fs.root_dir().open_file("vmlinuz").unwrap().read_to_end(&mut kernel).unwrap();
        assert_eq!(kernel, [7; 5000]);
    }
}
