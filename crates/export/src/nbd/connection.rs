//! One client: a few threads that take turns at reading its requests.
//!
//! The thread in the *seat* reads one request, leaves the seat to the next thread and carries
//! the request out; so requests run side by side and no request changes threads. Requests that
//! are likely to be quick are carried out in the seat, one after the other, and those that have
//! arrived together are answered together: no thread is ever woken for another, and many small
//! requests cost few calls of the system.
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
const GULP_BYTES: usize = 128 * 1024;
/// Answers wait for those of the next requests up to this many bytes.
const HELD_BYTES_MAX: usize = 128 * 1024;
/// An answer longer than this waits for nobody.
const HELD_ANSWER_MAX: usize = 16 * 1024;
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

/// What a thread keeps between requests.
#[derive(Default)]
pub struct Desk {
    /// Payload of the request at hand, or what is read for it.
    pub buffer: Vec<u8>,
    /// Answers that wait to be sent.
    held: Vec<u8>,
    /// Whether the next answer may wait.
    may_hold: bool,
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
        let mut desk = Desk::default();
        loop {
            self.waiting.fetch_add(1, Ordering::Relaxed);
            let mut seat = self.seat.lock();
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            loop {
                let Some(job) = self.next_job(&mut seat, &mut desk.buffer) else {
                    seat.over = true;
                    self.send_held(&mut desk);
                    return;
                };
                if self.likely_quick(&job) {
                    // The answer waits only for requests that are here whole.
                    desk.may_hold = is_whole(seat.reader.buffer());
                    self.carry_out(&job, &mut desk);
                    continue;
                }
                drop(seat);
                self.ensure_successor(scope);
                desk.may_hold = false;
                self.send_held(&mut desk);
                self.carry_out(&job, &mut desk);
                break;
            }
            if desk.buffer.len() > BUFFER_KEPT_BYTES {
                desk.buffer = Vec::new();
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

    fn carry_out(&self, job: &Job<'_>, desk: &mut Desk) {
        let began = self.clock.monotonic();
        if self.execute(job, desk).is_err() {
            self.hang_up();
        }
        if is_short(job) {
            let took = self.clock.monotonic().saturating_sub(began).as_nanos();
            let took = u64::try_from(took).unwrap_or(u64::MAX).min(1 << 40);
            // Two threads may overwrite each other here; an estimate can bear that.
            let usual = self.usual.load(Ordering::Relaxed);
            self.usual.store((usual * 7 + took) / 8, Ordering::Relaxed);
        }
    }

    /// The client is gone: wakes whoever still reads from it.
    fn hang_up(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn send_held(&self, desk: &mut Desk) {
        if !desk.held.is_empty() && self.send(&mut desk.held, &[], &[]).is_err() {
            self.hang_up();
        }
    }

    /// Sends the parts of one reply or chunk together, or keeps them for the next ones.
    pub(super) fn answer(&self, desk: &mut Desk, head: &[u8], body: Body) -> io::Result<()> {
        let Desk { buffer, held, may_hold } = desk;
        let body = buffer.get(..body.0).unwrap_or_default();
        let length = head.len() + body.len();
        if *may_hold && length <= HELD_ANSWER_MAX && held.len() + length <= HELD_BYTES_MAX {
            held.extend_from_slice(head);
            held.extend_from_slice(body);
            return Ok(());
        }
        self.send(held, head, body)
    }

    /// Sends what was held and then the parts. INVARIANT: replies and chunks are sent whole.
    fn send(&self, held: &mut Vec<u8>, head: &[u8], body: &[u8]) -> io::Result<()> {
        let _turn = self.writer.lock();
        let mut parts = [IoSlice::new(held), IoSlice::new(head), IoSlice::new(body)];
        let mut parts = &mut parts[..];
        let mut left = held.len() + head.len() + body.len();
        // Empty parts at the front are passed over.
        IoSlice::advance_slices(&mut parts, 0);
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
        held.clear();
        Ok(())
    }
}

/// So many bytes of the desk's buffer.
#[derive(Clone, Copy)]
pub(super) struct Body(pub usize);

/// Whether what has arrived holds a whole request.
fn is_whole(arrived: &[u8]) -> bool {
    let request = arrived.first_chunk().and_then(Request::parse);
    request.is_some_and(|r| arrived.len() - HEADER_BYTES >= r.payload_bytes() as usize)
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

#[cfg(test)]
mod tests {
    use super::super::protocol::{REQUEST_MAGIC, command};
    use super::*;

    #[test]
    fn an_answer_waits_only_for_a_request_that_is_here_whole() {
        let mut write = [0; HEADER_BYTES + 4];
        write[..4].copy_from_slice(&REQUEST_MAGIC.to_be_bytes());
        write[6..8].copy_from_slice(&command::WRITE.to_be_bytes());
        write[27] = 4;
        assert!(is_whole(&write));
        for length in 0..write.len() {
            assert!(!is_whole(&write[..length]), "{length}");
        }
        write[7] = command::READ as u8;
        assert!(is_whole(&write[..HEADER_BYTES]) && !is_whole(&write[..HEADER_BYTES - 1]));
        write[0] ^= 1;
        assert!(!is_whole(&write), "the end of the connection is no request");
    }
}
