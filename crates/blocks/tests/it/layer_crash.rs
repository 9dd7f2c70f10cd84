//! Both kinds of death, at every place where they can come.

use std::sync::Arc;

use blocks::layer::sim::{Fault, SimRng, SimRun};
use blocks::layer::{OpenedBy, Volume, inspect_on};
use blocks::{BlockDevice, Error};

use crate::layer_rig::{Rig, Seed, content, seeds};

const STEPS: u64 = 40;
const IMAGES: u64 = 40;

/// Invariants 1, 2 and 3: every legal crash image opens, and each sector is its last flushed
/// value or a later one; a second crash right after changes nothing.
#[test]
fn every_crash_image_opens_and_loses_nothing_that_was_flushed() {
    for seed in 0..seeds(40) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.create();
        let made = rig.dir.logged();
        rig.run(STEPS);
        let mut rng = SimRng::new(seed ^ 0xc4a5);
        for _ in 0..IMAGES {
            let at = made + rng.below((rig.dir.logged() - made) as u64 + 1) as usize;
            let image = rig.dir.crash_image(at, &mut rng);
            let size = rig.model.lock().size_at(at);
            let volume = rig.open_image(&image, size).unwrap();
            let first = content(&volume);
            rig.model.lock().check_host_crash(&first, at);
            drop(volume);
            let again = image.crash_image(rng.below(image.logged() as u64 + 1) as usize, &mut rng);
            let volume = rig.open_image(&again, size).unwrap();
            assert_eq!(content(&volume), first, "a second crash at {at}");
            volume.close().unwrap();
            drop(volume);
            let volume = rig.open_image(&again, size).unwrap();
            assert_eq!(volume.opened_by(), OpenedBy::Clean);
            assert_eq!(content(&volume), first, "a clean reopen after {at}");
        }
    }
}

/// Invariant 2: a crash while the layer is made leaves something that making it again replaces.
#[test]
fn a_crash_while_a_layer_is_made_leaves_one_that_can_be_made_again() {
    for seed in 0..seeds(6) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.create();
        let mut rng = SimRng::new(seed);
        for at in 0..=rig.dir.logged() {
            let image = rig.dir.crash_image(at, &mut rng);
            let size = rig.spec.capacity;
            let Err(error) = rig.open_image(&image, size) else { continue };
            let known = matches!(error, Error::Missing { .. } | Error::Corrupt { .. });
            assert!(known, "{error} at {at}");
            // A generation exists when its header does.
            assert!(inspect_on(&image, 1).is_err(), "a header without its files at {at}");
            let mut host = rig.host.clone();
            (host.dir, host.run) = (Arc::new(image.clone()), Arc::new(SimRun::new(3)));
            drop(Volume::create_on(&host, &rig.spec, Arc::clone(&rig.base)).unwrap());
        }
    }
}

/// Invariant 25, the engine's half: the process may die at any operation and nothing that was
/// acknowledged is lost; nor by the host's death after the next flush.
#[test]
fn the_death_of_the_process_at_any_operation_loses_nothing_acknowledged() {
    for seed in 0..seeds(12) {
        let _named = Seed(seed);
        let mut whole = Rig::new(seed);
        whole.create();
        let made = whole.dir.operations();
        whole.run(STEPS);
        let total = whole.dir.operations();
        drop(whole);
        let mut rng = SimRng::new(seed ^ 0xdead);
        for _ in 0..10 {
            let mut rig = Rig::new(seed);
            rig.dir.break_at(made + 1 + rng.below(total - made), Fault::Kill);
            assert!(rig.run_until_killed(STEPS));
            rig.open();
            let bytes = rig.content();
            rig.model.lock().check_process_death(&bytes);
            rig.flush().unwrap();
            let at = rig.dir.logged();
            let image = rig.dir.crash_image(at, &mut rng);
            let volume = rig.open_image(&image, rig.spec.capacity).unwrap();
            rig.model.lock().check_host_crash(&content(&volume), at);
            drop(volume);
            rig.run(6);
            rig.model.lock().check_process_death(&rig.content());
        }
    }
}

/// Invariant 2: the host dies while a layer is opened again after its process died, at any
/// place: what the dead process had flushed is there, though its last writes were in no cache
/// that survived.
#[test]
fn a_host_that_dies_over_a_dead_process_loses_nothing_that_was_flushed() {
    for seed in 0..seeds(60) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.grows = false;
        let mut rng = SimRng::new(seed ^ 0x2dead);
        rig.create();
        let at = rig.dir.operations() + 1 + rng.below(120);
        rig.dir.break_at(at, Fault::Kill);
        if !rig.run_until_killed(STEPS) {
            continue;
        }
        let from = rig.dir.logged();
        rig.open();
        for _ in 0..6 {
            let at = from + rng.below((rig.dir.logged() - from) as u64 + 1) as usize;
            let image = rig.dir.crash_image(at, &mut rng);
            let volume = rig.open_image(&image, rig.spec.capacity).unwrap();
            rig.model.lock().check_host_crash(&content(&volume), at);
        }
    }
}

/// A process that dies again and again, each time before any flush, still loses nothing.
#[test]
fn many_process_deaths_in_a_row_lose_nothing_acknowledged() {
    for seed in 0..seeds(8) {
        let _named = Seed(seed);
        let mut rig = Rig::new(seed);
        rig.create();
        for _ in 0..5 {
            rig.run(4);
            rig.open();
            rig.model.lock().check_process_death(&rig.content());
        }
    }
}

#[test]
fn a_live_map_of_another_boot_is_not_believed() {
    let mut rig = Rig::new(3);
    rig.create();
    rig.run(12);
    rig.volume = None;
    let mut host = rig.host.clone();
    host.run = Arc::new(SimRun::new(2));
    let volume = Volume::open_on(&host, &rig.spec, Arc::clone(&rig.base)).unwrap();
    assert_eq!(volume.opened_by(), OpenedBy::Journal);
    rig.model.lock().check_host_crash(&content(&volume), rig.dir.logged());
}

/// A live map that says less than the journal, or holds no state, is damage, not an old map.
#[test]
fn a_damaged_live_map_is_told_and_never_believed() {
    for (word, value) in [(8704, 0), (8704, 3)] {
        let mut rig = Rig::new(5);
        rig.create();
        let volume = rig.volume();
        volume.write_at(0, &[1; 4096], true).unwrap();
        drop(volume);
        rig.volume = None;
        let run = SimRun::new(1);
        rig.host.run = Arc::new(run.clone());
        rig.create_anew();
        rig.volume().write_at(0, &[1; 4096], true).unwrap();
        rig.volume = None;
        run.damage("r006-sim.g1.live", word, value);
        let error = Volume::open_on(&rig.host, &rig.spec, Arc::clone(&rig.base)).err().unwrap();
        assert!(matches!(error, Error::Corrupt { what: "live map", .. }), "{error}");
    }
}

/// Order 5 of a flush: what is punched was durable as ZERO before, and steady writes pay one
/// sync.
#[test]
fn a_steady_overwrite_pays_one_sync_and_a_quiet_flush_none() {
    let mut rig = Rig::new(11);
    rig.host.journal_bytes = 1 << 20;
    rig.host.stale_max = 1000;
    rig.host.runs_max = 1000;
    rig.create();
    let volume = rig.volume();
    volume.write_at(0, &[1; 4096], true).unwrap();
    let (data, journal) = ("g1.data", "g1.map.journal");
    let before = (rig.dir.syncs_of(data), rig.dir.syncs_of(journal));
    volume.write_at(0, &[2; 4096], true).unwrap();
    assert_eq!((rig.dir.syncs_of(data), rig.dir.syncs_of(journal)), (before.0 + 1, before.1));
    volume.flush().unwrap();
    assert_eq!((rig.dir.syncs_of(data), rig.dir.syncs_of(journal)), (before.0 + 1, before.1));
}
