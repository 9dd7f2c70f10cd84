//! A layer on the real host: files, locks, modes, sizes, threads.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use blocks::layer::sim::SimRng;
use blocks::layer::{
    CAPACITY_MAX, NoBase, OpenedBy, Volume, VolumeKey, VolumeSpec, inspect, provision,
};
use blocks::{BlockDevice, BlockSource, Error, Extent};

use crate::layer_rig::PatternBase;

/// A volume's folder on disk and its run folder on tmpfs.
pub(crate) struct Place {
    pub(crate) disk: tempfile::TempDir,
    pub(crate) run: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let run = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self { disk: tempfile::tempdir().unwrap(), run }
    }

    pub(crate) fn spec(&self, capacity: u64) -> VolumeSpec {
        VolumeSpec {
            dir: self.disk.path().join("volume"),
            run_dir: self.run.path().join("run"),
            volume: "r006-host".into(),
            capacity,
            generation: 1,
            base_root: None,
            key: VolumeKey::new([5; 32]),
            epoch: 1,
        }
    }
}

fn no_base() -> Arc<dyn BlockSource> {
    Arc::new(NoBase)
}

#[test]
fn a_layer_comes_back_after_a_close_and_after_the_death_of_its_process() {
    let place = Place::new();
    let spec = place.spec(10_000_000_001);
    let volume = Volume::create(spec.clone(), no_base()).unwrap();
    assert_eq!((volume.size(), volume.opened_by()), (10_000_000_001, OpenedBy::Clean));
    volume.write_at(9_999_999_990, b"hello, tail", true).unwrap();
    volume.write_at(4090, b"across a border", false).unwrap();
    volume.close().unwrap();
    volume.close().unwrap();
    assert!(matches!(volume.flush(), Err(Error::Closed { .. })));
    assert!(matches!(volume.write_at(0, b"x", false), Err(Error::Closed { .. })));
    drop(volume);
    let info = inspect(&spec.dir, 1).unwrap();
    assert!(info.clean && info.opened && !info.frozen);
    let volume = Volume::open(spec.clone(), no_base()).unwrap();
    assert_eq!(volume.opened_by(), OpenedBy::Clean);
    volume.write_at(77, b"unflushed", false).unwrap();
    drop(volume);
    let volume = Volume::open(spec, no_base()).unwrap();
    assert_eq!(volume.opened_by(), OpenedBy::LiveMap);
    let mut out = [0; 15];
    volume.read_at(4090, &mut out).unwrap();
    assert_eq!(&out, b"across a border");
    let mut out = [0; 11];
    volume.read_at(9_999_999_990, &mut out).unwrap();
    assert_eq!(&out, b"hello, tail");
    let mut out = [9; 11];
    volume.read_at(76, &mut out).unwrap();
    assert_eq!(&out, b"\0unflushed\0");
    assert_eq!(volume.stats().unwrap().dirty_bytes, 3 * 4096);
}

/// Files are their owner's alone, and nothing of the plain bytes is in them.
#[test]
fn files_are_private_and_encrypted() {
    let place = Place::new();
    let spec = place.spec(1 << 20);
    let volume = Volume::create(spec.clone(), no_base()).unwrap();
    let canary = b"canary-canary-canary".repeat(1000);
    volume.write_at(0, &canary, true).unwrap();
    assert_eq!(std::fs::metadata(&spec.dir).unwrap().permissions().mode() & 0o777, 0o700);
    for folder in [&spec.dir, &spec.run_dir] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(12).any(|w| w == b"canary-canar"), "{}", path.display());
        }
    }
}

/// Invariant 24: one layer is never open twice on a host, and an old epoch never opens it.
#[test]
fn a_second_open_and_a_stale_epoch_are_refused() {
    let place = Place::new();
    let spec = VolumeSpec { epoch: 7, ..place.spec(1 << 20) };
    let volume = Volume::create(spec.clone(), no_base()).unwrap();
    assert!(matches!(Volume::open(spec.clone(), no_base()), Err(Error::Locked { .. })));
    let dropped = blocks::layer::drop_generation(&spec.dir, &spec.run_dir, "r006-host", 1);
    assert!(matches!(dropped, Err(Error::Locked { .. })));
    drop(volume);
    let stale = VolumeSpec { epoch: 6, ..spec.clone() };
    let refused = Volume::open(stale, no_base()).err().unwrap();
    assert!(matches!(refused, Error::StaleEpoch { ours: 6, theirs: 7 }));
    drop(Volume::open(VolumeSpec { epoch: 8, ..spec.clone() }, no_base()).unwrap());
    assert!(matches!(Volume::open(spec, no_base()), Err(Error::StaleEpoch { .. })));
}

#[test]
fn a_record_that_does_not_fit_the_header_is_refused() {
    let place = Place::new();
    let spec = VolumeSpec { base_root: Some([1; 32]), ..place.spec(1 << 20) };
    let base = || -> Arc<dyn BlockSource> { Arc::new(PatternBase(8192)) };
    drop(Volume::create(spec.clone(), base()).unwrap());
    let refused = |spec: VolumeSpec| Volume::open(spec, base()).err().unwrap();
    let invalid = |e: Error| matches!(e, Error::Invalid { .. });
    assert!(invalid(refused(VolumeSpec { base_root: Some([2; 32]), ..spec.clone() })));
    assert!(invalid(refused(VolumeSpec { base_root: None, ..spec.clone() })));
    assert!(invalid(refused(VolumeSpec { volume: "other".into(), ..spec.clone() })));
    assert!(invalid(refused(VolumeSpec { capacity: 4096, ..spec.clone() })));
    assert!(invalid(Volume::open(spec.clone(), no_base()).err().unwrap()));
    let missing = refused(VolumeSpec { generation: 2, ..spec.clone() });
    assert!(matches!(missing, Error::Missing { .. }));
    assert!(matches!(Volume::create(spec, base()), Err(Error::Exists { .. })));
}

#[test]
fn provisioning_again_before_the_first_open_is_harmless() {
    let place = Place::new();
    let spec = place.spec(1 << 20);
    provision(&spec, 0).unwrap();
    provision(&VolumeSpec { capacity: 2 << 20, ..spec.clone() }, 0).unwrap();
    let volume = Volume::open(VolumeSpec { capacity: 2 << 20, ..spec.clone() }, no_base()).unwrap();
    assert_eq!(volume.size(), 2 << 20);
    assert!(matches!(provision(&spec, 0), Err(Error::Exists { .. })));
}

/// Figures: an untouched 16 TB volume takes less than 1 MiB of memory and disk.
#[test]
fn an_untouched_16_tb_volume_takes_almost_nothing() {
    let place = Place::new();
    let volume = Volume::create(place.spec(16_000_000_000_000), no_base()).unwrap();
    let mut out = vec![1; 1 << 20];
    for tb in 0..16 {
        volume.read_at(tb * 999_000_000_000, &mut out).unwrap();
        assert!(out.iter().all(|b| *b == 0));
    }
    volume.discard(5, 15_000_000_000_000).unwrap();
    assert_eq!(volume.extents(0, volume.size()).unwrap().len(), 1);
    volume.flush().unwrap();
    let stats = volume.stats().unwrap();
    assert!(stats.map_bytes < 1 << 20, "{stats:?}");
    assert_eq!((stats.dirty_bytes, stats.allocated_bytes), (0, 0));
    let live = std::fs::read_dir(place.run.path().join("run")).unwrap().next().unwrap().unwrap();
    let blocks = std::os::unix::fs::MetadataExt::blocks(&live.metadata().unwrap());
    assert!(blocks * 512 < 1 << 20, "the live map takes {blocks} blocks");
}

/// A file system with a limit on a file (ext4: 16 TiB) refuses a larger volume by name.
#[test]
fn a_volume_larger_than_a_file_may_be_is_refused_by_name() {
    let place = Place::new();
    let spec = place.spec(CAPACITY_MAX);
    match provision(&spec, 0) {
        Ok(()) => eprintln!("SKIPPED: this file system has files of {CAPACITY_MAX} bytes"),
        Err(error) => {
            let text = error.to_string();
            assert!(matches!(error, Error::TooLarge { size: CAPACITY_MAX, .. }), "{text}");
            assert!(text.contains(&*spec.dir.to_string_lossy()), "{text}");
            assert_eq!(std::fs::read_dir(&spec.dir).unwrap().count(), 0);
        }
    }
}

#[test]
fn ranges_outside_the_device_are_refused_and_change_nothing() {
    let place = Place::new();
    let volume = Volume::create(place.spec(10_000), no_base()).unwrap();
    let outside = |r: Result<(), Error>| matches!(r, Err(Error::OutOfRange { .. }));
    assert!(outside(volume.write_at(9_999, &[1, 2], false)));
    assert!(outside(volume.write_zeroes(u64::MAX, 2, false, false)));
    assert!(outside(volume.read_at(10_000, &mut [0])));
    assert!(volume.extents(1, 10_000).is_err());
    volume.read_at(10_000, &mut []).unwrap();
    volume.write_at(10_000, &[], false).unwrap();
    assert_eq!(volume.stats().unwrap().dirty_bytes, 0);
}

#[test]
fn extents_tell_data_zeros_and_base_apart() {
    let place = Place::new();
    let base = Arc::new(PatternBase(40_960));
    let spec = VolumeSpec { base_root: Some([1; 32]), ..place.spec(1 << 20) };
    let volume = Volume::create(spec, base).unwrap();
    volume.discard(8192, 4096).unwrap();
    volume.write_at(500_000, &[1], false).unwrap();
    let data = |length| Extent { length, zero: false, hole: false };
    let hole = |length| Extent { length, zero: true, hole: true };
    let found = volume.extents(4096, (1 << 20) - 4096).unwrap();
    let block = 500_000 / 4096 * 4096;
    let expected = [
        data(4096),
        hole(4096),
        data(40_960 - 12_288),
        hole(block - 40_960),
        data(4096),
        hole((1 << 20) - block - 4096),
    ];
    assert_eq!(found, expected);
}

/// Discarded space goes back to the host; kept space does not.
#[test]
fn a_discard_gives_space_back_after_a_flush() {
    let place = Place::new();
    let volume = Volume::create(place.spec(8 << 20), no_base()).unwrap();
    volume.write_at(0, &vec![7; 4 << 20], true).unwrap();
    let full = volume.stats().unwrap().allocated_bytes;
    assert!(full >= 4 << 20);
    volume.write_zeroes(0, 1 << 20, true, true).unwrap();
    assert_eq!(volume.stats().unwrap().allocated_bytes, full);
    volume.discard(0, 3 << 20).unwrap();
    assert_eq!(volume.stats().unwrap().allocated_bytes, full);
    volume.flush().unwrap();
    assert!(volume.stats().unwrap().allocated_bytes <= full - (3 << 20));
}

/// Random ranges of any alignment against one array of bytes.
#[test]
fn any_alignment_reads_and_writes_like_an_array() {
    let place = Place::new();
    let capacity = 300_001;
    let base = Arc::new(PatternBase(200_192));
    let spec = VolumeSpec { base_root: Some([1; 32]), ..place.spec(capacity) };
    let volume = Volume::create(spec, Arc::clone(&base) as Arc<dyn BlockSource>).unwrap();
    let mut array = vec![0; capacity as usize];
    base.read_at(0, &mut array[..200_192]).unwrap();
    let mut rng = SimRng::new(4);
    for round in 0..600_u64 {
        let longest = if rng.one_in(4) { 150_000 } else { 9_000 };
        let at = rng.below(capacity);
        let length = rng.below(longest).min(capacity - at) as usize;
        let range = at as usize..at as usize + length;
        match rng.below(4) {
            0 => {
                let mut out = vec![0xee; length];
                volume.read_at(at, &mut out).unwrap();
                assert!(out == array[range], "round {round}");
            }
            1 => {
                volume.write_zeroes(at, length as u64, rng.one_in(3), rng.one_in(9)).unwrap();
                array[range].fill(0);
            }
            _ => {
                let data: Vec<u8> = (0..length).map(|_| rng.next() as u8).collect();
                volume.write_at(at, &data, rng.one_in(20)).unwrap();
                array[range].copy_from_slice(&data);
            }
        }
    }
    let mut out = vec![0; capacity as usize];
    volume.read_at(0, &mut out).unwrap();
    assert!(out == array);
}

/// Invariant 4: threads that write inside the same blocks lose nothing of each other, while
/// others flush, discard and read next to them; a reader never sees half a block.
#[test]
fn concurrent_writes_inside_one_block_all_survive() {
    const ROUNDS: u64 = 150;
    let place = Place::new();
    let spec = place.spec(1 << 20);
    let volume = Arc::new(Volume::create(spec.clone(), no_base()).unwrap());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4_u64)
            .map(|t| {
                let volume = &volume;
                scope.spawn(move || {
                    for round in 1..=ROUNDS {
                        for block in 0..4 {
                            let at = block * 4096 + t * 1000 + 3;
                            volume.write_at(at, &[round as u8; 1000], round % 40 == 0).unwrap();
                        }
                    }
                })
            })
            .collect();
        let (volume, done) = (&volume, &done);
        scope.spawn(move || {
            let mut round = 0_u8;
            while !done.load(Ordering::Relaxed) {
                round = round.wrapping_add(1) | 1;
                volume.write_at(40_960, &[round; 8192], false).unwrap();
                volume.flush().unwrap();
                volume.discard(40_960, 8192).unwrap();
                volume.flush().unwrap();
            }
        });
        scope.spawn(move || {
            let mut out = [0; 8192];
            while !done.load(Ordering::Relaxed) {
                volume.read_at(40_960, &mut out).unwrap();
                for block in out.chunks(4096) {
                    assert!(block.iter().all(|b| *b == block[0]), "half a block was seen");
                }
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    drop(volume);
    let volume = Volume::open(spec, no_base()).unwrap();
    let mut out = [0; 4 * 4096];
    volume.read_at(0, &mut out).unwrap();
    for (block, bytes) in out.chunks(4096).enumerate() {
        assert!(bytes[3..4003].iter().all(|b| *b == ROUNDS as u8), "block {block}");
        assert_eq!(bytes[..3], [0; 3]);
    }
}

/// Invariant 3 on growth: the tail is zeros, also where the base would be longer.
#[test]
fn a_grown_tail_reads_zero_and_shrinking_is_refused() {
    let place = Place::new();
    let base = || -> Arc<dyn BlockSource> { Arc::new(PatternBase(65_536)) };
    let spec = VolumeSpec { base_root: Some([1; 32]), ..place.spec(10_240) };
    let volume = Volume::create(spec.clone(), base()).unwrap();
    volume.grow(65_536).unwrap();
    assert!(matches!(volume.grow(65_535), Err(Error::Invalid { .. })));
    let mut out = vec![1; 65_536];
    volume.read_at(0, &mut out).unwrap();
    assert!(out[..10_240].iter().any(|b| *b != 0));
    assert!(out[10_240..].iter().all(|b| *b == 0));
    volume.write_at(12_000, &[3], true).unwrap();
    drop(volume);
    let volume = Volume::open(VolumeSpec { capacity: 131_072, ..spec }, base()).unwrap();
    assert_eq!(volume.size(), 131_072);
    let mut again = vec![1; 131_072];
    volume.read_at(0, &mut again).unwrap();
    out[12_000] = 3;
    assert!(again[..65_536] == out && again[65_536..].iter().all(|b| *b == 0));
}
