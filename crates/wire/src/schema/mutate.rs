//! Bodies that are nearly right: what a schema allows, with one thing changed.
//!
//! The schema is the judge. It says of each whether it must be refused; where more than the
//! schema decides (a null, a pattern, a name that may be taken), either answer is right.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Shapes, alternatives, check};

/// What a parser must make of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is good.
    Accepted,
    /// It breaks the schema.
    Refused,
    /// The schema does not say.
    Either,
}

/// A changed body.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// What was changed, and where.
    pub what: String,
    /// The body.
    pub body: Value,
    /// What must become of it.
    pub verdict: Verdict,
}

/// Every change of one thing in `sample`, which fits the schema.
#[must_use]
pub fn mutants(shapes: &Shapes, schema: &Value, sample: &Value) -> Vec<Mutant> {
    further_mutants(shapes, schema, sample, &mut BTreeSet::new())
}

/// As [`mutants`], without the places that were changed in samples before: those in `known`.
#[must_use]
pub fn further_mutants(
    shapes: &Shapes,
    schema: &Value,
    sample: &Value,
    known: &mut BTreeSet<String>,
) -> Vec<Mutant> {
    let mut places = Vec::new();
    walk(shapes, schema, sample, String::new(), &mut places);
    places.retain(|(pointer, schema)| known.insert(format!("{pointer} {schema}")));
    let of = |(pointer, place): &(String, &Value)| {
        let all = changes(place, sample.pointer(pointer));
        let pointer = pointer.clone();
        all.into_iter()
            .map(move |change| change.applied(shapes, schema, sample, &pointer))
            .collect::<Vec<_>>()
    };
    places.iter().flat_map(of).collect()
}

/// One change of one thing in `sample`; `pick` chooses below a bound. None when it fits nothing.
#[must_use]
pub fn one_mutant(
    shapes: &Shapes,
    schema: &Value,
    sample: &Value,
    pick: impl Fn(usize) -> usize,
) -> Option<Mutant> {
    let mut places = Vec::new();
    walk(shapes, schema, sample, String::new(), &mut places);
    let (pointer, place) = places.get(pick(places.len()))?;
    let mut all = changes(place, sample.pointer(pointer));
    if all.is_empty() {
        return None;
    }
    let change = all.swap_remove(pick(all.len()));
    Some(change.applied(shapes, schema, sample, pointer))
}

enum How {
    /// Another value.
    Be(Value),
    /// Without this field.
    Lack(String),
    /// With a field that nobody knows.
    Gain,
}

struct Change {
    what: String,
    how: How,
    verdict: Verdict,
}

impl Change {
    fn applied(self, shapes: &Shapes, schema: &Value, sample: &Value, at: &str) -> Mutant {
        let mut body = sample.clone();
        match (self.how, body.pointer_mut(at)) {
            (How::Be(value), Some(place)) => *place = value,
            (How::Lack(name), Some(Value::Object(fields))) => drop(fields.remove(&name)),
            (How::Gain, Some(Value::Object(fields))) => {
                fields.insert("no_such_field".to_owned(), json!({"a": [1, null]}));
            }
            _ => {}
        }
        // Alternatives: what breaks one may fit another.
        let verdict = match self.verdict {
            Verdict::Refused if check::fits(shapes, schema, &body) => Verdict::Either,
            verdict => verdict,
        };
        Mutant { what: format!("{at}{}", self.what), body, verdict }
    }
}

/// Every change of the thing at a place.
fn changes(schema: &Value, now: Option<&Value>) -> Vec<Change> {
    let replaced = replacements(schema, now).into_iter();
    let mut found: Vec<_> = replaced
        .map(|(what, value, verdict)| Change {
            what: format!(" {what}"),
            how: How::Be(value),
            verdict,
        })
        .collect();
    let Some(Value::Object(fields)) = now else { return found };
    let needed =
        |name: &str| schema["required"].as_array().is_some_and(|r| r.iter().any(|n| n == name));
    found.extend(fields.keys().map(|name| Change {
        what: format!("/{name} left out"),
        how: How::Lack(name.clone()),
        verdict: if needed(name) { Verdict::Refused } else { Verdict::Accepted },
    }));
    let what = " with a field that nobody knows".to_owned();
    found.push(Change { what, how: How::Gain, verdict: Verdict::Accepted });
    found
}

/// Every place of the sample as a JSON pointer, with its schema.
fn walk<'a>(
    shapes: &'a Shapes,
    schema: &'a Value,
    value: &Value,
    at: String,
    places: &mut Vec<(String, &'a Value)>,
) {
    let schema = shapes.resolve(schema);
    if let Some((alternatives, _)) = alternatives(schema) {
        let fitting = alternatives.iter().find(|one| check::fits(shapes, one, value));
        if let Some(one) = fitting {
            walk(shapes, one, value, at, places);
        }
        return;
    }
    places.push((at.clone(), schema));
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let Some(schema) = schema["properties"].get(name) {
                    walk(shapes, schema, value, format!("{at}/{name}"), places);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(shapes, &schema["items"], item, format!("{at}/{index}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

type Replacement = (String, Value, Verdict);

fn replacements(schema: &Value, now: Option<&Value>) -> Vec<Replacement> {
    let Some(schema) = schema.as_object() else { return Vec::new() };
    let mut found = wrong_types(schema);
    let mut add = |what: &str, value: Value, verdict| {
        found.push((what.to_owned(), value, verdict));
    };
    for (bound, step) in [("minimum", -1), ("maximum", 1)] {
        let Some(at) = schema.get(bound).and_then(Value::as_i64) else { continue };
        add(&format!("at its {bound}"), json!(at), Verdict::Accepted);
        add(&format!("beyond its {bound}"), json!(at + step), Verdict::Refused);
    }
    if schema.contains_key("enum") || schema.contains_key("const") {
        add("as a word that is not listed", json!("no-such-word"), Verdict::Refused);
    }
    if is(schema, "string") {
        texts(schema, &mut add);
    }
    let first = now.and_then(Value::as_array).and_then(|items| items.first());
    if let (Some(max), Some(item)) = (bound(schema, "maxItems"), first) {
        let of = |len: usize| Value::Array(vec![item.clone(); len]);
        add("with as many items as may be", of(max), Verdict::Either);
        // A parser may read one more than the limit, so that the limit can be named.
        add("with too many items", of(max + 2), Verdict::Refused);
    }
    found
}

fn bound(schema: &Map<String, Value>, name: &str) -> Option<usize> {
    schema.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
}

fn is(schema: &Map<String, Value>, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(some)) => some.iter().any(|one| one == name),
        _ => false,
    }
}

fn wrong_types(schema: &Map<String, Value>) -> Vec<Replacement> {
    let mut found = vec![("as null".to_owned(), Value::Null, Verdict::Either)];
    let huge: Value = serde_json::from_str("123456789012345678901234567890").unwrap_or_default();
    for (name, value) in [
        ("boolean", json!(true)),
        ("integer", json!(7)),
        ("string", json!("7")),
        ("array", json!([])),
        ("array", json!([[]])),
        ("object", json!({})),
    ] {
        let verdict = if is(schema, name) { Verdict::Either } else { Verdict::Refused };
        found.push((format!("as {value}"), value, verdict));
    }
    for number in [json!(1.5), json!(-1e300), json!(1e-300), huge] {
        found.push((format!("as {number}"), number, Verdict::Refused));
    }
    for number in [json!(i64::MIN), json!(u64::MAX)] {
        let verdict = if is(schema, "integer") { Verdict::Either } else { Verdict::Refused };
        found.push((format!("as {number}"), number, verdict));
    }
    found
}

/// Longer than any text may be.
const LONG: usize = 70_000;
/// Texts that break things.
const HOSTILE: [&str; 12] = [
    "",
    " ",
    "\u{0}",
    "a\u{0}b",
    "\u{202e}txt.exe",
    "é́\u{fe0f}👩‍👩‍👧",
    "\u{feff}a",
    "'; DROP TABLE images; --",
    "../../../etc/passwd",
    "%00%n%s{}",
    "a\r\nx-header: b",
    "𐍈\u{10ffff}",
];

const NO_DATES: [&str; 10] = [
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-01-01T25:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01",
    "yesterday",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00+99:00",
    "99999-01-01T00:00:00Z",
];

fn texts(schema: &Map<String, Value>, add: &mut impl FnMut(&str, Value, Verdict)) {
    for text in HOSTILE {
        add(&format!("as the text {text:?}"), json!(text), Verdict::Either);
    }
    add("as a very long text", json!("a".repeat(LONG)), longer_than(schema, LONG));
    if schema.get("format").is_some_and(|format| format == "date-time") {
        for date in NO_DATES {
            add(&format!("as the date {date}"), json!(date), Verdict::Refused);
        }
    }
    let Some(max) = bound(schema, "maxLength") else { return };
    let free = !schema.contains_key("examples") && !schema.contains_key("pattern");
    let verdict = if free { Verdict::Accepted } else { Verdict::Either };
    add("at its longest", json!("a".repeat(max)), verdict);
    add("longer than it may be", json!("a".repeat(max + 1)), Verdict::Refused);
    // Two bytes each: within the length in characters, beyond it in bytes.
    add("longer in bytes", json!("é".repeat(max)), Verdict::Either);
}

fn longer_than(schema: &Map<String, Value>, len: usize) -> Verdict {
    if bound(schema, "maxLength").is_some_and(|max| len > max) {
        Verdict::Refused
    } else {
        Verdict::Either
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::build::{count, has, may, object, text_up_to},
        *,
    };

    #[test]
    fn one_thing_is_changed_and_the_schema_judges_it() {
        let shapes = Shapes::default();
        let schema = object([has("a", text_up_to(3)), may("b", object([has("c", count())]))]);
        let schema = schema.into();
        let mutants = mutants(&shapes, &schema, &json!({"a": "x", "b": {"c": 1}}));
        let verdict = |what: &str| {
            let found = mutants.iter().find(|m| m.what == what);
            found.unwrap_or_else(|| panic!("{what}")).verdict
        };
        assert_eq!(verdict("/a left out"), Verdict::Refused);
        assert_eq!(verdict("/b left out"), Verdict::Accepted);
        assert_eq!(verdict("/b/c left out"), Verdict::Refused);
        assert_eq!(verdict("/b/c beyond its minimum"), Verdict::Refused);
        assert_eq!(verdict("/a at its longest"), Verdict::Accepted);
        assert_eq!(verdict("/a longer than it may be"), Verdict::Refused);
        assert_eq!(verdict("/a as true"), Verdict::Refused);
        assert!(mutants.len() > 60, "{}", mutants.len());
    }
}
