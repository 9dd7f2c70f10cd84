//! Every request and every answer of these tests is held to the OpenAPI document.
//!
//! An answer must be of a status and a shape that the document gives its operation, with every
//! field listed; a request that went well must have had a body that the document allows. So what
//! the region says and what the document says cannot drift apart where any test looks.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::{Map, Value};
use wire::{
    NEWEST_VERSION,
    schema::{Shapes, check, shapes},
};

struct Contract {
    document: Value,
    shapes: Shapes,
}

static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract { document: ectype_server::openapi::document(), shapes: shapes() });

/// What was asked.
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub body: Vec<u8>,
}

/// Fails unless question and answer are as the document says.
pub fn hold(asked: &Asked, status: u16, content_type: &str, body: &Value) {
    let contract = &*CONTRACT;
    let Some(operation) = contract.operation(asked) else { return };
    let older = operation["parameters"].as_array().is_some_and(|p| {
        p.iter().any(|p| p["$ref"] == "#/components/parameters/version")
            && !asked.query.contains(&format!("version={NEWEST_VERSION}"))
    });
    if older {
        return;
    }
    let name = operation["operationId"].as_str().unwrap();
    let responses = operation["responses"].as_object().unwrap();
    let answer = responses
        .get(&status.to_string())
        .or_else(|| (status >= 400).then(|| &responses["default"]));
    let answer = answer.unwrap_or_else(|| {
        panic!("{name} answered {status}: add the status to its family in wire/src/schema")
    });
    // A HEAD is answered without a body, whatever there would be to say.
    let body_less = asked.method == Method::HEAD;
    let content = answer["content"].as_object().filter(|_| !body_less);
    if let Some((media, content)) = content.and_then(|c| c.iter().next()) {
        assert!(content_type.starts_with(media.as_str()), "{name}: {content_type}, not {media}");
        let text = Value::String(String::new());
        let wrong = check::violations(
            &contract.shapes,
            &content["schema"],
            if media == "text/plain" { &text } else { body },
            check::Extra::Refused,
        );
        let shape = content["schema"]["$ref"].as_str().unwrap_or("its schema");
        assert!(
            wrong.is_empty(),
            "{name} answered {status} otherwise than {shape} in crates/wire/src/schema says; \
             mend the one or the other:\n  {}\n{body}",
            wrong.join("\n  ")
        );
    }
    if (200..300).contains(&status) {
        contract.hold_request(name, operation, asked);
    }
}

impl Contract {
    /// The operation of the document.
    fn operation(&self, asked: &Asked) -> Option<&Value> {
        let paths = self.document["paths"].as_object()?;
        let method = asked.method.as_str().to_ascii_lowercase();
        // A path in words goes before one with a parameter.
        let mut fitting: Vec<_> = paths.iter().filter(|(p, _)| fits(p, &asked.path)).collect();
        fitting.sort_by_key(|(path, _)| path.matches('{').count());
        fitting.first()?.1.get(&method)
    }

    fn hold_request(&self, name: &str, operation: &Value, asked: &Asked) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() || asked.body.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        // A null counts as absent where it does not clear what was there.
        let wrong = check::violations(&self.shapes, schema, &body, check::Extra::Borne);
        if check::fits(&self.shapes, schema, &without_nulls(body.clone())) {
            return;
        }
        assert!(
            wrong.is_empty(),
            "{name} took a body that {} in crates/wire/src/schema forbids:\n  {}\n{body}",
            schema["$ref"],
            wrong.join("\n  ")
        );
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, v)| !v.is_null());
            Value::Object(kept.map(|(k, v)| (k, without_nulls(v))).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut have, mut want) = (path.split('/'), template.split('/'));
    loop {
        match (want.next(), have.next()) {
            (None, None) => return true,
            (Some(want), Some(have)) if want == have || want.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// The document is served to everyone, may be kept, and is the one that the code makes.
#[tokio::test]
async fn the_document_is_served_to_everyone() {
    let region = crate::region::Region::new().await;
    let seen = region.stranger().fetch("/_ectype/v1/openapi.json").await;
    assert_eq!(seen.header("cache-control"), "public, max-age=3600");
    assert_eq!(seen.header("content-type"), "application/json; charset=utf-8");
    let document = seen.ok();
    assert_eq!(document, CONTRACT.document);
    assert_eq!(document["openapi"], "3.1.0");
}
