//! The OpenAPI 3.1 document of all that is served, at `GET /_ectype/v1/openapi.json`.
//!
//! Paths and methods come from [`OPERATIONS`], the rest from [`wire::schema`]; neither can leave
//! the other behind, or a test fails. It is one document for every region and caller, and that
//! of the newest version of the API: older ones are served, and differ where `wire` says so.

use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use wire::{
    Dialect, NEWEST_VERSION,
    schema::{self, Described, IAM_COMPONENT, Media, Shapes, error_component, sample},
};

use crate::{
    answer::OpenCall,
    operations::{Family, OPERATIONS, Operation, Served},
    reply::{Answer, Reply},
};

/// Seconds that a client may keep the document.
const MAX_AGE: &str = "public, max-age=3600";

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_string().into());

pub(crate) async fn openapi(_: OpenCall) -> Answer {
    Ok(Reply::cacheable(DOCUMENT.clone(), MAX_AGE))
}

/// The document as JSON.
#[must_use]
pub fn document() -> Value {
    let described = schema::operations();
    let shapes = schema::shapes();
    let mut paths = Map::new();
    for operation in OPERATIONS.iter().filter(|operation| operation.is_served()) {
        let Some(about) = described.iter().find(|about| about.name == operation.name) else {
            debug_assert!(false, "{} is not described in wire::schema", operation.name);
            continue;
        };
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            let method = operation.method.as_str().to_ascii_lowercase();
            path.insert(method, entry(operation, about, &shapes));
        }
    }
    let tags: Vec<Value> = schema::tags().into_iter().map(|tag| json!({ "name": tag })).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ectype",
            "summary": "IBM Cloud VPC's image from volume, on a machine of your own.",
            "description": format!(
                "All that a region serves, in version {NEWEST_VERSION} of the VPC API. Operations \
                 of IBM's API that are not here are answered with 501 `not_implemented`."
            ),
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This region."}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": shapes.all(),
            "parameters": {"version": version(), "generation": generation()},
            "securitySchemes": {
                "bearer": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "An access token of `POST /identity/token`.",
                },
            },
        },
    })
}

fn version() -> Value {
    json!({
        "name": "version", "in": "query", "required": true,
        "description": "The version of the API that is spoken. Any date from 2019-01-01 to today \
                        is served; this document is that of the newest version.",
        "schema": {"type": "string", "format": "date", "const": NEWEST_VERSION},
    })
}

fn generation() -> Value {
    json!({
        "name": "generation", "in": "query", "required": true,
        "schema": {"type": "integer", "const": 2},
    })
}

fn entry(operation: &Operation, about: &Described, shapes: &Shapes) -> Value {
    let mut entry = json!({
        "operationId": operation.name,
        "summary": summary(operation.name),
        "tags": [about.tag],
        "parameters": parameters(operation, about),
        "responses": responses(operation, about),
        "security": [],
    });
    let mut say = |key: &str, value: Value| entry[key] = value;
    let mut text = about.about.to_owned();
    if operation.is_operators() {
        text.push_str(" For the operator: through `operator.sock` in the data directory alone.");
        say("x-ectype-operator", json!(true));
    } else if matches!(operation.served, Served::By(..)) {
        say("security", json!([{"bearer": []}]));
    }
    if !text.is_empty() {
        say("description", json!(text.trim()));
    }
    if let Some((media, schema, required)) = &about.body {
        say("requestBody", body(*media, schema, *required, shapes));
    }
    entry
}

/// `create_image` as "Create image".
fn summary(name: &str) -> String {
    let words = name.trim_start_matches("ectype_").replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn body(media: Media, schema: &Value, required: bool, shapes: &Shapes) -> Value {
    let content = json!({"schema": schema, "example": sample::example(shapes, schema)});
    json!({"required": required, "content": {media.as_str(): content}})
}

fn parameters(operation: &Operation, about: &Described) -> Vec<Value> {
    let mut all = Vec::new();
    for part in operation.path.split('/') {
        let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            continue;
        };
        let schema = json!({"type": "string", "minLength": 1, "maxLength": 128});
        all.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
    }
    if matches!(operation.served, Served::By(Family::Vpc, _)) {
        for name in ["version", "generation"] {
            all.push(json!({"$ref": format!("#/components/parameters/{name}")}));
        }
    }
    for parameter in &about.query {
        let mut one = json!({
            "name": parameter.name, "in": "query", "required": parameter.required,
            "schema": parameter.schema,
        });
        if parameter.schema["type"] == "array" {
            one["style"] = json!("form");
            one["explode"] = json!(false);
        }
        all.push(one);
    }
    if about.if_match {
        all.push(json!({
            "name": "If-Match", "in": "header", "required": false,
            "description": "The ETag that was read: the change is made only if it still holds.",
            "schema": {"type": "string"},
        }));
    }
    all
}

fn responses(operation: &Operation, about: &Described) -> Value {
    let mut all = Map::new();
    for (status, schema) in &about.answers {
        let mut answer = json!({"description": if schema.is_some() { "Done." } else { "Done, with nothing to say." }});
        if let Some(schema) = schema {
            answer["content"] = json!({about.media.as_str(): {"schema": schema}});
        }
        if about.etag {
            answer["headers"] = json!({"ETag": {"schema": {"type": "string"}}});
        }
        all.insert(status.to_string(), answer);
    }
    let component = if operation.path.contains("/token") {
        IAM_COMPONENT
    } else {
        error_component(Dialect::of_path(operation.path))
    };
    let mut refuse = |status: &str, what: &str| {
        let schema = json!({"$ref": format!("#/components/schemas/{component}")});
        let answer =
            json!({"description": what, "content": {"application/json": {"schema": schema}}});
        all.entry(status.to_owned()).or_insert(answer);
    };
    for status in statuses(operation, about) {
        refuse(&status.to_string(), reason(status));
    }
    refuse("default", "Any other refusal or failure.");
    Value::Object(all)
}

fn statuses(operation: &Operation, about: &Described) -> Vec<u16> {
    let mut all = about.refusals.clone();
    match operation.served {
        Served::By(Family::Vpc, _) => all.extend([400, 401, 403, 429, 500, 503]),
        Served::By(Family::Platform | Family::Extension, _) => {
            all.extend([400, 401, 403, 429, 500, 503]);
        }
        Served::ByOperator(_) => all.push(403),
        Served::Open(_) | Served::Upgraded(_) | Served::NotYet => {}
    }
    if operation.path.contains('{') {
        all.push(404);
    }
    all.sort_unstable();
    all.dedup();
    all
}

const fn reason(status: u16) -> &'static str {
    match status {
        400 => "The request is wrong.",
        401 => "The token is missing or not good.",
        403 => "The caller may not.",
        404 => "It is not there, or not visible to the caller.",
        409 => "Its state forbids it.",
        412 => "It was changed since it was read.",
        413 => "The body is too large.",
        428 => "`If-Match` is needed.",
        429 => "Too many requests: where a fault asks for it.",
        503 => "Something that the region needs is away.",
        _ => "A fault of the region's.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_served_is_described_and_every_one_described_is_served() {
        let served: BTreeSet<_> =
            OPERATIONS.iter().filter(|o| o.is_served()).map(|o| o.name).collect();
        let all = schema::operations();
        let described: BTreeSet<_> = all.iter().map(|about| about.name).collect();
        let missing: Vec<_> = served.difference(&described).collect();
        let idle: Vec<_> = described.difference(&served).collect();
        assert!(
            missing.is_empty(),
            "served and not described: {missing:?}. Add each to operations() of its family in \
             crates/wire/src/schema, with the shapes of its body and answer"
        );
        assert!(
            idle.is_empty(),
            "described and not served: {idle:?}. Take it out of crates/wire/src/schema, or \
             serve it in operations.rs"
        );
        assert_eq!(all.len(), described.len(), "an operation is described twice");
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere_and_every_shape_is_used() {
        let document = document();
        let mut used = BTreeSet::new();
        references(&document, &mut used);
        let have: BTreeSet<_> = document["components"]["schemas"]
            .as_object()
            .unwrap()
            .keys()
            .map(|name| format!("#/components/schemas/{name}"))
            .collect();
        let used: BTreeSet<_> =
            used.into_iter().filter(|name| name.contains("/schemas/")).collect();
        assert_eq!(used.difference(&have).collect::<Vec<_>>(), Vec::<&String>::new(), "missing");
        assert_eq!(have.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "unused");
    }

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    match value {
                        Value::String(to) if name == "$ref" => {
                            found.insert(to.clone());
                        }
                        value => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn a_document_says_who_may_call_what_with_which_parameters() {
        let document = document();
        let image = &document["paths"]["/v1/images/{id}"]["patch"];
        assert_eq!(image["operationId"], "update_image");
        assert_eq!(image["summary"], "Update image");
        assert_eq!(image["security"], json!([{"bearer": []}]));
        let names: Vec<_> = image["parameters"].as_array().unwrap().iter().collect();
        assert_eq!(names[0]["name"], "id");
        assert_eq!(names[1]["$ref"], "#/components/parameters/version");
        assert_eq!(document["paths"]["/_ectype/v1/clock"]["get"]["x-ectype-operator"], true);
        assert_eq!(document["paths"]["/identity/token"]["post"]["security"], json!([]));
    }
}
