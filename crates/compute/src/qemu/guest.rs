//! One live guest: its process, its control connection, and what is known of its state.
//!
//! Next to read: `watch.rs`, which keeps that state up to date.

use std::{io, sync::Arc, time::Duration};

use base::InstanceId;
use parking_lot::Mutex;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    host::{EXIT_DEADLINE, RESUME_PROOF, RESUME_TRIES},
    watch::Seen,
};
use crate::{
    dir::GuestDir,
    port::{ComputeError, GuestState, PauseReason},
    qmp::{self, QmpError},
};

/// A process, held by a descriptor: its number may be given to another one, this may not.
#[derive(Clone, Debug)]
pub(super) struct Process {
    fd: Arc<OwnedFd>,
}

impl Process {
    pub(super) fn open(pid: i32) -> io::Result<Self> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { fd: Arc::new(pidfd_open(pid, PidfdFlags::empty())?) })
    }

    /// Waits on this thread until it ended, at most for `most`; tells whether it did.
    fn wait(&self, most: Duration) -> bool {
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        let most = Timespec::try_from(most).ok();
        poll(&mut fds, most.as_ref()).is_ok_and(|ready| ready > 0)
    }

    /// Returns once it ended, or after `most`; tells whether it did.
    pub(super) async fn ended(&self, most: Duration) -> bool {
        let process = self.clone();
        let waited = tokio::task::spawn_blocking(move || process.wait(most)).await;
        waited.unwrap_or_else(|_| self.wait(Duration::ZERO))
    }

    pub(super) fn kill(&self) {
        if let Err(error) = pidfd_send_signal(&self.fd, Signal::KILL) {
            tracing::debug!(%error, "the process is gone already");
        }
    }
}

/// A guest that is there.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) instance: InstanceId,
    pub(super) dir: GuestDir,
    client: qmp::Client,
    pub(super) process: Process,
    pub(super) seen: Mutex<Seen>,
    gone: watch::Sender<bool>,
}

impl Guest {
    pub(super) fn new(
        instance: InstanceId,
        dir: GuestDir,
        client: qmp::Client,
        process: Process,
    ) -> Self {
        let (seen, gone) = (Mutex::default(), watch::Sender::new(false));
        Self { instance, dir, client, process, seen, gone }
    }

    pub(super) fn state(&self) -> GuestState {
        match self.seen.lock().paused {
            Some(reason) => GuestState::Paused { reason },
            None => GuestState::Running,
        }
    }

    /// Runs a command.
    pub(super) async fn run(&self, command: &str) -> Result<(), ComputeError> {
        self.ask(command).await.map(drop)
    }

    pub(super) async fn ask(&self, command: &str) -> Result<Value, ComputeError> {
        self.client.run(command).await.map_err(|error| self.failed(error))
    }

    /// Runs a command with arguments; what QEMU says when it refuses is the inner error.
    pub(super) async fn try_with(
        &self,
        command: &str,
        arguments: Value,
    ) -> Result<Result<Value, String>, ComputeError> {
        match self.client.run_with(command, arguments).await {
            Ok(value) => Ok(Ok(value)),
            Err(QmpError::Refused { desc, .. }) => Ok(Err(desc)),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: QmpError) -> ComputeError {
        let instance = self.instance.clone();
        match error {
            QmpError::Closed => ComputeError::NotRunning { instance },
            error => ComputeError::Control { instance, source: error.into() },
        }
    }

    /// QEMU's word for what it does: `running`, `io-error`, `prelaunch`, ...
    async fn status(&self) -> Result<String, ComputeError> {
        let reply = self.ask("query-status").await?;
        Ok(reply["status"].as_str().unwrap_or_default().to_owned())
    }

    /// Learns the state of an adopted guest; false when it was never started to its end.
    pub(super) async fn learn_state(&self) -> Result<bool, ComputeError> {
        let paused = match self.status().await?.as_str() {
            "prelaunch" | "inmigrate" | "shutdown" => return Ok(false),
            "running" => None,
            "io-error" => Some(self.why_io_error().await?),
            _ => Some(PauseReason::Other),
        };
        self.seen.lock().paused = paused;
        Ok(true)
    }

    async fn why_io_error(&self) -> Result<PauseReason, ComputeError> {
        let disks = self.ask("query-block").await?;
        let full =
            disks.as_array().into_iter().flatten().any(|disk| disk["io-status"] == "nospace");
        Ok(if full { PauseReason::NoSpace } else { PauseReason::DiskError })
    }

    /// Tells it to go on until it does. Each time the failed requests are tried again.
    pub(super) async fn resume(&self) -> Result<(), ComputeError> {
        if self.status().await? == "running" {
            return Ok(());
        }
        for _ in 0..RESUME_TRIES {
            let pauses = self.seen.lock().pauses;
            self.run("cont").await?;
            sleep(RESUME_PROOF).await;
            if self.status().await? == "running" && self.seen.lock().pauses == pauses {
                return Ok(());
            }
        }
        Err(ComputeError::StillPaused { instance: self.instance.clone() })
    }

    /// Switches it off; returns once it is gone.
    pub(super) async fn power_off(&self) -> Result<(), ComputeError> {
        // A process that does not answer is killed below.
        if let Err(error) = timeout(EXIT_DEADLINE / 2, self.client.run("quit")).await {
            tracing::warn!(instance = %self.instance, %error, "the guest does not answer");
        }
        if !self.process.ended(EXIT_DEADLINE / 2).await {
            tracing::warn!(instance = %self.instance, "the guest does not go and is killed");
            self.process.kill();
        }
        let mut gone = self.gone.subscribe();
        match timeout(EXIT_DEADLINE * 2, gone.wait_for(|gone| *gone)).await {
            Ok(_) => Ok(()),
            Err(late) => {
                Err(ComputeError::Control { instance: self.instance.clone(), source: late.into() })
            }
        }
    }

    /// Kills it and returns once the process ended.
    pub(super) async fn kill_and_wait(&self) {
        self.process.kill();
        if !self.process.ended(EXIT_DEADLINE).await {
            tracing::error!(instance = %self.instance, "the guest's process cannot be killed");
        }
    }

    /// Everybody may know that it is gone.
    pub(super) fn set_gone(&self) {
        self.gone.send_replace(true);
    }
}
