//! QEMU: one process per guest, in a session of its own, steered over QMP.
//!
//! A guest's directory holds its sockets (`qmp.sock`, `console.sock`), its seed disk, its console
//! log and what QEMU said (`qemu.log`). There is no record besides: whoever answers on `qmp.sock`
//! *is* the guest, and the kernel tells its process id, so a new server adopts what it finds.
//!
//! INVARIANT: no two QEMU processes of one instance. A start holds the instance's turn and first
//! looks whether somebody answers; a process that cannot be steered is killed, never left behind.
//!
//! Machine type `pc`: hot plug needs no ports made beforehand and an unplug takes 0.3 s, where
//! `q35` needs a root port per disk; both boot equally fast.
//!
//! Next to read: `launch.rs`, then `guest.rs`.

mod args;
mod disk;
mod guest;
mod host;
mod launch;
mod nic;
mod plug;
mod probe;
mod watch;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use base::{ByteCount, InstanceId};
use parking_lot::Mutex;
use tokio::{
    sync::{broadcast, watch as verdict},
    task::JoinSet,
};

use crate::{
    check, console,
    dir::{self, GuestDir},
    port::{
        Accel, ComputeError, ConsolePart, EVENTS_KEPT, GuestDisk, GuestEvent, GuestNic, GuestSpec,
        GuestState, HostLimits, Hypervisor, HypervisorInfo, Line, Started,
    },
};
use guest::Guest;

pub use host::{MEMORY_MIN, RECONNECT_DELAY_S};

/// The program that runs guests, and the Debian package that has it.
const PROGRAM: (&str, &str) = ("qemu-system-x86_64", "qemu-system-x86");
/// Gives a guest a session of its own.
const SETSID: (&str, &str) = ("setsid", "util-linux");

/// How QEMU is used.
#[derive(Clone, Debug)]
pub struct QemuConfig {
    /// Where the guests' directories are. Of any length.
    pub root: PathBuf,
    /// Most virtual CPUs of a guest; the host's cores when `None`.
    pub vcpus_max: Option<u32>,
    /// Most memory of a guest; half of what the host has available at the start when `None`.
    pub memory_max: Option<ByteCount>,
}

/// Guests as QEMU processes. Dropping it leaves them running.
pub struct Qemu {
    inner: Arc<Inner>,
}

struct Inner {
    config: QemuConfig,
    program: PathBuf,
    setsid: PathBuf,
    slots: Mutex<HashMap<InstanceId, Arc<Slot>>>,
    events: broadcast::Sender<GuestEvent>,
    verdict: verdict::Receiver<Verdict>,
    /// Closes with the hypervisor; its watchers end then.
    dropped: verdict::Sender<()>,
}

/// What the probe found out.
#[derive(Clone, Debug)]
struct Verdict {
    acceleration: Accel,
    version: String,
}

/// The place of one instance's guest. Whoever starts, ends or forgets it holds the turn.
#[derive(Default)]
struct Slot {
    turn: tokio::sync::Mutex<()>,
    phase: Mutex<Phase>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Absent,
    Starting,
    Live(Arc<Guest>),
}

impl Slot {
    fn live(&self) -> Option<Arc<Guest>> {
        match &*self.phase.lock() {
            Phase::Live(guest) => Some(Arc::clone(guest)),
            Phase::Absent | Phase::Starting => None,
        }
    }
}

impl Qemu {
    /// Finds QEMU, and starts to prove the acceleration in the background. Must be called within
    /// a tokio runtime.
    ///
    /// # Errors
    /// `ToolMissing` when QEMU is not installed, `File` when the directory cannot be made.
    pub fn new(config: QemuConfig) -> Result<Self, ComputeError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self::with_path(config, &path)
    }

    /// The same, with the directories to look for programs in, separated by colons.
    ///
    /// # Errors
    /// As [`Qemu::new`].
    pub fn with_path(config: QemuConfig, path: &std::ffi::OsStr) -> Result<Self, ComputeError> {
        let program = host::find(path, PROGRAM)?;
        let setsid = host::find(path, SETSID)?;
        dir::private_dir(&config.root)?;
        // Guests are started in directories of their own: what they are told must not depend on it.
        let root = std::path::absolute(&config.root).map_err(|source| ComputeError::File {
            what: "resolve",
            path: config.root.clone(),
            source,
        })?;
        let verdict = probe::start(program.clone(), root.clone());
        let (slots, events) = (Mutex::default(), broadcast::channel(EVENTS_KEPT).0);
        let config = QemuConfig { root, ..config };
        let dropped = verdict::Sender::new(());
        let inner = Inner { config, program, setsid, slots, events, verdict, dropped };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The unix socket that speaks with an instance's serial console while it runs.
    #[must_use]
    pub fn console_socket(&self, instance: &InstanceId) -> PathBuf {
        self.inner.dir(instance).file(launch::CONSOLE_SOCKET)
    }

    /// Waits for the probe and tells how guests are run: never [`Accel::Unproven`].
    pub async fn acceleration(&self) -> Accel {
        self.inner.verdict().await.acceleration
    }
}

impl Inner {
    fn dir(&self, instance: &InstanceId) -> GuestDir {
        GuestDir::of(&self.config.root, instance)
    }

    fn slot(&self, instance: &InstanceId) -> Arc<Slot> {
        Arc::clone(self.slots.lock().entry(instance.clone()).or_default())
    }

    /// The guest, once nobody starts or ends it any more.
    async fn settled(&self, instance: &InstanceId) -> Result<Arc<Guest>, ComputeError> {
        let slot = self.slot(instance);
        if let Some(guest) = slot.live() {
            return Ok(guest);
        }
        let _turn = slot.turn.lock().await;
        slot.live().ok_or_else(|| ComputeError::NotRunning { instance: instance.clone() })
    }

    async fn verdict(&self) -> Verdict {
        let mut verdict = self.verdict.clone();
        let known = verdict.wait_for(|verdict| verdict.acceleration != Accel::Unproven).await;
        match known {
            Ok(verdict) => verdict.clone(),
            // The probe went without a word: emulation always works.
            Err(_) => Verdict { acceleration: Accel::Tcg, version: String::new() },
        }
    }

    /// What the guest gets of what it asked for.
    fn capped(&self, spec: &GuestSpec, acceleration: Accel) -> Started {
        let limits = self.limits();
        let started = Started {
            vcpus: spec.vcpus.min(limits.vcpus),
            memory: ByteCount(spec.memory.0.min(limits.memory.0) >> 20 << 20),
            acceleration,
        };
        if started.vcpus < spec.vcpus || started.memory < spec.memory {
            tracing::info!(
                instance = %spec.instance, vcpus = started.vcpus, vcpus_of_profile = spec.vcpus,
                memory = %started.memory, memory_of_profile = %spec.memory,
                "the guest gets less than its profile says: this host has no more"
            );
        }
        started
    }

    fn limits(&self) -> HostLimits {
        let host = host::limits();
        HostLimits {
            vcpus: self.config.vcpus_max.unwrap_or(host.vcpus).max(1),
            memory: self.config.memory_max.unwrap_or(host.memory).max(MEMORY_MIN),
        }
    }

    async fn adopt_one(self: &Arc<Self>, instance: &InstanceId) -> bool {
        let slot = self.slot(instance);
        let _turn = slot.turn.lock().await;
        if slot.live().is_some() {
            return true;
        }
        match launch::reconnect(self, instance).await {
            Ok(Some((guest, events))) => {
                *slot.phase.lock() = Phase::Live(Arc::clone(&guest));
                watch::spawn(self, Arc::clone(&slot), guest, events);
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::error!(%instance, error = &error as &dyn std::error::Error,
                    "a guest could not be adopted and was ended");
                false
            }
        }
    }

    async fn start(self: &Arc<Self>, spec: &GuestSpec) -> Result<Started, ComputeError> {
        let slot = self.slot(&spec.instance);
        let _turn = slot.turn.lock().await;
        if slot.live().is_some() {
            return Err(ComputeError::AlreadyRunning { instance: spec.instance.clone() });
        }
        *slot.phase.lock() = Phase::Starting;
        let verdict = self.verdict().await;
        let started = self.capped(spec, verdict.acceleration);
        match launch::launch(self, spec, &started).await {
            Ok((guest, events)) => {
                *slot.phase.lock() = Phase::Live(Arc::clone(&guest));
                watch::spawn(self, Arc::clone(&slot), guest, events);
                tracing::info!(instance = %spec.instance, ?started, "guest started");
                Ok(started)
            }
            Err(error) => {
                *slot.phase.lock() = Phase::Absent;
                Err(error)
            }
        }
    }
}

/// Runs file work off the runtime's threads.
async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, ComputeError> + Send + 'static,
) -> Result<T, ComputeError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|stopped| {
        Err(ComputeError::File {
            what: "work on",
            path: path.to_owned(),
            source: std::io::Error::other(stopped),
        })
    })
}

#[async_trait]
impl Hypervisor for Qemu {
    fn info(&self) -> HypervisorInfo {
        let verdict = self.inner.verdict.borrow().clone();
        HypervisorInfo {
            name: "qemu",
            version: verdict.version,
            acceleration: verdict.acceleration,
            needs_export: true,
        }
    }

    fn host_limits(&self) -> HostLimits {
        self.inner.limits()
    }

    async fn start(&self, spec: GuestSpec) -> Result<Started, ComputeError> {
        check::spec(&spec)?;
        // A task of its own: a caller who gives up must not leave half a guest.
        let (inner, instance) = (Arc::clone(&self.inner), spec.instance.clone());
        tokio::spawn(async move { inner.start(&spec).await }).await.unwrap_or_else(|stopped| {
            Err(ComputeError::StartFailed { instance, said: stopped.to_string() })
        })
    }

    async fn powerdown(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.inner.settled(instance).await?.run("system_powerdown").await
    }

    async fn power_off(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        let slot = self.inner.slot(instance);
        let _turn = slot.turn.lock().await;
        match slot.live() {
            Some(guest) => guest.power_off().await,
            None => Ok(()),
        }
    }

    async fn reset(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.inner.settled(instance).await?.run("system_reset").await
    }

    async fn state(&self, instance: &InstanceId) -> Result<GuestState, ComputeError> {
        Ok(match &*self.inner.slot(instance).phase.lock() {
            Phase::Absent => GuestState::Absent,
            Phase::Starting => GuestState::Starting,
            Phase::Live(guest) => guest.state(),
        })
    }

    async fn resume(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.inner.settled(instance).await?.resume().await
    }

    async fn disk_grow(
        &self,
        instance: &InstanceId,
        disk: &str,
        capacity: ByteCount,
    ) -> Result<(), ComputeError> {
        self.inner.settled(instance).await?.disk_grow(disk, capacity).await
    }

    async fn disk_add(&self, instance: &InstanceId, disk: GuestDisk) -> Result<(), ComputeError> {
        check::added(&disk)?;
        self.inner.settled(instance).await?.disk_add(&disk).await
    }

    async fn disk_remove(&self, instance: &InstanceId, disk: &str) -> Result<(), ComputeError> {
        self.inner.settled(instance).await?.disk_remove(disk).await
    }

    async fn network(&self, instance: &InstanceId, nics: &[GuestNic]) -> Result<(), ComputeError> {
        check::nics(nics)?;
        self.inner.settled(instance).await?.network(nics).await
    }

    async fn adopt(&self) -> Result<Vec<InstanceId>, ComputeError> {
        // All at once: one that does not answer must not keep the others waiting.
        let mut asked = JoinSet::new();
        for instance in dir::instances(&self.inner.config.root)? {
            let inner = Arc::clone(&self.inner);
            asked.spawn(async move { inner.adopt_one(&instance).await.then_some(instance) });
        }
        let mut adopted: Vec<InstanceId> = asked.join_all().await.into_iter().flatten().collect();
        adopted.sort_unstable();
        Ok(adopted)
    }

    async fn console_log(
        &self,
        instance: &InstanceId,
        offset: u64,
        limit: usize,
    ) -> Result<ConsolePart, ComputeError> {
        let dir = self.inner.dir(instance);
        blocking(&dir.file(console::CONSOLE_LOG), move || console::read(&dir, offset, limit)).await
    }

    async fn console(&self, instance: &InstanceId) -> Result<Box<dyn Line>, ComputeError> {
        self.inner.settled(instance).await?;
        let line = self.inner.dir(instance).connect(launch::CONSOLE_SOCKET).await;
        let line = line.map_err(|source| ComputeError::File {
            what: "connect to",
            path: self.console_socket(instance),
            source,
        })?;
        Ok(Box::new(line))
    }

    async fn forget(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        let slot = self.inner.slot(instance);
        let _turn = slot.turn.lock().await;
        if slot.live().is_some() {
            return Err(ComputeError::AlreadyRunning { instance: instance.clone() });
        }
        let dir = self.inner.dir(instance);
        let path = dir.path().to_owned();
        blocking(&path, move || dir.remove_all()).await
    }

    fn events(&self) -> broadcast::Receiver<GuestEvent> {
        self.inner.events.subscribe()
    }
}
