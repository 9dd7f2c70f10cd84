//! Disk files of QEMU's tools go in and come out by `ectype disk`, of a running region.

use std::{
    os::unix::fs::{FileExt, PermissionsExt},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    api::{Api, until},
    fake::{refusal, serve},
    process::{Home, Server},
};

const OS: &str = "debian-12-amd64";

/// A qcow2 file of 11 GB with data at its begin, in it and at its end; none without QEMU's tools.
fn qcow2(home: &Home) -> Option<()> {
    if Command::new("qemu-img").arg("--version").output().is_err() {
        eprintln!("SKIPPED: qemu-img is not installed (Debian: qemu-utils)");
        return None;
    }
    let raw = std::fs::File::create(home.path("disk.raw")).unwrap();
    raw.set_len(11 << 30).unwrap();
    let text = b"a line that compresses well\n".repeat(40_000);
    for at in [0, 5 << 30, (11 << 30) - text.len() as u64] {
        raw.write_all_at(&text, at).unwrap();
    }
    img(home, "convert -f raw -O qcow2 -c -o compression_type=zstd disk.raw disk.qcow2");
    Some(())
}

fn img(home: &Home, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let output = Command::new("qemu-img").args(&words).current_dir(home.path("")).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&said));
}

/// A command in the home's folder, where its files are.
fn command(home: &Home, line: &str) -> Command {
    let mut command = home.command(&line.split(' ').collect::<Vec<_>>());
    command.current_dir(home.path(""));
    command
}

fn json(home: &Home, line: &str) -> Value {
    let output = command(home, line).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn region() -> (Home, Server) {
    let home = Home::new();
    let server = serve(&home, &[]);
    (home, server)
}

#[test]
fn a_disk_file_becomes_an_image_boots_and_comes_out_the_same() {
    let (home, server) = region();
    let Some(()) = qcow2(&home) else { return };
    let import = format!("disk import disk.qcow2 --name mine --operating-system {OS} --json");
    let made = json(&home, &import);
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["name"], &made["capacity_gb"]), (&Value::from("mine"), &Value::from(11)));

    let api = Api::of(&home, &server);
    let image = api.get(&format!("/v1/images/{id}"));
    assert_eq!(image["status"], "available");
    assert_eq!(image["visibility"], "private");
    assert_eq!(image["operating_system"]["name"], OS);
    assert_eq!(image["minimum_provisioned_size"], 11);
    assert_eq!(image["source_volume"], Value::Null);
    let vm = api.boot(&api.subnet(), id, "");
    let volume = api.get(&format!("/v1/volumes/{}", vm.volume));
    assert_eq!(volume["source_image"]["id"], id);

    for (file, more, format) in [
        ("out.qcow2", "", "qcow2"),
        ("plain", " --format qcow2-plain", "qcow2"),
        ("out.raw", "", "raw"),
        ("out.vhd", "", "vpc"),
    ] {
        let made = json(&home, &format!("disk export {id} {file}{more} --json"));
        assert_eq!(
            made["file"],
            home.path("").join(file).canonicalize().unwrap().to_str().unwrap()
        );
        assert_eq!(made["capacity_bytes"], 11_u64 << 30);
        let mode = std::fs::metadata(home.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        img(&home, &format!("compare -f raw -F {format} disk.raw {file}"));
    }
    img(&home, "check -f qcow2 out.qcow2");
    let held = std::fs::metadata(home.path("out.raw")).unwrap();
    let blocks = std::os::unix::fs::MetadataExt::blocks(&held);
    assert!(blocks * 512 < 8 << 20, "holes stay holes: {blocks} blocks");
    // What came out goes in again.
    for file in ["out.vhd", "out.raw"] {
        let name = file.replace('.', "-");
        let line = format!("disk import {file} --name {name} --operating-system {OS}");
        let output = command(&home, &line).output().unwrap();
        assert!(output.status.success(), "{line}");
        let id = String::from_utf8(output.stdout).unwrap();
        api.wait(&format!("/v1/images/{}", id.trim()), "available");
    }
    server.terminate();
}

#[test]
fn what_cannot_be_is_refused_by_name_and_leaves_nothing() {
    let (home, server) = region();
    let Some(()) = qcow2(&home) else { return };
    img(&home, "create -q -f qcow2 -b disk.raw -F raw over.qcow2");
    img(&home, "create -q -f qcow2 large.qcow2 251G");
    img(&home, "create -q -f qcow2 most.qcow2 250G");
    std::fs::write(home.path("empty.raw"), b"").unwrap();
    std::fs::write(home.path("cut.qcow2"), [b'Q'; 70]).unwrap();
    let refused = |line: &str, word: &str| {
        let said = refusal(&mut command(&home, line));
        assert!(said.contains(word), "{line}: no `{word}` in: {said}");
    };
    let import = |file: &str, more: &str, word: &str| {
        refused(&format!("disk import {file} --name bad --operating-system {OS}{more}"), word);
    };
    import("over.qcow2", "", "a backing file");
    import("large.qcow2", "", "251 GB");
    import("empty.raw", "", "empty");
    import("cut.qcow2", "", "not a qcow2 file");
    import("disk.qcow2", " --format vhd", "not a vhd file");
    import("absent.qcow2", "", "read absent.qcow2");
    import("data", " --format raw", "not a regular file");
    import("log", "", "does not say its format");
    import("disk.qcow2", " --account 0123456789abcdef0123456789abcdef", "no account");
    refused("disk import disk.qcow2 --name Bad! --operating-system debian-12-amd64", "name");
    refused("disk import disk.qcow2 --name bad --operating-system os-2", "os-2");
    refused(&format!("disk export r006-{} x.raw", "0".repeat(36)), "");

    let api = Api::of(&home, &server);
    let private = || api.get("/v1/images?visibility=private")["total_count"].clone();
    assert_eq!(private(), 0);
    let line = format!("disk import most.qcow2 --name most --operating-system {OS} --json");
    let most = json(&home, &line);
    assert_eq!(most["capacity_gb"], 250);
    // Names are taken once.
    refused(&line, "most");
    assert_eq!(private(), 1);

    // A file that is there stays as it is, and no draft is left.
    let id = most["id"].as_str().unwrap();
    std::fs::write(home.path("kept.raw"), b"mine").unwrap();
    refused(&format!("disk export {id} kept.raw"), "exists");
    refused(&format!("disk export {id} absent/x.raw"), "absent");
    assert_eq!(std::fs::read(home.path("kept.raw")).unwrap(), b"mine");
    assert_eq!(drafts(&home.path("")), 0);
    server.terminate();
}

fn drafts(folder: &Path) -> usize {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with('.')).count()
}

#[test]
fn the_work_ends_when_the_operator_goes() {
    let (home, server) = region();
    let Some(()) = qcow2(&home) else { return };
    let line = format!("disk import disk.qcow2 --name mine --operating-system {OS} --json");
    let made = json(&home, &line);
    // All the disk as data of a fixed vhd takes long enough to be interrupted, or is done before.
    let export = format!("disk export {} out --format vhd-fixed", made["id"].as_str().unwrap());
    let mut child =
        command(&home, &export).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the draft, or the file", || {
        (drafts(&home.path("")) > 0 || home.path("out").exists()).then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    until("no draft", || (drafts(&home.path("")) == 0).then_some(()));
    assert!(home.log().lines().all(|line| !line.contains("panicked")), "{}", home.log());
    server.terminate();
}
