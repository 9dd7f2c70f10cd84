//! Two operations that meet at one block, held at the worst moment.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use blocks::layer::sim::{SimDir, SimRun};
use blocks::layer::{DiskDir, DiskFile, Host, Volume};
use blocks::{BlockDevice, BlockSource, Error, Extent};
use parking_lot::Mutex;

use crate::layer_rig::{PatternBase, content, spec};

/// How long a second operation gets to overtake the first, which it must not.
const OVERTAKE: Duration = Duration::from_millis(50);

/// Holds whoever comes first, once, until it is let go.
struct Gate {
    armed: AtomicBool,
    entered: Mutex<Sender<()>>,
    go: Mutex<Receiver<()>>,
}

impl Gate {
    fn new() -> (Arc<Self>, Receiver<()>, Sender<()>) {
        let (entered, was_entered) = channel();
        let (let_go, go) = channel();
        let armed = AtomicBool::new(false);
        let gate = Self { armed, entered: Mutex::new(entered), go: Mutex::new(go) };
        (Arc::new(gate), was_entered, let_go)
    }

    fn pass(&self) {
        if self.armed.swap(false, Ordering::SeqCst) {
            assert!(self.entered.lock().send(()).is_ok());
            assert!(self.go.lock().recv().is_ok());
        }
    }
}

struct GatedBase(PatternBase, Arc<Gate>);

impl BlockSource for GatedBase {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.0.read_at(offset, out)?;
        self.1.pass();
        Ok(())
    }

    fn extents(&self, offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        self.0.extents(offset, length)
    }
}

/// A folder whose data file holds its readers before they read.
struct GatedDir(SimDir, Arc<Gate>);

struct GatedFile(Arc<dyn DiskFile>, Arc<Gate>);

impl DiskDir for GatedDir {
    fn name(&self) -> String {
        self.0.name()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.0.open(name)?;
        if name.ends_with(".data") {
            return Ok(Arc::new(GatedFile(file, Arc::clone(&self.1))));
        }
        Ok(file)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.0.create(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

impl DiskFile for GatedFile {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        self.1.pass();
        self.0.read_at(offset, out)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        self.0.write_at(offset, data)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn punch(&self, offset: u64, length: u64) -> io::Result<()> {
        self.0.punch(offset, length)
    }

    fn allocated(&self) -> io::Result<u64> {
        self.0.allocated()
    }

    fn forget_cache(&self) -> io::Result<()> {
        self.0.forget_cache()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.0.try_lock()
    }
}

fn volume(gate: &Arc<Gate>) -> Volume {
    let dir = GatedDir(SimDir::new(1), Arc::clone(gate));
    let host = Host::new(Arc::new(dir), Arc::new(SimRun::new(1)));
    let base = GatedBase(PatternBase(1 << 16), Arc::clone(gate));
    match Volume::create_on(&host, &spec(1 << 16), Arc::new(base)) {
        Ok(volume) => volume,
        Err(error) => panic!("{error}"),
    }
}

/// Starts `first` and holds it at the gate, lets `second` try to overtake, then lets go.
fn meet(
    gate: &Gate,
    entered: &Receiver<()>,
    let_go: &Sender<()>,
    first: impl FnOnce() + Send,
    second: impl FnOnce() + Send,
) {
    let (done, is_done) = channel();
    std::thread::scope(|scope| {
        gate.armed.store(true, Ordering::SeqCst);
        scope.spawn(first);
        assert!(entered.recv().is_ok());
        scope.spawn(move || {
            second();
            assert!(done.send(()).is_ok());
        });
        // Whether it overtakes or waits, what holds afterwards is the same.
        let _ = is_done.recv_timeout(OVERTAKE);
        assert!(let_go.send(()).is_ok());
    });
}

/// Invariant 4: two small writes into one absent block, the first held after it read the base.
#[test]
fn a_small_write_held_while_it_fills_its_block_up_undoes_no_other() {
    let (gate, entered, let_go) = Gate::new();
    let volume = volume(&gate);
    let mut expected = content(&volume);
    let first = || volume.write_at(4096, &[1; 100], false).unwrap();
    let second = || volume.write_at(4096 + 300, &[2; 100], false).unwrap();
    meet(&gate, &entered, &let_go, first, second);
    expected[4096..4196].fill(1);
    expected[4396..4496].fill(2);
    assert!(content(&volume) == expected);
}

/// Invariant 4: as above, but the second replaces the whole block.
#[test]
fn a_small_write_held_while_it_fills_its_block_up_undoes_no_whole_block() {
    let (gate, entered, let_go) = Gate::new();
    let volume = volume(&gate);
    let first = || volume.write_at(4096, &[1; 100], false).unwrap();
    let second = || volume.write_at(4096, &[2; 4096], false).unwrap();
    meet(&gate, &entered, &let_go, first, second);
    let bytes = content(&volume);
    assert!(bytes[4196..8192].iter().all(|b| *b == 2));
}

/// Invariant 3: a reader held before it reads a present block, while that is discarded and its
/// hole punched, sees the old bytes or zeros, never a decrypted hole.
#[test]
fn a_reader_never_decrypts_a_hole_that_is_punched_under_it() {
    let (gate, entered, let_go) = Gate::new();
    let volume = volume(&gate);
    volume.write_at(4096, &[7; 4096], true).unwrap();
    let out = Mutex::new(vec![0xee; 4096]);
    let first = || volume.read_at(4096, &mut out.lock()).unwrap();
    let second = || {
        volume.discard(4096, 4096).unwrap();
        volume.flush().unwrap();
    };
    meet(&gate, &entered, &let_go, first, second);
    let out = out.into_inner();
    assert!(out.iter().all(|b| *b == 7) || out.iter().all(|b| *b == 0), "{:x?}", &out[..16]);
    assert!(content(&volume)[4096..8192].iter().all(|b| *b == 0));
}
