//! Deaths and faults of a write layer's host, at random places of a random workload.
//!
//! Each function is one attack: a seed in, counted crash points out, a panic at a loss. What may
//! be read afterwards is the model's affair.

use std::sync::Arc;

use blocks::layer::sim::{Fault, SimDir, SimRng, SimRun};
use blocks::layer::{FrozenLayer, OpenedBy, Volume, VolumeSpec, drop_generation_on, inspect_on};
use blocks::{BlockDevice, BlockSource, Error, Extent};

use crate::layer::{Rig, content, stamp_sectors};
use crate::run::Tally;

const STEPS: u64 = 40;
/// Crash images of one workload.
const IMAGES: u64 = 12;
/// Deaths of the process in one workload.
const DEATHS: u64 = 4;
/// Faults of one workload.
const FAULTS: u64 = 4;
/// Root that a rebase goes to.
const NEXT_ROOT: [u8; 32] = [8; 32];

/// Invariants 1, 2 and 3: any legal disk after a crash, and after a second one in the recovery.
pub fn host_crashes(seed: u64, tally: &mut Tally) {
    let mut rig = Rig::new(seed);
    rig.create();
    let made = rig.dir.logged();
    rig.run(STEPS);
    let mut rng = SimRng::new(seed ^ 0xc4a5);
    for _ in 0..IMAGES {
        let at = made + rng.below((rig.dir.logged() - made) as u64 + 1) as usize;
        let image = rig.dir.crash_image(at, &mut rng);
        let size = rig.model.lock().size_at(at);
        image.shorten_reads(rng.one_in(2));
        let first = {
            let volume = rig.open_image(&image, size).unwrap();
            content(&volume)
        };
        rig.model.lock().check_host_crash(&first, at);
        tally.count("host crash");
        let again = image.crash_image(rng.below(image.logged() as u64 + 1) as usize, &mut rng);
        let volume = rig.open_image(&again, size).unwrap();
        assert!(content(&volume) == first, "a second crash after {at} changed bytes");
        tally.count("host crash in the recovery");
        volume.close().unwrap();
        drop(volume);
        let volume = rig.open_image(&again, size).unwrap();
        assert_eq!(volume.opened_by(), OpenedBy::Clean);
        assert!(content(&volume) == first, "a clean reopen after {at} changed bytes");
    }
}

/// Invariant 25, the engine's half: the process dies at any operation, then the host.
pub fn process_deaths(seed: u64, tally: &mut Tally) {
    let mut whole = Rig::new(seed);
    whole.create();
    let made = whole.dir.operations();
    whole.run(STEPS);
    let total = whole.dir.operations();
    drop(whole);
    let mut rng = SimRng::new(seed ^ 0xdead);
    for _ in 0..DEATHS {
        let mut rig = Rig::new(seed);
        rig.dir.break_at(made + 1 + rng.below((total - made).max(1)), Fault::Kill);
        if !rig.run_until_killed(STEPS) {
            continue;
        }
        rig.open();
        let bytes = rig.content();
        rig.model.lock().check_process_death(&bytes);
        tally.count("process death");
        rig.flush().unwrap();
        let at = rig.dir.logged();
        let image = rig.dir.crash_image(at, &mut rng);
        let volume = rig.open_image(&image, rig.spec.capacity).unwrap();
        rig.model.lock().check_host_crash(&content(&volume), at);
        tally.count("host crash after a death");
    }
}

/// Invariant 5: a sync fails, and what it covered is durable or lost, sector by sector.
pub fn failed_syncs(seed: u64, tally: &mut Tally) {
    let mut rng = SimRng::new(seed ^ 0x5f5f);
    for _ in 0..FAULTS {
        let mut rig = Rig::new(seed);
        rig.grows = false;
        rig.create();
        rig.dir.break_at(rig.dir.operations() + 1 + rng.below(60), Fault::SyncLost);
        let Some(error) = (0..STEPS).find_map(|_| rig.step().err()) else { continue };
        if !matches!(error, Error::Io { doing: "sync", .. }) {
            // The fault met a write or a resize: another attack's matter.
            continue;
        }
        // Gone when it was the open after a close that failed.
        let Some(volume) = rig.volume.clone() else { continue };
        assert!(volume.flush().is_err(), "a flush after a failed sync");
        assert!(volume.write_at(0, &[1], true).is_err(), "a write after a failed sync");
        assert!(volume.write_zeroes(0, 1, false, false).is_err(), "zeroes after a failed sync");
        drop(volume);
        rig.dir.heal();
        rig.open();
        let bytes = rig.content();
        rig.model.lock().check_host_crash(&bytes, rig.dir.logged());
        tally.count("failed sync");
        go_on(&mut rig, &mut rng, &bytes);
        tally.count("host crash after a failed sync");
    }
}

/// From a known content on, the layer keeps every promise.
fn go_on(rig: &mut Rig, rng: &mut SimRng, bytes: &[u8]) {
    rig.volume().flush().unwrap();
    let from = rig.dir.logged();
    rig.model.lock().restart(bytes, from);
    rig.run(8);
    let at = from + rng.below((rig.dir.logged() - from) as u64 + 1) as usize;
    let image = rig.dir.crash_image(at, rng);
    let volume = rig.open_image(&image, rig.spec.capacity).unwrap();
    rig.model.lock().check_host_crash(&content(&volume), at);
}

/// Invariant 6: the disk is full at some write, for a while.
pub fn full_disks(seed: u64, tally: &mut Tally) {
    let mut rig = Rig::new(seed);
    rig.grows = false;
    rig.create();
    let mut rng = SimRng::new(seed ^ 0xf011);
    for round in 0..3 {
        rig.dir.leave_space(rng.below(12) as usize);
        for _ in 0..STEPS / 2 {
            let Err(error) = rig.step() else { continue };
            assert!(matches!(error, Error::NoSpace { .. }), "{error}");
            let closed =
                rig.volume.is_none() || matches!(rig.volume().flush(), Err(Error::Closed { .. }));
            if closed || round == 1 {
                // A close that could not finish, or a process that dies on a full disk.
                rig.open();
            }
            rig.model.lock().check_process_death(&rig.content());
            tally.count("full disk (ENOSPC)");
        }
        rig.dir.heal();
        rig.flush().unwrap();
        let at = rig.dir.logged();
        let image = rig.dir.crash_image(at, &mut rng);
        let volume = rig.open_image(&image, rig.spec.capacity).unwrap();
        rig.model.lock().check_host_crash(&content(&volume), at);
        tally.count("host crash after a full disk");
    }
}

/// The disk turns read-only at some moment, as one that failed does, and is writable again later.
pub fn read_only_disks(seed: u64, tally: &mut Tally) {
    let mut rig = Rig::new(seed);
    rig.grows = false;
    rig.create();
    let mut rng = SimRng::new(seed ^ 0x4ead);
    for _ in 0..3 {
        rig.run(rng.below(STEPS / 2));
        rig.dir.make_read_only(true);
        if let Some(error) = (0..STEPS).find_map(|_| rig.step().err()) {
            let known = matches!(error, Error::Io { .. } | Error::Poisoned);
            assert!(known, "{error} on a read-only disk");
        }
        rig.dir.make_read_only(false);
        rig.open();
        let bytes = rig.content();
        if rig.volume().opened_by() == OpenedBy::LiveMap {
            rig.model.lock().check_process_death(&bytes);
        } else {
            rig.model.lock().check_host_crash(&bytes, rig.dir.logged());
        }
        tally.count("disk that turns read-only (EROFS)");
        go_on(&mut rig, &mut rng, &bytes);
    }
}

/// Writes, resizes and syncs that fail once (EIO) or are cut short.
pub fn failed_writes(seed: u64, tally: &mut Tally) {
    let mut rig = Rig::new(seed);
    rig.grows = false;
    rig.create();
    let mut rng = SimRng::new(seed ^ 0x5407);
    for _ in 0..6 {
        let eio = rng.one_in(2);
        let fault = if eio { Fault::Eio } else { Fault::NoSpace };
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
        tally.count(if eio { "failed operation (EIO)" } else { "short or refused write" });
    }
}

/// Invariant 2: the host dies while a layer is made.
pub fn creations(seed: u64, tally: &mut Tally) {
    let mut rig = Rig::new(seed);
    rig.create();
    let mut rng = SimRng::new(seed);
    for _ in 0..4 {
        let at = rng.below(rig.dir.logged() as u64 + 1) as usize;
        let image = rig.dir.crash_image(at, &mut rng);
        tally.count("host crash while a layer is made");
        let Err(error) = rig.open_image(&image, rig.spec.capacity) else { continue };
        assert!(matches!(error, Error::Missing { .. } | Error::Corrupt { .. }), "{error} at {at}");
        assert!(inspect_on(&image, 1).is_err(), "a header without its files at {at}");
        let mut host = rig.host.clone();
        (host.dir, host.run) = (Arc::new(image.clone()), Arc::new(SimRun::new(3)));
        drop(Volume::create_on(&host, &rig.spec, Arc::clone(&rig.base)).unwrap());
    }
}

/// What a capture made: the frozen bytes.
struct Captured(Vec<u8>);

impl BlockSource for Captured {
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

/// Invariant 9: the host dies somewhere between the freeze and the drop of the old generation.
pub fn rebases(seed: u64, tally: &mut Tally) {
    let mut rig = Rig::new(seed);
    rig.grows = false;
    rig.create();
    rig.run(15);
    rig.volume().flush().unwrap();
    let bytes = rig.content();
    let from = rig.dir.logged();
    let volume = rig.volume.take().unwrap();
    let frozen = volume.freeze().unwrap();
    assert_eq!(frozen.create_next_generation(NEXT_ROOT).unwrap(), 2);
    // The record that says which generation counts changes here.
    let switched = rig.dir.logged();
    drop((volume, frozen));
    drop(Volume::open_on(&rig.host, &next(&rig.spec), captured(&bytes)).unwrap());
    drop_generation_on(&rig.dir, rig.host.run.as_ref(), "r006-sim", 1).unwrap();
    let mut rng = SimRng::new(seed ^ 0x4eba);
    for _ in 0..8 {
        let at = from + rng.below((rig.dir.logged() - from) as u64 + 1) as usize;
        let image = rig.dir.crash_image(at, &mut rng);
        finish_rebase(&rig, &image, at >= switched, &bytes);
        tally.count("host crash in a rebase");
    }
}

fn next(spec: &VolumeSpec) -> VolumeSpec {
    VolumeSpec { generation: 2, base_root: Some(NEXT_ROOT), ..spec.clone() }
}

fn captured(bytes: &[u8]) -> Arc<dyn BlockSource> {
    Arc::new(Captured(bytes.to_vec()))
}

/// Opens by the record, does the rest again, and compares all the way.
fn finish_rebase(rig: &Rig, image: &SimDir, switched: bool, bytes: &[u8]) {
    let mut host = rig.host.clone();
    (host.dir, host.run) = (Arc::new(image.clone()), Arc::new(SimRun::new(4)));
    if !switched {
        let base = || Arc::clone(&rig.base);
        let frozen = match Volume::open_on(&host, &rig.spec, base()) {
            Ok(volume) => {
                assert!(content(&volume) == bytes, "the old generation's bytes changed");
                volume.freeze().unwrap()
            }
            Err(Error::Frozen { .. }) => FrozenLayer::open_on(&host, &rig.spec, base()).unwrap(),
            Err(error) => panic!("{error}"),
        };
        assert!(content(&frozen) == bytes, "the frozen bytes changed");
        frozen.create_next_generation(NEXT_ROOT).unwrap();
    }
    let volume = Volume::open_on(&host, &next(&rig.spec), captured(bytes)).unwrap();
    assert!(content(&volume) == bytes, "the new generation's bytes differ");
    volume.write_at(0, &stamp_sectors(5, 1), true).unwrap();
    drop(volume);
    drop_generation_on(image, host.run.as_ref(), "r006-sim", 1).unwrap();
    assert!(matches!(inspect_on(image, 1), Err(Error::Missing { .. })));
    assert!(Volume::open_on(&host, &next(&rig.spec), captured(bytes)).is_ok());
}
