//! `ectype clock`, `fault` and `catalog` as programs: region time, failures, stock images.

use serde_json::{Value, json};

use crate::{
    api::Api,
    fake::{refused, serve},
    process::Home,
};

fn json_of(home: &Home, words: &[&str]) -> Value {
    serde_json::from_str(&home.said(&[words, &["--json"]].concat())).unwrap()
}

/// B9, S22: a schedule of thirty days fires at once, also with the obsolescence after it; tokens
/// do not age; a restart keeps the time, and a start without the flag is refused.
#[test]
fn a_schedule_of_thirty_days_fires_now() {
    let home = Home::new();
    let server = serve(&home, &["--virtual-clock"]);
    let api = Api::of(&home, &server);
    let vm = api.boot(&api.subnet(), &api.stock(), "");
    api.stop(&vm);
    let image = format!("/v1/images/{}", api.capture(&vm));
    api.wait(&image, "available");
    let seen = json_of(&home, &["clock", "freeze"]);
    assert_eq!((&seen["virtual"], &seen["frozen"]), (&json!(true), &json!(true)));
    let now = base::Timestamp::parse(seen["region_time"].as_str().unwrap()).unwrap();
    let day = |n: u64| now.plus(std::time::Duration::from_secs(n * 86_400)).to_string();
    let dates = json!({"deprecation_at": day(30), "obsolescence_at": day(60)});
    let (status, _) = api.call("PATCH", &image, &dates);
    assert_eq!(status, 200);
    let none = home.run(&["clock", "advance", "29d"]);
    assert!(none.status.success());
    assert_eq!(api.get(&image)["status"], "available");
    let seen = json_of(&home, &["clock", "next"]);
    assert_eq!(seen["region_time"], day(30));
    assert_eq!(seen["next_due_at"], day(60));
    assert_eq!(api.get(&image)["status"], "deprecated", "it moved before the command ended");
    home.said(&["clock", "resume"]);
    home.said(&["clock", "advance", "31d"]);
    assert_eq!(api.get(&image)["status"], "obsolete");
    let nothing = home.run(&["clock", "next"]);
    assert!(!nothing.status.success());
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("Nothing is due"));
    let moved = json_of(&home, &["clock", "show"])["region_time"].as_str().unwrap().to_owned();
    drop(server);

    assert!(refused(&home, &[]).contains("--virtual-clock"));
    let _server = serve(&home, &["--virtual-clock"]);
    let later = json_of(&home, &["clock", "show"])["region_time"].as_str().unwrap().to_owned();
    assert!(later >= moved, "{later} is before {moved}");
}

/// A region that follows the machine's time says how to get one that does not.
#[test]
fn faults_are_planned_listed_and_taken_back() {
    let home = Home::new();
    let server = serve(&home, &[]);
    let api = Api::of(&home, &server);
    let frozen = home.run(&["clock", "freeze"]);
    assert!(String::from_utf8_lossy(&frozen.stderr).contains("--virtual-clock"));
    let stock = api.stock();
    let call = home.said(&["fault", "call", "list_images", "--status", "503", "--count", "2"]);
    assert_eq!(api.call("GET", "/v1/images", &Value::Null).0, 503);
    home.said(&["fault", "revoke", call.trim()]);
    assert_eq!(api.call("GET", "/v1/images", &Value::Null).0, 200);
    let words = ["fault", "image", &stock, "unusable", "--reason", "encryption_key_disabled"];
    assert_eq!(home.said(&words).trim(), stock);
    let seen = api.get(&format!("/v1/images/{stock}"));
    assert_eq!(seen["status_reasons"][0]["code"], "encryption_key_disabled");
    let listed = json_of(&home, &["fault", "list"]);
    assert_eq!(listed["faults"][0]["status_before"], "available");
    home.said(&["fault", "revoke"]);
    assert_eq!(api.get(&format!("/v1/images/{stock}"))["status"], "available");
    let unknown = home.run(&["fault", "call", "no_such_operation", "--status", "500"]);
    assert!(!unknown.status.success());
}

/// S25: the operator's stock images: a newer one deprecates the older, and a system is retired.
#[test]
fn stock_images_are_added_listed_and_retired() {
    let home = Home::new();
    let server = serve(&home, &[]);
    let api = Api::of(&home, &server);
    let file = home.path("disk.raw");
    std::fs::write(&file, b"a disk").unwrap();
    let file = file.to_str().unwrap();
    let add = |name: &str, system: &str| {
        home.said(&["catalog", "add", file, "--name", name, "--operating-system", system])
    };
    let first = add("trixie-1", "debian-13-amd64");
    let second = add("trixie-2", "debian-13-amd64");
    let status = |id: &str| api.get(&format!("/v1/images/{}", id.trim()))["status"].clone();
    assert_eq!((status(&first), status(&second)), (json!("deprecated"), json!("available")));
    let dated = api.get(&format!("/v1/images/{}", second.trim()));
    assert_eq!(dated["deprecation_at"], "2030-06-30T00:00:00Z");
    let taken = home.run(&[
        "catalog",
        "add",
        file,
        "--name",
        "trixie-2",
        "--operating-system",
        "debian-13-amd64",
    ]);
    assert!(String::from_utf8_lossy(&taken.stderr).contains("is taken"));
    // Its support has ended: it is never available.
    let ended = add("debian-11", "debian-11-amd64");
    assert_ne!(status(&ended), "available");
    let listed = json_of(&home, &["catalog", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 4);
    let retired = home.said(&["catalog", "retire", "--operating-system", "debian-13-amd64"]);
    assert_eq!(retired.trim(), "trixie-2");
    assert_eq!(status(&second), "deprecated");
    let retired = home.said(&["catalog", "retire", "trixie-1", "--obsolete"]);
    assert_eq!(retired.trim(), "trixie-1");
    assert_eq!(status(&first), "obsolete");
    let unknown = home.run(&["catalog", "retire", "no-such-image"]);
    assert!(!unknown.status.success());
}
