//! A real guest: the stock image, built here, under QEMU with disks over NBD.
//!
//! Slow, so it runs only when `ECTYPE_STOCK_IMAGE` names the image; it is built there when it is
//! not there yet (its packages come from the Debian mirror), beside a work directory `NAME.work`.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Arc,
    time::Duration,
};

use base::{ByteCount, Clock, InstanceId, SystemClock};
use ectype_compute::{
    ComputeError, GuestDisk, GuestEvent, GuestEventKind, GuestNic, GuestSpec, GuestState,
    Hypervisor, PauseReason, Qemu, QemuConfig, READY_LINE, Seed, USER_DATA_LINE, stock,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{Mutex, broadcast},
    time::{sleep, timeout},
};

/// Longest wait for a word of a guest that is emulated on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// One guest at a time: they are emulated, and all want the same cores.
static TURN: Mutex<()> = Mutex::const_new(());

/// The image, or why there is none.
fn image() -> Option<stock::StockImage> {
    let Some(out) = std::env::var_os("ECTYPE_STOCK_IMAGE").map(PathBuf::from) else {
        eprintln!("skipped: set ECTYPE_STOCK_IMAGE to where the stock image is or shall be built");
        return None;
    };
    let work = PathBuf::from(format!("{}.work", out.display()));
    let clock = SystemClock::new();
    let image =
        stock::build(&stock::BuildOptions { work, out, capacity: stock::CAPACITY }).unwrap();
    eprintln!("image: {} used, built or found in {:?}", image.record.used, clock.monotonic());
    Some(image)
}

/// A file system that is full: once, or for as long as the server runs.
fn full(disk: &Path, once: bool) -> String {
    let once = if once { "on" } else { "off" };
    format!(
        "driver=qcow2,file.driver=blkdebug,file.image.driver=file,file.image.filename={},\
         file.inject-error.0.event=write_aio,file.inject-error.0.errno=28,\
         file.inject-error.0.once={once}",
        disk.display()
    )
}

/// A disk that starts as the image, served by qemu-nbd.
struct Served {
    process: Child,
    socket: PathBuf,
}

impl Served {
    fn new(dir: &Path, image: &Path, name: &str) -> Self {
        Self::with(dir, image, name, |disk| {
            format!("driver=qcow2,file.filename={}", disk.display())
        })
    }

    fn with(dir: &Path, image: &Path, name: &str, options: impl Fn(&Path) -> String) -> Self {
        let disk = dir.join(format!("{name}.qcow2"));
        if !disk.exists() {
            let made = Command::new("qemu-img")
                .args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"])
                .args([image, &disk])
                .status();
            assert!(made.unwrap().success());
        }
        let socket = dir.join(format!("{name}.sock"));
        let process = Command::new("qemu-nbd")
            .args(["--persistent", "--shared=4", "--image-opts", &options(&disk), "-k"])
            .arg(&socket)
            .spawn()
            .unwrap();
        Self { process, socket }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

struct Bench {
    qemu: Arc<Qemu>,
    events: broadcast::Receiver<GuestEvent>,
    instance: InstanceId,
    clock: SystemClock,
    seen: u64,
}

impl Bench {
    fn new(root: &Path, instance: &str) -> Self {
        let config = QemuConfig {
            root: root.join("guests"),
            vcpus_max: None,
            memory_max: Some(ByteCount(1 << 30)),
        };
        let qemu = Arc::new(Qemu::new(config).unwrap());
        let events = qemu.events();
        let instance = InstanceId::parse(instance).unwrap();
        Self { qemu, events, instance, clock: SystemClock::new(), seen: 0 }
    }

    fn spec(&self, disk: &Served, seed_id: &str, user_data: &str) -> GuestSpec {
        GuestSpec {
            instance: self.instance.clone(),
            name: "guest-test".into(),
            vcpus: 2,
            memory: ByteCount::from_gb(8),
            disks: vec![GuestDisk {
                id: "0717-boot".into(),
                serial: "0717-boot".into(),
                nbd_socket: disk.socket.clone(),
                boot: true,
            }],
            seed: Seed {
                instance_id: seed_id.into(),
                hostname: "demo".into(),
                user_data: Some(user_data.into()),
                ssh_keys: vec!["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFirst me@here".into()],
            },
            nics: vec![GuestNic {
                id: "0717-nic".into(),
                mac: "02:00:00:00:00:01".into(),
                address: std::net::Ipv4Addr::new(10, 240, 0, 4),
                range: (std::net::Ipv4Addr::new(10, 240, 0, 0), 24),
                way_out: false,
                forwards: Vec::new(),
            }],
        }
    }

    /// Waits until the console says `word` after what was seen; all that it said meanwhile.
    async fn hear(&mut self, word: &str) -> String {
        let from = self.seen;
        let heard = async {
            loop {
                let part = self.qemu.console_log(&self.instance, from, usize::MAX).await.unwrap();
                let text = String::from_utf8_lossy(&part.bytes).into_owned();
                if let Some(at) = text.find(word)
                    && let Some(end) = text[at..].find('\n')
                {
                    self.seen = from + u64::try_from(at + end).unwrap();
                    return text;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        match timeout(PATIENCE, heard).await {
            Ok(text) => text,
            Err(_) => {
                let part = self.qemu.console_log(&self.instance, from, usize::MAX).await.unwrap();
                panic!("no `{word}` in {}", String::from_utf8_lossy(&part.bytes));
            }
        }
    }

    async fn told(&mut self) -> GuestEventKind {
        timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap().kind
    }

    async fn stop(&mut self) {
        let since = self.clock.monotonic();
        self.qemu.powerdown(&self.instance).await.unwrap();
        assert_eq!(self.told().await, GuestEventKind::Stopped { by_guest: true });
        eprintln!("power button to exit: {:?}", self.clock.monotonic() - since);
        assert_eq!(self.qemu.state(&self.instance).await.unwrap(), GuestState::Absent);
    }
}

const FIRST: &str = "#!/bin/bash
set -e
cd /root
dd if=/dev/urandom of=payload bs=1M count=16 2>/dev/null
sha256sum payload >payload.sha256
sync
[[ $(df -m / | awk 'END { print $4 }') -gt 90000 ]]
echo \"first: $(cut -c1-64 payload.sha256) $(hostname) $(cat /root/.ssh/authorized_keys)\"
echo \"first: address $(ip -4 addr show dev eth0 | grep -o 'inet [0-9.]*')\"
";

const SECOND: &str = "#cloud-config
hostname: renamed
write_files:
  - path: /etc/motd
    permissions: '0640'
    content: |
      it's \"quoted\"
        deeper
runcmd:
  - sha256sum -c /root/payload.sha256 || cd /root && sha256sum -c payload.sha256
  - [sh, -c, \"echo second: $(hostname) $(stat -c %a /etc/motd)\"]
  - dmesg | grep -c 'recovery complete' | sed 's/^/second: recoveries /'
power_state:
  mode: poweroff
";

/// S2, S5: what a guest wrote is on its disk, and an image of that disk boots as another instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stock_image_boots_runs_user_data_once_stops_clean_and_is_adopted() {
    let _turn = TURN.lock().await;
    let Some(image) = image() else { return };
    let root = tempfile::tempdir().unwrap();
    let disk = Served::new(root.path(), &image.path, "boot");
    let _none_left = NoneLeft("0717_guest");
    let mut bench = Bench::new(root.path(), "0717_guest");

    let since = bench.clock.monotonic();
    let spec = bench.spec(&disk, "0717_guest", FIRST);
    let started = bench.qemu.start(spec.clone()).await.unwrap();
    eprintln!("{started:?} after {:?}", bench.clock.monotonic() - since);
    bench.hear(&format!("{READY_LINE}0717_guest")).await;
    eprintln!("ready after {:?}", bench.clock.monotonic() - since);
    let said = bench.hear(&format!("{USER_DATA_LINE}0 instance-id=0717_guest")).await;
    eprintln!("user data done after {:?}", bench.clock.monotonic() - since);
    assert!(said.contains("demo ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFirst"), "{said}");
    assert!(said.contains("first: address inet 10.240.0.4"), "{said}");
    bench.stop().await;

    // The same instance again: nothing runs twice. Another server adopts it.
    bench.qemu.start(spec).await.unwrap();
    let said = bench.hear(READY_LINE).await;
    assert!(!said.contains("first:"), "{said}");
    drop(bench);
    let mut bench = Bench::new(root.path(), "0717_guest");
    assert_eq!(bench.qemu.adopt().await.unwrap(), [bench.instance.clone()]);
    assert_eq!(bench.qemu.state(&bench.instance).await.unwrap(), GuestState::Running);
    // Its serial line says what it does from now on, and ends with it.
    let mut line = bench.qemu.console(&bench.instance).await.unwrap();
    bench.qemu.reset(&bench.instance).await.unwrap();
    let mut said = String::new();
    while !said.contains(READY_LINE) {
        let mut bytes = [0; 256];
        let n = timeout(PATIENCE, line.read(&mut bytes)).await.unwrap().unwrap();
        said.push_str(&String::from_utf8_lossy(&bytes[..n]));
    }
    assert_eq!(bench.told().await, GuestEventKind::Rebooted);
    line.write_all(b"\r").await.unwrap();
    bench.stop().await;
    timeout(PATIENCE, line.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
    let gone = bench.qemu.console(&bench.instance).await.err().unwrap();
    assert!(matches!(gone, ComputeError::NotRunning { .. }), "{gone}");
    bench.seen = bench.qemu.console_log(&bench.instance, 0, 0).await.unwrap().total;

    // Another instance from the same disk: its user data runs, and switches it off.
    let spec = bench.spec(&disk, "0717_other", SECOND);
    bench.qemu.start(spec).await.unwrap();
    let said = bench.hear(&format!("{USER_DATA_LINE}0 instance-id=0717_other")).await;
    for word in ["payload: OK", "second: renamed 640", "second: recoveries 0"] {
        assert!(said.contains(word), "no `{word}` in {said}");
    }
    assert_eq!(bench.told().await, GuestEventKind::Stopped { by_guest: true });
    bench.qemu.forget(&bench.instance).await.unwrap();
}

/// The guest's process, found as an administrator would.
fn pid_of(instance: &str) -> Option<String> {
    let name = format!("ectype-{instance}");
    let names = std::fs::read_dir("/proc").unwrap();
    let mut pids = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    pids.find(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == name.as_bytes())
    })
}

fn kill(instance: &str) -> bool {
    let pid = pid_of(instance);
    pid.is_some_and(|pid| Command::new("kill").args(["-KILL", &pid]).status().unwrap().success())
}

/// No guest is left behind by a test that fails.
struct NoneLeft(&'static str);

impl Drop for NoneLeft {
    fn drop(&mut self) {
        if kill(self.0) {
            eprintln!("the guest of {} was left behind", self.0);
        }
    }
}

/// A full disk pauses the guest and harms nothing; resets, crashes and switching off are told apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_pauses_the_guest_and_every_end_is_told() {
    let _turn = TURN.lock().await;
    let Some(image) = image() else { return };
    let root = tempfile::tempdir().unwrap();
    let disk = Served::with(root.path(), &image.path, "full", |disk| full(disk, true));
    let _none_left = NoneLeft("0717_full");
    let mut bench = Bench::new(root.path(), "0717_full");
    let spec = bench.spec(&disk, "0717_full", "");
    bench.qemu.start(spec.clone()).await.unwrap();
    assert_eq!(bench.told().await, GuestEventKind::Paused { no_space: true });

    // Also a server that comes later learns why it is paused.
    drop(bench);
    let mut bench = Bench::new(root.path(), "0717_full");
    assert_eq!(bench.qemu.adopt().await.unwrap().len(), 1);
    let paused = GuestState::Paused { reason: PauseReason::NoSpace };
    assert_eq!(bench.qemu.state(&bench.instance).await.unwrap(), paused);
    bench.qemu.resume(&bench.instance).await.unwrap();
    assert_eq!(bench.told().await, GuestEventKind::Resumed);
    bench.hear(READY_LINE).await;

    bench.qemu.reset(&bench.instance).await.unwrap();
    assert_eq!(bench.told().await, GuestEventKind::Rebooted);
    bench.hear(READY_LINE).await;
    let again = bench.qemu.start(spec.clone()).await.unwrap_err();
    assert!(matches!(again, ComputeError::AlreadyRunning { .. }), "{again}");
    assert!(kill("0717_full"));
    assert_eq!(bench.told().await, GuestEventKind::Stopped { by_guest: false });

    bench.qemu.start(spec).await.unwrap();
    bench.qemu.power_off(&bench.instance).await.unwrap();
    bench.qemu.power_off(&bench.instance).await.unwrap();
    assert_eq!(bench.told().await, GuestEventKind::Stopped { by_guest: false });
    assert_eq!(bench.qemu.state(&bench.instance).await.unwrap(), GuestState::Absent);
}

/// A disk that stays full keeps the guest paused, and it can still be switched off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_stays_full_keeps_the_guest_paused() {
    let _turn = TURN.lock().await;
    let Some(image) = image() else { return };
    let root = tempfile::tempdir().unwrap();
    let disk = Served::with(root.path(), &image.path, "full", |disk| full(disk, false));
    let _none_left = NoneLeft("0717_stuck");
    let mut bench = Bench::new(root.path(), "0717_stuck");
    bench.qemu.start(bench.spec(&disk, "0717_stuck", "")).await.unwrap();
    assert_eq!(bench.told().await, GuestEventKind::Paused { no_space: true });
    let error = bench.qemu.resume(&bench.instance).await.unwrap_err();
    assert!(matches!(error, ComputeError::StillPaused { .. }), "{error}");
    bench.qemu.power_off(&bench.instance).await.unwrap();
}

/// A disk that nobody serves is a failed start that says so, and leaves no process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_nobody_serves_fails_the_start() {
    let _turn = TURN.lock().await;
    let Some(image) = image() else { return };
    let root = tempfile::tempdir().unwrap();
    let disk = Served::new(root.path(), &image.path, "gone");
    let _none_left = NoneLeft("0717_gone");
    let bench = Bench::new(root.path(), "0717_gone");
    let mut spec = bench.spec(&disk, "0717_gone", "");
    spec.disks[0].nbd_socket = root.path().join("nobody.sock");
    let error = bench.qemu.start(spec).await.unwrap_err();
    eprintln!("{error}");
    assert!(matches!(&error, ComputeError::StartFailed { said, .. } if said.contains("nobody")));
    assert!(bench.qemu.adopt().await.unwrap().is_empty());
}
