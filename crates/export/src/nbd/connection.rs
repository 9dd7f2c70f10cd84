//! One client: a few threads that take turns at reading its requests.
//!
//! The thread in the *seat* reads one request, leaves the seat to the next thread and carries
//! the request out; so requests run side by side and no request changes threads. A request that
//! is likely to be quick is carried out in the seat when nothing else has arrived: with one
//! request at a time, as most guests have, no thread is ever woken for another.
//!
//! INVARIANT: at most [`REQUESTS_IN_FLIGHT_MAX`] threads and [`super::BYTES_IN_FLIGHT_MAX`] bytes.
//!
//! Next to read: `execution`.

use std::io::{self, BufReader, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use base::Clock;
use parking_lot::Mutex;

use super::budget::{BYTES_IN_FLIGHT_MAX, Budget, Loan};
use super::device::Device;
use super::execution::{READ_PIECE_BYTES, STATUS_BYTES_HELD};
use super::negotiation::Agreed;
use super::protocol::Errno;
use super::request::{Command, HEADER_BYTES, Request, WRITE_SKIP_MAX};

/// Most requests of one connection that are carried out at a time.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 16;

/// Requests are read from the socket in gulps of this many bytes; longer payloads go past it.
const GULP_BYTES: usize = 32 * 1024;
/// A payload buffer larger than this is given back after use.
const BUFFER_KEPT_BYTES: usize = 1024 * 1024;
/// Reads and writes up to this long may be carried out in the seat.
const QUICK_BYTES: u32 = 128 * 1024;
/// And only while the last ones took less than this on average.
const QUICK_NANOS: u64 = 60_000;

/// Counters of all connections of a server.
#[derive(Default)]
pub struct Counters {
    pub requests: AtomicU64,
    pub errors: AtomicU64,
    pub read_bytes: AtomicU64,
    pub written_bytes: AtomicU64,
    pub flushes: AtomicU64,
    /// Failures of the device itself.
    pub failures: AtomicU64,
}

/// What the threads of a connection share.
pub struct Connection {
    stream: Arc<UnixStream>,
    seat: Mutex<Seat>,
    writer: Mutex<()>,
    /// Threads that wait for the seat.
    waiting: AtomicUsize,
    threads: AtomicUsize,
    budget: Budget,
    /// How long the last short reads and writes took, as a moving average in nanoseconds.
    usual: AtomicU64,
    pub(super) device: Device,
    pub(super) size: u64,
    pub(super) agreed: Agreed,
    pub(super) counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
}

struct Seat {
    reader: BufReader<Socket>,
    over: bool,
}

/// A request that was read whole, and the memory it may use.
pub struct Job<'a> {
    pub request: Request,
    /// What it asks for, or why it is refused.
    pub command: Result<Command, Errno>,
    _loan: Loan<'a>,
}

impl Connection {
    /// Serves a client that has shaken hands, until it leaves or the socket is shut down.
    pub fn serve(
        stream: Arc<UnixStream>,
        device: Device,
        size: u64,
        agreed: Agreed,
        counters: Arc<Counters>,
        clock: Arc<dyn Clock>,
    ) {
        let reader = BufReader::with_capacity(GULP_BYTES, Socket(Arc::clone(&stream)));
        let connection = Self {
            stream,
            seat: Mutex::new(Seat { reader, over: false }),
            writer: Mutex::new(()),
            waiting: AtomicUsize::new(0),
            threads: AtomicUsize::new(1),
            budget: Budget::new(BYTES_IN_FLIGHT_MAX),
            usual: AtomicU64::new(QUICK_NANOS),
            device,
            size,
            agreed,
            counters,
            clock,
        };
        // The scope ends when the last thread has answered what it had taken on.
        std::thread::scope(|scope| connection.work(scope));
    }

    fn work<'scope>(&'scope self, scope: &'scope std::thread::Scope<'scope, '_>) {
        let mut buffer = Vec::new();
        loop {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            let mut seat = self.seat.lock();
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            loop {
                let Some(job) = self.next_job(&mut seat, &mut buffer) else {
                    seat.over = true;
                    return;
                };
                if self.likely_quick(&job) && seat.reader.buffer().is_empty() {
                    self.carry_out(&job, &mut buffer);
                    continue;
                }
                drop(seat);
                self.ensure_successor(scope);
                self.carry_out(&job, &mut buffer);
                break;
            }
            if buffer.len() > BUFFER_KEPT_BYTES {
                buffer = Vec::new();
            }
        }
    }

    /// Makes sure that some thread reads on while this one works.
    fn ensure_successor<'scope>(&'scope self, scope: &'scope std::thread::Scope<'scope, '_>) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return;
        }
        let more = |n: usize| (n < REQUESTS_IN_FLIGHT_MAX).then_some(n + 1);
        if self.threads.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            return;
        }
        let thread = std::thread::Builder::new().name("nbd".to_owned());
        if thread.spawn_scoped(scope, move || self.work(scope)).is_err() {
            // The host is out of threads: this one comes back to the seat when it is done.
            self.threads.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Reads one request with its payload. `None` ends the connection.
    fn next_job(&self, seat: &mut Seat, buffer: &mut Vec<u8>) -> Option<Job<'_>> {
        if seat.over {
            return None;
        }
        let mut header = [0; HEADER_BYTES];
        seat.reader.read_exact(&mut header).ok()?;
        let request = Request::parse(&header)?;
        let command = request.check(self.size, self.device.read_only(), self.agreed);
        if command == Ok(Command::Disconnect) {
            return None;
        }
        let payload = request.payload_bytes();
        if payload > WRITE_SKIP_MAX {
            return None;
        }
        if command.is_err() {
            // Its payload has to go by before the next request comes.
            let mut payload = (&mut seat.reader).take(u64::from(payload));
            let went_by = io::copy(&mut payload, &mut io::sink()).ok()?;
            let loan = self.budget.take(0);
            return (went_by == u64::from(request.payload_bytes())).then_some(Job {
                request,
                command,
                _loan: loan,
            });
        }
        let loan = self.budget.take(bytes_held(&request, command));
        if payload > 0 {
            seat.reader.read_exact(room(buffer, payload as usize)).ok()?;
        }
        Some(Job { request, command, _loan: loan })
    }

    /// Whether the request is likely done before the client could send another.
    fn likely_quick(&self, job: &Job<'_>) -> bool {
        match job.command {
            Ok(_) => is_short(job) && self.usual.load(Ordering::Relaxed) <= QUICK_NANOS,
            Err(_) => true,
        }
    }

    fn carry_out(&self, job: &Job<'_>, buffer: &mut Vec<u8>) {
        let began = self.clock.monotonic();
        if self.execute(job, buffer).is_err() {
            // The client is gone: wake whoever still reads from it.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        if is_short(job) {
            let took = self.clock.monotonic().saturating_sub(began).as_nanos();
            let took = u64::try_from(took).unwrap_or(u64::MAX).min(1 << 40);
            // Two threads may overwrite each other here; an estimate can bear that.
            let usual = self.usual.load(Ordering::Relaxed);
            self.usual.store((usual * 7 + took) / 8, Ordering::Relaxed);
        }
    }

    /// Sends the parts of one reply or chunk together.
    pub(super) fn send(&self, head: &[u8], body: &[u8]) -> io::Result<()> {
        let _turn = self.writer.lock();
        let mut parts = [IoSlice::new(head), IoSlice::new(body)];
        let mut parts = &mut parts[if head.is_empty() { 1 } else { 0 }..];
        let mut left = head.len() + body.len();
        while left > 0 {
            match (&*self.stream).write_vectored(parts) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => {
                    left -= sent;
                    IoSlice::advance_slices(&mut parts, sent);
                }
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }
}

/// Short, and nothing that waits for a disk by its nature.
fn is_short(job: &Job<'_>) -> bool {
    matches!(job.command, Ok(Command::Read { .. } | Command::Write { fua: false }))
        && job.request.length <= QUICK_BYTES
}

/// The memory that a request needs while it is carried out.
fn bytes_held(request: &Request, command: Result<Command, Errno>) -> usize {
    let length = request.length as usize;
    match command {
        Ok(Command::Write { .. } | Command::Read { whole: true }) => length,
        Ok(Command::Read { whole: false }) => length.min(READ_PIECE_BYTES),
        Ok(Command::BlockStatus { .. }) => STATUS_BYTES_HELD,
        _ => 0,
    }
}

/// The first `length` bytes of a buffer that only ever grows here.
pub(super) fn room(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    &mut buffer[..length]
}

/// A shared stream that can be read.
struct Socket(Arc<UnixStream>);

impl Read for Socket {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(out)
    }
}
