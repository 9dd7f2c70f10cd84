//! A volume that grows under a running guest: engine and QEMU, without a server between them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use base::{ByteCount, InstanceId};
use blocks::layer::{VolumeKey, VolumeSpec, provision};
use compute::{ComputeError, GuestDisk, GuestNic, GuestSpec, Hypervisor, Qemu, QemuConfig, Seed};
use export::{ExportConfig, Secret, Subject, VolumeHost, VolumeSubject};
use tokio::time::{sleep, timeout};

/// Longest wait for a word of a guest that is emulated on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
const GIB: u64 = 1 << 30;
const BEFORE: u64 = 100 * GIB;
const AFTER: u64 = 120 * GIB;
const VOLUME: &str = "r006-growing";

/// Tells the size of its disk whenever that changes; then uses the last MiB of it.
const WATCH: &str = "#!/bin/sh
(disk=/dev/vda
for d in /sys/block/vd*; do [ \"$(cat $d/serial)\" = growing ] && disk=/dev/${d##*/}; done
size=/sys/block/${disk##*/}/size
last=0
while [ $last -lt 251658240 ]; do
  now=$(cat $size); [ $now -ne $last ] && echo disk has $now sectors; last=$now; sleep 0.2
done
dd if=/dev/urandom of=/tmp/tail bs=64k count=16 2>/dev/null
dd if=/tmp/tail of=$disk bs=64k count=16 seek=1966064 conv=notrunc,fsync 2>/dev/null || echo FAILED
dd if=$disk bs=64k count=16 skip=1966064 2>/dev/null | cmp - /tmp/tail && echo the tail is right
dd if=$disk bs=64k count=16 skip=1638400 2>/dev/null | tr -d '\\000' | wc -c | sed 's/^/not zero: /'
echo errors $(dmesg | grep -ci 'i/o error')) &
";

struct Site {
    dir: tempfile::TempDir,
    host: VolumeHost,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("ectype-grow-").tempdir().unwrap();
        let host = VolumeHost::new(dir.path().join("x"), env!("CARGO_BIN_EXE_ectype").into());
        Self { dir, host }
    }

    fn volume(&self) -> VolumeSubject {
        let path = |name: &str| self.dir.path().join(name);
        let spec = VolumeSpec {
            dir: path("layer"),
            run_dir: path("live"),
            volume: VOLUME.into(),
            capacity: BEFORE,
            generation: 1,
            base_root: None,
            key: VolumeKey::new([7; 32]),
            epoch: 1,
        };
        provision(&spec, 0).unwrap();
        VolumeSubject {
            layer_dir: spec.dir,
            run_dir: spec.run_dir,
            capacity_bytes: BEFORE,
            generation: 1,
            epoch: 1,
            base: None,
            volume_key: Secret::new([7; 32]),
            read_only: false,
        }
    }
}

fn guest(socket: &Path) -> GuestSpec {
    GuestSpec {
        instance: InstanceId::parse("0717_growing").unwrap(),
        name: "growing".into(),
        vcpus: 1,
        memory: ByteCount::from_gb(1),
        disks: vec![GuestDisk {
            id: "0717-boot".into(),
            serial: "growing".into(),
            nbd_socket: socket.to_owned(),
            boot: true,
        }],
        seed: Seed {
            instance_id: "0717_growing".into(),
            hostname: "growing".into(),
            user_data: Some(WATCH.into()),
            ssh_keys: Vec::new(),
        },
        nics: vec![GuestNic {
            id: "0717-nic".into(),
            mac: "02:00:00:00:00:07".into(),
            address: std::net::Ipv4Addr::new(10, 240, 0, 4),
            range: (std::net::Ipv4Addr::new(10, 240, 0, 0), 24),
            way_out: false,
            forwards: Vec::new(),
        }],
    }
}

async fn hear(qemu: &Qemu, instance: &InstanceId, word: &str) -> String {
    let mut text = String::new();
    let heard = async {
        loop {
            let part = qemu.console_log(instance, 0, usize::MAX).await.unwrap();
            text = String::from_utf8_lossy(&part.bytes).into_owned();
            if text.find(word).is_some_and(|at| text[at..].contains('\n')) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let came = timeout(PATIENCE, heard).await.is_ok();
    assert!(came, "no `{word}` in {text}");
    text
}

fn stock(cache: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(cache).unwrap().map(|file| file.unwrap().path());
    files.find(|file| file.extension().is_some_and(|end| end == "raw")).unwrap()
}

/// Live growth: the engine grows the volume, QEMU is told, and the running guest sees the new size,
/// whose tail reads zero and takes writes. Growing again to the same size is harmless.
/// Invariant 3: the grown tail is never anything but zeros.
#[test]
fn a_running_guest_sees_its_boot_volume_grow() {
    let Some((cache, _turn)) = crate::ready() else { return };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let site = Site::new();
        let subject = Subject::Volume(site.volume());
        let store_dir = site.dir.path().join("store");
        let config = ExportConfig { id: VOLUME.into(), store_dir, cache_bytes: 1 << 20, subject };
        let socket = site.host.start(&config).await.unwrap().socket;
        let url = format!("nbd+unix:///?socket={}", socket.display());
        let copied = Command::new("qemu-img")
            .args(["convert", "-n", "--target-is-zero", "-f", "raw", "-O", "raw"])
            .arg(stock(&cache))
            .arg(&url)
            .status();
        assert!(copied.unwrap().success());

        let root = site.dir.path().join("guests");
        let config =
            QemuConfig { root, vcpus_max: Some(1), memory_max: Some(ByteCount(512 << 20)) };
        let qemu = Qemu::new(config).unwrap();
        let spec = guest(&socket);
        let instance = spec.instance.clone();
        let (grown, disk) = (ByteCount(AFTER), "0717-boot");
        let early = qemu.disk_grow(&instance, disk, grown).await.unwrap_err();
        assert!(matches!(early, ComputeError::NotRunning { .. }), "{early}");
        qemu.start(spec).await.unwrap();
        hear(&qemu, &instance, "disk has 209715200 sectors").await;

        site.host.grow(VOLUME, AFTER).await.unwrap();
        qemu.disk_grow(&instance, disk, grown).await.unwrap();
        qemu.disk_grow(&instance, disk, grown).await.unwrap();
        let other = qemu.disk_grow(&instance, "0717-other", grown).await.unwrap_err();
        assert!(matches!(other, ComputeError::NoSuchDisk { .. }), "{other}");
        let said = hear(&qemu, &instance, "errors ").await;
        for word in ["disk has 251658240 sectors", "the tail is right", "not zero: 0", "errors 0"] {
            assert!(said.contains(word) && !said.contains("FAILED"), "no `{word}` in {said}");
        }
        qemu.power_off(&instance).await.unwrap();
        site.host.stop(VOLUME).await.unwrap();
    });
}
