//! `cargo xtask trace`: requirements on the left, the tests that name them on the right.
//!
//! A test names a requirement at the start of its documentation (`/// S17: ...`, `/// S13, S15:
//! ...`, `/// Invariant 7: ...`) or of its name (`s17_...`, `invariant_7_...`). A requirement
//! counts as served when one of our tests names it and a client that we did not write (under
//! `conformance/`, `demo` or `scripts/demo/`) does too.

mod find;
mod rows;
mod write;

use std::{path::Path, process::ExitCode};

use anyhow::Context;

use crate::files;

const ROWS: &str = "docs/requirements.toml";
const COVERAGE: &str = "docs/coverage.md";

/// Writes the table, or only checks that it is up to date.
pub fn run(root: &Path, check: bool) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(root.join(ROWS)).with_context(|| format!("read {ROWS}"))?;
    let rows = rows::Rows::parse(&text).with_context(|| format!("parse {ROWS}"))?;
    let mut tests = Vec::new();
    for file in files::ours(root)? {
        tests.extend(find::in_file(&file));
    }
    let unknown: Vec<_> = tests.iter().filter(|t| !rows.has(&t.subject)).collect();
    for test in &unknown {
        println!("{} names {}, which {ROWS} does not have", test.title, test.subject);
    }
    let table = write::table(&rows, &tests);
    println!("{}", write::summary(&rows, &tests));
    let path = root.join(COVERAGE);
    if check {
        let now = std::fs::read_to_string(&path).unwrap_or_default();
        if now != table {
            println!("{COVERAGE} is stale: run `cargo xtask trace` and commit it");
            return Ok(ExitCode::FAILURE);
        }
    } else {
        std::fs::write(&path, table).with_context(|| format!("write {COVERAGE}"))?;
    }
    Ok(if unknown.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
