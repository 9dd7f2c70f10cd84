//! One cell of a resource, as text.

use serde_json::Value;

use crate::kinds::See;

/// What stands where there is nothing.
const NOTHING: &str = "-";
/// Letters of a text that is shown shortened.
const SHORT_CHARS: usize = 18;

/// A cell; `account` is the caller's own.
pub(crate) fn see(of: &Value, what: &See, account: &str) -> String {
    let text = match what {
        See::At(at) => text(of.pointer(at)),
        See::First(all) => text(all.iter().find_map(|at| some(of.pointer(at)))),
        See::Each(array, at) => {
            let each = of.pointer(array).and_then(Value::as_array).into_iter().flatten();
            let each: Vec<_> = each.filter_map(|one| some(one.pointer(at))).collect();
            each.into_iter().map(plain).collect::<Vec<_>>().join(",")
        }
        See::Pair(a, b) => format!("{}/{}", text(of.pointer(a)), text(of.pointer(b))),
        See::Short(at) => {
            let whole = text(of.pointer(at));
            if whole.chars().count() > SHORT_CHARS {
                format!("{}...", whole.chars().take(SHORT_CHARS).collect::<String>())
            } else {
                whole
            }
        }
        See::Range(at) => of.pointer(at).map(range).unwrap_or_default(),
        See::Other(at) => match of.pointer(at).and_then(Value::as_str) {
            Some(other) if other != account => other.to_owned(),
            _ => return String::new(),
        },
    };
    if text.is_empty() { NOTHING.to_owned() } else { clean(&text) }
}

fn some(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

fn text(value: Option<&Value>) -> String {
    some(value).map(plain).unwrap_or_default()
}

/// A value on one line: a name where it has one.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => dated(text).unwrap_or_else(|| text.clone()),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(fields) => {
            let known = ["name", "id", "crn", "address"].iter().find_map(|key| fields.get(*key));
            known.and_then(Value::as_str).map_or_else(|| value.to_string(), str::to_owned)
        }
    }
}

/// A date as IBM's plug-in shows it: whole seconds, with an offset.
fn dated(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let looks = bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T';
    let at = looks.then(|| base::Timestamp::parse(text).ok())??;
    let whole = base::Timestamp::from_micros(at.seconds() * 1_000_000).to_string();
    whole.strip_suffix('Z').map(|date| format!("{date}+00:00"))
}

/// A field of a profile: fixed, one of several, between two, or open.
fn range(of: &Value) -> String {
    if let Some(value) = of.get("value").filter(|value| !value.is_null()) {
        return plain(value);
    }
    if let Some(values) = of.get("values").and_then(Value::as_array) {
        return values.iter().map(plain).collect::<Vec<_>>().join(",");
    }
    match (of.get("min"), of.get("max")) {
        (Some(min), Some(max)) if min == max => plain(min),
        (Some(min), Some(max)) => format!("{}-{}", plain(min), plain(max)),
        _ => of.get("type").and_then(Value::as_str).unwrap_or_default().to_owned(),
    }
}

/// The first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Nothing that a terminal would obey.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_says_what_is_there_and_a_hyphen_otherwise() {
        let of = json!({
            "id": "1", "n": null, "a": [{"name": "x"}, {"name": "y"}], "free": 3, "all": 8,
            "at": "2025-06-23T16:35:10.123Z", "count": {"type": "range", "min": 1, "max": 9}, "kind": {"type": "dependent"},
            "remote": {"account": {"id": "me"}}, "bad": "a\u{1b}[31m\nb",
            "long": "SHA256:0123456789012345678"
        });
        for (what, want) in [
            (See::At("/id"), "1"),
            (See::At("/n"), "-"),
            (See::At("/at"), "2025-06-23T16:35:10+00:00"),
            (See::At("/gone/name"), "-"),
            (See::First(&["/n", "/free"]), "3"),
            (See::Each("/a", "/name"), "x,y"),
            (See::Pair("/free", "/all"), "3/8"),
            (See::Range("/count"), "1-9"),
            (See::Range("/kind"), "dependent"),
            (See::Short("/long"), "SHA256:01234567890..."),
            (See::Other("/remote/account/id"), ""),
            (See::At("/bad"), "a [31m b"),
        ] {
            assert_eq!(see(&of, &what, "me"), want, "{what:?}");
        }
        assert_eq!(see(&of, &See::Other("/remote/account/id"), "you"), "me");
    }
}
