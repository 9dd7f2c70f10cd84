//! Object stores that fail, forget and come late, under captures and under readers.

use std::sync::Arc;

use base::SeededEntropy;
use blocks::BlockSource;
use blocks::Error;
use blocks::layer::sim::SimRng;
use blocks::sealed::{CaptureOptions, ChunkStore, Sealed, seal, verify};

use crate::run::Tally;
use crate::sealed::{
    Disk, Fault, GetFault, KeyWitness, MemoryLog, Probe, assert_same, open, try_open,
};

const CHUNK: u64 = 4096;
const PACK: u64 = 32 << 10;
/// Puts of one seed that go wrong; and gets.
const FAULTS: u64 = 3;

fn disk(seed: u64) -> Disk {
    let mut disk = Disk::new(600 * CHUNK + 100);
    disk.scribble(&SeededEntropy::new(seed), 20);
    disk
}

/// Seals and reads back, as a capture's job does.
fn attempt(
    store: &ChunkStore,
    disk: &Disk,
    log: &MemoryLog,
    keys: &KeyWitness,
) -> Result<Sealed, Error> {
    let options = CaptureOptions {
        log,
        chunk_size: CHUNK,
        pack_size: PACK,
        // One worker: the same seed puts the same.
        workers: 1,
        ..CaptureOptions::new(7, keys)
    };
    let sealed = seal(store, None, disk, &options)?;
    verify(store, &sealed, 4, &SeededEntropy::new(1))?;
    Ok(sealed)
}

/// Invariants 6, 12 and 19: whatever goes wrong at whichever put, a retry, in this process or
/// another, makes the one image.
pub fn puts(seed: u64, tally: &mut Tally) {
    let (mut rng, disk) = (SimRng::new(seed), disk(seed));
    for _ in 0..FAULTS {
        let (probe, mut store) = Probe::created(seed);
        let (log, keys) = (MemoryLog::default(), KeyWitness::new(seed));
        let fault = Fault::ALL[rng.below(Fault::ALL.len() as u64) as usize];
        let at = rng.below(12);
        probe.fail_put(at, fault);
        let what = format!("{fault:?} at put {at}");
        let first = attempt(&store, &disk, &log, &keys);
        if first.is_err() && rng.one_in(2) {
            store = Arc::new(probe.store());
        }
        let sealed = match first {
            Ok(sealed) => sealed,
            Err(_) => attempt(&store, &disk, &log, &keys).expect(&what),
        };
        probe.deliver_late();
        store.delete_operation(7, &sealed.packs).unwrap();
        assert_eq!(store.operation_packs(7).unwrap(), sealed.packs, "{what}");
        assert_same(&open(&store, sealed.root_id, &sealed.root_key), &disk, &what);
        for pack in &sealed.packs {
            store.check_pack(pack).unwrap();
        }
        tally.count(match fault {
            Fault::Full => "put into a full store",
            Fault::Error => "put that fails",
            Fault::ErrorAfter => "put whose answer is lost",
            Fault::Lost => "put that is lost",
            Fault::Late => "put that comes late",
        });
    }
}

/// Invariants 18 and 28: a get that fails or is short is an error or is made up for; the next
/// reader reads right.
pub fn gets(seed: u64, tally: &mut Tally) {
    let (mut rng, disk) = (SimRng::new(seed ^ 0x6e7), disk(seed));
    let (probe, store) = Probe::created(seed);
    let (log, keys) = (MemoryLog::default(), KeyWitness::new(seed));
    let sealed = attempt(&store, &disk, &log, &keys).unwrap();
    let mut want = vec![0; disk.capacity as usize];
    disk.read(0, &mut want);
    for _ in 0..FAULTS {
        let fault = if rng.one_in(2) { GetFault::Error } else { GetFault::Short };
        let at = rng.below(20);
        probe.fail_get(at, fault);
        let read = || -> Result<Vec<u8>, Error> {
            let store = Arc::new(ChunkStore::open_over(Arc::new(probe.clone()), None)?);
            let image = try_open(&store, sealed.root_id, &sealed.root_key)?;
            let mut out = vec![0xee; image.size() as usize];
            image.read_at(0, &mut out)?;
            Ok(out)
        };
        if let Ok(bytes) = read() {
            assert!(bytes == want, "{fault:?} at get {at} reads wrong bytes");
        }
        probe.heal();
        assert!(read().unwrap() == want, "wrong bytes after {fault:?} at get {at}");
        tally.count(match fault {
            GetFault::Error => "get that fails",
            GetFault::Short => "short get",
        });
    }
}
