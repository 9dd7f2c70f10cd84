//! The fake: guests without processes, with the same states, for testers and for machines without
//! QEMU. Starts and stops take region time, so that a tester who moves the clock moves them too.
//!
//! INVARIANT: what a guest does is a function of its record and of the clock, so a fake guest
//! outlives the server as a real one does. Its console log says what it did; user data is not run.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use base::{ByteCount, Clock, InstanceId, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::broadcast,
};

use crate::{
    check, console,
    dir::{self, GuestDir},
    port::{
        Accel, ComputeError, ConsolePart, DISKS_MAX, EVENTS_KEPT, GuestDisk, GuestEvent,
        GuestEventKind, GuestNic, GuestSpec, GuestState, HostLimits, Hypervisor, HypervisorInfo,
        Line, PauseReason, READY_LINE, Started,
    },
};

/// The name of the record in a guest's directory.
const RECORD: &str = "fake.json";
/// The version of the record's format.
const RECORD_FORMAT: u32 = 1;
/// How often region time is looked at while something waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Bytes of a serial line on their way.
const LINE_BYTES: usize = 4096;

/// How the fake behaves.
#[derive(Clone, Debug)]
pub struct FakeConfig {
    /// Where the guests' directories are.
    pub root: PathBuf,
    /// Region time from a start to a running guest.
    pub start_delay: Duration,
    /// Region time from a press of the power button to a guest that is off.
    pub stop_delay: Duration,
}

/// A guest's record. None on disk: absent.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    hostname: String,
    runs_from: Timestamp,
    off_at: Option<Timestamp>,
    paused: Option<Paused>,
    /// Ids of its disks; empty in records of older servers.
    #[serde(default)]
    disks: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Paused {
    NoSpace,
    DiskError,
}

/// A hypervisor that only pretends.
pub struct Fake {
    inner: Arc<Inner>,
}

struct Inner {
    config: FakeConfig,
    clock: Arc<dyn Clock>,
    guests: Mutex<HashMap<InstanceId, Record>>,
    /// Guests whose disk stays as it is: they cannot go on.
    held: Mutex<HashSet<InstanceId>>,
    /// What guests were last told of their network.
    networks: Mutex<HashMap<InstanceId, Vec<GuestNic>>>,
    events: broadcast::Sender<GuestEvent>,
}

impl Fake {
    /// A fake whose guests live below `config.root`, which is made.
    ///
    /// # Errors
    /// `File` when the directory cannot be made.
    pub fn new(config: FakeConfig, clock: Arc<dyn Clock>) -> Result<Self, ComputeError> {
        dir::private_dir(&config.root)?;
        let events = broadcast::channel(EVENTS_KEPT).0;
        let (guests, held) = (Mutex::default(), Mutex::default());
        let networks = Mutex::default();
        Ok(Self { inner: Arc::new(Inner { config, clock, guests, held, networks, events }) })
    }

    /// Pauses a running guest as a full or failing disk would; for fault injection.
    ///
    /// # Errors
    /// `NotRunning`, `File`.
    pub fn pause(&self, instance: &InstanceId, no_space: bool) -> Result<(), ComputeError> {
        let paused = if no_space { Paused::NoSpace } else { Paused::DiskError };
        self.inner.change(instance, |record| record.paused = Some(paused))?;
        self.inner.tell(instance, GuestEventKind::Paused { no_space });
        Ok(())
    }

    /// The ids of a guest's disks, the boot disk first; none when there is no guest.
    #[must_use]
    pub fn disks(&self, instance: &InstanceId) -> Vec<String> {
        self.inner.guests.lock().get(instance).map(|r| r.disks.clone()).unwrap_or_default()
    }

    /// The network interfaces that a guest was last given; none when it never had one.
    #[must_use]
    pub fn nics(&self, instance: &InstanceId) -> Vec<GuestNic> {
        self.inner.networks.lock().get(instance).cloned().unwrap_or_default()
    }

    /// Keeps a paused guest from going on, as a disk does that stays full, until it is let go; for
    /// fault injection.
    pub fn hold(&self, instance: &InstanceId, held: bool) {
        let mut all = self.inner.held.lock();
        if held {
            all.insert(instance.clone());
        } else {
            all.remove(instance);
        }
    }

    /// Ends a guest as a crash of its process would; for fault injection.
    ///
    /// # Errors
    /// `File`.
    pub fn crash(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.inner.end(instance, false)
    }
}

impl Inner {
    fn dir(&self, instance: &InstanceId) -> GuestDir {
        GuestDir::of(&self.config.root, instance)
    }

    fn tell(&self, instance: &InstanceId, kind: GuestEventKind) {
        // Nobody may be listening.
        let _ = self.events.send(GuestEvent { instance: instance.clone(), kind });
    }

    /// What the guest does now; a guest whose time to go has come is gone.
    fn settle(&self, instance: &InstanceId) -> Result<GuestState, ComputeError> {
        let now = self.clock.region();
        let state = {
            let guests = self.guests.lock();
            let Some(record) = guests.get(instance) else { return Ok(GuestState::Absent) };
            match (record.off_at, record.paused) {
                _ if now < record.runs_from => GuestState::Starting,
                (_, Some(Paused::NoSpace)) => GuestState::Paused { reason: PauseReason::NoSpace },
                (_, Some(Paused::DiskError)) => {
                    GuestState::Paused { reason: PauseReason::DiskError }
                }
                (Some(off_at), None) if off_at <= now => GuestState::Absent,
                (_, None) => GuestState::Running,
            }
        };
        if state == GuestState::Absent {
            self.end(instance, true)?;
        }
        Ok(state)
    }

    /// Changes the record of a guest that is there.
    fn change(
        &self,
        instance: &InstanceId,
        change: impl FnOnce(&mut Record),
    ) -> Result<(), ComputeError> {
        match self.settle(instance)? {
            GuestState::Running | GuestState::Paused { .. } => {}
            GuestState::Absent | GuestState::Starting => {
                return Err(ComputeError::NotRunning { instance: instance.clone() });
            }
        }
        let mut guests = self.guests.lock();
        let Some(record) = guests.get_mut(instance) else {
            return Err(ComputeError::NotRunning { instance: instance.clone() });
        };
        let mut next = record.clone();
        change(&mut next);
        self.keep(instance, &next)?;
        *record = next;
        Ok(())
    }

    fn keep(&self, instance: &InstanceId, record: &Record) -> Result<(), ComputeError> {
        let bytes = serde_json::to_vec(record).unwrap_or_default();
        self.dir(instance).write(RECORD, &bytes)
    }

    fn end(&self, instance: &InstanceId, by_guest: bool) -> Result<(), ComputeError> {
        let mut guests = self.guests.lock();
        if !guests.contains_key(instance) {
            return Ok(());
        }
        self.dir(instance).remove(RECORD)?;
        guests.remove(instance);
        drop(guests);
        console::append(&self.dir(instance), b"ectype-guest off\n")?;
        self.tell(instance, GuestEventKind::Stopped { by_guest });
        Ok(())
    }

    /// Watches the clock until the guest is off. Ends with the fake.
    fn end_when_due(self: &Arc<Self>, instance: &InstanceId) {
        let (weak, instance) = (Arc::downgrade(self), instance.clone());
        tokio::spawn(async move {
            while let Some(inner) = weak.upgrade() {
                match inner.settle(&instance) {
                    Ok(GuestState::Absent) => return,
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%instance, %error, "fake guest cannot stop"),
                }
                drop(inner);
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
    }

    fn begin(&self, spec: &GuestSpec) -> Result<(), ComputeError> {
        let instance = &spec.instance;
        if self.settle(instance)? != GuestState::Absent {
            return Err(ComputeError::AlreadyRunning { instance: instance.clone() });
        }
        let record = Record {
            format: RECORD_FORMAT,
            hostname: spec.seed.hostname.clone(),
            runs_from: self.clock.region().plus(self.config.start_delay),
            off_at: None,
            paused: None,
            disks: spec.disks.iter().map(|disk| disk.id.clone()).collect(),
        };
        let mut guests = self.guests.lock();
        if guests.contains_key(instance) {
            return Err(ComputeError::AlreadyRunning { instance: instance.clone() });
        }
        let dir = self.dir(instance);
        dir.create()?;
        let said = format!(
            "ectype-guest fake host={} user-data-bytes={} (not run)\n{READY_LINE}{}\n",
            record.hostname,
            spec.seed.user_data.as_ref().map_or(0, String::len),
            spec.seed.instance_id,
        );
        console::append(&dir, said.as_bytes())?;
        self.keep(instance, &record)?;
        guests.insert(instance.clone(), record);
        Ok(())
    }

    fn load(&self, instance: &InstanceId) -> Option<Record> {
        let bytes = std::fs::read(self.dir(instance).file(RECORD)).ok()?;
        let record = serde_json::from_slice::<Record>(&bytes).ok();
        if record.as_ref().is_none_or(|record| record.format != RECORD_FORMAT) {
            tracing::warn!(%instance, "a fake guest's record is not understood; it is off now");
            return None;
        }
        record
    }
}

/// What a fake guest does with its serial line: it gives back what is typed, until it is off.
async fn echo(inner: Weak<Inner>, instance: InstanceId, mut line: DuplexStream) {
    let mut typed = [0; LINE_BYTES];
    loop {
        match tokio::time::timeout(LOOK_EVERY, line.read(&mut typed)).await {
            Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(n)) => {
                if line.write_all(&typed[..n]).await.is_err() {
                    return;
                }
            }
            Err(_) => {
                let state = inner.upgrade().map(|inner| inner.settle(&instance));
                if !matches!(state, Some(Ok(GuestState::Running | GuestState::Paused { .. }))) {
                    return;
                }
            }
        }
    }
}

#[async_trait]
impl Hypervisor for Fake {
    fn info(&self) -> HypervisorInfo {
        HypervisorInfo {
            name: "fake",
            version: env!("CARGO_PKG_VERSION").to_owned(),
            acceleration: Accel::Absent,
            needs_export: false,
        }
    }

    fn host_limits(&self) -> HostLimits {
        HostLimits { vcpus: u32::MAX, memory: ByteCount(u64::MAX) }
    }

    async fn start(&self, spec: GuestSpec) -> Result<Started, ComputeError> {
        check::spec(&spec)?;
        self.inner.begin(&spec)?;
        self.inner.networks.lock().insert(spec.instance.clone(), spec.nics.clone());
        while self.inner.settle(&spec.instance)? == GuestState::Starting {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(Started { vcpus: spec.vcpus, memory: spec.memory, acceleration: Accel::Absent })
    }

    async fn powerdown(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        let off_at = self.inner.clock.region().plus(self.inner.config.stop_delay);
        self.inner.change(instance, |record| record.off_at = record.off_at.or(Some(off_at)))?;
        if self.inner.settle(instance)? != GuestState::Absent {
            self.inner.end_when_due(instance);
        }
        Ok(())
    }

    async fn power_off(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.inner.end(instance, false)
    }

    async fn reset(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        self.inner.change(instance, |record| record.off_at = None)?;
        console::append(&self.inner.dir(instance), b"ectype-guest reset\n")?;
        self.inner.tell(instance, GuestEventKind::Rebooted);
        Ok(())
    }

    async fn state(&self, instance: &InstanceId) -> Result<GuestState, ComputeError> {
        self.inner.settle(instance)
    }

    async fn resume(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        let paused = matches!(self.inner.settle(instance)?, GuestState::Paused { .. });
        if paused && self.inner.held.lock().contains(instance) {
            return Err(ComputeError::StillPaused { instance: instance.clone() });
        }
        let mut was = None;
        self.inner.change(instance, |record| was = record.paused.take())?;
        if was.is_some() {
            self.inner.tell(instance, GuestEventKind::Resumed);
        }
        Ok(())
    }

    async fn disk_grow(
        &self,
        instance: &InstanceId,
        disk: &str,
        capacity: ByteCount,
    ) -> Result<(), ComputeError> {
        // Only whether it runs is of interest: it has no disks.
        self.inner.change(instance, |_| ())?;
        let said = format!("ectype-guest disk {disk} has {} bytes\n", capacity.0);
        console::append(&self.inner.dir(instance), said.as_bytes())
    }

    async fn disk_add(&self, instance: &InstanceId, disk: GuestDisk) -> Result<(), ComputeError> {
        check::added(&disk)?;
        let full = self.disks(instance).len() >= DISKS_MAX;
        let mut said = None;
        self.inner.change(instance, |record| {
            if !full && !record.disks.contains(&disk.id) {
                said = Some(format!("ectype-guest disk {} added\n", disk.id));
                record.disks.push(disk.id.clone());
            }
        })?;
        match said {
            Some(said) => console::append(&self.inner.dir(instance), said.as_bytes()),
            None if self.disks(instance).contains(&disk.id) => Ok(()),
            None => Err(ComputeError::Spec { what: "too many disks" }),
        }
    }

    async fn disk_remove(&self, instance: &InstanceId, disk: &str) -> Result<(), ComputeError> {
        self.inner.change(instance, |record| record.disks.retain(|id| id != disk))?;
        let said = format!("ectype-guest disk {disk} removed\n");
        console::append(&self.inner.dir(instance), said.as_bytes())
    }

    async fn network(&self, instance: &InstanceId, nics: &[GuestNic]) -> Result<(), ComputeError> {
        check::nics(nics)?;
        self.inner.change(instance, |_| ())?;
        self.inner.networks.lock().insert(instance.clone(), nics.to_vec());
        Ok(())
    }

    async fn adopt(&self) -> Result<Vec<InstanceId>, ComputeError> {
        let mut adopted = Vec::new();
        for instance in dir::instances(&self.inner.config.root)? {
            let Some(record) = self.inner.load(&instance) else { continue };
            let stops = record.off_at.is_some();
            self.inner.guests.lock().insert(instance.clone(), record);
            if self.inner.settle(&instance)? == GuestState::Absent {
                continue;
            }
            if stops {
                self.inner.end_when_due(&instance);
            }
            adopted.push(instance);
        }
        Ok(adopted)
    }

    async fn console_log(
        &self,
        instance: &InstanceId,
        offset: u64,
        limit: usize,
    ) -> Result<ConsolePart, ComputeError> {
        console::read(&self.inner.dir(instance), offset, limit)
    }

    async fn console(&self, instance: &InstanceId) -> Result<Box<dyn Line>, ComputeError> {
        self.inner.change(instance, |_| ())?;
        let (ours, theirs) = tokio::io::duplex(LINE_BYTES);
        tokio::spawn(echo(Arc::downgrade(&self.inner), instance.clone(), ours));
        Ok(Box::new(theirs))
    }

    async fn forget(&self, instance: &InstanceId) -> Result<(), ComputeError> {
        if self.inner.settle(instance)? != GuestState::Absent {
            return Err(ComputeError::AlreadyRunning { instance: instance.clone() });
        }
        self.inner.dir(instance).remove_all()
    }

    fn events(&self) -> broadcast::Receiver<GuestEvent> {
        self.inner.events.subscribe()
    }
}
