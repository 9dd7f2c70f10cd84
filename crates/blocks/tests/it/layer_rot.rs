//! Rot while a volume is stopped: found on the first read, before a freeze, and never summed anew.

use std::sync::Arc;

use blocks::layer::sim::{SimDir, SimRun};
use blocks::layer::{Host, Volume};
use blocks::{BlockDevice, BlockSource, CaptureSource, Error};

use crate::layer_rig::{PatternBase, content, spec};

const REGION: u64 = 65_536;

struct Stopped {
    host: Host,
    dir: SimDir,
    bytes: Vec<u8>,
}

fn base() -> Arc<dyn BlockSource> {
    Arc::new(PatternBase(4 * REGION))
}

fn open(stopped: &Stopped) -> Result<Volume, Error> {
    Volume::open_on(&stopped.host, &spec(4 * REGION), base())
}

/// A layer with three written regions, the second in part, closed cleanly.
fn stopped() -> Stopped {
    let dir = SimDir::new(1);
    let host = Host::new(Arc::new(dir.clone()), Arc::new(SimRun::new(1)));
    let Ok(volume) = Volume::create_on(&host, &spec(4 * REGION), base()) else {
        panic!("the layer could not be made")
    };
    let all = [
        volume.write_at(0, &vec![1; REGION as usize], false),
        volume.write_at(REGION + 4096, &[2; 5000], false),
        volume.write_at(2 * REGION, &[3; 100], false),
        volume.flush(),
        volume.write_at(2 * REGION, &[4; 9000], false),
        volume.close(),
    ];
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    let stopped = Stopped { host, dir, bytes: Vec::new() };
    drop(volume);
    let Ok(volume) = open(&stopped) else { panic!("it does not open") };
    let bytes = content(&volume);
    assert!(volume.close().is_ok());
    Stopped { bytes, ..stopped }
}

fn is_rot(result: Result<(), Error>, first: u64) -> bool {
    matches!(result, Err(Error::Corrupt { what: "write layer region", name, .. })
        if name.contains(&format!("bytes {first}..{}", first + REGION)))
}

#[test]
fn a_rotten_region_is_told_by_name_and_the_others_read_on() {
    let stopped = stopped();
    stopped.dir.rot("g1.data", REGION + 4096 + 77, |b| *b ^= 1);
    let volume = open(&stopped).unwrap();
    let mut out = vec![0; 100];
    assert!(is_rot(volume.read_at(REGION + 4096, &mut out), REGION));
    assert!(is_rot(volume.read_at(REGION + 4096, &mut out), REGION));
    volume.read_at(0, &mut out).unwrap();
    volume.read_at(2 * REGION, &mut out).unwrap();
    assert!(is_rot(volume.freeze().map(drop), REGION));
    assert!(is_rot(volume.write_at(REGION + 8192, &[1; 10], false), REGION));
    assert!(is_rot(volume.discard(REGION + 8192, 4096), REGION));
    // Nothing of the rot is left when the whole region is replaced.
    volume.write_at(REGION, &vec![9; REGION as usize], false).unwrap();
    volume.read_at(REGION, &mut out).unwrap();
    assert!(volume.freeze().is_ok());
}

#[test]
fn unwritten_bytes_beside_written_ones_are_not_summed() {
    let stopped = stopped();
    stopped.dir.rot("g1.data", 3 * REGION, |b| *b ^= 1);
    stopped.dir.rot("g1.data", REGION, |b| *b ^= 1);
    let volume = open(&stopped).unwrap();
    assert!(content(&volume) == stopped.bytes);
    assert!(volume.freeze().is_ok());
}

/// What a capture reads: sound regions whole, a rotten one never, also when nothing was compared
/// at the freeze.
#[test]
fn a_layer_frozen_unchecked_gives_no_rotten_region_to_its_reader() {
    let stopped = stopped();
    stopped.dir.rot("g1.data", 4096 + 77, |b| *b ^= 1);
    let frozen = open(&stopped).unwrap().freeze_unchecked().unwrap();
    let mut region = vec![0; REGION as usize];
    assert!(is_rot(frozen.read_at(0, &mut region), 0));
    assert!(is_rot(frozen.read_chunk(0, REGION, &mut region), 0));
    for index in 1..4 {
        frozen.read_chunk(index, REGION, &mut region).unwrap();
        let at = (index * REGION) as usize;
        assert!(region == stopped.bytes[at..at + REGION as usize], "{index}");
    }
}

/// Invariant 18, the layer's half: after a clean close any flipped byte of any file is an error
/// or changes nothing; never wrong data.
#[test]
fn any_flipped_byte_of_a_stopped_layer_is_an_error_or_harmless() {
    let stopped = stopped();
    for name in ["g1.header", "g1.map.journal", "g1.map.A", "g1.map.B", "g1.sums", "g1.data"] {
        let length = stopped.dir.content(name).len();
        let step = if name == "g1.data" { 1999 } else { 13 };
        for at in (0..length).step_by(step) {
            let image = stopped.dir.settled();
            image.rot(name, at as u64, |b| *b ^= 0x40);
            let mut host = stopped.host.clone();
            host.dir = Arc::new(image);
            let Ok(volume) = Volume::open_on(&host, &spec(4 * REGION), base()) else { continue };
            let mut bytes = vec![0; stopped.bytes.len()];
            if volume.read_at(0, &mut bytes).is_ok() {
                assert!(bytes == stopped.bytes, "{name} at {at} reads wrong");
            }
        }
    }
}
