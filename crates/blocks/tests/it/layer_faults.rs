//! A host that breaks: full disks, failed writes, failed syncs.

use std::sync::Arc;

use base::ErrorKind;
use blocks::layer::sim::{Fault, SimDir, SimRng, SimRun};
use blocks::layer::{NoBase, OpenedBy, Reserve, Volume, inspect_on};
use blocks::{BlockDevice, BlockSource, Error};

use crate::layer_rig::{Rig, Seed, content, seeds};

const STEPS: u64 = 60;

/// Invariant 5: after a failed sync nothing is acknowledged in that open, whatever is asked; the
/// next open has the last flushed state or a later one, and is sound.
#[test]
fn a_failed_sync_is_never_followed_by_an_acknowledgement() {
    for seed in 0..seeds(60) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.grows = false;
        rig.create();
        let mut rng = SimRng::new(seed ^ 0x5f5f);
        rig.dir.break_at(rig.dir.operations() + 1 + rng.below(60), Fault::SyncLost);
        let Some(error) = (0..STEPS).find_map(|_| rig.step().err()) else { continue };
        if !matches!(error, Error::Io { doing: "sync", .. }) {
            // The fault met a write or a resize: that is another test's matter.
            continue;
        }
        // Gone when it was the open after a close that failed.
        let Some(volume) = rig.volume.clone() else { continue };
        for _ in 0..3 {
            assert!(volume.flush().is_err());
            assert!(volume.write_at(0, &[1], false).is_err());
            assert!(volume.write_at(0, &[1], true).is_err());
            assert!(volume.write_zeroes(0, 1, false, false).is_err());
            assert!(volume.close().is_err() || volume.flush().is_err());
        }
        drop(volume);
        rig.dir.heal();
        rig.open();
        assert_ne!(rig.volume().opened_by(), OpenedBy::LiveMap);
        let bytes = rig.content();
        rig.model.lock().check_host_crash(&bytes, rig.dir.logged());
        continue_soundly(&mut rig, &mut rng, &bytes);
    }
}

/// From a known content on, the layer keeps every promise.
fn continue_soundly(rig: &mut Rig, rng: &mut SimRng, bytes: &[u8]) {
    rig.volume().flush().unwrap();
    let from = rig.dir.logged();
    rig.model.lock().restart(bytes, from);
    rig.run(10);
    for _ in 0..5 {
        let at = from + rng.below((rig.dir.logged() - from) as u64 + 1) as usize;
        let image = rig.dir.crash_image(at, rng);
        let volume = rig.open_image(&image, rig.spec.capacity).unwrap();
        rig.model.lock().check_host_crash(&content(&volume), at);
    }
}

/// Invariant 6: a disk that is full, at whatever write, loses nothing that was acknowledged,
/// neither now, nor when the process dies, nor when the host does.
#[test]
fn a_full_disk_loses_nothing_acknowledged() {
    let mut refused = 0;
    for seed in 0..seeds(60) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.grows = false;
        rig.create();
        let mut rng = SimRng::new(seed ^ 0xf011);
        for round in 0..3 {
            rig.dir.leave_space(rng.below(12) as usize);
            for _ in 0..STEPS / 3 {
                let Err(error) = rig.step() else { continue };
                assert!(matches!(error, Error::NoSpace { .. }), "{error}");
                refused += 1;
                let closed = rig.volume.is_none()
                    || matches!(rig.volume().flush(), Err(Error::Closed { .. }));
                if closed || round == 1 {
                    // A close that could not finish, or a process that dies on a full disk.
                    rig.open();
                }
                rig.model.lock().check_process_death(&rig.content());
            }
            rig.dir.heal();
            rig.flush().unwrap();
            let at = rig.dir.logged();
            let image = rig.dir.crash_image(at, &mut rng);
            let volume = rig.open_image(&image, rig.spec.capacity).unwrap();
            rig.model.lock().check_host_crash(&content(&volume), at);
        }
    }
    assert!(refused > 20, "the disk was full only {refused} times");
}

/// Writes that the host cuts short or fails once are continued or told, never half forgotten.
#[test]
fn failed_and_short_writes_leave_what_was_acknowledged() {
    for seed in 0..seeds(60) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.grows = false;
        rig.create();
        let mut rng = SimRng::new(seed ^ 0x5407);
        for _ in 0..6 {
            let fault = if rng.one_in(2) { Fault::Eio } else { Fault::NoSpace };
            rig.dir.break_at(rig.dir.operations() + 1 + rng.below(20), fault);
            let failed = (0..10).any(|_| rig.step().is_err());
            rig.dir.heal();
            if rig.volume.is_none() || failed && rig.volume().flush().is_err() {
                // It met an open, a sync or a header: not open, poisoned or closed.
                rig.open();
                let bytes = rig.content();
                if rig.volume().opened_by() == OpenedBy::LiveMap {
                    rig.model.lock().check_process_death(&bytes);
                } else {
                    rig.model.lock().check_host_crash(&bytes, rig.dir.logged());
                }
                rig.volume().flush().unwrap();
                rig.model.lock().restart(&bytes, rig.dir.logged());
            }
            rig.model.lock().check_process_death(&rig.content());
        }
    }
}

/// A full disk while the layer is opened after a process's death does not keep it closed.
#[test]
fn a_full_disk_does_not_keep_a_layer_from_opening() {
    let mut rig = Rig::new(17);
    rig.grows = false;
    rig.create();
    rig.run(30);
    rig.dir.leave_space(0);
    for _ in 0..2 {
        rig.open();
        rig.model.lock().check_process_death(&rig.content());
    }
    let mut host = rig.host.clone();
    host.run = Arc::new(SimRun::new(9));
    rig.volume = None;
    let volume = Volume::open_on(&host, &rig.spec, Arc::clone(&rig.base)).unwrap();
    rig.model.lock().check_host_crash(&content(&volume), rig.dir.logged());
}

/// Invariant 6: with a reserve the disk is never full for what was acknowledged. Once new blocks
/// are refused, flushes, overwrites, discards and a clean close go on, and with room so does the
/// guest.
#[test]
fn a_reserve_is_kept_for_what_was_acknowledged() {
    let mut refused = 0;
    for seed in 0..seeds(40) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.grows = false;
        rig.host.reserve = Reserve { bytes: 256 << 10, part: 1 };
        rig.create();
        let mut rng = SimRng::new(seed ^ 0x4e5e);
        rig.dir.leave_space((256 >> 2) + rng.below(30) as usize);
        for _ in 0..STEPS {
            let Err(error) = rig.step() else { continue };
            // Only a write is ever refused, and only by the reserve.
            assert!(matches!(error, Error::NoSpace { doing: "keeping a reserve" }), "{error}");
            refused += 1;
            rig.flush().unwrap();
            let volume = rig.volume();
            volume.maintain(100).unwrap();
            rig.model.lock().check_process_death(&rig.content());
        }
        rig.volume().close().unwrap();
        rig.open();
        assert_eq!(rig.volume().opened_by(), OpenedBy::Clean);
        rig.model.lock().check_process_death(&rig.content());
        rig.dir.heal();
        rig.write(true).unwrap();
    }
    assert!(refused > 20, "refused {refused} times");
}

/// A block that is present is overwritten whatever the room; a new one waits for more than a
/// moment's room, and then goes on.
#[test]
fn a_full_disk_still_takes_overwrites_and_new_blocks_wait_for_room() {
    let mut rig = Rig::new(1);
    let dir = rig.dir.clone();
    rig.host.reserve = Reserve { bytes: 64 << 12, part: 1 };
    rig.spec.capacity = 64 << 12;
    let volume = Volume::create_on(&rig.host, &rig.spec, Arc::new(NoBase)).unwrap();
    dir.leave_space(64 + 20);
    volume.write_at(0, &[1; 4096], true).unwrap();
    let full = |result| matches!(result, Err(Error::NoSpace { doing: "keeping a reserve" }));
    // What was granted before is used up first.
    let mut block = 1;
    while volume.write_at(block << 12, &[2; 4096], false).is_ok() {
        block += 1;
        assert!(block < 64, "nothing is refused");
    }
    volume.write_at(0, &[3; 4096], true).unwrap();
    volume.write_zeroes(0, 4096, false, true).unwrap();
    volume.write_zeroes(4096, 512, false, true).unwrap();
    assert!(full(volume.write_at(block << 12, &[2; 4096], false)));
    assert!(full(volume.write_zeroes(block << 12, 4096, true, false)));
    dir.leave_space(64 + 8);
    assert!(full(volume.write_at(block << 12, &[2; 4096], false)), "a moment's room");
    dir.leave_space(64 + 30);
    volume.write_at(block << 12, &[2; 4096], true).unwrap();
    volume.close().unwrap();
}

/// A size that the file system cannot hold is refused by file and size, and leaves nothing that
/// hinders another try; a growth likewise leaves the volume as it was.
#[test]
fn a_size_that_the_file_system_cannot_hold_is_refused_by_name() {
    let rig = Rig::new(1);
    let size = rig.spec.capacity.next_multiple_of(4096);
    rig.dir.break_at(2, Fault::TooLarge);
    let error = Volume::create_on(&rig.host, &rig.spec, Arc::clone(&rig.base)).err().unwrap();
    let named = matches!(&error, Error::TooLarge { name, size: told }
        if name == "sim/g1.data" && *told == size);
    assert!(named, "{error}");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(generations_on(&rig.dir), Vec::<u64>::new());
    let volume = Volume::create_on(&rig.host, &rig.spec, Arc::clone(&rig.base)).unwrap();
    rig.dir.break_at(rig.dir.operations() + 1, Fault::TooLarge);
    let error = volume.grow(rig.spec.capacity + 8192).unwrap_err();
    assert!(matches!(&error, Error::TooLarge { name, .. } if name == "sim/g1.data"), "{error}");
    assert_eq!(volume.size(), rig.spec.capacity);
    volume.write_at(0, &[1], true).unwrap();
    volume.grow(rig.spec.capacity + 8192).unwrap();
}

fn generations_on(dir: &SimDir) -> Vec<u64> {
    (1..4).filter(|g| inspect_on(dir, *g).is_ok()).collect()
}
