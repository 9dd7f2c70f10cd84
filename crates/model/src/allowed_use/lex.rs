//! A text becomes words, literals and signs.

use super::ExpressionError;

/// A part of an expression and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Int(u64),
    Float(f64),
    Text(String),
    Word(String),
    Sign(&'static str),
}

/// Longer ones first: `<=` is not `<` and `=`.
const SIGNS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")",
    "[", "]", ",", ".",
];

fn wrong<T>(at: usize, what: impl Into<String>) -> Result<T, ExpressionError> {
    Err(ExpressionError::Syntax { at, what: what.into() })
}

pub(super) fn lex(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let (what, length) = match next {
            ' ' | '\t' | '\n' | '\r' => {
                at += 1;
                continue;
            }
            '"' | '\'' => quoted(rest, at)?,
            '0'..='9' => number(rest, at)?,
            '_' | 'a'..='z' | 'A'..='Z' => {
                let word: String =
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let length = word.len();
                (What::Word(word), length)
            }
            _ => match SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
                Some(sign) => (What::Sign(sign), sign.len()),
                None => return wrong(at, format!("`{next}` has no meaning")),
            },
        };
        tokens.push(Token { at, what });
        at += length;
    }
    Ok(tokens)
}

fn number(rest: &str, at: usize) -> Result<(What, usize), ExpressionError> {
    let digits = |from: usize| rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = digits(0);
    let mut float = false;
    if rest[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
        float = true;
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
            float = true;
        }
    }
    let what = if float {
        match rest[..end].parse::<f64>() {
            Ok(number) if number.is_finite() => What::Float(number),
            _ => return wrong(at, "the number is too large"),
        }
    } else {
        match rest[..end].parse::<u64>() {
            Ok(number) => What::Int(number),
            Err(_) => return wrong(at, "the number is too large"),
        }
    };
    if rest[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return wrong(at + end, "a number ends here, and a word begins");
    }
    Ok((what, end))
}

/// A text in single or double quotes. Escapes: `\\`, `\'`, `\"`, `\n`, `\t`, `\r`, `\uXXXX`.
fn quoted(rest: &str, at: usize) -> Result<(What, usize), ExpressionError> {
    let mut chars = rest.char_indices();
    let quote = chars.next().map(|(_, c)| c);
    let mut text = String::new();
    while let Some((place, c)) = chars.next() {
        if Some(c) == quote {
            return Ok((What::Text(text), place + 1));
        }
        if c == '\n' || c == '\r' {
            break;
        }
        if c != '\\' {
            text.push(c);
            continue;
        }
        let escaped = match chars.next().map(|(_, c)| c) {
            Some(c @ ('\\' | '\'' | '"')) => Some(c),
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                let whole = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                whole
                    .then(|| u32::from_str_radix(&digits, 16).ok())
                    .flatten()
                    .and_then(char::from_u32)
            }
            _ => None,
        };
        match escaped {
            Some(c) => text.push(c),
            None => return wrong(at + place, "this escape has no meaning"),
        }
    }
    wrong(at, "a text begins that does not end")
}
