//! Volumes served by engines that die.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base::{Clock, ErrorKind, SeededEntropy, SystemClock};
use blocks::layer::{VolumeKey, VolumeSpec, inspect, provision};
use export::{
    Error, ExportState, ExportStatus, FailureKind, SealedRoot, Secret, Subject, VolumeSubject,
};

use crate::client::{Client, code};
use crate::processes::{Site, go, kill, url};
use crate::support::pattern;
use crate::tools::{have, run};

const MIB: usize = 1 << 20;
const KEY: [u8; 32] = [0x5A; 32];

/// A provisioned volume of `size` bytes over `base`, of `base_size` bytes.
pub fn volume(
    site: &Site,
    id: &str,
    size: usize,
    base: Option<(SealedRoot, u64)>,
) -> VolumeSubject {
    let (base, base_size) = base.unzip();
    let subject = VolumeSubject {
        layer_dir: site.path("layer"),
        run_dir: site.path("live"),
        capacity_bytes: size as u64,
        generation: 1,
        epoch: 1,
        base,
        volume_key: Secret::new(KEY),
        read_only: false,
    };
    let spec = VolumeSpec {
        dir: subject.layer_dir.clone(),
        run_dir: subject.run_dir.clone(),
        volume: id.to_owned(),
        capacity: subject.capacity_bytes,
        generation: 1,
        base_root: subject.base.as_ref().map(|root| root.root_id.0),
        key: VolumeKey::new(KEY),
        epoch: 1,
    };
    provision(&spec, base_size.unwrap_or(0)).unwrap();
    subject
}

fn clean(site: &Site) -> bool {
    inspect(&site.path("layer"), 1).unwrap().clean
}

#[tokio::test]
async fn a_volume_over_an_image_keeps_what_was_written_across_a_stop() {
    let site = Site::new();
    let (raw, root) = site.image(8 * MIB);
    let size = 16 * MIB;
    let subject = volume(&site, "v", size, Some((root, 8 * MIB as u64)));
    let config = site.config("v", Subject::Volume(subject.clone()));
    let socket = site.host.start(&config).await.unwrap().socket;
    let mut model = std::fs::read(raw).unwrap();
    model.resize(size, 0);
    for (at, length) in [(4096, 100), (MIB - 7, 70_000), (8 * MIB - 5, 10), (size - 1, 1)] {
        let data = pattern(at as u64, length);
        model[at..at + length].copy_from_slice(&data);
        assert_eq!(go(&socket, "v").write(0, at as u64, &data), 0);
    }
    assert!(!clean(&site));
    site.host.stop("v").await.unwrap();
    assert!(clean(&site));

    let read_only = VolumeSubject { read_only: true, ..subject };
    let config = site.config("v", Subject::Volume(read_only));
    let socket = site.host.start(&config).await.unwrap().socket;
    let mut client = go(&socket, "v");
    assert_eq!(client.write(0, 0, &[1]), 1);
    assert!(client.ask(code::READ, 0, 0, size as u32).data == model);
    let expected = site.path("expected");
    std::fs::write(&expected, &model).unwrap();
    if have("qemu-img") {
        let url = url("v", &socket);
        let expected = expected.to_str().unwrap().to_owned();
        let compare =
            move || run("qemu-img", ["compare", "-f", "raw", "-F", "raw", &expected, &url]);
        tokio::task::spawn_blocking(compare).await.unwrap();
    }
}

#[tokio::test]
async fn one_volume_has_one_supervisor_and_another_generation_waits_for_its_end() {
    let site = Site::new();
    let subject = volume(&site, "v", 4 * MIB, None);
    let config = site.config("v", Subject::Volume(subject.clone()));
    let (one, two) = tokio::join!(site.host.start(&config), site.host.start(&config));
    assert_eq!(one.unwrap().status.engine_pid, two.unwrap().status.engine_pid);
    let next = VolumeSubject { generation: 2, ..subject.clone() };
    let error = site.host.start(&site.config("v", Subject::Volume(next))).await.unwrap_err();
    assert!(matches!(error, Error::OtherGeneration { running: 1, wanted: 2, .. }), "{error:?}");
    let other = VolumeSubject { read_only: true, ..subject.clone() };
    let error = site.host.start(&site.config("v", Subject::Volume(other))).await.unwrap_err();
    assert!(matches!(error, Error::OtherSubject { .. }), "{error:?}");

    site.host.stop("v").await.unwrap();
    let stale = VolumeSubject { epoch: 0, ..subject };
    let error = site.host.start(&site.config("v", Subject::Volume(stale))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
}

#[tokio::test]
async fn a_volume_grows_under_its_guest_and_so_does_every_later_engine() {
    let site = Site::new();
    let subject = volume(&site, "v", 4 * MIB, None);
    let config = site.config("v", Subject::Volume(subject));
    let status = site.host.start(&config).await.unwrap().status;
    let mut client = go(&status.socket, "v");
    assert_eq!(client.write(0, 0, &[7; 4096]), 0);
    site.host.grow("v", 8 * MIB as u64).await.unwrap();
    assert!(client.is_closed());
    let mut client = go(&status.socket, "v");
    assert_eq!(client.write(0, 8 * MIB as u64 - 4096, &[8; 4096]), 0);
    assert!(matches!(site.host.grow("v", 1).await, Err(Error::Refused { .. })));
    kill(status.engine_pid.unwrap());
    let mut client = go(&status.socket, "v");
    assert_eq!(client.ask(code::READ, 0, 8 * MIB as u64 - 4096, 4096).data, [8; 4096]);
    assert_eq!(client.ask(code::READ, 0, 4 * MIB as u64, 4096).data, [0; 4096]);
}

#[tokio::test]
async fn a_damaged_layer_is_reported_when_an_engine_dies_over_it() {
    let site = Site::new();
    let subject = volume(&site, "v", 4 * MIB, None);
    let config = site.config("v", Subject::Volume(subject));
    let status = site.host.start(&config).await.unwrap().status;
    // Whatever the files are called.
    for entry in walk(&site.path("layer")) {
        std::fs::write(entry, [0xAA; 8192]).unwrap();
    }
    kill(status.engine_pid.unwrap());
    let failed = loop {
        let status = site.host.status("v").await.unwrap().unwrap();
        if status.state == ExportState::Failed {
            break status;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((failed.restarts, failed.engine_pid), (2, None), "tried once, not for ever");
    assert_eq!(failed.failure.unwrap().kind, FailureKind::Corrupt);
    let error = site.host.start(&config).await.unwrap_err();
    assert!(matches!(error, Error::CannotOpen { kind: ErrorKind::Corrupt, .. }), "{error:?}");
    assert_eq!(site.host.status("v").await.unwrap(), None);
}

/// The status once the engine after `deaths` deaths serves.
async fn replaced(site: &Site, deaths: u64) -> ExportStatus {
    loop {
        let status = site.host.status("v").await.unwrap().unwrap();
        assert!(status.restarts <= deaths, "{status:?}");
        if (status.restarts, status.state) == (deaths, ExportState::Running) {
            return status;
        }
        tokio::task::yield_now().await;
    }
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { found.extend(walk(&entry)) } else { found.push(entry) }
    }
    found
}

const SLOTS: u64 = 512;
const SLOT: u64 = 4096;
const OUTSTANDING: usize = 24;

/// A guest as QEMU is one: it keeps requests in flight and, when its connection breaks,
/// connects again and sends those that were not answered.
struct Guest {
    socket: PathBuf,
    client: Client,
    random: SeededEntropy,
    /// What each slot holds, as far as it was acknowledged.
    acknowledged: Vec<Vec<u8>>,
    /// By cookie: slot, place in it, bytes.
    outstanding: HashMap<u64, (u64, usize, Vec<u8>)>,
    busy: HashSet<u64>,
    longest_pause: Duration,
}

impl Guest {
    fn new(socket: PathBuf, seed: u64) -> Self {
        let client = go(&socket, "v");
        Self {
            socket,
            client,
            random: SeededEntropy::new(seed),
            acknowledged: vec![vec![0; SLOT as usize]; SLOTS as usize],
            outstanding: HashMap::new(),
            busy: HashSet::new(),
            longest_pause: Duration::ZERO,
        }
    }

    /// Writes until `acknowledgements` more have come, whatever happens to the engine.
    fn write(&mut self, acknowledgements: usize) {
        let clock = SystemClock::new();
        let mut last = clock.monotonic();
        for _ in 0..acknowledgements {
            while self.outstanding.len() < OUTSTANDING {
                self.send_one();
            }
            let cookie = loop {
                match self.client.try_receive() {
                    Ok((cookie, error)) => {
                        assert_eq!(error, 0, "a guest sees no error");
                        break cookie;
                    }
                    Err(_) => self.connect_again(),
                }
            };
            let now = clock.monotonic();
            self.longest_pause = self.longest_pause.max(now - last);
            last = now;
            self.settle(cookie);
        }
    }

    fn settle(&mut self, cookie: u64) {
        let (slot, at, data) = self.outstanding.remove(&cookie).unwrap();
        self.busy.remove(&slot);
        self.acknowledged[slot as usize][at..at + data.len()].copy_from_slice(&data);
    }

    fn send_one(&mut self) {
        let slot = self.random.next_u64() % SLOTS;
        // A guest's kernel orders overlapping writes by itself.
        if self.busy.contains(&slot) {
            return;
        }
        let seed = self.random.next_u64();
        // Whole blocks and parts of blocks.
        let (at, length) = match seed % 4 {
            0 => (512, 1024),
            1 => (1, 4000),
            _ => (0, SLOT as usize),
        };
        self.put(slot, at, pattern(seed, length));
    }

    fn put(&mut self, slot: u64, at: usize, data: Vec<u8>) {
        let length = u32::try_from(data.len()).unwrap();
        let fua = u16::from(data[0].is_multiple_of(16));
        let offset = slot * SLOT + at as u64;
        // A write that cannot be sent is one that is not answered.
        let (cookie, _) = self.client.try_send(code::WRITE, fua, offset, length, &data);
        self.busy.insert(slot);
        self.outstanding.insert(cookie, (slot, at, data));
    }

    fn connect_again(&mut self) {
        let unanswered = std::mem::take(&mut self.outstanding);
        self.client = loop {
            // An engine may die while it shakes hands.
            let stream = UnixStream::connect(&self.socket).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            if let Some(client) = Client::try_go(stream, "v") {
                break client;
            }
        };
        for (slot, at, data) in unanswered.into_values() {
            self.put(slot, at, data);
        }
    }

    fn finish(&mut self) {
        while !self.outstanding.is_empty() {
            match self.client.try_receive() {
                Ok((cookie, error)) => {
                    assert_eq!(error, 0);
                    self.settle(cookie);
                }
                Err(_) => self.connect_again(),
            }
        }
    }

    fn check(&mut self) {
        let length = u32::try_from(SLOTS * SLOT).unwrap();
        // The connection at hand may be to an engine that is dead.
        self.connect_again();
        let held = self.client.ask(code::READ, 0, 0, length);
        assert_eq!(held.error, 0);
        for (slot, held) in held.data.chunks(SLOT as usize).enumerate() {
            assert!(held == self.acknowledged[slot], "slot {slot} lost an acknowledged write");
        }
    }
}

/// Invariant 25: an engine killed under load costs a guest a pause and no acknowledged byte.
#[tokio::test]
async fn engines_killed_under_a_writing_guest_lose_nothing_that_was_acknowledged() {
    let site = Site::new();
    let (_, root) = site.image(4 * MIB);
    let subject = volume(&site, "v", 4 * MIB, Some((root, 4 * MIB as u64)));
    let config = site.config("v", Subject::Volume(subject));
    let status = site.host.start(&config).await.unwrap().status;
    let rounds: u64 = std::env::var("ECTYPE_KILLS").map_or(4, |n| n.parse().unwrap());
    let mut guest = Guest::new(status.socket.clone(), 77);
    // The volume begins as the image.
    let length = u32::try_from(SLOTS * SLOT).unwrap();
    let base = guest.client.ask(code::READ, 0, 0, length).data;
    guest.acknowledged = base.chunks(SLOT as usize).map(<[u8]>::to_vec).collect();

    let mut engine = status.engine_pid.unwrap();
    for round in 0..rounds {
        let mut writing = tokio::task::spawn_blocking(move || {
            guest.write(600);
            guest
        });
        // Some kills come while nothing has been said yet, some in full flow.
        let pause = Duration::from_millis(round * 7 % 40);
        tokio::time::sleep(pause).await;
        kill(engine);
        guest = (&mut writing).await.unwrap();
        let status = replaced(&site, round + 1).await;
        assert!(!status.guest_must_reset);
        engine = status.engine_pid.unwrap();
        guest = tokio::task::spawn_blocking(move || {
            guest.finish();
            guest.check();
            guest
        })
        .await
        .unwrap();
    }
    eprintln!("longest pause of the guest: {:?}", guest.longest_pause);
    // These engines keep dying, so the supervisor makes pauses.
    assert!(guest.longest_pause < Duration::from_secs(4), "{:?}", guest.longest_pause);
    drop(guest);
    site.host.stop("v").await.unwrap();
    assert!(clean(&site));
}

/// Invariant 25, with QEMU's own client: it connects again and sends again by itself.
#[tokio::test]
async fn qemu_io_writes_on_while_engines_are_killed() {
    if !have("qemu-io") {
        return;
    }
    let site = Site::new();
    let subject = volume(&site, "v", 64 * MIB, None);
    let config = site.config("v", Subject::Volume(subject));
    let status = site.host.start(&config).await.unwrap().status;
    let socket = status.socket.display();
    let options = format!(
        "driver=nbd,server.type=unix,server.path={socket},export=v,reconnect-delay=60,open-timeout=10"
    );
    let mut qemu = Command::new("qemu-io")
        .args(["-t", "none", "--image-opts", &options])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = qemu.stdin.take().unwrap();
    let writing = tokio::task::spawn_blocking(move || {
        for n in 0..400 {
            writeln!(input, "write -P {} {}k 64k", n % 250 + 1, n * 64).unwrap();
        }
        writeln!(input, "flush").unwrap();
        for n in 0..400 {
            writeln!(input, "read -P {} {}k 64k", n % 250 + 1, n * 64).unwrap();
        }
        drop(input);
        qemu.wait_with_output().unwrap()
    });
    let mut engine = status.engine_pid.unwrap();
    for round in 0..2 {
        kill(engine);
        engine = replaced(&site, round + 1).await.engine_pid.unwrap();
    }
    let output = writing.await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    assert!(!text.contains("failed") && !text.contains("error"), "{text}{errors}");
    assert_eq!(text.matches("wrote 65536/65536").count(), 400);
    assert_eq!(text.matches("read 65536/65536").count(), 400);
}

/// A small file system; gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where nothing may be mounted.
    fn mount(at: PathBuf, mib: u32) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let size = format!("size={mib}M,mode=700");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", &size, "none"]).arg(&at).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }

    fn resize(&self, mib: u32) {
        let size = format!("remount,size={mib}M");
        let resized = Command::new("mount").args(["-o", &size]).arg(&self.0).status();
        assert!(resized.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Invariant 6 on a real disk: a guest is told ENOSPC while the disk still has the reserve, so
/// that what it wrote is flushed, overwritten and closed cleanly on a disk that is full for it;
/// with room it writes on.
#[tokio::test]
async fn a_disk_that_fills_up_keeps_room_for_what_was_acknowledged() {
    let site = Site::new();
    let Some(disk) = SmallDisk::mount(site.path("layer"), 32) else {
        eprintln!("SKIPPED: only root can mount a small disk");
        return;
    };
    let subject = volume(&site, "v", 128 * MIB, None);
    let config = site.config("v", Subject::Volume(subject));
    let socket = site.host.start(&config).await.unwrap().socket;
    let mut client = go(&socket, "v");
    let piece = |n: u64| pattern(n, MIB);
    let mut written = 0;
    let no_space = loop {
        match client.write(0, written * MIB as u64, &piece(written)) {
            0 => written += 1,
            errno => break errno,
        }
        assert!(written < 32, "32 MiB do not hold {written} and a reserve");
    };
    assert_eq!(no_space, 28, "ENOSPC");
    let left = rustix::fs::statvfs(site.path("layer")).unwrap();
    assert!(left.f_bavail * left.f_frsize >= MIB as u64, "a reserve is left");
    assert_eq!(client.ask(code::FLUSH, 0, 0, 0).error, 0);
    assert_eq!(client.write(0, 0, &piece(77)), 0, "an overwrite needs no room");
    assert_eq!(client.ask(code::FLUSH, 0, 0, 0).error, 0);
    assert_eq!(client.ask(code::TRIM, 0, MIB as u64, 4096).error, 0);
    site.host.stop("v").await.unwrap();
    assert!(clean(&site), "closed cleanly on a full disk");

    let socket = site.host.start(&config).await.unwrap().socket;
    let mut client = go(&socket, "v");
    let mut tries = 0;
    while client.write(0, written * MIB as u64, &piece(written)) == 0 {
        written += 1;
        tries += 1;
        assert!(tries < 8, "still full");
    }
    disk.resize(64);
    assert_eq!(client.write(0, written * MIB as u64, &piece(written)), 0);
    let head = client.ask(code::READ, 0, 0, MIB as u32).data;
    assert!(head == piece(77));
    for n in 2..=written {
        let found = client.ask(code::READ, 0, n * MIB as u64, MIB as u32).data;
        assert!(found == piece(n), "MiB {n}");
    }
    site.host.stop("v").await.unwrap();
    drop(disk);
}
