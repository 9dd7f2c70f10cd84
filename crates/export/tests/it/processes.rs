//! Supervisors and engines as processes, seen from the host.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{ErrorKind, OsEntropy};
use blocks::sealed::{CaptureOptions, ChunkStore, seal};
use blocks::{FileSource, Format};
use export::{
    Error, ExportConfig, ExportState, ExportStatus, SealedRoot, Secret, Subject, VolumeHost,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::client::{Client, code};
use crate::support::{eventually, pattern};
use crate::tools::{have, run};

const MIB: usize = 1 << 20;

/// A folder with a chunk store and a host; its processes are ended when dropped.
pub struct Site {
    pub dir: tempfile::TempDir,
    pub host: VolumeHost,
}

impl Site {
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("ex").tempdir().unwrap();
        let host = host_at(&dir.path().join("run"));
        Self { dir, host }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Seals a file of random bytes with holes, and returns how to serve it.
    pub fn image(&self, size: usize) -> (PathBuf, SealedRoot) {
        use std::os::unix::fs::FileExt;
        let raw = self.path("raw");
        let file = std::fs::File::create(&raw).unwrap();
        file.set_len(size as u64).unwrap();
        file.write_all_at(&pattern(60, 2 * MIB + 777), 0).unwrap();
        file.write_all_at(&pattern(61, 5_000), size as u64 - 5_000).unwrap();
        let store = ChunkStore::open_or_create(&self.path("store"), &OsEntropy).unwrap();
        let source = FileSource::open(&raw, Format::Raw).unwrap();
        let sealed = seal(&store, None, &source, &CaptureOptions::new(1, &OsEntropy)).unwrap();
        let root_key = Secret::new(*sealed.root_key.expose());
        (raw, SealedRoot { root_id: sealed.root_id, root_key })
    }

    pub fn config(&self, id: &str, subject: Subject) -> ExportConfig {
        let store_dir = self.path("store");
        ExportConfig { id: id.into(), store_dir, cache_bytes: 16 << 20, subject }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // A failed test leaves nothing behind that would outlive it. On a thread of its own,
        // because this one may be inside a runtime.
        let host = &self.host;
        let end_all = async {
            for status in host.adopt().await.unwrap_or_default() {
                let _ = host.stop_within(&status.id, Duration::from_secs(2)).await;
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                builder.enable_all().build().unwrap().block_on(end_all);
            });
        });
    }
}

pub fn host_at(run_dir: &Path) -> VolumeHost {
    let arguments = ["--exact", "--nocapture", "process_entry"].map(OsString::from);
    VolumeHost::new(run_dir.to_owned(), std::env::current_exe().unwrap())
        .with_arguments(arguments.to_vec())
}

pub fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// The lock is free a moment before the kernel has buried its holders.
fn gone(status: &ExportStatus) {
    let engine = status.engine_pid.unwrap();
    eventually("the end of both", || !alive(engine) && !alive(status.supervisor_pid));
}

pub fn url(id: &str, socket: &Path) -> String {
    format!("nbd+unix:///{id}?socket={}", socket.display())
}

#[tokio::test]
async fn a_sealed_image_is_served_read_only_and_equals_its_source() {
    let site = Site::new();
    let (raw, root) = site.image(8 * MIB);
    let config = site.config("image-1", Subject::Image(root));
    let exported = site.host.start(&config).await.unwrap();
    assert_eq!((exported.name.as_str(), exported.status.state), ("image-1", ExportState::Running));

    let mode = std::fs::metadata(&exported.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mode = std::fs::metadata(site.path("run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);

    let again = site.host.start(&config).await.unwrap();
    assert_eq!(again.status.engine_pid, exported.status.engine_pid, "left as it is");
    if have("qemu-img") {
        let url = url("image-1", &exported.socket);
        let raw = raw.to_str().unwrap().to_owned();
        let compare = move || run("qemu-img", ["compare", "-f", "raw", "-F", "raw", &raw, &url]);
        tokio::task::spawn_blocking(compare).await.unwrap();
    }
    let status = site.host.status("image-1").await.unwrap().unwrap();
    assert_eq!(status.stats.unwrap().errors, 0);
    site.host.stop("image-1").await.unwrap();
    let log = std::fs::read_to_string(exported.socket.with_extension("log")).unwrap();
    assert!(log.contains("the engine closes"), "{log}");
    assert_eq!(site.host.status("image-1").await.unwrap(), None);
    gone(&status);
    site.host.stop("image-1").await.unwrap();
}

#[tokio::test]
async fn a_killed_engine_is_replaced_behind_the_same_socket() {
    let site = Site::new();
    let (_, root) = site.image(4 * MIB);
    let exported = site.host.start(&site.config("i", Subject::Image(root))).await.unwrap();
    let first = exported.status.engine_pid.unwrap();
    kill(first);
    // Nothing is waited for: the socket takes connections whatever the engine does.
    let socket = exported.socket.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut client = go(&socket, "i");
        client.ask(code::READ, 0, 0, 4096)
    });
    assert_eq!(read.await.unwrap().data, pattern(60, 4096));
    let status = site.host.status("i").await.unwrap().unwrap();
    assert_ne!(status.engine_pid, Some(first));
    assert_eq!((status.restarts, status.state), (1, ExportState::Running));
    assert_eq!(status.last_exit.as_deref(), Some("killed by signal 9"));
    assert!(!status.guest_must_reset);
}

#[tokio::test]
async fn what_cannot_be_opened_is_reported_and_leaves_no_process() {
    let site = Site::new();
    let (_, root) = site.image(4 * MIB);
    let wrong = SealedRoot { root_key: Secret::new([9; 32]), ..root.clone() };
    let error = site.host.start(&site.config("i", Subject::Image(wrong))).await.unwrap_err();
    assert!(matches!(&error, Error::CannotOpen { kind: ErrorKind::Corrupt, .. }), "{error:?}");
    assert!(!error.to_string().contains("0909"));
    assert_eq!(site.host.status("i").await.unwrap(), None);
    assert!(site.host.adopt().await.unwrap().is_empty());
    site.host.start(&site.config("i", Subject::Image(root))).await.unwrap();
}

#[tokio::test]
async fn exports_outlive_their_host_and_are_found_again() {
    let site = Site::new();
    let (_, root) = site.image(4 * MIB);
    let mut pids = Vec::new();
    for id in ["b", "a"] {
        let config = site.config(id, Subject::Image(root.clone()));
        pids.push(site.host.start(&config).await.unwrap().status.supervisor_pid);
    }
    // What a dead supervisor leaves is no export.
    std::fs::write(site.path("run").join("0123456789abcdef.ctl"), "").unwrap();
    let other = host_at(&site.path("run"));
    let found = other.adopt().await.unwrap();
    assert_eq!(found.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    for pid in pids {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        assert_eq!(fields[3], pid.to_string(), "a session of its own");
    }
    other.stop("a").await.unwrap();
    assert_eq!(other.adopt().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_engine_leaves_with_its_supervisor_and_another_takes_over() {
    let site = Site::new();
    let (_, root) = site.image(4 * MIB);
    let config = site.config("i", Subject::Image(root));
    let first = site.host.start(&config).await.unwrap().status;
    kill(first.supervisor_pid);
    let second = site.host.start(&config).await.unwrap().status;
    assert_ne!(second.supervisor_pid, first.supervisor_pid);
    gone(&first);
}

#[tokio::test]
async fn a_supervisor_that_hangs_is_killed_and_that_is_told() {
    let site = Site::new();
    let (_, root) = site.image(4 * MIB);
    let status = site.host.start(&site.config("i", Subject::Image(root))).await.unwrap().status;
    let pid = Pid::from_raw(i32::try_from(status.supervisor_pid).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    // The signal takes effect a moment after it was sent.
    let stat = format!("/proc/{}/stat", status.supervisor_pid);
    eventually("the halt", || std::fs::read_to_string(&stat).unwrap().contains(") T "));
    let error = site.host.stop_within("i", Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, Error::NotClean { .. }), "{error:?}");
    gone(&status);
}

#[tokio::test]
async fn nonsense_on_the_control_socket_is_refused_and_harms_nobody() {
    let site = Site::new();
    let (_, root) = site.image(4 * MIB);
    let status = site.host.start(&site.config("i", Subject::Image(root))).await.unwrap().status;
    let control = status.socket.with_extension("ctl");
    for nonsense in [&b"hello\n"[..], b"{\"op\":\"stop\"}\n", &[0xFF; 100_000]] {
        let mut stream = UnixStream::connect(&control).unwrap();
        let _ = stream.write_all(nonsense);
    }
    let after = site.host.status("i").await.unwrap().unwrap();
    assert_eq!(after.engine_pid, status.engine_pid);
}

/// Invariant 20: no key on a command line, in an environment or in a log.
#[tokio::test]
async fn keys_are_neither_in_arguments_nor_in_environments_nor_in_files() {
    let site = Site::new();
    let (_, root) = site.image(4 * MIB);
    let hex: String = root.root_key.expose().iter().map(|b| format!("{b:02x}")).collect();
    let key = *root.root_key.expose();
    let status = site.host.start(&site.config("i", Subject::Image(root))).await.unwrap().status;
    let mut places = Vec::new();
    for pid in [status.supervisor_pid, status.engine_pid.unwrap()] {
        places.push(std::fs::read(format!("/proc/{pid}/cmdline")).unwrap());
        places.push(std::fs::read(format!("/proc/{pid}/environ")).unwrap());
    }
    let secret = std::env::vars_os().find(|(name, _)| name == "CARGO_MANIFEST_DIR");
    let (name, _) = secret.expect("cargo sets it for tests: it stands for what a server knows");
    let name = name.into_encoded_bytes();
    let environment = std::fs::read(format!("/proc/{}/environ", status.supervisor_pid)).unwrap();
    assert!(!environment.windows(name.len()).any(|window| window == name));
    for entry in std::fs::read_dir(site.path("run")).unwrap() {
        places.extend(std::fs::read(entry.unwrap().path()));
    }
    for place in places {
        assert!(!place.windows(64).any(|window| window == hex.as_bytes()));
        assert!(!place.windows(32).any(|window| window == key));
    }
}

pub fn go(socket: &Path, id: &str) -> Client {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    Client::go_to(stream, true, id)
}
