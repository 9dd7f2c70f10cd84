//! Names that say nothing, and work that was left lying.

use super::Findings;
use crate::{files::SourceFile, source::Source};

/// Modules of these names collect what has no place.
const BANNED: [&str; 5] = ["utils", "helpers", "manager", "common", "misc"];

pub fn check(sources: &[SourceFile]) -> Findings {
    let mut found = Findings { seen: format!("{} files", sources.len()), ..Findings::default() };
    for file in sources {
        let path = &file.path;
        if let Some(name) = banned(path) {
            found.wrong.push(format!("{path}: no module is called `{name}`"));
        }
        for (line, what) in left_lying(file) {
            found.wrong.push(format!("{path}:{line}: {what}"));
        }
    }
    found
}

fn banned(path: &str) -> Option<&str> {
    let parts = path.split('/').map(|p| p.split('.').next().unwrap_or(p));
    parts.map(|p| p.trim_start_matches("ectype-")).find(|p| BANNED.contains(p))
}

fn left_lying(file: &SourceFile) -> Vec<(usize, &'static str)> {
    let comments = if file.is_rust() {
        Source::new(&file.text).comments
    } else {
        let after_hash = |l: &str| l.find('#').map_or(String::new(), |at| l[at..].to_owned());
        file.text.lines().map(after_hash).collect()
    };
    let mut found = Vec::new();
    for (at, comment) in comments.iter().enumerate() {
        if let Some((_, rest)) = comment.split_once(concat!("TO", "DO"))
            && !has_issue(rest)
        {
            found.push((at + 1, "work to be done needs an issue: (#123) right after the word"));
        }
        if comment.contains(concat!("todo", "!(")) || comment.contains("unimplemented!(") {
            found.push((at + 1, "code that is not there yet, commented out"));
        }
    }
    found
}

fn has_issue(rest: &str) -> bool {
    rest.strip_prefix("(#").is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lying(path: &str, text: &str) -> usize {
        left_lying(&SourceFile { path: path.into(), text: text.into() }).len()
    }

    #[test]
    fn modules_with_names_that_say_nothing_are_found() {
        assert_eq!(banned("crates/base/src/utils.rs"), Some("utils"));
        assert_eq!(banned("crates/ectype-common/src/lib.rs"), Some("common"));
        assert_eq!(banned("crates/base/src/common/a.rs"), Some("common"));
        assert_eq!(banned("crates/base/src/commons.rs"), None);
    }

    #[test]
    fn work_left_lying_needs_an_issue() {
        let word = concat!("TO", "DO");
        assert_eq!(lying("a.rs", &format!("// {word}: later\n")), 1);
        assert_eq!(lying("a.rs", &format!("// {word}(#12): later\n")), 0);
        assert_eq!(lying("a.rs", &format!("let a = \"{word}\";\n")), 0);
        assert_eq!(lying("a.py", &format!("x = 1  # {word} later\n")), 1);
        assert_eq!(lying("a.rs", &format!("// {}!()\n", "todo")), 1);
    }
}
