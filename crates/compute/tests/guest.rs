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
    GuestDisk, GuestEvent, GuestEventKind, GuestSpec, GuestState, Hypervisor, Qemu, QemuConfig,
    READY_LINE, Seed, stock,
};
use tokio::{
    sync::broadcast,
    time::{sleep, timeout},
};

/// Longest wait for a word of a guest that is emulated on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

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

/// A disk that starts as the image, served by qemu-nbd.
struct Served {
    process: Child,
    socket: PathBuf,
}

impl Served {
    fn new(dir: &Path, image: &Path, name: &str) -> Self {
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
            .args(["--persistent", "--shared=4", "-f", "qcow2", "-k"])
            .args([&socket, &disk])
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
            mac: "02:00:00:00:00:01".into(),
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
    let Some(image) = image() else { return };
    let root = tempfile::tempdir().unwrap();
    let disk = Served::new(root.path(), &image.path, "boot");
    let mut bench = Bench::new(root.path(), "0717_guest");

    let since = bench.clock.monotonic();
    let spec = bench.spec(&disk, "0717_guest", FIRST);
    let started = bench.qemu.start(spec.clone()).await.unwrap();
    eprintln!("{started:?} after {:?}", bench.clock.monotonic() - since);
    bench.hear(&format!("{READY_LINE}0717_guest")).await;
    eprintln!("ready after {:?}", bench.clock.monotonic() - since);
    let said = bench.hear("user-data exit=0 instance-id=0717_guest").await;
    eprintln!("user data done after {:?}", bench.clock.monotonic() - since);
    assert!(said.contains("demo ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFirst"), "{said}");
    assert!(said.contains("first: address inet 10.0.2.15"), "{said}");
    bench.stop().await;

    // The same instance again: nothing runs twice. Another server adopts it.
    bench.qemu.start(spec).await.unwrap();
    let said = bench.hear(READY_LINE).await;
    assert!(!said.contains("first:"), "{said}");
    drop(bench);
    let mut bench = Bench::new(root.path(), "0717_guest");
    assert_eq!(bench.qemu.adopt().await.unwrap(), [bench.instance.clone()]);
    assert_eq!(bench.qemu.state(&bench.instance).await.unwrap(), GuestState::Running);
    bench.stop().await;
    bench.seen = bench.qemu.console_log(&bench.instance, 0, 0).await.unwrap().total;

    // Another instance from the same disk: its user data runs, and switches it off.
    let spec = bench.spec(&disk, "0717_other", SECOND);
    bench.qemu.start(spec).await.unwrap();
    let said = bench.hear("user-data exit=0 instance-id=0717_other").await;
    for word in ["payload: OK", "second: renamed 640", "second: recoveries 0"] {
        assert!(said.contains(word), "no `{word}` in {said}");
    }
    assert_eq!(bench.told().await, GuestEventKind::Stopped { by_guest: true });
    bench.qemu.forget(&bench.instance).await.unwrap();
}
