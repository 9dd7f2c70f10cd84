//! Lengths of files and functions: soft limits are reported, hard ones hold.

use super::{Findings, ratchet::Ratchet};
use crate::{
    files::SourceFile,
    shape::{functions, test_lines},
    source::Source,
};

const FILE_SOFT: usize = 400;
const FILE_HARD: usize = 800;
const FUNCTION_SOFT: usize = 50;
const FUNCTION_HARD: usize = 70;

/// Something measured: a file, or a function in a file.
#[derive(Debug, PartialEq, Eq)]
struct Measured {
    path: String,
    /// Empty for a file.
    name: String,
    lines: usize,
}

impl Measured {
    fn title(&self) -> String {
        if self.name.is_empty() {
            self.path.clone()
        } else {
            format!("{} fn {}", self.path, self.name)
        }
    }
}

pub fn check(sources: &[SourceFile], ratchet: &Ratchet) -> Findings {
    let (mut files, mut functions) = (Vec::new(), Vec::new());
    for source in sources.iter().filter(|s| s.is_rust()) {
        measure(source, &mut files, &mut functions);
    }
    let mut found = Findings {
        seen: format!("{} files, {} functions", files.len(), functions.len()),
        ..Findings::default()
    };
    let entries: Vec<_> = ratchet.file.iter().map(|f| (f.path.as_str(), "", f.lines)).collect();
    hold(&files, FILE_SOFT, FILE_HARD, &entries, &mut found);
    let entries: Vec<_> =
        ratchet.function.iter().map(|f| (f.path.as_str(), f.name.as_str(), f.lines)).collect();
    hold(&functions, FUNCTION_SOFT, FUNCTION_HARD, &entries, &mut found);
    found.seen.push_str(&format!(", {} over a soft limit", found.notes.len()));
    found
}

fn measure(file: &SourceFile, files: &mut Vec<Measured>, all: &mut Vec<Measured>) {
    let source = Source::new(&file.text);
    let tests = test_lines(&source);
    let total = file.text.lines().count();
    let in_tests: usize = tests.iter().map(|r| r.clone().count()).sum();
    let path = file.path.clone();
    files.push(Measured { path, name: String::new(), lines: total.saturating_sub(in_tests) });
    for function in functions(&source) {
        let (path, name) = (file.path.clone(), function.name);
        all.push(Measured { path, name, lines: function.code_lines });
    }
}

fn hold(
    measured: &[Measured],
    soft: usize,
    hard: usize,
    entries: &[(&str, &str, usize)],
    found: &mut Findings,
) {
    for one in measured.iter().filter(|m| m.lines > soft) {
        let entry = entries.iter().find(|(path, name, _)| *path == one.path && *name == one.name);
        let (title, lines) = (one.title(), one.lines);
        match entry {
            None if lines > hard => {
                found.wrong.push(format!("{title}: {lines} lines, at most {hard}"));
            }
            Some((_, _, most)) if lines > *most => {
                found.wrong.push(format!("{title}: {lines} lines, its exception ends at {most}"));
            }
            Some((_, _, most)) if lines > hard && lines < *most => {
                found.wrong.push(format!("{title}: {lines} lines, lower its exception to that"));
            }
            _ => found.notes.push(format!("{title}: {lines} lines")),
        }
    }
    for (path, name, _) in entries {
        let needed = measured.iter().any(|m| m.path == *path && m.name == *name && m.lines > hard);
        if !needed {
            let what = format!("{path} {name}");
            found.wrong.push(format!("{}: it needs no exception any more", what.trim_end()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(lines: usize) -> Vec<Measured> {
        vec![Measured { path: "a.rs".into(), name: "f".into(), lines }]
    }

    fn wrong(lines: usize, entries: &[(&str, &str, usize)]) -> usize {
        let mut found = Findings::default();
        hold(&one(lines), FUNCTION_SOFT, FUNCTION_HARD, entries, &mut found);
        found.wrong.len()
    }

    #[test]
    fn the_hard_limit_holds_at_both_sides() {
        assert_eq!(wrong(FUNCTION_HARD, &[]), 0);
        assert_eq!(wrong(FUNCTION_HARD + 1, &[]), 1);
    }

    #[test]
    fn an_exception_only_shrinks() {
        assert_eq!(wrong(90, &[("a.rs", "f", 90)]), 0);
        assert_eq!(wrong(91, &[("a.rs", "f", 90)]), 1, "it grew");
        assert_eq!(wrong(89, &[("a.rs", "f", 90)]), 1, "it must be lowered");
        assert_eq!(wrong(60, &[("a.rs", "f", 90)]), 1, "it is not needed");
        assert_eq!(wrong(40, &[("b.rs", "g", 90)]), 1, "it names nothing");
    }

    #[test]
    fn lines_of_test_modules_do_not_count() {
        let text = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(900));
        let file = SourceFile { path: "a.rs".into(), text };
        let (mut files, mut functions) = (Vec::new(), Vec::new());
        measure(&file, &mut files, &mut functions);
        assert_eq!(files[0].lines, 1);
    }
}
