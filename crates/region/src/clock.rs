//! `ectype clock`, and the clock that a region runs by: the machine's, or one that the operator
//! moves. How far it was moved is kept in `clock.json`, so that no restart sets time back.

use std::sync::Arc;

use anyhow::Context;
use base::{Clock, SystemClock, VirtualClock, VirtualTime};
use clap::Subcommand;
use serde_json::{Value, json};

use crate::{cli::JsonArgs, data_dir::DataDir, operator::http};

const FILE: &str = "clock.json";
const PATH: &str = "/_ectype/v1/clock";

/// The clock of a region.
///
/// # Errors
/// When its time was moved once and it is not to be virtual: time would go back.
pub fn open(data: &DataDir, is_virtual: bool) -> anyhow::Result<Arc<dyn Clock>> {
    let machine: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let path = data.path(FILE);
    let kept: VirtualTime = match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is damaged", path.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => VirtualTime::default(),
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    if !is_virtual {
        anyhow::ensure!(
            kept == VirtualTime::default(),
            "the time of this region was moved: start it with --virtual-clock, or remove {} to \
             set its time back to the machine's",
            path.display()
        );
        return Ok(machine);
    }
    let keep = move |time: &VirtualTime| {
        let bytes = serde_json::to_vec(time).map_err(std::io::Error::other)?;
        crate::data_dir::write_atomic(&path, &bytes).map_err(std::io::Error::other)
    };
    Ok(Arc::new(VirtualClock::new(machine, kept, keep)))
}

/// Commands about region time.
#[derive(Subcommand)]
pub enum ClockCommand {
    /// Say what the clocks say, and when the next image is due.
    Show(JsonArgs),
    /// Stop region time.
    Freeze(JsonArgs),
    /// Let it run again.
    Resume(JsonArgs),
    /// Move it forward.
    Advance {
        /// How far: a number and s, m, h or d, such as 30d.
        #[arg(value_parser = seconds_of)]
        by: u64,
        #[command(flatten)]
        region: JsonArgs,
    },
    /// Move it forward to the next due event, which happens before this ends.
    Next(JsonArgs),
}

fn seconds_of(text: &str) -> Result<u64, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, unit)| text.strip_suffix(suffix).map(|number| (number, *unit)))
        .unwrap_or((text, 1));
    let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    seconds.ok_or_else(|| "a number and s, m, h or d, such as 30d".to_owned())
}

/// Runs a command.
pub fn run(command: ClockCommand) -> anyhow::Result<()> {
    let (args, action) = match command {
        ClockCommand::Show(args) => (args, None),
        ClockCommand::Freeze(args) => (args, Some(json!({"action": "freeze"}))),
        ClockCommand::Resume(args) => (args, Some(json!({"action": "resume"}))),
        ClockCommand::Advance { by, region } => {
            (region, Some(json!({"action": "advance", "seconds": by})))
        }
        ClockCommand::Next(args) => (args, Some(json!({"action": "advance_to_next_due"}))),
    };
    let data = DataDir::find(args.data.data)?;
    let seen = match action {
        None => http::call(&data, "GET", PATH, None)?,
        Some(body) => http::call(&data, "POST", PATH, Some(&body))?,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&seen)?);
        return Ok(());
    }
    for (name, label) in [
        ("region_time", "region time"),
        ("wall_time", "machine time"),
        ("next_due_at", "next due"),
        ("virtual", "virtual"),
        ("frozen", "frozen"),
    ] {
        match &seen[name] {
            Value::Null => println!("{label:<13} -"),
            Value::String(text) => println!("{label:<13} {text}"),
            other => println!("{label:<13} {other}"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_units() {
        for (text, seconds) in
            [("5", 5), ("5s", 5), ("2m", 120), ("3h", 10_800), ("30d", 2_592_000)]
        {
            assert_eq!(seconds_of(text), Ok(seconds));
        }
        for bad in ["", "d", "-1d", "1.5h", "18446744073709551615d", "1w"] {
            assert!(seconds_of(bad).is_err(), "{bad}");
        }
    }
}
