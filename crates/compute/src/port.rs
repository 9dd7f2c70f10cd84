//! The port: what a hypervisor is to the rest of the region.
//!
//! ```text
//!            start                       powerdown, power_off, guest's own shutdown, crash
//!  Absent ----------> Starting --> Running ------------------------------------------> Absent
//!                                   |   ^  \___ reset ___/
//!                      disk full    v   | resume
//!                                  Paused
//! ```
//!
//! | two at once | outcome |
//! |---|---|
//! | two starts of one instance | the second is refused: [`ComputeError::AlreadyRunning`] |
//! | stop while it starts | the stop waits for the start |
//! | two stops | both succeed; one `Stopped` event |
//! | guest dies while a call is on its way | the call fails with `NotRunning`, one `Stopped` event |

use std::{fmt, net::Ipv4Addr, path::PathBuf};

use async_trait::async_trait;
use base::{ByteCount, ErrorKind, InstanceId};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::broadcast,
};

/// Longest user data of an instance, in bytes (IBM documents 64 KB).
pub const USER_DATA_MAX: usize = 64 * 1024;
/// Most SSH keys in one seed.
pub const SEED_KEYS_MAX: usize = 64;
/// Longest host name in a seed, in bytes (a DNS label).
pub const SEED_HOSTNAME_MAX: usize = 63;
/// Most disks of one guest, the seed not counted (IBM: boot and 12 data volumes).
pub const DISKS_MAX: usize = 13;
/// Most network interfaces of one guest: as many as the largest profile has.
pub const NICS_MAX: usize = 10;
/// Console bytes kept of one instance: the last ones; what is older is dropped.
pub const CONSOLE_LOG_MAX: ByteCount = ByteCount(8 << 20);
/// Most console bytes that one read returns.
pub const CONSOLE_READ_MAX: usize = 1 << 20;
/// Events a slow listener may lag behind before it loses the oldest. Whoever is told that it
/// lagged asks for the state of its guests instead.
pub const EVENTS_KEPT: usize = 1024;

/// What a guest of the stock image, and a fake one, says on its console once it is up, followed by
/// the instance id of its seed and a line end.
pub const READY_LINE: &str = "ectype-guest ready instance-id=";

/// What a guest of the stock image says once its user data ended, followed by the exit status
/// (`none` when it was not run) and ` instance-id=` with the instance id of its seed.
pub const USER_DATA_LINE: &str = "ectype-guest user-data exit=";

/// All that a guest is made of.
#[derive(Clone, Debug)]
pub struct GuestSpec {
    /// The instance this guest runs.
    pub instance: InstanceId,
    /// The instance's name, for logs and the process list.
    pub name: String,
    /// Virtual CPUs of the profile; the host may cap them, see [`Started`].
    pub vcpus: u32,
    /// Memory of the profile; the host may cap it, see [`Started`].
    pub memory: ByteCount,
    /// The disks, exactly one of them to boot from.
    pub disks: Vec<GuestDisk>,
    /// What the guest is told at its first boot.
    pub seed: Seed,
    /// The network interfaces, the primary one first. Their forwards are not opened yet: see
    /// [`Hypervisor::network`].
    pub nics: Vec<GuestNic>,
}

/// A network interface. What DHCP tells the guest is what its subnet says: the address, the
/// range, the second address of the range as gateway and the third as name server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestNic {
    /// The id of the network interface.
    pub id: String,
    /// Hardware address: `02:00:01:02:03:04`.
    pub mac: String,
    /// The guest's address.
    pub address: Ipv4Addr,
    /// The subnet: first address and prefix length.
    pub range: (Ipv4Addr, u8),
    /// Whether the guest reaches anything outside by it.
    pub way_out: bool,
    /// Ports of the host that lead to it.
    pub forwards: Vec<Forward>,
}

/// A port of the host that leads to the same port of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Forward {
    /// UDP; TCP otherwise.
    pub udp: bool,
    /// The host's address.
    pub address: Ipv4Addr,
    /// The port, here and there.
    pub port: u16,
}

/// A disk, served over NBD.
#[derive(Clone, Debug)]
pub struct GuestDisk {
    /// The id of the volume attachment.
    pub id: String,
    /// What the guest sees as the disk's serial; virtio shows the first 20 bytes.
    pub serial: String,
    /// The unix socket that the volume is served on; at most 107 bytes long. The export has the
    /// empty name.
    pub nbd_socket: PathBuf,
    /// Whether the guest boots from it.
    pub boot: bool,
}

/// What a guest reads from its seed disk (NoCloud, label `CIDATA`).
#[derive(Clone)]
pub struct Seed {
    /// The guest runs user data once for each value of this.
    pub instance_id: String,
    /// Host name.
    pub hostname: String,
    /// A script, `#cloud-config`, or what else the guest's cloud-init understands. A secret.
    pub user_data: Option<String>,
    /// SSH public keys of the administrator, one line each.
    pub ssh_keys: Vec<String>,
}

impl fmt::Debug for Seed {
    /// User data may hold secrets: only its length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seed")
            .field("instance_id", &self.instance_id)
            .field("hostname", &self.hostname)
            .field("user_data_bytes", &self.user_data.as_ref().map(String::len))
            .field("ssh_keys", &self.ssh_keys.len())
            .finish()
    }
}

/// What a guest got when it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// Virtual CPUs it runs with; fewer than asked where the host has no more.
    pub vcpus: u32,
    /// Memory it runs with; less than asked where the host has no more.
    pub memory: ByteCount,
    /// How its CPUs are run.
    pub acceleration: Accel,
}

/// What a guest is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestState {
    /// There is none.
    Absent,
    /// It is being made; `start` has not returned.
    Starting,
    /// It runs.
    Running,
    /// It stands still until it is resumed.
    Paused {
        /// Why.
        reason: PauseReason,
    },
}

/// Why a guest stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// A disk had no room for a write. Nothing is lost: resuming tries the write again.
    NoSpace,
    /// A disk failed for another reason. Nothing is lost either.
    DiskError,
    /// Somebody paused it from outside, or the guest's kernel panicked.
    Other,
}

/// Something happened to a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestEvent {
    /// Whose guest.
    pub instance: InstanceId,
    /// What.
    pub kind: GuestEventKind,
}

/// What happened to a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestEventKind {
    /// It is gone. Told once for each start.
    Stopped {
        /// The guest's operating system switched off, by itself or because it was asked to by
        /// `powerdown`; otherwise it was switched off or died.
        by_guest: bool,
    },
    /// It restarted from its disk: the guest's own doing, or `reset`.
    Rebooted,
    /// It stands still; see [`PauseReason`].
    Paused {
        /// A disk is full.
        no_space: bool,
    },
    /// It runs again.
    Resumed,
}

/// How a guest's CPUs are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accel {
    /// By the processor; proven by a guest that ran.
    Kvm,
    /// By emulation.
    Tcg,
    /// Not known yet: the probe is still on its way. A start waits for it.
    Unproven,
    /// There are no CPUs: the fake.
    Absent,
}

/// What kind of hypervisor it is.
#[derive(Clone, Debug)]
pub struct HypervisorInfo {
    /// `qemu` or `fake`.
    pub name: &'static str,
    /// The version it reports of itself.
    pub version: String,
    /// How guests are run.
    pub acceleration: Accel,
    /// Whether guests need their disks served over NBD. The fake never reads them.
    pub needs_export: bool,
}

/// The most that one guest gets on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLimits {
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory.
    pub memory: ByteCount,
}

/// Bytes of a console.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsolePart {
    /// Where `bytes` begin, counted from the first byte that the instance's console ever wrote.
    /// Later than what was asked for where those bytes are no longer kept.
    pub offset: u64,
    /// What the console wrote there.
    pub bytes: Vec<u8>,
    /// All bytes that the console ever wrote.
    pub total: u64,
}

/// Why a guest did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ComputeError {
    /// A program is not installed.
    #[error("`{tool}` is not installed; on Debian: apt-get install {package}")]
    ToolMissing {
        /// The program.
        tool: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// The instance has a guest already.
    #[error("instance {instance} is running already")]
    AlreadyRunning {
        /// Whose.
        instance: InstanceId,
    },
    /// The instance has no guest.
    #[error("instance {instance} is not running")]
    NotRunning {
        /// Whose.
        instance: InstanceId,
    },
    /// The specification cannot be a guest.
    #[error("guest specification: {what}")]
    Spec {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The guest's process ended before it ran.
    #[error("the guest of instance {instance} did not start: {said}")]
    StartFailed {
        /// Whose.
        instance: InstanceId,
        /// The last that the process said.
        said: String,
    },
    /// A paused guest pauses again as soon as it is resumed.
    #[error("instance {instance} cannot go on: its disk is still full or failing")]
    StillPaused {
        /// Whose.
        instance: InstanceId,
    },
    /// The guest has no such disk.
    #[error("instance {instance} has no disk {disk}")]
    NoSuchDisk {
        /// Whose.
        instance: InstanceId,
        /// The id of the volume attachment.
        disk: String,
    },
    /// The guest's disk could not be made larger; its server may not be back yet.
    #[error("disk {disk} of instance {instance} did not grow: {said}")]
    DiskNotGrown {
        /// Whose.
        instance: InstanceId,
        /// The id of the volume attachment.
        disk: String,
        /// The last that the hypervisor said.
        said: String,
    },
    /// The guest could not be given the disk.
    #[error("disk {disk} was not added to instance {instance}: {said}")]
    DiskNotAdded {
        /// Whose.
        instance: InstanceId,
        /// The id of the volume attachment.
        disk: String,
        /// What the hypervisor said.
        said: String,
    },
    /// The guest does not let go of the disk; its system may not be up yet.
    #[error("instance {instance} does not let go of disk {disk}")]
    DiskHeld {
        /// Whose.
        instance: InstanceId,
        /// The id of the volume attachment.
        disk: String,
    },
    /// The guest's process does not answer, or not in the protocol.
    #[error("control connection of instance {instance}")]
    Control {
        /// Whose.
        instance: InstanceId,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The guest could not be given the network interface.
    #[error("interface {nic} was not added to instance {instance}: {said}")]
    NicNotAdded {
        /// Whose.
        instance: InstanceId,
        /// The id of the network interface.
        nic: String,
        /// What the hypervisor said.
        said: String,
    },
    /// The guest was asked to let go of the network interface and has not yet; its system may not
    /// be up.
    #[error("instance {instance} does not let go of interface {nic}")]
    NicHeld {
        /// Whose.
        instance: InstanceId,
        /// The id of the network interface.
        nic: String,
    },
    /// A port of the host that cannot be listened on: taken, or privileged.
    #[error("{port} cannot be forwarded to the guest of instance {instance}")]
    PortTaken {
        /// Whose guest.
        instance: InstanceId,
        /// Protocol, address and port.
        port: String,
    },
    /// A file of the guest.
    #[error("{what} {}", path.display())]
    File {
        /// What was tried: `write seed disk`.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl ComputeError {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::ToolMissing { .. }
            | Self::StartFailed { .. }
            | Self::StillPaused { .. }
            | Self::PortTaken { .. }
            | Self::NicNotAdded { .. }
            | Self::NicHeld { .. }
            | Self::DiskNotGrown { .. }
            | Self::DiskNotAdded { .. }
            | Self::DiskHeld { .. }
            | Self::Control { .. }
            | Self::File { .. } => ErrorKind::Unavailable,
            Self::AlreadyRunning { .. } | Self::NotRunning { .. } => ErrorKind::Conflict,
            Self::NoSuchDisk { .. } => ErrorKind::NotFound,
            Self::Spec { .. } => ErrorKind::Invalid,
        }
    }
}

/// A guest's serial line: what is read is what the guest says, what is written is typed. It ends
/// with the guest.
pub trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Runs guests. Every method may be called by many at once.
///
/// Each instance has a directory of its own below the hypervisor's, named by the instance id,
/// with its control files and its console log.
#[async_trait]
pub trait Hypervisor: Send + Sync {
    /// What kind it is. Never blocks; the acceleration may still be [`Accel::Unproven`].
    fn info(&self) -> HypervisorInfo;

    /// The most that one guest gets here; a start caps what its profile says.
    fn host_limits(&self) -> HostLimits;

    /// Makes the guest and returns once it runs.
    ///
    /// # Errors
    /// `AlreadyRunning`, `Spec`, `StartFailed`, `File`; then there is no guest.
    async fn start(&self, spec: GuestSpec) -> Result<Started, ComputeError>;

    /// Presses the power button (ACPI) and returns; a guest that obeys ends in a `Stopped` event.
    /// A press may be lost before the guest's operating system is up: press again.
    ///
    /// # Errors
    /// `NotRunning`, `Control`.
    async fn powerdown(&self, instance: &InstanceId) -> Result<(), ComputeError>;

    /// Switches the guest off and returns once it is gone; also when there was none.
    ///
    /// # Errors
    /// `Control` when the process could not be ended.
    async fn power_off(&self, instance: &InstanceId) -> Result<(), ComputeError>;

    /// Presses the reset button.
    ///
    /// # Errors
    /// `NotRunning`, `Control`.
    async fn reset(&self, instance: &InstanceId) -> Result<(), ComputeError>;

    /// What the guest is doing.
    ///
    /// # Errors
    /// `Control` when its process does not answer.
    async fn state(&self, instance: &InstanceId) -> Result<GuestState, ComputeError>;

    /// Lets a paused guest go on, and returns once it stays running; at once when it already runs.
    ///
    /// # Errors
    /// `NotRunning`, `StillPaused`, `Control`.
    async fn resume(&self, instance: &InstanceId) -> Result<(), ComputeError>;

    /// Shows a guest the new size of a disk whose server has grown it, and returns once the
    /// guest's device has it: its system is told by an interrupt, without a restart. `disk` is
    /// [`GuestDisk::id`]. Call it after the volume has grown; repeating it is harmless.
    ///
    /// # Errors
    /// `NotRunning`: the next start sees the new size anyway. `NoSuchDisk`, `DiskNotGrown`,
    /// `Control`.
    async fn disk_grow(
        &self,
        instance: &InstanceId,
        disk: &str,
        capacity: ByteCount,
    ) -> Result<(), ComputeError>;

    /// Gives a running guest another disk, which must be served already. Nothing happens when it
    /// has it. A guest that is up is told by an interrupt.
    ///
    /// # Errors
    /// `NotRunning`, `Spec`, `DiskNotAdded`, `Control`.
    async fn disk_add(&self, instance: &InstanceId, disk: GuestDisk) -> Result<(), ComputeError>;

    /// Takes a disk from a running guest and returns once the guest let go of it and nothing
    /// holds its socket any more. Nothing happens when the guest does not have it. `disk` is
    /// [`GuestDisk::id`]. A guest is not asked whether it uses the disk.
    ///
    /// # Errors
    /// `NotRunning`; `DiskHeld` when the guest does not answer within some seconds: ask again.
    async fn disk_remove(&self, instance: &InstanceId, disk: &str) -> Result<(), ComputeError>;

    /// Gives a running guest these network interfaces, ways out and forwards, and no others.
    /// Repeating it is cheap and harmless. A way out that changes ends the connections of its
    /// interface.
    ///
    /// # Errors
    /// `NotRunning`, `Spec`, `Control`; `PortTaken`, `NicNotAdded`, `NicHeld` for the first thing
    /// that could not be done while the others were: ask again.
    async fn network(&self, instance: &InstanceId, nics: &[GuestNic]) -> Result<(), ComputeError>;

    /// Finds the guests that outlived a former server and watches them from now on. To be called
    /// once, before the first start.
    ///
    /// # Errors
    /// `File` when the directory cannot be read. A guest that cannot be adopted is not listed.
    async fn adopt(&self) -> Result<Vec<InstanceId>, ComputeError>;

    /// What the console wrote from `offset` on, at most `limit` bytes and [`CONSOLE_READ_MAX`].
    /// The log spans all starts of the instance and also answers when it is stopped; an instance
    /// that never started has an empty one.
    ///
    /// # Errors
    /// `File`.
    async fn console_log(
        &self,
        instance: &InstanceId,
        offset: u64,
        limit: usize,
    ) -> Result<ConsolePart, ComputeError>;

    /// The serial line of a running guest, from now on. A guest has one: a second line is silent
    /// until the first is dropped.
    ///
    /// # Errors
    /// `NotRunning`, `Control`.
    async fn console(&self, instance: &InstanceId) -> Result<Box<dyn Line>, ComputeError>;

    /// Removes all files of an instance that has no guest any more.
    ///
    /// # Errors
    /// `AlreadyRunning` while it has one, `File`.
    async fn forget(&self, instance: &InstanceId) -> Result<(), ComputeError>;

    /// What happens from now on; see [`EVENTS_KEPT`].
    fn events(&self) -> broadcast::Receiver<GuestEvent>;
}
