//! `cargo xtask fuzz`: runs the targets of `fuzz/`, each for a time.
//!
//! What is found new lies in `fuzz/corpus/<target>` and is not kept; `--keep` adds to the corpora
//! of the crates what covers code that nothing kept covers. Those are replayed by plain tests.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use anyhow::Context;

/// A target, and the kept corpora that it starts from; what is kept new goes into the first.
const TARGETS: [(&str, &[&str]); 8] = [
    ("journal", &["blocks/journal", "blocks/checkpoint", "blocks/header"]),
    ("manifest", &["blocks/small"]),
    ("nbd", &["export/options", "export/request"]),
    ("nbd_session", &["export/session"]),
    ("node", &["blocks/node", "blocks/record"]),
    ("pack", &["blocks/pack"]),
    ("qcow2", &["formats/qcow2"]),
    ("vhd", &["formats/vhd"]),
];

/// What every target is held to: memory, time for one input, length of an input.
const LIMITS: [&str; 3] = ["-rss_limit_mb=2048", "-timeout=10", "-max_len=65536"];

/// Longest input that is kept, in bytes: corpora are part of the source.
const KEPT_BYTES_MAX: u64 = 8 * 1024;

pub struct Options {
    pub seconds: u64,
    pub only: Vec<String>,
    pub keep: bool,
}

pub fn run(root: &Path, options: &Options) -> anyhow::Result<ExitCode> {
    if !is_installed() {
        println!("fuzz: left out, cargo-fuzz is not installed (cargo install --locked cargo-fuzz)");
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = |name: &str| options.only.is_empty() || options.only.iter().any(|o| o == name);
    let mut failed = Vec::new();
    for (target, kept) in TARGETS.iter().filter(|(name, _)| chosen(name)) {
        let found = root.join("fuzz/corpus").join(target);
        std::fs::create_dir_all(&found).with_context(|| format!("make {}", found.display()))?;
        let kept: Vec<_> = kept.iter().map(|path| folder(root, path)).collect();
        let mut fuzzer = Command::new("cargo");
        fuzzer.current_dir(root).args(["fuzz", "run", "--sanitizer", "none", target]);
        if options.keep {
            fuzzer.args(&kept[..1]).arg(&found).args(["--", "-merge=1"]);
            fuzzer.arg(format!("-max_len={KEPT_BYTES_MAX}"));
        } else {
            fuzzer.arg(&found).args(&kept).arg("--").args(LIMITS);
            fuzzer.arg(format!("-max_total_time={}", options.seconds));
        }
        println!("fuzz {target}");
        if !fuzzer.status().context("start cargo fuzz")?.success() {
            failed.push(*target);
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("failed: {}; the input lies in fuzz/artifacts", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn folder(root: &Path, path: &str) -> std::path::PathBuf {
    let (of, name) = path.split_once('/').unwrap_or((path, ""));
    root.join("crates").join(of).join("tests/corpus").join(name)
}

fn is_installed() -> bool {
    let mut asked = Command::new("cargo");
    asked.args(["fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
    }

    #[test]
    fn every_target_has_its_corpora() {
        for (target, kept) in TARGETS {
            assert!(top().join(format!("fuzz/fuzz_targets/{target}.rs")).exists(), "{target}");
            for path in kept {
                let files = std::fs::read_dir(folder(&top(), path)).unwrap().count();
                assert!(files > 0, "{path}");
            }
        }
        let there = std::fs::read_dir(top().join("fuzz/fuzz_targets")).unwrap().count();
        assert_eq!(there, TARGETS.len(), "a target that is never run");
    }
}
