//! User tags.

use crate::{ApiError, ErrorCode, Fields};

/// Most user tags of a resource.
const TAGS_MAX: usize = 1_000;
/// Longest user tag, in characters.
const TAG_LEN_MAX: usize = 128;

/// Reads the field `user_tags`: lower-case, in order, each once.
pub(super) fn user_tags(f: &Fields<'_>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(texts) = f.texts("user_tags", TAGS_MAX)? else { return Ok(None) };
    let mut tags: Vec<String> = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        let tag = text.trim().to_ascii_lowercase();
        let fits = |b: u8| b.is_ascii_alphanumeric() || b" _-.:".contains(&b);
        if tag.is_empty() || tag.len() > TAG_LEN_MAX || !tag.bytes().all(fits) {
            return Err(f.error(
                ErrorCode::ValidationFailure,
                &format!("user_tags[{at}]"),
                "must have 1 to 128 letters, digits, blanks and _ - . :",
            ));
        }
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Ok(Some(tags))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::testing::{parse, seen};

    #[test]
    fn tags_are_lower_case_and_each_is_there_once() {
        let tags = parse(json!({"user_tags": ["Env:Dev", " env:dev ", "b"]}), |_, f| user_tags(f));
        assert_eq!(tags.unwrap(), Some(vec!["env:dev".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn tags_at_the_limits() {
        let read = |value| parse(json!({"user_tags": value}), |_, f| user_tags(f));
        assert!(read(json!(["a".repeat(128)])).is_ok());
        assert!(read(json!(vec!["a"; 1_000])).is_ok());
        assert_eq!(seen(read(json!(vec!["a"; 1_001]))).0, ErrorCode::ValidationMaxValue);
        for bad in ["", " ", "a,b", "é", &"a".repeat(129)] {
            let error = seen(read(json!(["ok", bad])));
            assert_eq!(error, (ErrorCode::ValidationFailure, "user_tags[1]".to_owned()), "{bad}");
        }
    }
}
