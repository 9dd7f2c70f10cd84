//! Values that a schema allows: examples for the document, and what the tests begin with.

use serde_json::{Map, Value, json};

use super::{Shapes, alternatives};

/// Depth at which a schema that contains itself would end.
const DEPTH_MAX: usize = 16;

/// A value with every field.
#[must_use]
pub fn example(shapes: &Shapes, schema: &Value) -> Value {
    all(shapes, schema).into_iter().next().unwrap_or(Value::Null)
}

/// Values that together show every field, every alternative and every word.
#[must_use]
pub fn all(shapes: &Shapes, schema: &Value) -> Vec<Value> {
    values(shapes, schema, Which::All, DEPTH_MAX)
}

/// A value for each alternative, with no field more than it must have.
#[must_use]
pub fn least(shapes: &Shapes, schema: &Value) -> Vec<Value> {
    values(shapes, schema, Which::Least, DEPTH_MAX)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    Least,
}

fn values(shapes: &Shapes, schema: &Value, which: Which, depth: usize) -> Vec<Value> {
    let schema = shapes.resolve(schema);
    if depth == 0 {
        return vec![Value::Null];
    }
    let texts = |name: &str| schema.get(name).and_then(Value::as_array);
    if let Some((alternatives, _)) = alternatives(schema) {
        return alternatives.iter().flat_map(|a| values(shapes, a, which, depth - 1)).collect();
    }
    if let Some(only) = schema.get("const") {
        return vec![only.clone()];
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut found = match (texts("examples"), texts("enum")) {
        (Some(examples), _) => examples.clone(),
        (None, Some(words)) => words.clone(),
        (None, None) => match types.first().copied() {
            Some("object") => objects(shapes, schema, which, depth),
            Some("array") => arrays(shapes, schema, which, depth),
            Some("boolean") => vec![json!(true), json!(false)],
            Some("integer") => vec![schema.get("minimum").cloned().unwrap_or_else(|| json!(1))],
            Some("string") => vec![json!("text")],
            _ => vec![Value::Null],
        },
    };
    if which == Which::Least {
        found.truncate(if types.first() == Some(&"object") { found.len() } else { 1 });
    } else if types.contains(&"null") {
        found.push(Value::Null);
    }
    found
}

/// The whole object first; then, for each field with further values, one with each of these.
fn objects(shapes: &Shapes, schema: &Value, which: Which, depth: usize) -> Vec<Value> {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    let required = schema.get("required").and_then(Value::as_array);
    let needed = |name: &str| required.is_some_and(|all| all.iter().any(|r| r == name));
    let wanted = properties.iter().filter(|(name, _)| which == Which::All || needed(name));
    let fields: Vec<(&String, Vec<Value>)> =
        wanted.map(|(name, schema)| (name, values(shapes, schema, which, depth - 1))).collect();
    let first = |(name, values): &(&String, Vec<Value>)| {
        values.first().map(|value| ((*name).clone(), value.clone()))
    };
    let base: Map<String, Value> = fields.iter().filter_map(first).collect();
    let mut found = vec![Value::Object(base.clone())];
    for (name, values) in &fields {
        for value in values.iter().skip(1) {
            let mut other = base.clone();
            other.insert((*name).clone(), value.clone());
            found.push(Value::Object(other));
        }
    }
    found
}

fn arrays(shapes: &Shapes, schema: &Value, which: Which, depth: usize) -> Vec<Value> {
    if schema.get("maxItems").is_some_and(|max| max == 0) {
        return vec![json!([])];
    }
    let items = values(shapes, &schema["items"], which, depth - 1);
    items.into_iter().map(|item| json!([item])).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{check, operations, shapes},
        *,
    };

    #[test]
    fn every_sample_of_every_shape_is_as_its_schema_says() {
        let shapes = shapes();
        for (name, schema) in shapes.all() {
            for sample in all(&shapes, schema).iter().chain(&least(&shapes, schema)) {
                let wrong = check::violations(&shapes, schema, sample, check::Extra::Refused);
                assert_eq!(wrong, Vec::<String>::new(), "{name}: {sample}");
            }
        }
    }

    #[test]
    fn every_alternative_and_every_field_is_sampled() {
        let shapes = shapes();
        let body = operations().into_iter().find(|o| o.name == "create_subnet").unwrap().body;
        let samples = all(&shapes, &body.unwrap().1);
        for field in ["ipv4_cidr_block", "total_ipv4_address_count", "network_acl", "name"] {
            assert!(samples.iter().any(|sample| sample.get(field).is_some()), "{field}");
        }
        for way in ["id", "crn", "href"] {
            assert!(samples.iter().any(|sample| sample["vpc"].get(way).is_some()), "{way}");
        }
    }
}
