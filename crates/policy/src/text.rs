//! Comparisons of texts, read once from a policy's attribute.
//!
//! Patterns are case-sensitive: `*` stands for any characters, `?` for one, `{{*}}` and `{{?}}`
//! for themselves. Invariant: a comparison takes time by the product of both lengths at most.

use model::{Attribute, AttributeValue, Operator, Piece, Wildcard};

/// What a text must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// This text.
    Is(Box<str>),
    /// A text of this pattern.
    Like(Wildcard),
    /// One of these.
    AnyOf(Box<[TextTest]>),
    /// Some text, or none at all.
    Exists(bool),
}

impl TextTest {
    /// The comparison of an attribute; none when it has no texts to compare.
    pub(crate) fn of(attribute: &Attribute) -> Option<Self> {
        let equals = |text: &str| {
            // Seen in IBM's samples: `*` under the default operator.
            if text == "*" { Self::Exists(true) } else { Self::Is(text.into()) }
        };
        Some(match (attribute.operator, &attribute.value) {
            (Operator::StringEquals, AttributeValue::Text(text)) => equals(text),
            (Operator::StringMatch, AttributeValue::Text(text)) => Self::pattern(text),
            (Operator::StringEqualsAnyOf, AttributeValue::Many(texts)) => {
                Self::AnyOf(texts.iter().map(|t| equals(t)).collect())
            }
            (Operator::StringMatchAnyOf, AttributeValue::Many(texts)) => {
                Self::AnyOf(texts.iter().map(|t| Self::pattern(t)).collect())
            }
            (Operator::StringExists, AttributeValue::Flag(there)) => Self::Exists(*there),
            _ => return None,
        })
    }

    /// The comparison with an access tag: `key:` and what the value must be, in small letters.
    pub(crate) fn of_tag(attribute: &Attribute) -> Option<Self> {
        let AttributeValue::Text(value) = &attribute.value else { return None };
        let (key, value) = (attribute.key.to_ascii_lowercase(), value.to_ascii_lowercase());
        match attribute.operator {
            Operator::StringEquals => Some(Self::Is(format!("{key}:{value}").into())),
            Operator::StringMatch => {
                let mut pattern = Wildcard::default();
                key.chars().chain([':']).for_each(|c| pattern.push_exact(Piece::Char(c)));
                match Self::pattern(&value) {
                    Self::Is(text) => return Some(Self::Is(format!("{key}:{text}").into())),
                    Self::Exists(_) => pattern.push_exact(Piece::Any),
                    Self::Like(rest) => {
                        rest.pieces().iter().for_each(|p| pattern.push_exact(p.clone()));
                    }
                    Self::AnyOf(_) => return None,
                }
                Some(Self::Like(pattern))
            }
            _ => None,
        }
    }

    fn pattern(text: &str) -> Self {
        let mut pattern = Wildcard::default();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let escaped = [("{{*}}", '*'), ("{{?}}", '?')];
            if let Some((mark, c)) = escaped.into_iter().find(|(mark, _)| rest.starts_with(mark)) {
                pattern.push_exact(Piece::Char(c));
                rest = &rest[mark.len()..];
                continue;
            }
            rest = &rest[c.len_utf8()..];
            pattern.push_exact(match c {
                '*' => Piece::Any,
                '?' => Piece::One,
                other => Piece::Char(other),
            });
        }
        match pattern.literal() {
            Some(text) => Self::Is(text.into()),
            None if pattern.is_anything() => Self::Exists(true),
            None => Self::Like(pattern),
        }
    }

    /// Whether a value passes; none stands for an attribute that is not there.
    #[must_use]
    pub fn passes(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (Self::Exists(there), value) => *there == value.is_some(),
            (Self::Is(text), Some(value)) => **text == *value,
            (Self::Like(pattern), Some(value)) => pattern.matches_exact(value),
            (Self::AnyOf(tests), value) => tests.iter().any(|test| test.passes(value)),
            (Self::Is(_) | Self::Like(_), None) => false,
        }
    }

    /// Whether any value passes.
    pub(crate) fn is_anything(&self) -> bool {
        matches!(self, Self::Exists(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str) -> TextTest {
        TextTest::pattern(text)
    }

    #[test]
    fn stars_and_question_marks_are_case_sensitive() {
        for (pattern, yes, no) in [
            ("r006-*", "r006-1", "R006-1"),
            ("*-1", "r006-1", "r006-2"),
            ("r?06", "r006", "r06"),
            ("a{{*}}b*", "a*bc", "axbc"),
            ("a{{?}}", "a?", "ab"),
            ("*é*", "xéx", "xex"),
            ("abc", "abc", "abcd"),
        ] {
            assert!(like(pattern).passes(Some(yes)), "{pattern} {yes}");
            assert!(!like(pattern).passes(Some(no)), "{pattern} {no}");
            assert!(!like(pattern).passes(None), "{pattern}");
        }
        assert_eq!(like("**"), TextTest::Exists(true));
        assert_eq!(like("a{{*}}"), TextTest::Is("a*".into()));
    }

    #[test]
    fn a_star_under_the_default_operator_stands_for_any() {
        let any = TextTest::of(&Attribute::equals("imageId", "*")).unwrap();
        assert!(any.passes(Some("NEWRESOURCE")) && !any.passes(None));
        let plain = TextTest::of(&Attribute::equals("imageId", "r006-*")).unwrap();
        assert!(plain.passes(Some("r006-*")) && !plain.passes(Some("r006-1")));
    }

    #[test]
    fn a_tag_is_compared_in_small_letters() {
        let tag = TextTest::of_tag(&Attribute::equals("Project", "X")).unwrap();
        assert!(tag.passes(Some("project:x")) && !tag.passes(Some("project:y")));
        let pattern =
            Attribute { operator: Operator::StringMatch, ..Attribute::equals("env", "d*") };
        let tag = TextTest::of_tag(&pattern).unwrap();
        assert!(tag.passes(Some("env:dev")) && !tag.passes(Some("env:prod")));
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = like(&"*a".repeat(400));
        assert!(!pattern.passes(Some(&format!("{}b", "a".repeat(399)))));
    }
}
