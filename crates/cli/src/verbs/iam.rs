//! `iam …` where more is to do than one call.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt};

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    Cli, acts,
    failure::{Failure, Outcome},
    grammar::Input,
    kinds::{API_KEY, Kind, SERVICE_ID, USER},
    request::{self, Query},
};

/// The token of the session: a secret, shown because it is asked for.
pub(crate) fn oauth_tokens(cli: &mut Cli, _: &Input) -> Outcome {
    let token = cli.token(false)?;
    if cli.out.json() {
        return cli.out.print_json(&json!({ "iam_token": format!("Bearer {token}") }));
    }
    cli.out.say(&format!("IAM token:  Bearer {token}"))
}

/// Makes an API key of the user.
pub(crate) fn api_key_create(cli: &mut Cli, input: &Input) -> Outcome {
    let (account, iam_id) = cli.who();
    key_create(cli, input, &account, &iam_id)
}

/// Makes an API key of a service ID.
pub(crate) fn service_api_key_create(cli: &mut Cli, input: &Input) -> Outcome {
    let meant = cli.named(&SERVICE_ID, "SERVICE_ID", input)?;
    let one = cli.one(&SERVICE_ID, None, &meant.id)?;
    let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
    key_create(cli, input, &text("account_id"), &text("iam_id"))
}

fn key_create(cli: &mut Cli, input: &Input, account: &str, iam_id: &str) -> Outcome {
    let mut body = cli.body(input)?;
    request::set(&mut body, "/account_id", json!(account));
    request::set(&mut body, "/iam_id", json!(iam_id));
    let name = input.text("NAME").unwrap_or_default().to_owned();
    let who = acts::by_whom(cli);
    cli.out.talk(&format!("Creating API key {name} {who}..."))?;
    // The file is made first: a key whose text is lost is of no use.
    let file = input.text("file").map(new_file).transpose()?;
    let mut made =
        cli.call(API_KEY.service, Method::POST, API_KEY.path, &Query::new(), Some(&body))?;
    if input.on("lock") {
        lock(cli, &API_KEY, &mut made)?;
    }
    let Some((mut file, path)) = file else {
        if cli.out.json() {
            return cli.out.print_json(&made);
        }
        cli.out.ok()?;
        cli.out.talk("Please preserve the API key: it cannot be shown again.")?;
        return acts::show_one(cli, &API_KEY, &made);
    };
    let text = serde_json::to_string_pretty(&made).unwrap_or_default();
    let cannot = |error| Failure::plain(format!("cannot write {path}: {error}"));
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)?;
    cli.out.ok()?;
    let mut shown: Value = made;
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("apikey");
    }
    cli.out.talk(&format!("The API key is in {path}."))?;
    acts::show_one(cli, &API_KEY, &shown)
}

/// Keeps what was made from being deleted.
fn lock(cli: &mut Cli, kind: &Kind, made: &mut Value) -> Outcome {
    let id = made["id"].as_str().unwrap_or_default();
    let path = format!("{}/lock", kind.one_of(None, id));
    cli.call(kind.service, Method::POST, &path, &Query::new(), None)?;
    made["locked"] = json!(true);
    Ok(())
}

/// A file that only the user may read, and that was not there.
fn new_file(path: &str) -> Outcome<(std::fs::File, String)> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map(|file| (file, path.to_owned())).map_err(|error| {
        Failure::hinted(format!("cannot make the file {path}: {error}"), "choose a new file")
    })
}

/// Makes a service ID.
pub(crate) fn service_id_create(cli: &mut Cli, input: &Input) -> Outcome {
    let mut body = cli.body(input)?;
    let (account, _) = cli.who();
    request::set(&mut body, "/account_id", json!(account));
    let mut made =
        cli.call(SERVICE_ID.service, Method::POST, SERVICE_ID.path, &Query::new(), Some(&body))?;
    if input.on("lock") {
        lock(cli, &SERVICE_ID, &mut made)?;
    }
    acts::show_one(cli, &SERVICE_ID, &made)
}

/// Users of the account.
pub(crate) fn users(cli: &mut Cli, _: &Input) -> Outcome {
    let (account, _) = cli.who();
    let all = cli.every(&USER, Some(&account), &Query::new())?;
    acts::show_all(cli, &USER, all)
}
