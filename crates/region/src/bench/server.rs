//! A server of this program to measure from outside, by HTTP.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use base::{Clock, SystemClock};

/// A running server; killed when dropped.
pub struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    /// Starts one with fake guests; how long it took until it answered a request.
    pub fn start(data: &Path) -> anyhow::Result<(Self, Duration)> {
        let program = std::env::current_exe().context("find this program")?;
        let mut command = Command::new(program);
        // Settings of the region that is measured are those of this file.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ECTYPE_") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--compute", "fake", "--log", "error"]);
        // What one client may ask is what is measured.
        command.args(["--requests-per-second", "0"]);
        command.arg("--data").arg(data).stdin(Stdio::null()).stdout(Stdio::piped());
        let clock = SystemClock::new();
        let began = clock.monotonic();
        let mut server = Process(command.spawn().context("start a server")?);
        let out = server.0.stdout.as_mut().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(out.take(4096)).read_line(&mut line)?;
        let address = line.trim().rsplit_once("http://").map(|(_, address)| address);
        let address = address.with_context(|| format!("the server did not start: {line}"))?;
        let address: SocketAddr = address.parse().context("the server's address")?;
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(64 * 1024).read_to_string(&mut answer)?;
        let took = clock.monotonic().saturating_sub(began);
        anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "the server answered {answer}");
        Ok((Self { process: server, address }, took))
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Memory that it has now, in MiB.
    pub fn resident_mib(&self) -> anyhow::Result<f64> {
        resident_mib(self.process.0.id())
    }

    /// Ends it in order.
    pub fn end(mut self) -> anyhow::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.process.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = self.process.0.wait()?;
        anyhow::ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

/// Killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing happens to one that was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Memory that a process has now, in MiB.
pub fn resident_mib(process: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: f64 = kib.with_context(|| format!("{path} says no VmRSS"))?.parse()?;
    Ok(kib / 1024.0)
}
