//! The page on what is promised of stored bytes names tests: they must exist.

use std::{collections::BTreeSet, path::Path};

use anyhow::Context;

use super::Findings;
use crate::{files::SourceFile, shape::functions, source::Source};

const PAGE: &str = "docs/durability.md";
/// The column of the table that names tests.
const TESTS: usize = 3;
/// Invariants of the engine.
const INVARIANTS: u32 = 29;

pub fn check(root: &Path, sources: &[SourceFile]) -> anyhow::Result<Findings> {
    let page = std::fs::read_to_string(root.join(PAGE)).with_context(|| format!("read {PAGE}"))?;
    let mut known = BTreeSet::new();
    for file in sources.iter().filter(|file| file.is_rust()) {
        known.extend(functions(&Source::new(&file.text)).into_iter().map(|one| one.name));
    }
    Ok(against(&page, &known))
}

fn against(page: &str, known: &BTreeSet<String>) -> Findings {
    let mut found = Findings::default();
    let (mut rows, mut names) = (BTreeSet::new(), 0);
    for row in page.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (Some(number), Some(tests)) = (cells.get(1), cells.get(TESTS)) else { continue };
        let Ok(number) = number.parse::<u32>() else { continue };
        rows.insert(number);
        let named: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            found.wrong.push(format!("{PAGE}: invariant {number} names no test"));
        }
        names += named.len();
        for name in named.into_iter().filter(|name| !known.contains(*name)) {
            found
                .wrong
                .push(format!("{PAGE}: invariant {number} names `{name}`, which is no test"));
        }
    }
    let absent = (1..=INVARIANTS).filter(|number| !rows.contains(number));
    found.wrong.extend(absent.map(|number| format!("{PAGE}: invariant {number} has no row")));
    found.seen = format!("{} invariants, {names} tests", rows.len());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(last: &str) -> String {
        let row = |n: u32| format!("| {n} | it holds | `it_holds` | engine |\n");
        (1..INVARIANTS).map(row).collect::<String>() + last
    }

    #[test]
    fn every_invariant_has_a_row_with_tests_that_exist() {
        let known = BTreeSet::from(["it_holds".to_owned()]);
        let wrong = |last: &str| against(&page(last), &known).wrong;
        assert!(wrong("| 29 | it holds | `it_holds`, `it_holds` | engine |").is_empty());
        assert_eq!(wrong("| 29 | it holds | `it_held` | engine |").len(), 1);
        assert_eq!(wrong("| 29 | it holds | | engine |").len(), 1);
        assert_eq!(wrong("").len(), 1, "a row is missing");
    }
}
