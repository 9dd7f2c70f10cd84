//! A real process, killed while it writes: what it had acknowledged is there.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use blocks::layer::sim::SimRng;
use blocks::layer::{OpenedBy, Volume, VolumeKey, VolumeSpec};
use blocks::{BlockDevice, BlockSource};

use crate::layer_host::Place;
use crate::layer_rig::{PatternBase, base_stamp, seeds, stamp_sectors};

const CHILD: &str = "ECTYPE_TEST_KILL_CHILD";
const SECTORS: u64 = 4096;
const THREADS: u64 = 3;

fn spec(disk: PathBuf, run: PathBuf) -> VolumeSpec {
    VolumeSpec {
        dir: disk,
        run_dir: run,
        volume: "r006-kill".into(),
        capacity: SECTORS * 512,
        generation: 1,
        base_root: Some([1; 32]),
        key: VolumeKey::new([5; 32]),
        epoch: 1,
    }
}

fn base() -> Arc<dyn BlockSource> {
    Arc::new(PatternBase(SECTORS * 256))
}

/// The body of the child: writes and zeroes for ever, telling each begin and each answer.
#[test]
fn child_that_is_killed() {
    let Ok(job) = std::env::var(CHILD) else { return };
    let mut parts = job.split('\n');
    let (disk, run) = (parts.next().unwrap().into(), parts.next().unwrap().into());
    let seed: u64 = parts.next().unwrap().parse().unwrap();
    let volume = Volume::open(spec(disk, run), base()).unwrap();
    let out = Mutex::new(std::io::stdout());
    let tell = |text: String| {
        let mut out = out.lock().unwrap();
        out.write_all(text.as_bytes()).unwrap();
        out.flush().unwrap();
    };
    tell("\n".to_owned());
    std::thread::scope(|scope| {
        for t in 0..THREADS {
            let (volume, tell) = (&volume, &tell);
            scope.spawn(move || write_for_ever(volume, t, seed, tell));
        }
    });
}

/// Each thread owns every third sector, so that they share blocks but never a sector.
fn write_for_ever(volume: &Volume, thread: u64, seed: u64, tell: &dyn Fn(String)) {
    let mut rng = SimRng::new(seed * THREADS + thread);
    for round in 1_u64.. {
        let sector = rng.below(SECTORS / THREADS) * THREADS + thread;
        let zero = rng.one_in(4);
        let stamp = if zero { 0 } else { seed << 40 | thread << 32 | round };
        tell(format!("b {sector} {stamp}\n"));
        let fua = rng.one_in(50);
        if zero {
            volume.write_zeroes(sector * 512, 512, false, fua).unwrap();
        } else {
            volume.write_at(sector * 512, &stamp_sectors(stamp, 1), fua).unwrap();
        }
        tell(format!("a {sector} {stamp}\n"));
        if rng.one_in(60) {
            volume.flush().unwrap();
        }
    }
}

fn start(spec: &VolumeSpec, seed: u64) -> Child {
    let job = format!("{}\n{}\n{seed}", spec.dir.display(), spec.run_dir.display());
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "layer_kill::child_that_is_killed", "--nocapture", "--test-threads=1"])
        .env(CHILD, job)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Invariant 25, the engine's half: SIGKILL amid writes of several threads, again and again on
/// one layer; every answered write is there, every other is old or new.
#[test]
fn a_killed_process_loses_nothing_that_it_answered() {
    let place = Place::new();
    let spec = spec(place.disk.path().join("v"), place.run.path().join("r"));
    drop(Volume::create(spec.clone(), base()).unwrap());
    let stamp_at = |s: u64| if s < SECTORS / 2 { base_stamp(s) } else { 0 };
    let mut safe: Vec<u64> = (0..SECTORS).map(stamp_at).collect();
    for round in 1..=seeds(4) {
        let mut child = start(&spec, round);
        let mut begun: Vec<Option<u64>> = vec![None; SECTORS as usize];
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let mut left = 200 + round * 137;
        while out.read_line(&mut line).unwrap() > 0 {
            take(&line, &mut safe, &mut begun);
            line.clear();
            left = left.saturating_sub(1);
            if left == 0 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let volume = Volume::open(spec.clone(), base()).unwrap();
        assert_eq!(volume.opened_by(), OpenedBy::LiveMap);
        check(&volume, &mut safe, &begun, round);
    }
}

fn take(line: &str, safe: &mut [u64], begun: &mut [Option<u64>]) {
    // The last line may be cut off by the kill.
    let mut words = line.strip_suffix('\n').unwrap_or_default().split(' ');
    let (Some(kind @ ("a" | "b")), Some(sector), Some(stamp)) =
        (words.next(), words.next(), words.next())
    else {
        return;
    };
    let (sector, stamp): (usize, u64) = (sector.parse().unwrap(), stamp.parse().unwrap());
    if kind == "b" {
        begun[sector] = Some(stamp);
    } else {
        safe[sector] = stamp;
        begun[sector] = None;
    }
}

fn check(volume: &Volume, safe: &mut [u64], begun: &[Option<u64>], round: u64) {
    let mut bytes = vec![0; (SECTORS * 512) as usize];
    volume.read_at(0, &mut bytes).unwrap();
    for (sector, content) in bytes.chunks(512).enumerate() {
        let found = u64::from_le_bytes(content[..8].try_into().unwrap());
        assert!(content.chunks(8).all(|w| w == &content[..8]), "sector {sector} is torn");
        let legal = found == safe[sector] || Some(found) == begun[sector];
        assert!(legal, "round {round}: sector {sector} is {found:x}, not {:x}", safe[sector]);
        safe[sector] = found;
    }
}
