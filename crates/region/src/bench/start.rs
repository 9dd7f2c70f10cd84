//! How long a region takes from `ectype serve` to its first answer, on a new and on an existing
//! data directory, and how much memory the idle server has. Guests are fake.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use base::{Clock, SystemClock};

use super::{
    Job,
    figure::{Figure, Goal, Report, ms},
};

/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(1);

/// Measures.
pub fn run(job: &Job<'_>) -> anyhow::Result<Report> {
    let folder = tempfile::Builder::new().prefix("ectype-bench-").tempdir_in(job.dir)?;
    let (mut new, mut existing, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..job.runs {
        let data = folder.path().join(run.to_string());
        for took in [&mut new, &mut existing] {
            let (server, answered) = Server::start(&data)?;
            took.push(ms(answered));
            std::thread::sleep(IDLE);
            memory.push(server.resident_mib()?);
            server.end()?;
        }
    }
    let figures = [
        Figure::of("first answer, new data directory", "ms", &new, Goal::Below(1000.0)),
        Figure::of("first answer, existing data directory", "ms", &existing, Goal::Below(300.0)),
        Figure::of("resident memory of the idle server", "MiB", &memory, Goal::Below(40.0)),
    ];
    Ok(Report { name: "start", figures: figures.into_iter().flatten().collect() })
}

/// A running server; killed when dropped.
struct Server(Child);

impl Server {
    /// Starts one; how long it took until it answered a request.
    fn start(data: &Path) -> anyhow::Result<(Self, Duration)> {
        let program = std::env::current_exe().context("find this program")?;
        let mut command = Command::new(program);
        // Settings of the region that is measured are those of this file.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ECTYPE_") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--compute", "fake", "--log", "error"]);
        command.arg("--data").arg(data).stdin(Stdio::null()).stdout(Stdio::piped());
        let clock = SystemClock::new();
        let began = clock.monotonic();
        let mut server = Self(command.spawn().context("start a server")?);
        let out = server.0.stdout.as_mut().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(out.take(4096)).read_line(&mut line)?;
        let address = line.trim().rsplit_once("http://").map(|(_, address)| address);
        let address = address.with_context(|| format!("the server did not start: {line}"))?;
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(64 * 1024).read_to_string(&mut answer)?;
        let took = clock.monotonic().saturating_sub(began);
        anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "the server answered {answer}");
        Ok((server, took))
    }

    fn resident_mib(&self) -> anyhow::Result<f64> {
        let path = format!("/proc/{}/status", self.0.id());
        let status = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: f64 = kib.with_context(|| format!("{path} says no VmRSS"))?.parse()?;
        Ok(kib / 1024.0)
    }

    /// Ends it in order.
    fn end(mut self) -> anyhow::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = self.0.wait()?;
        anyhow::ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing happens to one that was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
