//! Data directories with something missing or damaged: each start is refused with a sentence that
//! names it, and changes nothing.

use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{
    api::Api,
    fake::{refusal, refused, serve},
    files::files,
    process::Home,
};

/// Longest file that is compared byte by byte; others are write layers, nearly all holes.
const BYTES_MAX: u64 = 64 << 20;

/// Every file with its bytes, but for the lock.
fn content(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let kept = files(data).into_iter().filter(|path| !path.ends_with("data/lock"));
    kept.map(|path| {
        let meta = std::fs::metadata(&path).unwrap();
        let bytes = if meta.len() > BYTES_MAX {
            format!("{} {} {:?}", meta.len(), meta.blocks(), meta.modified()).into_bytes()
        } else {
            std::fs::read(&path).unwrap()
        };
        (path, bytes)
    })
    .collect()
}

/// A region that has an image, and does not run.
fn region() -> Home {
    let home = Home::new();
    let server = serve(&home, &[]);
    let api = Api::of(&home, &server);
    let vm = api.boot(&api.subnet(), &api.stock(), "");
    api.stop(&vm);
    api.wait(&format!("/v1/images/{}", api.capture(&vm)), "available");
    server.terminate();
    home
}

/// The start of `home` after `harm` says all of `words`, and changes nothing.
fn refused_after(home: &Home, harm: impl FnOnce(&Path), words: &[&str]) {
    harm(&home.data());
    let before = content(&home.data());
    let said = refused(home, &[]);
    for word in words {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
    let after = content(&home.data());
    let names = |of: &BTreeMap<PathBuf, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    assert!(before == after, "a file was changed: {said}");
}

fn copy_of(home: &Home) -> Home {
    let copy = Home::new();
    let status = std::process::Command::new("cp")
        .args(["-a", "--sparse=always"])
        .args([home.data(), copy.data()])
        .status();
    assert!(status.unwrap().success());
    copy
}

#[test]
fn every_damage_is_refused_by_name_and_nothing_is_changed() {
    let home = region();
    let write = |name: &'static str, bytes: &'static [u8]| {
        move |data: &Path| std::fs::write(data.join(name), bytes).unwrap()
    };
    let remove = |name: &'static str| {
        move |data: &Path| {
            let path = data.join(name);
            if path.is_dir() {
                std::fs::remove_dir_all(path).unwrap();
            } else {
                std::fs::remove_file(path).unwrap();
            }
        }
    };
    let cut = |name: &'static str, length: u64| {
        move |data: &Path| {
            let file = std::fs::File::options().write(true).open(data.join(name)).unwrap();
            file.set_len(length).unwrap();
        }
    };
    let database = ["open the database", "the database cannot be read"];
    let garbage = write("database.sqlite", &[0xa5; 8192]);
    refused_after(&copy_of(&home), garbage, &database);
    refused_after(&copy_of(&home), cut("database.sqlite", 4096), &database);
    let lost = ["database.sqlite is missing or empty", "Nothing was changed"];
    refused_after(&copy_of(&home), cut("database.sqlite", 0), &lost);
    refused_after(&copy_of(&home), remove("database.sqlite"), &lost);

    let key = ["keys/master.key is missing", "no volume and no image can be read"];
    refused_after(&copy_of(&home), remove("keys"), &key);
    refused_after(&copy_of(&home), remove("keys/master.key"), &key);
    refused_after(&copy_of(&home), cut("keys/master.key", 20), &["open the keys", "master.key"]);

    refused_after(&copy_of(&home), remove("store"), &["store/store is missing"]);
    refused_after(&copy_of(&home), cut("store/store", 10), &["chunk store", "layout"]);
    refused_after(&copy_of(&home), write("store/store", &[7; 64]), &["chunk store", "layout"]);

    refused_after(&copy_of(&home), write("credentials.json", b"{"), &["credentials.json"]);

    // What all were copied from starts.
    let whole = copy_of(&home);
    serve(&whole, &[]).terminate();
}

#[test]
fn another_master_key_opens_nothing_of_a_region() {
    let (home, other) = (region(), region());
    let key = |home: &Home| home.data().join("keys/master.key");
    refused_after(
        &home,
        |_| assert!(std::fs::copy(key(&other), key(&home)).is_ok()),
        &["open the region"],
    );
}

#[test]
fn a_region_without_its_credentials_file_serves_and_says_what_is_missing() {
    let home = Home::new();
    serve(&home, &[]).terminate();
    let credentials = home.data().join("credentials.json");
    std::fs::write(&credentials, "not json").unwrap();
    let server_refused = refused(&home, &[]);
    assert!(server_refused.contains("move it away"), "{server_refused}");
    std::fs::remove_file(&credentials).unwrap();
    let server = serve(&home, &[]);
    assert!(home.log().contains("credentials.json is missing"), "{}", home.log());
    let said = refusal(&mut home.command(&["env"]));
    assert!(said.contains("read credentials"), "{said}");
    assert!(home.said(&["account", "create", "second"]).contains("api_key"));
    assert!(!credentials.exists());
    server.terminate();
}
