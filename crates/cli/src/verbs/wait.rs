//! `wait`: until a resource has a status.

use std::time::Duration;

use base::Clock;
use serde_json::Value;

use crate::{
    Cli, acts,
    failure::{Failure, Outcome},
    grammar::{Input, choice_of, number_of},
    kinds::{FLOATING_IP, IMAGE, INSTANCE, Kind, PUBLIC_GATEWAY, SNAPSHOT, SUBNET, VOLUME, VPC},
    output,
};

/// How often is looked.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Kinds that can be waited for.
pub(crate) const WAITED: &[&str] =
    &["image", "instance", "volume", "snapshot", "vpc", "subnet", "floating-ip", "public-gateway"];

/// What is waited for.
pub(super) struct Awaited<'a> {
    pub kind: &'static Kind,
    pub id: &'a str,
    pub name: &'a str,
    /// The status; `deleted` is none.
    pub status: &'a str,
    /// When is given up.
    pub timeout: Option<Duration>,
}

/// Waits.
pub(crate) fn wait(cli: &mut Cli, input: &Input) -> Outcome {
    let word = |name: &str| input.text(name).unwrap_or_default().to_owned();
    let kind = choice_of("KIND", &word("KIND"), WAITED)?;
    let (kind, usable): (&'static Kind, &str) = match kind {
        "image" => (&IMAGE, "available"),
        "instance" => (&INSTANCE, "running"),
        "volume" => (&VOLUME, "available"),
        "snapshot" => (&SNAPSHOT, "stable"),
        "vpc" => (&VPC, "available"),
        "floating-ip" => (&FLOATING_IP, "available"),
        "public-gateway" => (&PUBLIC_GATEWAY, "available"),
        _ => (&SUBNET, "available"),
    };
    let seconds = input.text("timeout").map(|text| number_of("--timeout", text)).transpose()?;
    let timeout = seconds.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    let status = input.text("for").unwrap_or(usable).to_lowercase();
    let meant = match cli.meant(kind, &word("NAME"), None, input) {
        // It is gone already.
        Err(failure) if status == "deleted" && !is_ambiguous(&failure) => {
            drop(failure);
            return cli.out.ok();
        }
        other => other?,
    };
    let awaited = Awaited { kind, id: &meant.id, name: &meant.name, status: &status, timeout };
    let one = until(cli, &awaited)?;
    if cli.out.json() { acts::show_one(cli, kind, &one) } else { cli.out.ok() }
}

fn is_ambiguous(failure: &Failure) -> bool {
    !matches!(failure, Failure::Plain { message, .. } if message.starts_with("There is no "))
}

/// Waits for a status; an image is shown as it is made. Ctrl-C ends the waiting alone.
pub(super) fn until(cli: &mut Cli, what: &Awaited<'_>) -> Outcome<Value> {
    let began = cli.clock.monotonic();
    cli.listen()?;
    let mut bar = super::capture::Bar::new(what.name);
    loop {
        let one = match cli.one(what.kind, None, what.id) {
            Err(failure) if failure.is_not_found() && what.status == "deleted" => {
                bar.end();
                return Ok(Value::Null);
            }
            other => other?,
        };
        let status = one["status"].as_str().or_else(|| one["lifecycle_state"].as_str());
        let status = status.unwrap_or_default().to_owned();
        if status == what.status {
            bar.end();
            return Ok(one);
        }
        if status == "failed" {
            bar.end();
            let why = one.pointer("/status_reasons/0/message").and_then(Value::as_str);
            let why = why.unwrap_or("no reason is given");
            let noun = output::capital(what.kind.noun);
            return Err(Failure::plain(format!("{noun} {} has failed: {why}", what.name)));
        }
        if std::ptr::eq(what.kind, &raw const IMAGE) {
            bar.look(cli, what.id);
        }
        let waited = cli.clock.monotonic().saturating_sub(began);
        if what.timeout.is_some_and(|timeout| waited >= timeout) {
            bar.end();
            return Err(Failure::hinted(
                format!("{} is {status} after {} s.", what.name, waited.as_secs()),
                again(cli, what),
            ));
        }
        if !cli.pause_unless_told(LOOK_EVERY) {
            bar.end();
            return Err(Failure::Interrupted { going_on: again(cli, what) });
        }
    }
}

fn again(cli: &Cli, what: &Awaited<'_>) -> String {
    let kind = what.kind.noun.to_lowercase().replace(' ', "-");
    format!("to wait again: {} wait {kind} {} --for {}", cli.program, what.id, what.status)
}
