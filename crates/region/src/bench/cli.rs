//! What a command spends from its start to its first request: nobody should wait for the command
//! line itself.

use std::{
    io::Read,
    net::TcpListener,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use base::{Clock, SystemClock};

use super::{
    Job,
    figure::{Figure, Goal, Report, ms},
};

/// Runs whose time is not counted: the program is not in memory yet.
const WARM_UP: u32 = 1;
/// Most milliseconds before the first request.
const GOAL_MS: f64 = 30.0;

/// Measures.
pub fn run(job: &Job<'_>) -> anyhow::Result<Report> {
    let folder = tempfile::Builder::new().prefix("ectype-bench-").tempdir_in(job.dir)?;
    // Nobody answers there: only the first byte of the first request counts.
    let door = TcpListener::bind("127.0.0.1:0").context("listen")?;
    let url = format!("http://{}", door.local_addr()?);
    let mut took = Vec::new();
    for run in 0..job.runs + WARM_UP {
        let one = ms(first_request(&door, &url, folder.path())?);
        if run >= WARM_UP {
            took.push(one);
        }
    }
    let figure = Figure::of("start to first request", "ms", &took, Goal::AtMost(GOAL_MS));
    Ok(Report { name: "cli", figures: figure.into_iter().collect() })
}

fn first_request(
    door: &TcpListener,
    url: &str,
    home: &std::path::Path,
) -> anyhow::Result<Duration> {
    let clock = SystemClock::new();
    let began = clock.monotonic();
    let mut command = Command::new(std::env::current_exe().context("find this program")?)
        .args(["is", "images"])
        .env_clear()
        .env("HOME", home)
        .env("ECTYPE_URL", url)
        .env("IBMCLOUD_API_KEY", "none")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("start a command")?;
    let (mut stream, _) = door.accept().context("wait for a request")?;
    let mut first = [0];
    stream.read_exact(&mut first).context("read a request")?;
    let took = clock.monotonic().saturating_sub(began);
    drop(stream);
    // It would try again for a while.
    let _ = command.kill();
    command.wait().context("end a command")?;
    Ok(took)
}
