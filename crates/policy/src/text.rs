//! Comparisons of texts, read once from a policy's attribute.
//!
//! Patterns are case-sensitive: `*` stands for any characters, `?` for one, `{{*}}` and `{{?}}`
//! for themselves. Invariant: a comparison takes time by the product of both lengths at most.

use model::{Attribute, AttributeValue, Operator};

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternPiece {
    /// Exactly this text.
    Text(Box<str>),
    /// Any characters, also none.
    Any,
    /// One character.
    One,
}

/// What a text must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// This text.
    Is(Box<str>),
    /// A text of this pattern.
    Like(Box<[PatternPiece]>),
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
                let mut pieces = vec![PatternPiece::Text(format!("{key}:").into())];
                match Self::pattern(&value) {
                    Self::Is(text) => return Some(Self::Is(format!("{key}:{text}").into())),
                    Self::Exists(_) => pieces.push(PatternPiece::Any),
                    Self::Like(rest) => pieces.extend(rest),
                    Self::AnyOf(_) => return None,
                }
                Some(Self::Like(pieces.into()))
            }
            _ => None,
        }
    }

    fn pattern(text: &str) -> Self {
        let mut pieces: Vec<PatternPiece> = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        let flush = |literal: &mut String, pieces: &mut Vec<PatternPiece>| {
            if !literal.is_empty() {
                pieces.push(PatternPiece::Text(std::mem::take(literal).into()));
            }
        };
        while let Some(c) = rest.chars().next() {
            let escaped = [("{{*}}", '*'), ("{{?}}", '?')];
            if let Some((mark, c)) = escaped.into_iter().find(|(mark, _)| rest.starts_with(mark)) {
                literal.push(c);
                rest = &rest[mark.len()..];
                continue;
            }
            rest = &rest[c.len_utf8()..];
            match c {
                '*' => {
                    flush(&mut literal, &mut pieces);
                    if pieces.last() != Some(&PatternPiece::Any) {
                        pieces.push(PatternPiece::Any);
                    }
                }
                '?' => {
                    flush(&mut literal, &mut pieces);
                    pieces.push(PatternPiece::One);
                }
                other => literal.push(other),
            }
        }
        flush(&mut literal, &mut pieces);
        match &pieces[..] {
            [PatternPiece::Any] => Self::Exists(true),
            [PatternPiece::Text(text)] => Self::Is(text.clone()),
            [] => Self::Is("".into()),
            _ => Self::Like(pieces.into()),
        }
    }

    /// Whether a value passes; none stands for an attribute that is not there.
    #[must_use]
    pub fn passes(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (Self::Exists(there), value) => *there == value.is_some(),
            (Self::Is(text), Some(value)) => **text == *value,
            (Self::Like(pieces), Some(value)) => matches(pieces, value),
            (Self::AnyOf(tests), value) => tests.iter().any(|test| test.passes(value)),
            (Self::Is(_) | Self::Like(_), None) => false,
        }
    }

    /// Whether any value passes.
    pub(crate) fn is_anything(&self) -> bool {
        matches!(self, Self::Exists(true))
    }
}

/// One character of a pattern, or what stands for several.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Char(char),
    Any,
    One,
}

fn matches(pieces: &[PatternPiece], value: &str) -> bool {
    let mut steps = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            PatternPiece::Text(text) => steps.extend(text.chars().map(Step::Char)),
            PatternPiece::Any => steps.push(Step::Any),
            PatternPiece::One => steps.push(Step::One),
        }
    }
    let text: Vec<char> = value.chars().collect();
    let (mut at, mut step) = (0, 0);
    // Where the last star was, and how much it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match steps.get(step) {
            Some(Step::Any) => {
                star = Some((step, at));
                step += 1;
                continue;
            }
            Some(Step::One) => {
                (at, step) = (at + 1, step + 1);
                continue;
            }
            Some(Step::Char(c)) if *c == text[at] => {
                (at, step) = (at + 1, step + 1);
                continue;
            }
            Some(Step::Char(_)) | None => {}
        }
        let Some((star_step, taken)) = star else { return false };
        star = Some((star_step, taken + 1));
        (at, step) = (taken + 1, star_step + 1);
    }
    steps[step..].iter().all(|rest| *rest == Step::Any)
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
