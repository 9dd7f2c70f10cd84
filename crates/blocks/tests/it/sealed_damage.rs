//! Damaged stores: an error that names what is damaged, never wrong bytes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use base::SeededEntropy;
use blocks::{
    BlockSource, Error,
    sealed::{ChunkStore, PackKind, PackRef, Sealed},
};

use crate::sealed_rig::{Disk, capture, try_open};

const CHUNK: u64 = 4096;

struct Rig {
    _dir: tempfile::TempDir,
    path: PathBuf,
    disk: Disk,
    sealed: Sealed,
}

fn rig() -> Rig {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = ChunkStore::create(&path, &SeededEntropy::new(1)).unwrap();
    let mut disk = Disk::new(300 * CHUNK);
    for block in [0, 1, 2, 255, 256, 299] {
        disk.write(block, format!("block {block} ").into_bytes().repeat(30));
    }
    let sealed = capture(&store, None, &disk, 1, (CHUNK, 32 << 20));
    Rig { _dir: dir, path, disk, sealed }
}

/// Reads the whole image with a process that knows nothing yet.
fn read_all(rig: &Rig) -> Result<Vec<u8>, Error> {
    let store = Arc::new(ChunkStore::open(&rig.path)?);
    let image = try_open(&store, rig.sealed.root_id, &rig.sealed.root_key)?;
    let mut out = vec![0; image.size() as usize];
    image.read_at(0, &mut out)?;
    Ok(out)
}

fn names_something(error: &Error) -> bool {
    let text = error.to_string();
    text.split(|c: char| !c.is_ascii_hexdigit()).any(|word| word.len() == 64)
}

/// Right bytes, or an error that names a record or pack; and the keyless check always sees it.
///
/// Tells whether the image could be read.
fn assert_never_wrong(rig: &Rig, good: &[u8], pack: &PackRef, what: &str) -> bool {
    let read = read_all(rig);
    let could = read.is_ok();
    match read {
        Ok(bytes) => assert!(bytes == good, "{what}: wrong bytes"),
        Err(e) => assert!(names_something(&e), "{what}: {e}"),
    }
    let store = ChunkStore::open(&rig.path).unwrap();
    let found = store.check_pack(pack).expect_err(what);
    assert!(names_something(&found), "{what}: {found}");
    could
}

fn file_of(path: &Path, pack: &PackRef) -> PathBuf {
    path.join(pack.object_key())
}

/// Invariant 18, for flipped bytes: every byte of the node pack, and of the data pack's heads,
/// footer and trailer, and some of its bodies.
#[test]
fn a_flipped_byte_is_never_read_as_data() {
    let rig = rig();
    let good = read_all(&rig).unwrap();
    for pack in &rig.sealed.packs {
        let file = file_of(&rig.path, pack);
        let bytes = std::fs::read(&file).unwrap();
        let whole = pack.kind == PackKind::Node;
        let mut failed_reads = 0;
        for at in 0..bytes.len() {
            let in_body = at > 200 && at < bytes.len() - 500;
            if in_body && !at.is_multiple_of(if whole { 7 } else { 331 }) {
                continue;
            }
            let mut bad = bytes.clone();
            bad[at] ^= 0x20;
            std::fs::write(&file, &bad).unwrap();
            let what = format!("byte {at} of the {:?} pack", pack.kind);
            failed_reads += u64::from(!assert_never_wrong(&rig, &good, pack, &what));
        }
        assert!(failed_reads > 50);
        std::fs::write(&file, &bytes).unwrap();
    }
    assert!(read_all(&rig).unwrap() == good);
    let mut want = vec![0; good.len()];
    rig.disk.read(0, &mut want);
    assert!(good == want);
}

/// Invariant 18, for truncated and missing packs.
#[test]
fn a_truncated_or_missing_pack_is_never_read_as_zeros() {
    let rig = rig();
    let good = read_all(&rig).unwrap();
    for pack in &rig.sealed.packs {
        let file = file_of(&rig.path, pack);
        let bytes = std::fs::read(&file).unwrap();
        for length in (0..bytes.len()).step_by(bytes.len() / 40) {
            std::fs::write(&file, &bytes[..length]).unwrap();
            let what = format!("{:?} pack cut at {length}", pack.kind);
            assert_never_wrong(&rig, &good, pack, &what);
        }
        std::fs::remove_file(&file).unwrap();
        let error = read_all(&rig).unwrap_err();
        assert!(matches!(error, Error::Missing { .. }) && names_something(&error), "{error}");
        std::fs::write(&file, &bytes).unwrap();
    }
}

/// Invariant 18, for swapped and duplicated records and packs.
#[test]
fn swapped_or_duplicated_records_are_never_read_as_each_other() {
    let rig = rig();
    let good = read_all(&rig).unwrap();
    let pack = rig.sealed.packs.iter().find(|p| p.kind == PackKind::Data).unwrap();
    let file = file_of(&rig.path, pack);
    let bytes = std::fs::read(&file).unwrap();
    let (head, record) = (64, 64 + 4096);
    for body_only in [false, true] {
        for (a, b) in [(0, 1), (1, 4), (2, 5)] {
            for duplicate in [false, true] {
                let skip = if body_only { head } else { 0 };
                let range = |n: usize| 32 + n * record + skip..32 + (n + 1) * record;
                let mut bad = bytes.clone();
                bad[range(a)].copy_from_slice(&bytes[range(b)]);
                if !duplicate {
                    bad[range(b)].copy_from_slice(&bytes[range(a)]);
                }
                std::fs::write(&file, &bad).unwrap();
                let what = format!("{a} and {b}, body only {body_only}, duplicate {duplicate}");
                assert!(!assert_never_wrong(&rig, &good, pack, &what), "{what}");
            }
        }
    }
    std::fs::write(&file, &bytes).unwrap();
    let other = rig.sealed.packs.iter().find(|p| p.kind == PackKind::Node).unwrap();
    let other_file = file_of(&rig.path, other);
    let other_bytes = std::fs::read(&other_file).unwrap();
    std::fs::write(&file, &other_bytes).unwrap();
    std::fs::write(&other_file, &bytes).unwrap();
    assert_never_wrong(&rig, &good, pack, "packs swapped");
    assert_never_wrong(&rig, &good, other, "packs swapped");
}

/// A footer's damage costs nothing but a scan: the records are still there.
#[test]
fn records_of_a_pack_with_a_damaged_footer_are_found_by_their_magic() {
    let rig = rig();
    let good = read_all(&rig).unwrap();
    for pack in &rig.sealed.packs {
        let file = file_of(&rig.path, pack);
        let mut bytes = std::fs::read(&file).unwrap();
        let at = bytes.len() - 100;
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
    }
    assert!(read_all(&rig).unwrap() == good);
}

/// Invariant 26: a pack of a version that is not known is refused by name.
#[test]
fn a_pack_of_an_unknown_version_is_refused() {
    let rig = rig();
    for pack in &rig.sealed.packs {
        let file = file_of(&rig.path, pack);
        let bytes = std::fs::read(&file).unwrap();
        for at in [8, bytes.len() - 64 + 8] {
            let mut newer = bytes.clone();
            newer[at] = 2;
            std::fs::write(&file, &newer).unwrap();
            let error = read_all(&rig).unwrap_err();
            assert!(matches!(error, Error::UnknownFormat { found: 2, known: 1, .. }), "{error}");
        }
        std::fs::write(&file, &bytes).unwrap();
    }
}

/// A store cannot be passed off as another: its nodes carry the store's id.
#[test]
fn packs_of_another_store_are_refused() {
    let (rig, other) = (rig(), tempfile::tempdir().unwrap());
    let path = other.path().join("store");
    ChunkStore::create(&path, &SeededEntropy::new(99)).unwrap();
    for pack in &rig.sealed.packs {
        let to = file_of(&path, pack);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(file_of(&rig.path, pack), to).unwrap();
    }
    let store = Arc::new(ChunkStore::open(&path).unwrap());
    let opened = try_open(&store, rig.sealed.root_id, &rig.sealed.root_key);
    assert!(matches!(opened, Err(Error::Corrupt { .. })));
}
