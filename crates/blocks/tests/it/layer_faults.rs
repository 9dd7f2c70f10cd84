//! A host that breaks: full disks, failed writes, failed syncs.

use std::sync::Arc;

use blocks::layer::sim::{Fault, SimRng, SimRun};
use blocks::layer::{OpenedBy, Volume};
use blocks::{BlockDevice, Error};

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
