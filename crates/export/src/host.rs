//! What the server calls: start, stop, look at and find again the exports of this host.
//!
//! It refuses to know what runs in a supervisor: it spawns the program, talks over the control
//! socket and looks at the lock. It grants each export its share of the host's cache budget, and
//! another when others come and go. INVARIANT: one export has at most one supervisor; when
//! [`VolumeHost::stop`] has returned `Ok`, none and no engine is left.
//!
//! Next to read: `supervisor`.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use blocks::sealed::CACHE_BYTES_DEFAULT;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::config::ExportConfig;
use crate::error::Error;
use crate::message::{self, Ask, ExportState, ExportStatus, LINE_BYTES_MAX, Reply};
use crate::paths::{ExportPaths, is_control};
use crate::share::Shares;
use crate::supervisor::{GROW_DEADLINE, Launch, READY_LINE, SUPERVISOR_COMMAND};

/// How long an export may take from being asked for to serving guests.
pub const START_DEADLINE: Duration = Duration::from_secs(30);
/// And how long of that its engine may take to open.
pub const READY_DEADLINE: Duration = Duration::from_secs(20);
/// How long an export may take to close cleanly.
pub const STOP_DEADLINE: Duration = Duration::from_secs(60);
/// How long a supervisor may take to answer a plain question.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(3);
/// What exports inherit of the server's environment.
const ENVIRONMENT_KEPT: [&str; 3] = ["PATH", "TMPDIR", "RUST_BACKTRACE"];
/// Between two looks at a lock, which cannot be waited for.
const LOCK_LOOK: Duration = Duration::from_millis(10);
/// Starts and stops of one export are serial; exports share so many queues.
const QUEUES: usize = 16;

/// An export that serves guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The unix socket that QEMU connects to.
    pub socket: PathBuf,
    /// Name of the NBD export (the empty name does too).
    pub name: String,
    /// Where it stands.
    pub status: ExportStatus,
}

/// The exports of this host.
#[derive(Debug)]
pub struct VolumeHost {
    run_dir: PathBuf,
    program: PathBuf,
    arguments: Vec<OsString>,
    queues: [Mutex<()>; QUEUES],
    shares: Mutex<Shares>,
}

impl VolumeHost {
    /// Exports with their sockets in `run_dir` (made with mode 0700 when it is not there), run
    /// by `program`, whose hidden commands call [`crate::supervisor::main`] and
    /// [`crate::engine::main`].
    #[must_use]
    pub fn new(run_dir: PathBuf, program: PathBuf) -> Self {
        let shares = Mutex::new(Shares::new(CACHE_BYTES_DEFAULT));
        Self { run_dir, program, arguments: Vec::new(), queues: Default::default(), shares }
    }

    /// With another cache budget for all of its exports, in bytes.
    #[must_use]
    pub fn with_cache_budget(mut self, bytes: u64) -> Self {
        self.shares = Mutex::new(Shares::new(bytes));
        self
    }

    /// Puts `arguments` before the hidden command.
    #[must_use]
    pub fn with_arguments(mut self, arguments: Vec<OsString>) -> Self {
        self.arguments = arguments;
        self
    }

    /// Starts an export and waits until it serves guests. One that already serves the same
    /// generation is left as it is. Its cache has the share that the host grants, whatever the
    /// configuration says.
    ///
    /// # Errors
    /// `CannotOpen` when the engine cannot open it; `OtherGeneration` and `OtherSubject` when
    /// something else runs under the id; `Deadline`.
    pub async fn start(&self, config: &ExportConfig) -> Result<Exported, Error> {
        let paths = self.paths(&config.id)?;
        let _turn = self.queue(&config.id).lock().await;
        let late = || Error::Deadline { what: "starting an export", limit: START_DEADLINE };
        let mut config = config.clone();
        config.cache_bytes = self.join(&config.id).await;
        let starting = timeout(START_DEADLINE, self.start_in_turn(&paths, &config)).await;
        let started = starting.map_err(|_| late()).flatten();
        if started.is_err() {
            self.leave(&config.id).await;
        }
        started
    }

    /// Gives an export a share of the cache budget, and those that have one a smaller.
    async fn join(&self, id: &str) -> u64 {
        let mut shares = self.shares.lock().await;
        let others = shares.join(id);
        self.grant(&others, shares.each()).await;
        shares.each()
    }

    async fn leave(&self, id: &str) {
        let mut shares = self.shares.lock().await;
        let others = shares.leave(id);
        self.grant(&others, shares.each()).await;
    }

    /// Tells exports their share. One that cannot be told keeps the one it has.
    async fn grant(&self, ids: &[String], bytes: u64) {
        for id in ids {
            let Ok(paths) = self.paths(id) else { continue };
            let ask = Ask::Cache { bytes };
            if let Err(error) = ask_supervisor(&paths.control, ask, Duration::ZERO).await {
                tracing::warn!(id, %error, "an export was not told its share of the cache");
            }
        }
    }

    async fn start_in_turn(
        &self,
        paths: &ExportPaths,
        config: &ExportConfig,
    ) -> Result<Exported, Error> {
        match self.ready_status(paths, config).await? {
            Some(status) if status.state == ExportState::Running => {
                return Ok(Exported::of(status));
            }
            // One that failed or is going: make way for a new one.
            Some(_) => self.clear_away(paths, &config.id).await?,
            None => {}
        }
        self.spawn(paths, config).await?;
        let status = self.ready_status(paths, config).await?;
        match status {
            Some(status) if status.state == ExportState::Running => Ok(Exported::of(status)),
            Some(status) => {
                self.clear_away(paths, &config.id).await?;
                let (kind, reason) = match status.failure {
                    Some(failure) => (failure.kind.into(), failure.reason),
                    None => (base::ErrorKind::Unavailable, status.last_exit.unwrap_or_default()),
                };
                Err(Error::CannotOpen { id: config.id.clone(), kind, reason })
            }
            None => Err(Error::Protocol { what: "the supervisor went away" }),
        }
    }

    /// Ends a supervisor whose engine does not serve: there is nothing to close cleanly.
    async fn clear_away(&self, paths: &ExportPaths, id: &str) -> Result<(), Error> {
        match self.stop_in_turn(paths, id, STOP_DEADLINE).await {
            Ok(()) | Err(Error::NotClean { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The status of a running supervisor once its engine serves or has failed.
    async fn ready_status(
        &self,
        paths: &ExportPaths,
        config: &ExportConfig,
    ) -> Result<Option<ExportStatus>, Error> {
        let ask = Ask::AwaitReady { deadline_ms: millis(READY_DEADLINE) };
        let status = match ask_supervisor(&paths.control, ask, READY_DEADLINE).await? {
            Heard::Reply(Reply::Status(status)) => *status,
            Heard::Reply(_) => {
                return Err(Error::Protocol { what: "an unexpected reply of the supervisor" });
            }
            Heard::Nobody | Heard::Died => return Ok(None),
        };
        if status.id != config.id {
            return Err(Error::Protocol { what: "two ids with one short name" });
        }
        if status.state == ExportState::Running {
            same_subject(&status, config)?;
        }
        Ok(Some(status))
    }

    async fn spawn(&self, paths: &ExportPaths, config: &ExportConfig) -> Result<(), Error> {
        let named = |path: &Path| path.display().to_string();
        let secret = config.encode()?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.run_dir)
            .map_err(Error::io("create", named(&self.run_dir)))?;
        let log = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&paths.log)
            .map_err(Error::io("open", named(&paths.log)))?;
        let pair = || Error::io("make", "a socket pair");
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(pair())?;
        ours.set_nonblocking(true).map_err(pair())?;
        let mut talk = UnixStream::from_std(ours).map_err(pair())?;
        // It ends by itself or by `stop`; until then it outlives this handle and this process.
        let _child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(SUPERVISOR_COMMAND)
            // The server's environment may hold what is not theirs to know.
            .env_clear()
            .envs(ENVIRONMENT_KEPT.iter().filter_map(|n| Some((n, std::env::var_os(n)?))))
            .current_dir("/")
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(Error::io("start", named(&self.program)))?;
        let launch = Launch { run_dir: self.run_dir.clone() };
        let exchange = async {
            talk.write_all(&message::encode(&launch)).await?;
            talk.write_all(&secret).await?;
            talk.shutdown().await?;
            let mut line = Vec::new();
            BufReader::new(talk).take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line).await?;
            Ok::<_, std::io::Error>(line)
        };
        // One that gives up closes the socket; its log tells why.
        match exchange.await {
            Ok(line) if line == READY_LINE => Ok(()),
            _ => Err(self.why_it_gave_up(paths, config).await),
        }
    }

    async fn why_it_gave_up(&self, paths: &ExportPaths, config: &ExportConfig) -> Error {
        let log = tokio::fs::read(&paths.log).await.unwrap_or_default();
        let tail = &log[log.len().saturating_sub(1024)..];
        Error::CannotOpen {
            id: config.id.clone(),
            kind: base::ErrorKind::Internal,
            reason: format!("its supervisor gave up: {}", String::from_utf8_lossy(tail).trim()),
        }
    }

    /// Closes an export cleanly. An export that does not run is closed already.
    ///
    /// # Errors
    /// `NotClean` when it had to be killed; it is gone then all the same, unless `Deadline`.
    pub async fn stop(&self, id: &str) -> Result<(), Error> {
        self.stop_within(id, STOP_DEADLINE).await
    }

    /// As [`Self::stop`], with a time limit of the caller's.
    ///
    /// # Errors
    /// As [`Self::stop`].
    pub async fn stop_within(&self, id: &str, deadline: Duration) -> Result<(), Error> {
        let paths = self.paths(id)?;
        let _turn = self.queue(id).lock().await;
        let stopped = self.stop_in_turn(&paths, id, deadline).await;
        self.leave(id).await;
        stopped
    }

    async fn stop_in_turn(
        &self,
        paths: &ExportPaths,
        id: &str,
        deadline: Duration,
    ) -> Result<(), Error> {
        let ask = Ask::Stop { deadline_ms: millis(deadline) };
        let not_clean = |reason: String| Error::NotClean { id: id.to_owned(), reason };
        let outcome = match ask_supervisor(&paths.control, ask, deadline).await {
            Ok(Heard::Nobody | Heard::Reply(Reply::Stopped { clean: true, .. })) => Ok(()),
            Ok(Heard::Reply(Reply::Stopped { reason, .. })) => Err(not_clean(reason)),
            Ok(Heard::Died) => Err(not_clean("its supervisor died meanwhile".to_owned())),
            Ok(Heard::Reply(_)) => Err(Error::Protocol { what: "an unexpected reply to stop" }),
            Err(fault) => {
                // It hangs: without it the engine closes by itself.
                kill_supervisor(&paths.control).await;
                Err(not_clean(format!("its supervisor did not answer ({fault})")))
            }
        };
        wait_for_lock(&paths.lock, deadline.max(ANSWER_DEADLINE)).await?;
        outcome
    }

    /// Makes a volume that is being served larger. Its clients are disconnected and see the new
    /// size when they connect again; no request is lost.
    ///
    /// # Errors
    /// `Refused` when it does not run, would shrink, or its engine died meanwhile.
    pub async fn grow(&self, id: &str, capacity_bytes: u64) -> Result<(), Error> {
        let paths = self.paths(id)?;
        let _turn = self.queue(id).lock().await;
        let refused = |reason: String| Error::Refused { id: id.to_owned(), reason };
        let ask = Ask::Grow { capacity_bytes };
        match ask_supervisor(&paths.control, ask, GROW_DEADLINE).await? {
            Heard::Reply(Reply::Grown) => Ok(()),
            Heard::Reply(Reply::Refused { reason }) => Err(refused(reason)),
            Heard::Reply(_) => Err(Error::Protocol { what: "an unexpected reply to grow" }),
            Heard::Nobody | Heard::Died => Err(refused("it does not run".to_owned())),
        }
    }

    /// Where an export stands; `None` when it does not run.
    ///
    /// # Errors
    /// When its supervisor does not answer.
    pub async fn status(&self, id: &str) -> Result<Option<ExportStatus>, Error> {
        status_at(&self.paths(id)?.control).await
    }

    /// The exports that run on this host, such as those that a server before this one started.
    ///
    /// # Errors
    /// When the run directory cannot be read. A supervisor that does not answer is left out.
    pub async fn adopt(&self) -> Result<Vec<ExportStatus>, Error> {
        let entries = match std::fs::read_dir(&self.run_dir) {
            Ok(entries) => entries,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(fault) => {
                return Err(Error::io("read", self.run_dir.display().to_string())(fault));
            }
        };
        let mut found = Vec::new();
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| is_control(path)) {
            match status_at(&path).await {
                Ok(Some(status)) => found.push(status),
                Ok(None) => {}
                Err(error) => tracing::warn!(
                    socket = %path.display(),
                    error = &error as &dyn std::error::Error,
                    "a supervisor does not answer"
                ),
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        let mut shares = self.shares.lock().await;
        found.iter().for_each(|status| drop(shares.join(&status.id)));
        let ids: Vec<_> = found.iter().map(|status| status.id.clone()).collect();
        self.grant(&ids, shares.each()).await;
        drop(shares);
        Ok(found)
    }

    fn paths(&self, id: &str) -> Result<ExportPaths, Error> {
        ExportPaths::new(&self.run_dir, id)
    }

    fn queue(&self, id: &str) -> &Mutex<()> {
        let hash = blake3::hash(id.as_bytes());
        &self.queues[usize::from(hash.as_bytes()[0]) % QUEUES]
    }
}

impl Exported {
    fn of(status: ExportStatus) -> Self {
        Self { socket: status.socket.clone(), name: status.id.clone(), status }
    }
}

/// Whether what runs is what is wanted.
fn same_subject(status: &ExportStatus, config: &ExportConfig) -> Result<(), Error> {
    let (id, wanted) = (status.id.clone(), config.identity());
    if status.generation != config.generation() {
        let (running, wanted) = (status.generation, config.generation());
        return Err(Error::OtherGeneration { id, running, wanted });
    }
    if status.serves != wanted {
        return Err(Error::OtherSubject { id, running: status.serves.clone(), wanted });
    }
    Ok(())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

async fn status_at(control: &Path) -> Result<Option<ExportStatus>, Error> {
    match ask_supervisor(control, Ask::Status, ANSWER_DEADLINE).await? {
        Heard::Nobody | Heard::Died => Ok(None),
        Heard::Reply(Reply::Status(status)) => Ok(Some(*status)),
        Heard::Reply(_) => Err(Error::Protocol { what: "an unexpected reply to status" }),
    }
}

/// What came of a question.
enum Heard {
    /// No supervisor listens.
    Nobody,
    /// One was there and went away without an answer.
    Died,
    Reply(Reply),
}

/// Asks and waits `patience` and a little more.
async fn ask_supervisor(control: &Path, ask: Ask, patience: Duration) -> Result<Heard, Error> {
    use std::io::ErrorKind;
    let limit = patience + ANSWER_DEADLINE;
    let exchange = async {
        let mut stream = UnixStream::connect(control).await?;
        stream.write_all(&message::encode(&ask)).await?;
        let mut line = Vec::new();
        let mut stream = BufReader::new(stream).take(LINE_BYTES_MAX as u64);
        stream.read_until(b'\n', &mut line).await?;
        Ok(line)
    };
    let late = |_| Error::Deadline { what: "asking a supervisor", limit };
    let exchanged: std::io::Result<Vec<u8>> = timeout(limit, exchange).await.map_err(late)?;
    match exchanged {
        Ok(line) if line.is_empty() => Ok(Heard::Died),
        Ok(line) => message::decode(&line).map(Heard::Reply),
        Err(fault) => match fault.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Ok(Heard::Nobody),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Ok(Heard::Died),
            _ => Err(Error::io("ask", control.display().to_string())(fault)),
        },
    }
}

/// Kills whoever listens at `control`.
async fn kill_supervisor(control: &Path) {
    // Connecting needs no answer, and the connection pins the process id to its process.
    let Ok(Ok(stream)) = timeout(ANSWER_DEADLINE, UnixStream::connect(control)).await else {
        return;
    };
    let pid = stream.peer_cred().ok().and_then(|peer| peer.pid()).and_then(Pid::from_raw);
    let Some(pid) = pid else { return };
    if let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) {
        let _ = pidfd_send_signal(process, Signal::KILL);
    }
}

/// Waits until neither supervisor nor engine holds the lock.
async fn wait_for_lock(lock: &Path, limit: Duration) -> Result<(), Error> {
    let file = match File::open(lock) {
        Ok(file) => file,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(fault) => return Err(Error::io("open", lock.display().to_string())(fault)),
    };
    let look = async {
        while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            tokio::time::sleep(LOCK_LOOK).await;
        }
    };
    let late = |_| Error::Deadline { what: "the end of an export's processes", limit };
    timeout(limit, look).await.map_err(late)
}
