//! User tags.

use model::Tag;

use crate::{ApiError, ErrorCode, Fields};

/// Most user tags of a resource.
const TAGS_MAX: usize = 1_000;

/// Reads the field `user_tags`: lower-case, in order, each once.
pub(super) fn user_tags(f: &Fields<'_>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(texts) = f.texts("user_tags", TAGS_MAX)? else { return Ok(None) };
    let mut tags: Vec<String> = Vec::with_capacity(texts.len());
    let mut seen = std::collections::HashSet::new();
    for (at, text) in texts.iter().enumerate() {
        let tag = Tag::parse(text).map_err(|_| {
            f.error(
                ErrorCode::ValidationFailure,
                &format!("user_tags[{at}]"),
                "must have 1 to 128 letters, digits, blanks and _ - . :",
            )
        })?;
        if seen.insert(tag.clone()) {
            tags.push(tag.to_string());
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
