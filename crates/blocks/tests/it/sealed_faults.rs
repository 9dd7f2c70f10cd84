//! Captures over stores that fail, forget and fill up, with retries.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use base::SeededEntropy;
use blocks::{
    CaptureSource, Error,
    sealed::{CaptureOptions, CaptureStep, ChunkStore, Progress, Sealed, seal, verify},
};

use crate::sealed_rig::{Disk, Fault, KeyWitness, MemoryLog, Probe, assert_same, open, seeds};

const CHUNK: u64 = 4096;
const PACK: u64 = 32 << 10;

fn disk(seed: u64) -> Disk {
    let mut disk = Disk::new(900 * CHUNK + 100);
    disk.scribble(&SeededEntropy::new(seed), 40);
    disk
}

fn options<'a>(log: &'a MemoryLog, keys: &'a KeyWitness) -> CaptureOptions<'a> {
    CaptureOptions { log, chunk_size: CHUNK, pack_size: PACK, ..CaptureOptions::new(7, keys) }
}

/// Seals and reads back, as the job's steps 2 to 5 do.
fn attempt(
    store: &ChunkStore,
    disk: &Disk,
    log: &MemoryLog,
    keys: &KeyWitness,
) -> Result<Sealed, Error> {
    let sealed = seal(store, None, disk, &options(log, keys))?;
    verify(store, &sealed, 4, &SeededEntropy::new(1))?;
    Ok(sealed)
}

/// After a success: one tree, the right bytes, and nothing of the operation but its packs.
fn assert_converged(store: &Arc<ChunkStore>, sealed: &Sealed, disk: &Disk, what: &str) {
    store.delete_operation(7, &sealed.packs).unwrap();
    assert_eq!(store.operation_packs(7).unwrap(), sealed.packs, "{what}");
    assert_same(&open(store, sealed.root_id, &sealed.root_key), disk, what);
    for pack in &sealed.packs {
        store.check_pack(pack).unwrap();
    }
}

/// Every record that was ever put, stored or not, has a key of its own.
fn assert_one_key_per_record(probe: &Probe, log: &MemoryLog, keys: &KeyWitness, what: &str) {
    let mut ids = std::collections::HashSet::new();
    let mut records = 0;
    for object in probe.everything_put().iter().filter(|o| o.starts_with(b"ECTPACK\0")) {
        let count = u32::from_le_bytes(object[object.len() - 52..][..4].try_into().unwrap());
        let end = object.len() - 64;
        for entry in object[end - count as usize * 48..end].chunks_exact(48) {
            records += 1;
            ids.insert(entry[..32].to_vec());
        }
    }
    assert_eq!(ids.len() as u64, records, "{what}: one message was put twice");
    assert!(records <= keys.keys(), "{what}: {records} records, {} keys", keys.keys());
    let recorded = log.keys();
    let distinct: std::collections::HashSet<_> = recorded.values().collect();
    assert_eq!(distinct.len(), recorded.len(), "{what}");
}

/// Invariants 6, 12 and 19: whatever goes wrong at whichever put, one retry makes the one image.
#[test]
fn a_fault_at_any_put_is_healed_by_a_retry() {
    let disk = disk(3);
    let clean = {
        let (probe, store) = Probe::created(1);
        let before = probe.puts();
        attempt(&store, &disk, &MemoryLog::default(), &KeyWitness::new(1)).unwrap();
        probe.puts() - before
    };
    assert!(clean > 5, "{clean} puts are too few for this test");
    for fault in Fault::ALL {
        for at in 0..clean {
            let what = format!("{fault:?} at put {at}");
            let (probe, store) = Probe::created(1);
            let (log, keys) = (MemoryLog::default(), KeyWitness::new(1));
            probe.fail_put(at, fault);
            let failed = attempt(&store, &disk, &log, &keys).expect_err(&what);
            match fault {
                Fault::Full => assert!(matches!(failed, Error::NoSpace { .. }), "{what}"),
                Fault::Lost => assert!(matches!(failed, Error::Missing { .. }), "{what}"),
                Fault::Error | Fault::ErrorAfter | Fault::Late => {
                    assert!(matches!(failed, Error::Io { .. }), "{what}");
                }
            }
            probe.heal();
            // A retry in another process sees what the store has, not what this one remembers.
            let store = if at % 2 == 0 { store } else { Arc::new(probe.store()) };
            let recorded = log.rows() as u64;
            disk.chunk_reads.store(0, Ordering::SeqCst);
            let sealed = attempt(&store, &disk, &log, &keys).expect(&what);
            let reads = disk.chunk_reads.load(Ordering::SeqCst);
            let skipped = reads < disk.dirty_chunks(CHUNK).len() as u64;
            // A recorded pack that was lost is read again; any other is not.
            let lost = u64::from(fault == Fault::Lost);
            assert_eq!(skipped, recorded > lost, "{what}: {recorded} packs recorded");
            assert_one_key_per_record(&probe, &log, &keys, &what);
            assert_converged(&store, &sealed, &disk, &what);
        }
    }
}

/// A crash between a pack's put and its record leaves an orphan, not a wrong image.
#[test]
fn a_log_that_fails_leaves_orphans_that_the_retry_does_not_need() {
    let disk = disk(4);
    for at in 0..6 {
        let (probe, store) = Probe::created(1);
        let (log, keys) = (MemoryLog::default(), KeyWitness::new(1));
        *log.fail_at.lock() = Some(at);
        if attempt(&store, &disk, &log, &keys).is_ok() {
            break;
        }
        *log.fail_at.lock() = None;
        let orphans = store.operation_packs(7).unwrap();
        let sealed = attempt(&store, &disk, &log, &keys).unwrap();
        assert!(orphans.iter().any(|pack| !sealed.packs.contains(pack)), "at {at}");
        assert_one_key_per_record(&probe, &log, &keys, &format!("at {at}"));
        assert_converged(&store, &sealed, &disk, &format!("at {at}"));
    }
}

#[test]
fn many_faults_in_a_row_still_end_in_one_image() {
    for seed in seeds(6) {
        let random = SeededEntropy::new(seed);
        let disk = disk(seed);
        let (probe, store) = Probe::created(seed);
        let (log, keys) = (MemoryLog::default(), KeyWitness::new(seed));
        let sealed = (0..200)
            .find_map(|_| {
                let fault = Fault::ALL[random.next_u64() as usize % Fault::ALL.len()];
                probe.fail_put(random.next_u64() % 9, fault);
                attempt(&store, &disk, &log, &keys).ok()
            })
            .unwrap_or_else(|| panic!("seed {seed} never ends"));
        assert_one_key_per_record(&probe, &log, &keys, &format!("seed {seed}"));
        assert_converged(&store, &sealed, &disk, &format!("seed {seed}"));
    }
}

#[test]
fn a_capture_that_is_cancelled_leaves_only_its_own_packs() {
    let disk = disk(5);
    for after in [0, 1, 20, 50] {
        let (_, store) = Probe::created(1);
        let (log, keys) = (MemoryLog::default(), KeyWitness::new(1));
        let cancel = AtomicBool::new(after == 0);
        let stop = |now: Progress| cancel.store(now.chunks_done >= after, Ordering::SeqCst);
        let options = CaptureOptions { cancel: &cancel, progress: &stop, ..options(&log, &keys) };
        let outcome = seal(&store, None, &disk, &options);
        assert!(matches!(outcome, Err(Error::Cancelled)), "after {after}");
        store.delete_operation(7, &[]).unwrap();
        assert!(store.packs().unwrap().is_empty(), "after {after}");
    }
}

/// A source whose disk reads fail.
struct Broken<'a>(&'a Disk, u64);

impl CaptureSource for Broken<'_> {
    fn capacity(&self) -> u64 {
        self.0.capacity
    }

    fn dirty_chunks(&self, chunk_size: u64) -> Vec<u64> {
        self.0.dirty_chunks(chunk_size)
    }

    fn read_chunk(&self, index: u64, chunk_size: u64, out: &mut [u8]) -> Result<(), Error> {
        if self.0.chunk_reads.load(Ordering::SeqCst) >= self.1 {
            return Err(Error::Poisoned);
        }
        self.0.read_chunk(index, chunk_size, out)
    }
}

#[test]
fn a_source_that_fails_ends_the_capture_with_its_own_error() {
    let disk = disk(6);
    let (_, store) = Probe::created(1);
    for after in [0, 1, 30] {
        let (log, keys) = (MemoryLog::default(), KeyWitness::new(1));
        disk.chunk_reads.store(0, Ordering::SeqCst);
        let outcome = seal(&store, None, &Broken(&disk, after), &options(&log, &keys));
        assert!(matches!(outcome, Err(Error::Poisoned)), "after {after}");
    }
}

#[test]
fn progress_reaches_the_end() {
    let disk = disk(7);
    let (_, store) = Probe::created(1);
    let (log, keys) = (MemoryLog::default(), KeyWitness::new(1));
    let (most, steps) = (AtomicU64::new(0), AtomicU64::new(0));
    let watch = |now: Progress| {
        most.fetch_max(now.chunks_done, Ordering::SeqCst);
        assert!(now.chunks_done <= now.chunks_total);
        let step = match now.step {
            CaptureStep::Chunks => 1,
            CaptureStep::Nodes => 2,
            CaptureStep::Done => 4,
        };
        steps.fetch_or(step, Ordering::SeqCst);
    };
    let options = CaptureOptions { progress: &watch, ..options(&log, &keys) };
    let sealed = seal(&store, None, &disk, &options).unwrap();
    assert_eq!(most.load(Ordering::SeqCst), sealed.dirty_chunks);
    assert_eq!(steps.load(Ordering::SeqCst), 7);
}

#[test]
fn a_log_of_another_operation_is_refused() {
    let disk = disk(8);
    let (_, store) = Probe::created(1);
    let (log, keys) = (MemoryLog::default(), KeyWitness::new(1));
    attempt(&store, &disk, &log, &keys).unwrap();
    let other = CaptureOptions { op_sequence: 8, ..options(&log, &keys) };
    assert!(matches!(seal(&store, None, &disk, &other), Err(Error::Invalid { .. })));
}
