//! `ectype bench` as a program. What its figures are is no matter here.

use serde_json::Value;

use crate::{files::contains, process::Home};

fn bench(words: &[&str]) -> std::process::Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ectype"));
    command.arg("bench").args(words).output().unwrap()
}

#[test]
fn benchmarks_are_listed_and_an_unknown_one_is_refused() {
    let list = bench(&["--list"]);
    assert!(list.status.success());
    let list = String::from_utf8(list.stdout).unwrap();
    let names: Vec<_> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["start", "provision", "capture", "io", "api", "cli", "iam"]);
    let unknown = bench(&["speed"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(contains(&unknown.stderr, b"there are start, provision, capture, io, api, cli, iam"));
    assert_eq!(bench(&[]).status.code(), Some(2));
    assert_eq!(bench(&["start", "--runs", "0"]).status.code(), Some(2));
}

#[test]
fn every_benchmark_says_its_figures_in_json_and_leaves_nothing() {
    let home = Home::new();
    let folder = home.path("bench");
    std::fs::create_dir(&folder).unwrap();
    let dir = folder.to_str().unwrap();
    for (name, part, figures) in [
        ("start", None, 3),
        ("provision", None, 4),
        ("cli", None, 1),
        ("capture", Some("change"), 1),
        ("capture", Some("first"), 3),
        ("iam", Some("decide"), 2),
    ] {
        let mut words = vec![name, "--json", "--runs", "1", "--dir", dir];
        words.extend(["--size", "0.01", "--mib", "1"]);
        words.extend(part.iter().flat_map(|part| ["--only", *part]));
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ectype"));
        // No peer is found there, and the figure stands without.
        let output = command.arg("bench").args(words).env("PATH", "").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["name"], name);
        assert_eq!(report["figures"].as_array().unwrap().len(), figures, "{report}");
        for figure in report["figures"].as_array().unwrap() {
            assert!(figure["ours"]["median"].as_f64().unwrap() > 0.0, "{figure}");
            assert!(figure["met"].is_boolean() && figure["goal"].is_string(), "{figure}");
            let beside = figure["peer"]["name"].as_str().unwrap_or("ectype");
            assert!(figure["unit"].is_string() && beside.starts_with("ectype"), "{figure}");
        }
        let left = contains(&output.stderr, b"`qemu-img` is not installed");
        assert_eq!(left, name == "capture", "{part:?}");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn the_io_benchmark_says_what_is_missing_before_it_makes_anything() {
    let home = Home::new();
    let folder = home.path("bench");
    std::fs::create_dir(&folder).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ectype"));
    let command = command.args(["bench", "io", "--dir", folder.to_str().unwrap()]);
    let output = command.env("PATH", "").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(contains(&output.stderr, b"apt-get install fio"));
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}
