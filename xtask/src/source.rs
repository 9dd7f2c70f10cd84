//! Rust source text with its strings and comments taken out.
//!
//! Not a parser: it knows just enough of the lexer to find braces and words that are code. Its
//! invariant: code and comments have the same number of lines as the text, and each character of
//! code stands where it stood.

/// Rust text, taken apart.
pub struct Source {
    /// The text with every comment and every literal's content as blanks.
    pub code: String,
    /// The comments alone, line by line; blank elsewhere.
    pub comments: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Code,
    LineComment,
    BlockComment(usize),
    Text,
    RawText(usize),
}

impl Source {
    /// Takes a text apart.
    pub fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut code = String::with_capacity(text.len());
        let mut comments = vec![String::new()];
        let mut state = In::Code;
        let mut at = 0;
        while at < chars.len() {
            let (next, length) = step(&chars, at, state);
            let comment = is_comment(state) || is_comment(next);
            for &c in &chars[at..at + length] {
                if c == '\n' {
                    code.push('\n');
                    comments.push(String::new());
                    continue;
                }
                let is_code = state == In::Code && next == In::Code;
                code.push(if is_code { c } else { ' ' });
                if comment && let Some(line) = comments.last_mut() {
                    line.push(c);
                }
            }
            at += length;
            state = next;
        }
        Self { code: blank_chars(&code), comments }
    }
}

fn is_comment(state: In) -> bool {
    matches!(state, In::LineComment | In::BlockComment(_))
}

fn starts(chars: &[char], at: usize, text: &str) -> bool {
    text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c))
}

/// The state after the next piece of text, and the length of the piece.
fn step(chars: &[char], at: usize, state: In) -> (In, usize) {
    match state {
        In::Code => step_code(chars, at),
        In::LineComment if chars[at] == '\n' => (In::Code, 1),
        In::LineComment => (state, 1),
        In::BlockComment(depth) if starts(chars, at, "/*") => (In::BlockComment(depth + 1), 2),
        In::BlockComment(1) if starts(chars, at, "*/") => (In::Code, 2),
        In::BlockComment(depth) if starts(chars, at, "*/") => (In::BlockComment(depth - 1), 2),
        In::BlockComment(_) => (state, 1),
        In::Text if chars[at] == '\\' => (state, 2.min(chars.len() - at)),
        In::Text if chars[at] == '"' => (In::Code, 1),
        In::Text => (state, 1),
        In::RawText(hashes) => {
            let closes = chars[at] == '"' && (1..=hashes).all(|i| chars.get(at + i) == Some(&'#'));
            if closes { (In::Code, 1 + hashes) } else { (state, 1) }
        }
    }
}

fn step_code(chars: &[char], at: usize) -> (In, usize) {
    if starts(chars, at, "//") {
        return (In::LineComment, 2);
    }
    if starts(chars, at, "/*") {
        return (In::BlockComment(1), 2);
    }
    if chars[at] == '"' {
        return (In::Text, 1);
    }
    let after_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    let raw = match chars[at] {
        'r' if !after_word => Some(at + 1),
        'b' | 'c' if !after_word && chars.get(at + 1) == Some(&'r') => Some(at + 2),
        _ => None,
    };
    if let Some(first) = raw {
        let hashes = chars[first..].iter().take_while(|c| **c == '#').count();
        if chars.get(first + hashes) == Some(&'"') {
            return (In::RawText(hashes), first + hashes + 1 - at);
        }
    }
    if chars[at] == '\'' {
        // A literal is code to the caller; its content is blanked afterwards.
        let length = match chars.get(at + 1) {
            Some('\\') => {
                chars[at + 2..].iter().skip(1).position(|c| *c == '\'').map_or(1, |close| close + 4)
            }
            Some(_) if chars.get(at + 2) == Some(&'\'') => 3,
            _ => 1,
        };
        return (In::Code, length);
    }
    (In::Code, 1)
}

/// Blanks the content of character literals: `'{'` is no brace.
fn blank_chars(code: &str) -> String {
    let chars: Vec<char> = code.chars().collect();
    let mut out = String::with_capacity(code.len());
    let mut at = 0;
    while at < chars.len() {
        let (_, length) = if chars[at] == '\'' { step_code(&chars, at) } else { (In::Code, 1) };
        let length = length.min(chars.len() - at);
        if length == 1 {
            out.push(chars[at]);
        } else {
            out.extend(chars[at..at + length].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        }
        at += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::new(text).code
    }

    #[test]
    fn strings_and_comments_are_blanked() {
        assert_eq!(code(r#"a "{ // \" " b"#), format!("a{}b", " ".repeat(12)));
        assert_eq!(code("a // {\nb").trim_end(), "a     \nb");
        assert!(!code("x /* { /* { */ { */ y").contains('{'));
        assert!(!code("r#\"{ \" {\"# ").contains('{'));
        assert!(!code("br\"{\"").contains('{'));
    }

    #[test]
    fn characters_and_lifetimes_are_told_apart() {
        assert!(!code("'{'").contains('{'));
        assert!(!code("'\\''; '{'").contains('{'));
        assert!(!code("'\\u{7b}'").contains('{'));
        assert_eq!(code("fn a<'x>(b: &'x str) {}"), "fn a<'x>(b: &'x str) {}");
    }

    #[test]
    fn raw_identifiers_and_words_ending_in_r_stay_code() {
        assert_eq!(code("r#type { }"), "r#type { }");
        assert!(!code("for\"{\"").contains('{'));
    }

    #[test]
    fn lines_stay_lines() {
        let text = "a\n/* b\nc */ \"d\ne\" f\n// g\n";
        let source = Source::new(text);
        assert_eq!(source.code.split('\n').count(), text.split('\n').count());
        assert_eq!(source.comments.len(), text.split('\n').count());
        assert_eq!(source.comments[1], "/* b");
        assert_eq!(source.comments[4], "// g");
        assert!(source.code.split('\n').nth(3).is_some_and(|l| l.trim() == "f"));
    }
}
