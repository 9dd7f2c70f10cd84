//! A disk in memory, a server around it, and a client that can say anything.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base::SystemClock;
use blocks::{BlockDevice, BlockSource, Error, Extent};
use export::nbd::{Device, Export, HANDSHAKE_DEADLINE, Server};

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

pub mod code {
    pub const READ: u16 = 0;
    pub const WRITE: u16 = 1;
    pub const DISC: u16 = 2;
    pub const FLUSH: u16 = 3;
    pub const TRIM: u16 = 4;
    pub const WRITE_ZEROES: u16 = 6;
    pub const BLOCK_STATUS: u16 = 7;
}

/// A client that speaks the protocol by hand.
pub struct Client {
    pub stream: UnixStream,
    structured: bool,
    cookie: u64,
}

/// What came back for one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub error: u32,
    pub data: Vec<u8>,
    /// Lengths of the data chunks.
    pub pieces: Vec<usize>,
    /// Length and flags.
    pub extents: Vec<(u32, u32)>,
}

pub fn hello(stream: &mut UnixStream) {
    let mut hello = [0; 18];
    stream.read_exact(&mut hello).unwrap();
    assert_eq!(&hello[..16], b"NBDMAGICIHAVEOPT");
    stream.write_all(&3_u32.to_be_bytes()).unwrap();
}

pub fn send_option(stream: &mut UnixStream, code: u32, data: &[u8]) {
    stream.write_all(b"IHAVEOPT").unwrap();
    stream.write_all(&code.to_be_bytes()).unwrap();
    stream.write_all(&u32::try_from(data.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(data).unwrap();
}

/// Kind and payload of one reply to an option.
pub fn option_reply(stream: &mut UnixStream) -> (u32, Vec<u8>) {
    let mut head = [0; 20];
    stream.read_exact(&mut head).unwrap();
    let kind = u32::from_be_bytes(head[12..16].try_into().unwrap());
    let length = u32::from_be_bytes(head[16..20].try_into().unwrap());
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).unwrap();
    (kind, payload)
}

impl Client {
    pub fn go(stream: UnixStream, structured: bool) -> Self {
        Self::go_to(stream, structured, "disk")
    }

    pub fn go_to(mut stream: UnixStream, structured: bool, name: &str) -> Self {
        hello(&mut stream);
        if structured {
            send_option(&mut stream, 8, b"");
            assert_eq!(option_reply(&mut stream).0, 1);
            let context = b"\0\0\0\0\0\0\0\x01\0\0\0\x0fbase:allocation";
            send_option(&mut stream, 10, context);
            assert_eq!(option_reply(&mut stream).0, 4);
            assert_eq!(option_reply(&mut stream).0, 1);
        }
        let length = u32::try_from(name.len()).unwrap().to_be_bytes();
        send_option(&mut stream, 7, &[&length, name.as_bytes(), &[0, 0]].concat());
        while option_reply(&mut stream).0 != 1 {}
        Self { stream, structured, cookie: 0 }
    }

    /// As [`Self::go_to`], for servers that may die meanwhile.
    pub fn try_go(stream: UnixStream, name: &str) -> Option<Self> {
        let shaken = std::panic::AssertUnwindSafe(|| Self::go_to(stream, true, name));
        std::panic::catch_unwind(shaken).ok()
    }

    /// Sends a request and returns its cookie.
    pub fn send(&mut self, code: u16, flags: u16, offset: u64, length: u32, data: &[u8]) -> u64 {
        let (cookie, sent) = self.try_send(code, flags, offset, length, data);
        sent.unwrap();
        cookie
    }

    /// As [`Self::send`], for servers that may die meanwhile.
    pub fn try_send(
        &mut self,
        code: u16,
        flags: u16,
        offset: u64,
        length: u32,
        data: &[u8],
    ) -> (u64, std::io::Result<()>) {
        self.cookie += 1;
        let mut bytes = 0x2560_9513_u32.to_be_bytes().to_vec();
        bytes.extend_from_slice(&flags.to_be_bytes());
        bytes.extend_from_slice(&code.to_be_bytes());
        bytes.extend_from_slice(&self.cookie.to_be_bytes());
        bytes.extend_from_slice(&offset.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(data);
        (self.cookie, self.stream.write_all(&bytes))
    }

    /// Cookie and error of the next simple reply.
    pub fn try_receive(&mut self) -> std::io::Result<(u64, u32)> {
        let mut reply = [0; 16];
        self.stream.read_exact(&mut reply)?;
        assert_eq!(reply[..4], 0x6744_6698_u32.to_be_bytes());
        let error = u32::from_be_bytes(reply[4..8].try_into().unwrap());
        Ok((u64::from_be_bytes(reply[8..].try_into().unwrap()), error))
    }

    fn number<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Reads one whole reply; `data` is the length that a simple reply carries on success.
    pub fn receive(&mut self, data: usize) -> (u64, Answer) {
        let mut answer = Answer::default();
        loop {
            match u32::from_be_bytes(self.number()) {
                0x6744_6698 => {
                    answer.error = u32::from_be_bytes(self.number());
                    let cookie = u64::from_be_bytes(self.number());
                    if answer.error == 0 && !self.structured {
                        answer.data = self.bytes(data);
                    }
                    return (cookie, answer);
                }
                0x668e_33ef => {
                    let flags = u16::from_be_bytes(self.number());
                    let kind = u16::from_be_bytes(self.number());
                    let cookie = u64::from_be_bytes(self.number());
                    let length = u32::from_be_bytes(self.number()) as usize;
                    let payload = self.bytes(length);
                    match kind {
                        0 => {}
                        1 => {
                            answer.pieces.push(length - 8);
                            answer.data.extend_from_slice(&payload[8..]);
                        }
                        5 => {
                            let pair = |p: &[u8]| {
                                let n = |b: &[u8]| u32::from_be_bytes(b.try_into().unwrap());
                                (n(&p[..4]), n(&p[4..]))
                            };
                            answer.extents = payload[4..].chunks(8).map(pair).collect();
                        }
                        _ => {
                            answer.error = u32::from_be_bytes(payload[..4].try_into().unwrap());
                        }
                    }
                    if flags & 1 != 0 {
                        return (cookie, answer);
                    }
                }
                other => panic!("magic {other:x}"),
            }
        }
    }

    pub fn ask(&mut self, code: u16, flags: u16, offset: u64, length: u32) -> Answer {
        let cookie = self.send(code, flags, offset, length, b"");
        let (answered, answer) = self.receive(length as usize);
        assert_eq!(answered, cookie);
        answer
    }

    pub fn write(&mut self, flags: u16, offset: u64, data: &[u8]) -> u32 {
        let length = u32::try_from(data.len()).unwrap();
        let cookie = self.send(code::WRITE, flags, offset, length, data);
        let (answered, answer) = self.receive(0);
        assert_eq!(answered, cookie);
        answer.error
    }

    /// Whether the server has closed the connection.
    pub fn is_closed(&mut self) -> bool {
        !matches!(self.stream.read(&mut [0; 1]), Ok(1))
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
