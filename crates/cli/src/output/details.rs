//! The details of one resource: a key and its value a line, tables within.

use serde_json::Value;

use super::{
    Terminal, capital, see,
    see::{clean, plain},
    table::lines,
};
use crate::{failure::Outcome, kinds::Row};

const GAP: &str = "   ";

/// Prints what is known of one resource. Without rows, all that there is.
pub(crate) fn details(to: &mut Terminal, rows: &[Row], one: &Value, account: &str) -> Outcome {
    let told: Vec<(String, Vec<String>)> = if rows.is_empty() {
        whatever(one)
    } else {
        rows.iter().filter_map(|row| tell(row, one, account)).collect()
    };
    let width = told.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    for (key, lines) in told {
        for (at, line) in lines.iter().enumerate() {
            let key = if at == 0 { key.as_str() } else { "" };
            let spaces = " ".repeat(width.saturating_sub(key.chars().count()));
            let key = if key.is_empty() { String::new() } else { to.coloured(key) };
            to.say(format!("{key}{spaces}{GAP}{line}").trim_end())?;
        }
    }
    Ok(())
}

fn tell(row: &Row, one: &Value, account: &str) -> Option<(String, Vec<String>)> {
    match row {
        Row::Value(key, what) => {
            let value = see(one, what, account);
            // What is another's is only shown where there is another.
            (!value.is_empty()).then(|| ((*key).to_owned(), vec![value]))
        }
        Row::Grid(key, at, columns) => {
            let inside = one.pointer(at).filter(|value| !value.is_null());
            let inside: Vec<&Value> = match inside {
                Some(Value::Array(all)) => all.iter().collect(),
                Some(value) => vec![value],
                None => Vec::new(),
            };
            if inside.is_empty() {
                return Some(((*key).to_owned(), vec!["-".to_owned()]));
            }
            Some(((*key).to_owned(), lines(columns, inside, account)))
        }
    }
}

/// All fields but addresses of the API, `id` and `name` first.
fn whatever(one: &Value) -> Vec<(String, Vec<String>)> {
    let Value::Object(fields) = one else { return vec![(String::new(), vec![plain(one)])] };
    let first = ["id", "name", "crn", "status"];
    let later = fields.keys().map(String::as_str).filter(|key| !first.contains(key));
    let keys = first.iter().copied().filter(|key| fields.contains_key(*key)).chain(later);
    keys.filter(|key| *key != "href")
        .map(|key| {
            let value = clean(&plain(&fields[key]));
            (title(key), vec![if value.is_empty() { "-".to_owned() } else { value }])
        })
        .collect()
}

/// `created_at` is Created at; short words of the field stay capitals.
fn title(key: &str) -> String {
    if matches!(key, "id" | "crn" | "ip" | "iops") {
        return key.to_uppercase();
    }
    capital(&key.replace('_', " "))
}
