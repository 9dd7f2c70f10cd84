//! `kp …`: root keys, by Key Protect's own API.

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    Cli, acts,
    failure::{Failure, Outcome},
    grammar::{Input, read_at},
    kinds::{KEY_RING, ROOT_KEY, SERVICE_INSTANCE, Service},
    request::Query,
    resolve::Meant,
};

/// Key Protect's name for what is in a body.
const KEY_TYPE: &str = "application/vnd.ibm.kms.key+json";
/// The part of a CRN that says whose it is.
const CRN_INSTANCE: usize = 7;
/// States of keys that are there.
const LIVING_STATES: &str = "0,1,2,3";

/// Finds the service instance that a command is about.
fn begin(cli: &mut Cli, input: &Input) -> Outcome {
    // A CRN says it itself.
    let crn = input.text("KEY").filter(|text| text.starts_with("crn:"));
    let of_crn = crn.and_then(|crn| crn.split(':').nth(CRN_INSTANCE)).map(str::to_owned);
    let named = input.text("instance-id").map(str::to_owned);
    let named = named.or(of_crn).or_else(|| cli.variable("KP_INSTANCE_ID"));
    let all = || -> Query { Query::new() };
    let guid = match named {
        Some(text) if text.len() == 36 => text,
        named => {
            let found = cli.every(&SERVICE_INSTANCE, None, &all())?;
            let keys = found.iter().filter(|one| {
                one["crn"].as_str().is_some_and(|crn| crn.contains(":kms:"))
                    && named.as_ref().is_none_or(|name| one["name"] == name.as_str())
            });
            let guids: Vec<&str> = keys.filter_map(|one| one["guid"].as_str()).collect();
            match guids.as_slice() {
                [one] => (*one).to_owned(),
                _ => {
                    return Err(Failure::hinted(
                        "It is not clear which Key Protect instance is meant.",
                        format!(
                            "give -i GUID; to see what is there: {} resource service-instances",
                            cli.program
                        ),
                    ));
                }
            }
        }
    };
    cli.key_instance = Some(guid);
    Ok(())
}

fn meant(cli: &mut Cli, input: &Input) -> Outcome<Meant> {
    begin(cli, input)?;
    cli.named(&ROOT_KEY, "KEY", input)
}

fn metadata(of: Value) -> Value {
    json!({
        "metadata": { "collectionType": KEY_TYPE, "collectionTotal": 1 },
        "resources": [of],
    })
}

/// The one key of an answer.
fn show(cli: &mut Cli, answer: &Value) -> Outcome {
    let one = answer.pointer("/resources/0").cloned().unwrap_or(Value::Null);
    if one.is_null() { cli.out.ok() } else { acts::show_one(cli, &ROOT_KEY, &one) }
}

/// Lists keys.
pub(crate) fn keys(cli: &mut Cli, input: &Input) -> Outcome {
    begin(cli, input)?;
    cli.out.talk("Retrieving keys...")?;
    let mut query = vec![("state".to_owned(), LIVING_STATES.to_owned())];
    query.extend(input.text("key-ring").map(|ring| ("keyRing".to_owned(), ring.to_owned())));
    let all = cli.every(&ROOT_KEY, None, &query)?;
    acts::show_all(cli, &ROOT_KEY, all)
}

/// Lists key rings.
pub(crate) fn key_rings(cli: &mut Cli, input: &Input) -> Outcome {
    begin(cli, input)?;
    let all = cli.every(&KEY_RING, None, &Query::new())?;
    acts::show_all(cli, &KEY_RING, all)
}

/// Makes a key.
pub(crate) fn key_create(cli: &mut Cli, input: &Input) -> Outcome {
    begin(cli, input)?;
    let mut key = json!({
        "type": KEY_TYPE,
        "name": input.text("NAME"),
        "extractable": input.on("standard-key"),
    });
    if let Some(text) = input.text("description") {
        key["description"] = json!(text);
    }
    if let Some(text) = input.text("key-material") {
        key["payload"] = json!(read_at(text)?.trim());
    }
    if let Some(ring) = input.text("key-ring") {
        key["keyRingID"] = json!(ring);
    }
    cli.out.talk(&format!("Creating key {}...", input.text("NAME").unwrap_or_default()))?;
    let body = metadata(key);
    let made = cli.call(Service::Keys, Method::POST, ROOT_KEY.path, &Query::new(), Some(&body))?;
    show(cli, &made)
}

/// Shows a key, without its bytes.
pub(crate) fn key_show(cli: &mut Cli, input: &Input) -> Outcome {
    let meant = meant(cli, input)?;
    let path = format!("{}/metadata", ROOT_KEY.one_of(None, &meant.id));
    let one = cli.call(Service::Keys, Method::GET, &path, &Query::new(), None)?;
    show(cli, &one)
}

fn act(cli: &mut Cli, input: &Input, path: &str, body: Option<&Value>) -> Outcome {
    let meant = meant(cli, input)?;
    cli.out.talk(&format!("{}...", input.command.summary.trim_end_matches('.')))?;
    let path = format!("{}/{path}", ROOT_KEY.one_of(None, &meant.id));
    let answer = cli.call(Service::Keys, Method::POST, &path, &Query::new(), body)?;
    show(cli, &answer)
}

/// Gives a root key a new version.
pub(crate) fn key_rotate(cli: &mut Cli, input: &Input) -> Outcome {
    let body = match input.text("key-material") {
        Some(text) => Some(json!({ "payload": read_at(text)?.trim() })),
        None => None,
    };
    act(cli, input, "actions/rotate", body.as_ref())
}

/// Suspends a root key.
pub(crate) fn key_disable(cli: &mut Cli, input: &Input) -> Outcome {
    act(cli, input, "actions/disable", None)
}

/// Uses a suspended root key again.
pub(crate) fn key_enable(cli: &mut Cli, input: &Input) -> Outcome {
    act(cli, input, "actions/enable", None)
}

/// Restores a deleted key.
pub(crate) fn key_restore(cli: &mut Cli, input: &Input) -> Outcome {
    act(cli, input, "restore", None)
}

/// Deletes a key.
pub(crate) fn key_delete(cli: &mut Cli, input: &Input) -> Outcome {
    let meant = meant(cli, input)?;
    let question = format!(
        "This deletes the key {}: what it encrypts cannot be read any more. Continue",
        meant.name
    );
    let force = input.on("force");
    if !force && !cli.out.confirm(&question)? {
        return Ok(());
    }
    let query = if force { vec![("force".to_owned(), "true".to_owned())] } else { Query::new() };
    let path = ROOT_KEY.one_of(None, &meant.id);
    cli.call(Service::Keys, Method::DELETE, &path, &query, None)?;
    cli.out.ok()
}
