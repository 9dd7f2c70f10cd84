//! The table that `docs/coverage.md` holds.

use std::fmt::Write;

use super::{
    find::Named,
    rows::{Requirement, Rows, Subject},
};

/// The whole file.
pub fn table(rows: &Rows, tests: &[Named]) -> String {
    let mut out = String::from(
        "# Coverage\n\nWritten by `cargo xtask trace`; do not edit. *Served*: one of our tests \
         names the requirement, and so does a run of a client that we did not write. *Tested*: \
         our tests do. A row served in part says which part.\n\n",
    );
    let _ = writeln!(out, "{}\n", summary(rows, tests));
    out.push_str("| id | requirement | state | named by |\n|---|---|---|---|\n");
    for row in &rows.requirement {
        let Some(subject) = row.subject() else { continue };
        let named = naming(tests, &subject);
        let (id, text) = (&row.id, &row.text);
        let state = state(row, &named);
        let _ = writeln!(out, "| {id} | {text} | {state} | {} |", titles(&named));
    }
    out.push_str("\n## The engine's invariants\n\n| id | invariant | named by |\n|---|---|---|\n");
    for row in &rows.invariant {
        let named = naming(tests, &Subject::Invariant(row.id));
        let _ = writeln!(out, "| {} | {} | {} |", row.id, row.text, titles(&named));
    }
    out
}

/// How many rows are in which state.
pub fn summary(rows: &Rows, tests: &[Named]) -> String {
    let (mut served, mut part, mut tested, mut open) = (0, 0, 0, 0);
    for row in &rows.requirement {
        let named = row.subject().map(|s| naming(tests, &s)).unwrap_or_default();
        match (named.is_empty(), &row.part, is_served(&named)) {
            (true, ..) => open += 1,
            (false, Some(_), _) => part += 1,
            (false, None, true) => served += 1,
            (false, None, false) => tested += 1,
        }
    }
    let attacked = rows
        .invariant
        .iter()
        .filter(|row| !naming(tests, &Subject::Invariant(row.id)).is_empty())
        .count();
    format!(
        "{} requirements: {served} served, {tested} tested, {part} in part, {open} open; \
         {attacked} of {} invariants attacked.",
        rows.requirement.len(),
        rows.invariant.len()
    )
}

fn naming<'a>(tests: &'a [Named], subject: &Subject) -> Vec<&'a Named> {
    let mut named: Vec<_> = tests.iter().filter(|t| t.subject == *subject).collect();
    named.sort();
    named.dedup();
    named
}

fn is_served(named: &[&Named]) -> bool {
    named.iter().any(|t| t.outside) && named.iter().any(|t| !t.outside)
}

fn state(row: &Requirement, named: &[&Named]) -> String {
    let word = match (named.is_empty(), is_served(named)) {
        (true, _) => return "open".to_owned(),
        (false, true) => "served",
        (false, false) => "tested",
    };
    match &row.part {
        Some(part) => format!("{word} in part: {part}"),
        None => word.to_owned(),
    }
}

fn titles(named: &[&Named]) -> String {
    named.iter().map(|t| format!("`{}`", t.title)).collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(outside: bool) -> Named {
        Named { subject: Subject::Requirement('S', 1), title: "t".into(), outside }
    }

    fn rows(part: &str) -> Rows {
        Rows::parse(&format!("[[requirement]]\nid = \"S1\"\ntext = \"x\"\n{part}")).unwrap()
    }

    #[test]
    fn a_row_is_served_by_us_and_by_an_outside_client() {
        let line = |tests: &[Named]| summary(&rows(""), tests);
        assert!(line(&[]).contains("0 served, 0 tested, 0 in part, 1 open"));
        assert!(line(&[named(false)]).contains("0 served, 1 tested"));
        assert!(line(&[named(true)]).contains("0 served, 1 tested"));
        assert!(line(&[named(false), named(true)]).contains("1 served"));
    }

    #[test]
    fn a_part_is_said() {
        let table = table(&rows("part = \"API only\"\n"), &[named(false)]);
        assert!(table.contains("| S1 | x | tested in part: API only | `t` |"), "{table}");
    }
}
