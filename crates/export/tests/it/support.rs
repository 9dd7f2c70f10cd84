//! A disk in memory and a server around it.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base::SystemClock;
use blocks::{BlockDevice, BlockSource, Error, Extent};
use export::nbd::{Device, Export, HANDSHAKE_DEADLINE, Server};

use crate::client::Client;

pub const BLOCK: usize = 4096;

/// What the next call of the disk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    NoSpace,
    Corrupt,
}

pub struct MemoryDisk {
    bytes: Mutex<Vec<u8>>,
    used: Mutex<Vec<bool>>,
    pub fault: Mutex<Option<(Fault, u64)>>,
    /// Flushes wait while it is closed.
    gate: Mutex<bool>,
    opened: Condvar,
    pub waiting: AtomicU64,
    pub flushes: AtomicU64,
    pub fua: AtomicU64,
}

impl MemoryDisk {
    pub fn new(size: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes: Mutex::new(vec![0; size]),
            used: Mutex::new(vec![false; size.div_ceil(BLOCK)]),
            fault: Mutex::default(),
            gate: Mutex::new(true),
            opened: Condvar::new(),
            waiting: AtomicU64::new(0),
            flushes: AtomicU64::new(0),
            fua: AtomicU64::new(0),
        })
    }

    pub fn close_gate(&self) {
        *self.gate.lock().unwrap() = false;
    }

    pub fn open_gate(&self) {
        *self.gate.lock().unwrap() = true;
        self.opened.notify_all();
    }

    /// Calls past the fault's offset fail.
    pub fn fail(&self, fault: Fault, from: u64) {
        *self.fault.lock().unwrap() = Some((fault, from));
    }

    pub fn content(&self, offset: usize, length: usize) -> Vec<u8> {
        self.bytes.lock().unwrap()[offset..offset + length].to_vec()
    }

    fn check(&self, offset: u64, length: u64) -> Result<(), Error> {
        match *self.fault.lock().unwrap() {
            Some((fault, from)) if offset + length > from => Err(match fault {
                Fault::NoSpace => Error::NoSpace { doing: "writing" },
                Fault::Corrupt => Error::Corrupt { what: "chunk", name: "7".into(), why: "hash" },
            }),
            _ => Ok(()),
        }
    }
}

impl BlockSource for MemoryDisk {
    fn size(&self) -> u64 {
        self.bytes.lock().unwrap().len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.check(offset, out.len() as u64)?;
        let offset = offset as usize;
        out.copy_from_slice(&self.bytes.lock().unwrap()[offset..offset + out.len()]);
        Ok(())
    }

    fn extents(&self, offset: u64, length: u64) -> Result<Vec<Extent>, Error> {
        let used = self.used.lock().unwrap();
        let (mut at, end) = (offset as usize, (offset + length) as usize);
        let mut extents = Vec::new();
        while at < end {
            let next = ((at / BLOCK + 1) * BLOCK).min(end);
            let hole = !used[at / BLOCK];
            extents.push(Extent { length: (next - at) as u64, zero: hole, hole });
            at = next;
        }
        Ok(extents)
    }
}

impl BlockDevice for MemoryDisk {
    fn write_at(&self, offset: u64, data: &[u8], fua: bool) -> Result<(), Error> {
        self.check(offset, data.len() as u64)?;
        let offset = offset as usize;
        self.bytes.lock().unwrap()[offset..offset + data.len()].copy_from_slice(data);
        if !data.is_empty() {
            let blocks = offset / BLOCK..=(offset + data.len() - 1) / BLOCK;
            self.used.lock().unwrap()[blocks].fill(true);
        }
        self.fua.fetch_add(u64::from(fua), Ordering::SeqCst);
        Ok(())
    }

    fn flush(&self) -> Result<(), Error> {
        let mut open = self.gate.lock().unwrap();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        while !*open {
            open = self.opened.wait(open).unwrap();
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        self.flushes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn write_zeroes(&self, offset: u64, length: u64, keep: bool, fua: bool) -> Result<(), Error> {
        self.check(offset, length)?;
        let (from, to) = (offset as usize, (offset + length) as usize);
        self.bytes.lock().unwrap()[from..to].fill(0);
        let inner = from.div_ceil(BLOCK)..to / BLOCK;
        if inner.start < inner.end {
            self.used.lock().unwrap()[inner].fill(keep);
        }
        self.fua.fetch_add(u64::from(fua), Ordering::SeqCst);
        Ok(())
    }
}

/// A server on a socket of its own; stops when dropped.
pub struct Running {
    pub server: Arc<Server>,
    pub socket: PathBuf,
    thread: Option<std::thread::JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

impl Running {
    pub fn new(device: Device) -> Self {
        Self::with_deadline(device, HANDSHAKE_DEADLINE)
    }

    pub fn writable(disk: &Arc<MemoryDisk>) -> Self {
        Self::new(Device::Writable(Arc::clone(disk) as Arc<dyn BlockDevice>))
    }

    pub fn with_deadline(device: Device, deadline: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("nbd");
        let listener = UnixListener::bind(&socket).unwrap();
        let export = Export { name: "disk".into(), description: "in memory".into(), device };
        let clock = Arc::new(SystemClock::new());
        let server = Arc::new(Server::with_handshake_deadline(export, clock, deadline).unwrap());
        let serving = Arc::clone(&server);
        let thread = std::thread::spawn(move || serving.serve(&listener).unwrap());
        Self { server, socket, thread: Some(thread), _dir: dir }
    }

    pub fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).unwrap();
        // A test that waits for ever says less than one that fails.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Whether nobody listens any more.
    pub fn is_deaf(&self) -> bool {
        UnixStream::connect(&self.socket).is_err()
    }

    pub fn client(&self) -> Client {
        Client::go(self.connect(), true)
    }

    pub fn url(&self) -> String {
        format!("nbd+unix:///disk?socket={}", self.socket.display())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.stop(Duration::from_secs(1));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Waits for something that another thread does; says what when it never happens.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{what} did not happen");
}

pub fn pattern(seed: u64, length: usize) -> Vec<u8> {
    use base::Entropy;
    let mut bytes = vec![0; length];
    base::SeededEntropy::new(seed).fill(&mut bytes);
    bytes
}
