//! The process that keeps an export alive: it holds the listening socket and the
//! configuration, starts engines and answers on a control socket.
//!
//! It refuses to know blocks and NBD. It has a session of its own, so that it outlives the
//! server. INVARIANT: while it or its engine lives, the export's lock is held.
//!
//! Next to read: `keeper` (what it decides), `child` (the engine's process), `control` (who
//! asks).

mod child;
mod control;
mod keeper;

use std::collections::HashMap;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use base::{Clock, SystemClock};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use zeroize::Zeroizing;

pub use self::keeper::{GROW_DEADLINE, HEALTHY_AFTER, OPEN_TRIES, PAUSE_FIRST, PAUSE_MAX};

use self::child::Engine;
use self::keeper::{Effect, Facts, Keeper, Notice, Token};
use crate::config::{CONFIG_BYTES_MAX, ExportConfig};
use crate::error::Error;
use crate::message::{self, LINE_BYTES_MAX, Reply};
use crate::paths::ExportPaths;
use crate::process::{log_to_stderr, protect_memory};

/// The hidden command that runs [`main`]; it has to be the last argument.
pub const SUPERVISOR_COMMAND: &str = "volume-supervisor";
/// What a supervisor answers when its sockets are there.
pub(crate) const READY_LINE: &[u8] = b"supervisor ready\n";
/// How long a supervisor waits for the processes of the one before it.
pub const LOCK_DEADLINE: Duration = Duration::from_secs(15);
/// How long a clean close may take when the host sends SIGTERM.
pub const TERMINATE_DEADLINE: Duration = Duration::from_secs(20);

const LOCK_LOOK: Duration = Duration::from_millis(10);
/// How long the last answers may take to be read.
const FAREWELL: Duration = Duration::from_secs(1);
/// Notices that wait to be taken in.
const NOTICES: usize = 32;

/// First line on a supervisor's standard input, which is a socket; the export's configuration
/// follows it, then the end.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Launch {
    /// Folder of the sockets.
    pub run_dir: PathBuf,
}

/// Runs a supervisor with the launch line and the configuration from standard input, until it
/// is told to stop.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever started it shows this text; the chain is in the log.
            eprintln!("{}", base::error_chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    log_to_stderr();
    protect_memory()?;
    // It fails for the leader of a session, which has what it wants already.
    let _ = rustix::process::setsid();
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let mut starter = UnixStream::from(stdin.map_err(Error::io("use", "standard input"))?);
    let mut input = BufReader::new(&starter).take((LINE_BYTES_MAX + CONFIG_BYTES_MAX) as u64);
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line).map_err(Error::io("read", "standard input"))?;
    let launch: Launch = message::decode(&line)?;
    let mut config = Zeroizing::new(Vec::with_capacity(LINE_BYTES_MAX + CONFIG_BYTES_MAX));
    input.read_to_end(&mut config).map_err(Error::io("read", "standard input"))?;
    drop(input);
    let parsed = ExportConfig::decode(&config)?;
    let (id, generation, serves) = (parsed.id.clone(), parsed.generation(), parsed.identity());
    drop(parsed);

    let clock = SystemClock::new();
    let paths = ExportPaths::new(&launch.run_dir, &id)?;
    let lock = take_lock(&paths.lock, &clock)?;
    // Never closed by us: who gets the lock may take it that this process has ended.
    std::mem::forget(lock.try_clone().map_err(Error::io("keep", "the lock of an export"))?);
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let listener = listen(&paths.socket)?;
    let control = listen(&paths.control)?;
    // Whoever started it may have gone: that is no reason to leave.
    let _ = starter.write_all(READY_LINE);

    let facts = Facts {
        id,
        generation,
        serves,
        supervisor_pid: std::process::id(),
        socket: paths.socket.clone(),
    };
    let mut resources = child::Resources { config, listener: listener.into(), lock: lock.into() };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::io("start", "the runtime"))?;
    let ended = runtime.block_on(supervise(facts, &mut resources, control, &clock));
    // Names go before the lock does, so that the next supervisor finds its own only.
    for path in [&paths.socket, &paths.control] {
        let _ = std::fs::remove_file(path);
    }
    ended
}

async fn supervise(
    facts: Facts,
    resources: &mut child::Resources,
    control: UnixListener,
    clock: &dyn Clock,
) -> Result<(), Error> {
    let (notices, mut inbox) = mpsc::channel(NOTICES);
    let mut callers = control::Callers::listen(control, notices.clone())?;
    let mut terminate =
        signal(SignalKind::terminate()).map_err(Error::io("watch for", "SIGTERM"))?;
    let (keeper, effects) = Keeper::new(facts, clock.monotonic());
    let mut shell =
        Shell { keeper, engine: None, open: HashMap::new(), next: 0, resources, notices };
    let mut over = shell.carry_out(effects, clock);
    while !over {
        let pause = shell.keeper.next_tick().map(|at| at.saturating_sub(clock.monotonic()));
        let notice = tokio::select! {
            inbound = inbox.recv() => match inbound {
                Some(Inbound::Notice(notice)) => notice,
                Some(Inbound::Asked(ask, reply)) => shell.open_question(ask, reply),
                None => return Err(Error::Protocol { what: "the supervisor lost its inbox" }),
            },
            _ = terminate.recv() => Notice::Terminate { deadline: TERMINATE_DEADLINE },
            () = sleep_for(pause) => Notice::Tick,
        };
        let effects = shell.keeper.apply(notice, clock.monotonic());
        over = shell.carry_out(effects, clock);
    }
    drop(shell);
    let _ = timeout(FAREWELL, callers.finish()).await;
    Ok(())
}

/// What reaches the supervisor's task.
pub(crate) enum Inbound {
    /// From the engine's process.
    Notice(Notice),
    /// From the control socket.
    Asked(message::Ask, oneshot::Sender<Reply>),
}

struct Shell<'a> {
    keeper: Keeper,
    engine: Option<Engine>,
    open: HashMap<Token, oneshot::Sender<Reply>>,
    next: Token,
    resources: &'a mut child::Resources,
    notices: mpsc::Sender<Inbound>,
}

impl Shell<'_> {
    fn open_question(&mut self, ask: message::Ask, reply: oneshot::Sender<Reply>) -> Notice {
        self.next += 1;
        self.open.insert(self.next, reply);
        Notice::Asked(self.next, ask)
    }

    /// Does what the keeper wants; true when that is to leave.
    fn carry_out(&mut self, effects: Vec<Effect>, clock: &dyn Clock) -> bool {
        let mut todo = std::collections::VecDeque::from(effects);
        while let Some(effect) = todo.pop_front() {
            match effect {
                Effect::Spawn => {
                    let notice = match Engine::spawn(self.resources, self.notices.clone()) {
                        Ok(engine) => {
                            let pid = engine.pid();
                            self.engine = Some(engine);
                            Notice::Spawned { pid }
                        }
                        Err(error) => {
                            self.engine = None;
                            Notice::Exited { how: base::error_chain(&error) }
                        }
                    };
                    todo.extend(self.keeper.apply(notice, clock.monotonic()));
                }
                Effect::Capacity(bytes) => self.resources.set_capacity(bytes),
                Effect::Cache(bytes) => self.resources.set_cache(bytes),
                Effect::Tell(order) => {
                    if let Some(engine) = &mut self.engine {
                        engine.tell(order);
                    }
                }
                Effect::Kill => {
                    if let Some(engine) = &mut self.engine {
                        engine.kill();
                    }
                }
                Effect::Answer(token, reply) => {
                    if let Some(asker) = self.open.remove(&token) {
                        // Fails when the asker has gone, which is its own affair.
                        let _ = asker.send(reply);
                    }
                }
                Effect::Exit => return true,
            }
        }
        false
    }
}

async fn sleep_for(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

fn take_lock(path: &Path, clock: &dyn Clock) -> Result<File, Error> {
    let named = || path.display().to_string();
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("open", named()))?;
    let until = clock.monotonic() + LOCK_DEADLINE;
    while flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive).is_err() {
        if clock.monotonic() >= until {
            return Err(Error::Deadline { what: "the lock of an export", limit: LOCK_DEADLINE });
        }
        std::thread::sleep(LOCK_LOOK);
    }
    Ok(file)
}

/// Listens at `path`. The lock is held, so what lies there is a dead supervisor's.
fn listen(path: &Path) -> Result<UnixListener, Error> {
    let named = || path.display().to_string();
    match std::fs::remove_file(path) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("remove", named())(fault));
        }
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(Error::io("bind", named()))?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
        .map_err(Error::io("protect", named()))?;
    listener.set_nonblocking(true).map_err(Error::io("use", named()))?;
    Ok(listener)
}
