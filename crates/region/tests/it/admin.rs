//! `ectype admin`: accounts, users, lost keys and sign-out.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::{
    api::{Api, http},
    fake::serve,
    process::{Home, Server},
};

fn json(home: &Home, words: &[&str]) -> Value {
    serde_json::from_str(&home.said(words)).unwrap()
}

/// Runs a command that gives credentials; what is in its file, which is its owner's alone.
fn given(home: &Home, words: &[&str]) -> Value {
    let file = home.path("credentials");
    let said = home.said(&[words, &["--out", file.to_str().unwrap()]].concat());
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let made: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(!said.contains(made["api_key"].as_str().unwrap()), "{said}");
    made
}

/// Status of a sign-in by that API key.
fn sign_in(server: &Server, key: &str) -> u16 {
    let form = format!("grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey={key}");
    let head = "POST /identity/token HTTP/1.1\r\ncontent-type: \
                application/x-www-form-urlencoded";
    http(server.url().trim_start_matches("http://"), head, &form).0
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn an_operator_makes_accounts_and_users_and_resets_what_they_lost() {
    let home = Home::new();
    let server = serve(&home, &[]);
    let words = ["admin", "accounts", "create", "second", "--email", "jo@example.com"];
    let second = given(&home, &words);
    let account = text(&second["account_id"]).to_owned();
    assert_eq!(sign_in(&server, text(&second["api_key"])), 200);
    let accounts = json(&home, &["admin", "accounts", "list", "--json"]);
    assert_eq!(accounts.as_array().unwrap().len(), 2);
    // A pipe gets no key, and nothing was made for it.
    let piped = home.run(&["admin", "accounts", "create", "third"]);
    assert!(!piped.status.success());
    assert!(String::from_utf8_lossy(&piped.stderr).contains("--out"));
    assert_eq!(json(&home, &["admin", "accounts", "list", "--json"]).as_array().unwrap().len(), 2);

    let add = ["admin", "users", "add", "jane@example.com", "--account", &account];
    let jane = given(&home, &add);
    assert_eq!(sign_in(&server, text(&jane["api_key"])), 200);
    let taken = home.run(&[&add[..], &["--out", home.path("x").to_str().unwrap()]].concat());
    assert!(!taken.status.success());
    let list = ["admin", "users", "list", "--json", "--account", &account];
    let users = json(&home, &list);
    assert_eq!(users[0]["email"], "jo@example.com");
    assert_eq!(users[1]["iam_id"], jane["iam_id"]);

    let reset = ["admin", "reset-key", "--account", &account, "--user", text(&jane["iam_id"])];
    let anew = given(&home, &reset);
    assert_eq!(sign_in(&server, text(&jane["api_key"])), 400);
    assert_eq!(sign_in(&server, text(&anew["api_key"])), 200);
    home.said(&["admin", "users", "remove", text(&jane["iam_id"]), "--account", &account]);
    assert_eq!(sign_in(&server, text(&anew["api_key"])), 400);
    let owner =
        home.run(&["admin", "users", "remove", text(&second["iam_id"]), "--account", &account]);
    assert!(String::from_utf8_lossy(&owner.stderr).contains("owner"));

    // The first owner's new key is the one that `ectype env` tells.
    let api = Api::of(&home, &server);
    home.said(&["admin", "sign-out"]);
    assert_eq!(api.call("GET", "/v1/images", &Value::Null).0, 401);
    let first = given(&home, &["admin", "reset-key"]);
    assert_eq!(json(&home, &["env", "--json"])["IBMCLOUD_API_KEY"], first["api_key"]);
    let api = Api::of(&home, &server);
    let kid = home.said(&["admin", "rotate-token-key"]);
    assert!(kid.trim().len() >= 32, "{kid}");
    assert_eq!(api.call("GET", "/v1/images", &Value::Null).0, 200, "its token lives on");
    for wrong in [
        &["admin", "users", "add", "nobody", "--out", "/nowhere/x"][..],
        &["admin", "users", "remove", "IBMid-none"],
        &["admin", "sign-out", "--account", "none"],
    ] {
        assert!(!home.run(wrong).status.success(), "{wrong:?}");
    }
    server.terminate();
}
