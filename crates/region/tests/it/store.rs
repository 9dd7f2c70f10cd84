//! `ectype store` as a program: with a server, without one, on a damaged store, and after the
//! loss of the database.

use std::path::PathBuf;

use serde_json::Value;

use crate::{
    api::{Api, Vm, until},
    fake::{refused, serve},
    files::contains,
    process::Home,
};

fn json(home: &Home, words: &[&str]) -> Value {
    let said = home.said(&[&["store"], words, &["--json"]].concat());
    serde_json::from_str(&said).unwrap()
}

/// The region's packs, by path.
fn packs(home: &Home) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for kind in ["data", "node"] {
        let Ok(operations) = std::fs::read_dir(home.data().join("store/packs").join(kind)) else {
            continue;
        };
        for operation in operations {
            let files = std::fs::read_dir(operation.unwrap().path()).unwrap();
            found.extend(files.map(|file| file.unwrap().path()));
        }
    }
    found.sort();
    found
}

/// A stopped instance and an available image of it. Its job has ended too: while that is open,
/// as after a kill, no collection judges its packs.
fn captured(home: &Home, api: &Api) -> (Vm, String) {
    let vm = api.boot(&api.subnet(), &api.stock(), "");
    api.stop(&vm);
    let image = api.capture(&vm);
    api.wait(&format!("/v1/images/{image}"), "available");
    let settled = |line: &str| line.contains("job settled") && line.contains("kind=image_capture");
    until("the end of the job", || home.log().lines().any(settled).then_some(()));
    (vm, image)
}

/// A region at rest with one private image; its id.
fn with_image(home: &Home) -> String {
    let server = serve(home, &[]);
    let (_, image) = captured(home, &Api::of(home, &server));
    drop(server);
    image
}

/// Invariant 15, from outside: the packs of a deleted image go with the second collection.
#[test]
fn a_deleted_image_is_collected_by_command() {
    let home = Home::new();
    let server = serve(&home, &[]);
    let api = Api::of(&home, &server);
    let (vm, image) = captured(&home, &api);
    let stats = json(&home, &["stats"]);
    assert_eq!((&stats["roots"], &stats["gc_enabled"]), (&2.into(), &true.into()), "{stats}");
    for path in [format!("/v1/instances/{}", vm.id), format!("/v1/images/{image}")] {
        assert!(matches!(api.call("DELETE", &path, &Value::Null).0, 202 | 204), "{path}");
    }
    let gone = |path: &str| {
        until(path, || (api.call("GET", path, &Value::Null).0 == 404).then_some(()));
    };
    gone(&format!("/v1/instances/{}", vm.id));
    gone(&format!("/v1/volumes/{}", vm.volume));
    gone(&format!("/v1/images/{image}"));
    let before = packs(&home);
    let plan = json(&home, &["gc", "--dry-run"]);
    assert!(!plan["condemn"].as_array().unwrap().is_empty(), "{plan}");
    json(&home, &["gc", "--grace-hours", "0"]);
    assert_eq!(packs(&home), before, "the first run only condemns");
    let second = json(&home, &["gc", "--grace-hours", "0"]);
    assert!(second["deleted_packs"].as_u64().unwrap() > 0, "{second}");
    assert!(packs(&home).len() < before.len());
    let verified = json(&home, &["verify"]);
    assert_eq!(verified["damage_total"], 0, "{verified}");
    assert_eq!(json(&home, &["repack", "--below", "100", "--dry-run"])["enabled"], true);
    json(&home, &["repack", "--below", "100"]);
    assert_eq!(json(&home, &["scrub"])["complete"], true);
    assert_eq!(json(&home, &["rebuild-index"])["differing"], serde_json::json!([]));
    let recoverable = json(&home, &["recover"]);
    assert_eq!(recoverable["images"].as_array().unwrap().len(), 1, "{recoverable}");
    assert_eq!(recoverable["images"][0]["state"], "known");
    // For people.
    assert!(home.said(&["store", "stats"]).contains("unreachable bytes"));
    // One process at a time has the directory.
    let refused = home.run(&["store", "stats", "--offline"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(contains(&refused.stderr, b"another server uses"));
}

/// Invariants 16 and 18, from outside: without a server and without keys, damage is named with
/// the images that it hurts, and the command fails.
#[test]
fn damage_is_named_offline_without_any_key() {
    let home = Home::new();
    let image = with_image(&home);
    std::fs::rename(home.data().join("keys"), home.path("keys")).unwrap();
    for command in ["stats", "verify", "scrub", "gc", "repack", "rebuild-index"] {
        json(&home, &[command, "--offline"]);
    }
    let node = packs(&home).into_iter().rfind(|p| p.to_string_lossy().contains("/node/")).unwrap();
    let mut bytes = std::fs::read(&node).unwrap();
    bytes[150] ^= 1;
    std::fs::write(&node, bytes).unwrap();
    let before = packs(&home);
    let verify = home.run(&["store", "verify", "--offline", "--json"]);
    assert_eq!(verify.status.code(), Some(1));
    assert!(contains(&verify.stderr, b"damaged"));
    let report: Value = serde_json::from_slice(&verify.stdout).unwrap();
    let holders = report["hurt"].to_string();
    assert!(holders.contains(&image), "{report}");
    assert!(report["damage"][0]["pack"].as_str().unwrap().contains("node"), "{report}");
    let shown = home.run(&["store", "verify", "--offline"]);
    assert!(contains(&shown.stdout, image.as_bytes()));
    // Invariant 14.
    let gc = home.run(&["store", "gc", "--offline", "--grace-hours", "0"]);
    assert_eq!(gc.status.code(), Some(1));
    assert_eq!(packs(&home), before);
    assert_eq!(home.run(&["store", "scrub", "--offline"]).status.code(), Some(1));
    assert_eq!(home.run(&["store", "gc", "--nonsense"]).status.code(), Some(2));
    assert_eq!(home.run(&["store", "repack", "--below", "101"]).status.code(), Some(2));
}

/// The database is lost: images are listed and come back, and nothing is collected before the
/// operator has said that these are all.
#[test]
fn images_come_back_after_the_database_is_lost() {
    let home = Home::new();
    let image = with_image(&home);
    for file in ["database.sqlite", "database.sqlite-wal", "database.sqlite-shm"] {
        let _ = std::fs::remove_file(home.data().join(file));
    }
    assert!(refused(&home, &[]).contains("database.sqlite is missing"));
    let listed = json(&home, &["recover", "--offline"]);
    assert_eq!(listed["images"].as_array().unwrap().len(), 2, "{listed}");
    assert!(!home.data().join("database.sqlite").exists(), "listing writes nothing");
    let words = ["store", "recover", "--offline", "--adopt", "--json"];
    let nobody = home.run(&words);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(contains(&nobody.stderr, b"--account first"));
    let adopted = json(&home, &["recover", "--offline", "--adopt", "--account", "first"]);
    assert_eq!(adopted["refused"], serde_json::json!([]), "{adopted}");
    assert!(adopted["adopted"].to_string().contains(&image), "{adopted}");
    let gc = home.run(&["store", "gc", "--offline"]);
    assert_eq!(gc.status.code(), Some(1));
    assert!(contains(&gc.stderr, b"--confirm-roots"));

    let server = serve(&home, &[]);
    let api = Api::of(&home, &server);
    assert_eq!(api.get(&format!("/v1/images/{image}"))["status"], "available");
    api.boot(&api.subnet(), &image, "");
    let on = home.said(&["store", "gc", "--confirm-roots"]);
    assert!(on.contains("From now on"), "{on}");
    json(&home, &["gc", "--grace-hours", "0"]);
    json(&home, &["gc", "--grace-hours", "0"]);
    assert_eq!(json(&home, &["verify"])["damage_total"], 0);
}

/// Damage is repaired from a backup: with a server, and offline without any key (invariant 16).
#[test]
fn damage_is_repaired_from_a_backup() {
    for offline in [true, false] {
        let home = Home::new();
        let image = with_image(&home);
        let backup = home.path("backup");
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([home.data().join("store"), backup.clone()])
            .status()
            .unwrap();
        assert!(copied.success());
        for pack in packs(&home) {
            let mut bytes = std::fs::read(&pack).unwrap();
            bytes[150] ^= 1;
            std::fs::write(&pack, bytes).unwrap();
        }
        let server = if offline {
            std::fs::rename(home.data().join("keys"), home.path("keys")).unwrap();
            None
        } else {
            Some(serve(&home, &[]))
        };
        let mode: &[&str] = if offline { &["--offline"] } else { &[] };
        let run = |words: &[&str]| home.run(&[&["store"], words, mode].concat());
        assert_eq!(run(&["verify"]).status.code(), Some(1));
        let lost = run(&["repair", "--json"]);
        assert_eq!(lost.status.code(), Some(1));
        assert!(contains(&lost.stderr, b"--from"));
        assert!(contains(&lost.stdout, image.as_bytes()), "it names whom it hurts");
        let nowhere = run(&["repair", "--from", "/nonexistent"]);
        assert_eq!(nowhere.status.code(), Some(1));
        let from = backup.display().to_string();
        let done = run(&["repair", "--from", &from, "--json"]);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(0), "{said}");
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert!(report["repaired_records"].as_u64().unwrap() > 0, "{report}");
        for _ in 0..2 {
            assert!(run(&["gc", "--grace-hours", "0"]).status.success());
        }
        assert!(run(&["verify"]).status.success());
        drop(server);
        if offline {
            std::fs::rename(home.path("keys"), home.data().join("keys")).unwrap();
        }
        let server = serve(&home, &[]);
        let api = Api::of(&home, &server);
        api.boot(&api.subnet(), &image, "");
    }
}

/// Invariant 21, from outside: a root key is rotated and its old version retired by command; no
/// pack changes, and instances boot on.
#[test]
fn a_root_key_is_rotated_by_command() {
    let home = Home::new();
    let image = with_image(&home);
    let server = serve(&home, &[]);
    let stored = || -> Vec<_> {
        packs(&home).into_iter().map(|pack| (std::fs::read(&pack).unwrap(), pack)).collect()
    };
    let before = stored();
    let keys = |words: &[&str]| -> Value {
        let said = home.said(&[&["keys"], words, &["--json"]].concat());
        serde_json::from_str(&said).unwrap()
    };
    assert_eq!(keys(&["list"])["versions"].as_array().unwrap().len(), 1);
    let rotated = keys(&["rotate"]);
    assert_eq!(rotated["versions"][0]["wraps"], 0, "{rotated}");
    assert!(rotated["versions"][1]["wraps"].as_u64().unwrap() > 0, "{rotated}");
    let young = home.run(&["keys", "retire"]);
    assert_eq!(young.status.code(), Some(1));
    assert!(contains(&young.stderr, b"kept until"));
    let left = keys(&["retire", "--grace-hours", "0"]);
    assert_eq!(left["versions"].as_array().unwrap().len(), 1, "{left}");
    assert!(home.said(&["keys", "list"]).contains("wraps"));
    assert!(stored() == before, "a pack was touched");
    drop(server);
    let server = serve(&home, &[]);
    let api = Api::of(&home, &server);
    api.boot(&api.subnet(), &image, "");
    let nobody = home.run(&["keys", "list", "--account", &"f".repeat(32)]);
    assert_eq!(nobody.status.code(), Some(1));
}
