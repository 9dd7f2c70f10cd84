//! The program, started as a user starts it, in a data directory of its own.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
};

/// A folder with a data directory. What still runs on it ends when this is dropped.
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("ectype-region-").tempdir().unwrap() }
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Something beside it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What servers here have said on standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// A command of the program. No setting comes from the environment of the test.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ectype"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ECTYPE_") {
                command.env_remove(name);
            }
        }
        command.args(words).arg("--data").arg(self.data()).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What a command that succeeds prints.
    pub fn said(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a server by that command and waits until it is ready.
    pub fn serve_as(&self, mut command: Command) -> Server {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let mut server = Server { child, line, out };
        if !server.line.contains(" is ready at http") {
            let status = server.child.wait().unwrap();
            panic!("not ready: {:?}, {status}: {}", server.line, self.log());
        }
        server
    }

    /// The folder on tmpfs that belongs to the data directory.
    pub fn run_dir(&self) -> PathBuf {
        let meta = std::fs::metadata(self.data()).unwrap();
        let uid = rustix::process::getuid().as_raw();
        PathBuf::from(format!("/dev/shm/ectype-{uid}/{:x}-{:x}", meta.dev(), meta.ino()))
    }

    /// The supervisors of this region's volumes: whoever holds the lock of an export.
    pub fn supervisors(&self) -> Vec<u32> {
        let Ok(files) = std::fs::read_dir(self.run_dir().join("x")) else { return Vec::new() };
        let locks = files
            .filter_map(|file| file.ok())
            .filter(|file| file.path().extension().is_some_and(|extension| extension == "lock"));
        let inodes: Vec<_> =
            locks.map(|file| format!(":{}", file.metadata().unwrap().ino())).collect();
        // `1: FLOCK  ADVISORY  WRITE 4711 00:1a:815 0 EOF`
        let table = std::fs::read_to_string("/proc/locks").unwrap();
        let held = table.lines().filter_map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let place = words.iter().position(|word| *word == "FLOCK")?;
            let (pid, inode) = (words.get(place + 3)?, words.get(place + 4)?);
            inodes.iter().any(|known| inode.ends_with(known)).then(|| pid.parse().ok())?
        });
        let mut pids: Vec<u32> = held.collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    /// The engines that they started.
    pub fn engines(&self) -> Vec<u32> {
        self.supervisors().iter().flat_map(|pid| children(*pid)).collect()
    }

    /// The processes of this region's guests, found as an administrator would.
    pub fn guests(&self) -> Vec<u32> {
        let folders = std::fs::read_dir(self.data().join("guests")).into_iter().flatten();
        let names: Vec<_> = folders
            .map(|folder| {
                // `i-` and the id of the instance.
                let folder = folder.unwrap().file_name().into_string().unwrap();
                format!("ectype-{}", folder.trim_start_matches("i-")).into_bytes()
            })
            .collect();
        let ours = |pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|word| names.iter().any(|name| name == word))
        };
        processes().filter(ours).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !self.data().exists() {
            return;
        }
        let run_dir = self.run_dir();
        for pid in [self.guests(), self.supervisors(), self.engines()].concat() {
            kill(pid, Signal::KILL);
        }
        let _ = std::fs::remove_dir_all(run_dir);
    }
}

/// A running server; killed when dropped.
pub struct Server {
    /// Its process.
    pub child: Child,
    /// Its first line.
    pub line: String,
    out: BufReader<std::process::ChildStdout>,
}

impl Server {
    /// Where it answers: `http://host:port`, or `https`.
    pub fn url(&self) -> &str {
        self.line.trim().rsplit_once(' ').unwrap().1
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end; what else it printed.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.out, &mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }

    /// SIGTERM, and its end, which must be a good one.
    pub fn terminate(self) {
        self.signal(Signal::TERM);
        let (status, _) = self.wait();
        assert_eq!(status.code(), Some(0));
    }

    /// SIGKILL, and its end.
    pub fn kill(self) {
        self.signal(Signal::KILL);
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn kill(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        // Whoever is gone needs no signal.
        let _ = kill_process(pid, signal);
    }
}

/// Every process that there is.
fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The processes that a process started.
pub fn children(parent: u32) -> Vec<u32> {
    let of_parent = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name before the last `)` may hold anything.
        let after = stat.rsplit_once(") ").map(|(_, after)| after).unwrap_or_default();
        after.split(' ').nth(1) == Some(parent.to_string().as_str())
    };
    processes().filter(of_parent).collect()
}
