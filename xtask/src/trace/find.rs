//! Finds the tests that name a requirement.

use super::rows::Subject;
use crate::files::SourceFile;

/// A test and one thing that it names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// What it names.
    pub subject: Subject,
    /// Where it is: a path, and the test's name where it has one.
    pub title: String,
    /// Whether it drives a client that we did not write.
    pub outside: bool,
}

/// In a name, `s3` is the protocol of object stores; the requirement is named in documentation.
const OBJECT_STORE: Subject = Subject::Requirement('S', 3);

/// What drives clients that we did not write.
const OUTSIDE: [&str; 3] = ["conformance/", "demo", "scripts/demo/"];

/// Every naming in a file.
pub fn in_file(file: &SourceFile) -> Vec<Named> {
    let outside = OUTSIDE.iter().any(|place| file.path.starts_with(place));
    let found = if file.is_rust() { in_rust(file) } else { in_script(file) };
    found
        .into_iter()
        .map(|(subject, name)| {
            let path = &file.path;
            let title = if name.is_empty() { path.clone() } else { format!("{path}: {name}") };
            Named { subject, title, outside }
        })
        .collect()
}

fn in_rust(file: &SourceFile) -> Vec<(Subject, String)> {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let above = lines[..at]
            .iter()
            .rev()
            .take_while(|l| l.starts_with("///") || l.starts_with("#["))
            .collect::<Vec<_>>();
        let is_test =
            above.iter().any(|l| l.starts_with("#[test]") || l.starts_with("#[tokio::test"));
        if !is_test && !file.is_test() {
            continue;
        }
        let mut subjects = in_name(name);
        for doc in above.iter().filter_map(|l| l.strip_prefix("///")) {
            subjects.extend(leading(doc));
        }
        subjects.sort();
        subjects.dedup();
        found.extend(subjects.into_iter().map(|s| (s, name.to_owned())));
    }
    found
}

fn in_script(file: &SourceFile) -> Vec<(Subject, String)> {
    let mut found: Vec<(Subject, String)> = Vec::new();
    let mut name = String::new();
    for line in file.text.lines() {
        let trimmed = line.trim();
        if let Some(rest) =
            trimmed.strip_prefix("def ").or_else(|| trimmed.strip_prefix("async def "))
        {
            name = word(rest).to_owned();
            let bare = name.strip_prefix("test_").unwrap_or(&name);
            found.extend(in_name(bare).into_iter().map(|s| (s, name.clone())));
            continue;
        }
        if !line.is_empty() && !line.starts_with([' ', '\t', '#', ')', '"', '\'']) {
            name.clear();
        }
        let text = trimmed.trim_start_matches(['#', '"', '\'', 'r']);
        if text.len() < trimmed.len() {
            found.extend(leading(text).into_iter().map(|s| (s, name.clone())));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line;
    for prefix in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async ", "unsafe "] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    let name = word(rest.strip_prefix("fn ")?);
    (!name.is_empty()).then_some(name)
}

/// What stands before the first colon, when it is nothing but ids.
fn leading(text: &str) -> Vec<Subject> {
    let Some((before, _)) = text.split_once(':') else { return Vec::new() };
    let mut found = Vec::new();
    let mut invariants = false;
    for part in before.split([' ', ',']).filter(|p| !p.is_empty()) {
        match part {
            "and" | "engine" | "Engine" => {}
            "Invariant" | "Invariants" | "invariant" | "invariants" => invariants = true,
            _ => match (Subject::requirement(part), part.parse()) {
                (Some(subject), _) => found.push(subject),
                (None, Ok(number)) if invariants => found.push(Subject::Invariant(number)),
                _ => return Vec::new(),
            },
        }
    }
    found
}

/// The ids that a name begins with: `s13_s17_...`, `invariant_7_...`.
fn in_name(name: &str) -> Vec<Subject> {
    let mut found = Vec::new();
    let mut parts = name.split('_').peekable();
    while let Some(part) = parts.next() {
        if part == "invariant" {
            match parts.next().and_then(|n| n.parse().ok()) {
                Some(number) => found.push(Subject::Invariant(number)),
                None => break,
            }
        } else {
            match Subject::requirement(part) {
                Some(subject) if subject != OBJECT_STORE => found.push(subject),
                _ => break,
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = SourceFile { path: path.into(), text: text.into() };
        in_file(&file).into_iter().map(|n| format!("{} {}", n.subject, n.title)).collect()
    }

    #[test]
    fn documentation_of_a_rust_test_names_requirements() {
        let text = "/// S13, S17: no.\n#[tokio::test]\nasync fn refuses() {}\n\n/// S1: not a test.\nfn a() {}\n";
        assert_eq!(
            found("crates/a/src/b.rs", text),
            ["S13 crates/a/src/b.rs: refuses", "S17 crates/a/src/b.rs: refuses"]
        );
    }

    #[test]
    fn a_contract_suite_needs_no_attribute() {
        let text = "/// Invariants 7 and 12: as said.\npub async fn holds(store: &dyn Store) {}\n";
        assert_eq!(
            found("crates/testkit/src/a.rs", text),
            [
                "invariant 7 crates/testkit/src/a.rs: holds",
                "invariant 12 crates/testkit/src/a.rs: holds"
            ]
        );
    }

    #[test]
    fn names_count_only_at_their_start() {
        assert_eq!(
            in_name("s17_b3_running"),
            [Subject::Requirement('S', 17), Subject::Requirement('B', 3)]
        );
        assert_eq!(in_name("invariant_7_holds"), [Subject::Invariant(7)]);
        assert_eq!(in_name("bytes_s17"), []);
        assert_eq!(in_name("s3_keeps_objects"), []);
    }

    #[test]
    fn the_demo_and_conformance_drive_clients_of_others() {
        for (path, outside) in [
            ("scripts/demo/images.py", true),
            ("conformance/python/images.py", true),
            ("scripts/install-debian", false),
        ] {
            let file = SourceFile { path: path.into(), text: "# S1: image\n".into() };
            assert_eq!(in_file(&file)[0].outside, outside, "{path}");
        }
    }

    #[test]
    fn a_colon_after_other_words_names_nothing() {
        for text in [" The S17: x", " S17", " note: S17", " 7: x", ""] {
            assert_eq!(leading(text), [], "{text}");
        }
    }

    #[test]
    fn python_and_shell_name_them_too() {
        let text = "def test_boot():\n    \"\"\"S5: it boots.\"\"\"\n\n# S2: bytes\nx = 1\n";
        assert_eq!(
            found("conformance/a.py", text),
            ["S2 conformance/a.py: test_boot", "S5 conformance/a.py: test_boot"]
        );
        assert_eq!(found("demo", "#!/bin/sh\nx=1\n# S1: image\n"), ["S1 demo"]);
    }
}
