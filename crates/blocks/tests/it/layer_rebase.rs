//! Freezing, capturing, and going on over the new root.

use std::sync::Arc;

use blocks::layer::sim::{SimDir, SimRng, SimRun};
use blocks::layer::{FrozenLayer, Host, Volume, VolumeSpec, drop_generation_on, inspect_on};
use blocks::{BlockDevice, BlockSource, CaptureSource, Error, Extent};

use crate::layer_rig::{Rig, Seed, content, seeds, stamp_sectors};

/// What a capture made: the frozen bytes.
struct Sealed(Vec<u8>);

impl BlockSource for Sealed {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let start = offset as usize;
        out.copy_from_slice(&self.0[start..start + out.len()]);
        Ok(())
    }

    fn extents(&self, _offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        Ok(vec![Extent { length, zero: false, hole: false }])
    }
}

/// Seals as a capture does: the base's chunks, but for the dirty ones.
fn capture(frozen: &FrozenLayer, base: &dyn BlockSource, chunk: u64) -> Vec<u8> {
    let capacity = frozen.capacity();
    let mut bytes = vec![0; capacity as usize];
    let shown = base.size().min(capacity);
    base.read_at(0, &mut bytes[..shown as usize]).unwrap();
    let dirty = frozen.dirty_chunks(chunk);
    assert!(dirty.is_sorted_by(|a, b| a < b));
    for index in dirty {
        let start = (index * chunk) as usize;
        let end = bytes.len().min(start + chunk as usize);
        frozen.read_chunk(index, chunk, &mut bytes[start..end]).unwrap();
    }
    bytes
}

/// Invariants 7 (the layer's half) and 8: what a capture reads is the volume at the freeze, for
/// every chunk size and tail; later writes are refused.
#[test]
fn a_capture_reads_the_volume_as_it_was_frozen() {
    for seed in 0..seeds(40) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.create();
        rig.run(25);
        let bytes = rig.content();
        let volume = rig.volume();
        let frozen = volume.freeze().unwrap();
        for chunk in [512, 4096, 12_288, 65_536, 1 << 20] {
            assert!(capture(&frozen, rig.base.as_ref(), chunk) == bytes, "chunks of {chunk}");
        }
        let frozen_error = |r: Result<(), Error>| matches!(r, Err(Error::Frozen { .. }));
        assert!(frozen_error(volume.write_at(0, &[1; 512], true)));
        assert!(frozen_error(volume.discard(0, 512)));
        assert!(frozen_error(volume.grow(1 << 30)));
        assert!(matches!(volume.freeze().err(), Some(Error::Frozen { .. })));
        volume.flush().unwrap();
        volume.close().unwrap();
        assert!(content(&frozen) == bytes);
        drop((volume, frozen));
        rig.volume = None;
        let reopened = Volume::open_on(&rig.host, &rig.spec, Arc::clone(&rig.base));
        assert!(matches!(reopened.err(), Some(Error::Frozen { .. })));
        let frozen = FrozenLayer::open_on(&rig.host, &rig.spec, Arc::clone(&rig.base)).unwrap();
        assert!(capture(&frozen, rig.base.as_ref(), 4096) == bytes);
    }
}

/// What the caller's record says, and from which place in the log on.
struct Record {
    from: usize,
    generation: u64,
}

/// Invariant 9: at each crash point of freeze, capture, next generation, change of record and
/// drop, opening by the record shows the same bytes; also when it is all done again.
#[test]
fn a_rebase_that_crashes_anywhere_changes_no_byte() {
    for seed in 0..seeds(20) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.grows = false;
        rig.create();
        rig.run(15);
        rig.volume().flush().unwrap();
        let bytes = rig.content();
        let from = rig.dir.logged();
        let volume = rig.volume.take().unwrap();
        let frozen = volume.freeze().unwrap();
        assert_eq!(frozen.create_next_generation([8; 32]).unwrap(), 2);
        assert_eq!(frozen.create_next_generation([8; 32]).unwrap(), 2);
        let switched = Record { from: rig.dir.logged(), generation: 2 };
        drop((volume, frozen));
        let volume = Volume::open_on(&rig.host, &next(&rig.spec), sealed(&bytes)).unwrap();
        assert!(content(&volume) == bytes);
        drop(volume);
        drop_generation_on(&rig.dir, rig.host.run.as_ref(), "r006-sim", 1).unwrap();
        drop_generation_on(&rig.dir, rig.host.run.as_ref(), "r006-sim", 1).unwrap();
        let mut rng = SimRng::new(seed ^ 0x4eba);
        for at in from..=rig.dir.logged() {
            let image = rig.dir.crash_image(at, &mut rng);
            let generation = if at < switched.from { 1 } else { switched.generation };
            recover_rebase(&rig, &image, generation, &bytes);
        }
    }
}

fn next(spec: &VolumeSpec) -> VolumeSpec {
    VolumeSpec { generation: 2, base_root: Some([8; 32]), ..spec.clone() }
}

fn sealed(bytes: &[u8]) -> Arc<dyn BlockSource> {
    Arc::new(Sealed(bytes.to_vec()))
}

/// Opens by the record, finishes the rebase, and compares all the way.
fn recover_rebase(rig: &Rig, image: &SimDir, generation: u64, bytes: &[u8]) {
    let mut host: Host = rig.host.clone();
    (host.dir, host.run) = (Arc::new(image.clone()), Arc::new(SimRun::new(4)));
    if generation == 1 {
        let base = || Arc::clone(&rig.base);
        let frozen = match Volume::open_on(&host, &rig.spec, base()) {
            Ok(volume) => {
                assert!(content(&volume) == bytes);
                volume.freeze().unwrap()
            }
            Err(Error::Frozen { .. }) => FrozenLayer::open_on(&host, &rig.spec, base()).unwrap(),
            Err(error) => panic!("{error}"),
        };
        assert!(content(&frozen) == bytes);
        frozen.create_next_generation([8; 32]).unwrap();
    }
    if generation == 2 && inspect_on(image, 1).is_ok() {
        // Half dropped is dropped: where there is a header, there is all that it vouches for.
        let frozen = FrozenLayer::open_on(&host, &rig.spec, Arc::clone(&rig.base)).unwrap();
        assert!(content(&frozen) == bytes);
    }
    let volume = Volume::open_on(&host, &next(&rig.spec), sealed(bytes)).unwrap();
    assert!(content(&volume) == bytes);
    volume.write_at(0, &stamp_sectors(5, 1), true).unwrap();
    drop(volume);
    drop_generation_on(image, host.run.as_ref(), "r006-sim", 1).unwrap();
    assert!(matches!(inspect_on(image, 1), Err(Error::Missing { .. })));
    assert!(Volume::open_on(&host, &next(&rig.spec), sealed(bytes)).is_ok());
}

/// Invariant 24: a record that was rolled back does not open what was left behind.
#[test]
fn an_older_generation_is_refused_once_a_newer_one_was_used() {
    let mut rig = Rig::new(2);
    rig.grows = false;
    rig.create();
    rig.run(10);
    let bytes = rig.content();
    let volume = rig.volume.take().unwrap();
    let frozen = volume.freeze().unwrap();
    frozen.create_next_generation([8; 32]).unwrap();
    drop(volume);
    // Not used yet: the capture may still be given up.
    let volume = frozen.thaw().unwrap();
    volume.write_at(0, &stamp_sectors(1, 1), false).unwrap();
    let frozen = volume.freeze().unwrap();
    frozen.create_next_generation([8; 32]).unwrap();
    drop((volume, frozen));
    drop(Volume::open_on(&rig.host, &next(&rig.spec), sealed(&bytes)).unwrap());
    let frozen = FrozenLayer::open_on(&rig.host, &rig.spec, Arc::clone(&rig.base)).unwrap();
    assert!(matches!(frozen.create_next_generation([8; 32]), Err(Error::Exists { .. })));
    assert!(frozen.thaw().is_err());
    let refused = Volume::open_on(&rig.host, &rig.spec, Arc::clone(&rig.base));
    assert!(refused.is_err());
}

/// A capture that is given up: the volume goes on, from this process or another, and dies as
/// safely as before.
#[test]
fn a_thawed_layer_takes_writes_and_loses_nothing() {
    for seed in 0..seeds(12) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.create();
        rig.run(15);
        let frozen = rig.volume.take().unwrap().freeze().unwrap();
        let frozen = if seed % 2 == 0 {
            frozen
        } else {
            drop(frozen);
            FrozenLayer::open_on(&rig.host, &rig.spec, Arc::clone(&rig.base)).unwrap()
        };
        rig.volume = Some(Arc::new(frozen.thaw().unwrap()));
        rig.model.lock().check_process_death(&rig.content());
        rig.run(15);
        rig.open();
        rig.model.lock().check_process_death(&rig.content());
        rig.flush().unwrap();
        let at = rig.dir.logged();
        let image = rig.dir.crash_image(at, &mut SimRng::new(seed));
        let volume = rig.open_image(&image, rig.spec.capacity).unwrap();
        rig.model.lock().check_host_crash(&content(&volume), at);
    }
}
