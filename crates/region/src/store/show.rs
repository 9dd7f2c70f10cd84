//! What people see: a line of progress while they wait, then the answer.

use std::io::{IsTerminal, Write};

use serde_json::Value;

use super::ask::StoreAsk;

/// Things named of one list; the rest is counted.
const SHOWN_MAX: usize = 20;

/// The line of progress on a terminal; nothing elsewhere.
pub struct Progress {
    on: bool,
    shown: bool,
}

impl Progress {
    /// Nothing is shown yet.
    pub fn new() -> Self {
        Self { on: std::io::stderr().is_terminal(), shown: false }
    }

    /// How far it is.
    pub fn tell(&mut self, what: &str, done: u64, total: u64) {
        if self.on && total > 0 {
            self.shown = true;
            let percent = done.saturating_mul(100) / total;
            eprint!("\r\x1b[K{what} {percent} %");
            // Only looks are lost if this fails.
            let _ = std::io::stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Null => Some("-".to_owned()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// An item of a list on one line.
fn one_line(value: &Value) -> String {
    let Some(fields) = value.as_object() else { return plain(value).unwrap_or_default() };
    let shown = fields.iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::Array(items) => {
            let items: Vec<_> = items.iter().take(3).map(one_line).collect();
            Some(format!("{}: {}", words(name), items.join("; ")))
        }
        other => Some(format!("{} {}", words(name), plain(other)?)),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Prints an answer for people.
pub fn show(ask: &StoreAsk, value: &Value) {
    let mut fields: Vec<(String, &Value)> = Vec::new();
    if let Some(object) = value.as_object() {
        for (name, value) in object {
            match value.as_object() {
                Some(inner) => fields.extend(inner.iter().map(|(n, v)| (words(n), v))),
                None => fields.push((words(name), value)),
            }
        }
    }
    for (name, value) in fields {
        match value {
            Value::Array(items) => {
                if items.is_empty() {
                    continue;
                }
                println!("{name}: {}", items.len());
                for item in items.iter().take(SHOWN_MAX) {
                    println!("  {}", one_line(item));
                }
                if items.len() > SHOWN_MAX {
                    println!("  and {} more; --json names them", items.len() - SHOWN_MAX);
                }
            }
            other => println!("{name:<20} {}", plain(other).unwrap_or_default()),
        }
    }
    if matches!(ask, StoreAsk::ConfirmRoots) {
        println!(
            "From now on what no listed image, volume or open view needs is deleted by the \
             collections of this region."
        );
    }
}

/// Fails the command when damage was found, or something asked for was not done.
/// `first` names the region's first account to who has to name one.
pub fn verdict(ask: &StoreAsk, value: &Value, first: &str) -> anyhow::Result<()> {
    let some = |name: &str| value[name].as_array().is_some_and(|items| !items.is_empty());
    let more = |name: &str| value[name].as_u64().unwrap_or(0) > 0;
    let damaged = match ask {
        StoreAsk::Stats => more("missing_records") || more("quarantined"),
        StoreAsk::Verify { .. } => more("damage_total") || some("hurt"),
        StoreAsk::Scrub { .. } => some("damage"),
        StoreAsk::Repair { .. } => {
            anyhow::ensure!(
                !more("lost_total"),
                "not everything could be repaired: give --from DIR with a backup that has it"
            );
            some("damage")
        }
        StoreAsk::Gc { .. } => more("missing_records") || some("damage"),
        StoreAsk::Plan { .. } => value["report"]["missing_records"].as_u64().unwrap_or(0) > 0,
        StoreAsk::RebuildIndex => some("differing") || some("damage"),
        StoreAsk::ConfirmRoots => false,
        StoreAsk::Recover { .. } => {
            let images = value["images"].as_array();
            anyhow::ensure!(
                !some("refused"),
                "some images were not adopted: give --account for those whose account is not \
                 here, such as --account {first}"
            );
            images.is_some_and(|images| images.iter().any(|image| image["state"] == "damaged"))
        }
    };
    anyhow::ensure!(
        !damaged,
        "the store is damaged: `ectype store verify` names what and whom, `ectype store repair` \
         takes it from a backup"
    );
    Ok(())
}
