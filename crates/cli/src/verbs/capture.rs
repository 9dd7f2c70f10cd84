//! `capture`: from an instance to an image of its boot volume in one command, and the bar that
//! shows how far it is.

use std::io::{IsTerminal, Write};

use hyper::Method;
use serde_json::{Value, json};

use super::{
    instances,
    wait::{Awaited, until},
};
use crate::{
    Cli, acts,
    failure::{Failure, Outcome},
    grammar::Input,
    kinds::{IMAGE, INSTANCE, Service},
    request::{self, Query},
};

/// Narrowest and widest bar, in letters.
const BAR_CHARS: std::ops::RangeInclusive<usize> = 4..=40;
/// Letters beside the bar.
const BESIDE_CHARS: usize = 58;
/// Width of a terminal that does not say.
const WIDTH_CHARS: usize = 80;

/// Makes an image of an instance's boot volume.
pub(crate) fn capture(cli: &mut Cli, input: &Input) -> Outcome {
    let meant = cli.named(&INSTANCE, "INSTANCE", input)?;
    let name = input.text("NAME").unwrap_or_default().to_owned();
    let instance = cli.one(&INSTANCE, None, &meant.id)?;
    let volume = instance.pointer("/boot_volume_attachment/volume/id").and_then(Value::as_str);
    let volume = volume
        .ok_or_else(|| Failure::plain(format!("instance {} has no boot volume", meant.name)))?
        .to_owned();
    let status = instance["status"].as_str().unwrap_or_default();
    if status != "stopped" {
        if !input.on("stop") {
            return Err(Failure::hinted(
                format!(
                    "The instance {} is {status}: an image is made of a stopped one.",
                    meant.name
                ),
                format!(
                    "stop it on the way: {} capture {} {name} --stop --restart",
                    cli.program, meant.name
                ),
            ));
        }
        cli.out.talk(&format!("Stopping instance {}...", meant.name))?;
        if status != "stopping" {
            instances::action(cli, &meant.id, "stop", false)?;
        }
        let stopped = Awaited {
            kind: &INSTANCE,
            id: &meant.id,
            name: &meant.name,
            status: "stopped",
            timeout: None,
        };
        until(cli, &stopped).map_err(|failure| match failure {
            Failure::Interrupted { .. } => Failure::Interrupted {
                going_on: format!(
                    "the instance stops; no image is made yet: {} capture {} {name} --stop",
                    cli.program, meant.name
                ),
            },
            other => other,
        })?;
    }
    let mut body = json!({ "name": name, "source_volume": { "id": volume } });
    if let Some(group) = acts::group(cli, input)? {
        request::set(&mut body, "/resource_group/id", json!(group.id));
    }
    cli.out.talk(&format!("Creating image {name} of instance {}...", meant.name))?;
    let made = cli.call(IMAGE.service, Method::POST, IMAGE.path, &Query::new(), Some(&body))?;
    if input.on("restart") {
        // It is taken now, and done once the image is made.
        instances::action(cli, &meant.id, "start", false)?;
        cli.out.talk(&format!("Instance {} starts once the image is made.", meant.name))?;
    }
    finish(cli, input, &made, &name)
}

fn finish(cli: &mut Cli, input: &Input, made: &Value, name: &str) -> Outcome {
    let id = made["id"].as_str().unwrap_or_default().to_owned();
    if !input.on("wait") {
        acts::show_one(cli, &IMAGE, made)?;
        cli.out.talk(&format!("\nTo wait for it: {} wait image {name}", cli.program))?;
        return Ok(());
    }
    let made = Awaited { kind: &IMAGE, id: &id, name, status: "available", timeout: None };
    let one = until(cli, &made)?;
    acts::show_one(cli, &IMAGE, &one)
}

/// The bar, on standard error: a line that is written over on a terminal, and elsewhere one line a
/// step.
pub(super) struct Bar {
    name: String,
    terminal: bool,
    shown: String,
    /// The region tells nothing: IBM's own, or an older one.
    mute: bool,
}

impl Bar {
    pub fn new(name: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { name: name.to_owned(), terminal, shown: String::new(), mute: false }
    }

    /// Asks how far an image is, and shows it.
    pub fn look(&mut self, cli: &mut Cli, id: &str) {
        if self.mute || cli.out.quiet() {
            return;
        }
        let path = format!("/_ectype/v1/images/{id}/progress");
        match cli.call(Service::Vpc, Method::GET, &path, &Query::new(), None) {
            Ok(progress) => self.show(&progress),
            Err(_) => self.mute = true,
        }
    }

    fn show(&mut self, progress: &Value) {
        let step = progress["step"].as_str().unwrap_or_default().to_owned();
        let mut err = std::io::stderr();
        // A bar that cannot be shown must not end the work.
        let _ = if self.terminal {
            let line = line(&self.name, progress, width());
            let _ = write!(err, "\r\u{1b}[K{line}");
            self.shown = line;
            err.flush()
        } else if self.shown != step {
            self.shown.clone_from(&step);
            writeln!(err, "{}: {step}", self.name)
        } else {
            Ok(())
        };
    }

    /// Leaves the line.
    pub fn end(&mut self) {
        if self.terminal && !self.shown.is_empty() {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
            self.shown.clear();
        }
    }
}

fn width() -> usize {
    rustix::termios::tcgetwinsize(std::io::stderr())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
        .unwrap_or(WIDTH_CHARS)
}

/// `gold [####----] 41 % sealing, 1.2 GB, 310 MB/s, 4 s left`, no wider than the terminal.
fn line(name: &str, progress: &Value, width: usize) -> String {
    let number = |field: &str| progress[field].as_u64().unwrap_or(0);
    let (done, total) = (number("chunks_done"), number("chunks_total"));
    let step = progress["step"].as_str().unwrap_or_default();
    let percent = (done * 100).checked_div(total).unwrap_or(0).min(100);
    let room = width.saturating_sub(name.chars().count() + BESIDE_CHARS);
    let chars = room.clamp(*BAR_CHARS.start(), *BAR_CHARS.end());
    let full = usize::try_from(percent).unwrap_or(0) * chars / 100;
    let bar = format!("{}{}", "#".repeat(full), "-".repeat(chars - full));
    let mut text = format!("{name} [{bar}] {percent:>3} % {step}, {}", bytes(number("bytes_read")));
    if let Some(rate) = progress["bytes_per_second"].as_u64().filter(|rate| *rate > 0) {
        text.push_str(&format!(", {}/s", bytes(rate)));
    }
    if let Some(eta) = progress["eta_seconds"].as_u64() {
        text.push_str(&format!(", {eta} s left"));
    }
    text.chars().take(width.saturating_sub(1)).collect()
}

/// Bytes in decimal units, as IBM counts.
fn bytes(count: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut unit = 0;
    let (mut whole, mut tenth) = (count, 0);
    while whole >= 1000 && unit + 1 < units.len() {
        tenth = whole % 1000 / 100;
        whole /= 1000;
        unit += 1;
    }
    if unit == 0 { format!("{whole} B") } else { format!("{whole}.{tenth} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fits_its_terminal() {
        let progress = json!({
            "step": "sealing", "chunks_done": 5, "chunks_total": 10, "bytes_read": 1_234_567_890_u64,
            "bytes_per_second": 310_000_000, "eta_seconds": 4
        });
        let wide = line("gold", &progress, 100);
        assert!(wide.contains(" 50 % sealing, 1.2 GB, 310.0 MB/s, 4 s left"), "{wide}");
        for width in [1, 20, 40, 80, 200] {
            assert!(line("gold", &progress, width).chars().count() < width.max(1), "{width}");
        }
        assert!(line("gold", &json!({}), 80).contains("  0 % "));
    }

    #[test]
    fn bytes_are_decimal() {
        for (count, said) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_550_000, "2.5 MB")] {
            assert_eq!(bytes(count), said);
        }
    }
}
