//! `doctor`: whether this machine can run a region, and what to do where it cannot.

use std::{fs::OpenOptions, net::TcpListener, path::PathBuf, process::Command};

use base::Clock;
use hyper::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::{
    Cli,
    failure::Outcome,
    grammar::Input,
    net::{Address, Ask},
};

/// Where a region listens unless told otherwise.
const DEFAULT_LISTEN: &str = "127.0.0.1:7480";
/// Free bytes below which images soon find no room, and below which none does.
const FREE_LOW_BYTES: u64 = 20_000_000_000;
const FREE_NONE_BYTES: u64 = 1_000_000_000;
/// A clock outside of this is not set: 2025 to 2100, in seconds since 1970.
const CLOCK_SECONDS: std::ops::Range<i64> = 1_735_689_600..4_102_444_800;
/// What a guest is run by.
const QEMU: &str = "qemu-system-x86_64";

/// How something stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// A region runs, with less.
    Less,
    Bad,
}

struct Finding {
    what: &'static str,
    verdict: Verdict,
    said: String,
    hint: Option<&'static str>,
}

impl Finding {
    fn new(what: &'static str, verdict: Verdict, said: String, hint: &'static str) -> Self {
        let hint = (verdict != Verdict::Good).then_some(hint);
        Self { what, verdict, said, hint }
    }
}

/// Looks at everything, and says it.
pub(crate) fn doctor(cli: &mut Cli, _: &Input) -> Outcome {
    let found = [kvm(), qemu(), disk(cli), memory_files(), port(cli), clock(cli), shell()];
    let word = |verdict| match verdict {
        Verdict::Good => "ok",
        Verdict::Less => "less",
        Verdict::Bad => "bad",
    };
    if cli.out.json() {
        let all = found.iter().map(|one| {
            json!({ "check": one.what, "status": word(one.verdict), "message": one.said, "hint": one.hint })
        });
        let all = Value::Array(all.collect());
        cli.out.print_json(&all)?;
    } else {
        for one in &found {
            cli.out.say(&format!("{:<6} {:<6} {}", word(one.verdict), one.what, one.said))?;
            if let Some(hint) = one.hint {
                cli.out.say(&format!("{:14}hint: {hint}", ""))?;
            }
        }
    }
    if found.iter().any(|one| one.verdict == Verdict::Bad) {
        cli.exit = 1;
    }
    Ok(())
}

fn kvm() -> Finding {
    let opened = OpenOptions::new().read(true).write(true).open("/dev/kvm");
    let (verdict, said) = match opened {
        Ok(_) => (Verdict::Good, "/dev/kvm opens".to_owned()),
        Err(error) => {
            (Verdict::Less, format!("/dev/kvm does not open ({error}): guests are emulated"))
        }
    };
    Finding::new(
        "kvm",
        verdict,
        said,
        "turn on virtualization, and join the group kvm: sudo adduser $USER kvm",
    )
}

fn qemu() -> Finding {
    let ran = Command::new(QEMU).arg("--version").output();
    let (verdict, said) = match ran {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            (Verdict::Good, text.lines().next().unwrap_or_default().to_owned())
        }
        _ => (Verdict::Less, format!("{QEMU} does not run: guests are fake")),
    };
    Finding::new("qemu", verdict, said, "sudo apt-get install qemu-system-x86")
}

/// The folder of a region's data, or the nearest above it that is there.
fn data(cli: &Cli) -> PathBuf {
    let named = (cli.around.data)().or_else(|| cli.variable("HOME").map(PathBuf::from));
    named.filter(|path| path.exists()).unwrap_or_else(|| PathBuf::from("/"))
}

fn disk(cli: &Cli) -> Finding {
    let folder = data(cli);
    let (verdict, said) = match rustix::fs::statvfs(&folder) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let verdict = match free {
                ..FREE_NONE_BYTES => Verdict::Bad,
                FREE_NONE_BYTES..FREE_LOW_BYTES => Verdict::Less,
                _ => Verdict::Good,
            };
            (verdict, format!("{} GB free at {}", free / 1_000_000_000, folder.display()))
        }
        Err(error) => (Verdict::Bad, format!("{}: {error}", folder.display())),
    };
    Finding::new(
        "disk",
        verdict,
        said,
        "make room, or run the region elsewhere: ectype serve --data DIR",
    )
}

fn memory_files() -> Finding {
    let file = PathBuf::from(format!("/dev/shm/.ectype-doctor-{}", std::process::id()));
    let (verdict, said) = match std::fs::write(&file, b"") {
        Ok(()) => (Verdict::Good, "/dev/shm can be written".to_owned()),
        Err(error) => (Verdict::Bad, format!("/dev/shm cannot be written: {error}")),
    };
    // It was empty, and nobody else knows it.
    let _ = std::fs::remove_file(file);
    Finding::new("shm", verdict, said, "mount a tmpfs on /dev/shm")
}

fn port(cli: &Cli) -> Finding {
    let (verdict, said) = match cli.local().map(|local| local.url.clone()) {
        Some(url) => match answers(cli, &url) {
            Some(_) => (Verdict::Good, format!("a region answers at {url}")),
            None => (Verdict::Bad, format!("a region should answer at {url}, and does not")),
        },
        None => match TcpListener::bind(DEFAULT_LISTEN) {
            Ok(_) => (Verdict::Good, format!("{DEFAULT_LISTEN} is free")),
            Err(error) => (Verdict::Less, format!("{DEFAULT_LISTEN} is not free: {error}")),
        },
    };
    Finding::new(
        "port",
        verdict,
        said,
        "let it listen elsewhere: ectype serve --listen 127.0.0.1:0",
    )
}

/// What the region answers a greeting with, if it does.
fn answers(cli: &Cli, url: &str) -> Option<u16> {
    let ask = Ask {
        method: Method::GET,
        address: Address::parse(url).ok()?,
        path: "/healthz".to_owned(),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    };
    cli.http.ask(&ask).ok().map(|answer| answer.status).filter(|status| *status == 200)
}

fn clock(cli: &Cli) -> Finding {
    let now = cli.clock.wall();
    let good = CLOCK_SECONDS.contains(&now.seconds());
    let verdict = if good { Verdict::Good } else { Verdict::Bad };
    Finding::new(
        "clock",
        verdict,
        format!("{now}"),
        "set the clock: tokens and certificates go by it",
    )
}

fn shell() -> Finding {
    let ran = Command::new("ssh").arg("-V").output();
    let (verdict, said) = match ran {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            (Verdict::Good, text.lines().next().unwrap_or_default().to_owned())
        }
        Err(_) => (Verdict::Less, "ssh does not run: `ectype ssh` cannot be used".to_owned()),
    };
    Finding::new("ssh", verdict, said, "sudo apt-get install openssh-client")
}
