//! The servers: this program's engines, and qemu-nbd.
//!
//! Its invariant: no process is left when a measurement ends, in order or not.

use std::{
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use base::{Clock, SystemClock};
use export::{ExportConfig, VolumeHost};

use super::disks::{Disks, Kind};

/// How long a peer may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Names the export of qemu-nbd.
const PEER_EXPORT: &str = "disk";

/// Starts servers.
pub struct Servers {
    host: VolumeHost,
    folder: PathBuf,
    clock: SystemClock,
}

/// A running server.
pub struct Served {
    uri: String,
    of: Of,
}

enum Of {
    /// An export of the host, by its id.
    Ours(String),
    Peer(Peer),
}

/// Killed when dropped.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Served {
    /// Where its disk is.
    pub fn uri(&self) -> &str {
        &self.uri
    }
}

impl Servers {
    /// For disks in `folder`.
    pub fn new(folder: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find this program")?;
        let host = VolumeHost::new(folder.join("run"), program);
        Ok(Self { host, folder: folder.to_owned(), clock: SystemClock::new() })
    }

    /// Serves a disk.
    pub async fn serve(&self, disks: &Disks, kind: Kind) -> anyhow::Result<Served> {
        if let Some(config) = disks.config(kind) {
            return self.serve_ours(&config).await;
        }
        let socket = self.folder.join("peer.nbd");
        let _ = std::fs::remove_file(&socket);
        let mut command = Command::new("qemu-nbd");
        command.args(["--persistent", "--shared=8", "--export-name", PEER_EXPORT]);
        command.args(["--cache=writeback", "--aio=threads", "--discard=unmap", "--socket"]);
        command.arg(&socket);
        disks.tell_peer(kind, &mut command)?;
        let child = command.stdin(Stdio::null()).spawn().context("start qemu-nbd")?;
        let mut peer = Peer(child);
        let since = self.clock.monotonic();
        while UnixStream::connect(&socket).is_err() {
            if let Some(status) = peer.0.try_wait()? {
                anyhow::bail!("qemu-nbd ended: {status}");
            }
            let waited = self.clock.monotonic().saturating_sub(since);
            anyhow::ensure!(waited < PATIENCE, "qemu-nbd does not listen");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(Served { uri: uri(PEER_EXPORT, &socket), of: Of::Peer(peer) })
    }

    /// Serves one of ours.
    pub async fn serve_ours(&self, config: &ExportConfig) -> anyhow::Result<Served> {
        let exported = self.host.start(config).await.context("start an engine")?;
        let uri = uri(&config.id, &exported.socket);
        Ok(Served { uri, of: Of::Ours(config.id.clone()) })
    }

    /// Process ids of supervisor and engine.
    pub async fn processes(&self, id: &str) -> anyhow::Result<(u32, u32)> {
        let status = self.host.status(id).await?.context("the export is gone")?;
        Ok((status.supervisor_pid, status.engine_pid.context("the engine is gone")?))
    }

    /// Ends a server.
    pub async fn end_one(&self, served: Served) -> anyhow::Result<()> {
        match served.of {
            Of::Ours(id) => Ok(self.host.stop(&id).await?),
            Of::Peer(peer) => {
                drop(peer);
                Ok(())
            }
        }
    }

    /// Ends what an error left.
    pub async fn end(&self) -> anyhow::Result<()> {
        for status in self.host.adopt().await? {
            self.host.stop(&status.id).await?;
        }
        Ok(())
    }
}

fn uri(export: &str, socket: &Path) -> String {
    format!("nbd+unix:///{export}?socket={}", socket.display())
}
