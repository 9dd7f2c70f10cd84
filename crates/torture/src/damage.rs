//! Stored bytes that changed: an error that names what is damaged, or nothing that matters;
//! never other bytes (invariant 18).

use std::sync::Arc;

use base::SeededEntropy;
use blocks::layer::sim::{SimDir, SimRng, SimRun};
use blocks::layer::{Host, Volume};
use blocks::sealed::{CaptureOptions, ChunkStore, ManifestKey, PackRef, Sealed, seal};
use blocks::{BlockDevice, BlockSource, Error};

use crate::layer::{PatternBase, SECTOR, content, spec, stamp_sectors};
use crate::run::Tally;
use crate::sealed::{Disk, Probe, try_open};

/// Times that one layer, or one store, is damaged, each time from its good state.
const TIMES: u64 = 25;
const CHUNK: u64 = 4096;
const PACK: u64 = 24 << 10;

/// What happens to a file or object.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Flip,
    Overwrite,
    Truncate,
    Swap,
    Duplicate,
    Pad,
}

impl Harm {
    const ALL: [Self; 6] =
        [Self::Flip, Self::Overwrite, Self::Truncate, Self::Swap, Self::Duplicate, Self::Pad];

    const fn name(self) -> &'static str {
        match self {
            Self::Flip => "flipped bit",
            Self::Overwrite => "overwritten bytes",
            Self::Truncate => "truncation",
            Self::Swap => "swapped parts",
            Self::Duplicate => "duplicated part",
            Self::Pad => "padding",
        }
    }

    /// The bytes after it.
    fn done_to(self, good: &[u8], rng: &mut SimRng) -> Vec<u8> {
        let mut bytes = good.to_vec();
        let length = bytes.len() as u64;
        // Parts as formats have them: sums, sectors, records, blocks.
        let unit = [16, 48, 64, 512, 4096][rng.below(5) as usize].min(length.max(1));
        let places = (length / unit).max(1);
        let (one, other) = (rng.below(places) * unit, rng.below(places) * unit);
        let part = |at: u64| at as usize..(at + unit) as usize;
        match self {
            _ if bytes.is_empty() => bytes.push(rng.next() as u8),
            Self::Flip => bytes[rng.below(length) as usize] ^= 1 << rng.below(8),
            Self::Overwrite => bytes[part(one)].fill_with(|| rng.next() as u8),
            Self::Truncate => bytes.truncate(rng.below(length) as usize),
            Self::Swap => {
                bytes[part(one)].copy_from_slice(&good[part(other)]);
                bytes[part(other)].copy_from_slice(&good[part(one)]);
            }
            Self::Duplicate => bytes[part(one)].copy_from_slice(&good[part(other)]),
            Self::Pad => bytes.extend((0..=rng.below(700)).map(|_| rng.next() as u8)),
        }
        bytes
    }
}

/// Every file of a layer that was closed in order.
pub fn layers(seed: u64, tally: &mut Tally) {
    let mut rng = SimRng::new(seed ^ 0x1a7e);
    let (host, dir, capacity) = stopped_layer(&mut rng);
    let base: Arc<dyn BlockSource> = Arc::new(PatternBase(capacity / 2));
    let open = |dir: &SimDir| {
        let mut host: Host = host.clone();
        (host.dir, host.run) = (Arc::new(dir.clone()), Arc::new(SimRun::new(1)));
        Volume::open_on(&host, &spec(capacity), Arc::clone(&base))
    };
    let good = content(&open(&dir.settled()).unwrap());
    for _ in 0..TIMES {
        let files = ["header", "data", "map.journal", "map.A", "map.B", "sums"];
        let file = files[rng.below(6) as usize];
        let name = format!("g1.{file}");
        let harm = Harm::ALL[rng.below(6) as usize];
        let before = dir.content(&name);
        let bad = harm.done_to(&before, &mut rng);
        if bad == before {
            continue;
        }
        let image = dir.settled();
        image.put(&name, bad);
        let what = format!("{} of {name}", harm.name());
        let mut read = vec![0xee; capacity as usize];
        let outcome = open(&image).and_then(|volume| {
            volume.read_at(0, &mut read)?;
            assert!(read == good, "{what} reads wrong bytes");
            assert!(content(&volume.freeze()?) == good, "{what} freezes wrong bytes");
            Ok(())
        });
        if let Err(error) = outcome {
            let said = error.to_string();
            assert!(said.contains("g1"), "{what}: {said}");
        }
        tally.count(format!("layer {file}: {}", harm.name()));
    }
}

/// A layer with checkpoints, a journal, present, zero and absent blocks.
fn stopped_layer(rng: &mut SimRng) -> (Host, SimDir, u64) {
    let capacity = (40 + rng.below(60)) * 4096 + rng.below(8) * SECTOR;
    let dir = SimDir::new(1);
    let mut host = Host::new(Arc::new(dir.clone()), Arc::new(SimRun::new(1)));
    host.journal_bytes = 1500 + rng.below(4000);
    let base = Arc::new(PatternBase(capacity / 2));
    let volume = Volume::create_on(&host, &spec(capacity), base).unwrap();
    for step in 0..20 + rng.below(20) {
        let sectors = capacity / SECTOR;
        let first = rng.below(sectors);
        let count = (1 + rng.below(40)).min(sectors - first);
        let (at, fua) = (first * SECTOR, rng.one_in(2));
        if rng.one_in(4) {
            volume.write_zeroes(at, count * SECTOR, false, fua).unwrap();
        } else {
            volume.write_at(at, &stamp_sectors(0x57a0 << 32 | step, count), fua).unwrap();
        }
    }
    volume.close().unwrap();
    drop(volume);
    (host, dir, capacity)
}

/// What a store was filled with.
struct Stored {
    probe: Probe,
    images: Vec<(Sealed, Vec<u8>)>,
    key: ManifestKey,
}

const PAYLOAD: &[u8] = b"what a rebuild needs";

/// Packs, manifests and the layout of a chunk store with an image and its child.
pub fn stores(seed: u64, tally: &mut Tally) {
    let mut rng = SimRng::new(seed ^ 0x5709);
    let stored = filled_store(seed);
    let objects = stored.probe.objects();
    for _ in 0..TIMES {
        let (key, good) = &objects[rng.below(objects.len() as u64) as usize];
        let (name, bad) = if rng.one_in(8) {
            ("exchanged objects", objects[rng.below(objects.len() as u64) as usize].1.clone())
        } else {
            let harm = Harm::ALL[rng.below(6) as usize];
            (harm.name(), harm.done_to(good, &mut rng))
        };
        if bad == *good {
            continue;
        }
        stored.probe.overwrite(key, bad);
        check_store(&stored, key, &format!("{name} of {key}"));
        stored.probe.overwrite(key, good.clone());
        let kind = key.split('/').take(2).collect::<Vec<_>>().join(" ");
        let kind = kind.strip_suffix(" kept").unwrap_or(&kind);
        tally.count(format!("{kind}: {name}"));
    }
    for (sealed, bytes) in &stored.images {
        assert!(read(&stored.probe, sealed).unwrap() == *bytes, "the store was not put right");
    }
}

fn filled_store(seed: u64) -> Stored {
    let (probe, store) = Probe::created(seed);
    let mut disk = Disk::new(300 * CHUNK + seed % CHUNK);
    let mut images: Vec<(Sealed, Vec<u8>)> = Vec::new();
    for generation in 0..2 {
        disk.scribble(&SeededEntropy::new(seed * 2 + generation), 6);
        let base = images.last().map(|(sealed, _)| (sealed.root_id, &sealed.root_key));
        let entropy = SeededEntropy::new(seed ^ generation << 32);
        // One worker: the same seed makes the same packs.
        let options = CaptureOptions {
            chunk_size: CHUNK,
            pack_size: PACK,
            workers: 1,
            ..CaptureOptions::new(generation + 1, &entropy)
        };
        let sealed = seal(&store, base, &disk, &options).unwrap();
        disk.dirty.clear();
        let mut bytes = vec![0; disk.capacity as usize];
        disk.read(0, &mut bytes);
        images.push((sealed, bytes));
    }
    let key = ManifestKey::from_bytes([5; 32]);
    store.put_manifest("kept", &key, PAYLOAD).unwrap();
    Stored { probe, images, key }
}

fn read(probe: &Probe, sealed: &Sealed) -> Result<Vec<u8>, Error> {
    let store = Arc::new(ChunkStore::open_over(Arc::new(probe.clone()), None)?);
    let image = try_open(&store, sealed.root_id, &sealed.root_key)?;
    let mut out = vec![0xee; image.size() as usize];
    image.read_at(0, &mut out)?;
    Ok(out)
}

/// Readers that know nothing yet get right bytes or an error that names a record, pack or object;
/// the keyless check always sees it.
fn check_store(stored: &Stored, key: &str, what: &str) {
    for (sealed, bytes) in &stored.images {
        match read(&stored.probe, sealed) {
            Ok(found) => assert!(found == *bytes, "{what} reads wrong bytes"),
            Err(error) => assert!(names_something(&error, key), "{what}: {error}"),
        }
    }
    let store = match ChunkStore::open_over(Arc::new(stored.probe.clone()), None) {
        Ok(store) => store,
        Err(error) => {
            assert!(key == "store", "{what} keeps the store from opening: {error}");
            return;
        }
    };
    assert!(key != "store", "{what} is not seen");
    if let Some(pack) = PackRef::of_object_key(key) {
        let error = store.check_pack(&pack).expect_err(what);
        assert!(names_something(&error, key), "{what}: {error}");
    }
    match store.manifest("kept", &stored.key) {
        Ok(payload) => assert!(payload == PAYLOAD, "{what} reads another manifest"),
        Err(error) => assert!(error.to_string().contains("kept"), "{what}: {error}"),
    }
}

fn names_something(error: &Error, key: &str) -> bool {
    let text = error.to_string();
    let id = |word: &str| word.len() == 64;
    text.contains(key) || text.split(|c: char| !c.is_ascii_hexdigit()).any(id)
}
