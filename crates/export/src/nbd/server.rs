//! Listens, counts connections, and ends them all in order.
//!
//! It refuses to know who made the listening socket. INVARIANT: when [`Server::stop`] has
//! returned, no thread of a client touches the device any more.
//!
//! Next to read: `handshake`, `connection`.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::Clock;
use parking_lot::{Condvar, Mutex};
use rustix::event::{PollFd, PollFlags, poll};

use super::connection::{Connection, Counters};
use super::device::Export;
use super::handshake::{HANDSHAKE_DEADLINE, shake_hands};
use super::negotiation::{NAME_BYTES_MAX, Offer};
use crate::error::Error;
use crate::message::Stats;

/// Most connections at a time; a further one is closed at once.
pub const CONNECTIONS_MAX: usize = 16;

/// After a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An NBD server of one export.
pub struct Server {
    shared: Arc<Shared>,
    /// Its peer in `shared` wakes the listening thread.
    wake: UnixStream,
}

struct Shared {
    export: Export,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    handshake_deadline: Duration,
    woken: UnixStream,
    clients: Mutex<Clients>,
    changed: Condvar,
}

#[derive(Default)]
struct Clients {
    stopping: bool,
    next: u64,
    open: BTreeMap<u64, Arc<UnixStream>>,
}

impl Server {
    /// A server that does not listen yet.
    ///
    /// # Errors
    /// When the export's name is too long or the host is out of file descriptors.
    pub fn new(export: Export, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::with_handshake_deadline(export, clock, HANDSHAKE_DEADLINE)
    }

    /// As [`Self::new`], with another time limit for handshakes.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_handshake_deadline(
        export: Export,
        clock: Arc<dyn Clock>,
        handshake_deadline: Duration,
    ) -> Result<Self, Error> {
        if export.name.len() > NAME_BYTES_MAX || export.description.len() > NAME_BYTES_MAX {
            return Err(Error::Config { what: "the export's name is too long".to_owned() });
        }
        let (wake, woken) = UnixStream::pair().map_err(Error::io("make", "a socket pair"))?;
        let shared = Shared {
            export,
            clock,
            counters: Arc::default(),
            handshake_deadline,
            woken,
            clients: Mutex::default(),
            changed: Condvar::new(),
        };
        Ok(Self { shared: Arc::new(shared), wake })
    }

    /// Accepts clients until [`Self::stop`]; blocks its thread meanwhile.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub fn serve(&self, listener: &UnixListener) -> Result<(), Error> {
        // A client that hangs up between poll and accept must not block us.
        listener.set_nonblocking(true).map_err(Error::io("use", "the listening socket"))?;
        loop {
            let mut fds = [
                PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.shared.woken.as_fd(), PollFlags::IN),
            ];
            match poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(fault) => return Err(Error::io("poll", "the listening socket")(fault.into())),
            }
            if self.shared.clients.lock().stopping {
                return Ok(());
            }
            match listener.accept() {
                Ok((stream, _)) => Shared::admit(&self.shared, stream),
                Err(fault) => match fault.kind() {
                    std::io::ErrorKind::WouldBlock
                    | std::io::ErrorKind::Interrupted
                    | std::io::ErrorKind::ConnectionAborted => {}
                    _ => std::thread::sleep(ACCEPT_PAUSE),
                },
            }
        }
    }

    /// Serves one client on this thread, until it leaves.
    pub(crate) fn attend(&self, client: UnixStream) {
        self.shared.attend(Arc::new(client));
    }

    /// Takes no more requests, answers those that have arrived and closes every connection.
    /// What is not done within `drain` loses its connection first. Returns whether all went
    /// in order.
    pub fn stop(&self, drain: Duration) -> bool {
        self.shared.clients.lock().stopping = true;
        // Fails only when a byte is waiting already.
        let _ = self.wake.set_nonblocking(true);
        let _ = std::io::Write::write(&mut &self.wake, &[0]);
        self.end_connections(drain)
    }

    /// Closes the connections that there are; new ones are welcome. Clients that connect again
    /// see the size that the device has then.
    pub fn reconnect(&self, drain: Duration) -> bool {
        self.end_connections(drain)
    }

    fn end_connections(&self, drain: Duration) -> bool {
        let shared = &*self.shared;
        let mut clients = shared.clients.lock();
        let old = clients.next;
        // Requests that have arrived are still read and answered; then comes the end.
        clients.open.values().for_each(|stream| drop(stream.shutdown(Shutdown::Read)));
        let until = shared.clock.monotonic() + drain;
        let mut in_order = true;
        while clients.open.range(..old).next().is_some() {
            let left = until.saturating_sub(shared.clock.monotonic());
            if left.is_zero() && in_order {
                in_order = false;
                let late = clients.open.range(..old);
                late.for_each(|(_, stream)| drop(stream.shutdown(Shutdown::Both)));
            }
            if in_order {
                shared.changed.wait_for(&mut clients, left);
            } else {
                shared.changed.wait(&mut clients);
            }
        }
        in_order
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let counters = &self.shared.counters;
        Stats {
            connections: self.shared.clients.lock().open.len() as u64,
            requests: counters.requests.load(Ordering::Relaxed),
            errors: counters.errors.load(Ordering::Relaxed),
            read_bytes: counters.read_bytes.load(Ordering::Relaxed),
            written_bytes: counters.written_bytes.load(Ordering::Relaxed),
            flushes: counters.flushes.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    fn admit(shared: &Arc<Self>, stream: UnixStream) {
        // The listener's mode is not inherited on Linux; this costs nothing and is sure.
        if stream.set_nonblocking(false).is_err() {
            return;
        }
        let stream = Arc::new(stream);
        let number = {
            let mut clients = shared.clients.lock();
            if clients.stopping || clients.open.len() >= CONNECTIONS_MAX {
                tracing::warn!(open = clients.open.len(), "a connection was refused");
                return;
            }
            let number = clients.next;
            clients.next += 1;
            clients.open.insert(number, Arc::clone(&stream));
            number
        };
        let leaving = Leaving { shared: Arc::clone(shared), number };
        let thread = std::thread::Builder::new().name("nbd".to_owned());
        // A thread that cannot be started drops `leaving`, which closes the connection.
        let _ = thread.spawn(move || leaving.shared.attend(stream));
    }

    fn attend(&self, stream: Arc<UnixStream>) {
        let device = self.export.device.clone();
        let size = device.size();
        let offer = Offer {
            name: &self.export.name,
            description: &self.export.description,
            size,
            read_only: device.read_only(),
        };
        let shaken = shake_hands(&stream, &offer, &*self.clock, self.handshake_deadline);
        if let Ok(Some(agreed)) = shaken {
            let (counters, clock) = (Arc::clone(&self.counters), Arc::clone(&self.clock));
            Connection::serve(stream, device, size, agreed, counters, clock);
        }
    }
}

/// Takes a connection off the list when its thread ends, however it ends.
struct Leaving {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let stream = self.shared.clients.lock().open.remove(&self.number);
        if let Some(stream) = stream {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.shared.changed.notify_all();
    }
}
