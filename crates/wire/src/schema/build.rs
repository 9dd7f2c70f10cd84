//! How a schema is written down: JSON Schema 2020-12 as OpenAPI 3.1 has it, in few words.
//!
//! Only what [`super::check`] understands is written here. Objects are open in the document:
//! clients must bear new fields. The tests hold our own answers to the listed fields.

use serde_json::{Map, Value, json};

/// A schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema(Map<String, Value>);

/// A field of an object.
#[derive(Clone, Debug)]
pub(super) struct Field {
    name: &'static str,
    required: bool,
    schema: Schema,
}

/// A field that is always there.
pub(super) fn has(name: &'static str, schema: Schema) -> Field {
    Field { name, required: true, schema }
}

/// A field that may be left out.
pub(super) fn may(name: &'static str, schema: Schema) -> Field {
    Field { name, required: false, schema }
}

fn of(value: Value) -> Schema {
    match value {
        Value::Object(map) => Schema(map),
        _ => Schema(Map::new()),
    }
}

/// An object with these fields.
pub(super) fn object(fields: impl IntoIterator<Item = Field>) -> Schema {
    of(json!({"type": "object", "properties": {}})).and(fields)
}

/// An object with any fields.
pub(super) fn anything() -> Schema {
    of(json!({"type": "object", "additionalProperties": true}))
}

/// One of these, and only one.
pub(super) fn one_of(alternatives: impl IntoIterator<Item = Schema>) -> Schema {
    let each: Vec<Value> = alternatives.into_iter().map(Into::into).collect();
    of(json!({ "oneOf": each }))
}

/// One or more of these: alternatives that further fields may join.
pub(super) fn any_of(alternatives: impl IntoIterator<Item = Schema>) -> Schema {
    let each: Vec<Value> = alternatives.into_iter().map(Into::into).collect();
    of(json!({ "anyOf": each }))
}

/// The component of that name.
pub(super) fn to(name: &str) -> Schema {
    of(json!({"$ref": format!("#/components/schemas/{name}")}))
}

/// An array.
pub(super) fn list(item: Schema) -> Schema {
    of(json!({"type": "array", "items": Value::from(item)}))
}

/// An array that this region always leaves empty.
pub(super) fn none_yet() -> Schema {
    list(anything()).at_most(0)
}

/// Any text.
pub(super) fn text() -> Schema {
    of(json!({"type": "string"}))
}

/// A text of at most that many bytes.
pub(super) fn text_up_to(bytes_max: usize) -> Schema {
    of(json!({"type": "string", "maxLength": bytes_max}))
}

/// A boolean.
pub(super) fn flag() -> Schema {
    of(json!({"type": "boolean"}))
}

/// An integer of `min` to `max`.
pub(super) fn number(min: impl Into<u64>, max: impl Into<u64>) -> Schema {
    of(json!({"type": "integer", "minimum": min.into(), "maximum": max.into()}))
}

/// An integer that is not negative.
pub(super) fn count() -> Schema {
    of(json!({"type": "integer", "minimum": 0}))
}

/// One of these words.
pub(super) fn word<'a>(words: impl IntoIterator<Item = &'a str>) -> Schema {
    let words: Vec<&str> = words.into_iter().collect();
    of(json!({"type": "string", "enum": words}))
}

/// This word.
pub(super) fn just(word: &str) -> Schema {
    of(json!({"type": "string", "const": word}))
}

/// This boolean.
pub(super) fn always(value: bool) -> Schema {
    of(json!({"type": "boolean", "const": value}))
}

/// A date of RFC 3339.
pub(super) fn date() -> Schema {
    of(json!({"type": "string", "format": "date-time", "examples": ["2099-01-02T03:04:05Z"]}))
}

/// An id: opaque.
pub(super) fn id() -> Schema {
    of(json!({
        "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[-0-9A-Za-z_.]+$",
        "examples": ["r006-6a3cf4b2-17b3-4dbb-8a1e-0c3a6e1b5a01"],
    }))
}

/// The name of a resource.
pub(super) fn name() -> Schema {
    of(json!({
        "type": "string", "minLength": 1, "maxLength": model::NAME_LEN_MAX,
        "pattern": "^([a-z]|[a-z][-a-z0-9]*[a-z0-9])$", "examples": ["my-name"],
    }))
}

/// A CRN in an answer.
pub(super) fn crn() -> Schema {
    of(json!({"type": "string", "pattern": "^crn:v1:", "maxLength": 512}))
}

/// An absolute href in an answer.
pub(super) fn href() -> Schema {
    of(json!({"type": "string", "format": "uri", "pattern": "^https?://"}))
}

/// An IPv4 address.
pub(super) fn address() -> Schema {
    of(json!({"type": "string", "format": "ipv4", "examples": ["10.240.0.9"]}))
}

/// An IPv4 range.
pub(super) fn range() -> Schema {
    of(json!({
        "type": "string", "pattern": r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$",
        "examples": ["10.240.0.0/24"],
    }))
}

impl Schema {
    fn with(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    /// The object with further fields.
    pub(super) fn and(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        let mut properties = match self.0.remove("properties") {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let mut required = match self.0.remove("required") {
            Some(Value::Array(names)) => names,
            _ => Vec::new(),
        };
        for field in fields {
            if field.required {
                required.push(field.name.into());
            }
            properties.insert(field.name.to_owned(), field.schema.into());
        }
        self.0.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            self.0.insert("required".to_owned(), Value::Array(required));
        }
        self
    }

    /// What it means, as Markdown.
    pub(super) fn about(self, text: &str) -> Self {
        self.with("description", text.into())
    }

    /// Its name among alternatives.
    pub(super) fn titled(self, title: &str) -> Self {
        self.with("title", title.into())
    }

    /// A value that is good in a request; the first example of a document, too.
    pub(super) fn like(self, example: impl Into<Value>) -> Self {
        self.with("examples", json!([example.into()]))
    }

    /// The array with at least that many items.
    pub(super) fn at_least(self, items: usize) -> Self {
        self.with("minItems", items.into())
    }

    /// The array with at most that many items.
    pub(super) fn at_most(self, items: usize) -> Self {
        self.with("maxItems", items.into())
    }

    /// The text against a pattern, in the dialect of ECMA-262.
    pub(super) fn fits(self, pattern: &str) -> Self {
        self.with("pattern", pattern.into())
    }

    /// What counts when it is left out.
    pub(super) fn usually(self, default: impl Into<Value>) -> Self {
        self.with("default", default.into())
    }

    /// Or null, which clears what was there.
    pub(super) fn or_null(mut self) -> Self {
        match self.0.remove("type") {
            Some(Value::String(one)) => self.with("type", json!([one, "null"])),
            _ => one_of([self, of(json!({"type": "null"}))]),
        }
    }
}

impl From<Schema> for Value {
    fn from(schema: Schema) -> Self {
        Self::Object(schema.0)
    }
}

/// One of these integers.
pub(super) fn numbers<const N: usize>(numbers: [u16; N]) -> Schema {
    of(json!({"type": "integer", "enum": numbers.to_vec()}))
}
