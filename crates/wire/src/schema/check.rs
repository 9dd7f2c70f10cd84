//! Whether a value is as a schema says: the part of JSON Schema that [`super::build`] writes.
//!
//! Patterns are not matched here, and of the formats only dates are read; schemathesis does both.
//! The invariant for answers: held closed, a field that the schema does not list is a violation.

use base::Timestamp;
use serde_json::{Map, Value};

use super::{Shapes, alternatives};

/// Whether fields may be there that no schema lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// As clients must bear them.
    Borne,
    /// As tests hold our own answers.
    Refused,
}

/// What is wrong with the value, each with the path of its place; nothing when it is right.
#[must_use]
pub fn violations(shapes: &Shapes, schema: &Value, value: &Value, extra: Extra) -> Vec<String> {
    let mut found = Vec::new();
    Check { shapes, extra, found: &mut found }.walk(schema, value, "$");
    found
}

/// Whether it is right, whatever further fields it has.
#[must_use]
pub fn fits(shapes: &Shapes, schema: &Value, value: &Value) -> bool {
    violations(shapes, schema, value, Extra::Borne).is_empty()
}

struct Check<'a> {
    shapes: &'a Shapes,
    extra: Extra,
    found: &'a mut Vec<String>,
}

impl Check<'_> {
    fn wrong(&mut self, at: &str, what: impl std::fmt::Display) {
        self.found.push(format!("{at}: {what}"));
    }

    fn walk(&mut self, schema: &Value, value: &Value, at: &str) {
        let schema = self.shapes.resolve(schema);
        if let Some((alternatives, only_one)) = alternatives(schema) {
            return self.alternatives(alternatives, only_one, value, at);
        }
        let Some(schema) = schema.as_object() else {
            return self.wrong(at, "the schema that it refers to is not there");
        };
        if !has_type(schema, value) {
            let wanted = schema.get("type").unwrap_or(&Value::Null);
            return self.wrong(at, format!("{} is not of type {wanted}", brief(value)));
        }
        if schema.get("const").is_some_and(|only| only != value) {
            self.wrong(at, format!("{} is not {}", brief(value), schema["const"]));
        }
        let allowed = schema.get("enum").and_then(Value::as_array);
        if allowed.is_some_and(|allowed| !allowed.contains(value)) {
            self.wrong(at, format!("{} is not one of the words listed", brief(value)));
        }
        match value {
            Value::Object(fields) => self.object(schema, fields, at),
            Value::Array(items) => self.array(schema, items, at),
            Value::String(text) => self.text(schema, text, at),
            Value::Number(_) => self.number(schema, value, at),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn alternatives(&mut self, all: &[Value], only_one: bool, value: &Value, at: &str) {
        let mut best: Option<Vec<String>> = None;
        let mut fitting = 0;
        for alternative in all {
            let mut found = Vec::new();
            Check { found: &mut found, ..*self }.walk(alternative, value, at);
            if found.is_empty() {
                fitting += 1;
            } else if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                best = Some(found);
            }
        }
        match (fitting, best) {
            (1, _) => {}
            (2.., _) if !only_one => {}
            (0, Some(best)) => {
                self.wrong(at, format!("fits no alternative; the nearest: {}", best.join("; ")));
            }
            _ => self.wrong(at, format!("fits {fitting} alternatives, not one")),
        }
    }

    fn object(&mut self, schema: &Map<String, Value>, fields: &Map<String, Value>, at: &str) {
        let none = Map::new();
        let listed = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            if name.as_str().is_some_and(|name| !fields.contains_key(name)) {
                self.wrong(at, format!("the field {name} is missing"));
            }
        }
        let open = schema.get("additionalProperties").is_some_and(|open| open == true);
        for (name, value) in fields {
            match listed.get(name) {
                Some(schema) => self.walk(schema, value, &format!("{at}.{name}")),
                None if open || self.extra == Extra::Borne => {}
                None => self.wrong(at, format!("the field {name:?} is not listed")),
            }
        }
    }

    fn array(&mut self, schema: &Map<String, Value>, items: &[Value], at: &str) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
        let len = items.len() as u64;
        if bound("minItems").is_some_and(|min| len < min)
            || bound("maxItems").is_some_and(|max| len > max)
        {
            self.wrong(at, format!("{len} items are too few or too many"));
        }
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.walk(schema, item, &format!("{at}[{index}]"));
            }
        }
    }

    fn text(&mut self, schema: &Map<String, Value>, text: &str, at: &str) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
        let len = text.chars().count() as u64;
        if bound("minLength").is_some_and(|min| len < min)
            || bound("maxLength").is_some_and(|max| len > max)
        {
            self.wrong(at, format!("{len} characters are too few or too many"));
        }
        let dated = schema.get("format").is_some_and(|format| format == "date-time");
        if dated && Timestamp::parse(text).is_err() {
            self.wrong(at, format!("{text:?} is no date"));
        }
    }

    fn number(&mut self, schema: &Map<String, Value>, value: &Value, at: &str) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let number = value.as_f64().unwrap_or(f64::NAN);
        if bound("minimum").is_some_and(|min| number < min)
            || bound("maximum").is_some_and(|max| number > max)
        {
            self.wrong(at, format!("{value} is out of bounds"));
        }
    }
}

fn has_type(schema: &Map<String, Value>, value: &Value) -> bool {
    let is = |name: &str| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => name == "integer" && !number.is_f64(),
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    };
    match schema.get("type") {
        None => true,
        Some(Value::String(name)) => is(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(is),
        Some(_) => false,
    }
}

/// The beginning of a value.
fn brief(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::build::{count, date, has, list, may, numbers, object, one_of, text_up_to, word},
        *,
    };

    fn wrong(schema: super::super::Schema, value: &Value) -> Vec<String> {
        violations(&Shapes::default(), &schema.into(), value, Extra::Refused)
    }

    #[test]
    fn a_value_is_held_to_types_words_bounds_and_dates() {
        for (schema, good, bad) in [
            (count(), json!(0), json!(-1)),
            (count(), json!(7), json!(1.5)),
            (word(["a", "b"]), json!("a"), json!("c")),
            (numbers([1, 2]), json!(2), json!(3)),
            (text_up_to(2), json!("éé"), json!("aaa")),
            (date(), json!("2026-11-24T10:00:14Z"), json!("2026-02-30T10:00:14Z")),
            (date().or_null(), json!(null), json!(7)),
            (list(count()).at_most(1), json!([1]), json!([1, 2])),
            (list(count()).at_least(1), json!([1]), json!([])),
            (list(count()), json!([]), json!(["x"])),
        ] {
            assert_eq!(wrong(schema.clone(), &good), Vec::<String>::new());
            assert_eq!(wrong(schema, &bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn an_object_has_what_it_must_and_nothing_else() {
        let schema = || object([has("a", count()), may("b", count())]);
        assert!(wrong(schema(), &json!({"a": 1})).is_empty());
        assert!(wrong(schema(), &json!({"b": 1}))[0].contains("\"a\" is missing"));
        assert!(wrong(schema(), &json!({"a": 1, "c": 1}))[0].contains("\"c\" is not listed"));
        let value = json!({"a": 1, "c": 1});
        assert!(fits(&Shapes::default(), &schema().into(), &value));
    }

    #[test]
    fn of_alternatives_one_and_only_one_fits() {
        let schema = || one_of([object([has("a", count())]), object([has("b", count())])]);
        assert!(wrong(schema(), &json!({"a": 1})).is_empty());
        assert!(wrong(schema(), &json!({"c": 1}))[0].contains("fits no alternative"));
        let both = json!({"a": 1, "b": 1});
        let found = violations(&Shapes::default(), &schema().into(), &both, Extra::Borne);
        assert!(found[0].contains("fits 2 alternatives"), "{found:?}");
    }
}
