//! Values: what is allowed, and how a wrong one is told.

use std::{fs::File, io::Read};

use serde_json::Value;

use crate::failure::{Failure, Outcome};

/// Largest file that is read for a value, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// `true` or `false`, in any case.
pub(crate) fn bool_of(text: &str) -> Result<bool, ()> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(()),
    }
}

/// The same of what `name` was given.
pub(crate) fn flag_of(name: &str, text: &str) -> Outcome<bool> {
    bool_of(text).map_err(|()| Failure::usage(format!("{name} takes true or false, not '{text}'")))
}

/// A whole number.
pub(crate) fn number_of(name: &str, text: &str) -> Outcome<i64> {
    text.parse().map_err(|_| Failure::usage(format!("{name} takes a whole number, not '{text}'")))
}

/// One of these, in any case; as it is spelled there.
pub(crate) fn choice_of(
    name: &str,
    text: &str,
    choices: &'static [&'static str],
) -> Outcome<&'static str> {
    choices.iter().copied().find(|one| one.eq_ignore_ascii_case(text)).ok_or_else(|| {
        let hint = super::nearest(&text.to_ascii_lowercase(), choices.iter().copied())
            .map(|near| format!("did you mean {near}?"));
        let message = format!("{name} takes {}, not '{text}'", choices.join(", "));
        Failure::Usage { message, hint, command: None }
    })
}

/// What stands between commas, empty parts left out.
pub(crate) fn list_of(texts: &[String]) -> Vec<String> {
    let parts = texts.iter().flat_map(|text| text.split(','));
    parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// JSON, or `@` and a file of it.
pub(crate) fn json_of(name: &str, text: &str) -> Outcome<Value> {
    let json = read_at(text)?;
    serde_json::from_str(&json).map_err(|error| {
        let place = match text.strip_prefix('@') {
            Some(file) => format!("the JSON in {file}"),
            None => format!("the JSON of {name}"),
        };
        let (line, column) = (error.line(), error.column());
        let why = error.to_string();
        let why = why.split(" at line ").next().unwrap_or_default();
        Failure::hinted(
            format!("{place} cannot be read: line {line}, column {column}: {why}"),
            format!("give {name} JSON in single quotes, or @FILE"),
        )
    })
}

/// The text itself, or what is in the file after `@`.
pub(crate) fn read_at(text: &str) -> Outcome<String> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let cannot = |why: String| {
        Failure::hinted(
            format!("cannot read the file '{path}': {why}"),
            "after @ comes the path of a file",
        )
    };
    let mut read = String::new();
    let file = File::open(path).map_err(|error| cannot(why(&error)))?;
    let mut limited = file.take(FILE_BYTES_MAX + 1);
    limited.read_to_string(&mut read).map_err(|error| cannot(why(&error)))?;
    if read.len() as u64 > FILE_BYTES_MAX {
        return Err(cannot(format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok(read)
}

fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is none".to_owned(),
        std::io::ErrorKind::PermissionDenied => "you may not read it".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not text".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_json_is_told_by_line_and_column() {
        let said =
            json_of("--boot-volume", "{\"name\": \"a\",\n \"b\" 1}").unwrap_err().to_string();
        assert!(said.contains("line 2, column 6"), "{said}");
        assert!(said.contains("--boot-volume"), "{said}");
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let at = format!("@{}", path.display());
        for (bytes, good) in [(FILE_BYTES_MAX, true), (FILE_BYTES_MAX + 1, false)] {
            std::fs::write(&path, vec![b'a'; usize::try_from(bytes).unwrap()]).unwrap();
            assert_eq!(read_at(&at).is_ok(), good, "{bytes}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(read_at(&at).unwrap_err().to_string().contains("there is none"));
        assert_eq!(read_at("plain").unwrap(), "plain");
    }

    #[test]
    fn a_choice_is_taken_in_any_case_and_a_near_one_is_told() {
        let choices = &["public", "private"];
        assert_eq!(choice_of("visibility", "Private", choices).unwrap(), "private");
        let lines = choice_of("visibility", "privte", choices).unwrap_err().lines();
        assert!(lines.iter().any(|line| line.contains("did you mean private?")), "{lines:?}");
    }

    #[test]
    fn lists_have_commas() {
        assert_eq!(list_of(&["a, b,".to_owned(), "c".to_owned()]), ["a", "b", "c"]);
    }
}
