//! Texts that are kept in files. `ECTYPE_GOLDEN=update` writes them anew.

use std::path::{Path, PathBuf};

/// Compares with a file under `tests/golden`.
pub fn hold(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    hold_at(&path, text);
}

/// Compares with a file.
pub fn hold_at(path: &Path, text: &str) {
    if std::env::var("ECTYPE_GOLDEN").is_ok_and(|how| how == "update") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == text,
        "{} is not this (ECTYPE_GOLDEN=update writes it):\n{text}",
        path.display()
    );
}

/// The text with what differs between runs made the same, letter for letter: ids, names that the
/// region made, moments.
pub fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:+".contains(c)));
            let (word, after) = match end {
                Some(0) => rest.split_at(rest.chars().next().unwrap().len_utf8()),
                Some(end) => rest.split_at(end),
                None => (rest, ""),
            };
            masked.push_str(&mask(word));
            rest = after;
        }
    }
    // Names of four words have no fixed width: the spaces around them say nothing.
    let squeeze = |line: &str| {
        let mut out = String::new();
        for c in line.trim_end().chars() {
            if !(c == ' ' && out.ends_with("   ")) {
                out.push(c);
            }
        }
        out
    };
    masked.lines().map(squeeze).collect::<Vec<_>>().join("\n") + "\n"
}

fn mask(word: &str) -> String {
    let hex = |text: &str| text.len() >= 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if hex(word) {
        return "ACCOUNT".to_owned();
    }
    if word.len() > 18 && word.as_bytes()[4] == b'-' && word.contains('T') && word.contains(':') {
        return "MOMENT".to_owned();
    }
    // A CRN: each part by itself.
    if word.contains(':') {
        return word.split(':').map(mask).collect::<Vec<_>>().join(":");
    }
    let parts: Vec<_> = word.split(['-', '_']).collect();
    let lengths: Vec<_> = parts.iter().rev().take(5).map(|part| part.len()).collect();
    // The id of a device is the end of one.
    let ends = parts
        .last()
        .is_some_and(|part| part.len() == 12 && part.bytes().all(|b| b.is_ascii_hexdigit()));
    if lengths == [12, 4, 4, 4, 8] || ends {
        return "ID".to_owned();
    }
    let letters =
        parts.iter().all(|part| part.len() > 2 && part.bytes().all(|b| b.is_ascii_lowercase()));
    if parts.len() == 4 && letters { "MADE-NAME".to_owned() } else { word.to_owned() }
}
