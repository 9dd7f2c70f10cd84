//! How a guest's process comes to be, and how one that is there is found again.
//!
//! A guest starts paused (`-S`) and goes on once its control connection stands, so that no event
//! is missed. A process found still in that state belongs to a start that never ended: it goes.

use std::{fs, io, os::unix::fs::OpenOptionsExt, process::Stdio, sync::Arc};

use base::InstanceId;
use tokio::{
    net::UnixStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

use super::{
    Inner, args, blocking,
    guest::{Guest, Process},
    host::START_DEADLINE,
};
use crate::{
    console,
    dir::GuestDir,
    port::{ComputeError, GuestSpec, Started},
    qmp, seed,
};

pub(super) const QMP_SOCKET: &str = "qmp.sock";
pub(super) const CONSOLE_SOCKET: &str = "console.sock";
pub(super) const SEED_DISK: &str = "seed.img";
const QEMU_LOG: &str = "qemu.log";
/// How much of QEMU's last words goes into an error, in bytes.
const SAID_MAX: usize = 1000;
/// How often a new process is asked whether it listens yet.
const LISTEN_EVERY: std::time::Duration = std::time::Duration::from_millis(5);

type Connected = (Arc<Guest>, qmp::Events);

/// Starts a process and returns once its CPUs run. On failure none is left.
pub(super) async fn launch(
    inner: &Inner,
    spec: &GuestSpec,
    started: &Started,
) -> Result<Connected, ComputeError> {
    let dir = inner.dir(&spec.instance);
    if dir.connect(QMP_SOCKET).await.is_ok() {
        return Err(ComputeError::AlreadyRunning { instance: spec.instance.clone() });
    }
    let log = prepare(&dir, spec).await?;
    let mut child = spawn(inner, &dir, args::arguments(spec, started), log)?;
    let begun = match timeout(START_DEADLINE, begin(&dir, &spec.instance, &mut child)).await {
        Ok(begun) => begun,
        Err(_) => Err(ComputeError::StartFailed {
            instance: spec.instance.clone(),
            said: format!("no answer within {} s", START_DEADLINE.as_secs()),
        }),
    };
    if begun.is_err() {
        // It may be gone already.
        let _ = child.kill().await;
        clean(&dir);
    }
    begun
}

/// The files that a guest needs.
async fn prepare(dir: &GuestDir, spec: &GuestSpec) -> Result<fs::File, ComputeError> {
    let (dir, data) = (dir.clone(), spec.seed.clone());
    let path = dir.path().to_owned();
    blocking(&path, move || {
        dir.create()?;
        clean(&dir);
        dir.write(SEED_DISK, &seed::seed_image(&data)?)?;
        console::create(&dir)?;
        let log = dir.file(QEMU_LOG);
        fs::File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&log)
            .map_err(|source| ComputeError::File { what: "create", path: log, source })
    })
    .await
}

fn spawn(
    inner: &Inner,
    dir: &GuestDir,
    arguments: Vec<String>,
    log: fs::File,
) -> Result<Child, ComputeError> {
    let failed = |source| ComputeError::File { what: "run", path: inner.program.clone(), source };
    let (out, err) = (log.try_clone().map_err(failed)?, log);
    Command::new(&inner.setsid)
        .arg(&inner.program)
        .args(arguments)
        .current_dir(dir.path())
        // The server's environment may hold secrets, and a guest outlives the server.
        .env_clear()
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(failed)
}

async fn begin(
    dir: &GuestDir,
    instance: &InstanceId,
    child: &mut Child,
) -> Result<Connected, ComputeError> {
    let stream = loop {
        if let Ok(stream) = dir.connect(QMP_SOCKET).await {
            break stream;
        }
        tokio::select! {
            // It ended, whatever its exit status.
            _ = child.wait() => return Err(start_failed(dir, instance)),
            () = sleep(LISTEN_EVERY) => {}
        }
    };
    let connected = connect(dir, instance, stream).await;
    let (guest, events) = match connected {
        Ok(connected) => connected,
        // A disk that cannot be opened ends the process after the socket was made.
        Err(_) if child.try_wait().is_ok_and(|exit| exit.is_some()) => {
            return Err(start_failed(dir, instance));
        }
        Err(error) => {
            let ended = timeout(LISTEN_EVERY * 20, child.wait()).await.is_ok();
            return Err(if ended { start_failed(dir, instance) } else { error });
        }
    };
    guest.run("cont").await?;
    Ok((guest, events))
}

async fn connect(
    dir: &GuestDir,
    instance: &InstanceId,
    stream: UnixStream,
) -> Result<Connected, ComputeError> {
    let process = Process::behind(&stream).map_err(|source| ComputeError::File {
        what: "find the process behind",
        path: dir.file(QMP_SOCKET),
        source,
    })?;
    match qmp::Client::open(stream, START_DEADLINE).await {
        Ok((client, events)) => {
            let guest = Guest::new(instance.clone(), dir.clone(), client, process);
            Ok((Arc::new(guest), events))
        }
        Err(source) => {
            process.kill();
            Err(ComputeError::Control { instance: instance.clone(), source: source.into() })
        }
    }
}

/// Finds the guest that outlived a former server. `None` when there is none; a process that does
/// not answer, or that never was started to its end, is killed.
pub(super) async fn reconnect(
    inner: &Inner,
    instance: &InstanceId,
) -> Result<Option<Connected>, ComputeError> {
    let dir = inner.dir(instance);
    let Ok(stream) = dir.connect(QMP_SOCKET).await else {
        clean(&dir);
        return Ok(None);
    };
    let (guest, events) = connect(&dir, instance, stream).await?;
    if guest.learn_state().await? {
        return Ok(Some((guest, events)));
    }
    guest.kill_and_wait().await;
    clean(&dir);
    Ok(None)
}

/// Removes what is of no use without a process. The seed goes too: it holds user data.
pub(super) fn clean(dir: &GuestDir) {
    for name in [QMP_SOCKET, CONSOLE_SOCKET, SEED_DISK] {
        if let Err(error) = dir.remove(name) {
            tracing::warn!(error = &error as &dyn std::error::Error, "left behind");
        }
    }
}

fn start_failed(dir: &GuestDir, instance: &InstanceId) -> ComputeError {
    let said = fs::read(dir.file(QEMU_LOG)).unwrap_or_default();
    let last = &said[said.len().saturating_sub(SAID_MAX)..];
    let said = match String::from_utf8_lossy(last).trim() {
        "" => "it ended without a word".to_owned(),
        said => said.to_owned(),
    };
    ComputeError::StartFailed { instance: instance.clone(), said }
}

impl Process {
    /// The process that listens at the other end of `stream`.
    fn behind(stream: &UnixStream) -> io::Result<Self> {
        let pid = stream.peer_cred()?.pid().ok_or(io::ErrorKind::NotFound)?;
        Self::open(pid)
    }
}
