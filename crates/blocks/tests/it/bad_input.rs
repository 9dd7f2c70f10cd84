//! What is wrong with what the engine is handed: other keys, disks that cannot be written, things
//! of an impossible length. An error that says what and where; nothing is changed.

use std::sync::Arc;

use base::{ErrorKind, SeededEntropy};
use blocks::layer::sim::{SimDir, SimRun};
use blocks::layer::{FrozenLayer, Host, OpenedBy, Volume, VolumeKey, VolumeSpec};
use blocks::sealed::{
    ChunkStore, MANIFEST_PAYLOAD_MAX_BYTES, ManifestKey, PACK_SIZE_BYTES, PackRef,
};
use blocks::{BlockDevice, BlockSource, Error};

use crate::layer_rig::{PatternBase, Rig, Seed, content, spec};
use crate::sealed_rig::{Disk, Probe, capture};

const CAPACITY: u64 = 20 * 4096;

fn base() -> Arc<dyn BlockSource> {
    Arc::new(PatternBase(4096))
}

/// Invariant 18, for keys: another key is an error, never noise that is taken for data.
#[test]
fn a_layer_opened_with_another_key_is_refused_and_left_as_it_is() {
    let dir = SimDir::new(1);
    let host = Host::new(Arc::new(dir.clone()), Arc::new(SimRun::new(1)));
    let right = spec(CAPACITY);
    let wrong = VolumeSpec { key: VolumeKey::new([10; 32]), ..right.clone() };
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("r006-sim was written with another key"), "{error}");
    };
    let volume = Volume::create_on(&host, &right, base()).unwrap();
    volume.write_at(0, &[5; 9000], true).unwrap();
    let bytes = content(&volume);
    drop(volume);
    let before = dir.logged();
    refused(Volume::open_on(&host, &wrong, base()).err().unwrap());
    assert_eq!(dir.logged(), before, "nothing was written");
    let volume = Volume::open_on(&host, &right, base()).unwrap();
    assert!(content(&volume) == bytes);
    let frozen = volume.freeze().unwrap();
    frozen.create_next_generation([8; 32]).unwrap();
    drop((volume, frozen));
    refused(FrozenLayer::open_on(&host, &wrong, base()).err().unwrap());
    let next = VolumeSpec { generation: 2, base_root: Some([8; 32]), ..wrong };
    refused(Volume::open_on(&host, &next, Arc::new(PatternBase(CAPACITY))).err().unwrap());
}

/// A disk that is read-only, from the start or from some moment on: errors that name the file;
/// what was flushed is there when it can be written again.
#[test]
fn a_disk_that_turns_read_only_loses_nothing() {
    for seed in 0..10 {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.grows = false;
        rig.create();
        rig.run(20);
        rig.dir.make_read_only(true);
        let failed = (0..40).find_map(|_| rig.step().err());
        if let Some(error) = failed {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            assert!(
                error.to_string().contains("g1.") || matches!(error, Error::Poisoned),
                "{error}"
            );
        }
        rig.dir.make_read_only(false);
        rig.open();
        let bytes = rig.content();
        if rig.volume().opened_by() == OpenedBy::LiveMap {
            rig.model.lock().check_process_death(&bytes);
        } else {
            rig.model.lock().check_host_crash(&bytes, rig.dir.logged());
        }
    }
    let dir = SimDir::new(1);
    let host = Host::new(Arc::new(dir.clone()), Arc::new(SimRun::new(1)));
    dir.make_read_only(true);
    let error = Volume::create_on(&host, &spec(CAPACITY), base()).err().unwrap();
    assert!(error.to_string().contains("g1."), "{error}");
}

/// Invariant 27: lengths past every limit are refused by name before anything is read.
#[test]
fn objects_of_an_impossible_length_are_refused_unread() {
    let (probe, store) = Probe::created(1);
    let key = ManifestKey::from_bytes([1; 32]);
    store.put_manifest("m", &key, b"payload").unwrap();
    let long = vec![0; MANIFEST_PAYLOAD_MAX_BYTES + 65];
    probe.overwrite("manifest/m", long);
    let read = probe.get_bytes();
    let error = store.manifest("m", &key).unwrap_err();
    assert!(
        matches!(&error, Error::Corrupt { what: "manifest", name, .. } if name == "m"),
        "{error}"
    );

    let mut disk = Disk::new(50 * 4096);
    disk.scribble(&SeededEntropy::new(1), 10);
    let sealed = capture(&store, None, &disk, 1, (4096, PACK_SIZE_BYTES));
    let pack: PackRef = sealed.packs[0];
    probe.overwrite(&pack.object_key(), vec![0; PACK_SIZE_BYTES as usize + 1]);
    let other = probe.store();
    let before = probe.get_bytes();
    let error = other.check_pack(&pack).unwrap_err();
    assert!(error.to_string().contains(&pack.name.to_string()), "{error}");
    assert!(probe.get_bytes() - before < 1 << 20, "it was read all the same");
    assert!(read <= before);

    probe.overwrite("store", vec![0; 65]);
    let error = ChunkStore::open_over(Arc::new(probe), None).unwrap_err();
    assert!(error.to_string().contains("store"), "{error}");
}
