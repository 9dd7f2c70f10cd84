//! The process of one engine.
//!
//! INVARIANT: all that an engine has said is passed on before its end is.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use super::Inbound;
use super::keeper::Notice;
use crate::channel;
use crate::config::{ExportConfig, Subject};
use crate::engine::ENGINE_COMMAND;
use crate::error::Error;
use crate::message::{self, LINE_BYTES_MAX, Order};

/// The program that runs, even when another file has taken its path since.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// What every engine of this supervisor is given.
pub struct Resources {
    /// The configuration's wire form.
    pub config: Zeroizing<Vec<u8>>,
    /// Where guests connect.
    pub listener: OwnedFd,
    /// The export's lock.
    pub lock: OwnedFd,
}

impl Resources {
    /// Changes the capacity that engines are started with.
    pub fn set_capacity(&mut self, bytes: u64) {
        self.change(|config| {
            if let Subject::Volume(volume) = &mut config.subject {
                volume.capacity_bytes = volume.capacity_bytes.max(bytes);
            }
        });
    }

    /// Changes the share of the cache budget that engines are started with.
    pub fn set_cache(&mut self, bytes: u64) {
        self.change(|config| config.cache_bytes = bytes);
    }

    fn change(&mut self, change: impl FnOnce(&mut ExportConfig)) {
        // It was decoded before, and a number more or less does not make it too long.
        let Ok(mut config) = ExportConfig::decode(&self.config) else { return };
        change(&mut config);
        if let Ok(encoded) = config.encode() {
            self.config = encoded;
        }
    }
}

/// A running engine.
pub struct Engine {
    pid: u32,
    orders: OwnedWriteHalf,
    kill: Option<oneshot::Sender<()>>,
}

impl Engine {
    /// Starts an engine and passes on what it says.
    pub fn spawn(resources: &Resources, notices: mpsc::Sender<Inbound>) -> Result<Self, Error> {
        let start = || Error::io("start", "an engine");
        let (ours, theirs) = StdStream::pair().map_err(start())?;
        // It fits into the socket's buffer, so nobody has to read yet.
        let (listener, lock) = (resources.listener.as_fd(), resources.lock.as_fd());
        channel::send(&ours, &resources.config, listener, lock)?;
        ours.set_nonblocking(true).map_err(start())?;
        let (events, orders) = UnixStream::from_std(ours).map_err(start())?.into_split();

        // The same arguments but the last, which is the command.
        let mut arguments: Vec<_> = std::env::args_os().collect();
        arguments.pop();
        let mut command = Command::new(THIS_PROGRAM);
        if let Some((name, arguments)) = arguments.split_first() {
            command.arg0(name).args(arguments);
        }
        let child = command
            .arg(ENGINE_COMMAND)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()
            .map_err(start())?;
        let pid = child.id().unwrap_or_default();
        let (kill, killed) = oneshot::channel();
        tokio::spawn(watch(child, events, killed, notices));
        Ok(Self { pid, orders, kill: Some(kill) })
    }

    /// Its process id.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends an order. One that does not fit is lost: an engine that does not read is killed
    /// at its deadline.
    pub fn tell(&mut self, order: Order) {
        let _ = self.orders.try_write(&message::encode(&order));
    }

    /// Kills it; its end is told as any other.
    pub fn kill(&mut self) {
        if let Some(kill) = self.kill.take() {
            let _ = kill.send(());
        }
    }
}

async fn watch(
    mut child: Child,
    events: OwnedReadHalf,
    killed: oneshot::Receiver<()>,
    notices: mpsc::Sender<Inbound>,
) {
    // A dropped sender is no wish to kill.
    let killed = async {
        if killed.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::pin!(killed);
    let mut dying = false;
    tokio::select! {
        () = pass_on(events, &notices) => {}
        () = &mut killed => dying = true,
    }
    if dying {
        let _ = child.start_kill();
    }
    let status = tokio::select! {
        status = child.wait() => status,
        () = &mut killed, if !dying => {
            let _ = child.start_kill();
            child.wait().await
        }
    };
    let how = match status {
        Ok(status) => describe(status),
        Err(fault) => format!("its end could not be seen: {fault}"),
    };
    let _ = notices.send(Inbound::Notice(Notice::Exited { how })).await;
}

/// Passes events on until the engine closes its end or talks nonsense.
async fn pass_on(events: OwnedReadHalf, notices: &mpsc::Sender<Inbound>) {
    let mut events = BufReader::new(events);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = tokio::io::AsyncReadExt::take(&mut events, LINE_BYTES_MAX as u64);
        match bounded.read_until(b'\n', &mut line).await {
            Ok(read) if read > 0 && line.ends_with(b"\n") => {}
            _ => return,
        }
        let Ok(event) = message::decode(&line) else {
            tracing::warn!("the engine sent a line that is no event");
            continue;
        };
        if notices.send(Inbound::Notice(Notice::Event(event))).await.is_err() {
            return;
        }
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(number)) => format!("killed by signal {number}"),
        (None, None) => "ended".to_owned(),
    }
}
