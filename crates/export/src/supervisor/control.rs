//! The control socket: one question and one answer per connection.
//!
//! INVARIANT: only processes of the same user (or root) are heard; a caller that is slow or
//! talks too much costs a task and [`LINE_BYTES_MAX`] bytes, of which there are
//! [`CALLERS_MAX`].

use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Inbound;
use crate::error::Error;
use crate::message::{self, LINE_BYTES_MAX, Reply};

/// Most questions at a time.
pub const CALLERS_MAX: u32 = 16;
/// How long a caller may take to send its question or take its answer.
pub const CALLER_DEADLINE: Duration = Duration::from_secs(5);
/// After a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The tasks of the callers.
pub struct Callers {
    listening: JoinHandle<()>,
    seats: Arc<Semaphore>,
}

impl Callers {
    /// Hears callers until dropped or finished.
    pub fn listen(socket: StdListener, inbox: mpsc::Sender<Inbound>) -> Result<Self, Error> {
        let socket =
            UnixListener::from_std(socket).map_err(Error::io("use", "the control socket"))?;
        let seats = Arc::new(Semaphore::new(CALLERS_MAX as usize));
        let listening = tokio::spawn(accept(socket, inbox, Arc::clone(&seats)));
        Ok(Self { listening, seats })
    }

    /// Waits until every caller has its answer.
    pub async fn finish(&mut self) {
        self.listening.abort();
        let _ = self.seats.acquire_many(CALLERS_MAX).await;
    }
}

async fn accept(socket: UnixListener, inbox: mpsc::Sender<Inbound>, seats: Arc<Semaphore>) {
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        match socket.accept().await {
            Ok((stream, _)) => {
                let inbox = inbox.clone();
                tokio::spawn(async move {
                    if let Err(error) = attend(stream, inbox).await {
                        tracing::debug!(error = &error as &dyn std::error::Error, "a caller left");
                    }
                    drop(seat);
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn attend(mut stream: UnixStream, inbox: mpsc::Sender<Inbound>) -> Result<(), Error> {
    let failed = || Error::io("use", "a control connection");
    let peer = stream.peer_cred().map_err(failed())?;
    let ours = rustix::process::geteuid().as_raw();
    if peer.uid() != ours && peer.uid() != 0 {
        return Err(Error::Protocol { what: "a caller of another user" });
    }
    let late = |_| Error::Deadline { what: "a caller's question", limit: CALLER_DEADLINE };
    let mut line = Vec::new();
    let mut reader = BufReader::new(&mut stream).take(LINE_BYTES_MAX as u64);
    timeout(CALLER_DEADLINE, reader.read_until(b'\n', &mut line))
        .await
        .map_err(late)?
        .map_err(failed())?;
    let reply = match message::decode(&line) {
        Ok(ask) => {
            let (reply, answer) = oneshot::channel();
            let gone = || Error::Protocol { what: "the supervisor is leaving" };
            inbox.send(Inbound::Asked(ask, reply)).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        }
        Err(error) => Reply::Refused { reason: error.to_string() },
    };
    timeout(CALLER_DEADLINE, stream.write_all(&message::encode(&reply)))
        .await
        .map_err(late)?
        .map_err(failed())
}
