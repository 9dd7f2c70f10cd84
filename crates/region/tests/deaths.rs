//! Engines that are killed under `fio`, with QEMU between the two as it is between a guest and
//! its disk. Slow, and loud when a tool is missing.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use base::{Clock, SeededEntropy, SystemClock};
use blocks::layer::{VolumeKey, VolumeSpec, inspect, provision};
use export::{
    ExportConfig, ExportState, ExportStatus, Exported, Secret, Subject, VolumeHost, VolumeSubject,
};
use rustix::process::{Pid, Signal, kill_process};

const MIB: u64 = 1 << 20;
const SIZE: u64 = 256 * MIB;
const VOLUME: &str = "r006-tried";
const KEY: [u8; 32] = [0x6B; 32];
/// Engines of one run that are killed; `ECTYPE_KILLS` for more.
const KILLS: u64 = 5;
/// Longest that a killed engine's successor may take on a machine that does much else.
const BACK_WITHIN: Duration = Duration::from_secs(20);
/// Longest wait for a program to be there.
const PATIENCE: Duration = Duration::from_secs(60);

fn missing(tools: &[&str]) -> bool {
    let there = |tool: &&&str| {
        std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()))
    };
    let absent: Vec<_> = tools.iter().filter(|tool| !there(tool)).collect();
    if !absent.is_empty() {
        eprintln!("SKIPPED: {absent:?} are not installed");
    }
    !absent.is_empty()
}

/// A folder with a volume and the host that serves it.
struct Site {
    dir: tempfile::TempDir,
    host: VolumeHost,
    config: ExportConfig,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("ectype-deaths-").tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let spec = VolumeSpec {
            dir: path("layer"),
            run_dir: path("live"),
            volume: VOLUME.into(),
            capacity: SIZE,
            generation: 1,
            base_root: None,
            key: VolumeKey::new(KEY),
            epoch: 1,
        };
        provision(&spec, 0).unwrap();
        let subject = Subject::Volume(VolumeSubject {
            layer_dir: spec.dir,
            run_dir: spec.run_dir,
            capacity_bytes: SIZE,
            generation: 1,
            epoch: 1,
            base: None,
            volume_key: Secret::new(KEY),
            read_only: false,
        });
        let store_dir = path("store");
        let config = ExportConfig { id: VOLUME.into(), store_dir, cache_bytes: 4 << 20, subject };
        let host = VolumeHost::new(path("x"), env!("CARGO_BIN_EXE_ectype").into());
        Self { dir, host, config }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn start(&self) -> Exported {
        self.host.start(&self.config).await.unwrap()
    }

    /// The status once another engine serves, and how long that took.
    async fn back(&self, restarts: u64) -> (ExportStatus, Duration) {
        let clock = SystemClock::new();
        let began = clock.monotonic();
        loop {
            let status = self.host.status(VOLUME).await.unwrap().unwrap();
            let took = clock.monotonic() - began;
            if (status.restarts, status.state) == (restarts, ExportState::Running) {
                return (status, took);
            }
            assert!(took < BACK_WITHIN, "no other engine after {took:?}: {status:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// QEMU's block layer: a client of the engine that connects again and sends again by itself, and
/// a server for `fio`, which cannot.
struct Bridge {
    child: Child,
    socket: PathBuf,
}

impl Bridge {
    fn new(engine: &Path, socket: PathBuf) -> Self {
        let engine = engine.display();
        let child = Command::new("qemu-storage-daemon")
            .arg("--blockdev")
            .arg(format!(
                "driver=nbd,node-name=v,server.type=unix,server.path={engine},export={VOLUME},\
                 reconnect-delay=60,open-timeout=10"
            ))
            .arg("--nbd-server")
            .arg(format!("addr.type=unix,addr.path={}", socket.display()))
            .args(["--export", "type=nbd,id=e,node-name=v,name=v,writable=on"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let clock = SystemClock::new();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(clock.monotonic() < PATIENCE, "qemu-storage-daemon does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { child, socket }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two jobs of `fio`: small writes at random places with a flush now and then, and large ones in
/// order. Every block carries a sum of itself and its place, read back at the end, or only read.
fn fio(url: &str, seed: u64, verify_only: bool, folder: &Path) -> Command {
    let mut fio = Command::new("fio");
    fio.current_dir(folder)
        .args(["--ioengine=nbd", "--verify=crc32c", "--verify_fatal=1", "--verify_state_save=0"])
        .args(["--exitall_on_error=1", "--randrepeat=1", "--allrandrepeat=1", "--group_reporting"])
        .arg(format!("--uri={url}"))
        .arg(format!("--randseed={seed}"));
    if verify_only {
        fio.arg("--verify_only=1");
    } else {
        // Slow enough that the deaths come while it writes.
        fio.arg("--rate=4m");
    }
    fio.args(["--name=small", "--rw=randwrite", "--bs=4k", "--size=8m", "--offset=0"])
        .args(["--iodepth=16", "--fsync=64"])
        .args(["--name=large", "--rw=write", "--bs=256k", "--size=24m", "--offset=128m"])
        .args(["--iodepth=4"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    fio
}

fn assert_well(output: &Output, seed: u64, what: &str) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let well = output.status.success() && !text.contains("verify:") && !errors.contains("verify:");
    assert!(well, "{what}, seed {seed}: {text}{errors}");
}

fn of_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

/// Invariant 25: engines killed at random moments under `fio`: it sees no error, every block is as
/// it wrote it, at once and after the volume was closed; a successor is there in about a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_killed_under_fio_lose_nothing_and_are_back_at_once() {
    if missing(&["fio", "qemu-storage-daemon"]) {
        return;
    }
    let (kills, seed) = (of_environment("ECTYPE_KILLS", KILLS), of_environment("ECTYPE_SEED", 25));
    let random = SeededEntropy::new(seed);
    let site = Site::new();
    let started = site.start().await;
    let bridge = Bridge::new(&started.socket, site.path("bridge"));
    let url = format!("nbd+unix:///v?socket={}", bridge.socket.display());
    let mut engine = started.status.engine_pid.unwrap();
    let (mut killed, mut longest) = (0, Duration::ZERO);
    while killed < kills {
        let mut writer = fio(&url, seed, false, site.dir.path()).spawn().unwrap();
        while killed < kills && writer.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(random.next_u64() % 1200)).await;
            if writer.try_wait().unwrap().is_some() {
                break;
            }
            let pid = Pid::from_raw(engine.cast_signed()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
            killed += 1;
            let (status, took) = site.back(killed).await;
            assert!(!status.guest_must_reset, "seed {seed}: {status:?}");
            engine = status.engine_pid.unwrap();
            longest = longest.max(took);
        }
        let output = tokio::task::spawn_blocking(move || writer.wait_with_output()).await.unwrap();
        assert_well(&output.unwrap(), seed, "writing while engines die");
    }
    println!("{killed} engines killed under fio; the longest time without one: {longest:?}");
    drop(bridge);
    site.host.stop(VOLUME).await.unwrap();
    assert!(inspect(&site.path("layer"), 1).unwrap().clean);

    // And by fio itself, without QEMU between, from what was closed.
    let again = site.start().await;
    let url = format!("nbd+unix:///{VOLUME}?socket={}", again.socket.display());
    let mut reader = fio(&url, seed, true, site.dir.path());
    let output = tokio::task::spawn_blocking(move || reader.output()).await.unwrap().unwrap();
    assert_well(&output, seed, "reading what was closed");
    site.host.stop(VOLUME).await.unwrap();
}

/// Every client that nobody here wrote, on a volume of the program itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_clients_read_write_copy_and_describe_a_volume() {
    if missing(&["fio", "qemu-io", "qemu-img", "nbdinfo", "nbdcopy"]) {
        return;
    }
    let site = Site::new();
    let socket = site.start().await.socket;
    let url = format!("nbd+unix:///{VOLUME}?socket={}", socket.display());
    let folder = site.dir.path().to_owned();
    tokio::task::spawn_blocking(move || {
        let run = |tool: &str, words: &[&str]| {
            let output = Command::new(tool).args(words).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{tool} {words:?}: {text}{errors}");
            text
        };
        let copy = folder.join("copy");
        let copy = copy.to_str().unwrap();
        let written = fio(&url, 1, false, &folder).arg("--rate=0").output().unwrap();
        assert_well(&written, 1, "fio alone");
        let io =
            ["-f", "raw", "-c", "write -P 7 250M 1M", "-c", "flush", "-c", "read -P 7 250M 1M"];
        let said = run("qemu-io", &[&io[..], &[&url]].concat());
        assert!(!said.contains("failed"), "{said}");
        let described = run("nbdinfo", &["--json", &url]);
        assert!(described.contains(&format!("\"export-size\": {SIZE}")), "{described}");
        run("nbdcopy", &["--connections=4", &url, copy]);
        run("qemu-img", &["compare", "-f", "raw", "-F", "raw", copy, &url]);
        let map = run("nbdinfo", &["--map", "--totals", &url]);
        assert!(map.contains("hole"), "{map}");
    })
    .await
    .unwrap();
    site.host.stop(VOLUME).await.unwrap();
}
