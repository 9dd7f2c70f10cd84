//! The process that serves one volume or image: opens it, speaks NBD, closes it.
//!
//! It refuses to know who wants it: its configuration, the listening socket and its orders come
//! over standard input, which is a socket. INVARIANT: it leaves when its supervisor does, and
//! by a clean close unless it is killed.
//!
//! Next to read: `opening`, `nbd`.

mod opening;

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream as StdStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, SystemClock};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use self::opening::Opened;
use crate::channel;
use crate::config::ExportConfig;
use crate::error::Error;
use crate::message::{self, Event, LINE_BYTES_MAX, Order};
use crate::nbd::Server;
use crate::process::{abort_on_panic, log_to_stderr, protect_memory};

/// The hidden command that runs [`main`]; it has to be the last argument.
pub const ENGINE_COMMAND: &str = "volume-engine";
/// How long requests that have arrived may take when the engine is told to stop.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
/// How often an engine looks whether its guests are idle.
const IDLE_LOOK: Duration = Duration::from_secs(1);
/// So many sums are made in one go while guests are idle: of 64 MiB, about 30 ms.
const IDLE_SUMS: u64 = 1024;

/// Runs an engine with the orders that come over standard input, until it is told to stop.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the engine gives up");
            ExitCode::FAILURE
        }
    }
}

/// True when the layer was closed cleanly.
fn run() -> Result<bool, Error> {
    log_to_stderr();
    protect_memory()?;
    abort_on_panic();
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    let channel = StdStream::from(input.map_err(Error::io("use", "standard input"))?);
    let orders = channel::receive(&channel)?;
    // Held until the process ends.
    let _lock = orders.lock;
    let listener = UnixListener::from(orders.listener);
    let config = ExportConfig::decode(&orders.config)?;
    drop(orders.config);

    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let opened = match opening::open(&config) {
        Ok(opened) => opened,
        Err(error) => {
            say(&channel, &opening::failure(&error));
            return Err(error);
        }
    };
    // The layer holds what it needs; no key stays here.
    let name = config.id.clone();
    drop(config);
    let server = Arc::new(Server::new(opened.export(name), clock)?);
    let (ended, listening_ended) = oneshot::channel();
    let listening = Arc::clone(&server);
    std::thread::Builder::new()
        .name("listen".to_owned())
        .spawn(move || drop(ended.send(listening.serve(&listener))))
        .map_err(Error::io("start", "a thread"))?;
    say(&channel, &opened.ready());

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::io("start", "the runtime"))?;
    let reason = runtime.block_on(attend(&channel, &server, &opened, listening_ended))?;
    tracing::info!(reason, "the engine closes");
    let closed = close(&server, &opened);
    let (clean, reason) = match &closed {
        Ok(()) => (true, String::new()),
        Err(error) => (false, base::error_chain(error)),
    };
    say(&channel, &Event::Closed { clean, reason });
    closed.map(|()| true)
}

/// Does what it is told until it has to leave; returns why.
async fn attend(
    channel: &StdStream,
    server: &Arc<Server>,
    opened: &Opened,
    mut listening_ended: oneshot::Receiver<Result<(), Error>>,
) -> Result<&'static str, Error> {
    let failed = || Error::io("use", "the supervisor's channel");
    let reading = channel.try_clone().map_err(failed())?;
    reading.set_nonblocking(true).map_err(failed())?;
    let mut orders = BufReader::new(UnixStream::from_std(reading).map_err(failed())?);
    let mut terminate =
        signal(SignalKind::terminate()).map_err(Error::io("watch for", "SIGTERM"))?;
    let mut requests = server.stats().requests;
    // Lives outside the loop: a read that is interrupted keeps what it has.
    let mut line = Vec::new();
    loop {
        let left = (LINE_BYTES_MAX - line.len()) as u64;
        let mut bounded = (&mut orders).take(left);
        tokio::select! {
            read = bounded.read_until(b'\n', &mut line) => {
                if read.map_err(failed())? == 0 || !line.ends_with(b"\n") {
                    return Ok("the supervisor is gone");
                }
                match message::decode(&line) {
                    Ok(Order::Stop) => return Ok("told to stop"),
                    Ok(Order::Stats) => say(channel, &Event::Stats(server.stats())),
                    Ok(Order::Cache { bytes }) => opened.set_cache(bytes),
                    Ok(Order::Grow { capacity_bytes }) => {
                        let refused = grow(server, opened, capacity_bytes).err();
                        let refused = refused.map(|error| base::error_chain(&error));
                        say(channel, &Event::Grown { refused });
                    }
                    Err(_) => tracing::warn!("an order that is none"),
                }
                line.clear();
            }
            _ = terminate.recv() => return Ok("SIGTERM"),
            ended = &mut listening_ended => {
                return match ended {
                    Ok(Err(error)) => Err(error),
                    _ => Ok("the listening thread ended"),
                };
            }
            () = tokio::time::sleep(IDLE_LOOK) => {
                let now = server.stats().requests;
                if now == requests {
                    opened.maintain(IDLE_SUMS);
                }
                requests = now;
            }
        }
    }
}

/// Grows the volume. Clients learn sizes when they connect, so those at hand are ended.
fn grow(server: &Server, opened: &Opened, capacity_bytes: u64) -> Result<(), Error> {
    opened.grow(capacity_bytes)?;
    if !server.reconnect(DRAIN_DEADLINE) {
        tracing::warn!("a client did not take its answers in time");
    }
    Ok(())
}

fn close(server: &Server, opened: &Opened) -> Result<(), Error> {
    if !server.stop(DRAIN_DEADLINE) {
        tracing::warn!("a client did not take its answers in time");
    }
    opened.close()
}

/// Tells the supervisor. Fails only when that is gone, which `attend` sees too.
fn say(mut channel: &StdStream, event: &Event) {
    let line = message::encode(event);
    // The descriptor's mode is shared with the reading side: wait for room by hand.
    let mut rest = &line[..];
    while !rest.is_empty() {
        match channel.write(rest) {
            Ok(0) => return,
            Ok(sent) => rest = &rest[sent..],
            Err(fault) if fault.kind() == std::io::ErrorKind::WouldBlock => {
                let out = rustix::event::PollFlags::OUT;
                let mut fds = [rustix::event::PollFd::new(&channel, out)];
                if rustix::event::poll(&mut fds, None).is_err() {
                    return;
                }
            }
            Err(fault) if fault.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
